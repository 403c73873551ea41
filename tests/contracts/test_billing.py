"""What every billing promises, run over the Stripe adapter on its make-believe vendor, and over the fake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from connector.billing import BILLINGS
from connector.cli.demo.control import Control
from connector.domain.billing import InvoiceStatus, PaymentMethod, Price
from connector.domain.billing_plan import (
    META_ACCOUNT,
    META_DEAL,
    AddToNextInvoice,
    ChangeSubscription,
    CreditInvoice,
    EndSubscription,
    GrantCredits,
    InlinePrice,
    InvoiceTerms,
    ItemChange,
    MakeCustomer,
    MakeInvoice,
    MakeProduct,
    MakeSubscription,
    Phase,
    PlannedLine,
    Step,
    StepKey,
)
from connector.domain.contract import RunningContract
from connector.domain.dates import add_months
from connector.domain.deal import CollectionMethod, Interval
from connector.domain.refs import RecordRef
from connector.errors import CannotBill, KeyUsed, NeedsHuman, NotFound, Rejected, RetryLater, Unreachable
from connector.ports import Billing
from connector.sandbox import Sandbox
from connector.sandbox.clock import Clock
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


class Still(Clock):
    """The vendor's clock, at the fake's moment: time passes only where a test says so."""

    def now(self) -> datetime:
        return NOW


@dataclass
class Till:
    """A billing, and hands that do there what customers do."""

    billing: Billing
    pay: Callable[[str], None]
    break_down: Callable[[], None]

    def __post_init__(self) -> None:
        self.made: dict[StepKey, RecordRef] = {}

    def run(self, *steps: Step) -> RecordRef:
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
    with Sandbox(clock=Still()) as sandbox:
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


def test_an_account_tells_what_each_item_comes_to_and_that_nothing_is_there_to_pay_with(till: Till) -> None:
    till.run(CUSTOMER, PRODUCT, SUBSCRIPTION)
    account = till.billing.account(till.made[CUSTOMER.key])
    [subscription] = account.subscriptions
    assert [item.recurring_amount for item in subscription.items] == [Decimal(10_000)]
    assert (account.customer.payment_method, account.customer.card_expires) == (PaymentMethod.NONE, None)
    assert (account.customer.credit_balance, account.refunds) == (0, ())


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


TODAY = NOW.date()
WAITING = replace(SUBSCRIPTION, phases=(replace(STRETCH, start=add_months(TODAY, 1)),), scheduled=True)
RAMP = replace(
    SUBSCRIPTION,
    phases=(
        Phase(TODAY, add_months(TODAY, 2), (SEATS,)),
        Phase(add_months(TODAY, 2), add_months(TODAY, 4), (replace(SEATS, quantity=8, amount=16_000),)),
    ),
    scheduled=True,
    ends=True,
)
UPSELL = RecordRef("hubspot", "deal", "9")
MORE = replace(SEATS, line=RecordRef("hubspot", "line_item", "7"), quantity=7, amount=14_000)


def a_change(contract: RunningContract, *changes: ItemChange, on: date | None = None) -> ChangeSubscription:
    return ChangeSubscription(StepKey(UPSELL, "change"), contract.subscription, "eur", changes, {}, on)


def once_only(till: Till, step: Step) -> RecordRef:
    """Run it, and hold that it is found afterwards and not before."""
    assert till.billing.find(step, till.made) is None
    made = till.run(step)
    assert till.billing.find(step, till.made) == made
    return made


def test_a_contract_tells_what_a_change_must_know(till: Till) -> None:
    ref = till.run(CUSTOMER, PRODUCT, SUBSCRIPTION)
    contract = till.billing.contract(ref)
    assert (contract.subscription, contract.customer, contract.deal) == (ref, till.made[CUSTOMER.key], DEAL)
    assert (contract.currency, contract.ends, contract.later, contract.net_days) == ("eur", None, (), 30)
    [item] = contract.items
    assert (item.line, item.unit_amount, item.quantity) == (SEATS.line, Decimal(2000), 5)
    assert (item.interval, item.metered) == (Interval("month"), False)
    assert till.billing.contracts_of(till.made[CUSTOMER.key]) == [contract]


def test_a_contract_that_never_was_is_not_found(till: Till) -> None:
    with pytest.raises(NotFound):
        till.billing.contract(RecordRef("stripe", "subscription", "sub_nothing"))


@pytest.mark.parametrize("step", [SUBSCRIPTION, WAITING], ids=["plain", "waiting"])
def test_a_contract_is_named_by_its_id_and_by_nothing_else(till: Till, step: MakeSubscription) -> None:
    ref = till.run(CUSTOMER, PRODUCT, step)
    assert till.billing.contract_ref(ref.id) == ref
    assert till.billing.contract_ref("006000000000001AAA") is None


def test_a_later_start_waits_and_has_nothing_to_release(till: Till) -> None:
    ref = till.run(CUSTOMER, PRODUCT, WAITING)
    till.billing.release_first_invoice(ref, None)
    assert ref.kind == "schedule"
    assert till.billing.find(WAITING, till.made) == ref
    contract = till.billing.contract(ref)
    assert (contract.subscription, contract.schedule, contract.status) == (ref, ref, "not_started")
    assert contract.started == add_months(TODAY, 1)
    account = till.billing.account(till.made[CUSTOMER.key])
    assert (account.subscriptions, account.invoices) == ((), ())


def test_a_ramp_tells_its_later_phases_and_its_end(till: Till) -> None:
    ref = till.run(CUSTOMER, PRODUCT, RAMP)
    contract = till.billing.contract(ref)
    assert ref.kind == "subscription"
    assert contract.schedule is not None
    assert contract.ends == add_months(TODAY, 4)
    [later] = contract.later
    assert (later.start, later.end) == (add_months(TODAY, 2), add_months(TODAY, 4))
    assert [item.quantity for item in later.items] == [8]


def test_a_contract_changes_from_now_on(till: Till) -> None:
    ref = till.run(CUSTOMER, PRODUCT, SUBSCRIPTION)
    before = till.billing.contract(ref)
    extra = replace(SEATS, line=RecordRef("hubspot", "line_item", "8"), quantity=1, amount=2000)
    assert once_only(till, a_change(before, ItemChange(before.items[0].id, MORE), ItemChange("", extra))) == ref
    after = till.billing.contract(ref)
    assert [(item.line, item.quantity) for item in after.items] == [(MORE.line, 7), (extra.line, 1)]
    assert after.items[0].id == before.items[0].id
    assert after.deal == DEAL


def test_a_contract_changes_on_a_day_to_come(till: Till) -> None:
    ref = till.run(CUSTOMER, PRODUCT, SUBSCRIPTION)
    before, day = till.billing.contract(ref), add_months(TODAY, 2)
    once_only(till, a_change(before, ItemChange(before.items[0].id, MORE), on=day))
    after = till.billing.contract(ref)
    assert [item.quantity for item in after.items] == [5]
    assert [(phase.start, [item.quantity for item in phase.items]) for phase in after.later] == [(day, [7])]


def test_a_line_that_is_gone_is_not_changed(till: Till) -> None:
    ref = till.run(CUSTOMER, PRODUCT, SUBSCRIPTION)
    with pytest.raises(CannotBill):
        till.run(a_change(till.billing.contract(ref), ItemChange("si_gone", MORE)))


@pytest.mark.parametrize("step", [SUBSCRIPTION, RAMP, WAITING], ids=["plain", "ramp", "waiting"])
def test_a_contract_ends_now(till: Till, step: MakeSubscription) -> None:
    ref = till.run(CUSTOMER, PRODUCT, step)
    assert once_only(till, EndSubscription(StepKey(UPSELL, "end"), ref, {})) == ref
    assert till.billing.contract(ref).status == "canceled"
    assert till.billing.contracts_of(till.made[CUSTOMER.key]) == []
    assert till.billing.made_for(DEAL, till.made[CUSTOMER.key]) == []


@pytest.mark.parametrize("step", [SUBSCRIPTION, RAMP, WAITING], ids=["plain", "ramp", "waiting"])
def test_a_contract_ends_on_a_day_to_come(till: Till, step: MakeSubscription) -> None:
    ref, day = till.run(CUSTOMER, PRODUCT, step), add_months(TODAY, 3)
    once_only(till, EndSubscription(StepKey(UPSELL, "end"), ref, {}, on=day))
    assert till.billing.contract(ref).ends == day
    assert [contract.ends for contract in till.billing.contracts_of(till.made[CUSTOMER.key])] == [day]


def test_a_milestone_is_not_released_before_its_day(till: Till) -> None:
    day = add_months(TODAY, 2)
    ref = till.run(CUSTOMER, PRODUCT, replace(INVOICE, on=day))
    till.billing.release_first_invoice(ref, 50_000)
    [invoice] = till.billing.account(till.made[CUSTOMER.key]).invoices
    assert (invoice.status, invoice.due_date) == (InvoiceStatus.DRAFT, day + timedelta(days=30))
    with pytest.raises(NeedsHuman):
        till.billing.release_first_invoice(ref, 49_999)


def test_a_held_draft_can_be_let_go_and_an_open_invoice_stays_open(till: Till) -> None:
    ref = till.run(CUSTOMER, PRODUCT, INVOICE)
    for act in (till.billing.hold, till.billing.hold, till.billing.let_go, till.billing.let_go):
        act(ref)
    till.billing.release_first_invoice(ref, 50_000)
    till.billing.hold(ref)
    [invoice] = till.billing.account(till.made[CUSTOMER.key]).invoices
    assert invoice.status is InvoiceStatus.OPEN


def test_credits_are_granted_once(till: Till) -> None:
    till.run(CUSTOMER)
    step = GrantCredits(StepKey(DEAL, "credits-1"), CUSTOMER.key, "eur", "Prepaid", 100_000, META)
    assert once_only(till, step).kind == "credit_grant"


def test_lines_wait_for_the_next_invoice(till: Till) -> None:
    ref = till.run(CUSTOMER, PRODUCT, SUBSCRIPTION)
    back = replace(SETUP, price=InlinePrice(PRODUCT.key, Decimal(-700), None), amount=-700)
    step = AddToNextInvoice(StepKey(UPSELL, "proration"), CUSTOMER.key, ref, "eur", (SETUP, back), META)
    once_only(till, step)
    assert [invoice.total for invoice in till.billing.account(till.made[CUSTOMER.key]).invoices] == [60_000]


@pytest.mark.parametrize(("paid", "left"), [(False, 38_000), (True, 0)])
def test_a_credit_lowers_what_is_open(till: Till, paid: bool, left: int) -> None:
    ref = till.run(CUSTOMER, PRODUCT, INVOICE)
    till.billing.release_first_invoice(ref, None)
    if paid:
        till.pay(ref.id)
    once_only(till, CreditInvoice(StepKey(UPSELL, "credit"), ref, "eur", 12_000, "Rest of the term", {}))
    [invoice] = till.billing.account(till.made[CUSTOMER.key]).invoices
    assert (invoice.amount_remaining, invoice.credited) == (left, 12_000)
    assert invoice.status is (InvoiceStatus.PAID if paid else InvoiceStatus.OPEN)


def test_no_more_is_credited_than_the_invoice_has(till: Till) -> None:
    ref = till.run(CUSTOMER, PRODUCT, INVOICE)
    till.billing.release_first_invoice(ref, None)
    with pytest.raises(CannotBill):
        till.run(CreditInvoice(StepKey(UPSELL, "credit"), ref, "eur", 50_001, "Too much", {}))


def test_a_draft_is_credited_by_a_line(till: Till) -> None:
    ref = till.run(CUSTOMER, PRODUCT, INVOICE)
    once_only(till, CreditInvoice(StepKey(UPSELL, "credit"), ref, "eur", 12_000, "Rest of the term", {}))
    [invoice] = till.billing.account(till.made[CUSTOMER.key]).invoices
    assert (invoice.status, invoice.total) == (InvoiceStatus.DRAFT, 38_000)


def test_a_customer_of_the_same_address_is_a_candidate(till: Till) -> None:
    there = till.run(CUSTOMER)
    step = replace(CUSTOMER, key=StepKey(RecordRef("hubspot", "account", "70"), "customer"), name="Other")
    [found] = till.billing.candidates(step)
    assert (found.customer, found.why, found.crm_account) == (there, "email", ACCOUNT)
    assert till.billing.candidates(replace(step, name="Nobody", email="x@nobody.example")) == []
