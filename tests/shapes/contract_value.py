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
from connector.domain.dates import add_intervals, add_months, months_after, whole_months
from connector.domain.deal import Deal, Interval, LineItem
from connector.domain.money import Money, exponent, smallest_step
from connector.domain.policy import BillingPolicy, PastStart
from connector.domain.refs import RecordRef

EVERGREEN_MONTHS = 12
"""How far a contract without an end is counted: from its first day, or from today where it began before."""


@dataclass(frozen=True, slots=True)
class ContractValue:
    """``total`` before tax and without usage. ``evergreen`` says that a part has no end and counts for a year only."""

    total: Money
    evergreen: bool = False


@dataclass(frozen=True, slots=True)
class _Terms:
    """What the deal says of all its lines. ``ends`` is the first day after it; None for a contract without an end.

    ``outlived`` says that the term is over and the contract ran on.
    """

    begins: date
    ends: date | None
    horizon: date  #: until when what has no end is counted
    percent: Fraction
    percent_until: date | None
    outlived: bool


@dataclass(frozen=True, slots=True)
class _Sold:
    """One line: what a period costs in minor units, with its own discounts (``net``) and when they are over.

    Lines that ``begin`` together and recur alike (``length``) share the deal's percentage.
    """

    ref: RecordRef
    begins: date
    length: tuple[str, int]
    net: Fraction
    gross: Fraction
    days: tuple[date, ...]  #: the first day of each period that costs something
    net_until: date | None


def contract_value(
    deal: Deal, policy: BillingPolicy, today: date, catalogue: Catalogue | None = None, until: date | None = None
) -> ContractValue:
    """What the deal comes to from its first day until its term ends.

    A contract without an end, or one that has outlived its term already, counts until ``until``, by default for twelve
    months from its first day, or from today where it began before.

    Only for a deal that can be planned: what cannot be billed exactly is counted as if it could.
    """
    currency = (deal.currency or policy.default_currency).lower()
    prices = catalogue or Catalogue()
    terms = _terms(deal, policy, today, until)
    sold = [_sold(line, deal, terms, currency, prices) for line in deal.line_items if not _metered(line, prices)]
    alike: dict[object, list[_Sold]] = {}
    for line in sold:
        alike.setdefault((line.begins, line.length), []).append(line)
    total = sum(_together(lines, terms, smallest_step(currency)) for lines in alike.values())
    if any(line.days for line in sold):  # it comes off the first invoice, which may lie beyond what is counted
        total -= int(deal.terms.discount_amount.scaleb(exponent(currency)))
    recurs = any(not line.one_off for line in deal.line_items)
    return ContractValue(Money(total, currency), evergreen=recurs and (terms.ends is None or terms.outlived))


def _terms(deal: Deal, policy: BillingPolicy, today: date, until: date | None) -> _Terms:
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
    renews = policy.auto_renew if own.auto_renew is None else own.auto_renew
    return _Terms(
        begins=begins,
        ends=ends,
        horizon=until or add_months(max(begins, today), EVERGREEN_MONTHS),
        percent=Fraction(own.discount_percent) / 100,
        percent_until=None if own.discount_months is None else add_months(begins, own.discount_months),
        outlived=renews and ends is not None and ends <= today,
    )


def _own_end(line: LineItem, start: date, begins: date) -> date | None:
    """The first day after the line, where it says so itself."""
    if line.end is not None:
        return line.end + timedelta(days=1)
    return months_after(begins, start, line.term_months) if line.term_months else None


def _sold(line: LineItem, deal: Deal, terms: _Terms, currency: str, prices: Catalogue) -> _Sold:
    net, gross = _minor(_net(line), currency), _minor(_gross(line), currency)
    if line.one_off:
        day = line.bill_on or terms.begins
        return _Sold(line.ref, day, ("once", 1), net, net, (day,), None)
    price = _price(line, prices)
    interval = line.interval or (price.interval if price else None) or Interval("month")
    start = max(line.start or terms.begins, terms.begins)
    end = _own_end(line, start, terms.begins) or terms.ends or terms.horizon
    if terms.outlived and end == terms.ends:
        end = terms.horizon
    free_until = max(
        months_after(terms.begins, start, line.free_months), add_months(terms.begins, deal.terms.free_months)
    )
    tiered = price.amount_for(int(line.quantity)) if price is not None and price.tiers else None
    if tiered is not None:
        net = gross = Fraction(tiered)
    else:
        net, gross = net * _scale(line, interval), gross * _scale(line, interval)
    return _Sold(
        ref=line.ref,
        begins=start,
        length=_length(interval),
        net=net,
        gross=gross if line.discount_months is not None else net,
        days=tuple(_days(terms.begins, start, free_until, end, interval)),
        net_until=None if line.discount_months is None else months_after(terms.begins, start, line.discount_months),
    )


def _together(lines: Sequence[_Sold], terms: _Terms, step: int) -> int:
    """What lines that begin together and recur alike come to, all their periods; they share the deal's percentage.

    Those whose own discount ends share it among themselves from then on; what the others cost never changes.
    """
    changing = [line for line in lines if line.gross != line.net]
    offs = _shares([line.net for line in lines], [line.ref for line in lines], terms.percent, step)
    later = _shares([line.gross for line in changing], [line.ref for line in changing], terms.percent, step)
    later_offs = {line.ref: off for line, off in zip(changing, later, strict=True)}
    total = 0
    for line, off in zip(lines, offs, strict=True):
        later_off = later_offs.get(line.ref, off)
        for day in line.days:
            own = line.net_until is None or day < line.net_until
            total += int(line.net if own else line.gross)
            if terms.percent_until is None or day < terms.percent_until:
                total -= off if own else later_off
    return total


def _shares(amounts: Sequence[Fraction], refs: Sequence[RecordRef], percent: Fraction, step: int) -> list[int]:
    """The percentage of the amounts' sum, rounded half up, shared out; what is left goes to the largest remainders."""
    exact = [amount * percent / step for amount in amounts]
    shares = [int(share) for share in exact]
    left = int(sum(exact) + Fraction(1, 2)) - sum(shares)
    for n in sorted(range(len(exact)), key=lambda n: (shares[n] - exact[n], refs[n]))[:left]:
        shares[n] += 1
    return [share * step for share in shares]


def _days(begins: date, start: date, free_until: date, end: date, interval: Interval) -> Iterator[date]:
    """The first day of each period that is not free; they count from the start, or else from the end of the free ones.

    Counted from the start where they can be: a free month that is clamped to February's end must not shift them.
    """
    number, day = 0, start
    while day < free_until:
        number += 1
        day = _later(begins, start, interval, number)
    if day != free_until:
        start, number, day = free_until, 0, free_until
    while day < end:
        yield day
        number += 1
        day = _later(begins, start, interval, number)


def _later(begins: date, start: date, interval: Interval, number: int) -> date:
    """So many periods after the line's start; a start at a month's end, clamped from the contract's, stays one."""
    months = whole_months(interval)
    if months is None:
        return add_intervals(start, interval, number)
    return months_after(begins, start, months * number)


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
