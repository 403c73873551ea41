"""The clockwork: what happens by the clock. Each task looks at the state of things, never at its tick.

A tick that fell while everything was down is skipped, and nothing is lost: the next one finds the same work waiting.
The tasks only mark Targets dirty; the work itself runs in their lanes, under their limits.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from procrastinate import App

from connector import targets
from connector.domain.dates import start_of_day
from connector.jobs.app import CLOCKWORK
from connector.ports import Services
from connector.sync.refit_portfolio import PORTFOLIO_FITTED
from connector.targets import TargetKind

_REFIT_EVERY = timedelta(days=7)
_LOOK_AGAIN_AFTER = timedelta(days=6)
_BATCH = 500
_KEEP_ENDED_JOBS_HOURS = 24
_MOST_SEALS = 50


def register_schedule(app: App, services: Services) -> None:
    """Give the App its clockwork."""

    @app.periodic(cron="* * * * * */20")  # the sixth field is the seconds
    @app.task(name="poll", queue=CLOCKWORK, lock="clock:poll", queueing_lock="clock:poll")
    def _poll(timestamp: int) -> None:
        mark_due_polls(services)
        mark_due_rows(services)

    @app.periodic(cron="7 * * * *")
    @app.task(name="assess", queue=CLOCKWORK, lock="clock:assess", queueing_lock="clock:assess")
    def _assess(timestamp: int) -> None:
        mark_unassessed(services)
        mark_portfolio(services)
        mark_renewals(services)
        knock_again(services)

    @app.periodic(cron="37 * * * *")
    @app.task(name="tidy", queue=CLOCKWORK, lock="clock:tidy", queueing_lock="clock:tidy")
    async def _tidy(timestamp: int) -> None:
        await app.job_manager.delete_old_jobs(
            _KEEP_ENDED_JOBS_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
        )
        await asyncio.to_thread(seal_audit, services)


def mark_due_polls(services: Services) -> int:
    """Mark every provider that was last asked longer than ``poll_every`` ago. Parked ones stay parked."""
    since = services.clock() - services.poll_every
    with services.store.begin() as work:
        marks = {name: work.settings.watermark(name) for name in _polled(services)}
        due = [targets.for_poll(name) for name, asked in marks.items() if asked is None or asked <= since]
        return work.targets.mark_all(due, unpark=False)


def mark_due_rows(services: Services) -> int:
    """Mark every CRM with records whose wait is over, parked ones too: a missing field may have been made since.

    The lane itself does not wait for them, or one busy record would hold up all that change meanwhile.
    """
    with services.store.begin() as work:
        due = [targets.for_crm(crm) for crm in work.records.revive() if crm in services.crms]
        return work.targets.mark_all(due, unpark=False)


def knock_again(services: Services) -> int:
    """Once an hour try what is parked again, without anybody's help: those first that were parked the longest.

    An access may be restored; what a deal lacked may have been filled in on its contact or product, whose change
    rings no bell of the deal's; and an invoice that was paid while our key was refused says so only once.
    """
    with services.store.begin() as work:
        return work.targets.mark_all([one.target for one in work.targets.parked(_BATCH)])


def mark_unassessed(services: Services) -> bool:
    """Mark the runs over all accounts while some were not assessed today: days pass without any webhook."""
    with services.store.begin() as work:
        if not work.book.unassessed(start_of_day(services.clock()), None, 1):
            return False
        return work.targets.mark_all(targets.for_everybody(), unpark=False) > 0


def mark_portfolio(services: Services) -> int:
    """Mark what all accounts together say, once a week: it moves slowly."""
    with services.store.begin() as work:
        fitted = work.settings.watermark(PORTFOLIO_FITTED)
        if fitted is not None and fitted > services.clock() - _REFIT_EVERY:
            return 0
        return work.targets.mark_all([targets.PORTFOLIO], unpark=False)


def mark_renewals(services: Services) -> int:
    """Mark accounts whose renewal deals were not looked at for a week: one may have been opened unheard.

    Those flagged no more whose tasks are still open, too: their CRM was not connected when the flag was cleared.
    """
    with services.store.begin() as work:
        due = work.renewals.due(services.today() - _LOOK_AGAIN_AFTER, services.crms.keys(), _BATCH)
        return work.targets.mark_all([targets.for_record(TargetKind.RENEWAL, ref) for ref in due], unpark=False)


def seal_audit(services: Services) -> int:
    """Seal what the audit has gained."""
    sealed = 0
    for _ in range(_MOST_SEALS):
        with services.store.begin() as work:
            batch = work.audit.seal()
        sealed += batch
        if not batch:
            break
    return sealed


def _polled(services: Services) -> list[str]:
    return [*services.crms, services.billing.name]
