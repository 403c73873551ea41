"""Cards on file: charged at once and at renewals, declined, tried again, and given up."""

from typing import Any

import pytest
import stripe

from tests.sandbox.stripe_account import StripeAccount, at


def test_a_card_on_file_is_charged_at_once_and_at_each_renewal(account: StripeAccount) -> None:
    customer = account.card_customer()

    subscription = account.subscription(customer, collection_method="charge_automatically")

    assert (subscription.status, subscription.latest_invoice.status) == ("active", "paid")
    assert subscription.latest_invoice.due_date is None
    account.advance(days=31, hours=1)
    assert [one.status for one in account.invoices()] == ["paid", "paid"]
    assert [one.attempt_count for one in account.invoices()] == [1, 1]


def test_charging_automatically_needs_something_to_charge(account: StripeAccount) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        account.subscription(collection_method="charge_automatically")

    assert account.v1.subscriptions.list({"status": "all"}).data == []
    assert account.invoices() == []
    assert set(account.event_types()) == {"customer.created", "product.created", "price.created"}


def test_an_incomplete_subscription_waits_a_day_for_its_first_payment(account: StripeAccount) -> None:
    incomplete: dict[str, Any] = {"collection_method": "charge_automatically", "payment_behavior": "default_incomplete"}
    paid = account.subscription(**incomplete, expand=["latest_invoice.confirmation_secret"])
    unpaid = account.subscription(**incomplete)
    assert (paid.status, paid.latest_invoice.status) == ("incomplete", "open")
    assert paid.latest_invoice.confirmation_secret.client_secret.startswith("pi_")

    account.control("POST", f"/invoices/{paid.latest_invoice.id}/pay", method="card")
    account.advance(hours=23)

    assert account.v1.subscriptions.retrieve(paid.id).status == "active"
    assert account.v1.subscriptions.retrieve(unpaid.id).status == "incomplete_expired"
    assert account.v1.invoices.retrieve(unpaid.latest_invoice.id).status == "void"
    assert [one.id for one in account.v1.subscriptions.list({}).data] == [paid.id]


@pytest.mark.parametrize("card", ["pm_card_chargeCustomerFail", "pm_card_chargeDeclined"])
def test_a_declined_card_leaves_an_incomplete_subscription_and_an_open_invoice(
    account: StripeAccount, card: str
) -> None:
    customer = account.card_customer(card)

    subscription = account.subscription(customer, collection_method="charge_automatically")

    assert (subscription.status, subscription.latest_invoice.status) == ("incomplete", "open")
    assert "invoice.payment_failed" in account.event_types()
    with pytest.raises(stripe.CardError) as declined:
        account.v1.invoices.pay(subscription.latest_invoice.id)
    assert (declined.value.code, declined.value.http_status) == ("card_declined", 402)


def test_error_if_incomplete_makes_nothing_when_the_card_is_declined(account: StripeAccount) -> None:
    customer = account.card_customer("pm_card_chargeCustomerFail")

    with pytest.raises(stripe.CardError):
        account.subscription(customer, collection_method="charge_automatically", payment_behavior="error_if_incomplete")

    assert account.v1.subscriptions.list({"status": "all"}).data == []


def test_a_failed_renewal_is_tried_again_on_a_schedule_and_then_left(account: StripeAccount) -> None:
    customer = account.card_customer()
    subscription = account.subscription(customer, collection_method="charge_automatically")
    account.control("POST", f"/customers/{customer.id}/decline", times=10)

    account.advance(days=31, hours=1)
    renewal = account.invoices()[1]
    first = at(2026, 2, 15, 13)
    assert (renewal.status, renewal.attempt_count, renewal.next_payment_attempt) == ("open", 1, first + 3 * 86400)
    assert account.v1.subscriptions.retrieve(subscription.id).status == "past_due"

    account.advance(days=3)
    assert account.v1.invoices.retrieve(renewal.id).next_payment_attempt == first + 8 * 86400
    account.advance(days=12)

    last = account.v1.invoices.retrieve(renewal.id)
    assert (last.status, last.attempt_count, last.next_payment_attempt) == ("open", 4, None)
    assert account.event_types(renewal.id).count("invoice.payment_failed") == 4
    assert account.v1.subscriptions.retrieve(subscription.id).status == "past_due"


@pytest.mark.parametrize(("setting", "status"), [("cancel", "canceled"), ("unpaid", "unpaid")])
def test_after_the_last_attempt_the_account_settings_decide(account: StripeAccount, setting: str, status: str) -> None:
    account.control("POST", "/settings", after_last_retry=setting, retry_days=[1])
    customer = account.card_customer()
    subscription = account.subscription(customer, collection_method="charge_automatically")
    account.control("POST", f"/customers/{customer.id}/decline", times=10)

    account.advance(days=33)

    assert account.v1.subscriptions.retrieve(subscription.id).status == status
    account.advance(days=31)
    drafts = account.invoices(status="draft")
    assert len(drafts) == (1 if setting == "unpaid" else 0)


def test_a_retry_that_succeeds_puts_the_subscription_in_order(account: StripeAccount) -> None:
    customer = account.card_customer()
    subscription = account.subscription(customer, collection_method="charge_automatically")
    account.control("POST", f"/customers/{customer.id}/decline", times=1)

    account.advance(days=31, hours=1)
    assert account.v1.subscriptions.retrieve(subscription.id).status == "past_due"
    account.advance(days=3)

    assert account.invoices()[1].status == "paid"
    assert account.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_an_immediate_change_is_charged_to_the_card_on_file(account: StripeAccount) -> None:
    subscription = account.subscription(account.card_customer(), collection_method="charge_automatically")
    item = {"id": subscription["items"].data[0].id, "quantity": 3}
    account.advance(days=15, hours=12)

    account.v1.subscriptions.update(subscription.id, {"items": [item], "proration_behavior": "always_invoice"})

    change = account.invoices()[1]
    assert (change.status, change.amount_paid, change.billing_reason) == ("paid", 3100, "subscription_update")
