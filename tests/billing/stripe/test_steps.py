"""What each step says to Stripe, parameter by parameter, held against the SDK's own parameter types."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import stripe.params
from hypothesis import given
from hypothesis import strategies as st

from connector.billing.stripe import invoicing, steps, subscribing
from connector.domain.billing_plan import (
    ExistingPrice,
    InlinePrice,
    InvoiceTerms,
    MakeCustomer,
    MakeProduct,
    PlannedLine,
    StepKey,
)
from connector.domain.deal import Address, CollectionMethod, Interval
from connector.domain.refs import RecordRef
from tests.billing.stripe.conftest import (
    ACCOUNT,
    AUTOMATIC,
    CUSTOMER_KEY,
    DEAL,
    MADE,
    NOW,
    PRODUCT_KEY,
    a_line,
    a_subscription_step,
    an_invoice_step,
    at,
    flat,
)


def assert_known(params: Any, model: Any) -> None:
    """Every key, however deep, is one that the SDK's parameter type has, by the installed SDK's own annotations."""
    known = {name: str(hint) for each in model.__mro__ for name, hint in getattr(each, "__annotations__", {}).items()}
    module = sys.modules[model.__module__]
    for key, value in params.items():
        assert key in known, f"{model.__name__} has no {key}"
        inner = [getattr(module, name) for name in re.findall(r"\w+Params\w+", known[key]) if hasattr(module, name)]
        for each in value if isinstance(value, list) else [value]:
            if inner:
                assert_known(each, inner[0])


def a_customer_step(**changed: Any) -> MakeCustomer:
    step = MakeCustomer(
        CUSTOMER_KEY,
        "Acme GmbH",
        email="ap@acme.example",
        phone="+49 30 123456",
        address=Address("Main St 1", "", "Berlin", "", "10115", "Germany"),
        metadata={"crm_account": str(ACCOUNT)},
    )
    return replace(step, **changed)


def test_a_customer_carries_name_address_and_the_crm_record() -> None:
    """Stripe gets what an invoice needs, and metadata that names the account; empty fields are not sent."""
    params = steps.customer_params(a_customer_step())

    assert params == {
        "name": "Acme GmbH",
        "email": "ap@acme.example",
        "phone": "+49 30 123456",
        "address": {"line1": "Main St 1", "city": "Berlin", "postal_code": "10115", "country": "DE"},
        "metadata": {"crm_account": "salesforce:account:001A", "crm_step": "salesforce:account:001A/customer"},
    }
    assert_known(params, stripe.params.CustomerCreateParams)


def test_a_phone_number_that_stripe_would_refuse_is_left_out() -> None:
    """A long extension must not keep a customer from being made."""
    assert "phone" not in steps.customer_params(a_customer_step(phone="+49 30 1234567 ext. 89"))


def test_a_customer_with_a_name_alone_sends_nothing_empty() -> None:
    """An empty string would be taken for a wish to clear the field."""
    params = steps.customer_params(MakeCustomer(CUSTOMER_KEY, "Acme"))

    assert set(params) == {"name", "metadata"}


def test_a_free_field_cannot_pose_as_our_own_metadata() -> None:
    """What find() recognises records by is ours alone."""
    params = steps.customer_params(a_customer_step(metadata={"crm_step": "x", "crm_account": "y", "note": "z" * 600}))

    assert params["metadata"] == {
        "crm_step": "salesforce:account:001A/customer",
        "crm_account": "salesforce:account:001A",
        "note": "z" * 500,
    }


@pytest.mark.parametrize(
    ("owner", "role", "expected"),
    [
        (RecordRef("salesforce", "product", "01t7F00000AbCdEQAV"), "product", "crm_salesforce_01t7F00000AbCdEQAV"),
        (RecordRef("hubspot", "line_item", "77"), "product", "crm_hubspot_line_item_77"),
        (RecordRef("hubspot", "product", "9:x/y"), "setup", "crm_hubspot_9_x_y_setup"),
    ],
)
def test_a_products_id_is_made_from_its_record(owner: RecordRef, role: str, expected: str) -> None:
    """The same record gives the same id at every try, in characters that Stripe takes."""
    step = MakeProduct(StepKey(owner, role), "Seats", "Per seat", {"sku": "S-1"})

    params = steps.product_params(step)

    assert params["id"] == steps.product_id(step) == expected
    assert params["description"] == "Per seat"
    assert_known(params, stripe.params.ProductCreateParams)


def test_a_subscription_sent_by_invoice() -> None:
    """Days to pay, flexible billing, one item per line, and metadata that names deal and step."""
    params = subscribing.subscription_params(a_subscription_step(), MADE, can_charge=False)

    assert params == {
        "customer": "cus_1",
        "currency": "usd",
        "items": [
            {
                "quantity": 5,
                "metadata": {"crm_line": "salesforce:line_item:00k1"},
                "price_data": {
                    "currency": "usd",
                    "product": "prod_1",
                    "unit_amount": 1000,
                    "recurring": {"interval": "month", "interval_count": 1},
                },
            }
        ],
        "billing_mode": {"type": "flexible"},
        "collection_method": "send_invoice",
        "days_until_due": 30,
        "description": "Acme 2027",
        "metadata": {"crm_deal": str(DEAL), "region": "EMEA", "crm_step": f"{DEAL}/subscription"},
    }
    assert_known(params, stripe.params.SubscriptionCreateParams)


def test_due_on_receipt_is_zero_days() -> None:
    """Stripe wants the number also when it is nought."""
    step = a_subscription_step(terms=InvoiceTerms(CollectionMethod.SEND_INVOICE, 0))

    assert subscribing.subscription_params(step, MADE, can_charge=False)["days_until_due"] == 0


def test_one_off_lines_and_the_order_number_go_on_the_first_invoice() -> None:
    """Set-up fees are add_invoice_items, without recurrence; the PO number is a custom field."""
    step = a_subscription_step(
        one_off=(a_line(2, "250.5", 1), replace(a_line(3), price=ExistingPrice("price_setup"))),
        terms=InvoiceTerms(CollectionMethod.SEND_INVOICE, 14, (("PO Number", "4711"),)),
    )

    params = subscribing.subscription_params(step, MADE, can_charge=False)

    assert params["add_invoice_items"] == [
        {
            "quantity": 1,
            "metadata": {"crm_line": "salesforce:line_item:00k2"},
            "price_data": {"currency": "usd", "product": "prod_1", "unit_amount_decimal": Decimal("250.5")},
        },
        {"quantity": 5, "metadata": {"crm_line": "salesforce:line_item:00k3"}, "price": "price_setup"},
    ]
    assert params["invoice_settings"] == {"custom_fields": [{"name": "PO Number", "value": "4711"}]}
    assert_known(params, stripe.params.SubscriptionCreateParams)


def test_a_catalogue_price_is_named_and_nothing_else_said_of_it() -> None:
    """Its amount and interval are the catalogue's."""
    step = a_subscription_step(recurring=(replace(a_line(), price=ExistingPrice("price_seat")),))

    (item,) = subscribing.subscription_params(step, MADE, can_charge=False)["items"]

    assert item == {"price": "price_seat", "quantity": 5, "metadata": {"crm_line": "salesforce:line_item:00k1"}}


