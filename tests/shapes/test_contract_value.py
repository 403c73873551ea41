"""A deal's worth counts its lines: amount per period times periods, plus what is sold once, less the discounts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.billing import Price, PriceTier
from connector.domain.billing_plan import Catalogue
from connector.domain.deal import Deal, Interval, LineItem, Product
from connector.domain.money import Money
from connector.domain.policy import BillingPolicy, PastStart
from connector.domain.refs import RecordRef
from tests.factories import MONTHLY, TODAY, YEARLY, a_deal, a_line, a_setup_fee, ref, terms
from tests.shapes.contract_value import ContractValue, contract_value

POLICY = BillingPolicy()
QUARTERLY = Interval("month", 3)


def worth(deal: Deal, policy: BillingPolicy = POLICY, catalogue: Catalogue | None = None) -> int:
    return contract_value(deal, policy, TODAY, catalogue).total.minor


def a_contract(*lines: LineItem, **changes: Any) -> Deal:
    """A deal of two years, unless its terms say otherwise."""
    return a_deal(line_items=lines or (a_line(),), terms=terms(**({"term_months": 24} | changes)))


def test_months_times_the_monthly_amount() -> None:
    assert contract_value(a_contract(), POLICY, TODAY) == ContractValue(Money(24 * 10_000, "eur"))


def test_each_line_has_its_own_number_of_periods_and_one_offs_count_once() -> None:
    yearly = a_line(number="3", interval=YEARLY, unit_price=Decimal(100))
    assert worth(a_contract(a_line(), yearly, a_setup_fee())) == 24 * 10_000 + 2 * 50_000 + 50_000


def test_a_contract_without_an_end_counts_for_a_year() -> None:
    lines = (a_line(), a_line(number="3", interval=QUARTERLY), a_line(number="4", interval=Interval("year", 2)))
    found = contract_value(a_contract(*lines, term_months=None), POLICY, TODAY)
    assert found == ContractValue(Money(12 * 10_000 + 4 * 10_000 + 10_000, "eur"), evergreen=True)


def test_what_is_only_sold_once_is_not_evergreen() -> None:
    assert not contract_value(a_contract(a_setup_fee(), term_months=None), POLICY, TODAY).evergreen


@pytest.mark.parametrize(
    ("changes", "periods"),
    [
        ({"end": date(2027, 5, 20)}, 6),
        ({"term_months": 6}, 6),
        ({"start": date(2027, 11, 21)}, 12),
        ({"start": date(2027, 11, 21), "term_months": 3}, 3),
    ],
)
def test_a_line_counts_for_its_own_days(changes: dict[str, Any], periods: int) -> None:
    assert worth(a_contract(a_line(**changes), start=TODAY)) == periods * 10_000


def test_the_deals_last_day_ends_it_and_so_does_its_last_line() -> None:
    assert worth(a_contract(term_months=None, end=date(2027, 2, 20))) == 3 * 10_000
    short, long = a_line(term_months=2), a_line(number="3", term_months=5)
    assert worth(a_contract(short, long, term_months=None)) == 7 * 10_000


def test_weeks_are_counted_by_days() -> None:
    line = a_line(interval=Interval("week", 2), end=TODAY + timedelta(days=27))
    assert worth(a_contract(line, term_months=None)) == 2 * 10_000


def test_a_price_is_counted_in_the_period_it_is_billed_for() -> None:
    assert worth(a_contract(a_line(interval=YEARLY, price_interval=MONTHLY))) == 24 * 10_000
    assert worth(a_contract(a_line(interval=MONTHLY, price_interval=YEARLY, unit_price=Decimal(24)))) == 24 * 1_000
    weekly = a_line(interval=Interval("week", 4), price_interval=Interval("week"), end=TODAY + timedelta(days=27))
    assert worth(a_contract(weekly, term_months=None)) == 4 * 10_000


def test_line_discounts_hold_for_good_or_for_their_months() -> None:
    assert worth(a_contract(a_line(discount_percent=Decimal(10)))) == 24 * 9_000
    assert worth(a_contract(a_line(discount_per_unit=Decimal(1)))) == 24 * 9_500
    assert worth(a_contract(a_line(discount_percent=Decimal(10), discount_months=6))) == 6 * 9_000 + 18 * 10_000


def test_the_total_that_the_crm_shows_is_what_was_agreed() -> None:
    line = a_line(quantity=Decimal(3), unit_price=Decimal("33.333"), total=Decimal("100.00"))
    assert worth(a_contract(line)) == 24 * 10_000


def test_free_months_cost_nothing() -> None:
    assert worth(a_contract(a_line(free_months=2), a_line(number="3"))) == (22 + 24) * 10_000
    assert worth(a_contract(free_months=3)) == 21 * 10_000


def test_full_periods_count_from_the_end_of_free_months_that_are_no_whole_period() -> None:
    assert worth(a_contract(a_line(interval=YEARLY), term_months=14, free_months=2)) == 10_000
    assert worth(a_contract(a_line(interval=YEARLY), term_months=None, free_months=2)) == 10_000


def test_a_free_month_that_ends_with_february_shifts_nothing() -> None:
    line = a_line(start=date(2027, 1, 31), free_months=1)
    assert worth(a_contract(line, start=date(2027, 1, 31), term_months=12)) == 11 * 10_000


def test_a_percentage_off_the_deal_is_rounded_once_for_lines_that_recur_alike() -> None:
    lines = tuple(a_line(number=str(n), quantity=Decimal(1), unit_price=Decimal("0.05")) for n in range(3))
    assert worth(a_contract(*lines, discount_percent=Decimal(10))) == 24 * (15 - 2)
    yearly = replace(lines[0], ref=ref("line_item", "9"), interval=YEARLY)
    assert worth(a_contract(*lines, yearly, discount_percent=Decimal(10))) == 24 * 13 + 2 * (5 - 1)


def test_the_steps_left_of_a_percentage_go_to_the_largest_remainders() -> None:
    """10 % of 0.05 and 0.04 are 0.009: a cent, and it is the dearer line's, which ends first."""
    dear = a_line(number="1", quantity=Decimal(1), unit_price=Decimal("0.05"), term_months=2)
    cheap = a_line(number="3", quantity=Decimal(1), unit_price=Decimal("0.04"), term_months=10)
    assert worth(a_contract(dear, cheap, term_months=None, discount_percent=Decimal(10))) == 2 * 4 + 10 * 4


