"""One CRM record: its property values, all text, and how each of them came to be."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.sandbox.hubspot.kinds import Kind
from connector.sandbox.hubspot.moments import write_moment

_LONGEST_HISTORY = 45


@dataclass(frozen=True)
class Source:
    """Who changed something."""

    type: str  #: "CRM_UI" for people, "INTEGRATION" for the API, "CALCULATED" for HubSpot itself
    id: str


@dataclass(frozen=True)
class Change:
    """One value a property had, from when and by whom."""

    value: str
    at: datetime
    source: Source

    def body(self) -> dict[str, Any]:
        """An entry of `propertiesWithHistory`."""
        return {
            "value": self.value,
            "timestamp": write_moment(self.at),
            "sourceType": self.source.type,
            "sourceId": self.source.id,
        }


@dataclass
class Record:
    """A deal, a company, a contact, a line item, a product, a task or a note."""

    kind: Kind
    id: str
    created_at: datetime
    updated_at: datetime
    values: dict[str, str] = field(default_factory=dict)
    history: dict[str, list[Change]] = field(default_factory=dict)  #: newest first
    archived_at: datetime | None = None
    merged_into: str | None = None

    @property
    def archived(self) -> bool:
        """Whether it lies in the recycling bin."""
        return self.archived_at is not None

    def put(self, name: str, value: str, at: datetime, source: Source) -> None:
        """Set a value and remember the change."""
        self.values[name] = value
        changes = self.history.setdefault(name, [])
        changes.insert(0, Change(value, at, source))
        del changes[_LONGEST_HISTORY:]

    def values_at(self, moment: datetime) -> dict[str, str]:
        """Its values as they were: what a search index that lags behind still knows."""
        known = {}
        for name, changes in self.history.items():
            value = next((one.value for one in changes if one.at <= moment), None)
            if value is not None:
                known[name] = value
        return known

    def body(self, names: Iterable[str] = (), with_history: Iterable[str] = ()) -> dict[str, Any]:
        """As HubSpot shows it with these properties; a property without a value is null."""
        wanted = list(dict.fromkeys([*(names or self.kind.shown), *self.kind.always]))
        shown: dict[str, Any] = {
            "id": self.id,
            "properties": {name: self.values.get(name) or None for name in sorted(wanted)},
            "createdAt": write_moment(self.created_at),
            "updatedAt": write_moment(self.updated_at),
            "archived": self.archived,
        }
        if self.archived_at is not None:
            shown["archivedAt"] = write_moment(self.archived_at)
        history = list(with_history)
        if history:
            shown["propertiesWithHistory"] = {
                name: [change.body() for change in self.history.get(name, ())] for name in history
            }
        return shown
