"""Tax by country and prepaid credits on the sandbox's invoices, to the minor unit, and what credit notes take back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from connector.sandbox.stripe.taxes import PERCENT
from tests.sandbox.stripe_account import StripeAccount


@pytest.fixture
def account() -> Iterator[StripeAccount]:
    opened = StripeAccount()
    yield opened
    assert opened.misfits == []
    opened.close()


def an_invoice(account: StripeAccount, *amounts: int, country: str = "DE", **customer: Any) -> Any:
    """A finalised invoice over these amounts for a customer of that country."""
    who = account.v1.customers.create({"name": "Acme", "address": {"country": country}, **customer})
    terms = {"customer": who.id, "collection_method": "send_invoice", "days_until_due": 7}
    draft = account.v1.invoices.create({**terms, "automatic_tax": {"enabled": True}})
    for amount in amounts:
        item = {"customer": who.id, "invoice": draft.id, "amount": amount, "currency": "eur"}
        account.v1.invoice_items.create({**item, "currency": draft.currency})
    return account.v1.invoices.finalize_invoice(draft.id)


def test_tax_stands_on_top_rounded_by_the_line(account: StripeAccount) -> None:
    """19 % of 333 and of 1: 63.27 and 0.19 round to 63 and 0."""
    assert PERCENT["DE"] == "19"
    invoice = an_invoice(account, 333, 1)

    assert (invoice.subtotal, invoice.total_excluding_tax, invoice.total) == (334, 334, 397)
    (tax,) = invoice.total_taxes
    assert (tax.amount, tax.taxable_amount, tax.tax_behavior) == (63, 334, "exclusive")
    assert tax.taxability_reason == "standard_rated"
    assert sorted(line.taxes[0].amount for line in invoice.lines.data) == [0, 63]


@pytest.mark.parametrize(
    ("country", "status", "reason"),
    [("DE", "exempt", "customer_exempt"), ("DE", "reverse", "reverse_charge"), ("BR", "none", "not_collecting")],
)
def test_some_customers_are_taxed_at_nothing_for_a_reason(
    account: StripeAccount, country: str, status: str, reason: str
) -> None:
    """Exempt, accounting for it themselves, or where nothing is collected."""
    invoice = an_invoice(account, 1000, country=country, tax_exempt=status)

    assert (invoice.total, [tax.taxability_reason for tax in invoice.total_taxes]) == (1000, [reason])


def test_a_credit_note_takes_tax_back_in_proportion(account: StripeAccount) -> None:
    """By the invoice's own lines: a line of one's own is not valid beside automatic tax."""
    invoice = an_invoice(account, 1000)
    line = invoice.lines.data[0].id
    with pytest.raises(stripe.InvalidRequestError, match="not valid"):
        account.v1.credit_notes.create(
            {"invoice": invoice.id, "lines": [{"type": "custom_line_item", "quantity": 1, "unit_amount": 100}]}
        )

    note = account.v1.credit_notes.create(
        {"invoice": invoice.id, "lines": [{"type": "invoice_line_item", "invoice_line_item": line, "amount": 100}]}
    )

    assert (note.subtotal, note.total, note.amount) == (100, 119, 119)
    assert account.v1.invoices.retrieve(invoice.id).amount_remaining == 1190 - 119


def test_a_credit_note_may_be_open_in_part_and_paid_in_part(account: StripeAccount) -> None:
    """The open part is lowered to nothing, the rest becomes the customer's credit; anything else does not add up."""
    invoice = an_invoice(account, 1000, country="BR")
    account.control("POST", f"/invoices/{invoice.id}/pay", amount=800)
    for wrong in ({}, {"credit_amount": 300}):
        with pytest.raises(stripe.InvalidRequestError, match="must equal"):
            account.v1.credit_notes.create({"invoice": invoice.id, "amount": 300, **wrong})

    note = account.v1.credit_notes.create({"invoice": invoice.id, "amount": 300, "credit_amount": 100})

    assert (note.type, note.pre_payment_amount, note.post_payment_amount) == ("mixed", 200, 100)
    after = account.v1.invoices.retrieve(invoice.id)
    assert (after.status, after.amount_remaining) == ("paid", 0)
    assert account.v1.customers.retrieve(invoice.customer).balance == -100


def metered(account: StripeAccount, **grants: Any) -> tuple[Any, Any]:
    """A customer who pays 7 for each call, and the price."""
    meter = account.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    product = account.v1.products.create({"name": "Calls"})
    recurring = {"interval": "month", "usage_type": "metered", "meter": meter.id}
    price = account.v1.prices.create(
        {"currency": "usd", "product": product.id, "unit_amount": 7, "recurring": recurring}
    )
    customer = account.v1.customers.create({"name": "Acme"})
    terms = {"collection_method": "send_invoice", "days_until_due": 7}
    account.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}], **terms})
    return customer, price


def grant(account: StripeAccount, customer: Any, value: int, scope: Any = None, **more: Any) -> None:
    account.v1.billing.credit_grants.create(
        {
            "customer": customer.id,
            "amount": {"type": "monetary", "monetary": {"currency": more.pop("currency", "usd"), "value": value}},
            "applicability_config": {"scope": scope or {"price_type": "metered"}},
            **more,
        }
    )


def use(account: StripeAccount, customer: Any, calls: int) -> None:
    payload = {"stripe_customer_id": customer.id, "value": str(calls)}
    account.v1.billing.meter_events.create({"event_name": "calls", "payload": payload})


def test_usage_draws_on_grants_until_they_are_used_up(account: StripeAccount) -> None:
    """By priority; other currencies, other prices and what has expired are left alone."""
    customer, price = metered(account)
    grant(account, customer, 500)
    grant(account, customer, 300, {"prices": [{"id": price.id}]}, priority=1)
    grant(account, customer, 9000, {"prices": [{"id": "price_other"}]})
    grant(account, customer, 9000, currency="eur")
    grant(account, customer, 9000, expires_at=account.now + 86_400)
    use(account, customer, 100)
    account.advance(days=32)
    use(account, customer, 100)
    account.advance(days=31)

    usage = [one for one in account.v1.invoices.list({"customer": customer.id}).data if one.subtotal]
    assert [one.total for one in usage] == [600, 0]
    assert [each.amount for each in usage[1].total_pretax_credit_amounts] == [300, 400]
    assert [each.amount for each in usage[0].total_pretax_credit_amounts] == [100]


@pytest.mark.parametrize("how", ["cancel", "schedule", "agreed"])
def test_the_last_usage_is_billed_when_a_contract_ends(account: StripeAccount, how: str) -> None:
    """At once with `invoice_now`, or by itself on the agreed day."""
    customer, _price = metered(account)
    (subscription,) = account.v1.subscriptions.list({"customer": customer.id}).data
    use(account, customer, 10)
    account.advance(hours=1)
    if how == "cancel":
        account.v1.subscriptions.cancel(subscription.id, {"invoice_now": True, "prorate": False})
    elif how == "schedule":
        schedule = account.v1.subscription_schedules.create({"from_subscription": subscription.id})
        account.v1.subscription_schedules.cancel(schedule.id, {"invoice_now": True, "prorate": False})
    else:
        account.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
        account.advance(days=40)

    assert [one.total for one in account.v1.invoices.list({"customer": customer.id}).data if one.total] == [70]
    assert account.v1.subscriptions.retrieve(subscription.id).status == "canceled"