def test_a_past_start_is_backdated_to_a_whole_period() -> None:
    """From the start, to the anchor, with proration stated on purpose."""
    step = a_subscription_step(start=date(2026, 11, 1), anchor=date(2026, 12, 1))

    params = subscribing.subscription_params(step, MADE, can_charge=False)

    assert params["backdate_start_date"] == at("2026-11-01")
    assert params["billing_cycle_anchor"] == at("2026-12-01")
    assert params["proration_behavior"] == "create_prorations"
    assert_known(params, stripe.params.SubscriptionCreateParams)


def test_charging_a_stored_payment_method_is_off_session() -> None:
    """A declined card then leaves an open invoice rather than an error."""
    params = subscribing.subscription_params(a_subscription_step(terms=AUTOMATIC), MADE, can_charge=True)

    assert params["collection_method"] == "charge_automatically"
    assert params["payment_behavior"] == "allow_incomplete"
    assert params["off_session"] is True
    assert "days_until_due" not in params
    assert_known(params, stripe.params.SubscriptionCreateParams)


def test_charging_without_a_payment_method_waits_for_one() -> None:
    """The customer pays the hosted invoice, and what they pay with is kept."""
    params = subscribing.subscription_params(a_subscription_step(terms=AUTOMATIC), MADE, can_charge=False)

    assert params["payment_behavior"] == "default_incomplete"
    assert params["payment_settings"] == {"save_default_payment_method": "on_subscription"}
    assert "off_session" not in params


def test_a_future_start_is_a_schedule_with_one_phase() -> None:
    """Metadata stands on schedule and phase, since Stripe copies the phase's to the subscription."""
    step = a_subscription_step(
        start=date(2027, 1, 1),
        scheduled=True,
        recurring=(a_line(1, interval=Interval("year")), a_line(2, interval=Interval("month", 3))),
        one_off=(a_line(3),),
        terms=InvoiceTerms(CollectionMethod.SEND_INVOICE, 45, (("PO Number", "4711"),)),
    )

    params = subscribing.schedule_params(step, MADE, {}, NOW.date())

    (phase,) = params["phases"]
    metadata = {"crm_deal": str(DEAL), "region": "EMEA", "crm_step": f"{DEAL}/subscription"}
    assert params["start_date"] == at("2027-01-01")
    assert params["end_behavior"] == "release"
    assert params["billing_mode"] == {"type": "flexible"}
    assert params["metadata"] == phase["metadata"] == metadata
    assert phase["duration"] == {"interval": "month", "interval_count": 3}
    assert phase["collection_method"] == "send_invoice"
    assert phase["invoice_settings"] == {
        "days_until_due": 45,
        "custom_fields": [{"name": "PO Number", "value": "4711"}],
    }
    assert [item["quantity"] for item in phase["items"]] == [5, 5]
    assert len(phase["add_invoice_items"]) == 1
    assert_known(params, stripe.params.SubscriptionScheduleCreateParams)


