"""What a deal is worth until its term ends, worked out from its lines alone.

On purpose another way than the plan's: nothing here knows phases, schedules or invoices. Each line's amount per period
times the number of its periods, plus what is sold once, less the discounts. A plan whose invoices come to something
else is wrong, and so is a test that lets it pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

from connector.domain.billing import Price
from connector.domain.billing_plan import Catalogue
from connector.domain.dates import add_intervals, add_months, months_after, whole_months
from connector.domain.deal import Deal, Interval, LineItem
from connector.domain.money import Money, exponent, smallest_step
from connector.domain.policy import BillingPolicy, PastStart

EVERGREEN_MONTHS = 12
"""How far a contract without an end is counted, from its first day: as far as its forecast."""


@dataclass(frozen=True, slots=True)
class ContractValue:
    """``total`` before tax and without usage. ``evergreen`` says that a part has no end and counts for a year only."""

    total: Money
    evergreen: bool = False


@dataclass(frozen=True, slots=True)
class _Terms:
    """What the deal says of all its lines. ``ends`` is the first day after it; None for a contract without an end."""

    begins: date
    ends: date | None
    horizon: date  #: until when what has no end is counted
    percent: Fraction
    percent_until: date | None


@dataclass(frozen=True, slots=True)
class _Charge:
    """What one line costs on one day, in minor units; lines of one day, start and frequency share a percentage."""

    day: date
    start: date
    length: tuple[str, int]
    amount: Fraction


def contract_value(deal: Deal, policy: BillingPolicy, today: date, catalogue: Catalogue | None = None) -> ContractValue:
    """What the deal comes to from its first day until its term ends; a part without an end counts for twelve months.

    Only for a deal that can be planned: what cannot be billed exactly is counted as if it could.
    """
    currency = (deal.currency or policy.default_currency).lower()
    prices = catalogue or Catalogue()
    terms = _terms(deal, policy, today)
    lines = [line for line in deal.line_items if not _metered(line, prices)]
    charges = [charge for line in lines for charge in _charges(line, deal, terms, policy, today, currency, prices)]
    total = sum(_less_the_percentage(charges, terms, smallest_step(currency)))
    total -= int(deal.terms.discount_amount.scaleb(exponent(currency)))
    recurs = any(not line.one_off for line in deal.line_items)
    return ContractValue(Money(total, currency), evergreen=recurs and terms.ends is None)


def _terms(deal: Deal, policy: BillingPolicy, today: date) -> _Terms:
    own = deal.terms
    recurring = [line for line in deal.line_items if not line.one_off]
    begins = own.start or min((line.start for line in recurring if line.start is not None), default=today)
    if policy.past_start is PastStart.FROM_TODAY:
        begins = max(begins, today)
    ends: date | None
    if own.end is not None:
        ends = own.end + timedelta(days=1)
    elif own.term_months:
        ends = add_months(begins, own.term_months)
    else:
        stated = (_own_end(line, line.start or begins, begins) for line in recurring)
        ends = max((end for end in stated if end is not None), default=None)
    return _Terms(
        begins=begins,
        ends=ends,
        horizon=add_months(begins, EVERGREEN_MONTHS),
        percent=Fraction(own.discount_percent) / 100,
        percent_until=None if own.discount_months is None else add_months(begins, own.discount_months),
    )


def _own_end(line: LineItem, start: date, begins: date) -> date | None:
    """The first day after the line, where it says so itself."""
    if line.end is not None:
        return line.end + timedelta(days=1)
    return months_after(begins, start, line.term_months) if line.term_months else None


def _charges(
    line: LineItem, deal: Deal, terms: _Terms, policy: BillingPolicy, today: date, currency: str, prices: Catalogue
) -> Iterator[_Charge]:
    """What the line costs at the start of each of its periods; once, and outside of all terms, where it is one-off."""
    price = _price(line, prices)
    if line.one_off:
        yield _Charge(date.min, date.min, ("once", 1), _minor(_net(line), currency))
        return
    interval = line.interval or (price.interval if price else None) or Interval("month")
    start = line.start or terms.begins
    if policy.past_start is PastStart.FROM_TODAY:
        start = max(start, today)
    end = _own_end(line, start, terms.begins) or terms.ends or terms.horizon
    net, gross = (_minor(total, currency) * _scale(line, interval) for total in (_net(line), _gross(line)))
    tiered = price.amount_for(int(line.quantity)) if price is not None and price.tiers else None
    if tiered is not None:
        net = gross = Fraction(tiered)
    free_until = max(
        months_after(terms.begins, start, line.free_months), add_months(terms.begins, deal.terms.free_months)
    )
    net_until = None if line.discount_months is None else months_after(terms.begins, start, line.discount_months)
    for day in _days(start, free_until, end, interval):
        yield _Charge(day, start, _length(interval), net if net_until is None or day < net_until else gross)


def _days(start: date, free_until: date, end: date, interval: Interval) -> Iterator[date]:
    """The first day of each period that is not free; they count from the start, or else from the end of the free ones.

    Counted from the start where they can be: a free month that is clamped to February's end must not shift them.
    """
    number, day = 0, start
    while day < free_until:
        number += 1
        day = add_intervals(start, interval, number)
    if day != free_until:
        start, number, day = free_until, 0, free_until
    while day < end:
        yield day
        number += 1
        day = add_intervals(start, interval, number)


def _less_the_percentage(charges: Iterable[_Charge], terms: _Terms, step: int) -> Iterator[int]:
    """What is left of each day's charges of one kind after the deal's percentage, rounded once for all of them."""

    def kind(charge: _Charge) -> tuple[date, date, tuple[str, int]]:
        return charge.day, charge.start, charge.length

    for (day, _, _), together in groupby(sorted(charges, key=kind), kind):
        whole = sum(charge.amount for charge in together)
        holds = terms.percent_until is None or day < terms.percent_until
        off = int(whole * terms.percent / step + Fraction(1, 2)) * step if holds else 0
        yield int(whole) - off


def _net(line: LineItem) -> Decimal:
    """Per pricing period, in major units, after the line's own discounts; the CRM's own total where it has one."""
    if line.total is not None:
        return line.total
    return line.quantity * (line.unit_price * (1 - line.discount_percent / 100) - line.discount_per_unit)


def _gross(line: LineItem) -> Decimal:
    """Per pricing period, in major units, when the line's discounts no longer hold."""
    return line.quantity * line.unit_price


def _minor(amount: Decimal, currency: str) -> Fraction:
    return Fraction(amount.scaleb(exponent(currency)))


def _scale(line: LineItem, interval: Interval) -> Fraction:
    """How many pricing periods one billing period holds: 12 for a monthly price billed yearly."""
    if line.price_interval is None:
        return Fraction(1)
    return Fraction(_length(interval)[1], _length(line.price_interval)[1])


def _length(interval: Interval) -> tuple[str, int]:
    months = whole_months(interval)
    return ("month", months) if months is not None else ("day", interval.count * (7 if interval.unit == "week" else 1))


def _price(line: LineItem, prices: Catalogue) -> Price | None:
    if line.product.price_id:
        return prices.by_id.get(line.product.price_id)
    return prices.by_lookup_key.get(line.product.code) if line.product.code else None


def _metered(line: LineItem, prices: Catalogue) -> bool:
    price = _price(line, prices)
    return price is not None and price.metered
