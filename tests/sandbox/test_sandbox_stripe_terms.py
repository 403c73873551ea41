"""What invoices carry: one-off lines, coupons, custom fields, tiers, usage, long lists."""

import itertools
from typing import Any

import pytest
import stripe

from tests.sandbox.stripe_account import StripeAccount, at

NOW = at(2026, 1, 15, 12)


def test_one_off_lines_ride_on_the_first_invoice_only(account: StripeAccount) -> None:
    fee = account.price(50000, None)
    product = account.product("Workshop")
    subscription = account.subscription(
        add_invoice_items=[
            {"price": fee.id, "metadata": {"line": "fee"}},
            {
                "price_data": {"currency": "usd", "product": product.id, "unit_amount": 1200},
                "quantity": 3,
                "period": {"start": {"type": "max_item_period_start"}, "end": {"type": "min_item_period_end"}},
            },
        ]
    )

    lines = subscription.latest_invoice.lines.data
    assert [line.amount for line in lines] == [3100, 50000, 3600]
    assert lines[1].metadata["line"] == "fee"
    assert lines[2].period.end == at(2026, 2, 15, 12)
    account.advance(days=32)
    assert [one.amount_due for one in account.invoices()] == [56700, 3100]


def test_one_off_lines_of_an_update_wait_for_the_next_invoice(account: StripeAccount) -> None:
    subscription = account.subscription()

    account.v1.subscriptions.update(subscription.id, {"add_invoice_items": [{"price": account.price(700, None).id}]})

    assert len(account.v1.invoice_items.list({"pending": True}).data) == 1
    account.advance(days=32)
    assert [one.amount_due for one in account.invoices()] == [3100, 3800]


@pytest.mark.parametrize(
    ("coupon", "dues"),
    [
        ({"percent_off": 10, "duration": "forever"}, [2790, 2790, 2790, 2790]),
        ({"percent_off": 12.5, "duration": "once"}, [2712, 3100, 3100, 3100]),  # 387.5 off is 388
        (
            {"amount_off": 600, "currency": "usd", "duration": "repeating", "duration_in_months": 2},
            [2500, 2500, 3100, 3100],
        ),
        ({"amount_off": 9900, "currency": "usd", "duration": "once"}, [0, 3100, 3100, 3100]),
    ],
)
def test_a_coupon_takes_off_what_it_says_for_as_long_as_it_says(
    account: StripeAccount, coupon: dict[str, Any], dues: list[int]
) -> None:
    made = account.v1.coupons.create(coupon)
    subscription = account.subscription(discounts=[{"coupon": made.id}], expand=["latest_invoice", "discounts"])
    assert subscription.discounts[0].source.coupon == made.id
    assert account.v1.coupons.retrieve(made.id).times_redeemed == 1

    account.advance(days=91)

    invoices = account.invoices()
    assert [one.amount_due for one in invoices] == dues
    assert all(one.subtotal == 3100 for one in invoices)


def test_coupons_that_cannot_be_used_are_refused(account: StripeAccount) -> None:
    create = account.v1.coupons.create
    spent = create({"percent_off": 5, "duration": "once", "max_redemptions": 1})
    account.subscription(discounts=[{"coupon": spent.id}])
    late = create({"percent_off": 5, "duration": "once", "redeem_by": NOW + 60})
    euro = create({"amount_off": 500, "currency": "eur", "duration": "once"})
    account.advance(minutes=2)

    for coupon, words in [(spent, "Coupon expired"), (late, "Coupon expired"), (euro, "does not match usd")]:
        with pytest.raises(stripe.InvalidRequestError, match=words):
            account.subscription(discounts=[{"coupon": coupon.id}])
    with pytest.raises(stripe.InvalidRequestError, match="does not simulate promotion codes"):
        account.subscription(discounts=[{"promotion_code": "promo_1"}])
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        account.subscription(discounts=[{"coupon": spent.id, "promotion_code": "promo_1"}])
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        create({"id": spent.id, "percent_off": 5})


