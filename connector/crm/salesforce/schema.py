"""What the org's objects look like to us, asked for once and kept for a while."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.crm.salesforce.connection import Connection
from connector.errors import NotFound
from connector.ports import Clock
from connector.sentences.salesforce import NOT_AN_OBJECT

KEEP = timedelta(hours=1)

_NAME = re.compile(r"[A-Za-z]\w{0,79}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ObjectShape:
    """One object's fields by API name, as describe tells them, and its parents by relationship name."""

    name: str
    fields: Mapping[str, Mapping[str, Any]]
    parents: Mapping[str, str]

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> ObjectShape:
        fields = {str(each["name"]): each for each in answer["fields"]}
        return cls(
            name=str(answer["name"]),
            fields=fields,
            parents={
                str(each["relationshipName"]): str(each["referenceTo"][0])
                for each in fields.values()
                if each.get("relationshipName") and each.get("referenceTo")
            },
        )


class Schema:
    """Describe answers, each kept for an hour. Only fields that the integration user may see are in them."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[datetime, ObjectShape]] = {}
        self._asking: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def shape(self, name: str) -> ObjectShape:
        """One object's shape. Raises NotFound when the org has no such object, or hides it from us."""
        if _NAME.fullmatch(name) is None:
            raise NotFound.because(NOT_AN_OBJECT, provider="salesforce")
        with self._lock:
            asking = self._asking[name]
        with asking:  # one thread asks; the others wait for its answer
            with self._lock:
                known = self._known.get(name)
            if known is not None and self._clock() - known[0] < KEEP:
                return known[1]
            shape = ObjectShape.read(self._connection.get(f"sobjects/{name}/describe"))
            with self._lock:
                self._known[name] = (self._clock(), shape)
            return shape

    def forget(self) -> None:
        """Ask again next time: a field was added, or was not where we thought."""
        with self._lock:
            self._known.clear()

    def has_path(self, path: str) -> bool:
        """Whether ``Object.Relation.Field`` leads to a field we can see."""
        name, *steps = path.split(".")
        try:
            shape = self.shape(name)
            for relation in steps[:-1]:
                if relation not in shape.parents:
                    return False
                shape = self.shape(shape.parents[relation])
        except NotFound:
            return False
        return bool(steps) and steps[-1] in shape.fields
