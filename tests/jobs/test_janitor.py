"""The janitor: what the dead hold is freed, what the living forgot too, and nobody is judged in haste."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from structlog.testing import capture_logs

from connector.jobs.app import make_app
from connector.jobs.janitor import Janitor
from connector.ports import Services
from connector.targets import Target, TargetKind
from tests.jobs.conftest import jobs

ACME = Target(TargetKind.ACCOUNT, "stripe:customer:cus_acme")
NOBODY = (None, frozenset[int]())


class Bench:
    """An open App, and a janitor whose own worker is whatever the test says."""

    def __init__(self, database_url: str, services: Services) -> None:
        self._url = database_url
        self._services = services
        self.own: tuple[int | None, frozenset[int]] = NOBODY

    def run(self, steps: Callable[[Janitor, App], Awaitable[None]]) -> None:
        async def with_app() -> None:
            app = make_app(self._url)
            async with app.open_async():
                janitor = Janitor(app, self._services, lambda: self.own, every=0.01, heartbeat=0.05, stalled_after=10.0)
                await steps(janitor, app)

        asyncio.run(with_app())

    def pass_once(self, times: int = 1) -> None:
        async def steps(janitor: Janitor, _app: App) -> None:
            for _ in range(times):
                await janitor.tidy_once()

        self.run(steps)


@pytest.fixture
def bench(database_url: str, services: Services) -> Bench:
    return Bench(database_url, services)


def worker(database: psycopg.Connection[Any], *, silent_for: int) -> int:
    """A worker whose heart last beat so many seconds ago."""
    row = database.execute(
        "insert into procrastinate_workers (last_heartbeat) values (now() - %s * interval '1 second') returning id",
        [silent_for],
    ).fetchone()
    assert row is not None
    return int(row[0])


def taken(database: psycopg.Connection[Any], by: int | None, target: Target = ACME, task: str = "run_target") -> int:
    """A job that this worker took."""
    row = database.execute(
        "insert into procrastinate_jobs (queue_name, task_name, lock, queueing_lock, status, worker_id)"
        " values ('sync', %s, %s, %s, 'doing', %s) returning id",
        [task, target.lane, str(target), by],
    ).fetchone()
    assert row is not None
    return int(row[0])


def dirty(services: Services, *targets: Target) -> None:
    with services.store.begin() as work:
        work.targets.mark_all(targets)


def test_a_dead_workers_lane_is_freed_and_its_work_woken(
    bench: Bench, services: Services, database: psycopg.Connection[Any]
) -> None:
    """The old job is thrown away, and the sweep queues a new one."""
    dirty(services, ACME)
    database.execute("delete from procrastinate_jobs")
    taken(database, worker(database, silent_for=60))
    bench.pass_once()
    assert jobs(database) == [(str(ACME), "todo")]


def test_a_job_whose_worker_was_struck_off_is_freed_too(bench: Bench, database: psycopg.Connection[Any]) -> None:
    """A starting worker prunes the dead, and then the job names nobody."""
    taken(database, None)
    bench.pass_once()
    assert jobs(database) == []


def test_a_living_workers_job_is_left_alone(bench: Bench, database: psycopg.Connection[Any]) -> None:
    """However long the job takes."""
    taken(database, worker(database, silent_for=5))
    bench.pass_once(3)
    assert jobs(database) == [(str(ACME), "doing")]


def test_a_waiting_successor_survives_the_freeing(
    bench: Bench, services: Services, database: psycopg.Connection[Any]
) -> None:
    """E5: a dead job with a successor waiting must not wedge the account."""
    dirty(services, ACME)
    taken(database, worker(database, silent_for=60))
    bench.pass_once()
    assert jobs(database) == [(str(ACME), "todo")]


def test_clockwork_of_the_dead_runs_again(bench: Bench, database: psycopg.Connection[Any]) -> None:
    """Nothing else would bring it back before its next tick."""
    taken(database, worker(database, silent_for=60), task="tidy")
    bench.pass_once()
    assert jobs(database) == [(str(ACME), "todo")]


def test_clockwork_of_the_dead_yields_to_its_successor(bench: Bench, database: psycopg.Connection[Any]) -> None:
    """Both cannot wait under one queueing lock; one is enough."""
    taken(database, worker(database, silent_for=60), task="tidy")
    database.execute(
        "insert into procrastinate_jobs (queue_name, task_name, queueing_lock) values ('ops', 'tidy', %s)", [str(ACME)]
    )
    bench.pass_once()
    assert jobs(database) == [(str(ACME), "todo")]


def test_a_job_that_ended_unheard_is_freed_at_the_second_look(bench: Bench, database: psycopg.Connection[Any]) -> None:
    """Its worker lives, so nobody else would ever find it; one look of grace lets a late end arrive."""
    me = worker(database, silent_for=0)
    job = taken(database, me)
    bench.own = (me, frozenset({job}))
    bench.pass_once(3)
    assert jobs(database) == [(str(ACME), "doing")]

    bench.own = (me, frozenset())
    bench.pass_once(1)
    assert jobs(database) == [(str(ACME), "doing")]
    bench.pass_once(2)
    assert jobs(database) == []


def test_the_sweep_wakes_what_a_crash_left_asleep(
    bench: Bench, services: Services, database: psycopg.Connection[Any]
) -> None:
    """Dirty, due, and without a job."""
    dirty(services, ACME)
    database.execute("delete from procrastinate_jobs")
    bench.pass_once()
    assert jobs(database) == [(str(ACME), "todo")]


def test_two_janitors_may_find_the_same_job(
    bench: Bench, database: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slower one sees that it is gone, and goes on."""
    taken(database, worker(database, silent_for=60))

    async def steps(janitor: Janitor, app: App) -> None:
        finish = app.job_manager.finish_job

        async def finish_after_another(job: Job, status: Status, delete_job: bool) -> None:
            await finish(job, status, delete_job)
            await finish(job, status, delete_job)

        monkeypatch.setattr(app.job_manager, "finish_job", finish_after_another)
        await janitor.tidy_once()

    bench.run(steps)
    assert jobs(database) == []


