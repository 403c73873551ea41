"""The make-believe org: its records, kept so that a failed write leaves no trace and a finished one is heard of."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from connector.sandbox.clock import Clock
from connector.sandbox.salesforce.definitions import definitions
from connector.sandbox.salesforce.ids import new_id
from connector.sandbox.salesforce.schema import IDS, ObjectType, Schema
from connector.sandbox.salesforce.settings import Settings
from connector.sandbox.salesforce.values import Record

_Key = tuple[str, str]
_DEFINED = frozenset({"EntityDefinition", "FieldDefinition"})


@dataclass(frozen=True)
class Change:
    """What one finished unit of work did to one record; `before` is None for a new one, `after` for a removed one."""

    object: str
    id: str
    before: Record | None
    after: Record | None


class Org:
    """Records by object and id, behind one lock; a record's dict is never changed, only replaced."""

    def __init__(self, clock: Clock, settings: Settings | None = None) -> None:
        self.clock = clock
        self.settings = settings or Settings()
        self.schema = Schema()
        self.lock = threading.RLock()
        self.id = new_id("00D", 1)
        self.custom_metadata: dict[str, dict[str, object]] = {}  #: Object.Field__c -> its definition as it was given
        self._tables: dict[str, dict[str, Record]] = defaultdict(dict)
        self._children: dict[tuple[str, str], dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
        self._numbers: dict[str, int] = defaultdict(int)
        self._journals: list[dict[_Key, Record | None]] = []
        self._listeners: list[Callable[[list[Change]], None]] = []

    def now(self) -> datetime:
        """The org's present, to the whole second as Salesforce keeps it."""
        return self.clock.now().replace(microsecond=0)

    # -- reading

    def rows(self, object_name: str, *, deleted: bool = False) -> Iterable[Record]:
        """Every record of an object; soft-deleted ones only when asked for."""
        if object_name in _DEFINED:
            return definitions(self.schema, object_name)
        records = self._tables[object_name].values()
        return [one for one in records if deleted or not one.get("IsDeleted")]

    def row(self, object_name: str, record_id: str) -> Record | None:
        """One record, deleted or not; None when there never was one."""
        if object_name in _DEFINED:
            return next((one for one in self.rows(object_name) if one["Id"] == record_id), None)
        return self._tables[object_name].get(record_id)

    def children(self, object_name: str, field_name: str, parent_id: str) -> list[Record]:
        """The records whose reference points at this parent, in order of creation; deleted ones included."""
        table = self._tables[object_name]
        found = self._children[object_name, field_name].get(parent_id, {})
        return [table[one] for one in sorted(found) if one in table]

    def object_of(self, record_id: str) -> ObjectType | None:
        """The object that an id belongs to, by its prefix."""
        return next((one for one in self.schema.objects() if one.key_prefix == record_id[:3]), None)

    # -- writing

    def next_id(self, object_type: ObjectType) -> str:
        """A fresh id for an object."""
        self._numbers[object_type.key_prefix] += 1
        return new_id(object_type.key_prefix, self._numbers[object_type.key_prefix])

    def fresh_id(self, prefix: str) -> str:
        """A fresh id for something that is no record, such as a notification."""
        self._numbers[prefix] += 1
        return new_id(prefix, self._numbers[prefix])

    def put(self, object_name: str, record: Record) -> None:
        """Save a record as it now is, inside a unit of work."""
        self._replace((object_name, str(record["Id"])), record)

    def remove(self, object_name: str, record_id: str) -> None:
        """Make a record disappear without a trace, inside a unit of work."""
        self._replace((object_name, record_id), None)

    @contextmanager
    def unit(self) -> Iterator[None]:
        """All or nothing: an exception undoes every write inside; units nest, listeners hear of the outermost."""
        with self.lock:
            journal: dict[_Key, Record | None] = {}
            self._journals.append(journal)
            try:
                yield
            except BaseException:
                self._journals.pop()
                for key, before in journal.items():
                    self._set(key, before)
                raise
            self._journals.pop()
            if self._journals:
                outer = self._journals[-1]
                for key, before in journal.items():
                    outer.setdefault(key, before)
                return
            self._tell(journal)

    def on_change(self, listener: Callable[[list[Change]], None]) -> None:
        """Call `listener` with the changes of each finished unit of work, the lock held."""
        self._listeners.append(listener)

    def _tell(self, journal: dict[_Key, Record | None]) -> None:
        changes = [
            Change(name, record_id, before, self._tables[name].get(record_id))
            for (name, record_id), before in journal.items()
        ]
        if changes:
            for listener in self._listeners:
                listener(changes)

    def _replace(self, key: _Key, record: Record | None) -> None:
        if not self._journals:
            raise RuntimeError("Records change only inside a unit of work")
        self._journals[-1].setdefault(key, self._tables[key[0]].get(key[1]))
        self._set(key, record)

    def _set(self, key: _Key, record: Record | None) -> None:
        name, record_id = key
        before = self._tables[name].get(record_id) or {}
        after = record or {}
        for field in self.schema.get(name).fields.values():
            old, new = before.get(field.name), after.get(field.name)
            if field.type not in IDS or field.name == "Id" or old == new:
                continue
            index = self._children[name, field.name]
            if isinstance(old, str):
                index[old].pop(record_id, None)
            if isinstance(new, str):
                index[new][record_id] = None
        if record is None:
            self._tables[name].pop(record_id, None)
        else:
            self._tables[name][record_id] = record
