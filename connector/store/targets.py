"""Targets: what is dirty, what runs, what waits and what is parked.

The row lock comes first, and only then the wake-up, both in the caller's transaction. A wake-up is needed
only when a Target turns dirty: if it was dirty already, somebody waits or runs for it, and ``finish`` reads ``seq``
again under the same lock and sends the runner round once more. ``sweep`` is the net below all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, and_, case, func, literal, or_, select, update

from connector.ports import ParkedTarget, TargetCounts
from connector.store.columns import storable
from connector.store.marking import NOBODY, Wake, mark, wake
from connector.store.tables import target as targets
from connector.targets import Target, TargetKind

_SWEEP_LOCK = 7_302_945_001
_LONGEST_ERROR = 2000

_DIRTY = targets.c.seq > targets.c.done_seq
_DUE = and_(_DIRTY, targets.c.parked_at.is_(None))

# While versions change, a newer process may mark kinds of work that this one has never heard of.
_KNOWN = targets.c.kind.in_([kind.value for kind in TargetKind])


class PostgresTargets:
    """The table ``target``: one row per kind of work and record, never deleted."""

    def __init__(self, connection: Connection, how_to_wake: Wake = NOBODY) -> None:
        self._connection = connection
        self._how_to_wake = how_to_wake

    def mark_dirty(self, target: Target) -> None:
        """Something happened: raise seq, unpark, wake a worker if it was clean; all in this transaction."""
        self.mark_all([target])

    def mark_all(self, marked: Iterable[Target], *, unpark: bool = True) -> int:
        """Mark many at once, in sorted order, so that two transactions never wait for each other crosswise.

        With ``unpark=False`` parked Targets stay as they are: for clocks, which bring no news that could mend them.
        Gives how many turned dirty.
        """
        return mark(self._connection, marked, self._how_to_wake, unpark=unpark)

    def replay(self, target: Target) -> None:
        """Work on it now, whatever its state: unpark, forget earlier failures and any wait, and wake a worker."""
        self.mark_all([target])
        self._connection.execute(
            update(targets).where(_is(target)).values(attempts=0, failing_since=None, not_before=func.now())
        )
        self.wake(target)

    def wake(self, target: Target) -> None:
        """Queue a wake-up, whatever the Target's state; it does nothing when one is queued already."""
        wake(self._connection, target, self._how_to_wake)

    def start(self, target: Target) -> int | None:
        """Under the row lock: the seq to work for, or None when clean, parked, or not due before a later moment.

        The lock waits for every event that is being stored for this Target right now; that closes the gap in which
        an event's wake-up is refused because a job waits, and the job then ends before the event is committed.
        """
        statement = (
            update(targets)
            .where(_is(target), _DUE, targets.c.not_before <= func.now())
            .values(started_seq=targets.c.seq)
            .returning(targets.c.seq)
        )
        return self._connection.execute(statement).scalar_one_or_none()

    def finish(self, target: Target, seq: int) -> bool:
        """The work for ``seq`` is done. True when more came meanwhile, so that the caller goes round again."""
        done = func.greatest(targets.c.done_seq, seq)
        statement = (
            update(targets)
            .where(_is(target))
            .values(
                done_seq=done,
                attempts=0,
                failing_since=None,
                parked_at=None,
                last_error="",
                dirty_since=case((targets.c.seq > done, func.now()), else_=targets.c.dirty_since),
                not_before=func.now(),
            )
            .returning(_DIRTY)
        )
        return bool(self._connection.execute(statement).scalar_one_or_none())

    def fail(self, target: Target, error: str, *, retry_in: timedelta | None) -> int:
        """The work failed: come back after ``retry_in``, or park when None. Gives the number of attempts so far.

        Events that came while the work ran may be the very cure, so work that would be parked is tried once more,
        at once, when there are any.
        """
        news = targets.c.seq > targets.c.started_seq
        parks = literal(retry_in is None)
        statement = (
            update(targets)
            .where(_is(target))
            .values(
                attempts=targets.c.attempts + 1,
                failing_since=func.coalesce(targets.c.failing_since, func.clock_timestamp()),
                last_error=storable(error)[:_LONGEST_ERROR],
                parked_at=case((and_(parks, ~news), func.now()), else_=None),
                not_before=func.now() + (retry_in or timedelta(0)),
            )
            .returning(targets.c.attempts, and_(parks, news))
        )
        row = self._connection.execute(statement).first()
        if row is None:
            return 0
        attempts, again = row
        if again:
            self.wake(target)
        return int(attempts)

    def attempts(self, target: Target) -> int:
        """How often in a row its work has failed."""
        return self._connection.execute(select(targets.c.attempts).where(_is(target))).scalar_one_or_none() or 0

    def failing_for(self, target: Target) -> timedelta:
        """How long ago the first failure of the present row of failures was; zero when there is none."""
        query = select(func.clock_timestamp() - targets.c.failing_since).where(_is(target))
        return self._connection.execute(query).scalar_one_or_none() or timedelta(0)

    def parked(self, limit: int = 100) -> list[ParkedTarget]:
        """Work that waits for a person, longest first."""
        query = (
            select(targets.c.kind, targets.c.ref, targets.c.attempts, targets.c.last_error, targets.c.parked_at)
            .where(targets.c.parked_at.is_not(None), _KNOWN)
            .order_by(targets.c.parked_at, targets.c.kind, targets.c.ref)
            .limit(limit)
        )
        return [
            ParkedTarget(_target(kind, ref), attempts, error, since)
            for kind, ref, attempts, error, since in self._connection.execute(query)
        ]

    def counts(self) -> TargetCounts:
        """How much is dirty, how much is parked, and how long the oldest dirty one has waited."""
        age = func.extract("epoch", func.clock_timestamp() - func.min(targets.c.dirty_since).filter(_DUE))
        query = select(
            func.count().filter(_DUE),
            func.count().filter(targets.c.parked_at.is_not(None)),
            func.coalesce(age, 0),
        ).where(or_(_DUE, targets.c.parked_at.is_not(None)))
        dirty, parked, oldest = self._connection.execute(query).one()
        return TargetCounts(dirty, parked, max(0.0, float(oldest)))

    def sweep(self, limit: int = 500) -> int:
        """Wake whatever is dirty and due, longest due first; one process at a time. Gives how many.

        This is the retry timer, the cure for a lost wake-up and the recovery after a crash. Rows that somebody
        holds are passed over: who holds them wakes or runs them.
        """
        if not self._connection.execute(select(func.pg_try_advisory_xact_lock(_SWEEP_LOCK))).scalar_one():
            return 0
        due = (
            select(targets.c.kind, targets.c.ref)
            .where(_DUE, _KNOWN, targets.c.not_before <= func.now())
            .order_by(targets.c.not_before)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        woken = sorted(_target(kind, ref) for kind, ref in self._connection.execute(due))
        for target in woken:
            self.wake(target)
        return len(woken)


def _is(target: Target) -> Any:
    return and_(targets.c.kind == target.kind.value, targets.c.ref == target.ref)


def _target(kind: str, ref: str) -> Target:
    return Target(TargetKind(kind), ref)
