"""A billing system in memory. It keeps the promises of tests/contracts/test_billing.py, as the real one does.

It makes first invoices, but time does not pass in it: nothing renews, and a phase to come does not begin by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from connector.domain.billing import (
    BillingAccount,
    Customer,
    Invoice,
    InvoiceStatus,
    Payment,
    PaymentMethod,
    Price,
    Subscription,
    SubscriptionItem,
)
from connector.domain.billing_plan import (
    META_ACCOUNT,
    META_DEAL,
    AddToNextInvoice,
    Catalogue,
    ChangeSubscription,
    CreditInvoice,
    EndSubscription,
    GrantCredits,
    MakeCustomer,
    MakeInvoice,
    MakeProduct,
    MakeSubscription,
    PlannedLine,
    Step,
    StepKey,
)
from connector.domain.contract import RunningContract
from connector.domain.customer_match import Candidate
from connector.domain.inbox import InboxEvent
from connector.domain.refs import RecordRef
from connector.errors import CannotBill, KeyUsed, NeedsHuman, NotFound, Rejected
from connector.ports import Check, SetupAction
from tests.fake_contracts import Contracts

Trouble = Callable[[str], None]
"""Called with the operation's name before it runs; raises to make it fail."""


def no_trouble(_operation: str) -> None:
    """Nothing goes wrong."""


