"""The statements behind every piece of news: store it, mark what it is about, and wake a worker, in one round trip.

The rows of one statement are locked in one order, by kind and ref as bytes, so that two transactions with several
Targets never wait for each other crosswise. The wake-ups are part of the statement: a worker never hears of work that
was rolled back, and a webhook needs no second trip, nor one for BEGIN and one for COMMIT.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias

import psycopg
from sqlalchemy import Connection, TextClause, text

from connector.domain.inbox import InboxEvent
from connector.store.columns import storable
from connector.targets import Target, target_of

Wake: TypeAlias = str
"""An SQL expression that queues a wake-up for the Target whose ``lane``, ``kind`` and ``ref`` are columns beside it."""

NOBODY: Wake = "null"
"""Wakes nobody."""

_MOST_TARGETS = 1000
_MOST_EVENTS = 100

# What one more event changes in a Target's row. An idle row (clean, or parked) begins a new life; one that waits for
# its retry keeps its patience. dirty_since tells in RETURNING whether this transaction made the row dirty, because
# now() is the moment the transaction began: Postgres before 18 cannot return a row's old values.
_MARK = """
on conflict (kind, ref) do update set
    seq = target.seq + 1,
    parked_at = null,
    attempts = case when {idle} then 0 else target.attempts end,
    failing_since = case when {idle} then null else target.failing_since end,
    dirty_since = case when {idle} then now() else target.dirty_since end,
    not_before = case when {idle} then now() else target.not_before end
""".format(idle="(target.seq <= target.done_seq or target.parked_at is not null)")

# The wake-ups are queued in the order of the locks, too.
_TURNED = """
(select lane, kind, ref from wanted join marked using (kind, ref) where turned
  order by kind collate "C", ref collate "C") as turned
"""

_MARK_ALL = """
with wanted as (
    select * from unnest(cast(:lanes as text[]), cast(:kinds as text[]), cast(:refs as text[])) as one (lane, kind, ref)
), marked as (
    insert into target (kind, ref, seq)
    select kind, ref, 1 from wanted order by kind collate "C", ref collate "C"
    {mark}
     where cast(:unpark as boolean) or target.parked_at is null
    returning kind, ref, dirty_since = now() as turned
)
select {wake} from {turned}
"""

_ARRIVAL = """(%s::text, %s::text, %s::text, %s::text, %s::text, %s::timestamptz, %s::text, %s::text,
    %s::text, %s::text, %s::text)"""

_RECEIVE = """
with arrived (source, event_id, kind, type, subject, occurred_at, body, problem, lane, target_kind, target_ref) as (
    values {arrivals}
), stored as (
    insert into inbox (source, event_id, kind, type, subject, occurred_at, received_at, body, problem)
    select source, event_id, kind, type, subject, occurred_at, %s, body, problem from arrived
    on conflict (source, event_id) do nothing
    returning source, event_id
), wanted as (
    select distinct lane, target_kind as kind, target_ref as ref from arrived join stored using (source, event_id)
     where target_kind is not null
), marked as (
    insert into target (kind, ref, seq)
    select kind, ref, 1 from wanted order by kind collate "C", ref collate "C"
    {mark}
    returning kind, ref, dirty_since = now() as turned
)
select (select count(*) from stored), (select count({wake}) from {turned})
"""


def mark(connection: Connection, targets: Iterable[Target], wake: Wake, *, unpark: bool) -> int:
    """Raise seq of each, and wake a worker for those that turn dirty; gives how many did."""
    wanted = sorted(set(targets))
    turned = 0
    for begin in range(0, len(wanted), _MOST_TARGETS):
        rows = wanted[begin : begin + _MOST_TARGETS]
        columns = {
            "lanes": [one.lane for one in rows],
            "kinds": [one.kind.value for one in rows],
            "refs": [one.ref for one in rows],
        }
        turned += len(connection.execute(_mark_statement(wake), columns | {"unpark": unpark}).all())
    return turned


def wake(connection: Connection, target: Target, how: Wake) -> None:
    """Queue a wake-up for this Target, whatever its state."""
    one = {"lane": target.lane, "kind": target.kind.value, "ref": target.ref}
    connection.execute(_wake_statement(how), one)


def receive(
    connection: psycopg.Connection[Any], events: Sequence[InboxEvent], received_at: datetime, wake: Wake
) -> int:
    """Store what is new, mark what it is about, wake a worker for what turns dirty; gives how many were new.

    All of it or nothing: ``connection`` commits each statement, and more than one are made a transaction. It is the
    driver's own, because this is the one path whose speed decides how many machines a receiver needs.
    """
    batches = [events[begin : begin + _MOST_EVENTS] for begin in range(0, len(events), _MOST_EVENTS)]
    with connection.transaction() if len(batches) > 1 else nullcontext():
        return sum(_receive_batch(connection, batch, received_at, wake) for batch in batches)


def _receive_batch(
    connection: psycopg.Connection[Any], events: Sequence[InboxEvent], received_at: datetime, wake: Wake
) -> int:
    values = [cell for event in events for cell in _arrival(event)]
    row = connection.execute(_receive_statement(len(events), wake), [*values, received_at]).fetchone()
    return int(row[0]) if row else 0


@cache
def _mark_statement(wake: Wake) -> TextClause:
    return text(_MARK_ALL.format(mark=_MARK, wake=wake, turned=_TURNED))


@cache
def _wake_statement(wake: Wake) -> TextClause:
    return text(f"select {wake} from (values (:lane, :kind, :ref)) as one (lane, kind, ref)")  # noqa: S608 - a constant


@cache
def _receive_statement(events: int, wake: Wake) -> bytes:
    """The statement for so many events; the same text each time, so that the driver prepares it."""
    return _RECEIVE.format(arrivals=",".join([_ARRIVAL] * events), mark=_MARK, wake=wake, turned=_TURNED).encode()


def _arrival(event: InboxEvent) -> tuple[object, ...]:
    target = target_of(event)
    return (
        event.source,
        storable(event.event_id),
        event.kind.value,
        storable(event.type),
        storable(str(event.subject)) if event.subject else None,
        event.occurred_at,
        storable(event.body),
        storable(event.problem),
        storable(target.lane) if target else None,
        target.kind.value if target else None,
        storable(target.ref) if target else None,
    )
