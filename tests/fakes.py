"""A CRM and a billing system in memory. They keep the promises of tests/contracts, as the real ones do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from connector.domain.billing import (
    BillingAccount,
    Customer,
    Invoice,
    InvoiceStatus,
    Payment,
    Price,
    Subscription,
    SubscriptionItem,
)
from connector.domain.billing_plan import (
    META_DEAL,
    Catalogue,
    InlinePrice,
    MakeCustomer,
    MakeInvoice,
    MakeProduct,
    MakeSubscription,
    Step,
    StepKey,
)
from connector.domain.customer_match import Candidate
from connector.domain.inbox import InboxEvent
from connector.domain.refs import RecordRef
from connector.domain.write_back import Value
from connector.errors import Gone, KeyUsed, NeedsHuman, NotFound, Rejected, RetryLater
from connector.ports import (
    Check,
    CrmWrite,
    DealRecords,
    FieldCatalog,
    FieldInfo,
    LineRecords,
    RowResult,
    SetupAction,
)
from mappings.model import FieldMapping, FieldRule

Trouble = Callable[[str], None]
"""Called with the operation's name before it runs; raises to make it fail."""


def no_trouble(_operation: str) -> None:
    """Nothing goes wrong."""


MAPPING = FieldMapping(
    crm="fake",
    version=1,
    objects={"deal": "Deal", "account": "Company", "line_item": "Line"},
    deal=(
        FieldRule("deal.name", "Deal.name"),
        FieldRule("deal.currency", "Deal.currency", "currency"),
        FieldRule("terms.start", "Deal.start", "date"),
        FieldRule("terms.net_days", "Deal.net_days", "net_days"),
        FieldRule("terms.po_number", "Deal.po_number"),
        FieldRule("account.name", "Company.name", required=True),
        FieldRule("account.customer_id", "Company.customer_id"),
        FieldRule("contact.email", "Contact.email", "email"),
    ),
    line_item=(
        FieldRule("line.quantity", "Line.quantity", "decimal"),
        FieldRule("line.unit_price", "Line.price", "decimal"),
        FieldRule("line.interval", "Line.interval", "interval"),
        FieldRule("product.name", "Line.name"),
        FieldRule("product.code", "Line.code"),
    ),
    write_back={
        kind: {name: f"billing_{name}" for name in names}
        for kind, names in {
            "account": ("customer_id", "open_balance", "overdue_balance", "health", "late_payer", "synced_at"),
            "deal": ("customer_id", "subscription_id", "open_balance", "sync_status", "sync_message", "synced_at"),
        }.items()
    },
)


OPEN_STAGES = ("talking", "offered", "promised")
"""Of the fake CRM's one pipeline, in order."""


