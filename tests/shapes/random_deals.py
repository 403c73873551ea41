"""Strategies that draw deals as sales really sells them: every shape, in every mixture, mostly ones that can be billed.

Days favour month ends and leap days, amounts are whole in their currency, terms hold whole periods of every line: so
few deals are refused, and those that are differ from these rules on purpose.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from math import lcm
from typing import TypeVar

from hypothesis import strategies as st

from connector.domain.dates import add_months
from connector.domain.deal import (
    Account,
    BillingTerms,
    CollectionMethod,
    Contact,
    Deal,
    Interval,
    LineItem,
    Product,
)
from connector.domain.money import exponent, smallest_step
from connector.domain.refs import RecordRef

CURRENCIES = ("usd", "eur", "jpy", "kwd", "isk", "huf")
DAYS = (
    *(date(2026, 11, 21), date(2027, 1, 31), date(2028, 2, 28), date(2028, 2, 29), date(2027, 12, 31)),
    *(date(2027, 2, 28), date(2027, 4, 30), date(2027, 6, 1)),
)
"""What today may be: ordinary days, month ends, a leap day."""

_MONTHLY, _YEARLY = Interval("month"), Interval("year")
_INTERVALS = (
    *(_MONTHLY, _MONTHLY, _MONTHLY, Interval("month", 3), Interval("month", 6), Interval("month", 12)),
    *(_YEARLY, _YEARLY, Interval("year", 2), Interval("year", 3)),
)
_LONGEST = 60
"""Months: no contract is longer."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Batch:
    """Deals that are won on one day."""

    today: date
    deals: tuple[Deal, ...]


def batches(size: int) -> st.SearchStrategy[Batch]:
    """A day, and some deals won on it."""
    return st.sampled_from(DAYS).flatmap(
        lambda today: st.lists(deals(today), min_size=1, max_size=size).map(
            lambda found: Batch(today, tuple(_numbered(deal, n) for n, deal in enumerate(found)))
        )
    )


def _numbered(deal: Deal, number: int) -> Deal:
    """The deal under a number of its own: its account, its lines and their products are nobody else's."""
    name = f"d{number}"
    return replace(
        deal,
        ref=replace(deal.ref, id=name),
        account=None if deal.account is None else replace(deal.account, ref=_ref("account", name)),
        line_items=tuple(
            replace(
                line,
                ref=_ref("line_item", f"{name}-{line.ref.id}"),
                product=replace(line.product, ref=_ref("product", f"{name}-{line.product.name}")),
            )
            for line in deal.line_items
        ),
    )


def _ref(kind: str, number: str) -> RecordRef:
    return RecordRef("hubspot", kind, number)


@st.composite
def deals(draw: st.DrawFn, today: date) -> Deal:
    """One deal: one to six lines, with or without a term, on any terms."""
    currency = draw(st.sampled_from(CURRENCIES))
    weekly = draw(_rarely)
    intervals = draw(st.lists(st.sampled_from(_INTERVALS), min_size=0, max_size=4))
    start = draw(_starts(today))
    if weekly:
        lines, terms = draw(_weekly(currency, start or today))
    else:
        lines, terms = draw(_by_month(currency, start or today, tuple(intervals)))
    lines += draw(st.lists(_one_off(currency, today), min_size=0 if lines else 1, max_size=2))
    if any(line.start for line in lines):
        start = start or today  # lines that say their start beside lines that do not are refused without it
    automatic = draw(_rarely)
    return Deal(
        ref=_ref("deal", "1"),
        name="Random",
        won=True,
        closed=True,
        account=Account(_ref("account", "1"), "Random Ltd", billing_email="ap@random.example"),
        currency=currency,
        billing_contact=Contact(_ref("contact", "1"), "Ada Example", "ap@random.example"),
        terms=replace(
            terms,
            start=start,
            net_days=draw(st.sampled_from((None, 0, 14, 30, 45))),
            collection=CollectionMethod.CHARGE_AUTOMATICALLY if automatic else CollectionMethod.SEND_INVOICE,
        ),
        line_items=tuple(replace(line, ref=_ref("line_item", str(n))) for n, line in enumerate(lines)),
    )


_rarely = st.sampled_from((False,) * 7 + (True,))
_sometimes = st.sampled_from((False, False, True))


@st.composite
def _starts(draw: st.DrawFn, today: date) -> date | None:
    """Unsaid, today, some way ahead, some way back; often at a month's end."""
    match draw(st.sampled_from(("none", "none", "today", "ahead", "ahead", "back"))):
        case "none":
            return None
        case "today":
            return today
        case "ahead":
            day = today + timedelta(days=draw(st.integers(1, 400)))
            return _month_end(day) if draw(_sometimes) else day
        case _:
            return today - timedelta(days=draw(st.integers(1, 500)))


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


