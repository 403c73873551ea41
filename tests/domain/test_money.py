"""Money is exact, per currency, and by Stripe's exponent table."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.money import CHARGEABLE, AmountDoesNotFit, Money, exponent, smallest_step
from connector.sandbox.stripe import money as sandbox_money

CURRENCIES = ["usd", "eur", "jpy", "kwd", "isk", "ugx", "mga", "huf"]


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.34", "USD", 1234),
        ("1200", "JPY", 1200),
        ("5.12", "KWD", 5120),
        ("300", "ISK", 30_000),
        ("300", "UGX", 30_000),
        ("300", "MGA", 300),
        ("0.01", "HUF", 1),
        ("-3.50", "eur", -350),
    ],
)
def test_an_amount_becomes_minor_units_by_stripes_table(amount: str, currency: str, minor: int) -> None:
    assert Money.exactly(Decimal(amount), currency) == Money(minor, currency.lower())


@pytest.mark.parametrize(
    ("amount", "currency"), [("12.345", "USD"), ("1200.5", "JPY"), ("5.124", "KWD"), ("300.50", "ISK"), ("0.5", "UGX")]
)
def test_an_amount_that_does_not_fit_is_refused_never_rounded(amount: str, currency: str) -> None:
    with pytest.raises(AmountDoesNotFit, match="does not fit"):
        Money.exactly(Decimal(amount), currency)


@given(st.integers(-(10**12), 10**12), st.sampled_from(CURRENCIES))
def test_major_units_and_back_lose_nothing(units: int, currency: str) -> None:
    money = Money(units * smallest_step(currency), currency)
    assert Money.exactly(money.major, currency) == money
    assert -money.major.as_tuple().exponent in (0, exponent(currency))


@given(st.decimals(-(10**6), 10**6, places=6), st.sampled_from(CURRENCIES))
def test_an_amount_is_either_kept_exactly_or_refused(amount: Decimal, currency: str) -> None:
    try:
        money = Money.exactly(amount, currency)
    except AmountDoesNotFit:
        step = Decimal(smallest_step(currency)).scaleb(-exponent(currency))
        assert amount % step != 0
    else:
        assert money.major == amount


def test_two_currencies_are_never_added() -> None:
    with pytest.raises(ValueError, match="USD and EUR are never added"):
        Money(1, "usd") + Money(1, "eur")
    with pytest.raises(ValueError, match="never added"):
        Money(1, "usd") - Money(1, "eur")


def test_sums_and_differences_stay_in_their_currency() -> None:
    assert Money(150, "usd") + Money(50, "usd") == Money(200, "usd")
    assert Money(150, "usd") - Money(50, "usd") == Money(100, "usd")


@pytest.mark.parametrize("minor", [1.0, True, "1", None])
def test_minor_units_are_whole_numbers(minor: object) -> None:
    with pytest.raises(TypeError, match="whole numbers"):
        Money(minor, "usd")  # type: ignore[arg-type]


@pytest.mark.parametrize("currency", ["USD", "us", "usdd", "ü$d", ""])
def test_a_currency_is_three_lower_case_letters(currency: str) -> None:
    with pytest.raises(ValueError, match="three lower-case letters"):
        Money(1, currency)


def test_money_reads_as_a_person_writes_it() -> None:
    assert str(Money(1_240_050, "eur")) == "EUR 12,400.50"
    assert str(Money(12_400, "jpy")) == "JPY 12,400"


def test_a_prediction_rounds_half_up_as_stripe_does() -> None:
    assert Money.rounded(Decimal("0.125"), "usd") == Money(13, "usd")
    assert Money.rounded(Decimal("0.124"), "usd") == Money(12, "usd")


def test_the_currencies_that_we_bill_are_those_that_the_sandbox_takes() -> None:
    assert CHARGEABLE == sandbox_money.CURRENCIES
