"""The worker: it works, it stops when asked, and it comes back after any fall."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from connector.jobs import WAKE, Pace, WorkerThread, apply_schema, start_worker_thread
from connector.jobs.app import RUN_TARGET, make_app
from connector.jobs.worker import WorkerLoop
from connector.ports import Services
from connector.store import PostgresStore, migrate
from connector.targets import Target, TargetKind
from tests.conftest import OwnServer
from tests.jobs.conftest import jobs, make_services

BRISK = Pace(concurrency=4, poll_every=0.02, heartbeat=0.2, stalled_after=2.0, janitor_every=0.1, graceful=5.0)

pytestmark = pytest.mark.slow


def account(number: int) -> Target:
    return Target(TargetKind.ACCOUNT, f"stripe:customer:cus_{number}")


def mark(services: Services, *targets: Target) -> None:
    with services.store.begin() as work:
        work.targets.mark_all(targets)


@contextmanager
def working(url: str, services: Services, work: Callable[[str, Services], None]) -> Iterator[WorkerThread]:
    """A worker in a thread of this process, for as long as the block runs."""
    thread = start_worker_thread(url, services, {TargetKind.ACCOUNT: work, TargetKind.POLL: lambda *_: None}, BRISK)
    try:
        yield thread
    finally:
        thread.stop()
    assert not thread.alive


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.01)


def dirty(services: Services) -> int:
    with services.store.begin() as work:
        return work.targets.counts().dirty


def test_marked_targets_are_worked_on(database_url: str, services: Services) -> None:
    """Those marked before the worker came, and those after; several at once."""
    done: list[str] = []
    together = threading.Barrier(3)

    def work(ref: str, _: Services) -> None:
        together.wait(10)
        done.append(ref)

    mark(services, account(1))
    with working(database_url, services, work) as thread:
        mark(services, account(2), account(3))
        wait_for(lambda: len(done) == 3, "three accounts at once")
        wait_for(lambda: dirty(services) == 0, "all clean")
        wait_for(lambda: thread.seconds_since_janitor is not None, "a janitor")
    assert sorted(done) == [account(number).ref for number in (1, 2, 3)]


def test_finished_wake_ups_leave_nothing_behind(
    database_url: str, services: Services, database: psycopg.Connection[Any]
) -> None:
    """The engine's table does not grow with the work that was done."""
    with working(database_url, services, lambda *_: None):
        mark(services, account(1))
        wait_for(lambda: (str(account(1)), "todo") not in jobs(database) and dirty(services) == 0, "the work")
        wait_for(lambda: all(lock != str(account(1)) for lock, _ in jobs(database)), "the job's end")
    assert str(account(1)) not in {lock for lock, _ in jobs(database)}


def test_stopping_finishes_what_runs_and_takes_nothing_new(
    database_url: str, services: Services, database: psycopg.Connection[Any]
) -> None:
    """And the engine forgets the worker, so that nobody takes it for dead."""
    started, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    def work(ref: str, _: Services) -> None:
        started.set()
        go_on.wait(10)
        done.append(ref)

    with working(database_url, services, work) as thread:
        mark(services, account(1))
        assert started.wait(20)
        stopper = threading.Thread(target=thread.stop)
        stopper.start()
        time.sleep(0.1)  # long enough for a worker that does not wait to be gone
        assert thread.alive
        go_on.set()
        stopper.join(20)
    assert done == [account(1).ref]
    with services.store.begin() as unit:
        assert unit.targets.start(account(1)) is None
    assert database.execute("select count(*) from procrastinate_workers").fetchone() == (0,)


def test_a_worker_stopped_before_it_began_does_nothing(database_url: str, services: Services) -> None:
    """A signal may come that early."""
    loop = WorkerLoop(database_url, services, {}, BRISK)
    loop.stop()
    loop.run()
    assert loop.seconds_since_janitor is None


