"""The inbox: every verified event, stored once, in the body it came in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from connector.domain.inbox import EventKind, InboxEvent
from connector.store.columns import storable
from connector.store.tables import inbox

_COLUMNS = (
    inbox.c.source,
    inbox.c.event_id,
    inbox.c.kind,
    inbox.c.type,
    inbox.c.subject,
    inbox.c.occurred_at,
    inbox.c.body,
    inbox.c.problem,
)


class PostgresInbox:
    """The table ``inbox``: append-only, and unique by source and event id."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, event: InboxEvent, received_at: datetime) -> bool:
        """Store it; False when (source, event_id) is known already."""
        statement = (
            insert(inbox)
            .values(
                source=event.source,
                event_id=storable(event.event_id),
                kind=event.kind.value,
                type=storable(event.type),
                subject=event.subject,
                occurred_at=event.occurred_at,
                received_at=received_at,
                body=storable(event.body),
                problem=storable(event.problem),
            )
            .on_conflict_do_nothing()
            .returning(inbox.c.id)
        )
        return self._connection.execute(statement).first() is not None

    def recent(self, limit: int = 50, *, problems_only: bool = False) -> list[InboxEvent]:
        """The newest events first."""
        query = select(*_COLUMNS).order_by(inbox.c.id.desc()).limit(limit)
        if problems_only:
            query = query.where(inbox.c.problem != "")
        return [_event(row) for row in self._connection.execute(query)]

    def get(self, source: str, event_id: str) -> InboxEvent | None:
        """One event by its sender's own id."""
        query = select(*_COLUMNS).where(inbox.c.source == source, inbox.c.event_id == storable(event_id))
        row = self._connection.execute(query).first()
        return None if row is None else _event(row)


def _event(row: Sequence[Any]) -> InboxEvent:
    source, event_id, kind, kind_of_vendor, subject, occurred_at, body, problem = row
    return InboxEvent(source, event_id, EventKind(kind), kind_of_vendor, subject, occurred_at, body, problem)
