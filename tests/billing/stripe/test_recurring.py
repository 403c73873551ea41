"""What the items of a subscription come to after running discounts, on plain dicts and on the sandbox's Stripe."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.billing.stripe.client import StripeBilling
from connector.billing.stripe.recurring import recurring_amounts
from connector.billing.stripe.translate import subscription
from connector.domain.deal import Interval
from connector.domain.recurring import monthly
from tests.billing.stripe.conftest import (
    CUSTOMER,
    CUSTOMER_KEY,
    Wire,
    a_line,
    a_list,
    a_subscription_step,
    at,
    resource,
)
from tests.billing.stripe.world import World

NOW = at("2026-11-21")
HALF = {"id": "half", "percent_off": 50.0, "duration": "forever"}
TENTH = {"id": "tenth", "percent_off": 12.5, "duration": "repeating"}
FIFTY = {"id": "fifty", "amount_off": 5000, "currency": "usd", "duration": "forever"}
ONCE = {"id": "once", "percent_off": 90, "duration": "once"}
ONLY_A = {**HALF, "applies_to": {"products": ["prod_a"]}}


def an_item(item_id: str, amount: int, *discounts: Any, product: str = "prod_a", **price: Any) -> dict[str, Any]:
    plain = {"unit_amount": amount, "unit_amount_decimal": str(amount), "transform_quantity": None}
    recurring = {"interval": "month", "interval_count": 1, "usage_type": "licensed"}
    body = resource("price", product=product, currency="usd", recurring=recurring, **{**plain, **price})
    return {"id": item_id, "price": body, "quantity": 1, "discounts": list(discounts)}


def by(coupon: dict[str, Any], end: int | None = None) -> dict[str, Any]:
    return {"id": f"di_{coupon['id']}", "end": end, "source": {"coupon": coupon}}


def amounts(*items: dict[str, Any], discounts: Any = (), customer: Any = None, **changed: Any) -> list[Decimal | None]:
    body = {"status": "active", "currency": "usd", "discounts": list(discounts), "items": a_list(*items), **changed}

    def coupon_of(discount: Any) -> Any:
        return discount.get("source", {}).get("coupon")

    return list(recurring_amounts(body, {"discount": customer}, coupon_of, NOW).values())


@pytest.mark.parametrize(
    ("discount", "left"),
    [
        (by(HALF), Decimal(5000)),
        (by(TENTH, NOW + 1), Decimal(8750)),
        (by(TENTH, NOW), Decimal(10_000)),
        (by(FIFTY), Decimal(5000)),
        (by(ONCE), Decimal(10_000)),
        (by({**FIFTY, "amount_off": 20_000}), Decimal(0)),
        (by({**FIFTY, "currency": "eur"}), None),
        (by({**FIFTY, "currency": "eur", "currency_options": {"usd": {"amount_off": 1000}}}), Decimal(9000)),
        ("di_not_expanded", None),
    ],
)
def test_an_items_own_discount_comes_off_while_it_runs(discount: Any, left: Decimal | None) -> None:
    assert amounts(an_item("si_1", 10_000, discount)) == [left]


def test_the_subscriptions_discount_comes_off_what_the_items_own_left() -> None:
    assert amounts(an_item("si_1", 10_000, by(HALF)), discounts=[by(HALF)]) == [Decimal(2500)]


def test_a_fixed_amount_is_shared_by_what_each_item_comes_to() -> None:
    shared = amounts(an_item("si_1", 30_000), an_item("si_2", 10_000), discounts=[by({**FIFTY, "amount_off": 8000})])
    assert shared == [Decimal(24_000), Decimal(8000)]


def test_a_coupon_for_one_product_leaves_the_others_alone() -> None:
    items = an_item("si_1", 10_000), an_item("si_2", 10_000, product="prod_b")
    assert amounts(*items, discounts=[by(ONLY_A)]) == [Decimal(5000), Decimal(10_000)]


def test_the_customers_discount_applies_where_the_subscription_has_none() -> None:
    item = an_item("si_1", 10_000)
    assert amounts(item, customer=by(HALF)) == [Decimal(5000)]
    assert amounts(item, customer=by(HALF), discounts=[by(TENTH)]) == [Decimal(8750)]


def test_packages_are_counted_whole_and_what_is_shown_in_another_currency_is_unknown() -> None:
    packages = {**an_item("si_1", 900, transform_quantity={"divide_by": 10, "round": "up"}), "quantity": 21}
    assert amounts(packages, an_item("si_2", 100), currency="usd") == [Decimal(2700), Decimal(100)]
    packages["price"]["transform_quantity"] = {"divide_by": 10, "round": "down"}
    assert amounts(packages) == [Decimal(1800)]
    assert amounts(an_item("si_1", 100), currency="eur") == [None]


def test_an_amount_of_another_currency_is_never_taken_for_what_a_subscription_earns() -> None:
    """A price in dollars that has euros, too, is shown in dollars on a subscription in euros."""
    body = resource("subscription", id="sub_1", status="active", currency="eur", customer=resource("customer"))
    body |= {"items": a_list({**an_item("si_1", 10_000), "current_period_end": NOW})}
    assert monthly(subscription(body)) == 0
    assert monthly(subscription({**body, "currency": "usd"})) == 10_000


def test_of_what_is_over_no_discount_is_looked_up() -> None:
    assert amounts(an_item("si_1", 10_000, "di_unknown"), status="canceled") == [Decimal(10_000)]


def test_a_coupon_is_asked_for_once_and_found_again(world: World) -> None:
    """Its own discounts on an item, the subscription's, and money off: as the sandbox's invoices have them."""
    customer = world.customer()
    world.product()
    subscription = world.run(a_subscription_step())
    item = world.sdk.v1.subscription_items.list({"subscription": subscription.id}).data[0]
    coupons = world.sdk.v1.coupons
    quarter = coupons.create({"percent_off": 25, "duration": "forever"}).id
    ten = coupons.create({"amount_off": 1000, "currency": "usd", "duration": "repeating", "duration_in_months": 2}).id
    params: Any = {
        "items": [{"id": item.id, "discounts": [{"coupon": quarter}]}],
        "discounts": [{"coupon": ten}],
        "proration_behavior": "none",
    }
    world.sdk.v1.subscriptions.update(subscription.id, params)

    before = world.asked()
    (found,) = world.billing.account(customer).subscriptions
    first = world.asked() - before
    world.billing.account(customer)

    assert [each.recurring_amount for each in found.items] == [Decimal(2750)]
    assert (first, world.asked() - before - first) == (4, 2)

    coupons.delete(quarter)
    world.later(days=70)
    (found,) = world.billing.account(customer).subscriptions
    assert [each.recurring_amount for each in found.items] == [Decimal(3750)]


def test_a_deleted_coupon_that_nobody_has_seen_leaves_the_amount_unknown(world: World) -> None:
    customer = world.customer()
    world.product()
    subscription = world.run(a_subscription_step())
    coupon = world.sdk.v1.coupons.create({"percent_off": 25, "duration": "forever"}).id
    world.sdk.v1.subscriptions.update(subscription.id, {"discounts": [{"coupon": coupon}]})
    world.sdk.v1.coupons.delete(coupon)

    (found,) = world.billing.account(customer).subscriptions

    assert [each.recurring_amount for each in found.items] == [None]


def test_a_deleted_coupon_that_came_along_still_counts(wire: Wire, billing: StripeBilling) -> None:
    body = resource("subscription", id="sub_1", status="active", currency="usd", customer=resource("customer"))
    body |= {"items": a_list({**an_item("si_1", 10_000), "current_period_end": NOW}), "discounts": [by(HALF)]}
    wire.on("GET", "/v1/subscriptions", a_list(body))
    wire.on("GET", "/v1/coupons/half", {"error": {"code": "resource_missing", "message": "No such coupon"}}, status=404)
    wire.on("GET", "/v1/invoices", a_list())

    (found,) = billing.account(CUSTOMER).subscriptions

    assert [item.recurring_amount for item in found.items] == [Decimal(5000)]


def test_what_is_sold_in_tiers_is_worked_out_from_them(world: World) -> None:
    """A list of subscriptions does not bring tiers along: one more call does."""
    world.customer()
    product = world.sdk.v1.products.create({"name": "Seats"}).id
    tiered: Any = {
        "product": product,
        "currency": "usd",
        "billing_scheme": "tiered",
        "tiers_mode": "graduated",
        "tiers": [{"up_to": 10, "unit_amount": 500}, {"up_to": "inf", "unit_amount": 300}],
        "recurring": {"interval": "month"},
    }
    price = world.sdk.v1.prices.create(tiered).id
    params: Any = {
        "customer": world.made[CUSTOMER_KEY].id,
        "items": [{"price": price, "quantity": 12}],
        "collection_method": "send_invoice",
        "days_until_due": 30,
    }
    world.sdk.v1.subscriptions.create(params)

    (found,) = world.account().subscriptions

    assert [(item.unit_amount, item.recurring_amount) for item in found.items] == [(None, Decimal(5600))]


def test_a_plain_item_comes_to_its_price(world: World) -> None:
    world.customer()
    world.product()
    world.run(a_subscription_step(recurring=(a_line(unit=700, quantity=3, interval=Interval("month")),)))
    (found,) = world.account().subscriptions
    assert [item.recurring_amount for item in found.items] == [Decimal(2100)]
