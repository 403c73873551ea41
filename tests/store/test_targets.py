"""Targets: dirty, started, finished, failed, parked; and no event between those states goes unseen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from connector.store import PostgresStore
from connector.targets import Target, TargetKind
from tests.store.woken import WRITE_DOWN, Woken

ACME = Target(TargetKind.ACCOUNT, "stripe:customer:cus_acme")
BETA = Target(TargetKind.ACCOUNT, "stripe:customer:cus_beta")


@pytest.fixture
def woken(database_url: str) -> Woken:
    """Every wake-up, in order."""
    return Woken(database_url)


@pytest.fixture
def store(database_url: str, woken: Woken) -> Iterator[PostgresStore]:
    """A store that writes its wake-ups down instead of queueing them."""
    with PostgresStore(database_url, WRITE_DOWN) as store:
        yield store


def mark(store: PostgresStore, *targets: Target, unpark: bool = True) -> int:
    with store.begin() as work:
        return work.targets.mark_all(targets, unpark=unpark)


def start(store: PostgresStore, target: Target = ACME) -> int | None:
    with store.begin() as work:
        return work.targets.start(target)


def finish(store: PostgresStore, seq: int | None, target: Target = ACME) -> bool:
    assert seq is not None
    with store.begin() as work:
        return work.targets.finish(target, seq)


def fail(store: PostgresStore, *, retry_in: timedelta | None, target: Target = ACME) -> int:
    with store.begin() as work:
        return work.targets.fail(target, "no", retry_in=retry_in)


def sweep(store: PostgresStore) -> int:
    with store.begin() as work:
        return work.targets.sweep()


def test_a_target_that_turns_dirty_wakes_a_worker_once(store: PostgresStore, woken: Woken) -> None:
    """A hundred events on a dirty Target are one wake-up."""
    for _ in range(100):
        mark(store, ACME)
    assert woken() == [ACME]


def test_a_rolled_back_mark_leaves_nothing(store: PostgresStore) -> None:
    """The mark belongs to the caller's transaction."""

    def mark_and_stumble() -> None:
        with store.begin() as work:
            work.targets.mark_dirty(ACME)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        mark_and_stumble()
    assert start(store) is None


def test_finished_work_is_clean_until_something_happens(store: PostgresStore, woken: Woken) -> None:
    """start gives None on a clean Target, and the next event wakes again."""
    mark(store, ACME)
    assert finish(store, start(store)) is False
    assert start(store) is None
    mark(store, ACME)
    assert start(store) == 2
    assert woken() == [ACME, ACME]


def test_an_event_during_the_work_sends_the_runner_round_again(store: PostgresStore, woken: Woken) -> None:
    """Such an event wakes nobody, because finish finds it."""
    mark(store, ACME)
    seq = start(store)
    mark(store, ACME)
    assert finish(store, seq) is True
    assert finish(store, start(store)) is False
    assert woken() == [ACME]


def test_a_late_finish_never_undoes_a_later_one(store: PostgresStore) -> None:
    """When a run that was taken for dead ends after its successor, the Target stays clean."""
    mark(store, ACME)
    old = start(store)
    mark(store, ACME)
    finish(store, start(store))
    assert finish(store, old) is False


def test_start_waits_for_an_event_that_is_being_stored(store: PostgresStore) -> None:
    """E3, the lost wake-up: a run that begins while an event is uncommitted sees the event, not the row before it."""
    mark(store, ACME)
    seen: list[int | None] = []
    with store.begin() as work:
        work.targets.mark_dirty(ACME)
        runner = threading.Thread(target=lambda: seen.append(start(store)))
        runner.start()
        runner.join(0.3)
        assert seen == [], "start must wait for the open transaction"
    runner.join(10)
    assert seen == [2]


def test_a_failed_target_waits_for_its_time(store: PostgresStore, woken: Woken) -> None:
    """Neither a leftover wake-up nor the sweep runs it before, and new events do not shorten the wait."""
    mark(store, ACME)
    start(store)
    assert fail(store, retry_in=timedelta(hours=1)) == 1
    mark(store, ACME)
    assert start(store) is None
    assert sweep(store) == 0
    assert woken() == [ACME]


def test_the_sweep_wakes_what_is_due(store: PostgresStore, woken: Woken) -> None:
    """A Target whose time has come is woken, and its work sees every event since."""
    mark(store, ACME)
    start(store)
    fail(store, retry_in=timedelta(0))
    assert sweep(store) == 1
    assert woken() == [ACME, ACME]
    assert start(store) == 1


def test_the_sweep_is_run_by_one_process_at_a_time(store: PostgresStore) -> None:
    """A second one finds nothing to do and does not wait."""
    mark(store, ACME)
    with store.begin() as work:
        assert work.targets.sweep() == 1
        assert sweep(store) == 0


def test_the_sweep_passes_over_rows_that_somebody_holds(store: PostgresStore, woken: Woken) -> None:
    """It never waits for a webhook, and whoever holds the row wakes it."""
    mark(store, ACME, BETA)
    woken.forget()
    with store.begin() as work:
        work.targets.mark_dirty(ACME)
        assert sweep(store) == 1
    assert woken() == [BETA]


def test_parked_work_waits_for_a_person(store: PostgresStore) -> None:
    """It does not start, is not swept, and is listed with its reason."""
    mark(store, ACME)
    start(store)
    assert fail(store, retry_in=None) == 1
    assert start(store) is None
    assert sweep(store) == 0
    with store.begin() as work:
        (parked,) = work.targets.parked()
    assert (parked.target, parked.attempts, parked.error) == (ACME, 1, "no")


