"""The whole client on the sandbox's Stripe, over HTTP and through the SDK: nothing is refused, figures agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from connector.domain.billing import InvoiceStatus
from connector.domain.billing_plan import InvoiceTerms, MakeCustomer, MakeProduct, StepKey
from connector.domain.deal import Address, CollectionMethod, Interval
from connector.domain.refs import RecordRef
from connector.errors import KeyUsed, NeedsHuman, Rejected, Unreachable
from connector.sandbox.faults import Fault
from tests.billing.stripe.conftest import (
    ACCOUNT,
    AUTOMATIC,
    CUSTOMER_KEY,
    DEAL,
    PRODUCT_KEY,
    a_line,
    a_subscription_step,
    an_invoice_step,
)
from tests.billing.stripe.world import World


def test_from_customer_to_paid_invoice_and_back(world: World) -> None:
    """A won deal's subscription is invoiced, sent and paid, and the account says so in three calls."""
    customer = world.customer(address=Address("Main St 1", "", "Berlin", "", "10115", "Germany"))
    world.product()
    step = a_subscription_step(
        one_off=(a_line(2, "2500.5", 2),),
        terms=InvoiceTerms(CollectionMethod.SEND_INVOICE, 30, (("PO Number", "4711"),)),
    )
    subscription = world.run(step)

    world.billing.release_first_invoice(subscription, 5000 + 5001)
    (invoice,) = world.account().invoices
    assert invoice.status is InvoiceStatus.OPEN
    assert invoice.number
    assert invoice.hosted_url
    assert invoice.total == invoice.amount_remaining == 10_001
    assert invoice.due_date == world.today + timedelta(days=30)
    assert invoice.subscription == subscription
    assert invoice.deal == DEAL
    assert {line.amount for line in invoice.lines} == {5000, 5001}

    world.do(f"invoices/{invoice.ref.id}/pay")
    before = world.asked()
    account = world.account()

    assert world.asked() - before == 3
    assert account.customer.ref == customer
    assert account.customer.crm_account == ACCOUNT
    assert account.customer.email == "ap@acme.example"
    (bought,) = account.subscriptions
    assert (bought.status, bought.deal, bought.currency) == ("active", DEAL, "usd")
    assert [(item.unit_amount, item.quantity, item.interval) for item in bought.items] == [
        (Decimal(1000), 5, Interval("month"))
    ]
    (paid,) = account.invoices
    assert paid.status is InvoiceStatus.PAID
    assert (paid.amount_paid, paid.amount_remaining) == (10_001, 0)
    assert paid.paid_at is not None
    (payment,) = account.payments
    assert (payment.amount, payment.invoice, payment.status) == (10_001, paid.ref, "paid")
    assert payment.payment_intent
    assert payment.charge
    assert (account.credit_notes, account.disputes) == ((), ())


def test_the_same_key_makes_one_record(world: World) -> None:
    """A lost answer is asked for again, not made again."""
    first = world.customer()

    assert world.customer() == first
    assert len(world.state("customers")) == 1


def test_a_key_used_for_something_else_is_told(strict_world: World) -> None:
    """The caller then looks for what the key made, and takes a new one."""
    strict_world.customer()

    with pytest.raises(KeyUsed):
        strict_world.customer(name="Acme Ltd")


