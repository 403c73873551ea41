"""What a customer's automatic charges would be paid with, and which way its credit points."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from connector.billing.stripe import translate
from connector.domain.billing import InvoiceStatus, PaymentMethod
from connector.domain.billing_plan import StepKey
from tests.billing.stripe.conftest import DEAL, an_invoice_step, resource
from tests.billing.stripe.world import World

CARD = {"object": "payment_method", "type": "card", "card": {"exp_month": 2, "exp_year": 2028}}
DEBIT = {"object": "payment_method", "type": "sepa_debit"}


def a_customer(**changed: Any) -> dict[str, Any]:
    method = changed.pop("method", None)
    settings = {"default_payment_method": method}
    return resource("customer", invoice_settings=settings, default_source=None, balance=0) | changed


@pytest.mark.parametrize(
    ("customer", "expected"),
    [
        (a_customer(), (PaymentMethod.NONE, None)),
        (a_customer(method=CARD), (PaymentMethod.CARD, date(2028, 2, 29))),
        (a_customer(method=DEBIT), (PaymentMethod.BANK_DEBIT, None)),
        (a_customer(method={"object": "payment_method", "type": "paypal"}), (PaymentMethod.OTHER, None)),
        (
            a_customer(default_source={"object": "card", "exp_month": 12, "exp_year": 2027}),
            (PaymentMethod.CARD, date(2027, 12, 31)),
        ),
        (a_customer(default_source={"object": "bank_account"}), (PaymentMethod.BANK_DEBIT, None)),
        (a_customer(default_source={"object": "source", "type": "ach_debit"}), (PaymentMethod.BANK_DEBIT, None)),
        (a_customer(method=CARD, default_source={"object": "bank_account"}), (PaymentMethod.CARD, date(2028, 2, 29))),
        (a_customer(method="pm_not_expanded"), (PaymentMethod.UNKNOWN, None)),
        (a_customer(method={"object": "payment_method", "type": "card", "card": {}}), (PaymentMethod.CARD, None)),
        ({"id": "cus_1", "object": "customer", "deleted": True}, (PaymentMethod.UNKNOWN, None)),
    ],
)
def test_the_default_method_of_the_customer(customer: Any, expected: tuple[PaymentMethod, date | None]) -> None:
    found = translate.customer(customer)
    assert (found.payment_method, found.card_expires) == expected


def test_what_the_newest_charged_subscription_says_goes_before_the_customers() -> None:
    charged = {"collection_method": "charge_automatically", "status": "active"}
    subscriptions = [
        {**charged, "created": 1, "default_payment_method": CARD},
        {**charged, "created": 2, "default_payment_method": DEBIT},
        {**charged, "created": 3, "default_payment_method": CARD, "status": "canceled"},
        {**charged, "created": 4, "default_payment_method": CARD, "collection_method": "send_invoice"},
    ]
    found = translate.customer(a_customer(method=CARD), subscriptions)
    assert found.payment_method is PaymentMethod.BANK_DEBIT


@pytest.mark.parametrize(("balance", "credit"), [(-2500, 2500), (2500, -2500), (0, 0), (None, 0)])
def test_a_credit_is_negative_at_stripe_and_positive_here(balance: int | None, credit: int) -> None:
    assert translate.customer(a_customer(balance=balance)).credit_balance == credit


def test_the_sandbox_tells_method_credit_refund_and_write_off(world: World) -> None:
    """Two invoices: one is paid by card and partly refunded, one is written off."""
    customer = world.customer()
    assert world.account().customer.payment_method is PaymentMethod.NONE
    method = world.sdk.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    settings: Any = {"invoice_settings": {"default_payment_method": method.id}, "balance": -700}
    world.sdk.v1.customers.update(customer.id, settings)
    world.product()
    paid, lost = (world.run(an_invoice_step(key=StepKey(DEAL, f"invoice/{number}"))) for number in ("1", "2"))
    world.billing.release_first_invoice(paid, None)
    world.do(f"invoices/{paid.id}/pay", method="card")
    refund = world.do(f"invoices/{paid.id}/refund", amount=1200)
    world.billing.release_first_invoice(lost, None)
    world.sdk.v1.invoices.mark_uncollectible(lost.id)

    account = world.account()

    assert (account.customer.payment_method, account.customer.card_expires) == (PaymentMethod.CARD, date(2040, 12, 31))
    [back] = account.refunds
    assert (back.ref.id, back.invoice, back.amount, back.status) == (refund["id"], paid, 1200, "succeeded")
    written_off = {invoice.ref: invoice for invoice in account.invoices}[lost]
    assert written_off.status is InvoiceStatus.UNCOLLECTIBLE
    assert written_off.uncollectible_at is not None
    assert written_off.uncollectible_at.date() == world.today