def test_an_event_unparks_and_wakes(store: PostgresStore, woken: Woken) -> None:
    """Fixing the field in the CRM replays by itself, with a fresh count of attempts."""
    mark(store, ACME)
    start(store)
    fail(store, retry_in=None)
    mark(store, ACME)
    assert woken() == [ACME, ACME]
    assert start(store) == 2
    with store.begin() as work:
        assert work.targets.attempts(ACME) == 0
        assert work.targets.parked() == []


def test_an_event_during_failing_work_is_tried_before_parking(store: PostgresStore, woken: Woken) -> None:
    """The field may have been fixed while the run was reading it; parking then would lose the cure."""
    mark(store, ACME)
    start(store)
    mark(store, ACME)
    fail(store, retry_in=None)
    assert woken() == [ACME, ACME]
    assert start(store) == 2
    fail(store, retry_in=None)
    assert start(store) is None


def test_a_clock_does_not_unpark(store: PostgresStore, woken: Woken) -> None:
    """With unpark=False parked Targets stay as they are, and others turn dirty."""
    mark(store, ACME)
    start(store)
    fail(store, retry_in=None)
    assert mark(store, ACME, BETA, unpark=False) == 1
    assert woken() == [ACME, BETA]
    assert start(store) is None


def test_failing_for_counts_from_the_first_failure_in_a_row(store: PostgresStore, database_url: str) -> None:
    """A success ends the row."""
    mark(store, ACME)
    start(store)
    fail(store, retry_in=timedelta(0))
    with psycopg.connect(database_url) as connection:
        connection.execute("update target set failing_since = failing_since - interval '3 days'")
    fail(store, retry_in=timedelta(0))
    with store.begin() as work:
        assert timedelta(days=3) < work.targets.failing_for(ACME) < timedelta(days=3, minutes=1)
        assert work.targets.attempts(ACME) == 2
    finish(store, start(store))
    with store.begin() as work:
        assert work.targets.failing_for(ACME) == timedelta(0)
        assert work.targets.attempts(ACME) == 0
        assert work.targets.failing_for(BETA) == timedelta(0)
        assert work.targets.attempts(BETA) == 0


def test_failing_a_target_that_was_never_marked_is_nothing(store: PostgresStore) -> None:
    """There is no row to count on."""
    assert fail(store, retry_in=None) == 0


@pytest.mark.parametrize("state", ["clean", "unknown", "waiting", "parked"])
def test_replay_runs_at_once_whatever_the_state(store: PostgresStore, woken: Woken, state: str) -> None:
    """Waits and counts of failures are forgotten, and a worker is woken."""
    if state != "unknown":
        mark(store, ACME)
        seq = start(store)
        if state == "clean":
            finish(store, seq)
        else:
            fail(store, retry_in=None if state == "parked" else timedelta(hours=1))
    woken.forget()
    with store.begin() as work:
        work.targets.replay(ACME)
        assert work.targets.attempts(ACME) == 0
    assert set(woken()) == {ACME}
    assert start(store) is not None


def test_kinds_of_a_newer_version_are_left_to_it(store: PostgresStore, database_url: str, woken: Woken) -> None:
    """While versions change, a process that does not know a kind neither wakes it nor stumbles over it."""
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into target (kind, ref, seq) values ('telepathy', 'x', 1), ('account', 'a', 1)")
        connection.execute("insert into target (kind, ref, seq, parked_at) values ('telepathy', 'y', 1, now())")
    assert sweep(store) == 1
    assert woken() == [Target(TargetKind.ACCOUNT, "a")]
    with store.begin() as work:
        assert work.targets.parked() == []


def test_counts_tell_dirty_parked_and_the_oldest(store: PostgresStore, database_url: str) -> None:
    """Parked work is not dirty, and a clean store has waited zero seconds."""
    with store.begin() as work:
        empty = work.targets.counts()
    assert (empty.dirty, empty.parked, empty.oldest_dirty_seconds) == (0, 0, 0.0)
    mark(store, ACME, BETA)
    start(store, BETA)
    fail(store, retry_in=None, target=BETA)
    with psycopg.connect(database_url) as connection:
        connection.execute("update target set dirty_since = now() - interval '1 minute'")
    with store.begin() as work:
        counts = work.targets.counts()
    assert (counts.dirty, counts.parked) == (1, 1)
    assert 60 <= counts.oldest_dirty_seconds < 90


def test_many_targets_are_marked_in_one_order(store: PostgresStore) -> None:
    """Two transactions that mark the same Targets in opposite order never wait for each other crosswise."""
    targets = [Target(TargetKind.ACCOUNT, f"stripe:customer:{name}") for name in ("a", "B", "é", "_", "Z", "10", "9")]
    start_line = threading.Barrier(4)

    def contend(order: list[Target]) -> None:
        start_line.wait(10)
        for _ in range(50):
            mark(store, *order)

    with ThreadPoolExecutor(4) as pool:
        orders = [targets, targets[::-1], targets[3:] + targets[:3], targets]
        outcomes: list[Any] = [pool.submit(contend, order) for order in orders]
        for outcome in outcomes:
            outcome.result(60)
    with store.begin() as work:
        assert [work.targets.start(target) for target in targets] == [200] * len(targets)


def test_more_targets_than_one_statement_takes(store: PostgresStore, woken: Woken) -> None:
    """Every one of them turns dirty and wakes, in sorted order; none at all is fine, too."""
    targets = [Target(TargetKind.ACCOUNT, f"stripe:customer:cus_{number:05}") for number in range(2500)]
    assert mark(store, *reversed(targets)) == 2500
    assert woken() == targets
    assert mark(store) == 0


def test_wake_wakes_whatever_the_state(store: PostgresStore, woken: Woken) -> None:
    """It is for a runner that leaves work to its successor."""
    with store.begin() as work:
        work.targets.wake(ACME)
    assert woken() == [ACME]