def test_what_an_unheard_attempt_made_is_found(world: World) -> None:
    """Each kind of step, by lists and metadata, also when the e-mail address has changed since."""
    customer_step = MakeCustomer(CUSTOMER_KEY, "Acme GmbH", email="ap@acme.example")
    product_step = MakeProduct(PRODUCT_KEY, "Seats")
    subscription_step, invoice_step = a_subscription_step(), an_invoice_step()
    later_step = a_subscription_step(
        key=StepKey(DEAL, "subscription/2"), start=world.today + timedelta(days=40), scheduled=True
    )
    assert world.billing.find(customer_step, {}) is None
    assert world.billing.find(product_step, {}) is None
    customer, product = world.run(customer_step), world.run(product_step)
    assert [world.billing.find(step, world.made) for step in (subscription_step, later_step, invoice_step)] == [
        None
    ] * 3
    subscription, schedule, invoice = world.run(subscription_step), world.run(later_step), world.run(invoice_step)

    assert world.billing.find(customer_step, {}) == customer
    assert world.billing.find(replace(customer_step, email="new@acme.example"), {}) == customer
    assert world.billing.find(replace(customer_step, email=""), {}) == customer
    assert world.billing.find(product_step, {}) == product
    assert world.billing.find(subscription_step, world.made) == subscription
    assert world.billing.find(later_step, world.made) == schedule
    assert world.billing.find(invoice_step, world.made) == invoice
    assert (subscription.kind, schedule.kind, invoice.kind) == ("subscription", "schedule", "invoice")


def test_another_accounts_customer_with_the_same_address_is_not_taken(world: World) -> None:
    """One bookkeeper may serve two companies."""
    world.customer()
    other = MakeCustomer(StepKey(RecordRef("salesforce", "account", "001B"), "customer"), "B", email="ap@acme.example")

    assert world.billing.find(other, {}) is None


def test_a_timeout_after_the_work_is_found_out(strict_world: World) -> None:
    """Stripe made the customer, we never heard: the next attempt finds it instead of making a second one."""
    world = strict_world
    step = MakeCustomer(CUSTOMER_KEY, "Acme GmbH", email="ap@acme.example")
    world.sandbox.faults.add(
        Fault("stripe", "timeout", times=3, operation="POST /v1/customers", after_work=True, hold=0)
    )

    with pytest.raises(Unreachable):
        world.run(step)

    found = world.billing.find(step, {})
    assert found is not None
    assert [customer["id"] for customer in world.state("customers")] == [found.id]


def test_an_existing_customer_is_adopted_as_it_is(strict_world: World) -> None:
    """The id on the CRM record is checked, and nothing about the customer is changed."""
    world = strict_world
    existing = world.sdk.v1.customers.create({"name": "Theirs", "metadata": {"owner": "finance"}})
    step = MakeCustomer(CUSTOMER_KEY, "Ours", email="ap@acme.example", adopt=existing.id)

    assert world.run(step) == RecordRef("stripe", "customer", existing.id)
    assert world.billing.find(step, {}) is None
    (kept,) = world.state("customers")
    assert (kept["name"], kept["metadata"]) == ("Theirs", {"owner": "finance"})

    world.sdk.v1.customers.delete(existing.id)
    with pytest.raises(Rejected, match="deleted"):
        world.run(step)
    with pytest.raises(Rejected, match="does not exist"):
        world.run(replace(step, adopt="cus_nobody"))


def test_a_product_is_made_once_for_its_record(strict_world: World) -> None:
    """A second deal, under another key, gets the same product; an archived one is a question for a person."""
    world = strict_world
    first = world.run(MakeProduct(PRODUCT_KEY, "Seats"))
    again = world.run(MakeProduct(PRODUCT_KEY, "Seats, renamed"), epoch=2)

    assert first == again == RecordRef("stripe", "product", "crm_salesforce_01tA")
    assert [product["name"] for product in world.state("products")] == ["Seats"]

    world.sdk.v1.products.update(first.id, {"active": False})
    with pytest.raises(Rejected, match="archived"):
        world.run(MakeProduct(PRODUCT_KEY, "Seats"), epoch=3)


def test_a_future_start_is_a_schedule_whose_subscription_knows_its_deal(world: World) -> None:
    """Nothing to release yet; once begun, the subscription carries the deal and is found in the schedule's place."""
    world.customer()
    world.product()
    step = a_subscription_step(start=world.today + timedelta(days=10), scheduled=True, one_off=(a_line(2, 700, 1),))
    schedule = world.run(step)

    world.billing.release_first_invoice(schedule, None)
    assert world.account().subscriptions == ()

    world.later(days=11)
    (begun,) = world.account().subscriptions
    assert begun.deal == DEAL
    assert begun.started_at is not None
    assert begun.started_at.date() == step.start
    assert world.billing.find(replace(step, scheduled=False), world.made) == begun.ref
    assert world.billing.find(step, world.made) == begun.ref
    assert world.billing.contract(schedule).subscription == begun.ref
    (invoice,) = world.account().invoices
    assert invoice.total == 5700


