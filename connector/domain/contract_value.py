"""What a deal is worth until its term ends, worked out from its lines alone.

On purpose another way than the plan's: nothing here knows phases, schedules or invoices. Each line's amount per period
times the number of its periods, plus what is sold once, less the discounts. A plan whose invoices come to something
else is wrong, and so is a test that lets it pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from connector.domain.billing import Price
from connector.domain.billing_plan import Catalogue
from connector.domain.dates import add_intervals, add_months, whole_months
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
class _Line:
    """One line in minor units per period; ``interval`` is None for what is sold once."""

    net: Fraction  #: what its period costs with the line's own discounts
    gross: Fraction  #: what it costs without them
    interval: Interval | None
    start: date
    end: date | None
    discounted_until: date | None  #: None: for the whole span
    free_until: date


def contract_value(deal: Deal, policy: BillingPolicy, today: date, catalogue: Catalogue | None = None) -> ContractValue:
    """What the deal comes to from its first day until its term ends; a part without an end counts for twelve months.

    Only for a deal that can be planned: what cannot be billed exactly is counted as if it could.
    """
    currency = (deal.currency or policy.default_currency).lower()
    prices = catalogue or Catalogue()
    lines = [
        _line(line, deal, policy, today, currency, prices) for line in deal.line_items if not _metered(line, prices)
    ]
    starts = [line.start for line in lines if line.interval is not None]
    horizon = add_months(min(starts, default=today), EVERGREEN_MONTHS)
    percent = Fraction(deal.terms.discount_percent) / 100
    off_until = _months_after(min(starts, default=today), deal.terms.discount_months)
    with_deal = _apportioned([line.net for line in lines], percent, smallest_step(currency))
    total = 0
    for line, reduced in zip(lines, with_deal, strict=True):
        for begins in _periods(line, horizon):
            own = line.discounted_until is None or begins < line.discounted_until
            all_of_it = off_until is None or begins < off_until
            if begins < line.free_until:
                continue
            if own and all_of_it:
                total += reduced
            elif own:
                total += _rounded(line.net)
            else:
                total += _rounded(line.gross * (1 - percent if all_of_it else 1))
    total -= _rounded(Fraction(deal.terms.discount_amount.scaleb(exponent(currency))))
    return ContractValue(Money(total, currency), any(line.interval is not None and line.end is None for line in lines))


def _line(line: LineItem, deal: Deal, policy: BillingPolicy, today: date, currency: str, prices: Catalogue) -> _Line:
    price = _price(line, prices)
    interval = None if line.one_off else line.interval or (price.interval if price else None)
    start = line.start or deal.terms.start or today
    if policy.past_start is PastStart.FROM_TODAY:
        start = max(start, today)
    per_period = _per_period(line, interval)
    worked_out = line.quantity * (line.unit_price * (1 - line.discount_percent / 100) - line.discount_per_unit)
    net = line.total if line.total is not None else worked_out
    scale = Fraction(Decimal(1).scaleb(exponent(currency))) * per_period
    return _Line(
        net=Fraction(net) * scale,
        gross=Fraction(line.quantity * line.unit_price) * scale,
        interval=interval,
        start=start,
        end=_end(line, deal, today),
        discounted_until=_months_after(start, line.discount_months),
        free_until=add_months(start, 0 if line.one_off else max(line.free_months, deal.terms.free_months)),
    )


def _end(line: LineItem, deal: Deal, today: date) -> date | None:
    """The first day that the line is no longer served; None where nothing ends it."""
    terms = deal.terms
    starts = [each.start or terms.start or today for each in deal.line_items if not each.one_off]
    begins = line.start or terms.start or today
    if line.end is not None:
        return line.end + timedelta(days=1)
    if line.term_months is not None:
        return add_months(begins, line.term_months)
    if terms.end is not None:
        return terms.end + timedelta(days=1)
    if terms.term_months is not None:
        return add_months(terms.start or min(starts, default=today), terms.term_months)
    return None


def _periods(line: _Line, horizon: date) -> Iterator[date]:
    """The first day of each of the line's periods."""
    if line.interval is None:
        yield line.start
        return
    end = horizon if line.end is None else line.end
    number, begins = 0, line.start
    while begins < end:
        yield begins
        number += 1
        begins = add_intervals(line.start, line.interval, number)


def _apportioned(amounts: Sequence[Fraction], percent: Fraction, step: int) -> list[int]:
    """The amounts less the percentage: together the exact sum, rounded once; largest remainders get what is left."""
    exact = [amount * (1 - percent) / step for amount in amounts]
    shares = [int(share) for share in exact]
    left = int(sum(exact) + Fraction(1, 2)) - sum(shares)
    largest_first = sorted(range(len(exact)), key=lambda n: shares[n] - exact[n])
    for n in largest_first[:left]:
        shares[n] += 1
    return [share * step for share in shares]


def _per_period(line: LineItem, interval: Interval | None) -> Fraction:
    """How many pricing periods one billing period holds: 12 for a monthly price billed yearly."""
    if interval is None or line.price_interval is None:
        return Fraction(1)
    return Fraction(_length(interval), _length(line.price_interval))


def _length(interval: Interval) -> int:
    months = whole_months(interval)
    return months if months is not None else interval.count * (7 if interval.unit == "week" else 1)


def _price(line: LineItem, prices: Catalogue) -> Price | None:
    if line.product.price_id:
        return prices.by_id.get(line.product.price_id)
    return prices.by_lookup_key.get(line.product.code) if line.product.code else None


def _metered(line: LineItem, prices: Catalogue) -> bool:
    price = _price(line, prices)
    return price is not None and price.metered


def _months_after(start: date, months: int | None) -> date | None:
    return None if months is None else add_months(start, months)


def _rounded(minor: Fraction) -> int:
    return int(minor + Fraction(1, 2))