@dataclass
class FakeCrm:
    """A CRM that holds deals as plain records and remembers what was written to them."""

    name: str = "fake"
    deals: dict[RecordRef, DealRecords] = field(default_factory=dict)
    changed_at: dict[RecordRef, datetime] = field(default_factory=dict)
    shown: dict[RecordRef, dict[str, Value]] = field(default_factory=dict)
    refusals: dict[RecordRef, RetryLater | NeedsHuman] = field(default_factory=dict)
    hidden: set[RecordRef] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    trouble: Trouble = no_trouble

    def has(self, deal: DealRecords, at: datetime | None = None) -> RecordRef:
        """Put a deal there, as a person in the CRM would."""
        self.deals[deal.ref] = deal
        for ref in (deal.ref, deal.account):
            if ref is not None:
                self.shown.setdefault(ref, {})
        if at is not None:
            self.changed_at[deal.ref] = at
        return deal.ref

    def fetch_deal(self, ref: RecordRef, mapping: FieldMapping) -> DealRecords:
        self._call("fetch_deal")
        if ref in self.hidden:
            raise NotFound("There is no such deal, or we cannot see it.", ref=ref)
        if ref not in self.deals:
            raise Gone("The deal is gone.", ref=ref)
        return self.deals[ref]

    def won_since(self, moment: datetime) -> Iterable[RecordRef]:
        self._call("won_since")
        return sorted(
            (ref for ref, at in self.changed_at.items() if at >= moment and self.deals[ref].won),
            key=lambda ref: self.changed_at[ref],
        )

    def stages_from(self, stages: Sequence[str]) -> tuple[str, ...]:
        first = min((OPEN_STAGES.index(stage) for stage in stages if stage in OPEN_STAGES), default=len(OPEN_STAGES))
        return OPEN_STAGES[first:]

    def open_since(self, moment: datetime, stages: Sequence[str]) -> Iterable[RecordRef]:
        self._call("open_since")
        wanted = self.stages_from(stages)
        changed = [
            ref
            for ref, at in self.changed_at.items()
            if at >= moment and not self.deals[ref].closed and self.deals[ref].stage in wanted
        ]
        return sorted(changed, key=lambda ref: self.changed_at[ref])

    def write(self, writes: Sequence[CrmWrite]) -> list[RowResult]:
        if not writes:
            return []
        self._call("write")
        results = []
        for write in writes:
            refused: Exception | None = self.refusals.get(write.ref)
            if refused is None and write.ref not in self.shown:
                refused = NotFound("The record is gone.", ref=write.ref)
            if refused is None:
                self.shown[write.ref].update(write.fields)
            results.append(RowResult(write.ref, refused))
        return results

    def describe(self, kind: str) -> FieldCatalog:
        names = MAPPING.write_back.get(kind, {}).values()
        return FieldCatalog(kind, {name: FieldInfo(name, name, "text") for name in names})

    def check(self, mapping: FieldMapping) -> list[Check]:
        return []

    def setup(self, mapping: FieldMapping) -> list[SetupAction]:
        return []

    def _call(self, operation: str) -> None:
        self.calls.append(operation)
        self.trouble(operation)


def a_fake_deal(
    number: str = "1",
    *,
    account: str = "1",
    won: bool = True,
    lines: Sequence[Mapping[str, Any]] = ({"name": "Seats", "quantity": 5, "price": "20.00", "interval": "monthly"},),
    email: str = "ap@acme.example",
    **deal: Any,
) -> DealRecords:
    """A deal as the fake CRM holds it."""
    return DealRecords(
        ref=RecordRef("fake", "deal", number),
        won=won,
        closed=won,
        account=RecordRef("fake", "account", account),
        contact=RecordRef("fake", "contact", account),
        owner=None,
        records={
            "Deal": {"name": f"Deal {number}", "currency": "EUR", **deal},
            "Company": {"name": f"Company {account}"},
            "Contact": {"email": email},
        },
        lines=tuple(
            LineRecords(
                RecordRef("fake", "line_item", f"{number}-{n}"), RecordRef("fake", "product", str(n)), {"Line": line}
            )
            for n, line in enumerate(lines)
        ),
    )