def test_a_job_that_cannot_be_freed_is_a_failed_pass(
    bench: Bench, database: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not taken for another janitor's success."""
    taken(database, worker(database, silent_for=60))

    async def steps(janitor: Janitor, app: App) -> None:
        async def refuse(*_: object, **__: object) -> None:
            raise ConnectorException("no")

        monkeypatch.setattr(app.job_manager, "finish_job", refuse)
        with pytest.raises(ConnectorException):
            await janitor.tidy_once()

    bench.run(steps)


def test_a_failed_pass_is_logged_and_followed_by_a_good_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds since the last good pass grow while passes fail, and fall when one succeeds."""
    ages: list[float] = []

    async def steps(janitor: Janitor, _app: App) -> None:
        good = janitor.tidy_once
        calls = 0

        async def fail_twice() -> None:
            nonlocal calls
            calls += 1
            ages.append(janitor.seconds_since_good_pass)
            if calls <= 2:
                raise OSError
            await good()

        monkeypatch.setattr(janitor, "tidy_once", fail_twice)
        loop = asyncio.create_task(janitor.run())
        while calls < 4:
            await asyncio.sleep(0.01)
        loop.cancel()

    with capture_logs() as lines:
        bench.run(steps)
    failed = [line for line in lines if line["event"] == "janitor pass failed"]
    assert [line["error"] for line in failed] == ["OSError", "OSError"]
    assert ages[0] < ages[1] < ages[2]


def test_after_a_failed_pass_nobody_is_judged_until_hearts_had_time_to_beat(
    bench: Bench, database: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database was away every heart was silent, the living ones too."""
    stalled = worker(database, silent_for=60)
    taken(database, stalled)
    states: list[int] = []

    async def steps(janitor: Janitor, app: App) -> None:
        asked = 0
        ask = app.job_manager.get_stalled_jobs
        sweep = janitor._sweep

        async def count(*args: Any, **kwargs: Any) -> Any:
            nonlocal asked
            asked += 1
            return await ask(*args, **kwargs)

        def fail_once() -> int:
            monkeypatch.setattr(janitor, "_sweep", sweep)
            raise OSError

        monkeypatch.setattr(app.job_manager, "get_stalled_jobs", count)
        monkeypatch.setattr(janitor, "_sweep", fail_once)
        monkeypatch.setattr(janitor, "_heartbeat", 3600.0)
        loop = asyncio.create_task(janitor.run())
        while not asked:
            await asyncio.sleep(0.01)
        for _ in range(20):
            await asyncio.sleep(0.01)
        states.append(asked)
        loop.cancel()

    bench.run(steps)
    assert states == [1]
