"""An org's opportunity stages in their order, asked for once and kept for a while."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime

from connector.crm.salesforce.connection import Connection
from connector.crm.salesforce.schema import KEEP
from connector.crm.salesforce.soql import stages_query
from connector.ports import Clock


class Stages:
    """Which stages come when, and which of them are open. Stages are known by API name: labels are translated."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[datetime, tuple[tuple[str, bool], ...]] | None = None

    def open_from(self, stages: Sequence[str]) -> tuple[str, ...]:
        """The open stages at or after the first of these; none where the org has none of them."""
        ordered = self._ordered()
        first = next((place for place, (name, _) in enumerate(ordered) if name in stages), len(ordered))
        return tuple(name for name, closed in ordered[first:] if not closed)

    def forget(self) -> None:
        """Ask again next time."""
        with self._lock:
            self._known = None

    def _ordered(self) -> tuple[tuple[str, bool], ...]:
        with self._lock:
            known = self._known
        if known is not None and self._clock() - known[0] < KEEP:
            return known[1]
        rows = self._connection.query(stages_query())
        ordered = tuple((str(row["ApiName"]), bool(row["IsClosed"])) for row in rows)
        with self._lock:
            self._known = (self._clock(), ordered)
        return ordered
