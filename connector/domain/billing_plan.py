"""What must happen in billing, as data, before anything happens: the types of a BillingPlan.

``plan_billing`` itself is in ``connector.domain.planning``. A plan's steps run in order; a step names the results of
earlier ones by their key (owner and role).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from connector.domain.billing import Price
from connector.domain.deal import Address, CollectionMethod, Interval
from connector.domain.refs import RecordRef

META_DEAL = "crm_deal"
META_ACCOUNT = "crm_account"
META_CONTRACT_END = "contract_end"
"""Metadata that names the CRM record (as ``str(RecordRef)``) and the contract's last day on what billing holds."""


@dataclass(frozen=True, order=True, slots=True)
class StepKey:
    """Whose step, and which: the account's customer, the deal's subscription. Unique for ever; a Link remembers it."""

    owner: RecordRef
    role: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.role}"


@dataclass(frozen=True, slots=True)
class ExistingPrice:
    """A catalogue price taken as it is: its amount is the deal's."""

    price_id: str


@dataclass(frozen=True, slots=True)
class InlinePrice:
    """The deal's own price on a product: either a product that billing has, or one that an earlier step makes.

    ``unit_amount`` is in minor units of the plan's currency and may have decimals, at most 12.
    """

    product: str | StepKey
    unit_amount: Decimal
    interval: Interval | None


PriceChoice: TypeAlias = ExistingPrice | InlinePrice


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """One line as billing will have it. ``amount`` is its total per period in minor units, as billing rounds it."""

    line: RecordRef
    description: str
    price: PriceChoice
    quantity: int
    amount: int


@dataclass(frozen=True, slots=True)
class MakeCustomer:
    """A customer for the CRM account. ``adopt`` names one that the CRM record carries already."""

    key: StepKey
    name: str
    email: str = ""
    phone: str = ""
    address: Address = field(default_factory=Address)
    metadata: Mapping[str, str] = field(default_factory=dict)
    adopt: str = ""


@dataclass(frozen=True, slots=True)
class MakeProduct:
    """A product made once from the CRM's product."""

    key: StepKey
    name: str
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InvoiceTerms:
    """How invoices of this deal are collected and what stands on them."""

    collection: CollectionMethod
    net_days: int | None  #: None exactly when collection is automatic
    custom_fields: tuple[tuple[str, str], ...] = ()  #: (name, value): PO Number and the like


@dataclass(frozen=True, slots=True)
class MakeSubscription:
    """One subscription with the recurring lines; one-off lines go on its first invoice.

    ``start`` is None for "now"; a past day is billed from that day, one whole period; a future day starts by schedule.
    ``anchor`` is the day the next full period after a past start begins. ``first_invoice`` is what the first invoice
    must come to, in minor units before tax; None when a schedule will make it later.
    """

    key: StepKey
    customer: StepKey
    currency: str
    recurring: tuple[PlannedLine, ...]
    one_off: tuple[PlannedLine, ...]
    terms: InvoiceTerms
    description: str
    metadata: Mapping[str, str]
    start: date | None = None
    anchor: date | None = None
    scheduled: bool = False
    first_invoice: int | None = None


@dataclass(frozen=True, slots=True)
class MakeInvoice:
    """A plain invoice, for a deal in which nothing recurs."""

    key: StepKey
    customer: StepKey
    currency: str
    lines: tuple[PlannedLine, ...]
    terms: InvoiceTerms
    description: str
    metadata: Mapping[str, str]
    total: int


Step: TypeAlias = MakeCustomer | MakeProduct | MakeSubscription | MakeInvoice


@dataclass(frozen=True, slots=True)
class BillingPlan:
    """Everything one deal needs in billing, in order."""

    deal: RecordRef
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()  #: sentences for the record: a PO number that was cut, a line billed as its total

    def expected_first_invoice(self) -> int | None:
        """What the first invoice must come to, in minor units before tax; None when it is made later."""
        match self.steps[-1]:
            case MakeSubscription(first_invoice=expected) | MakeInvoice(total=expected):
                return expected
            case MakeCustomer() | MakeProduct():
                return None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The prices billing has for the ids and lookup keys that a deal's products name."""

    by_id: Mapping[str, Price] = field(default_factory=dict)
    by_lookup_key: Mapping[str, Price] = field(default_factory=dict)
