"""Cash to come, by week: what is open and what will be invoiced, each on the day it should be paid, with a band.

Weeks count from the day after ``as_of``. For the end of each week the band says what will have come by then if
everybody pays late (``at_least``) or early (``at_most``); without enough history there is none. Invoices to come are
those of subscriptions that run, before tax and without usage, at today's prices and terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from connector.domain.dates import add_intervals
from connector.domain.deal import Interval
from connector.domain.pay_delay import Guess, PayDelays
from connector.domain.receivable_rows import InvoiceHistory, open_amount

WEEKS = 13
"""A quarter."""


class RunningItem(NamedTuple):
    """One recurring item of a subscription that runs."""

    subscription: str
    customer: str
    currency: str
    amount: Decimal  #: minor units per period, after running discounts
    interval: Interval
    next_day: date  #: when it is invoiced next
    net_days: int  #: from its invoice to the due date, as on its last invoice
    stops: date | None  #: it is not invoiced on this day or later
    contracted_until: date | None  #: the first day after its contract; None where no contract says


class ExpectedCash(NamedTuple):
    """One sum of money that should come: of an open invoice, or of one to come."""

    source: str  #: the invoice, sent or not, or the subscription that will make it
    number: str  #: the invoice's number; empty for one to come
    customer: str
    currency: str
    invoiced: date
    due: date | None
    amount: int
    when: Guess | None  #: None: so late that nobody who was paid that late


@dataclass(frozen=True, slots=True)
class Week:
    """What should come within seven days, and by their end."""

    first: date
    last: date
    expected: int
    by_then: int  #: all that should have come by the last day
    at_least: int | None
    at_most: int | None
    rows: tuple[ExpectedCash, ...]


@dataclass(frozen=True, slots=True)
class CashForecast:
    """One currency's weeks, and what is expected in none of them."""

    currency: str
    weeks: tuple[Week, ...]
    later: tuple[ExpectedCash, ...]
    unforeseen: tuple[ExpectedCash, ...]  #: so late that no invoice in the ledger was ever paid as late


def open_cash(invoices: Iterable[InvoiceHistory], delays: PayDelays) -> Iterator[ExpectedCash]:
    """What is still open, when it should come; an invoice without a due date is due on the day it was issued."""
    for invoice in invoices:
        left = open_amount(invoice, delays.as_of)
        if left:
            guess = delays.guess(invoice.customer, invoice.due or invoice.issued)
            yield ExpectedCash(
                invoice.ref,
                invoice.number,
                invoice.customer,
                invoice.currency,
                invoice.issued,
                invoice.due,
                left,
                guess,
            )


def draft_cash(drafts: Iterable[InvoiceHistory], delays: PayDelays) -> Iterator[ExpectedCash]:
    """Invoices that are made but not sent: those that wait for their day, and those of this hour."""
    for draft in drafts:
        if draft.amount > 0:
            due = draft.due or draft.issued
            guess = delays.guess(draft.customer, max(due, delays.as_of))
            yield ExpectedCash(
                draft.ref, draft.number, draft.customer, draft.currency, draft.issued, draft.due, draft.amount, guess
            )


def invoices_to_come(items: Iterable[RunningItem], after: date, until: date) -> Iterator[tuple[RunningItem, date, int]]:
    """Each item's invoices after one day and up to another: the item, the day and the amount in minor units.

    An item whose next invoice should have come already is invoiced tomorrow: its renewal is under way.
    """
    for item in items:
        amount = int(item.amount.to_integral_value(ROUND_HALF_UP))
        number, day = 0, item.next_day
        while day <= until and (item.stops is None or day < item.stops):
            following = add_intervals(item.next_day, item.interval, number + 1)
            if amount and (day > after or following > after):
                yield item, max(day, after + timedelta(days=1)), amount
            number, day = number + 1, following


def forecast_cash(items: Iterable[RunningItem], delays: PayDelays, until: date) -> Iterator[ExpectedCash]:
    """What will be invoiced, when it should come."""
    for item, day, amount in invoices_to_come(items, delays.as_of, until):
        due = day + timedelta(days=item.net_days)
        yield ExpectedCash(
            item.subscription, "", item.customer, item.currency, day, due, amount, delays.guess(item.customer, due)
        )


def contracted(items: Iterable[RunningItem], as_of: date) -> Iterator[tuple[RunningItem, int]]:
    """What each item will still be invoiced until its contract ends, in minor units; nothing where no contract says."""
    for item in items:
        if item.contracted_until is None:
            continue
        last = item.contracted_until - timedelta(days=1)
        total = sum(amount for _, _, amount in invoices_to_come([item], as_of, last))
        if total:
            yield item, total


def by_week(cash: Iterable[ExpectedCash], currency: str, as_of: date, weeks: int = WEEKS) -> CashForecast:
    """One currency's cash in weeks."""
    mine = sorted((each for each in cash if each.currency == currency), key=_order)
    foreseen = [(each, each.when) for each in mine if each.when is not None]
    banded = all(when.early is not None and when.late is not None for _, when in foreseen)
    made: list[Week] = []
    for number in range(weeks):
        first = as_of + timedelta(days=7 * number + 1)
        last = first + timedelta(days=6)
        rows = tuple(each for each, when in foreseen if first <= when.expected <= last)
        made.append(
            Week(
                first,
                last,
                _sum(rows),
                _sum(each for each, when in foreseen if when.expected <= last),
                _sum(each for each, when in foreseen if when.late is not None and when.late <= last)
                if banded
                else None,
                _sum(each for each, when in foreseen if when.early is not None and when.early <= last)
                if banded
                else None,
                rows,
            )
        )
    horizon = as_of + timedelta(days=7 * weeks)
    return CashForecast(
        currency,
        tuple(made),
        tuple(each for each, when in foreseen if when.expected > horizon),
        tuple(each for each in mine if each.when is None),
    )


def _sum(rows: Iterable[ExpectedCash]) -> int:
    return sum(each.amount for each in rows)


def _order(each: ExpectedCash) -> tuple[date, str, date, int]:
    return (each.when.expected if each.when else date.max, each.source, each.invoiced, each.amount)