def test_a_past_start_bills_one_whole_period(world: World) -> None:
    """From the start to the anchor, in full, and monthly from there."""
    world.customer()
    world.product()
    start = world.today.replace(day=1) if world.today.day > 1 else world.today - timedelta(days=20)
    anchor = (start.replace(day=28) + timedelta(days=4)).replace(day=min(start.day, 28))
    step = a_subscription_step(start=start, anchor=anchor)

    subscription = world.run(step)

    world.billing.release_first_invoice(subscription, 5000)
    account = world.account()
    assert [invoice.total for invoice in account.invoices] == [5000]
    (bought,) = account.subscriptions
    assert bought.started_at is not None
    assert bought.started_at.date() == start
    (item,) = bought.items
    assert item.current_period_end is not None
    assert item.current_period_end.date() == anchor


def test_a_plain_invoice_is_drafted_with_its_lines_then_released(world: World) -> None:
    """The draft waits; releasing gives number and link, and a second release changes nothing."""
    world.customer()
    world.product()
    step = an_invoice_step(terms=InvoiceTerms(CollectionMethod.SEND_INVOICE, 14, (("PO Number", "4711"),)))
    invoice = world.run(step)
    assert world.account().invoices[0].status is InvoiceStatus.DRAFT

    world.billing.release_first_invoice(invoice, 10_000)
    world.billing.release_first_invoice(invoice, 10_000)

    (open_now,) = world.account().invoices
    assert open_now.status is InvoiceStatus.OPEN
    assert open_now.number
    assert sorted(line.description for line in open_now.lines) == ["Line 1", "Line 2"]
    assert open_now.deal == DEAL
    assert [event["type"] for event in world.events()].count("invoice.sent") == 1
    (shown,) = world.state("invoices")
    assert shown["custom_fields"] == [{"name": "PO Number", "value": "4711"}]


def test_an_invoice_half_made_is_completed_and_never_doubled(strict_world: World) -> None:
    """We died between two lines: the draft is not yet found, the next run adds what is missing, under any key."""
    world = strict_world
    world.customer()
    world.product()
    step = an_invoice_step(lines=(a_line(1), a_line(2), a_line(3)), total=15_000)
    world.sandbox.faults.add(Fault("stripe", "server_error", times=3, operation="POST /v1/invoiceitems"))
    with pytest.raises(Unreachable):
        world.run(step)
    world.billing.run(replace(step, lines=step.lines[:1]), world.made, "another-key")
    assert world.billing.find(step, world.made) is None

    invoice = world.run(step, epoch=2)

    assert world.run(step, epoch=3) == invoice == world.billing.find(step, world.made)
    (draft,) = world.account().invoices
    assert sorted(line.description for line in draft.lines) == ["Line 1", "Line 2", "Line 3"]
    assert draft.total == 15_000


def test_a_draft_that_differs_from_its_deal_is_held(world: World) -> None:
    """Both amounts are told; time does not finalise it; corrected, it goes out."""
    world.customer()
    world.product()
    subscription = world.run(a_subscription_step())

    for _ in range(2):
        with pytest.raises(NeedsHuman, match=r"USD 50\.00 before tax, but the deal to USD 49\.00") as caught:
            world.billing.release_first_invoice(subscription, 4900)
    assert "held" in caught.value.hint

    world.later(hours=30)
    (held,) = world.account().invoices
    assert held.status is InvoiceStatus.DRAFT

    world.billing.release_first_invoice(subscription, 5000)
    assert world.account().invoices[0].status is InvoiceStatus.OPEN