def test_a_coupon_works_on_after_its_deletion_and_only_for_its_products(account: StripeAccount) -> None:
    dear, cheap = account.price(1000), account.price(200)
    terms = {"percent_off": 50, "duration": "forever", "applies_to": {"products": [dear.product]}}
    coupon = account.v1.coupons.create(terms)
    subscription = account.subscription(
        items=[{"price": dear.id}, {"price": cheap.id}], discounts=[{"coupon": coupon.id}], expand=["discounts"]
    )
    account.v1.coupons.delete(coupon.id)
    carried = {"discount": subscription.discounts[0].id}
    account.v1.subscriptions.update(subscription.id, {"discounts": [carried]})

    account.advance(days=32)

    assert [one.total for one in account.invoices()] == [700, 700]


def test_a_discount_of_one_item_leaves_the_others_alone(account: StripeAccount) -> None:
    coupon = account.v1.coupons.create({"percent_off": 50, "duration": "forever"})
    invoice = account.subscription(
        items=[
            {"price": account.price(1000).id, "discounts": [{"coupon": coupon.id}]},
            {"price": account.price(200).id},
        ]
    ).latest_invoice

    assert invoice.total == 700
    assert [sum(one.amount for one in line.discount_amounts) for line in invoice.lines.data] == [500, 0]


def test_custom_fields_and_description_reach_every_invoice(account: StripeAccount) -> None:
    settings = {"custom_fields": [{"name": "PO Number", "value": "4711"}], "footer": "Thank you"}
    account.subscription(invoice_settings=settings)

    account.advance(days=32)

    for invoice in account.invoices():
        assert [(one.name, one.value) for one in invoice.custom_fields] == [("PO Number", "4711")]
        assert invoice.footer == "Thank you"


def test_only_the_first_ten_lines_come_with_the_invoice(account: StripeAccount) -> None:
    items = [{"price": account.price(100 + n).id} for n in range(12)]
    subscription = account.subscription(items=items)

    invoice = subscription.latest_invoice
    assert (len(invoice.lines.data), invoice.lines.has_more) == (10, True)
    assert (len(subscription["items"].data), subscription["items"].has_more) == (10, True)
    lines = account.v1.invoices.line_items.list(invoice.id, {"limit": 5}).auto_paging_iter()
    assert [line.amount for line in lines] == [100 + n for n in range(12)]


def test_metered_usage_is_billed_after_the_period(account: StripeAccount) -> None:
    meter = account.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    price = account.v1.prices.create(
        {
            "product": account.product().id,
            "currency": "usd",
            "unit_amount_decimal": "0.5",
            "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
        }
    )
    customer = account.customer()
    first = account.subscription(customer, items=[{"price": price.id}]).latest_invoice
    assert (first.amount_due, first.lines.data) == (0, [])

    for n in range(3):
        account.advance(days=1)
        account.v1.billing.meter_events.create(
            {"event_name": "calls", "payload": {"stripe_customer_id": customer.id, "value": str(n + 1)}}
        )
    account.advance(days=30)

    line = account.invoices()[1].lines.data[0]
    assert (line.quantity, line.amount) == (6, 3)
    assert line.period.end == at(2026, 2, 15, 12)


def test_graduated_and_volume_tiers_add_up(account: StripeAccount) -> None:
    tiers = [{"up_to": 10, "unit_amount": 100}, {"up_to": "inf", "unit_amount": 50, "flat_amount": 25}]
    amounts = []
    for mode, quantity in itertools.product(("graduated", "volume"), (10, 14)):
        price = account.v1.prices.create(
            {
                "product": account.product().id,
                "currency": "usd",
                "billing_scheme": "tiered",
                "tiers_mode": mode,
                "tiers": tiers,
                "recurring": {"interval": "month"},
                "expand": ["tiers"],
            }
        )
        assert price.tiers[1].up_to is None
        amounts.append(account.subscription(price=price, quantity=quantity).latest_invoice.amount_due)

    assert amounts == [1000, 1000 + 4 * 50 + 25, 1000, 14 * 50 + 25]
