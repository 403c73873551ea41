"""The janitor: a loop in every worker that frees what dead workers hold and wakes what nobody woke.

Stalled jobs are not recovered by the engine itself, so without this loop a killed worker's accounts would stand still
for ever. It is a loop and not a job, because a job could be the thing that is stuck.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Set

import structlog
from procrastinate import App
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status

from connector.jobs.app import RUN_TARGET
from connector.ports import Services

log = structlog.get_logger(__name__)


class Janitor:
    """One worker's janitor. ``own_jobs`` gives the worker's id and the ids of the jobs it really runs."""

    def __init__(
        self,
        app: App,
        services: Services,
        own_jobs: Callable[[], tuple[int | None, Set[int]]],
        *,
        every: float,
        heartbeat: float,
        stalled_after: float,
    ) -> None:
        self._app = app
        self._services = services
        self._own_jobs = own_jobs
        self._every = every
        self._heartbeat = heartbeat
        self._stalled_after = stalled_after
        self._suspects: frozenset[int] = frozenset()
        self._judge_from = 0.0
        self._last_good = time.monotonic()

    @property
    def seconds_since_good_pass(self) -> float:
        """For metrics: anything much above the period means that crashed work is not coming back."""
        return time.monotonic() - self._last_good

    async def run(self) -> None:
        """Pass after pass until cancelled; a failed pass is logged, and the next one tries again."""
        while True:
            try:
                await self.tidy_once()
            except Exception as error:
                # While the database is away nobody's heart beats. Judge nobody until they had time to beat again.
                self._judge_from = time.monotonic() + 2 * self._heartbeat
                log.warning("janitor pass failed", error=type(error).__name__)
            else:
                self._last_good = time.monotonic()
            await asyncio.sleep(self._every * random.uniform(0.8, 1.2))

    async def tidy_once(self) -> None:
        """Free what the dead hold, free what this worker forgot, wake what is due."""
        if time.monotonic() >= self._judge_from:
            await self._free_stalled()
        await self._free_forgotten()
        woken = await asyncio.to_thread(self._sweep)
        if woken:
            log.debug("swept", woken=woken)

    def _sweep(self) -> int:
        with self._services.store.begin() as work:
            return work.targets.sweep()

    async def _free_stalled(self) -> None:
        """Jobs of workers whose heart has stopped."""
        for job in await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self._stalled_after):
            log.warning("job of a dead worker freed", job=job.id, task=job.task_name, lane=job.lock)
            await self._free(job)

    async def _free_forgotten(self) -> None:
        """Jobs that this worker took and ended, but whose end the database never heard of.

        That happens when the connection breaks in that very moment. The worker lives and its heart beats, so nobody
        else would ever find the job stalled, and its lane would stay shut. One pass of grace lets an end arrive.
        """
        worker, running = self._own_jobs()
        if worker is None:
            return
        doing = await self._app.job_manager.list_jobs_async(status=Status.DOING.value, worker_id=worker)
        forgotten = {job.id: job for job in doing if job.id is not None and job.id not in running}
        for job_id in self._suspects & forgotten.keys():
            log.warning("job that ended unheard freed", job=job_id, lane=forgotten[job_id].lock)
            await self._free(forgotten[job_id])
        self._suspects = frozenset(forgotten)

    async def _free(self, job: Job) -> None:
        """Let go of the job's lane. A wake-up may be thrown away: the sweep knows better. The rest runs again."""
        try:
            if job.task_name == RUN_TARGET:
                await self._app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
            else:
                await self._run_again(job)
        except ConnectorException as error:
            if await self._is_doing(job):
                raise
            log.debug("another janitor was faster", job=job.id, error=type(error).__name__)

    async def _run_again(self, job: Job) -> None:
        try:
            await self._app.job_manager.retry_job(job)
        except UniqueViolation:  # its successor waits already
            await self._app.job_manager.finish_job(job, Status.FAILED, delete_job=True)

    async def _is_doing(self, job: Job) -> bool:
        return any(await self._app.job_manager.list_jobs_async(id=job.id, status=Status.DOING.value))
