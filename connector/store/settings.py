"""Settings that admins change while we run, and the watermarks of polling."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from connector.store.audit import PostgresAudit
from connector.store.tables import setting, watermark


class PostgresSettings:
    """The tables ``setting`` and ``watermark``. Every change of a setting leaves a line in the audit."""

    def __init__(self, connection: Connection, audit: PostgresAudit) -> None:
        self._connection = connection
        self._audit = audit

    def get(self, name: str) -> Any:
        """The setting's value as it was put; None when nobody ever set it."""
        return self._connection.execute(select(setting.c.value).where(setting.c.name == name)).scalar_one_or_none()

    def put(self, name: str, value: Any, *, by: str, why: str = "") -> None:
        """Change a setting to any JSON value; who, why, before and after go to the audit."""
        query = select(setting.c.value).where(setting.c.name == name).with_for_update()
        before = self._connection.execute(query).scalar_one_or_none()
        new = insert(setting).values(name=name, value=value, changed_by=by)
        statement = new.on_conflict_do_update(
            index_elements=["name"],
            set_={"value": new.excluded.value, "changed_by": by, "changed_at": func.now()},
        ).returning(setting.c.changed_at)
        at = self._connection.execute(statement).scalar_one()
        self._audit.record("setting changed", name, {"by": by, "why": why, "before": before, "after": value}, at)

    def watermark(self, name: str) -> datetime | None:
        """Up to which moment a poll has seen everything."""
        return self._connection.execute(select(watermark.c.moment).where(watermark.c.name == name)).scalar_one_or_none()

    def set_watermark(self, name: str, moment: datetime) -> None:
        """Remember up to which moment a poll has seen everything; it may go back, to look again."""
        self._connection.execute(
            insert(watermark)
            .values(name=name, moment=moment)
            .on_conflict_do_update(index_elements=["name"], set_={"moment": moment})
        )
