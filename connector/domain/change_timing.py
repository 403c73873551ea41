"""On which day a change of a contract takes hold, and which days are then billed or credited on their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from connector.domain.billing_plan import Period
from connector.domain.contract import ContractItem, RunningContract
from connector.domain.contract_steps import last_day
from connector.domain.dates import add_intervals, length, periods_begun
from connector.domain.deal import Deal, Interval, LineItem
from connector.errors import CannotBill
from connector.sentences import amending as sentences

_FARTHEST = timedelta(days=3653)
"""A start more than ten years ahead is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Moment:
    """How one item changes on ``start``: full periods at the new price begin on ``by``, and none before ``after`` does.

    ``period`` is the billing period that ``start`` falls in. ``rest`` says that its days from ``start`` on are billed,
    or credited, by a line of their own.
    """

    start: date
    period: Period
    rest: bool
    after: date
    by: date


def change_start(deal: Deal, contract: RunningContract, lines: Iterable[LineItem], today: date) -> date:
    """The day the deal changes the contract: its own start, else the one its lines share, else as soon as may be.

    Raises:
        CannotBill: the lines start on different days, or the contract is over by then.
    """
    days = {deal.terms.start or line.start for line in lines} - {None}
    stated = sorted(day for day in days if day is not None)
    if len(stated) > 1:
        raise CannotBill.because(
            sentences.DIFFERENT_STARTS, ref=deal.ref, days=", ".join(day.isoformat() for day in stated)
        )
    start = stated[0] if stated else deal.terms.start or max(today, contract.started)
    end = last_day(contract, today)
    if end is not None and start > end:
        raise CannotBill.because(sentences.AFTER_THE_END, ref=deal.ref, start=start, end=end)
    return start


def planned_on(contract: RunningContract, seen: date, today: date) -> date:
    """The day to take for today: the one on which the change was seen, unless the contract was billed on since.

    What was agreed to in one billing period is no answer to what should be done in the next.
    """
    return today if any(seen < item.period_start <= today for item in contract.items) else seen


def moment(deal: Deal, contract: RunningContract, item: ContractItem, start: date, today: date) -> Moment:
    """When and how a change on ``start`` reaches the item.

    Raises:
        CannotBill: ``start`` lies before the running period, or within one that is not the next.
    """
    running = Period(item.period_start, item.period_end)
    if start < running.start:
        raise CannotBill.because(sentences.BEFORE_THE_PERIOD, ref=deal.ref, start=start, period_start=running.start)
    if start > today + _FARTHEST:
        raise CannotBill.because(sentences.TOO_FAR_AHEAD, ref=deal.ref, start=start, period_start=running.end)
    period = running if start < running.end else period_of(contract, item, start)
    if start == period.start and start > today:
        before = date.min if period == running else period_of(contract, item, start - timedelta(days=1)).start
        return Moment(start, period, rest=False, after=before, by=start)
    if period.start > running.end:
        raise CannotBill.because(sentences.TOO_FAR_AHEAD, ref=deal.ref, start=start, period_start=period.start)
    free = contract.status == "trialing" and period == running
    return Moment(start, period, rest=not free, after=period.start, by=period.end)


def taking_hold(moments: Iterable[Moment], today: date) -> date | None:
    """The day the subscription itself changes, so that each full period is billed as it should be; None: now.

    All moments are of one start, which lies after every ``after`` and not after any ``by``, so that a day suits all.
    """
    known = list(moments)
    if all(each.after <= today for each in known):
        return None
    return min(each.by for each in known)


def period_of(contract: RunningContract, item: ContractItem, day: date) -> Period:
    """The item's billing period that holds ``day``, which lies in the running period or after it."""
    running = Period(item.period_start, item.period_end)
    if day < running.end:
        return running
    interval = item.interval or Interval("month")
    anchor = contract.anchor or contract.started
    if add_intervals(anchor, interval, periods_begun(anchor, interval, running.end)) != running.end:
        anchor = running.end
    number = periods_begun(anchor, interval, day)
    return Period(add_intervals(anchor, interval, number), add_intervals(anchor, interval, number + 1))


def item_billed(contract: RunningContract, interval: Interval) -> ContractItem | None:
    """An item whose periods a new line of this interval shares."""
    for item in contract.items:
        if item.interval is not None and length(item.interval) == length(interval):
            return item
    return None


def next_invoice(contract: RunningContract, today: date) -> date | None:
    """The day of the contract's next invoice; None where it ends before one."""
    day = min((item.period_end for item in contract.items), default=None)
    if contract.started > today:
        day = contract.started
    if day is None or (contract.ends is not None and contract.ends <= day):
        return None
    return day
