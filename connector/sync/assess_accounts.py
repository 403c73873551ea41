"""A day has passed for everybody: what was due is now late. All accounts, from the ledger, a thousand at a time."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from connector import targets
from connector.domain.account_picture import Rules, account_picture
from connector.domain.dates import start_of_day
from connector.domain.refs import RecordRef
from connector.domain.write_back import Values
from connector.errors import RetryLater
from connector.ports import Services
from connector.sync.keep_pictures import keep_pictures
from connector.sync.rules_in_force import rules_in_force
from connector.targets import TargetKind

log = structlog.get_logger(__name__)

_AT_ONCE = 1000
"""Customers of one transaction. Whose refresh comes meanwhile waits for it to end: about half a second."""

_TELL_EVERY = 10
_MOST_MISHAPS = 100


@dataclass(slots=True)
class _Tally:
    """How far the run has come."""

    assessed: int = 0
    passed_over: int = 0  #: somebody else held them; who did shows them, or the next run does
    changed: int = 0  #: CRM records
    mishaps: int = 0
    began: float = field(default_factory=time.monotonic)

    def fields(self) -> dict[str, float]:
        return {
            "assessed": self.assessed,
            "passed_over": self.passed_over,
            "records_changed": self.changed,
            "mishaps": self.mishaps,
            "seconds": round(time.monotonic() - self.began, 1),
        }


def assess_accounts(direction: str, services: Services) -> None:
    """Work out the payment health of every customer that was not assessed today, from the ledger alone.

    ``direction`` is the end of the book to begin at: two runs go towards each other, so that two workers share a night,
    and either alone does all of it.

    Each set of customers is a transaction of its own, so that a run that was cut off goes on where it ended. An account
    with which something goes wrong gets a HEALTH Target of its own, where it is tried again and at last parked with
    the reason; the others are none the worse for it.

    Raises:
        RetryLater: the database is away, or somebody stood in the way for too long.
        Exception: what went wrong with the last of so many accounts that the fault is not theirs.
    """
    since = start_of_day(services.clock())
    tally = _Tally()
    after: RecordRef | None = None
    for number in itertools.count(1):
        with services.store.begin() as work:
            batch = work.book.unassessed(since, after, _AT_ONCE, downwards=direction == targets.DOWNWARDS)
        if not batch:
            break
        after = batch[-1]
        _assess_each(batch, since, rules_in_force(services), services, tally)
        if number % _TELL_EVERY == 0:
            log.info("accounts are being assessed", **tally.fields())
    log.info("accounts assessed", **tally.fields())


def _assess_each(
    customers: Sequence[RecordRef], since: datetime, rules: Rules, services: Services, tally: _Tally
) -> None:
    """All of them at once; if that fails, one half and then the other, until what fails is a single account."""
    try:
        with _undisturbed():
            _assess_all(customers, since, rules, services, tally)
    except RetryLater:
        raise
    except Exception as error:
        if len(customers) == 1:
            _leave_alone(customers[0], error, services, tally)
            return
    else:
        return
    middle = len(customers) // 2
    for half in (customers[:middle], customers[middle:]):
        _assess_each(half, since, rules, services, tally)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without looks for garbage in cycles: values make none, and to look through all of them takes as long as they do.

    It holds for the whole process, for the second that a set takes. Two runs share a process: what one of them finds
    switched off may be the other's doing, so whoever ends switches it on.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _assess_all(
    customers: Sequence[RecordRef], since: datetime, rules: Rules, services: Services, tally: _Tally
) -> None:
    with services.store.begin() as work:
        held = work.book.hold(customers, since)
        now = services.clock()
        known = work.accounts.background(held)
        pictures = []
        values: dict[RecordRef, Values] = {}
        for facts in work.book.facts(held):
            whole = replace(facts, background=known[facts.account.customer.ref])
            pictures.append(account_picture(whole, now.date(), rules))
            for ref, shown in pictures[-1].values.items():
                values[ref] = {**values.get(ref, {}), **shown}
        changed = work.records.desire_all(values)
        work.book.assessed(held, now)
        keep_pictures(pictures, [ref for ref, differs in changed.items() if differs], rules, work, services)
    tally.assessed += len(held)
    tally.passed_over += len(customers) - len(held)
    tally.changed += len(changed)


def _leave_alone(customer: RecordRef, error: Exception, services: Services, tally: _Tally) -> None:
    """Its own Target says what is wrong with it. Neither its name nor the error's words belong into a log."""
    tally.mishaps += 1
    log.warning("an account could not be assessed with the others", error=type(error).__name__)
    with services.store.begin() as work:
        work.targets.mark_all([targets.for_record(TargetKind.HEALTH, customer)], unpark=False)
    if tally.mishaps >= _MOST_MISHAPS:
        raise error
