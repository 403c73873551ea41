"""What the client reads back from the sandbox's Stripe: prices, accounts, events, and what set-up finds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from connector.billing.stripe.settings import StripeSettings
from connector.billing.stripe.webhook import StripeWebhook
from connector.domain.billing import InvoiceStatus
from connector.domain.billing_plan import ExistingPrice, StepKey
from connector.domain.deal import Interval
from connector.domain.inbox import EventKind, InboundRequest, InboxEvent
from connector.domain.refs import RecordRef
from connector.errors import NotFound
from connector.ports import CheckStatus
from tests.billing.stripe.conftest import (
    DEAL,
    a_line,
    a_subscription_step,
    an_invoice_step,
)
from tests.billing.stripe.listener import Listener
from tests.billing.stripe.world import World

PUBLIC_URL = "http://127.0.0.1:9"


def test_catalogue_prices_are_found_by_id_and_key(world: World) -> None:
    """Missing and inactive ones are left out; a subscription takes the found one as it is."""
    prices = world.sdk.v1.prices
    product = world.sdk.v1.products.create({"name": "Seats"}).id
    seat = prices.create(
        {
            "product": product,
            "currency": "usd",
            "unit_amount_decimal": Decimal("1234.5"),
            "lookup_key": "SEAT",
            "recurring": {"interval": "month", "interval_count": 3},
        }
    ).id
    gone = prices.create({"product": product, "currency": "usd", "unit_amount": 100, "lookup_key": "GONE"}).id
    prices.update(gone, {"active": False})

    before = world.asked()
    found = world.billing.prices([seat, gone, "price_nobody", seat], ["SEAT", "GONE", *map(str, range(10))])

    assert world.asked() - before == 2 + 3
    assert set(found.by_id) == {seat}
    assert set(found.by_lookup_key) == {"SEAT"}
    price = found.by_id[seat]
    assert (price.unit_amount, price.interval, price.currency) == (Decimal("1234.5"), Interval("month", 3), "usd")
    assert (price.lookup_key, price.product_id, price.metered) == ("SEAT", product, False)

    world.customer()
    line = replace(a_line(quantity=2), price=ExistingPrice(seat), amount=2469)
    subscription = world.run(a_subscription_step(recurring=(line,)))
    world.billing.release_first_invoice(subscription, 2469)
    assert world.account().invoices[0].total == 2469


def test_partial_payment_credit_dispute_and_refund(world: World) -> None:
    """Money that came, was taken off, is disputed or went back: each where the ledger expects it."""
    world.customer()
    world.product()
    first = world.run(an_invoice_step())
    second = world.run(an_invoice_step(key=StepKey(DEAL, "invoice/2")))
    for made in (first, second):
        world.billing.release_first_invoice(made, 10_000)
    world.do(f"invoices/{first.id}/pay", amount=4000)
    world.sdk.v1.credit_notes.create({"invoice": first.id, "amount": 1000, "reason": "order_change"})
    world.do(f"invoices/{second.id}/pay", method="card")
    dispute = world.do(f"invoices/{second.id}/dispute", reason="product_not_received")

    before = world.asked()
    account = world.account()

    assert world.asked() - before == 6
    partly, disputed = sorted(account.invoices, key=lambda invoice: invoice.ref != first)
    assert (partly.amount_paid, partly.amount_remaining, partly.credited) == (4000, 5000, 1000)
    assert (partly.disputed, disputed.disputed, disputed.status) == (False, True, InvoiceStatus.PAID)
    assert sorted(payment.amount for payment in account.payments) == [4000, 10_000]
    (note,) = account.credit_notes
    assert (note.invoice, note.amount, note.status, note.reason) == (first, 1000, "issued", "order_change")
    assert note.before_payment == 1000
    (found,) = account.disputes
    assert (found.ref.id, found.invoice, found.amount, found.status) == (
        dispute["id"],
        second,
        10_000,
        "needs_response",
    )
    assert found.charge == dispute["charge"]

    world.do(f"disputes/{dispute['id']}/close", won=True)
    account = world.account()
    assert account.disputes[0].status == "won"
    assert not any(invoice.disputed for invoice in account.invoices)


def test_from_any_record_to_its_customer(world: World) -> None:
    """Whatever an event was about, the account to refresh is found."""
    customer = world.customer()
    world.product()
    subscription = world.run(a_subscription_step())
    later = a_subscription_step(key=StepKey(DEAL, "s2"), start=world.today + timedelta(days=9), scheduled=True)
    schedule = world.run(later)
    invoice = world.run(an_invoice_step())
    world.billing.release_first_invoice(invoice, 10_000)
    world.do(f"invoices/{invoice.id}/pay", method="card")
    dispute = world.do(f"invoices/{invoice.id}/dispute")
    second = world.run(an_invoice_step(key=StepKey(DEAL, "invoice/2")))
    world.billing.release_first_invoice(second, 10_000)
    world.do(f"invoices/{second.id}/pay", method="card")
    refund = world.do(f"invoices/{second.id}/refund", amount=100)
    note = world.sdk.v1.credit_notes.create({"invoice": second.id, "amount": 300, "credit_amount": 300})
    payment = world.account().payments[0]

    records = {
        "customer": customer.id,
        "subscription": subscription.id,
        "schedule": schedule.id,
        "invoice": invoice.id,
        "invoice_payment": payment.ref.id,
        "payment": payment.payment_intent,
        "charge": payment.charge,
        "dispute": dispute["id"],
        "refund": refund["id"],
        "credit_note": note.id,
    }
    found = {kind: world.billing.customer_of(RecordRef("stripe", kind, each)) for kind, each in records.items()}

    assert found == dict.fromkeys(records, customer)
    assert world.billing.customer_of(RecordRef("stripe", "invoice", "in_nobody")) is None


def test_an_account_that_never_was(world: World) -> None:
    """Not an empty account: it never existed."""
    with pytest.raises(NotFound):
        world.billing.account(RecordRef("stripe", "customer", "cus_nobody"))


def test_a_deleted_customer_is_still_an_account(world: World) -> None:
    """Its invoices are still owed, or paid."""
    customer = world.customer()
    world.product()
    invoice = world.run(an_invoice_step())
    world.billing.release_first_invoice(invoice, 10_000)
    world.sdk.v1.customers.delete(customer.id)

    account = world.billing.account(customer)

    assert account.customer.deleted
    assert [each.ref for each in account.invoices] == [invoice]


def test_the_event_log_gives_what_the_webhook_gives(world: World) -> None:
    """Same ids, same kinds, same subjects, oldest first."""
    moment = world.sandbox.clock.now()
    customer = world.customer()
    world.product()
    subscription = world.run(a_subscription_step())
    world.billing.release_first_invoice(subscription, 5000)
    webhook = StripeWebhook(world.settings)

    told = list(world.billing.events_since(moment))

    assert {event.type for event in told} >= {
        "customer.created",
        "invoice.created",
        "invoice.finalized",
        "invoice.sent",
    }
    assert "product.created" not in {event.type for event in told}
    assert [event.occurred_at for event in told] == sorted(event.occurred_at for event in told)
    assert {event.subject for event in told if event.kind is EventKind.BILLING_CHANGED} == {customer}
    for event in told:
        (delivered,) = webhook.parse(InboundRequest("POST", "", {}, event.body.encode()))
        assert delivered == event

    world.later(days=2)
    assert list(world.billing.events_since(world.sandbox.clock.now())) == []
    assert list(world.billing.events_since(moment - timedelta(days=90))) == told


def test_set_up_makes_the_endpoint_once_and_the_doctor_agrees(world: World) -> None:
    """The secret is shown once, to whoever asked; afterwards everything is in place."""
    checks = {check.id: check.status for check in world.billing.check(PUBLIC_URL)}
    assert checks == {
        "stripe.key": CheckStatus.OK,
        "stripe.webhook_secret": CheckStatus.WARN,
        "stripe.webhook": CheckStatus.WARN,
    }

    (action,) = world.billing.setup(PUBLIC_URL)
    assert not action.done
    assert action.apply is not None
    assert world.new_secret() == ""
    action.apply()

    assert world.new_secret().startswith("whsec_")
    assert [action.done for action in world.billing.setup(PUBLIC_URL)] == [True]
    assert {check.status for check in world.billing.check(PUBLIC_URL) if check.id == "stripe.webhook"} == {
        CheckStatus.OK
    }
    (endpoint,) = world.state("webhook_endpoints")
    assert endpoint["api_version"] == "2026-10-28.endive"
    assert endpoint["url"] == f"{PUBLIC_URL}/webhooks/stripe"
    assert "*" not in endpoint["enabled_events"]


def test_a_delivery_of_the_sandbox_is_genuine(world: World) -> None:
    """Signed as Stripe signs, under the secret that set-up was told."""
    with Listener() as listener:
        (action,) = world.billing.setup(listener.url)
        assert action.apply is not None
        action.apply()
        secret = world.new_secret()
        customer = world.customer()
        request = listener.next()

    settings = StripeSettings(api_key="sk_test_abc", webhook_secrets=secret)
    webhook = StripeWebhook(settings)
    webhook.verify(request, world.sandbox.clock.now())
    (event,) = webhook.parse(request)
    assert (event.type, event.subject) == ("customer.created", customer)


def test_a_thin_delivery_leads_to_the_same_account(world: World) -> None:
    """It names only what it is about; one more call finds whose that is."""
    with Listener() as listener:
        (action,) = world.billing.setup(listener.url)
        assert action.apply is not None
        action.apply()
        (endpoint,) = world.state("webhook_endpoints")
        world.do(f"webhook_endpoints/{endpoint['id']}/thin", thin=True)
        customer = world.customer()
        world.product()
        world.run(an_invoice_step())
        webhook = StripeWebhook(StripeSettings(api_key="sk_test_abc", webhook_secrets=world.new_secret()))
        told: dict[str, InboxEvent] = {}
        while not told.keys() >= {"v1.customer.created", "v1.invoice.created"}:  # deliveries come in any order
            request = listener.next()
            webhook.verify(request, world.sandbox.clock.now())
            told |= {event.type: event for event in webhook.parse(request)}

    assert told["v1.customer.created"].kind is EventKind.BILLING_CHANGED
    assert told["v1.customer.created"].subject == customer
    created = told["v1.invoice.created"]
    assert created.kind is EventKind.BILLING_TRACE
    assert created.subject is not None
    assert world.billing.customer_of(created.subject) == customer