def test_a_schedule_of_catalogue_prices_charged_automatically() -> None:
    """No interval is known and no days to pay are said: the phase lasts a month."""
    line = replace(a_line(), price=ExistingPrice("price_seat"))
    step = a_subscription_step(start=date(2027, 1, 1), scheduled=True, recurring=(line,), terms=AUTOMATIC)

    (phase,) = subscribing.schedule_params(step, MADE, {}, NOW.date())["phases"]

    assert phase["duration"] == {"interval": "month", "interval_count": 1}
    assert "invoice_settings" not in phase


def test_a_recurring_line_without_an_interval_is_a_mistake_of_ours() -> None:
    """It cannot come from the planner either."""
    with pytest.raises(ValueError, match="interval"):
        subscribing.subscription_params(a_subscription_step(recurring=(a_line(),)), MADE, can_charge=False)


def test_a_plain_invoice_is_a_draft_that_takes_nobody_elses_items() -> None:
    """It neither advances by itself nor collects pending items of other deals."""
    step = an_invoice_step(terms=InvoiceTerms(CollectionMethod.SEND_INVOICE, 30, (("PO Number", "4711"),)))

    params = invoicing.invoice_params(step, MADE, NOW)

    assert params == {
        "customer": "cus_1",
        "currency": "usd",
        "auto_advance": False,
        "pending_invoice_items_behavior": "exclude",
        "collection_method": "send_invoice",
        "days_until_due": 30,
        "custom_fields": [{"name": "PO Number", "value": "4711"}],
        "description": "Onboarding",
        "metadata": {"crm_deal": str(DEAL), "crm_step": f"{DEAL}/invoice"},
    }
    assert_known(params, stripe.params.InvoiceCreateParams)


def test_an_automatic_invoice_has_no_days_to_pay() -> None:
    """Stripe refuses them beside charge_automatically."""
    params = invoicing.invoice_params(an_invoice_step(terms=AUTOMATIC, description=""), MADE, NOW)

    assert params["collection_method"] == "charge_automatically"
    assert not {"days_until_due", "description", "custom_fields"} & set(params)


def test_invoice_lines_hang_on_their_draft() -> None:
    """By price, or by an inline amount on a product."""
    step = an_invoice_step()
    draft = RecordRef("stripe", "invoice", "in_1")

    inline = invoicing.invoice_item_params(step, a_line(1, "0.5", 3), draft, MADE)
    named = invoicing.invoice_item_params(step, replace(a_line(2), price=ExistingPrice("price_1")), draft, MADE)

    assert inline == {
        "customer": "cus_1",
        "invoice": "in_1",
        "quantity": 3,
        "description": "Line 1",
        "metadata": {"crm_line": "salesforce:line_item:00k1"},
        "price_data": {"currency": "usd", "product": "prod_1", "unit_amount_decimal": Decimal("0.5")},
    }
    assert named["pricing"] == {"price": "price_1"}
    assert "price_data" not in named
    assert_known(inline, stripe.params.InvoiceItemCreateParams)
    assert_known(named, stripe.params.InvoiceItemCreateParams)


def _inline(product: str | StepKey, amount: Decimal) -> PlannedLine:
    price = InlinePrice(product, amount, Interval("month"))
    return replace(a_line(), price=price)


def test_a_product_that_billing_has_is_named_by_its_id() -> None:
    """An inline price may stand on a product of the catalogue."""
    step = a_subscription_step(recurring=(_inline("prod_catalogue", Decimal(5)),))

    (item,) = subscribing.subscription_params(step, MADE, can_charge=False)["items"]

    assert item["price_data"]["product"] == "prod_catalogue"


@given(st.decimals(min_value=0, max_value=10**11, places=12, allow_nan=False, allow_infinity=False))
def test_amounts_are_written_exactly_and_without_exponent(amount: Decimal) -> None:
    """Whole minor units as an integer, anything finer as a plain decimal, never rounded."""
    step = a_subscription_step(recurring=(_inline(PRODUCT_KEY, amount),))

    (item,) = subscribing.subscription_params(step, MADE, can_charge=False)["items"]
    data = item["price_data"]

    if amount == amount.to_integral_value():
        assert data["unit_amount"] == amount
        assert isinstance(data["unit_amount"], int)
        assert "unit_amount_decimal" not in data
    else:
        written = flat(data)["unit_amount_decimal"]
        assert "E" not in written
        assert Decimal(written) == amount