@dataclass
class FakeBilling:
    """Billing in memory: idempotency keys replay and clash, lists are consistent, drafts wait to be released."""

    clock: Callable[[], datetime]
    name: str = "stripe"
    catalogue: Catalogue = field(default_factory=Catalogue)
    customers: dict[str, MakeCustomer] = field(default_factory=dict)
    products: dict[str, MakeProduct] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    invoices: dict[str, Invoice] = field(default_factory=dict)
    payments: list[Payment] = field(default_factory=list)
    events: list[InboxEvent] = field(default_factory=list)
    keys: dict[str, tuple[Step, RecordRef]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    look_alikes: list[Candidate] = field(default_factory=list)
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
        mine = [ref for known, ref in self.keys.values() if known.key.owner == deal]
        return [ref for ref in mine if self._customer_of(ref) == customer and self._is_live(ref)]

    def _customer_of(self, ref: RecordRef) -> RecordRef | None:
        made = self.subscriptions.get(ref.id) or self.invoices.get(ref.id)
        return made.customer if made is not None else None

    def _is_live(self, ref: RecordRef) -> bool:
        if ref.id in self.subscriptions:
            return self.subscriptions[ref.id].status != "canceled"
        return self.invoices[ref.id].status is not InvoiceStatus.VOID

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
                self.invoices[ref] = replace(
                    invoice, status=InvoiceStatus.OPEN, number=f"A-{ref}", finalized_at=self.clock()
                )

    def account(self, customer: RecordRef) -> BillingAccount:
        self._call("account")
        if customer.id not in self.customers:
            raise NotFound("There is no such customer.", ref=customer)
        mine = tuple(i for i in self.invoices.values() if i.customer == customer)
        return BillingAccount(
            Customer(customer, self.customers[customer.id].name),
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
        self.payments.append(
            Payment(
                RecordRef("stripe", "payment", f"pay_{invoice_id}"),
                invoice.ref,
                invoice.total,
                invoice.currency,
                "paid",
                self.clock(),
            )
        )

    def customer_of(self, ref: RecordRef) -> RecordRef | None:
        self._call("customer_of")
        if ref.kind == "invoice" and ref.id in self.invoices:
            return self.invoices[ref.id].customer
        raise NotFound("There is no such record.", ref=ref)

    def events_since(self, moment: datetime) -> Iterable[InboxEvent]:
        self._call("events_since")
        return [event for event in self.events if event.occurred_at >= moment]

    def candidates(self, step: MakeCustomer) -> list[Candidate]:
        self._call("candidates")
        return list(self.look_alikes)

    def check(self, public_url: str) -> list[Check]:
        return []

    def setup(self, public_url: str) -> list[SetupAction]:
        return []

    def _make(self, step: Step, made: Mapping[StepKey, RecordRef]) -> RecordRef:
        number = next(self._numbers)
        match step:
            case MakeCustomer():
                if step.adopt and step.adopt not in self.customers:
                    raise Rejected("Billing has no such customer.", ref=step.key.owner)
                self.customers.setdefault(step.adopt or f"cus_{number}", step)
                return RecordRef("stripe", "customer", step.adopt or f"cus_{number}")
            case MakeProduct():
                self.products[f"prod_{number}"] = step
                return RecordRef("stripe", "product", f"prod_{number}")
            case MakeSubscription():
                return self._subscribe(step, made[step.customer], number)
            case MakeInvoice():
                return self._draft(step, made[step.customer], None, step.total, number)
            case _:
                raise NotImplementedError(step.key.role)

    def _subscribe(self, step: MakeSubscription, customer: RecordRef, number: int) -> RecordRef:
        ref = RecordRef("stripe", "subscription", f"sub_{number}")
        if not step.scheduled:
            self._draft(step, customer, ref, step.first_invoice or 0, number)
        self.subscriptions[ref.id] = Subscription(
            ref=ref,
            customer=customer,
            status="active",
            currency=step.currency,
            items=tuple(
                SubscriptionItem(
                    f"si_{number}_{n}",
                    line.price.unit_amount if isinstance(line.price, InlinePrice) else Decimal(0),
                    line.quantity,
                    line.price.interval if isinstance(line.price, InlinePrice) else None,
                    self.clock() + timedelta(days=30),
                )
                for n, line in enumerate(step.recurring)
            ),
            started_at=self.clock(),
            deal=RecordRef.parse(step.metadata[META_DEAL]),
        )
        return ref

    def _draft(
        self,
        step: MakeSubscription | MakeInvoice,
        customer: RecordRef,
        subscription: RecordRef | None,
        total: int,
        number: int,
    ) -> RecordRef:
        ref = RecordRef("stripe", "invoice", f"in_{number}")
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
            due_date=(self.clock() + timedelta(days=step.terms.net_days or 0)).date(),
            subscription=subscription,
        )
        return ref

    def _call(self, operation: str) -> None:
        self.calls.append(operation)
        self.trouble(operation)