def test_a_percentage_may_hold_for_months_and_an_amount_comes_off_once() -> None:
    assert worth(a_contract(discount_percent=Decimal(50), discount_months=3)) == 3 * 5_000 + 21 * 10_000
    assert worth(a_contract(discount_amount=Decimal("12.34"))) == 24 * 10_000 - 1_234
    both = a_contract(a_setup_fee(), discount_percent=Decimal(50), discount_months=3)
    assert worth(both) == 25_000


def test_a_milestone_after_the_discounts_months_is_billed_in_full() -> None:
    late = a_setup_fee(bill_on=date(2027, 6, 1))
    assert worth(a_contract(late, discount_percent=Decimal(50), discount_months=3)) == 50_000


def test_what_lies_back_counts_unless_the_policy_lets_it_go() -> None:
    deal = a_contract(start=date(2026, 9, 21), end=date(2027, 9, 20), term_months=None)
    assert worth(deal) == 12 * 10_000
    assert worth(deal, BillingPolicy(past_start=PastStart.FROM_TODAY)) == 10 * 10_000


def test_catalogue_prices_say_what_they_know() -> None:
    price = Price(RecordRef("stripe", "price", "price_1"), "prod_1", "eur", None, YEARLY)
    sold = replace(a_line(interval=None), product=Product(ref("product"), "Seats", price_id="price_1"))

    def by(found: Price) -> int:
        return worth(a_contract(sold), catalogue=Catalogue(by_id={"price_1": found}))

    assert by(replace(price, unit_amount=Decimal(2_000))) == 2 * 10_000
    assert by(replace(price, metered=True)) == 0
    assert by(replace(price, tiers=(PriceTier(2, Decimal(100)), PriceTier(None, Decimal(10))))) == 2 * 230
    coded = replace(sold, product=Product(ref("product"), "Seats", code="SEAT"))
    assert worth(a_contract(coded), catalogue=Catalogue(by_lookup_key={"SEAT": price})) == 2 * 10_000


def test_currencies_count_in_their_own_minor_units() -> None:
    assert contract_value(replace(a_contract(), currency="JPY"), POLICY, TODAY).total == Money(24 * 100, "jpy")
    assert contract_value(replace(a_contract(), currency="kwd"), POLICY, TODAY).total == Money(24 * 100_000, "kwd")
    by_default = BillingPolicy(default_currency="USD")
    assert contract_value(replace(a_contract(), currency=""), by_default, TODAY).total == Money(24 * 10_000, "usd")
