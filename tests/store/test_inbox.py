"""The inbox: every event once, exactly as it came."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from connector.domain.inbox import EventKind, InboxEvent
from connector.domain.refs import RecordRef
from connector.store import PostgresStore
from connector.targets import Target, TargetKind
from tests.store.woken import WRITE_DOWN, Woken

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ACME = RecordRef("stripe", "customer", "cus_acme")
PAID = InboxEvent("stripe", "evt_1", EventKind.BILLING_CHANGED, "invoice.paid", ACME, NOW, '{"id": "evt_1"}')


def numbered(number: int) -> InboxEvent:
    return replace(PAID, event_id=f"evt_{number}", subject=RecordRef("stripe", "customer", f"cus_{number}"))


def test_an_event_is_stored_once(store: PostgresStore) -> None:
    """The second delivery is told from the first, in the same transaction and in a later one."""
    with store.begin() as work:
        assert work.inbox.add(PAID, NOW) is True
        assert work.inbox.add(PAID, NOW) is False
    with store.begin() as work:
        assert work.inbox.add(PAID, NOW) is False
        assert work.inbox.recent() == [PAID]


def test_two_senders_may_use_the_same_id(store: PostgresStore) -> None:
    """Source and event id together are unique."""
    with store.begin() as work:
        assert work.inbox.add(PAID, NOW)
        assert work.inbox.add(replace(PAID, source="hubspot"), NOW)


def test_recent_gives_the_newest_first_and_problems_alone(store: PostgresStore) -> None:
    """Poison is what an admin looks for."""
    poison = replace(PAID, event_id="evt_2", kind=EventKind.POISON, subject=None, problem="not JSON")
    with store.begin() as work:
        for event in (PAID, poison, numbered(3)):
            work.inbox.add(event, NOW)
        assert [event.event_id for event in work.inbox.recent()] == ["evt_3", "evt_2", "evt_1"]
        assert work.inbox.recent(1) == [numbered(3)]
        assert work.inbox.recent(problems_only=True) == [poison]
        assert work.inbox.get("stripe", "evt_2") == poison
        assert work.inbox.get("hubspot", "evt_2") is None


@pytest.mark.parametrize(
    ("body", "stored"),
    [("a\x00b", "a\\u0000b"), ("lone \ud800", "lone \\ud800"), ("Zoë €", "Zoë €"), ("", "")],
)
def test_what_postgres_refuses_is_escaped_and_not_lost(store: PostgresStore, body: str, stored: str) -> None:
    """A NUL in a body must not make a sender deliver for ever."""
    assert store.receive([replace(PAID, body=body)], NOW) == 1
    with store.begin() as work:
        assert work.inbox.add(replace(PAID, event_id="evt_2", body=body), NOW)
        assert {event.body for event in work.inbox.recent()} == {stored}


def test_an_id_that_postgres_refuses_does_not_stop_the_delivery(store: PostgresStore) -> None:
    """Its event is stored under the escaped id, and known again."""
    odd = replace(
        PAID, event_id="evt_\x00", subject=RecordRef("stripe", "customer", "cus_\x00"), type="a\x00", problem="\x00"
    )
    assert store.receive([odd], NOW) == 1
    assert store.receive([odd], NOW) == 0
    with store.begin() as work:
        assert work.targets.counts().dirty == 1


def test_receive_stores_what_is_new_and_marks_what_it_is_about(store: PostgresStore) -> None:
    """One delivery may hold old events, events twice, and events that ask for no work."""
    ignored = replace(PAID, event_id="evt_8", kind=EventKind.IGNORED)
    nameless = replace(PAID, event_id="evt_9", kind=EventKind.UNKNOWN, subject=None)
    with store.begin() as work:
        work.inbox.add(PAID, NOW)
    assert store.receive([PAID, numbered(2), numbered(2), ignored, nameless], NOW) == 3
    with store.begin() as work:
        assert {event.event_id for event in work.inbox.recent()} == {"evt_1", "evt_2", "evt_8", "evt_9"}
        assert work.targets.counts().dirty == 1
        assert work.targets.start(Target(TargetKind.ACCOUNT, "stripe:customer:cus_2")) == 1


def test_receive_wakes_each_target_that_turns_dirty_once(database_url: str) -> None:
    """Many events on one record are one wake-up, and those on a dirty one are none."""
    woken = Woken(database_url)
    same = [replace(PAID, event_id=f"evt_same_{number}") for number in range(5)]
    with PostgresStore(database_url, WRITE_DOWN) as store:
        assert store.receive([*same[:4], numbered(2)], NOW) == 5
        assert store.receive([same[4]], NOW) == 1
        assert store.receive([same[4]], NOW) == 0
    assert woken() == [Target(TargetKind.ACCOUNT, "stripe:customer:cus_2"), Target(TargetKind.ACCOUNT, str(ACME))]


def test_receive_unparks(store: PostgresStore) -> None:
    """A fresh event is a reason to try again what waits for a person."""
    target = Target(TargetKind.ACCOUNT, str(ACME))
    store.receive([PAID], NOW)
    with store.begin() as work:
        work.targets.start(target)
        work.targets.fail(target, "no", retry_in=None)
    store.receive([replace(PAID, event_id="evt_2")], NOW)
    with store.begin() as work:
        assert work.targets.start(target) == 2


def test_receive_takes_more_events_than_one_statement(store: PostgresStore) -> None:
    """Every one is stored and marked; none at all is fine, too."""
    assert store.receive([numbered(number) for number in range(250)], NOW) == 250
    assert store.receive([], NOW) == 0
    with store.begin() as work:
        assert work.targets.counts().dirty == 250


def test_a_delivery_is_taken_whole_or_not_at_all(database_url: str) -> None:
    """However many statements it needs: what fails in the last one leaves nothing of the first, and wakes nobody."""
    woken = Woken(database_url)
    delivery = [numbered(number) for number in range(150)]
    with PostgresStore(database_url, WRITE_DOWN) as store, psycopg.connect(database_url, autocommit=True) as other:
        other.execute("alter table inbox add constraint refused check (event_id <> 'evt_149')")
        for refused in (delivery, delivery[149:]):
            with pytest.raises(psycopg.errors.CheckViolation):
                store.receive(refused, NOW)
        with store.begin() as work:
            assert (work.inbox.recent(), work.targets.counts().dirty, woken()) == ([], 0, [])
        other.execute("alter table inbox drop constraint refused")
        assert store.receive(delivery, NOW) == 150
    assert len(woken()) == 150


def test_a_wake_up_that_fails_takes_its_event_with_it(database_url: str) -> None:
    """They are one transaction: the sender delivers again, and nothing lies stored that nobody was told of."""
    with PostgresStore(database_url, "no_such_function(lane, kind, ref)") as store:
        with pytest.raises(psycopg.errors.UndefinedFunction):
            store.receive([PAID], NOW)
        with store.begin() as work:
            assert work.inbox.recent() == []


def test_simultaneous_deliveries_are_stored_once_and_never_deadlock(store: PostgresStore) -> None:
    """Four receivers get the same batch in different order at the same moment: each event is new exactly once."""
    events = [numbered(number) for number in range(40)]
    start_line = threading.Barrier(4)

    def deliver(order: list[InboxEvent]) -> int:
        start_line.wait(10)
        return store.receive(order, NOW)

    with ThreadPoolExecutor(4) as pool:
        orders = [events, events[::-1], events[20:] + events[:20], events]
        new = sum(pool.map(deliver, orders))
    assert new == 40
    with store.begin() as work:
        assert work.targets.counts().dirty == 40
