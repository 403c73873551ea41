"""The storm: many events, several writers, workers killed with -9, runs that fail; and nothing is lost or doubled."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from connector.domain.inbox import EventKind, InboxEvent
from connector.domain.payment_health import HealthPolicy
from connector.domain.policy import BillingPolicy
from connector.domain.refs import RecordRef
from connector.errors import RetryLater
from connector.jobs import WAKE, Pace, run_worker
from connector.ports import Services
from connector.store import PostgresStore
from connector.targets import TargetKind
from tests.fakes import FakeBilling

ACCOUNTS = 12
WRITERS = 3
EVENTS = 170
GUSTS = 3  # a worker is killed in each but the last
FAILING = 0.15

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def storm_url(database_url: str) -> str:
    """A database with a log of every run."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "create table run (id bigserial primary key, account text not null, process int not null,"
            " began timestamptz not null default clock_timestamp(), ended timestamptz, saw int, failed bool)"
        )
    return database_url


@pytest.fixture
def start_worker(storm_url: str) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start a worker process; all of them are gone when the test ends, and end by themselves if the test dies."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-m", "tests.e2e.test_storm", storm_url], stdin=subprocess.PIPE)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        assert process.stdin is not None
        process.stdin.close()


def test_a_storm_loses_nothing_and_doubles_nothing(
    storm_url: str, start_worker: Callable[[], subprocess.Popen[bytes]]
) -> None:
    """No two runs of one account overlap, the last run of each saw every event, and nothing is dirty in the end."""
    workers = [start_worker(), start_worker()]
    killed: dict[int, datetime] = {}

    with psycopg.connect(storm_url, autocommit=True) as connection:
        for gust in range(GUSTS):
            _wait_for(lambda: _hearts(connection) >= 2, "two workers at work")
            writers = [threading.Thread(target=_write_events, args=(storm_url, gust, one)) for one in range(WRITERS)]
            for writer in writers:
                writer.start()
            if gust < GUSTS - 1:
                victim = workers.pop(0)
                _wait_for(lambda: _running(connection, victim.pid) > 0, "a run in the worker that is to be killed")  # noqa: B023 - called at once
                victim.send_signal(signal.SIGKILL)
                victim.wait(10)
                killed[victim.pid] = _now(connection)
                workers.append(start_worker())
            for writer in writers:
                writer.join(30)
        _wait_for(lambda: _dirty(connection) == 0, "everything done", seconds=30)
        runs = connection.execute(
            "select account, process, began, ended, saw, failed from run order by began"
        ).fetchall()
        events: dict[str, int] = dict(connection.execute("select subject, count(*) from inbox group by 1").fetchall())

    assert sum(events.values()) == GUSTS * WRITERS * EVENTS
    assert len(events) == ACCOUNTS
    assert _overlaps(runs, killed) == []
    assert _last_sight(runs) == events
    assert any(failed for *_, failed in runs), "the storm was a breeze: no run failed"
    assert len(runs) < sum(events.values()) / 2, "a burst of events must fold into few runs"


def test_a_worker_asked_to_stop_finishes_what_it_runs(
    storm_url: str, start_worker: Callable[[], subprocess.Popen[bytes]]
) -> None:
    """SIGTERM lets the running work end, and the process leaves by itself with a clean exit."""
    worker = start_worker()
    _write_events(storm_url, 0, 0, count=60)
    with psycopg.connect(storm_url, autocommit=True) as connection:
        _wait_for(lambda: _running(connection, worker.pid) > 0, "a run")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
        assert _running(connection, worker.pid) == 0
        assert connection.execute("select count(*) from procrastinate_workers").fetchone() == (0,)


def _write_events(url: str, gust: int, writer: int, count: int = EVENTS) -> None:
    """Store events the two ways there are: one delivery at a time, and several at once."""
    chance = random.Random(gust * WRITERS + writer)
    with PostgresStore(url, WAKE, pool_size=1) as store:
        number = 0
        while number < count:
            batch = [
                _event(f"{gust}_{writer}_{number + extra}", chance) for extra in range(chance.choice([1, 1, 1, 5]))
            ][: count - number]
            number += len(batch)
            assert store.receive(batch, datetime.now(UTC)) == len(batch)
            if chance.random() < 0.1:
                time.sleep(0.02)  # a pause between bursts, so that targets also turn clean in between


