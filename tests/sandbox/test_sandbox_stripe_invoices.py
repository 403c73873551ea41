"""One-off invoices and their items: drafts, finalising, voiding, writing off."""

from decimal import Decimal
from typing import Any

import pytest
import stripe

from tests.sandbox.stripe_account import StripeAccount, at

NOW = at(2026, 1, 15, 12)


def one_off(account: StripeAccount, amount: int = 10_000, **invoice: Any) -> Any:
    customer = account.customer()
    terms = {"collection_method": "send_invoice", "days_until_due": 14, "customer": customer.id, **invoice}
    draft = account.v1.invoices.create(terms)
    account.v1.invoice_items.create(
        {"customer": customer.id, "invoice": draft.id, "amount": amount, "currency": "usd", "description": "Work"}
    )
    return account.v1.invoices.retrieve(draft.id)


def test_a_one_off_invoice_stays_a_draft_until_it_is_finalised(account: StripeAccount) -> None:
    draft = one_off(account, metadata={"deal": "1"}, description="Setup", custom_fields=[{"name": "PO", "value": "7"}])
    assert (draft.status, draft.auto_advance, draft.amount_due, draft.due_date) == (
        "draft",
        False,
        10_000,
        NOW + 14 * 86400,
    )

    account.advance(days=3)
    assert account.v1.invoices.retrieve(draft.id).status == "draft"

    final = account.v1.invoices.finalize_invoice(draft.id, {"auto_advance": True})
    assert (final.status, final.auto_advance, final.billing_reason) == ("open", True, "manual")
    assert final.parent is None


def test_an_invoice_that_advances_by_itself_is_finalised_after_its_hour(account: StripeAccount) -> None:
    draft = one_off(account, auto_advance=True)
    timed = one_off(account, auto_advance=True, automatically_finalizes_at=NOW + 7200)

    account.advance(hours=1)
    assert account.v1.invoices.retrieve(draft.id).status == "open"
    assert account.v1.invoices.retrieve(timed.id).status == "draft"
    account.advance(hours=1)
    assert account.v1.invoices.retrieve(timed.id).status == "open"


def test_holding_a_draft_stops_its_hour(account: StripeAccount) -> None:
    invoice = account.subscription().latest_invoice
    account.v1.invoices.update(invoice.id, {"auto_advance": False})

    account.advance(days=2)
    assert account.v1.invoices.retrieve(invoice.id).status == "draft"
    account.v1.invoices.update(invoice.id, {"auto_advance": True, "automatically_finalizes_at": account.now + 60})
    account.advance(minutes=1)

    assert account.v1.invoices.retrieve(invoice.id).status == "open"


def test_an_invoice_charged_automatically_is_charged_when_finalised_to_advance(account: StripeAccount) -> None:
    customer = account.card_customer()
    account.v1.invoice_items.create({"customer": customer.id, "amount": 700, "currency": "usd"})
    draft = account.v1.invoices.create({"customer": customer.id, "pending_invoice_items_behavior": "include"})
    assert (draft.amount_due, draft.collection_method) == (700, "charge_automatically")

    held = account.v1.invoices.finalize_invoice(draft.id, {"auto_advance": False})
    assert held.status == "open"
    assert account.v1.invoices.pay(draft.id).status == "paid"

    account.v1.invoice_items.create({"customer": customer.id, "amount": 800, "currency": "usd"})
    second = account.v1.invoices.create(
        {"customer": customer.id, "pending_invoice_items_behavior": "include", "auto_advance": True}
    )
    assert account.v1.invoices.finalize_invoice(second.id).status == "paid"


def test_items_are_priced_by_price_by_inline_price_or_by_unit(account: StripeAccount) -> None:
    customer = account.customer()
    product = account.product().id
    unit = {"currency": "usd", "product": product, "unit_amount_decimal": Decimal("0.5")}
    given_items: list[dict[str, Any]] = [
        {"pricing": {"price": account.price(150, None).id}, "quantity": 2},
        {"price_data": unit, "quantity": 3},
        {"unit_amount_decimal": Decimal("33.333333333333"), "currency": "usd", "quantity": 3},
    ]
    made = [account.v1.invoice_items.create({"customer": customer.id, **item}) for item in given_items]

    assert [one.amount for one in made] == [300, 2, 100]  # 1.5 is 2, 99.999999999999 is 100
    assert made[0].pricing.price_details.product != product
    changed = account.v1.invoice_items.update(made[1].id, {"quantity": 5, "description": "More"})
    assert (changed.amount, changed.description) == (3, "More")


