"""Making and finding on canned answers: which keys, which calls, and what is left alone."""

from __future__ import annotations

from typing import Any

import pytest

from connector.billing.stripe.client import StripeBilling
from connector.domain.billing_plan import MakeCustomer, MakeProduct
from connector.domain.refs import RecordRef
from connector.errors import Rejected, Unreachable
from tests.billing.stripe.conftest import (
    AUTOMATIC,
    CUSTOMER_KEY,
    DEAL,
    MADE,
    PRODUCT_KEY,
    Refusal,
    Wire,
    a_list,
    a_subscription_step,
    an_invoice,
    an_invoice_step,
    at,
    resource,
)

STEP = "crm_step"


def test_each_create_goes_out_under_our_key(wire: Wire, billing: StripeBilling) -> None:
    """The same key at every try of the SDK's own, so that a lost answer doubles nothing."""
    wire.on("POST", "/v1/customers", Refusal(500, type="api_error"), {"id": "cus_1"})

    made = billing.run(MakeCustomer(CUSTOMER_KEY, "Acme"), {}, "salesforce:account:001A/customer#1")

    assert made == RecordRef("stripe", "customer", "cus_1")
    assert [asked.key for asked in wire.asked] == ["salesforce:account:001A/customer#1"] * 2


def test_an_invoices_lines_have_keys_of_their_own(wire: Wire, billing: StripeBilling) -> None:
    """Derived from the step's, by place."""
    wire.on("GET", "/v1/invoices", a_list())
    wire.on("POST", "/v1/invoices", an_invoice(status="draft"))
    wire.on("POST", "/v1/invoiceitems", {"id": "ii_1"})

    billing.run(an_invoice_step(), MADE, "key#1")

    assert [asked.key for asked in wire.asked if asked.method == "POST"] == ["key#1", "key#1/line/0", "key#1/line/1"]


def test_a_draft_left_behind_is_taken_up_under_any_key(wire: Wire, billing: StripeBilling) -> None:
    """Only what is missing is added; two lines of the same CRM line count twice."""
    step = an_invoice_step()
    twice = an_invoice_step(lines=(step.lines[0], step.lines[0], step.lines[1]))
    wire.on("GET", "/v1/invoices", a_list(an_invoice(status="draft", metadata={STEP: f"{DEAL}/invoice"})))
    there = {"id": "ii_1", "metadata": {"crm_line": "salesforce:line_item:00k1"}}
    wire.on("GET", "/v1/invoiceitems", a_list(there, {"id": "ii_0", "metadata": None}))
    wire.on("POST", "/v1/invoiceitems", {"id": "ii_2"})

    made = billing.run(twice, MADE, "key#2")

    assert made.id == "in_1"
    added = [asked.params["metadata[crm_line]"] for asked in wire.asked if asked.method == "POST"]
    assert added == ["salesforce:line_item:00k1", "salesforce:line_item:00k2"]


def test_a_finalised_invoice_is_complete_whatever_its_lines(wire: Wire, billing: StripeBilling) -> None:
    """It is found, and nothing is added to it."""
    wire.on("GET", "/v1/invoices", a_list(an_invoice(status="paid", metadata={STEP: f"{DEAL}/invoice"})))

    assert billing.find(an_invoice_step(), MADE) == RecordRef("stripe", "invoice", "in_1")
    assert billing.run(an_invoice_step(), MADE, "key#1") == RecordRef("stripe", "invoice", "in_1")
    assert wire.paths() == ["GET /v1/invoices"] * 2


@pytest.mark.parametrize(
    ("customer", "behaviour"),
    [
        ({"invoice_settings": {"default_payment_method": "pm_1"}}, "allow_incomplete"),
        ({"invoice_settings": {"default_payment_method": None}, "default_source": "card_1"}, "allow_incomplete"),
        ({"invoice_settings": None, "default_source": None}, "default_incomplete"),
    ],
)
def test_whether_there_is_something_to_charge_is_asked(
    wire: Wire, billing: StripeBilling, customer: dict[str, Any], behaviour: str
) -> None:
    """Only the customer's default counts: a card that is merely attached is not charged."""
    wire.on("GET", "/v1/customers/cus_1", resource("customer", id="cus_1") | customer)
    wire.on("POST", "/v1/subscriptions", {"id": "sub_1"})

    billing.run(a_subscription_step(terms=AUTOMATIC), MADE, "key#1")

    assert wire.only("POST", "/v1/subscriptions").params["payment_behavior"] == behaviour