def _event(name: str, chance: random.Random) -> InboxEvent:
    subject = RecordRef("stripe", "customer", f"cus_{chance.randrange(ACCOUNTS)}")
    kind = EventKind.BILLING_CHANGED
    return InboxEvent("stripe", f"evt_{name}", kind, "invoice.paid", subject, datetime.now(UTC), "{}")


def _overlaps(runs: list[Any], killed: dict[int, datetime]) -> list[tuple[Any, Any]]:
    """Pairs of runs of one account that were under way at the same time; a killed run ended with its process."""
    by_account: dict[str, list[Any]] = defaultdict(list)
    for account, process, began, ended, _, _ in runs:
        by_account[account].append((began, ended or killed[process]))
    return [(one, other) for spans in by_account.values() for one, other in pairwise(spans) if other[0] < one[1]]


def _last_sight(runs: list[Any]) -> dict[str, int]:
    """The most events that a run which ended well has seen, by account."""
    sight: dict[str, int] = defaultdict(int)
    for account, _, _, ended, saw, failed in runs:
        if ended is not None and not failed:
            sight[account] = max(sight[account], saw)
    return dict(sight)


def _wait_for(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.01)


def _running(connection: psycopg.Connection[Any], process: int) -> int:
    query = "select count(*) from run where process = %s and ended is null"
    return int((connection.execute(query, [process]).fetchone() or (0,))[0])


def _hearts(connection: psycopg.Connection[Any]) -> int:
    """Workers whose heart beat within the last second; it beats every half."""
    query = "select count(*) from procrastinate_workers where last_heartbeat > clock_timestamp() - interval '1 second'"
    return int((connection.execute(query).fetchone() or (0,))[0])


def _dirty(connection: psycopg.Connection[Any]) -> int:
    return int((connection.execute("select count(*) from target where seq > done_seq").fetchone() or (0,))[0])


def _now(connection: psycopg.Connection[Any]) -> datetime:
    row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    now: datetime = row[0]
    return now


def _work(account: str, url: str) -> None:
    """A use-case that writes down when it ran and what it saw, and fails now and then."""
    with psycopg.connect(url, autocommit=True) as connection:
        opened = connection.execute(
            "insert into run (account, process) values (%s, %s) returning id", [account, os.getpid()]
        ).fetchone()
        saw = connection.execute("select count(*) from inbox where subject = %s", [account]).fetchone()
        assert opened is not None
        assert saw is not None
        time.sleep(random.uniform(0.005, 0.03))
        failed = random.random() < FAILING
        connection.execute(
            "update run set ended = clock_timestamp(), saw = %s, failed = %s where id = %s",
            [saw[0], failed, opened[0]],
        )
    if failed:
        raise RetryLater("the vendor is unwell", retry_after=0.3)


def _main(url: str) -> None:
    """One worker process of the storm. It ends when its standard input does: then the test is gone."""

    def leave_with_parent() -> None:
        os.read(0, 1)
        os._exit(1)

    threading.Thread(target=leave_with_parent, daemon=True).start()
    store = PostgresStore(url, WAKE, pool_size=8)
    services = Services(
        store=store,
        crms={},
        billing=FakeBilling(lambda: datetime.now(UTC)),
        webhooks={},
        mappings={},
        clock=lambda: datetime.now(UTC),
        billing_policy=BillingPolicy(),
        health_policy=HealthPolicy(),
    )
    use_cases = {
        TargetKind.ACCOUNT: lambda ref, _: _work(ref, url),
        TargetKind.POLL: lambda _ref, _services: None,
    }
    pace = Pace(concurrency=6, poll_every=0.05, heartbeat=0.5, stalled_after=2.0, janitor_every=0.3, graceful=10)
    with contextlib.closing(store):
        run_worker(url, services, use_cases, pace)


if __name__ == "__main__":
    _main(sys.argv[1])