def test_items_of_a_draft_change_its_total_and_are_frozen_afterwards(account: StripeAccount) -> None:
    draft = one_off(account, 1000)
    (item,) = account.v1.invoice_items.list({"invoice": draft.id}).data

    account.v1.invoice_items.update(item.id, {"amount": 1500})
    assert account.v1.invoices.retrieve(draft.id).amount_due == 1500
    account.v1.invoice_items.delete(item.id)
    assert account.v1.invoices.retrieve(draft.id).amount_due == 0

    final = account.v1.invoices.finalize_invoice(one_off(account).id)
    (item,) = account.v1.invoice_items.list({"invoice": final.id}).data
    with pytest.raises(stripe.InvalidRequestError, match="finalized"):
        account.v1.invoice_items.delete(item.id)
    with pytest.raises(stripe.InvalidRequestError, match="no longer a draft"):
        account.v1.invoice_items.create(
            {"customer": final.customer, "invoice": final.id, "amount": 1, "currency": "usd"}
        )
    with pytest.raises(stripe.InvalidRequestError, match="can't be updated"):
        account.v1.invoices.update(final.id, {"description": "too late"})
    assert account.v1.invoices.update(final.id, {"metadata": {"late": "fine"}}).metadata["late"] == "fine"


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"amount": 5}, "Missing required param: currency"),
        ({"currency": "usd"}, "Missing required param: amount"),
        ({"currency": "usd", "amount": 5, "quantity": 2}, "only specify one"),
        ({"currency": "usd", "amount": 5, "unit_amount_decimal": "1"}, "only specify one"),
        ({"currency": "kwd", "amount": 5}, "divisible by 10"),
        ({"pricing": {"price": "price_none"}}, "No such price"),
        ({"currency": "usd", "amount": 5, "invoice": "in_none"}, "No such invoice"),
        ({"currency": "usd", "amount": 5, "subscription": "sub_none"}, "No such subscription"),
        ({"currency": "usd", "amount": 5, "price": "price_1"}, "unknown parameter: price"),
    ],
)
def test_wrong_invoice_items_are_refused(account: StripeAccount, item: dict[str, Any], words: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=words):
        account.v1.invoice_items.create({"customer": account.customer().id, **item})


def test_an_item_in_another_currency_cannot_join(account: StripeAccount) -> None:
    draft = one_off(account)

    with pytest.raises(stripe.InvalidRequestError, match="must match"):
        account.v1.invoice_items.create(
            {"customer": draft.customer, "invoice": draft.id, "amount": 1, "currency": "eur"}
        )


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"days_until_due": None}, "must pass `days_until_due`"),
        ({"collection_method": "charge_automatically"}, "only pass `days_until_due`"),
        ({"due_date": NOW + 5}, "only specify one"),
        ({"due_date": NOW - 5, "days_until_due": None}, "in the future"),
        ({"customer": "cus_none"}, "No such customer"),
        ({"currency": "zzz"}, "Invalid currency"),
        ({"default_payment_method": "pm_none"}, "No such payment_method"),
        ({"subscription": "sub_none"}, "No such subscription"),
    ],
)
def test_wrong_invoices_are_refused(account: StripeAccount, terms: dict[str, Any], words: str) -> None:
    base = {"customer": account.customer().id, "collection_method": "send_invoice", "days_until_due": 5}
    given_terms = {name: value for name, value in {**base, **terms}.items() if value is not None}

    with pytest.raises(stripe.InvalidRequestError, match=words):
        account.v1.invoices.create(given_terms)


def test_due_dates_come_as_days_or_as_a_date(account: StripeAccount) -> None:
    dated = one_off(account, days_until_due=None, due_date=NOW + 9 * 86400)  # the SDK drops the None

    assert dated.due_date == NOW + 9 * 86400
    assert account.v1.invoices.update(dated.id, {"days_until_due": 3}).due_date == NOW + 3 * 86400
    automatic = account.v1.invoices.update(dated.id, {"collection_method": "charge_automatically"})
    assert automatic.due_date is None


