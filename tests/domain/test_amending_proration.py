"""A part of a period costs what the contract says, and parts always add up to the whole."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.billing_plan import Period
from connector.domain.dates import add_intervals
from connector.domain.deal import Interval
from connector.domain.policy import Proration
from connector.domain.proration import rest_of, unserved_from
from tests.factories import MONTHLY, YEARLY

NOVEMBER = Period(date(2026, 11, 1), date(2026, 12, 1))
YEAR = Period(date(2026, 3, 15), date(2027, 3, 15))


def test_by_day_the_rest_is_the_days_left_over_all_days() -> None:
    share = rest_of(NOVEMBER, date(2026, 11, 21), Proration.DAY)
    assert (share.count, share.of) == (10, 30)
    assert share.of_amount(10_000, "eur") == 3_333


def test_half_a_cent_is_rounded_up_and_a_credit_is_the_charge_with_its_sign_turned() -> None:
    half = rest_of(NOVEMBER, date(2026, 11, 16), Proration.DAY)
    assert half.of_amount(5, "eur") == 3
    assert half.of_amount(-5, "eur") == -3


@pytest.mark.parametrize(("currency", "expected"), [("jpy", 333), ("kwd", 330), ("isk", 300), ("eur", 333)])
def test_a_share_fits_the_currencys_smallest_step(currency: str, expected: int) -> None:
    assert rest_of(NOVEMBER, date(2026, 11, 21), Proration.DAY).of_amount(1_000, currency) == expected


def test_by_month_the_month_of_the_change_counts_whole() -> None:
    share = rest_of(YEAR, date(2026, 6, 20), Proration.MONTH)
    assert (share.count, share.of) == (9, 12)
    assert rest_of(YEAR, date(2026, 6, 14), Proration.MONTH).count == 10


def test_by_month_a_begun_month_is_served_when_the_contract_ends() -> None:
    assert unserved_from(YEAR, date(2026, 6, 20), Proration.MONTH).count == 8
    assert unserved_from(YEAR, date(2026, 6, 15), Proration.MONTH).count == 9
    assert unserved_from(YEAR, YEAR.start, Proration.MONTH).count == 12


def test_months_of_a_contract_that_began_on_a_31st_follow_the_month_ends() -> None:
    quarter = Period(date(2026, 11, 30), date(2027, 2, 28))
    starts_on_the_31st = Period(date(2026, 12, 31), date(2027, 3, 31))
    assert rest_of(quarter, date(2026, 12, 29), Proration.MONTH).of == 3
    assert rest_of(starts_on_the_31st, date(2027, 2, 27), Proration.MONTH).count == 2
    assert rest_of(starts_on_the_31st, date(2027, 2, 28), Proration.MONTH).count == 1
    assert rest_of(Period(date(2027, 2, 28), date(2027, 3, 31)), date(2027, 3, 30), Proration.MONTH).count == 1


def test_weeks_are_counted_by_day_even_by_month() -> None:
    four_weeks = Period(date(2027, 2, 1), date(2027, 3, 1))
    share = rest_of(four_weeks, date(2027, 2, 15), Proration.MONTH, Interval("week", 4))
    assert (share.count, share.of, share.unit) == (14, 28, Proration.DAY)
    assert rest_of(Period(date(2026, 11, 3), date(2026, 11, 17)), date(2026, 11, 10), Proration.MONTH).of == 14


def test_nothing_is_left_after_the_end_and_everything_before_the_start() -> None:
    for rule in Proration:
        assert rest_of(YEAR, date(2028, 1, 1), rule).count == 0
        before = rest_of(YEAR, date(2025, 1, 1), rule)
        assert before.count == before.of


DAYS = st.dates(date(2020, 1, 1), date(2032, 12, 31))
INTERVALS = st.sampled_from([MONTHLY, YEARLY, Interval("month", 3), Interval("week", 2), Interval("day", 10)])


@given(
    start=DAYS,
    interval=INTERVALS,
    amount=st.integers(-(10**6), 10**6).map(lambda hundreds: 100 * hundreds),
    cuts=st.lists(st.floats(0, 1), max_size=4),
    rule=st.sampled_from(Proration),
    currency=st.sampled_from(["eur", "jpy", "kwd", "isk"]),
)
def test_the_parts_of_a_split_period_add_up_to_the_whole(
    start: date, interval: Interval, amount: int, cuts: list[float], rule: Proration, currency: str
) -> None:
    period = Period(start, add_intervals(start, interval))
    days = (period.end - period.start).days
    marks = [start, *sorted(start + timedelta(days=int(cut * days)) for cut in cuts), period.end]
    rests = [rest_of(period, mark, rule, interval).of_amount(amount, currency) for mark in marks]
    parts = [rest - rest_after for rest, rest_after in pairwise(rests)]
    assert sum(parts) == amount
    assert all(part * amount >= 0 for part in parts)
