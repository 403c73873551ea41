"""The two statements every webhook runs: store what is new, mark what it is about. One round trip each, many rows.

The rows of one statement are locked in the order in which Python sorted them, whatever the database's collation, so
that two transactions with several Targets never wait for each other crosswise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from connector.domain.inbox import InboxEvent
from connector.store.columns import storable
from connector.targets import Target, TargetKind, target_of

_MOST_ROWS = 1000

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
  from unnest(cast(:kinds as text[]), cast(:refs as text[])) with ordinality as marked (kind, ref, place)
 order by place
{_MARK}
 where cast(:unpark as boolean) or target.parked_at is null
returning kind, ref, dirty_since = now()
""")  # noqa: S608 - put together from the constants above, without a value in it

_RECEIVE = text(f"""
with arrived as (
    select * from unnest(
        cast(:sources as text[]), cast(:event_ids as text[]), cast(:kinds as text[]), cast(:types as text[]),
        cast(:subjects as text[]), cast(:occurred as timestamptz[]), cast(:bodies as text[]),
        cast(:problems as text[]), cast(:target_kinds as text[]), cast(:target_refs as text[])
    ) with ordinality as event (
        source, event_id, kind, type, subject, occurred_at, body, problem, target_kind, target_ref, place)
), stored as (
    insert into inbox (source, event_id, kind, type, subject, occurred_at, received_at, body, problem)
    select source, event_id, kind, type, subject, occurred_at, :received_at, body, problem from arrived order by place
    on conflict (source, event_id) do nothing
    returning source, event_id
), marked as (
    insert into target (kind, ref, seq)
    select target_kind, target_ref, 1
      from arrived join stored using (source, event_id)
     where target_kind is not null
     group by target_kind, target_ref
     order by min(place)
    {_MARK}
    returning kind, ref, dirty_since = now() as turned
)
select (select count(*) from stored), kind, ref from (values (true)) as always (row)
  left join marked on marked.turned
""")  # noqa: S608 - put together from the constants above, without a value in it


def mark(connection: Connection, targets: Iterable[Target], *, unpark: bool) -> list[Target]:
    """Raise seq of each; gives those that turned dirty, sorted."""
    wanted = sorted(set(targets))
    turned: list[Target] = []
    for begin in range(0, len(wanted), _MOST_ROWS):
        rows = wanted[begin : begin + _MOST_ROWS]
        marked = connection.execute(
            _MARK_ALL,
            {"kinds": [one.kind.value for one in rows], "refs": [one.ref for one in rows], "unpark": unpark},
        )
        turned += [Target(TargetKind(kind), ref) for kind, ref, dirty in marked if dirty]
    return sorted(turned)


def receive(connection: Connection, events: Sequence[InboxEvent], received_at: datetime) -> tuple[int, list[Target]]:
    """Store what is new and mark what it is about; gives how many were new and which Targets turned dirty, sorted."""
    arrived = sorted(((target_of(event), event) for event in events), key=_lock_order)
    new = 0
    turned: set[Target] = set()
    for begin in range(0, len(arrived), _MOST_ROWS):
        rows = connection.execute(_RECEIVE, _arrays(arrived[begin : begin + _MOST_ROWS], received_at)).all()
        new += rows[0][0]
        turned.update(Target(TargetKind(kind), ref) for _, kind, ref in rows if kind is not None)
    return new, sorted(turned)


def _lock_order(arrival: tuple[Target | None, InboxEvent]) -> tuple[bool, str, str, str, str]:
    target, event = arrival
    kind, ref = (target.kind.value, target.ref) if target else ("", "")
    return target is None, kind, ref, event.source, event.event_id


def _arrays(arrived: Sequence[tuple[Target | None, InboxEvent]], received_at: datetime) -> dict[str, Any]:
    events = [event for _, event in arrived]
    return {
        "sources": [event.source for event in events],
        "event_ids": [storable(event.event_id) for event in events],
        "kinds": [event.kind.value for event in events],
        "types": [storable(event.type) for event in events],
        "subjects": [str(event.subject) if event.subject else None for event in events],
        "occurred": [event.occurred_at for event in events],
        "bodies": [storable(event.body) for event in events],
        "problems": [storable(event.problem) for event in events],
        "target_kinds": [target.kind.value if target else None for target, _ in arrived],
        "target_refs": [target.ref if target else None for target, _ in arrived],
        "received_at": received_at,
    }
