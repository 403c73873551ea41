"""The worker: takes wake-ups, runs Targets, keeps the clock and the janitor going, and comes back after any fall."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from procrastinate import App, JobContext
from procrastinate.app import WorkerOptions
from procrastinate.worker import Worker

from connector.jobs.app import RUN_TARGET, WORK, make_app
from connector.jobs.janitor import Janitor
from connector.jobs.run_target import UseCases, run_target
from connector.jobs.schedule import register_schedule
from connector.ports import Services
from connector.targets import Target, TargetKind

log = structlog.get_logger(__name__)

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
_HARD_STOP = 70  # EX_SOFTWARE: the supervisor should start another


@dataclass(frozen=True, slots=True)
class Pace:
    """A worker's periods, in seconds, and how many Targets it works on at once."""

    concurrency: int = 8
    poll_every: float = 0.25  #: releasing a lane rings no bell, so the next in a lane is found by looking
    heartbeat: float = 5.0
    stalled_after: float = 30.0
    janitor_every: float = 5.0
    graceful: float = 25.0  #: below stalled_after, or others would take what is still being finished


class WorkerLoop:
    """A worker that is started again whenever it ends without being asked to."""

    def __init__(self, url: str, services: Services, use_cases: UseCases, pace: Pace) -> None:
        self._url = url
        self._services = services
        self._use_cases = use_cases
        self._pace = pace
        self._worker_id: int | None = None
        self._in_hand: set[int] = set()
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None
        self._janitor: Janitor | None = None

    @property
    def seconds_since_janitor(self) -> float | None:
        """Seconds since the janitor's last good pass; None before the first worker is up."""
        return None if self._janitor is None else self._janitor.seconds_since_good_pass

    def stop(self) -> None:
        """Ask it to take nothing new, finish what it runs, and end. May be called from any thread or signal handler."""
        self._stopping.set()
        loop, stopped = self._loop, self._stopped
        if loop is not None and stopped is not None:
            with suppress(RuntimeError):  # the loop closed meanwhile: it has stopped
                loop.call_soon_threadsafe(stopped.set)

    def run(self) -> None:
        """Work until stopped."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        if self._stopping.is_set():
            return
        # The engine runs our plain functions in the loop's own pool, whose usual size is the number of cores plus four.
        self._loop.set_default_executor(ThreadPoolExecutor(self._pace.concurrency + 2, "target"))
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            began = self._loop.time()
            try:
                await self._work_once(self._stopped)
            except Exception as error:
                log.warning("worker fell", error=type(error).__name__)
            if self._stopping.is_set():
                break
            pause = _FIRST_PAUSE if self._loop.time() - began > _LONGEST_PAUSE else min(2 * pause, _LONGEST_PAUSE)
            log.warning("worker starts again", pause=pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), pause)

    async def _work_once(self, stopped: asyncio.Event) -> None:
        """One life of the engine's worker, until it ends by itself or is asked to."""
        app = make_app(self._url)
        self._register(app)
        async with app.open_async():
            self._worker_id = None
            self._janitor = Janitor(
                app,
                self._services,
                lambda: (self._worker_id, self._in_hand),
                every=self._pace.janitor_every,
                heartbeat=self._pace.heartbeat,
                stalled_after=self._pace.stalled_after,
            )
            life = asyncio.create_task(app.run_worker_async(**self._options()), name="worker")
            side = [
                asyncio.create_task(self._janitor.run(), name="janitor"),
                asyncio.create_task(stopped.wait(), name="stop"),
            ]
            try:
                await asyncio.wait({life, *side}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                life.cancel()  # to the engine that means: finish what runs, take nothing new
                for task in side:
                    task.cancel()
                await asyncio.gather(life, *side, return_exceptions=True)
            if not life.cancelled():
                life.result()

    def _options(self) -> WorkerOptions:
        return {
            "name": "connector",
            "concurrency": self._pace.concurrency,
            "fetch_job_polling_interval": self._pace.poll_every,
            "update_heartbeat_interval": self._pace.heartbeat,
            "stalled_worker_timeout": self._pace.stalled_after,
            "shutdown_graceful_timeout": self._pace.graceful,
            "delete_jobs": "successful",
            "install_signal_handlers": False,
            "worker_middleware": [self._keep_in_hand],
        }

    def _register(self, app: App) -> None:
        """Teach the engine our one task. Never with retry=: beside a queueing lock it can shut a lane for good."""

        @app.task(name=RUN_TARGET, queue=WORK)
        def _run_target(kind: str, ref: str) -> None:
            run_target(Target(TargetKind(kind), ref), self._services, self._use_cases)

        register_schedule(app, self._services)

    async def _keep_in_hand(self, run: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker) -> Any:
        """Around every job: remember that this worker really runs it."""
        job_id = context.job.id or 0
        self._worker_id = worker.worker_id
        self._in_hand.add(job_id)
        try:
            return await run()
        finally:
            self._in_hand.discard(job_id)


class WorkerThread:
    """A worker inside another process, for `connector serve`: one thread beside the web server's."""

    def __init__(self, loop: WorkerLoop) -> None:
        self._loop = loop
        self._thread = threading.Thread(target=loop.run, name="worker", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def seconds_since_janitor(self) -> float | None:
        """Seconds since the janitor's last good pass; None before the first worker is up."""
        return self._loop.seconds_since_janitor

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self, timeout: float = 30.0) -> None:
        """Finish what is running and end, within ``timeout`` seconds; the rest falls with the process."""
        self._loop.stop()
        self._thread.join(timeout)


def run_worker(url: str, services: Services, use_cases: UseCases, pace: Pace | None = None) -> None:
    """Work until SIGTERM or SIGINT, then finish what is running and return. For a process of its own.

    Work that will not finish in time is cut off with the process; another worker frees its lane.
    """
    pace = pace or Pace()
    loop = WorkerLoop(url, services, use_cases, pace)

    def stop(number: int, _frame: object) -> None:
        log.info("worker stops", signal=signal.Signals(number).name)
        loop.stop()
        # A thread cannot be interrupted, and this process's heart no longer beats: it must not outlive its name.
        cut_off = threading.Timer(pace.graceful + 2, os._exit, [_HARD_STOP])
        cut_off.daemon = True
        cut_off.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    loop.run()


def start_worker_thread(url: str, services: Services, use_cases: UseCases, pace: Pace | None = None) -> WorkerThread:
    """Start a worker beside the caller, without touching signals, and give the handle that stops it."""
    thread = WorkerThread(WorkerLoop(url, services, use_cases, pace or Pace()))
    thread.start()
    return thread