@st.composite
def _by_month(
    draw: st.DrawFn, currency: str, start: date, intervals: tuple[Interval, ...]
) -> tuple[list[LineItem], BillingTerms]:
    """Lines billed every so many months, and a term that holds whole periods of each."""
    if not intervals:
        return [], BillingTerms()
    whole = lcm(*(months_of(interval) for interval in intervals))
    evergreen = whole > _LONGEST or draw(_sometimes)
    term = None if evergreen else whole * draw(st.integers(1, min(3, _LONGEST // whole)))
    lines: list[LineItem] = []
    for number, interval in enumerate(intervals):
        lines += draw(_recurring(currency, interval, number, start, term))
    terms = BillingTerms(term_months=term, auto_renew=draw(_renewals(term)))
    if draw(_rarely):
        terms = replace(terms, free_months=draw(st.integers(1, 3)) if term is None else whole * draw(st.integers(0, 1)))
    return lines, draw(_discounted(terms, whole, currency))


def _renewals(term: int | None) -> st.SearchStrategy[bool | None]:
    """Only what has a term can end with it."""
    return st.sampled_from((None, True) if term is None else (None, True, False, False))


@st.composite
def _discounted(draw: st.DrawFn, terms: BillingTerms, whole: int, currency: str) -> BillingTerms:
    """A discount on the whole deal, for good or for some months; or an amount off the first invoice."""
    match draw(st.sampled_from(("none",) * 6 + ("percent", "months", "amount"))):
        case "percent":
            return replace(terms, discount_percent=Decimal(draw(st.sampled_from((5, 10, 15, 33)))))
        case "months":
            percent = Decimal(draw(st.sampled_from((10, 50))))
            return replace(terms, discount_percent=percent, discount_months=whole)
        case "amount":
            return replace(terms, discount_amount=_major(draw(st.integers(1, 9)) * smallest_step(currency), currency))
        case _:
            return terms


@st.composite
def _weekly(draw: st.DrawFn, currency: str, start: date) -> tuple[list[LineItem], BillingTerms]:
    """Lines billed by the week, ending after some weeks or never."""
    weeks = draw(st.sampled_from((None, 4, 12)))
    interval = Interval("week", draw(st.sampled_from((1, 2, 4))))
    end = None if weeks is None else start + timedelta(days=7 * weeks - 1)
    line = replace(draw(_line(currency, 0)), interval=interval, end=end)
    return [line], BillingTerms(auto_renew=draw(_renewals(weeks)))


@st.composite
def _recurring(
    draw: st.DrawFn, currency: str, interval: Interval, number: int, start: date, term: int | None
) -> list[LineItem]:
    """One recurring line, or several of one product that form a ramp."""
    line = replace(draw(_line(currency, number)), interval=interval)
    months = months_of(interval)
    shape = draw(st.sampled_from(("plain",) * 5 + ("priced", "discount", "discount", "intro", "free", "ramp", "ramp")))
    match shape:
        case "priced":
            return [draw(_priced_otherwise(line, months))]
        case "discount":
            return [draw(_line_discount(line, currency))]
        case "intro":
            return [replace(draw(_line_discount(line, currency)), discount_months=months * draw(st.integers(1, 3)))]
        case "free" if term is None or term > months:
            return [replace(line, free_months=months)]
        case "ramp" if term is not None and term > months:
            return draw(_ramp(line, months, start, term, currency))
        case _:
            return [line]


@st.composite
def _priced_otherwise(draw: st.DrawFn, line: LineItem, months: int) -> LineItem:
    """A price by the month for a longer period, or by the year for a shorter one."""
    if months % 12:
        return replace(line, price_interval=_YEARLY, unit_price=line.unit_price * 12)
    return replace(line, price_interval=draw(st.sampled_from((_MONTHLY, Interval("month", 3)))))


@st.composite
def _line_discount(draw: st.DrawFn, line: LineItem, currency: str) -> LineItem:
    if draw(st.booleans()):
        return replace(line, discount_percent=Decimal(draw(st.sampled_from((5, 10, 25, 50, 100)))))
    return replace(line, discount_per_unit=_major(smallest_step(currency) * draw(st.integers(1, 19)), currency))


@st.composite
def _ramp(draw: st.DrawFn, line: LineItem, months: int, start: date, term: int, currency: str) -> list[LineItem]:
    """Two or three stretches of one product, each of whole periods, each with its own quantity or price."""
    periods = term // months
    cuts = draw(st.lists(st.integers(1, periods - 1), min_size=1, max_size=2, unique=True).map(sorted))
    edges = [0, *cuts, periods]
    stretches = []
    for first, last in pairwise(edges):
        step = replace(line, quantity=Decimal(draw(st.integers(1, 40))))
        if draw(st.booleans()):
            step = replace(step, unit_price=draw(_prices(currency)))
        begins = add_months(start, first * months)
        stretches.append(replace(step, start=begins, end=add_months(start, last * months) - timedelta(days=1)))
    return stretches


@st.composite
def _one_off(draw: st.DrawFn, currency: str, today: date) -> LineItem:
    """A set-up fee, or a milestone that is invoiced on its own day."""
    line = replace(draw(_line(currency, 7 + draw(st.integers(0, 2)))), one_off=True)
    if draw(_sometimes):
        return replace(line, bill_on=today + timedelta(days=draw(st.sampled_from((1, 30, 30, 99, 365)))))
    return draw(_line_discount(line, currency)) if draw(_rarely) else line


@st.composite
def _line(draw: st.DrawFn, currency: str, number: int) -> LineItem:
    """Some of something, at a price of its own; rarely a fraction of it."""
    quantity = Decimal(draw(st.integers(1, 40)))
    if draw(_rarely):
        quantity += Decimal("0.5")
    return LineItem(
        ref=_ref("line_item", str(number)),
        product=Product(_ref("product", str(number)), f"Product {number}"),
        quantity=quantity,
        unit_price=draw(_prices(currency)),
    )


@st.composite
def _prices(draw: st.DrawFn, currency: str) -> Decimal:
    """Whole in its currency, also by the half and with a twentieth off."""
    return _major(40 * smallest_step(currency) * draw(st.integers(1, 500)), currency)


def _major(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-exponent(currency))


def months_of(interval: Interval) -> int:
    """The interval's length in months; only for those that have one."""
    return interval.count * {"month": 1, "year": 12}[interval.unit]
