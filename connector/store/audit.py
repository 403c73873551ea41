"""The audit: what was decided and done, append-only, and sealed so that a later change shows.

Rows are chained after they are committed, by ``seal``, and not while they are written: a chain in the writing
transaction would make every transaction wait for every other. Until the seal falls a trigger guards the row; after
it the chain does, too, even from whoever may drop triggers, as long as the last seal is known elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from connector.ports import AuditProof
from connector.store.tables import audit

_SEAL_LOCK = 7_302_945_002
_FIRST = "0" * 64


class PostgresAudit:
    """The table ``audit``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, what: str, subject: str, detail: Mapping[str, Any], at: datetime) -> None:
        """Add one line: what happened, to what, and the evidence as JSON."""
        self._connection.execute(audit.insert().values(what=what, subject=subject, detail=dict(detail), at=at))

    def recent(self, limit: int = 50) -> list[Mapping[str, Any]]:
        """The newest lines first, each with what, subject, detail and at."""
        query = select(audit.c.what, audit.c.subject, audit.c.detail, audit.c.at).order_by(audit.c.id.desc())
        return [dict(row) for row in self._connection.execute(query.limit(limit)).mappings()]

    def seal(self, limit: int = 10_000) -> int:
        """Chain what is not chained yet, in the order of writing; one process at a time. Gives how many rows."""
        if not self._connection.execute(select(func.pg_try_advisory_xact_lock(_SEAL_LOCK))).scalar_one():
            return 0
        last = select(audit.c.seal_number, audit.c.seal).where(audit.c.seal_number.is_not(None))
        row = self._connection.execute(last.order_by(audit.c.seal_number.desc()).limit(1)).first()
        number, seal = (row.seal_number, row.seal) if row else (0, _FIRST)
        unsealed = select(audit).where(audit.c.seal.is_(None)).order_by(audit.c.id).limit(limit)
        rows = self._connection.execute(unsealed).all()
        for one in rows:
            number += 1
            seal = _seal_of(seal, number, one)
            self._connection.execute(update(audit).where(audit.c.id == one.id).values(seal_number=number, seal=seal))
        return len(rows)

    def verify(self) -> AuditProof:
        """Work out the chain again from its first row."""
        seal, sealed = _FIRST, 0
        query = select(audit).where(audit.c.seal_number.is_not(None)).order_by(audit.c.seal_number)
        for one in self._connection.execute(query.execution_options(yield_per=1000)):
            expected = _seal_of(seal, sealed + 1, one)
            if one.seal_number != sealed + 1 or one.seal != expected:
                return AuditProof(sealed, seal, sealed + 1)
            seal, sealed = expected, sealed + 1
        return AuditProof(sealed, seal, None)


def _seal_of(before: str, number: int, row: Any) -> str:
    """The hash of a row together with the seal before it."""
    content = [before, number, row.what, row.subject, row.detail, row.at.isoformat()]
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
