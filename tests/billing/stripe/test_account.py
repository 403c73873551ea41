"""Reading an account on canned answers: what is asked, and what long lists and rare states come to."""

from __future__ import annotations

from typing import Any

import pytest

from connector.billing.stripe.client import StripeBilling
from connector.errors import NotFound, Rejected
from tests.billing.stripe.conftest import CUSTOMER, Wire, a_list, an_invoice, an_invoice_payment, at, resource


def an_intent(intent_id: str = "pi_1", **changed: Any) -> dict[str, Any]:
    charge = {"id": "ch_1", "object": "charge", "disputed": False}
    return resource("payment_intent", id=intent_id, status="succeeded", latest_charge=charge) | changed


@pytest.fixture
def account(wire: Wire) -> Wire:
    """A customer with a subscription, which brings it along."""
    who = resource("customer", id="cus_1", email="ap@acme.example")
    wire.on("GET", "/v1/subscriptions", a_list(resource("subscription", id="sub_1", customer=who)))
    return wire


def test_an_account_without_payments_takes_two_calls(account: Wire, billing: StripeBilling) -> None:
    """The customer comes along with its subscriptions, ended ones too, and payments come with their invoices."""
    account.on("GET", "/v1/invoices", a_list(an_invoice(status="draft", payments=None)))

    found = billing.account(CUSTOMER)

    assert account.paths() == ["GET /v1/subscriptions", "GET /v1/invoices"]
    assert account.only("GET", "/v1/subscriptions").params == {
        "customer": "cus_1",
        "expand[0]": "data.customer.invoice_settings.default_payment_method",
        "expand[1]": "data.customer.default_source",
        "expand[2]": "data.default_payment_method",
        "expand[3]": "data.discounts.source.coupon",
        "expand[4]": "data.items.data.discounts",
        "limit": "100",
        "status": "all",
    }
    assert account.only("GET", "/v1/invoices").params == {
        "customer": "cus_1",
        "expand[0]": "data.payments",
        "limit": "100",
    }
    assert found.payments == ()
    assert found.customer.email == "ap@acme.example"


def test_a_customer_without_subscriptions_is_asked_for_itself(wire: Wire, billing: StripeBilling) -> None:
    """One-off invoices bring no customer along."""
    wire.on("GET", "/v1/subscriptions", a_list())
    wire.on("GET", "/v1/customers/cus_1", resource("customer", id="cus_1", email="ap@acme.example"))
    wire.on("GET", "/v1/invoices", a_list())

    assert billing.account(CUSTOMER).customer.email == "ap@acme.example"


def test_a_deleted_customer_comes_along_as_deleted(wire: Wire, billing: StripeBilling) -> None:
    """Its ended subscriptions still name it."""
    gone = {"id": "cus_1", "object": "customer", "deleted": True}
    wire.on("GET", "/v1/subscriptions", a_list(resource("subscription", id="sub_1", customer=gone)))
    wire.on("GET", "/v1/invoices", a_list())

    assert billing.account(CUSTOMER).customer.deleted


@pytest.mark.parametrize(("status", "raised"), [(404, NotFound), (200, Rejected)])
def test_a_list_that_is_refused_does_not_hide_that_nobody_is_there(
    wire: Wire, billing: StripeBilling, status: int, raised: type[Exception]
) -> None:
    """A list calls the request wrong when it names an unknown customer; only the customer itself is "not found"."""
    no_such = {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "No such customer"}}
    wire.on("GET", "/v1/subscriptions", no_such, status=400)
    wire.on("GET", "/v1/customers/cus_1", resource("customer", id="cus_1") if status == 200 else no_such, status=status)

    with pytest.raises(raised):
        billing.account(CUSTOMER)


