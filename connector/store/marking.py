"""The two statements every webhook runs: store what is new, mark what it is about. One round trip each, many rows.

The rows of one statement are locked in one order, by kind and ref as bytes, so that two transactions with several
Targets never wait for each other crosswise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, text

from connector.domain.inbox import InboxEvent
from connector.store.columns import storable
from connector.targets import Target, TargetKind, target_of

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

_MARK_ALL = text(f"""
insert into target (kind, ref, seq)
select kind, ref, 1
  from unnest(cast(:kinds as text[]), cast(:refs as text[])) as marked (kind, ref)
 order by kind collate "C", ref collate "C"
{_MARK}
 where cast(:unpark as boolean) or target.parked_at is null
returning kind, ref, dirty_since = now()
""")  # noqa: S608 - put together from the constants above, without a value in it

_ARRIVAL = """(%s::text, %s::text, %s::text, %s::text, %s::text, %s::timestamptz, %s::text, %s::text,
    %s::text, %s::text)"""

_RECEIVE = """
with arrived (source, event_id, kind, type, subject, occurred_at, body, problem, target_kind, target_ref) as (
    values {arrivals}
), stored as (
    insert into inbox (source, event_id, kind, type, subject, occurred_at, received_at, body, problem)
    select source, event_id, kind, type, subject, occurred_at, %s, body, problem from arrived
    on conflict (source, event_id) do nothing
    returning source, event_id
), wanted as (
    select distinct target_kind, target_ref from arrived join stored using (source, event_id)
     where target_kind is not null
), marked as (
    insert into target (kind, ref, seq)
    select target_kind, target_ref, 1 from wanted order by target_kind collate "C", target_ref collate "C"
    {mark}
    returning kind, ref, dirty_since = now() as turned
)
select (select count(*) from stored), kind, ref from (values (true)) as always (row)
  left join marked on marked.turned
"""


def mark(connection: Connection, targets: Iterable[Target], *, unpark: bool) -> list[Target]:
    """Raise seq of each; gives those that turned dirty, sorted."""
    wanted = sorted(set(targets))
    turned: list[Target] = []
    for begin in range(0, len(wanted), _MOST_TARGETS):
        rows = wanted[begin : begin + _MOST_TARGETS]
        marked = connection.execute(
            _MARK_ALL,
            {"kinds": [one.kind.value for one in rows], "refs": [one.ref for one in rows], "unpark": unpark},
        )
        turned += [Target(TargetKind(kind), ref) for kind, ref, dirty in marked if dirty]
    return sorted(turned)


def receive(connection: Connection, events: Sequence[InboxEvent], received_at: datetime) -> tuple[int, list[Target]]:
    """Store what is new and mark what it is about; gives how many were new and which Targets turned dirty, sorted.

    It goes to the driver directly, because this is the one path whose speed decides how many machines a receiver
    needs: BEGIN travels with the statement, and a body is sent as it is instead of as an element of an array.
    """
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    new = 0
    turned: set[Target] = set()
    for begin in range(0, len(events), _MOST_EVENTS):
        batch = events[begin : begin + _MOST_EVENTS]
        values = [cell for event in batch for cell in _arrival(event)]
        with driver.pipeline():
            cursor = driver.execute(_receive_statement(len(batch)), [*values, received_at])
        rows = cursor.fetchall()
        new += rows[0][0]
        turned.update(Target(TargetKind(kind), ref) for _, kind, ref in rows if kind is not None)
    return new, sorted(turned)


@lru_cache(maxsize=_MOST_EVENTS)
def _receive_statement(events: int) -> bytes:
    """The statement for so many events; the same text each time, so that the driver prepares it."""
    return _RECEIVE.format(arrivals=",".join([_ARRIVAL] * events), mark=_MARK).encode()


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
        target.kind.value if target else None,
        storable(target.ref) if target else None,
    )