def test_sending_invoices_asks_nothing_first(wire: Wire, billing: StripeBilling) -> None:
    """One call per subscription."""
    wire.on("POST", "/v1/subscriptions", {"id": "sub_1"})

    billing.run(a_subscription_step(), MADE, "key#1")

    assert wire.paths() == ["POST /v1/subscriptions"]


def test_the_whole_subscription_request_is_what_was_planned(wire: Wire, billing: StripeBilling) -> None:
    """As it stands on the wire."""
    wire.on("POST", "/v1/subscriptions", {"id": "sub_1"})

    billing.run(a_subscription_step(), MADE, "key#1")

    assert wire.only("POST", "/v1/subscriptions").params == {
        "customer": "cus_1",
        "currency": "usd",
        "items[0][quantity]": "5",
        "items[0][metadata][crm_line]": "salesforce:line_item:00k1",
        "items[0][price_data][currency]": "usd",
        "items[0][price_data][product]": "prod_1",
        "items[0][price_data][recurring][interval]": "month",
        "items[0][price_data][recurring][interval_count]": "1",
        "items[0][price_data][unit_amount]": "1000",
        "billing_mode[type]": "flexible",
        "metadata[crm_deal]": "salesforce:deal:006A",
        "metadata[region]": "EMEA",
        "metadata[crm_step]": "salesforce:deal:006A/subscription",
        "description": "Acme 2027",
        "collection_method": "send_invoice",
        "days_until_due": "30",
    }


def test_a_subscription_is_looked_for_on_every_page_until_found(wire: Wire, billing: StripeBilling) -> None:
    """Ended ones included; pages after the hit are not asked for."""
    mine = resource("subscription", id="sub_1", schedule=None, metadata={STEP: f"{DEAL}/subscription"})
    others = resource("subscription", id="sub_9", metadata={STEP: f"{DEAL}/other"})
    wire.on("GET", "/v1/subscriptions", a_list(others, has_more=True), a_list(mine, has_more=True))

    assert billing.find(a_subscription_step(), MADE) == RecordRef("stripe", "subscription", "sub_1")
    assert [asked.params.get("starting_after") for asked in wire.asked] == [None, "sub_9"]


def test_customers_without_an_address_are_looked_for_among_the_latest(wire: Wire, billing: StripeBilling) -> None:
    """Those of the last three days: an unheard attempt is retried within minutes."""
    wire.on("GET", "/v1/customers", a_list(resource("customer", metadata={"crm_account": "salesforce:account:001B"})))

    assert billing.find(MakeCustomer(CUSTOMER_KEY, "Acme"), {}) is None

    (asked,) = wire.asked
    assert asked.params == {"created[gte]": str(at("2026-11-18") + 9 * 3600 + 1800), "limit": "100"}


def test_a_refused_product_stays_refused(wire: Wire, billing: StripeBilling) -> None:
    """Only "it exists already" means that it is there."""
    wire.on("POST", "/v1/products", Refusal(400, "parameter_invalid_empty", param="name"))

    with pytest.raises(Rejected, match="parameter name"):
        billing.run(MakeProduct(PRODUCT_KEY, ""), {}, "key#1")

    assert wire.paths() == ["POST /v1/products"]


def test_a_deleted_product_is_not_found(wire: Wire, billing: StripeBilling) -> None:
    """Neither is one that never was; an outage is no answer at all."""
    product = f"/v1/products/{'crm_salesforce_01tA'}"
    wire.on("GET", product, {"id": "crm_salesforce_01tA", "deleted": True}, Refusal(404), Refusal(500))
    step = MakeProduct(PRODUCT_KEY, "Seats")

    assert billing.find(step, {}) is None
    assert billing.find(step, {}) is None
    with pytest.raises(Unreachable):
        billing.find(step, {})


def test_connecting_makes_no_call(wire: Wire, settings: Any, turns: Any, wall: Any) -> None:
    """A vendor's outage must not keep a process from starting."""
    connected = StripeBilling.connect(settings, turns, wall)

    assert connected.name == "stripe"
    assert wire.asked == []


def test_an_inactive_price_is_left_out_although_stripe_gave_it(wire: Wire, billing: StripeBilling) -> None:
    """By key or by id."""
    off = resource("price", id="price_1", active=False, lookup_key="SEAT")
    wire.on("GET", "/v1/prices", a_list(off))
    wire.on("GET", "/v1/prices/price_1", off)

    found = billing.prices(["price_1"], ["SEAT", "SEAT"])

    assert (dict(found.by_id), dict(found.by_lookup_key)) == ({}, {})
    assert wire.only("GET", "/v1/prices").params == {
        "lookup_keys[0]": "SEAT",
        "active": "true",
        "expand[0]": "data.tiers",
        "limit": "100",
    }
