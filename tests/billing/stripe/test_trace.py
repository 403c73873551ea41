"""From a record to its customer on canned answers: the ways that need more than one call."""

from __future__ import annotations

from typing import Any

import pytest

from connector.billing.stripe.client import StripeBilling
from connector.domain.refs import RecordRef
from connector.errors import Unsupported
from tests.billing.stripe.conftest import CUSTOMER, Wire, a_list, an_invoice_payment, resource


def stripe_ref(kind: str, record_id: str) -> RecordRef:
    return RecordRef("stripe", kind, record_id)


def an_expanded_payment() -> dict[str, Any]:
    return an_invoice_payment(invoice={"id": "in_1", "object": "invoice", "customer": "cus_1"})


def test_an_intent_without_a_customer_is_followed_to_its_invoice(wire: Wire, billing: StripeBilling) -> None:
    """``payment_intent.invoice`` is gone: the list of InvoicePayments knows."""
    wire.on("GET", "/v1/payment_intents/pi_1", resource("payment_intent", id="pi_1", customer=None))
    wire.on("GET", "/v1/invoice_payments", a_list(an_expanded_payment()))

    assert billing.customer_of(stripe_ref("payment", "pi_1")) == CUSTOMER
    assert wire.only("GET", "/v1/invoice_payments").params == {
        "payment[type]": "payment_intent",
        "payment[payment_intent]": "pi_1",
        "expand[0]": "data.invoice",
        "limit": "1",
    }


def test_a_dispute_is_followed_through_charge_intent_and_invoice(wire: Wire, billing: StripeBilling) -> None:
    """Three calls at most."""
    charge = resource("charge", id="ch_1", customer=None, payment_intent="pi_1")
    wire.on("GET", "/v1/disputes/dp_1", resource("dispute", id="dp_1", charge=charge))
    wire.on("GET", "/v1/payment_intents/pi_1", resource("payment_intent", id="pi_1", customer=None))
    wire.on("GET", "/v1/invoice_payments", a_list(an_expanded_payment()))

    assert billing.customer_of(stripe_ref("dispute", "dp_1")) == CUSTOMER
    assert len(wire.asked) == 3


def test_a_refund_without_a_charge_has_its_intent(wire: Wire, billing: StripeBilling) -> None:
    """A refund of a bank transfer may have no charge."""
    wire.on("GET", "/v1/refunds/re_1", resource("refund", id="re_1", charge=None, payment_intent="pi_1"))
    wire.on("GET", "/v1/payment_intents/pi_1", resource("payment_intent", id="pi_1", customer="cus_1"))

    assert billing.customer_of(stripe_ref("refund", "re_1")) == CUSTOMER


@pytest.mark.parametrize(
    ("kind", "path", "body"),
    [
        ("charge", "/v1/charges/x_1", resource("charge", customer=None, payment_intent=None)),
        ("refund", "/v1/refunds/x_1", resource("refund", charge=None, payment_intent=None)),
        ("invoice_payment", "/v1/invoice_payments/x_1", an_invoice_payment(invoice=None)),
    ],
)
def test_a_payment_of_nobodys_has_no_customer(
    wire: Wire, billing: StripeBilling, kind: str, path: str, body: dict[str, Any]
) -> None:
    """A guest paid in a shop: nothing is to be refreshed."""
    wire.on("GET", path, body)

    assert billing.customer_of(stripe_ref(kind, "x_1")) is None


def test_an_intent_that_paid_no_invoice_has_no_customer(wire: Wire, billing: StripeBilling) -> None:
    """It paid for something else."""
    wire.on("GET", "/v1/payment_intents/pi_1", resource("payment_intent", id="pi_1", customer=None))
    wire.on("GET", "/v1/invoice_payments", a_list())

    assert billing.customer_of(stripe_ref("payment", "pi_1")) is None


def test_a_kind_that_leads_nowhere_is_said_so(billing: StripeBilling) -> None:
    """A price belongs to everybody."""
    with pytest.raises(Unsupported, match="whose a price is"):
        billing.customer_of(stripe_ref("price", "price_1"))
