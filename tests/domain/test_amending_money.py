"""Usage and tiers in mid-period, and sums that hold whatever the amendment."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.billing import Price, PriceTier
from connector.domain.billing_plan import (
    BillingPlan,
    Catalogue,
    ExistingPrice,
    InlinePrice,
    PlannedLine,
)
from connector.domain.contract import RunningContract
from connector.domain.deal import Interval, Product
from connector.domain.policy import BillingPolicy, Proration
from connector.domain.refs import RecordRef
from tests.domain.amended import CREDITING, amend, change, from_day, refusal, settled
from tests.domain.running_contracts import DECEMBER, NOVEMBER, a_contract, an_amendment, an_item, seats
from tests.factories import MONTHLY, YEARLY, ref

# Usage and tiers


def metered_price() -> Catalogue:
    price = Price(RecordRef("stripe", "price", "price_1"), "prod_1", "eur", Decimal(5), MONTHLY, metered=True)
    return Catalogue(by_id={"price_1": price})


def usage(quantity: int) -> Any:
    return seats(quantity, "0.05", product=Product(ref("product", "1"), "Calls", price_id="price_1"))


def test_a_usage_line_joins_in_mid_period_without_a_share() -> None:
    contract = a_contract(an_item(number="2"))
    plan = amend(an_amendment(usage(1)), contract, catalogue=metered_price())
    (item,) = change(plan).changes
    assert item.line is not None
    assert item.line.metered
    assert settled(plan) == []


def test_a_usage_line_that_is_there_already_stays_as_it_is() -> None:
    contract = a_contract(an_item(metered=True, unit_amount=Decimal(5)))
    assert amend(an_amendment(usage(1)), contract, catalogue=metered_price()).billing_steps() == ()


def test_a_usage_line_goes_only_on_the_first_day_of_a_period() -> None:
    contract = a_contract(an_item(metered=True, unit_amount=Decimal(5)), an_item(number="2"))
    error = refusal(an_amendment(usage(-1)), contract, catalogue=metered_price())
    assert error.sentence_id == "amends-usage-in-mid-period"
    assert "2026-12-01" in error.hint
    plan = amend(an_amendment(usage(-1), terms=from_day(DECEMBER)), contract, catalogue=metered_price())
    assert [(item.item_id, item.line) for item in change(plan).changes] == [("si_1", None)]


def test_a_tiered_line_is_no_match_for_a_flat_price() -> None:
    error = refusal(an_amendment(seats(-1)), a_contract(an_item(unit_amount=None)))
    assert error.sentence_id == "takes-away-at-another-price"
    assert "by usage or in tiers" in error.message


def test_a_tiered_price_is_recognised_by_its_id_and_grows_from_the_next_period_on() -> None:
    tiers = (PriceTier(10, Decimal(2000)), PriceTier(None, Decimal(1500)))
    price = Price(RecordRef("stripe", "price", "price_1"), "prod_1", "eur", None, MONTHLY, tiers=tiers)
    catalogue = Catalogue(by_id={"price_1": price})
    line = seats(5, "0.00", product=Product(ref("product", "1"), "Seats", price_id="price_1"))
    contract = a_contract(an_item(unit_amount=None))
    assert refusal(an_amendment(line), contract, catalogue=catalogue).sentence_id == "amends-usage-in-mid-period"
    (item,) = change(amend(an_amendment(line, terms=from_day(DECEMBER)), contract, catalogue=catalogue)).changes
    assert item.line is not None
    assert (item.line.quantity, item.line.price) == (15, ExistingPrice("price_1"))


# Money adds up


@given(
    quantity=st.integers(1, 400),
    price=st.decimals(Decimal("0.01"), Decimal(5000), places=2),
    same_price=st.booleans(),
    day=st.dates(NOVEMBER, date(2026, 11, 30)),
    rule=st.sampled_from(Proration),
)
def test_an_upsell_and_its_full_downsell_with_credit_on_one_day_come_to_nothing(
    quantity: int, price: Decimal, same_price: bool, day: date, rule: Proration
) -> None:
    contract = a_contract(an_item(unit_amount=price * 100 if same_price else Decimal(2000)))
    policy = BillingPolicy(proration=rule, downsell_credit=True)
    more = seats(quantity, str(price))
    up = amend(an_amendment(more), contract, policy=policy, today=day)
    amended = replace(contract, items=_after(contract, up))
    down = amend(an_amendment(replace(more, quantity=-more.quantity)), amended, policy=policy, today=day)
    assert sum(amount for amount, _ in settled(up)) + sum(amount for amount, _ in settled(down)) == 0
    assert sum(item.quantity for item in _after(amended, down)) == 10


def _after(contract: RunningContract, plan: BillingPlan) -> tuple[Any, ...]:
    """The contract's items once the plan's change is made."""
    items = {item.id: item for item in contract.items}
    for made in change(plan).changes:
        if made.line is None:
            del items[made.item_id]
        elif made.item_id:
            items[made.item_id] = replace(items[made.item_id], quantity=made.line.quantity)
        else:
            items["si_new"] = _new(made.line)
    return tuple(items.values())


def _new(line: PlannedLine) -> Any:
    assert isinstance(line.price, InlinePrice)
    return an_item(id="si_new", price_id="price_new", unit_amount=line.price.unit_amount, quantity=line.quantity)


@given(
    start=st.dates(NOVEMBER + timedelta(days=1), date(2026, 11, 30)),
    taken=st.integers(1, 10),
    unit=st.integers(1, 10**7),
)
def test_a_downsell_never_credits_more_than_was_billed(start: date, taken: int, unit: int) -> None:
    contract = a_contract(an_item(unit_amount=Decimal(unit), quantity=11))
    line = seats(-taken, str(Decimal(unit) / 100))
    ((amount, _),) = settled(amend(an_amendment(line), contract, policy=CREDITING, today=start)) or [(0, None)]
    assert -taken * unit <= amount <= 0


def test_intervals_that_last_as_long_are_the_same() -> None:
    contract = a_contract(
        an_item(interval=Interval("month", 12), period_start=date(2026, 3, 1), period_end=date(2027, 3, 1))
    )
    assert change(amend(an_amendment(seats(1, interval=YEARLY)), contract)).changes[0].item_id == "si_1"