@dataclass
class FakeBilling:
    """Billing in memory: idempotency keys replay and clash, lists are consistent, drafts wait to be released."""

    clock: Callable[[], datetime]
    name: str = "stripe"
    catalogue: Catalogue = field(default_factory=Catalogue)
    customers: dict[str, MakeCustomer] = field(default_factory=dict)
    products: dict[str, MakeProduct] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    contracts: Contracts = field(default_factory=Contracts)
    invoices: dict[str, Invoice] = field(default_factory=dict)
    milestones: dict[str, date] = field(default_factory=dict)  #: invoice id -> the day it goes out by itself
    held: set[str] = field(default_factory=set)
    waiting: list[tuple[RecordRef, PlannedLine]] = field(default_factory=list)  #: lines for a next invoice
    grants: list[GrantCredits] = field(default_factory=list)
    balances: dict[str, int] = field(default_factory=dict)  #: customer id -> credit, in minor units
    payments: list[Payment] = field(default_factory=list)
    events: list[InboxEvent] = field(default_factory=list)
    keys: dict[str, tuple[Step, RecordRef]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    look_alikes: list[Candidate] = field(default_factory=list)  #: customers that were there before us
    trouble: Trouble = no_trouble
    new_secret: None = None
    _numbers: Any = field(default_factory=lambda: count(1))

    def prices(self, price_ids: Sequence[str], lookup_keys: Sequence[str]) -> Catalogue:
        self._call("prices")
        return Catalogue(
            by_id={k: v for k, v in self.catalogue.by_id.items() if k in price_ids},
            by_lookup_key={k: v for k, v in self.catalogue.by_lookup_key.items() if k in lookup_keys},
        )

    def sells(self, price: Price) -> None:
        """Put a price into the catalogue."""
        self.catalogue = Catalogue(
            {**self.catalogue.by_id, price.ref.id: price}, {**self.catalogue.by_lookup_key, price.lookup_key: price}
        )

    def find(self, step: Step, made: Mapping[StepKey, RecordRef]) -> RecordRef | None:
        self._call("find")
        if isinstance(step, EndSubscription) and self.contracts.ends_as(step):
            return self.contracts.of(step.subscription).subscription
        whose = made[step.customer] if isinstance(step, MakeSubscription | MakeInvoice) else None
        return next(
            (
                ref
                for known, ref in self.keys.values()
                if known.key == step.key and whose in (None, self._customer_of(ref))
            ),
            None,
        )

    def made_for(self, deal: RecordRef, customer: RecordRef) -> list[RecordRef]:
        self._call("made_for")
        bills = (MakeSubscription, MakeInvoice)
        mine = [ref for known, ref in self.keys.values() if known.key.owner == deal and isinstance(known, bills)]
        return [ref for ref in mine if self._customer_of(ref) == customer and self._is_live(ref)]

    def run(self, step: Step, made: Mapping[StepKey, RecordRef], key: str) -> RecordRef:
        self._call(f"run {step.key.role}")
        if key in self.keys:
            known, ref = self.keys[key]
            if known != step:
                raise KeyUsed("The key was used for another request.")
            return ref
        ref = self._make(step, made)
        self.keys[key] = (step, ref)
        self.trouble(f"after run {step.key.role}")
        return ref

    def release_first_invoice(self, made: RecordRef, expected: int | None) -> None:
        self._call("release_first_invoice")
        for ref, invoice in self.invoices.items():
            if made in (invoice.ref, invoice.subscription) and invoice.status is InvoiceStatus.DRAFT:
                if expected is not None and invoice.total != expected:
                    raise NeedsHuman(f"The first invoice comes to {invoice.total}, not {expected}.", ref=made)
                if ref not in self.milestones:
                    self.invoices[ref] = replace(
                        invoice, status=InvoiceStatus.OPEN, number=f"A-{ref}", finalized_at=self.clock()
                    )

    def hold(self, invoice: RecordRef) -> None:
        self._call("hold")
        if self.invoices[invoice.id].status is InvoiceStatus.DRAFT:
            self.held.add(invoice.id)

    def let_go(self, invoice: RecordRef) -> None:
        self._call("let_go")
        self.held.discard(invoice.id)

    def contract_ref(self, named: str) -> RecordRef | None:
        kind = "schedule" if named.startswith("sub_sched_") else "subscription"
        return RecordRef("stripe", kind, named) if named.startswith("sub_") else None

    def contract(self, ref: RecordRef) -> RunningContract:
        self._call("contract")
        return self.contracts.of(ref)

    def contracts_of(self, customer: RecordRef) -> list[RunningContract]:
        self._call("contracts_of")
        return self.contracts.running(customer)

    def candidates(self, step: MakeCustomer) -> list[Candidate]:
        self._call("candidates")
        there = [*self.look_alikes, *(self._as_candidate(ident, known) for ident, known in self.customers.items())]
        judged = [replace(each, why=why) for each in there if (why := _evidence(step, each))]
        return sorted(judged, key=lambda each: ("metadata", "email", "domain", "name").index(each.why))

    def account(self, customer: RecordRef) -> BillingAccount:
        self._call("account")
        if customer.id not in self.customers:
            raise NotFound("There is no such customer.", ref=customer)
        mine = tuple(i for i in self.invoices.values() if i.customer == customer)
        return BillingAccount(
            Customer(customer, self.customers[customer.id].name, payment_method=PaymentMethod.NONE),
            tuple(s for s in self.subscriptions.values() if s.customer == customer),
            mine,
            tuple(p for p in self.payments if p.invoice in {i.ref for i in mine}),
        )

    def pays(self, invoice_id: str) -> None:
        """The customer pays an invoice in full."""
        invoice = self.invoices[invoice_id]
        self.invoices[invoice_id] = replace(
            invoice, status=InvoiceStatus.PAID, amount_paid=invoice.total, amount_remaining=0, paid_at=self.clock()
        )
        ref = RecordRef("stripe", "payment", f"pay_{invoice_id}")
        self.payments.append(Payment(ref, invoice.ref, invoice.total, invoice.currency, "paid", self.clock()))

    def customer_of(self, ref: RecordRef) -> RecordRef | None:
        self._call("customer_of")
        if ref.kind == "invoice" and ref.id in self.invoices:
            return self.invoices[ref.id].customer
        raise NotFound("There is no such record.", ref=ref)

    def events_since(self, moment: datetime) -> Iterable[InboxEvent]:
        self._call("events_since")
        return [event for event in self.events if event.occurred_at >= moment]

    def check(self, public_url: str) -> list[Check]:
        return []

    def setup(self, public_url: str) -> list[SetupAction]:
        return []

    def _make(self, step: Step, made: Mapping[StepKey, RecordRef]) -> RecordRef:
        number = next(self._numbers)
        match step:
            case MakeCustomer():
                known = {*self.customers, *(each.customer.id for each in self.look_alikes)}
                if step.adopt and step.adopt not in known:
                    raise Rejected("Billing has no such customer.", ref=step.key.owner)
                self.customers.setdefault(step.adopt or f"cus_{number}", step)
                return RecordRef("stripe", "customer", step.adopt or f"cus_{number}")
            case MakeProduct():
                self.products[f"prod_{number}"] = step
                return RecordRef("stripe", "product", f"prod_{number}")
            case MakeSubscription():
                return self._subscribe(step, made, number)
            case MakeInvoice():
                return self._draft(step, made[step.customer], None, step.total, number)
            case GrantCredits():
                self.grants.append(step)
                return RecordRef("stripe", "credit_grant", f"credgr_{number}")
            case AddToNextInvoice():
                self.waiting += [(step.subscription, line) for line in step.lines]
                return RecordRef("stripe", "invoice_item", f"ii_{number}")
            case CreditInvoice():
                return self._credit(step, number)
            case ChangeSubscription():
                self.contracts.change(step, made, self.clock().date(), f"si_{number}")
                return self._in_step(step.subscription)
            case EndSubscription():
                self.contracts.end(step, self.clock().date())
                return self._in_step(step.subscription)

    def _subscribe(self, step: MakeSubscription, made: Mapping[StepKey, RecordRef], number: int) -> RecordRef:
        customer, today = made[step.customer], self.clock().date()
        later = step.start > today
        ref = RecordRef(
            "stripe", *(("schedule", f"sub_sched_{number}") if later else ("subscription", f"sub_{number}"))
        )
        invoice = None
        if not later:
            total = sum(line.amount for line in (*step.recurring, *step.one_off))
            invoice = self._draft(step, customer, ref, step.first_invoice or total, number)
        self.contracts.start(step, ref, made, today, invoice)
        if not later:
            self.subscriptions[ref.id] = Subscription(
                ref=ref,
                customer=customer,
                status="trialing" if step.phases[0].trial else "active",
                currency=step.currency,
                started_at=self.clock(),
                deal=RecordRef.parse(step.metadata[META_DEAL]),
            )
            self._in_step(ref)
        return ref

    def _in_step(self, ref: RecordRef) -> RecordRef:
        """The subscription shows what its contract says."""
        contract = self.contracts.of(ref)
        known = self.subscriptions.get(contract.subscription.id)
        if known is not None:
            ends = contract.ends
            self.subscriptions[known.ref.id] = replace(
                known,
                status=contract.status,
                cancel_at=datetime(ends.year, ends.month, ends.day, tzinfo=self.clock().tzinfo) if ends else None,
                items=tuple(
                    SubscriptionItem(
                        item.id,
                        item.unit_amount,
                        item.quantity,
                        item.interval,
                        self.clock() + timedelta(days=30),
                        recurring_amount=None if item.unit_amount is None else item.unit_amount * item.quantity,
                    )
                    for item in contract.items
                ),
            )
        return contract.subscription

    def _draft(
        self,
        step: MakeSubscription | MakeInvoice,
        customer: RecordRef,
        subscription: RecordRef | None,
        total: int,
        number: int,
    ) -> RecordRef:
        ref = RecordRef("stripe", "invoice", f"in_{number}")
        goes_out = step.on if isinstance(step, MakeInvoice) and step.on else self.clock().date()
        if goes_out > self.clock().date():
            self.milestones[ref.id] = goes_out
        self.invoices[ref.id] = Invoice(
            ref=ref,
            customer=customer,
            status=InvoiceStatus.DRAFT,
            currency=step.currency,
            total=total,
            amount_due=total,
            amount_paid=0,
            amount_remaining=total,
            created_at=self.clock(),
            due_date=goes_out + timedelta(days=step.terms.net_days or 0),
            subscription=subscription,
        )
        return ref

    def _credit(self, step: CreditInvoice, number: int) -> RecordRef:
        invoice = self.invoices[step.invoice.id]
        if invoice.status is InvoiceStatus.DRAFT:
            total = invoice.total - step.amount
            self.invoices[step.invoice.id] = replace(invoice, total=total, amount_due=total, amount_remaining=total)
            return RecordRef("stripe", "invoice_item", f"ii_{number}")
        left = invoice.total - invoice.credited
        if invoice.status not in (InvoiceStatus.OPEN, InvoiceStatus.PAID) or step.amount > left:
            raise CannotBill(f"Invoice {invoice.ref.id} has {left} left to credit.", ref=step.key.owner)
        lowered = min(step.amount, invoice.amount_remaining)
        who = invoice.customer.id
        self.balances[who] = self.balances.get(who, 0) + step.amount - lowered
        self.invoices[step.invoice.id] = replace(
            invoice, amount_remaining=invoice.amount_remaining - lowered, credited=invoice.credited + step.amount
        )
        return RecordRef("stripe", "credit_note", f"cn_{number}")

    def _customer_of(self, ref: RecordRef) -> RecordRef | None:
        if ref.kind == "invoice":
            return self.invoices[ref.id].customer
        return self.contracts.of(ref).customer if ref.kind in ("subscription", "schedule") else None

    def _is_live(self, ref: RecordRef) -> bool:
        if ref.kind == "invoice":
            return self.invoices[ref.id].status is not InvoiceStatus.VOID
        known = self.subscriptions.get(ref.id)
        return (known.status if known is not None else self.contracts.of(ref).status) != "canceled"

    def _as_candidate(self, ident: str, known: MakeCustomer) -> Candidate:
        named = known.metadata.get(META_ACCOUNT)
        account = RecordRef.parse(named) if named else None
        return Candidate(RecordRef("stripe", "customer", ident), "", known.name, known.email, account)

    def _call(self, operation: str) -> None:
        self.calls.append(operation)
        self.trouble(operation)


def _evidence(step: MakeCustomer, known: Candidate) -> str:
    """The strongest sign that a customer is the step's account; what a test said outright is taken as said."""
    if known.crm_account == step.key.owner:
        return "metadata"
    email = known.email.casefold()
    if email and email == step.email.casefold():
        return "email"
    if step.domain and email.endswith(f"@{step.domain.casefold()}"):
        return "domain"
    return "name" if known.name.casefold() == step.name.casefold() else known.why
