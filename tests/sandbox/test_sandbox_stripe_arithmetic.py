"""The exact arithmetic of money and the calendar of billing periods."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox.stripe.calendar import add_interval, boundary_after, boundary_until, commensurate
from connector.sandbox.stripe.errors import StripeRefusal
from connector.sandbox.stripe.money import check_amount, currency_of, price_amount, rounded, shown, spread
from tests.sandbox.stripe_account import at


@pytest.mark.parametrize(
    ("start", "interval", "count", "expected"),
    [
        (at(2026, 1, 31, 9), "month", 1, at(2026, 2, 28, 9)),
        (at(2024, 1, 31), "month", 1, at(2024, 2, 29)),
        (at(2024, 2, 29), "year", 1, at(2025, 2, 28)),
        (at(2026, 11, 30), "month", 3, at(2027, 2, 28)),
        (at(2026, 3, 29), "day", 1, at(2026, 3, 30)),
        (at(2026, 12, 28), "week", 2, at(2027, 1, 11)),
        (at(2026, 3, 31), "month", -1, at(2026, 2, 28)),
    ],
)
def test_intervals_follow_the_calendar(start: int, interval: str, count: int, expected: int) -> None:
    assert add_interval(start, interval, count) == expected


@given(
    anchor=st.integers(at(2020, 1, 1), at(2030, 1, 1)),
    offset=st.integers(-400 * 86400, 1200 * 86400),
    interval=st.sampled_from(["day", "week", "month", "year"]),
    count=st.integers(1, 6),
)
def test_every_moment_lies_in_exactly_one_billing_period(anchor: int, offset: int, interval: str, count: int) -> None:
    moment = anchor + offset

    start, end = boundary_until(anchor, interval, count, moment), boundary_after(anchor, interval, count, moment)

    assert start <= moment < end
    assert boundary_after(anchor, interval, count, start) == end
    assert boundary_until(anchor, interval, count, end) == end


@given(total=st.integers(-(10**9), 10**9), weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_sharing_out_loses_nothing(total: int, weights: list[int]) -> None:
    shares = spread(total, weights)

    assert sum(shares) == (total if sum(weights) else 0)
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - Fraction(total * weight, sum(weights) or 1)) < 1


@pytest.mark.parametrize(
    ("exact", "minor"),
    [
        (Decimal("0.5"), 1),
        (Decimal("-0.5"), -1),
        (Decimal("2.4999"), 2),
        (Fraction(3, 2), 2),
        (Fraction(-3, 2), -2),
        (Fraction(7, 3), 2),
    ],
)
def test_amounts_round_half_away_from_zero(exact: Decimal | Fraction, minor: int) -> None:
    assert rounded(exact) == minor


def test_decimals_are_written_plainly() -> None:
    assert [shown(Decimal(text)) for text in ("1E+3", "0.500", "-0", "12.34")] == ["1000", "0.5", "0", "12.34"]


def test_commensurate_intervals_are_multiples_of_the_shortest() -> None:
    assert commensurate([("month", 1), ("year", 1), ("month", 6)])
    assert commensurate([("week", 1), ("day", 7)])
    assert not commensurate([("month", 2), ("month", 3)])
    assert not commensurate([("month", 1), ("week", 4)])


@pytest.mark.parametrize(
    ("currency", "amount", "fits"),
    [
        *(("usd", 1, True), ("jpy", 1, True), ("mga", 7, True), ("kwd", 5120, True), ("kwd", 5124, False)),
        *(("isk", 100, True), ("isk", 110, False), ("ugx", 500, True), ("ugx", 505, False), ("huf", 5, True)),
    ],
)
def test_currencies_keep_their_special_cases(currency: str, amount: int, fits: bool) -> None:
    assert currency_of(currency.upper(), "currency") == currency
    if fits:
        assert check_amount(amount, currency, "amount") == amount
    else:
        with pytest.raises(StripeRefusal, match="divisible"):
            check_amount(amount, currency, "amount")


@pytest.mark.parametrize(("direction", "packs"), [("up", 3), ("down", 2)])
def test_transformed_quantities_count_in_packs(direction: str, packs: int) -> None:
    price = {
        "billing_scheme": "per_unit",
        "unit_amount_decimal": "100",
        "transform_quantity": {"divide_by": 10, "round": direction},
    }

    assert price_amount(price, 25) == packs * 100