def test_a_bank_debit_under_way_is_processing(account: Wire, billing: StripeBilling) -> None:
    """It takes days, and it is not late."""
    open_payment = an_invoice_payment(status="open", amount_paid=None)
    account.on("GET", "/v1/invoices", a_list(an_invoice(payments=a_list(open_payment)), an_invoice(id="in_2")))
    account.on("GET", "/v1/payment_intents", a_list(an_intent(status="processing"), an_intent("pi_other")))

    found = billing.account(CUSTOMER)

    assert [invoice.processing for invoice in found.invoices] == [True, False]
    assert found.payments == ()
    assert account.only("GET", "/v1/payment_intents").params == {
        "customer": "cus_1",
        "expand[0]": "data.latest_charge.refunds",
        "limit": "100",
    }


def test_an_intent_without_a_charge_tells_nothing(account: Wire, billing: StripeBilling) -> None:
    """Nobody has tried to pay yet."""
    account.on("GET", "/v1/invoices", a_list(an_invoice(payments=a_list(an_invoice_payment(status="open")))))
    account.on("GET", "/v1/payment_intents", a_list(an_intent(status="requires_payment_method", latest_charge=None)))

    found = billing.account(CUSTOMER)

    assert (found.invoices[0].processing, found.disputes) == (False, ())


def test_a_dispute_on_something_else_is_not_asked_for(account: Wire, billing: StripeBilling) -> None:
    """The customer also pays for things that no invoice of theirs stands for."""
    account.on("GET", "/v1/invoices", a_list(an_invoice(payments=a_list(an_invoice_payment()))))
    elsewhere = an_intent("pi_shop", latest_charge={"id": "ch_9", "disputed": True})
    account.on("GET", "/v1/payment_intents", a_list(an_intent(), elsewhere))

    found = billing.account(CUSTOMER)

    assert found.disputes == ()
    assert "GET /v1/disputes" not in account.paths()
    assert [payment.charge for payment in found.payments] == ["ch_1"]


def test_what_did_not_fit_is_asked_for(account: Wire, billing: StripeBilling) -> None:
    """More lines or payments than Stripe gave at first."""
    lines = [{"id": f"il_{n}", "amount": n, "quantity": 1, "pricing": None} for n in range(12)]
    payments = [an_invoice_payment(id=f"inpay_{n}", payment={"type": "payment_record"}) for n in range(12)]
    long = an_invoice(lines=a_list(*lines[:10], has_more=True), payments=a_list(*payments[:10], has_more=True))
    account.on("GET", "/v1/invoices", a_list(long))
    account.on("GET", "/v1/invoices/in_1/lines", a_list(*lines[:11], has_more=True), a_list(lines[11]))
    account.on("GET", "/v1/invoice_payments", a_list(*payments))

    found = billing.account(CUSTOMER)

    assert [line.id for line in found.invoices[0].lines] == [f"il_{n}" for n in range(12)]
    assert len(found.payments) == 12
    assert account.only("GET", "/v1/invoice_payments").params == {"invoice": "in_1", "limit": "100"}
    assert "GET /v1/payment_intents" not in account.paths()


def test_all_items_of_a_subscription_are_there(wire: Wire, billing: StripeBilling) -> None:
    """Revenue would be too low with the first page alone."""
    price = resource("price", transform_quantity=None)
    items = [{"id": f"si_{n}", "price": price, "current_period_end": at("2027-01-01"), "quantity": n} for n in (1, 2)]
    who = resource("customer", id="cus_1")
    cut = resource("subscription", id="sub_1", customer=who, items=a_list(items[0], has_more=True))
    wire.on("GET", "/v1/subscriptions", a_list(cut))
    wire.on("GET", "/v1/subscription_items", a_list(*items))
    wire.on("GET", "/v1/invoices", a_list())

    (found,) = billing.account(CUSTOMER).subscriptions

    assert [item.quantity for item in found.items] == [1, 2]
    assert wire.only("GET", "/v1/subscription_items").params == {
        "subscription": "sub_1",
        "expand[0]": "data.price.tiers",
        "expand[1]": "data.discounts",
        "limit": "100",
    }