def test_a_subscription_can_be_invoiced_for_what_waits(account: StripeAccount) -> None:
    subscription = account.subscription(metadata={"deal": "1"})
    terms = {
        "customer": subscription.customer,
        "subscription": subscription.id,
        "collection_method": "send_invoice",
        "days_until_due": 5,
    }
    with pytest.raises(stripe.InvalidRequestError, match="Nothing to invoice"):
        account.v1.invoices.create(terms)
    account.v1.invoice_items.create(
        {"customer": subscription.customer, "subscription": subscription.id, "amount": 70, "currency": "usd"}
    )

    made = account.v1.invoices.create(terms)

    assert (made.amount_due, made.parent.subscription_details.metadata["deal"]) == (70, "1")
    assert [one.amount_due for one in account.invoices(subscription=subscription.id)] == [3100, 70]


def test_drafts_are_deleted_and_finalised_invoices_voided(account: StripeAccount) -> None:
    draft = one_off(account)
    assert account.v1.invoices.delete(draft.id).deleted is True
    assert account.v1.invoice_items.list({}).data == []

    final = account.v1.invoices.finalize_invoice(one_off(account).id)
    for wrong in (final.id, account.subscription().latest_invoice.id):
        with pytest.raises(stripe.InvalidRequestError, match="void"):
            account.v1.invoices.delete(wrong)

    void = account.v1.invoices.void_invoice(final.id)
    assert (void.status, void.number) == ("void", final.number)
    assert void.status_transitions.voided_at == NOW
    for call in (account.v1.invoices.void_invoice, account.v1.invoices.pay, account.v1.invoices.mark_uncollectible):
        with pytest.raises(stripe.InvalidRequestError):
            call(final.id)
    with pytest.raises(stripe.InvalidRequestError, match="cannot send"):
        account.v1.invoices.send_invoice(final.id)


def test_a_partly_paid_invoice_cannot_be_voided(account: StripeAccount) -> None:
    invoice = account.v1.invoices.finalize_invoice(one_off(account).id)
    account.control("POST", f"/invoices/{invoice.id}/pay", amount=1)

    with pytest.raises(stripe.InvalidRequestError, match="partially paid"):
        account.v1.invoices.void_invoice(invoice.id)


def test_a_written_off_invoice_can_still_be_paid(account: StripeAccount) -> None:
    invoice = account.v1.invoices.finalize_invoice(one_off(account).id)

    lost = account.v1.invoices.mark_uncollectible(invoice.id)
    assert (lost.status, lost.status_details.uncollectible.reason) == ("uncollectible", "user_forgiven")
    account.control("POST", f"/invoices/{invoice.id}/pay")

    assert account.v1.invoices.retrieve(invoice.id).status == "paid"


def test_only_invoices_by_mail_are_sent(account: StripeAccount) -> None:
    customer = account.card_customer()
    draft = account.v1.invoices.create({"customer": customer.id})

    with pytest.raises(stripe.InvalidRequestError, match="send_invoice"):
        account.v1.invoices.send_invoice(draft.id)
    assert account.v1.invoices.send_invoice(one_off(account).id).status == "open"


def test_finalisation_fails_without_a_location_for_automatic_tax(account: StripeAccount) -> None:
    customer = account.customer(address={"country": "US"})
    subscription = account.subscription(customer, automatic_tax={"enabled": True})
    account.v1.customers.update(customer.id, {"address": ""})

    account.advance(hours=1)

    invoice = account.v1.invoices.retrieve(subscription.latest_invoice.id)
    assert (invoice.status, invoice.automatic_tax.status) == ("draft", "requires_location_inputs")
    assert invoice.last_finalization_error.code == "customer_tax_location_invalid"
    assert account.event_types(invoice.id)[-1] == "invoice.finalization_failed"
    account.v1.customers.update(customer.id, {"address": {"country": "US"}})
    assert account.v1.invoices.finalize_invoice(invoice.id).status == "open"
