"""What holds for every plan of a new deal, whatever was sold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.billing_plan import (
    BillingPlan,
    Catalogue,
    InlinePrice,
    MakeInvoice,
    MakeSubscription,
    PlannedLine,
)
from connector.domain.dates import add_months, periods_begun, periods_until
from connector.domain.deal import Deal, Interval, LineItem
from connector.domain.planning import plan_billing
from connector.domain.policy import BillingPolicy
from connector.errors import CannotBill
from tests.factories import MONTHLY, TODAY, YEARLY, a_deal, a_line, ref, terms
from tests.shapes.random_deals import Batch, batches

INTERVALS = (MONTHLY, Interval("month", 2), Interval("month", 3), Interval("month", 6), YEARLY, Interval("year", 2))
TERM = 24


def planned(deal: Deal, today: date = TODAY) -> BillingPlan:
    return plan_billing(deal, Catalogue(), today, BillingPolicy())


def plan_or_none(deal: Deal, today: date) -> BillingPlan | None:
    try:
        return planned(deal, today)
    except CannotBill:
        return None


def subscriptions(plan: BillingPlan) -> list[MakeSubscription]:
    return [step for step in plan.steps if isinstance(step, MakeSubscription)]


def lines_of(plan: BillingPlan) -> list[PlannedLine]:
    of_phases = [
        line for step in subscriptions(plan) for each in step.phases for line in (*each.recurring, *each.one_off)
    ]
    return of_phases + [line for step in plan.steps if isinstance(step, MakeInvoice) for line in step.lines]


def periods(start: date, end: date, interval: Interval, origin: date | None = None) -> int:
    """How many billing periods begin between two days, counted from the first or from an earlier ``origin``."""
    months = {"month": 1, "year": 12}[interval.unit] * interval.count
    days = [add_months(origin or start, number * months) for number in range(TERM + 1)]
    return sum(start <= day < end for day in days)


@st.composite
def ramps(draw: st.DrawFn) -> tuple[LineItem, ...]:
    """Products with consecutive spans within a term of two years, all from today."""
    lines: list[LineItem] = []
    for product in range(draw(st.integers(1, 3))):
        interval = draw(st.sampled_from(INTERVALS))
        months = {"month": 1, "year": 12}[interval.unit] * interval.count
        cuts = draw(st.lists(st.integers(1, TERM // months), max_size=2, unique=True))
        edges = sorted({0, TERM // months, *cuts})
        for first, last in pairwise(edges):
            lines.append(
                a_line(
                    number=f"{product}-{first}",
                    interval=interval,
                    quantity=Decimal(draw(st.integers(1, 500))),
                    unit_price=Decimal(draw(st.integers(1, 10**6))).scaleb(-2),
                    start=add_months(TODAY, first * months),
                    end=add_months(TODAY, last * months) - timedelta(days=1),
                )
            )
    return tuple(lines)


@given(ramps())
def test_all_phases_together_come_to_every_period_of_every_line(lines: tuple[LineItem, ...]) -> None:
    deal = a_deal(line_items=lines, terms=terms(start=TODAY, term_months=TERM, auto_renew=False))
    billed = sum(
        line.amount * periods(phase.start, phase.end or date.max, line.interval or MONTHLY, step.start)
        for step in subscriptions(planned(deal))
        for phase in step.phases
        for line in phase.recurring
    )
    sold = sum(
        int(line.quantity * line.unit_price * 100)
        * periods(line.start or TODAY, (line.end or TODAY) + timedelta(days=1), line.interval or MONTHLY)
        for line in lines
    )
    assert billed == sold


@given(batches(3))
def test_phases_follow_each_other_and_each_differs_from_the_one_before(batch: Batch) -> None:
    for deal in batch.deals:
        plan = plan_or_none(deal, batch.today)
        for step in subscriptions(plan) if plan else []:
            for one, other in pairwise(step.phases):
                assert one.end == other.start
                assert one.recurring != other.recurring or one.trial != other.trial
            assert all(phase.end is None or phase.start < phase.end for phase in step.phases)
            assert step.ends == (step.phases[-1].end is not None)
            assert step.start >= batch.today or step.anchor is not None


@given(batches(2), st.randoms(use_true_random=False))
def test_the_order_of_the_lines_changes_no_amount_and_no_day(batch: Batch, chance: object) -> None:
    for deal in batch.deals:
        plan = plan_or_none(deal, batch.today)
        shuffled = list(deal.line_items)
        chance.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
        other = plan_or_none(replace(deal, line_items=tuple(shuffled)), batch.today)
        assert (plan is None) == (other is None)
        if plan is not None and other is not None:
            assert _told(plan) == _told(other)


def _told(plan: BillingPlan) -> list[object]:
    steps: list[object] = []
    for step in plan.billing_steps():
        if isinstance(step, MakeSubscription):
            inside = [(p.start, p.end, p.trial, _sorted(p.recurring), _sorted(p.one_off)) for p in step.phases]
            steps.append((step.key, inside, step.anchor, step.first_invoice, step.metadata))
        elif isinstance(step, MakeInvoice):
            steps.append((step.key, step.on, step.total, _sorted(step.lines)))
    return steps


def _sorted(lines: tuple[PlannedLine, ...]) -> list[str]:
    return sorted(map(str, lines))


@given(batches(3))
def test_what_stands_on_an_invoice_is_its_unit_price_times_its_quantity(batch: Batch) -> None:
    for deal in batch.deals:
        plan = plan_or_none(deal, batch.today)
        for line in lines_of(plan) if plan else []:
            assert isinstance(line.price, InlinePrice)
            assert line.price.unit_amount * line.quantity == line.amount


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=12),
    st.decimals(0, 100, places=2),
    st.sampled_from([("eur", 1), ("kwd", 10), ("isk", 100)]),
)
def test_a_deals_percentage_is_exact_on_the_sum_and_fair_to_each_line(
    steps: list[int], percent: Decimal, currency: tuple[str, int]
) -> None:
    code, step = currency
    decimals = {"eur": 2, "kwd": 3, "isk": 2}[code]
    lines = tuple(
        a_line(number=f"{n:02}", quantity=Decimal(1), unit_price=Decimal(amount * step).scaleb(-decimals))
        for n, amount in enumerate(steps)
    )
    deal = a_deal(currency=code, line_items=lines, terms=terms(discount_percent=percent))
    nets = {line.line: line.amount for sub in subscriptions(planned(deal)) for line in sub.recurring}
    off = (sum(steps) * percent / 100).quantize(Decimal(1), ROUND_HALF_UP)
    assert sum(nets.values()) == (sum(steps) - int(off)) * step
    for number, amount in enumerate(steps):
        exact = amount * (1 - percent / 100)
        assert abs(Decimal(nets[ref("line_item", f"{number:02}")]) / step - exact) < 1


@given(
    st.dates(date(2020, 1, 1), date(2040, 12, 31)),
    st.sampled_from((*INTERVALS, Interval("week"), Interval("day", 10))),
    st.integers(0, 400),
)
def test_a_day_lies_in_the_period_that_began_last(origin: date, interval: Interval, days: int) -> None:
    day = origin + timedelta(days=days)
    begun = periods_begun(origin, interval, day)
    edges = [n for n in range(begun + 3) if periods_until(origin, interval, _at(origin, interval, n)) == n]
    assert edges == list(range(begun + 3))
    assert _at(origin, interval, begun) <= day < _at(origin, interval, begun + 1)


def _at(origin: date, interval: Interval, number: int) -> date:
    if interval.unit in ("month", "year"):
        return add_months(origin, number * interval.count * {"month": 1, "year": 12}[interval.unit])
    return origin + timedelta(days=number * interval.count * {"day": 1, "week": 7}[interval.unit])
