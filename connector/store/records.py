"""What each CRM record should show, what we last wrote there, and what waits to be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import psycopg
from sqlalchemy import ARRAY, Connection, Text, and_, bindparam, case, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from connector.domain.refs import RecordRef
from connector.domain.write_back import STAMP, RecordState, Values, decode, encode, loud
from connector.store.bulk_desire import desire_all
from connector.store.columns import storable
from connector.store.tables import billed_deal, crm_record

_LONGEST_ERROR = 2000

_MOST_TRIES = 12
_LONGEST_WAIT = timedelta(hours=1)
_REVIVED_AFTER = timedelta(hours=1)
_REVIVED_AT_LEAST_EVERY = timedelta(days=1)

_WAITING = and_(crm_record.c.differs, ~crm_record.c.parked)

# Built once and only filled in: SQLAlchemy takes longer to build a statement than Postgres to run it.
_MAKE = (
    insert(crm_record).values(ref=bindparam("of"), crm=bindparam("by"), desired={}, written={}).on_conflict_do_nothing()
)
_LOCK = (
    select(crm_record.c.ref, crm_record.c.desired, crm_record.c.written, crm_record.c.differs)
    .where(crm_record.c.ref == bindparam("of"))
    .with_for_update()
)
_FORGET = (
    update(crm_record)
    .where(crm_record.c.ref == bindparam("of"))
    .values(written=crm_record.c.written.op("-", return_type=JSONB)(bindparam("names", type_=ARRAY(Text))))
)


class PostgresRecords:
    """The table ``crm_record``. ``differs`` is worked out here, under the row lock, by the domain's own rule."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def desire(self, ref: RecordRef, values: Values) -> bool:
        """Merge values into what the record should show; True when something now differs from what was written.

        The stamp of the last write is never desired. A row that was parked is tried again once a value changes
        that would cause a write by itself.
        """
        row = self._locked(ref)
        before = _record(row)
        wanted = {name: value for name, value in values.items() if name != STAMP}
        now = RecordState(ref, {**before.desired, **wanted}, before.written)
        differs = bool(now.difference())
        if differs and row.differs and now.desired == before.desired:
            return True  # it waits to be written already, and nothing has come that would forgive its failures
        news = loud(now.desired) != loud(before.desired)
        self._connection.execute(
            update(crm_record)
            .where(crm_record.c.ref == ref)
            .values(desired=encode(now.desired), **_state(differs=differs, forgiven=news or not differs))
        )
        return differs

    def desire_all(self, values: Mapping[RecordRef, Values]) -> dict[RecordRef, bool]:
        """The same for many records at once, touching only those with news: a quiet change alone is none.

        Gives those that changed, and whether they now differ from what was written.
        """
        driver = cast("psycopg.Connection[Any]", self._connection.connection.driver_connection)
        return desire_all(driver, values)

    def waiting(self, crm: str, limit: int) -> list[RecordState]:
        """Records of one CRM that differ and may be written now, longest waiting first."""
        query = (
            select(crm_record.c.ref, crm_record.c.desired, crm_record.c.written)
            .where(crm_record.c.crm == crm, _WAITING, crm_record.c.not_before <= func.now())
            .order_by(crm_record.c.waiting_since, crm_record.c.ref)
            .limit(limit)
        )
        return [_record(row) for row in self._connection.execute(query)]

    def sending(self, states: Sequence[RecordState]) -> None:
        """Forget what was last written of the values that are about to be sent, so that they differ until told."""
        in_order = sorted(states, key=lambda state: state.ref)
        if rows := [{"of": state.ref, "names": sorted(state.difference())} for state in in_order]:
            self._connection.execute(_FORGET, rows)

    def written(self, ref: RecordRef, values: Values, at: datetime) -> None:
        """These values stand in the CRM now. What was desired meanwhile still differs."""
        before = _record(self._locked(ref))
        now = RecordState(ref, before.desired, {**before.written, **values})
        self._connection.execute(
            update(crm_record)
            .where(crm_record.c.ref == ref)
            .values(
                written=encode(now.written),
                written_at=at,
                **_state(differs=bool(now.difference()), forgiven=True),
            )
        )

    def written_at(self, refs: Sequence[RecordRef]) -> dict[RecordRef, datetime]:
        """When each of these was last written by us; those that never were are left out."""
        query = select(crm_record.c.ref, crm_record.c.written_at).where(
            crm_record.c.ref.in_(refs), crm_record.c.written_at.is_not(None)
        )
        return {row.ref: row.written_at for row in self._connection.execute(query)}

    def billed_and_written(
        self, crm: str, since: datetime, after: RecordRef | None, limit: int
    ) -> list[tuple[RecordRef, datetime]]:
        """Billed deals of one CRM that we last wrote at or after ``since``, and when, oldest write first.

        With ``after``, of those written at ``since`` itself only those behind it: so a page follows the one before.
        """
        at = crm_record.c.written_at
        begins = at >= since if after is None else or_(at > since, and_(at == since, crm_record.c.ref > after))
        query = (
            select(crm_record.c.ref, at)
            .join(billed_deal, billed_deal.c.deal == crm_record.c.ref)
            .where(crm_record.c.crm == crm, begins)
            .order_by(at, crm_record.c.ref)
            .limit(limit)
        )
        return [(row.ref, row.written_at) for row in self._connection.execute(query)]

    def failed(self, ref: RecordRef, error: str, *, retry_in: timedelta | None) -> None:
        """This row alone failed: try it again after ``retry_in``, or park it when None.

        The first few times at that pace, then after twice as long each time, at most an hour; at last it is parked. A
        parked row is revived after an hour, then after twice as long each time, at most a day.
        """
        parks = or_(literal(retry_in is None), crm_record.c.attempts + 1 >= _MOST_TRIES)
        slower = func.power(2, func.least(func.greatest(crm_record.c.attempts - 2, 0), 10))
        self._connection.execute(
            update(crm_record)
            .where(crm_record.c.ref == ref)
            .values(
                attempts=crm_record.c.attempts + 1,
                error=storable(error)[:_LONGEST_ERROR],
                parked=parks,
                not_before=func.now()
                + case(
                    (parks, func.least(_REVIVED_AFTER * slower, _REVIVED_AT_LEAST_EVERY)),
                    else_=func.greatest(
                        retry_in or _REVIVED_AFTER, func.least((retry_in or _REVIVED_AFTER) * slower, _LONGEST_WAIT)
                    ),
                ),
            )
        )

    def get(self, ref: RecordRef) -> RecordState | None:
        """One record's state; None when nothing was ever desired of it."""
        query = select(crm_record.c.ref, crm_record.c.desired, crm_record.c.written).where(crm_record.c.ref == ref)
        row = self._connection.execute(query).first()
        return None if row is None else _record(row)

    def parked(self, limit: int = 100) -> list[tuple[RecordRef, str]]:
        """Rows that wait for a person, with the CRM's reason, longest first."""
        query = (
            select(crm_record.c.ref, crm_record.c.error)
            .where(crm_record.c.parked)
            .order_by(crm_record.c.waiting_since, crm_record.c.ref)
            .limit(limit)
        )
        return [(ref, error) for ref, error in self._connection.execute(query)]

    def revive(self) -> list[str]:
        """Unpark rows whose time has come. Gives the CRMs that have rows to be written now."""
        come = and_(crm_record.c.parked, crm_record.c.not_before <= func.now())
        # Rows are locked in one order everywhere; those that somebody holds have their turn next time.
        rows = select(crm_record.c.ref).where(come).order_by(crm_record.c.ref).with_for_update(skip_locked=True)
        self._connection.execute(update(crm_record).where(crm_record.c.ref.in_(rows)).values(parked=False))
        due = select(crm_record.c.crm).where(_WAITING, crm_record.c.not_before <= func.now()).distinct()
        return sorted(self._connection.execute(due).scalars())

    def _locked(self, ref: RecordRef) -> Any:
        """The row, made if need be, and held until the transaction ends."""
        found = self._connection.execute(_LOCK, {"of": ref}).one_or_none()
        if found is None:
            self._connection.execute(_MAKE, {"of": ref, "by": ref.provider})
            found = self._connection.execute(_LOCK, {"of": ref}).one()
        return found


def _state(*, differs: bool, forgiven: bool) -> dict[str, Any]:
    """Columns that follow from whether the row differs; ``forgiven`` forgets earlier failures and their wait."""
    waiting_since = case(
        (and_(literal(differs), crm_record.c.waiting_since.is_not(None)), crm_record.c.waiting_since),
        (literal(differs), func.now()),
        else_=None,
    )
    state: dict[str, Any] = {"differs": differs, "waiting_since": waiting_since}
    if forgiven:
        state |= {
            "parked": False,
            "error": "",
            "attempts": 0,
            "not_before": case((crm_record.c.parked, func.now()), else_=crm_record.c.not_before),
        }
    return state


def _record(row: Any) -> RecordState:
    return RecordState(row.ref, decode(row.desired), decode(row.written))
