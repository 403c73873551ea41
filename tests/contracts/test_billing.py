"""What every billing promises, run over the Stripe adapter on its make-believe vendor, and over the fake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from connector.billing import BILLINGS
from connector.cli.demo.control import Control
from connector.domain.billing import InvoiceStatus, Price
from connector.domain.billing_plan import (
    META_ACCOUNT,
    META_DEAL,
    InlinePrice,
    InvoiceTerms,
    MakeCustomer,
    MakeInvoice,
    MakeProduct,
    MakeSubscription,
    Phase,
    PlannedLine,
    StepKey,
)
from connector.domain.deal import CollectionMethod, Interval
from connector.domain.refs import RecordRef
from connector.errors import KeyUsed, NeedsHuman, NotFound, Rejected, RetryLater, Unreachable
from connector.ports import Billing
from connector.sandbox import Sandbox
from connector.sandbox.faults import Fault
from tests.contracts.houses import OpenGate
from tests.factories import NOW
from tests.fakes import FakeBilling

ACCOUNT, DEAL = RecordRef("hubspot", "account", "7"), RecordRef("hubspot", "deal", "8")
META = {META_DEAL: str(DEAL), META_ACCOUNT: str(ACCOUNT)}
CUSTOMER = MakeCustomer(
    StepKey(ACCOUNT, "customer"), "Acme GmbH", "ap@acme.example", metadata={META_ACCOUNT: str(ACCOUNT)}
)
PRODUCT = MakeProduct(StepKey(RecordRef("hubspot", "product", "9"), "product"), "Seats")
TERMS = InvoiceTerms(CollectionMethod.SEND_INVOICE, 30, (("PO Number", "PO-1"),))
SEATS = PlannedLine(
    RecordRef("hubspot", "line_item", "1"),
    "Seats",
    InlinePrice(PRODUCT.key, Decimal(2000), Interval("month")),
    5,
    10_000,
)
SETUP = replace(
    SEATS, description="Set-up", price=InlinePrice(PRODUCT.key, Decimal(50_000), None), quantity=1, amount=50_000
)
STRETCH = Phase(NOW.date(), None, (SEATS,), (SETUP,))
SUBSCRIPTION = MakeSubscription(
    StepKey(DEAL, "subscription"),
    CUSTOMER.key,
    "eur",
    (Phase(NOW.date(), None, (SEATS,), (SETUP,)),),
    TERMS,
    "Deal 8",
    META,
    first_invoice=60_000,
)
INVOICE = MakeInvoice(StepKey(DEAL, "invoice"), CUSTOMER.key, "eur", (SETUP,), TERMS, "Deal 8", META, total=50_000)


@dataclass
class Till:
    """A billing, and hands that do there what customers do."""

    billing: Billing
    pay: Callable[[str], None]
    break_down: Callable[[], None]

    def __post_init__(self) -> None:
        self.made: dict[StepKey, RecordRef] = {}

    def run(self, *steps: MakeCustomer | MakeProduct | MakeSubscription | MakeInvoice) -> RecordRef:
        for step in steps:
            self.made[step.key] = self.billing.run(step, self.made, f"{step.key}#1")
        return self.made[steps[-1].key]


@pytest.fixture(params=["fake", "stripe"])
def till(request: pytest.FixtureRequest) -> Iterator[Till]:
    if request.param == "fake":
        fake = FakeBilling(lambda: NOW)

        def break_down() -> None:
            def away(_operation: str) -> None:
                raise Unreachable("Billing is away.")

            fake.trouble = away

        yield Till(fake, fake.pays, break_down)
        return
    with Sandbox() as sandbox:
        card, control = BILLINGS["stripe"], Control(sandbox.control_url)
        settings = card.settings(api_key="sk_test_contracts", api_base=sandbox.stripe_url)
        yield Till(
            card.connect(settings, OpenGate(), sandbox.clock.now),
            lambda invoice: control.post(f"/stripe/invoices/{invoice}/pay"),
            lambda: sandbox.faults.add(Fault("stripe", "server_error", times=1000)),
        )


def test_every_registered_billing_is_held_to_the_promises() -> None:
    assert set(BILLINGS) == {"stripe"}


def test_the_same_step_under_the_same_key_is_made_once(till: Till) -> None:
    first = till.run(CUSTOMER, PRODUCT, SUBSCRIPTION)
    assert till.run(CUSTOMER, PRODUCT, SUBSCRIPTION) == first
    assert len(till.billing.account(till.made[CUSTOMER.key]).subscriptions) == 1


def test_a_key_that_was_used_for_another_request_is_told_and_makes_nothing(till: Till) -> None:
    till.run(CUSTOMER, PRODUCT, SUBSCRIPTION)
    with pytest.raises(KeyUsed):
        till.run(
            replace(SUBSCRIPTION, phases=(replace(STRETCH, recurring=(replace(SEATS, quantity=6, amount=12_000),)),))
        )
    assert len(till.billing.account(till.made[CUSTOMER.key]).subscriptions) == 1


@pytest.mark.parametrize("step", [CUSTOMER, PRODUCT, SUBSCRIPTION, INVOICE], ids=lambda step: step.key.role)
def test_what_an_unheard_attempt_made_is_found_and_nothing_else(
    till: Till, step: MakeCustomer | MakeProduct | MakeSubscription | MakeInvoice
) -> None:
    before: list[MakeCustomer | MakeProduct] = [] if step is CUSTOMER else [CUSTOMER]
    before += [] if step in (CUSTOMER, PRODUCT) else [PRODUCT]
    if before:
        till.run(*before)
    assert till.billing.find(step, till.made) is None
    ref = till.run(step)
    assert till.billing.find(step, till.made) == ref


@pytest.mark.parametrize("step", [SUBSCRIPTION, INVOICE], ids=lambda step: step.key.role)
def test_what_was_made_for_a_deal_is_found_under_its_customer_alone(
    till: Till, step: MakeSubscription | MakeInvoice
) -> None:
    ref = till.run(CUSTOMER, PRODUCT, step)
    other = till.run(replace(CUSTOMER, key=StepKey(RecordRef("hubspot", "account", "70"), "customer")))
    assert till.billing.made_for(DEAL, till.made[CUSTOMER.key]) == [ref]
    assert till.billing.made_for(DEAL, other) == []
    assert till.billing.made_for(RecordRef("hubspot", "deal", "88"), till.made[CUSTOMER.key]) == []


def test_the_first_invoice_is_released_once_it_comes_to_what_was_sold(till: Till) -> None:
    subscription = till.run(CUSTOMER, PRODUCT, SUBSCRIPTION)
    till.billing.release_first_invoice(subscription, 60_000)
    till.billing.release_first_invoice(subscription, 60_000)
    [invoice] = till.billing.account(till.made[CUSTOMER.key]).invoices
    assert (invoice.status, invoice.total, invoice.subscription) == (InvoiceStatus.OPEN, 60_000, subscription)
    assert invoice.number
    assert invoice.due_date is not None
    assert invoice.finalized_at is not None
    assert invoice.due_date - invoice.created_at.date() == timedelta(days=30)


def test_a_first_invoice_that_differs_from_the_deal_is_held_for_a_person(till: Till) -> None:
    subscription = till.run(CUSTOMER, PRODUCT, SUBSCRIPTION)
    with pytest.raises(NeedsHuman):
        till.billing.release_first_invoice(subscription, 59_999)
    [invoice] = till.billing.account(till.made[CUSTOMER.key]).invoices
    assert invoice.status is InvoiceStatus.DRAFT


def test_a_plain_invoice_bills_what_does_not_recur(till: Till) -> None:
    ref = till.run(CUSTOMER, PRODUCT, INVOICE)
    till.billing.release_first_invoice(ref, 50_000)
    account = till.billing.account(till.made[CUSTOMER.key])
    assert [(i.ref, i.total, i.status) for i in account.invoices] == [(ref, 50_000, InvoiceStatus.OPEN)]
    assert account.subscriptions == ()


def test_a_payment_shows_in_the_account(till: Till) -> None:
    ref = till.run(CUSTOMER, PRODUCT, INVOICE)
    till.billing.release_first_invoice(ref, None)
    till.pay(ref.id)
    account = till.billing.account(till.made[CUSTOMER.key])
    assert [(i.status, i.amount_remaining) for i in account.invoices] == [(InvoiceStatus.PAID, 0)]
    assert [(p.invoice, p.amount) for p in account.payments] == [(ref, 50_000)]


def test_the_customer_behind_an_invoice_is_found(till: Till) -> None:
    ref = till.run(CUSTOMER, PRODUCT, INVOICE)
    assert till.billing.customer_of(ref) == till.made[CUSTOMER.key]


def test_a_customer_that_never_existed_is_not_found(till: Till) -> None:
    with pytest.raises(NotFound):
        till.billing.account(RecordRef("stripe", "customer", "cus_nobody"))


def test_a_customer_the_crm_names_is_adopted_and_an_unknown_one_is_refused(till: Till) -> None:
    there = till.run(CUSTOMER)
    other = replace(CUSTOMER, key=StepKey(RecordRef("hubspot", "account", "70"), "customer"), adopt=there.id)
    assert till.run(other) == there
    with pytest.raises(Rejected):
        till.run(replace(other, key=StepKey(RecordRef("hubspot", "account", "71"), "customer"), adopt="cus_nobody"))


def test_prices_that_billing_does_not_have_are_left_out(till: Till) -> None:
    if isinstance(till.billing, FakeBilling):
        till.billing.sells(Price(RecordRef("stripe", "price", "price_1"), "prod_1", "eur", Decimal(1), None, "SEAT"))
    found = till.billing.prices(["price_nothing"], ["NOTHING"])
    assert (dict(found.by_id), dict(found.by_lookup_key)) == ({}, {})


def test_an_outage_is_told_as_one(till: Till) -> None:
    till.run(CUSTOMER)
    till.break_down()
    with pytest.raises(RetryLater):
        till.billing.account(till.made[CUSTOMER.key])