def test_finalising_a_held_draft_by_hand_accepts_it(world: World) -> None:
    """A person has decided; the deal's replay does not complain again."""
    world.customer()
    world.product()
    subscription = world.run(a_subscription_step())
    with pytest.raises(NeedsHuman):
        world.billing.release_first_invoice(subscription, 4900)
    (held,) = world.account().invoices

    world.sdk.v1.invoices.finalize_invoice(held.ref.id)

    world.billing.release_first_invoice(subscription, 4900)


def test_a_discount_that_no_deal_knows_of_holds_the_invoice(world: World) -> None:
    """It is the customer's own, so it would hide in the subtotal."""
    customer = world.customer()
    world.product()
    coupon = world.sdk.v1.coupons.create({"percent_off": 10.0, "duration": "forever"})
    invoice = world.run(an_invoice_step())
    world.sdk.v1.invoices.update(invoice.id, {"discounts": [{"coupon": coupon.id}]})

    with pytest.raises(NeedsHuman, match=r"USD 90\.00 before tax, but the deal to USD 100\.00"):
        world.billing.release_first_invoice(invoice, 10_000)

    assert world.billing.account(customer).invoices[0].status is InvoiceStatus.DRAFT


def test_an_invoice_finalised_before_we_looked_is_told_if_it_differs(world: World) -> None:
    """It cannot be held any more; a credit note for the difference puts it right."""
    world.customer()
    world.product()
    subscription = world.run(a_subscription_step())
    world.later(hours=2)

    with pytest.raises(NeedsHuman, match="finalised already"):
        world.billing.release_first_invoice(subscription, 4900)

    (invoice,) = world.account().invoices
    world.sdk.v1.credit_notes.create({"invoice": invoice.ref.id, "amount": 100})
    world.billing.release_first_invoice(subscription, 4900)


def test_a_later_periods_invoice_is_never_held(world: World) -> None:
    """Months on, only the very first invoice is looked at."""
    world.customer()
    world.product()
    subscription = world.run(a_subscription_step(one_off=(a_line(2, 900, 1),)))
    world.billing.release_first_invoice(subscription, 5900)
    (item,) = world.account().subscriptions[0].items
    assert item.current_period_end is not None
    world.later(seconds=(item.current_period_end - world.sandbox.clock.now()).total_seconds() + 300)

    world.billing.release_first_invoice(subscription, 5900)

    newest, _first = world.account().invoices
    assert (newest.total, newest.status) == (5000, InvoiceStatus.DRAFT)
    (shown,) = [one for one in world.state("invoices") if one["id"] == newest.ref.id]
    assert shown["auto_advance"] is True


def test_an_invoice_over_nothing_is_paid_at_once(world: World) -> None:
    """There is nothing to send."""
    world.customer()
    world.product()
    invoice = world.run(an_invoice_step(lines=(a_line(1, 0),), total=0))

    world.billing.release_first_invoice(invoice, 0)
    world.billing.release_first_invoice(invoice, 0)

    assert world.account().invoices[0].status is InvoiceStatus.PAID


def test_a_stored_card_is_charged_and_a_missing_one_waited_for(world: World) -> None:
    """With a payment method the first invoice is paid at once; without one it is open and has its link."""
    customer = world.customer()
    world.product()
    waiting = world.run(a_subscription_step(terms=AUTOMATIC))
    world.billing.release_first_invoice(waiting, 5000)
    account = world.account()
    assert account.subscriptions[0].status == "incomplete"
    assert (account.invoices[0].status, bool(account.invoices[0].hosted_url)) == (InvoiceStatus.OPEN, True)
    assert account.invoices[0].due_date == world.today

    card = world.sdk.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    world.sdk.v1.payment_methods.attach(card.id, {"customer": customer.id})
    world.sdk.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": card.id}})
    charged = world.run(a_subscription_step(terms=AUTOMATIC, key=StepKey(DEAL, "subscription/2")))
    world.billing.release_first_invoice(charged, 5000)

    paid = [invoice for invoice in world.account().invoices if invoice.subscription == charged]
    assert [invoice.status for invoice in paid] == [InvoiceStatus.PAID]