def test_a_lane_that_failed_with_a_successor_waiting_is_not_wedged(
    database_url: str, services: Services, database: psycopg.Connection[Any]
) -> None:
    """E5: work fails while its successor waits; with the engine's own retry the account would stand still for ever."""
    attempts: list[str] = []

    def work(ref: str, services: Services) -> None:
        attempts.append(ref)
        if len(attempts) == 1:
            with services.store.begin() as unit:
                unit.targets.mark_dirty(account(1))
                unit.targets.wake(account(1))
            raise KeyError(ref)

    mark(services, account(1))
    with working(database_url, services, work):
        wait_for(lambda: len(attempts) == 1, "the first attempt")
        wait_for(lambda: (str(account(1)), "doing") not in jobs(database), "the failed job's end")
        database.execute("update target set not_before = now()")
        wait_for(lambda: dirty(services) == 0, "the second attempt")
    assert attempts == [account(1).ref] * 2


def test_no_task_has_the_engines_retry(database_url: str, services: Services) -> None:
    """Together with a queueing lock it can shut a lane for good (E5); the Target's own patience replaces it."""
    app = make_app(database_url)
    WorkerLoop(database_url, services, {}, BRISK)._register(app)
    ours = {name: task for name, task in app.tasks.items() if "builtin" not in name}
    assert set(ours) == {RUN_TARGET, "poll", "assess", "tidy"}
    assert {name: task.retry_strategy for name, task in app.tasks.items() if task.retry_strategy} == {}


def test_every_clock_task_keeps_to_one_at_a_time(database_url: str, services: Services) -> None:
    """A tick whose predecessor still waits is dropped; locks are prefixed, because they are global."""
    app = make_app(database_url)
    WorkerLoop(database_url, services, {}, BRISK)._register(app)
    for name in ("poll", "assess", "tidy"):
        assert app.tasks[name].queueing_lock == app.tasks[name].lock == f"clock:{name}"


@pytest.mark.timeout(120)
def test_a_database_restart_under_a_running_worker(own_server: OwnServer) -> None:
    """Work goes on by itself afterwards, also work that was running or ended while the database was away."""
    migrate(own_server.url)
    apply_schema(own_server.url)
    done: list[str] = []
    in_the_middle, go_on = threading.Event(), threading.Event()

    def work(ref: str, _: Services) -> None:
        if ref == account(1).ref and not in_the_middle.is_set():
            in_the_middle.set()
            assert go_on.wait(30)
        done.append(ref)

    with PostgresStore(own_server.url, WAKE) as store, capture_logs():
        services = make_services(store)
        mark(services, account(1))
        with working(own_server.url, services, work) as thread:
            assert in_the_middle.wait(30)
            own_server.stop()
            go_on.set()
            wait_for(lambda: account(1).ref in done, "work that ends while the database is away")
            own_server.start()
            mark(services, account(1), account(2))
            wait_for(lambda: dirty(services) == 0, "everything done after the restart", seconds=60)
            assert account(2).ref in done
            assert done.count(account(1).ref) >= 2
            assert thread.alive
        with psycopg.connect(own_server.url) as connection:
            assert [job for job in jobs(connection) if job[1] == "doing"] == []


def test_a_worker_that_falls_starts_again(
    database_url: str, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever felled it; it says so, and pauses in between."""
    monkeypatch.setattr("connector.jobs.worker._FIRST_PAUSE", 0.01)
    lives: list[int] = []
    real = WorkerLoop._work_once

    async def fall_twice(self: WorkerLoop, stopped: Any) -> None:
        lives.append(1)
        if len(lives) <= 2:
            raise OSError
        await real(self, stopped)

    monkeypatch.setattr(WorkerLoop, "_work_once", fall_twice)
    done: list[str] = []
    mark(services, account(1))
    with capture_logs() as lines, working(database_url, services, lambda ref, _: done.append(ref)):
        wait_for(lambda: bool(done), "work in the third life")
    assert [line["error"] for line in lines if line["event"] == "worker fell"] == ["OSError", "OSError"]
