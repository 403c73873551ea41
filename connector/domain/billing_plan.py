"""What must happen in billing, as data, before anything happens: the types of a BillingPlan.

``plan_billing`` itself is in ``connector.domain.planning``; ``plan_amendment`` and its kin in
``connector.domain.amending``. A plan's steps run in order; a step names the results of earlier ones by their key
(owner and role).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from connector.domain.billing import Price
from connector.domain.deal import Address, CollectionMethod, Interval, TaxStatus
from connector.domain.refs import RecordRef

META_DEAL = "crm_deal"
META_ACCOUNT = "crm_account"
META_CONTRACT_END = "contract_end"
"""Metadata that names the CRM record (as ``str(RecordRef)``) and the contract's last day on what billing holds."""

META_PAYER = "crm_payer"
"""Metadata that names the CRM record that pays, where it is not the account that bought."""

META_LINE = "crm_line"
"""Metadata that names the CRM line on each billing line that came from it."""

META_PRODUCT = "crm_product"
"""Metadata that names the CRM product, or the CRM line without one, that a product was made from."""

META_CHANGED_BY = "changed_by"
META_AMENDED_BY = "amended_by"
"""Metadata on a running contract: the key of the step that changed it last, and every deal that amended it."""


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
class Period:
    """Days that are served, from the first up to but without ``end``."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """One line as billing will have it. ``amount`` is its total per period in minor units, as billing rounds it.

    ``interval`` is None for a one-off line. A ``metered`` line has no quantity and amount of its own: usage decides,
    and both are 0 here. ``period`` is what a one-off line stands for, where it stands for days served: the rest of a
    period, a month that lies back. Only a one-off line may be negative: it credits.
    """

    line: RecordRef
    description: str
    price: PriceChoice
    quantity: int
    amount: int
    interval: Interval | None = None
    metered: bool = False
    period: Period | None = None


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
    tax_id: str = ""
    tax_status: TaxStatus = TaxStatus.TAXABLE
    domain: str = ""  #: evidence by which an existing customer may be recognised; never sent


@dataclass(frozen=True, slots=True)
class MakeProduct:
    """A product made once from the CRM's product."""

    key: StepKey
    name: str
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    tax_code: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceTerms:
    """How invoices of this deal are collected and what stands on them."""

    collection: CollectionMethod
    net_days: int | None  #: None exactly when collection is automatic
    custom_fields: tuple[tuple[str, str], ...] = ()  #: (name, value): PO Number and the like
    automatic_tax: bool = False  #: billing works out the tax; amounts in a plan are always before tax


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a subscription in which nothing changes, up to but without ``end``; None runs on.

    ``one_off`` lines are billed once, with the phase's first invoice. In a ``trial`` nothing recurring is billed, and
    full periods count from its end.
    """

    start: date
    end: date | None
    recurring: tuple[PlannedLine, ...]
    one_off: tuple[PlannedLine, ...] = ()
    trial: bool = False


@dataclass(frozen=True, slots=True)
class MakeSubscription:
    """One subscription: its ``phases`` follow each other without a gap, and each differs from the one before.

    ``scheduled`` says that it cannot be made at once as it is: it starts on a later day, or changes by phase. Else it
    starts today, or was served since an earlier day: then ``anchor`` is the day its next full period begins.
    ``ends`` stops it by itself after its last phase, whose end is then set; else it runs on at the last phase's prices.
    ``first_invoice`` is what its first invoice must come to if it is made at once, in minor units before tax.
    """

    key: StepKey
    customer: StepKey
    currency: str
    phases: tuple[Phase, ...]
    terms: InvoiceTerms
    description: str
    metadata: Mapping[str, str]
    scheduled: bool = False
    anchor: date | None = None
    ends: bool = False
    first_invoice: int | None = None

    @property
    def start(self) -> date:
        """The first day."""
        return self.phases[0].start

    @property
    def recurring(self) -> tuple[PlannedLine, ...]:
        """What recurs in the first phase."""
        return self.phases[0].recurring

    @property
    def one_off(self) -> tuple[PlannedLine, ...]:
        """What the first invoice bills beside that."""
        return self.phases[0].one_off


@dataclass(frozen=True, slots=True)
class MakeInvoice:
    """A plain invoice. ``on`` is the day billing sends it by itself (a milestone); None: now, by us."""

    key: StepKey
    customer: StepKey
    currency: str
    lines: tuple[PlannedLine, ...]
    terms: InvoiceTerms
    description: str
    metadata: Mapping[str, str]
    total: int
    on: date | None = None


@dataclass(frozen=True, slots=True)
class GrantCredits:
    """Prepaid credits that later usage draws on. ``amount`` in minor units."""

    key: StepKey
    customer: StepKey
    currency: str
    name: str
    amount: int
    metadata: Mapping[str, str]
    expires: date | None = None  #: the first day they no longer hold


@dataclass(frozen=True, slots=True)
class ItemChange:
    """One item of a running subscription: ``item_id`` is empty for a new one, ``line`` None for one that goes.

    An item whose line keeps the very price it has changes in its quantity only.
    """

    item_id: str
    line: PlannedLine | None


@dataclass(frozen=True, slots=True)
class PhaseChange:
    """What changes in a later phase of a scheduled contract: the one that begins on ``start``."""

    start: date
    changes: tuple[ItemChange, ...]


@dataclass(frozen=True, slots=True)
class ChangeSubscription:
    """A running contract changes for the invoices to come; what lies between is a line of its own, never prorated by
    the billing system, so that the contract's own rule (by day, by month) holds to the cent."""

    key: StepKey
    subscription: RecordRef
    currency: str
    changes: tuple[ItemChange, ...]
    metadata: Mapping[str, str]
    on: date | None = None  #: None: from now on; else from that day, which begins a period
    ends_on: date | None = None  #: the first day it no longer runs, where that changes
    later: tuple[PhaseChange, ...] = ()  #: the same change for phases that have not begun


@dataclass(frozen=True, slots=True)
class AddToNextInvoice:
    """Lines, of either sign, that wait for the subscription's next invoice: what a change in mid-period comes to."""

    key: StepKey
    customer: StepKey
    subscription: RecordRef
    currency: str
    lines: tuple[PlannedLine, ...]
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EndSubscription:
    """A running contract ends: at once (``on`` is None), or on the first day it no longer runs."""

    key: StepKey
    subscription: RecordRef
    metadata: Mapping[str, str]
    on: date | None = None


@dataclass(frozen=True, slots=True)
class CreditInvoice:
    """A credit note: lowers what is open of the invoice, and what was paid already becomes the customer's credit."""

    key: StepKey
    invoice: RecordRef
    currency: str
    amount: int
    reason: str  #: a sentence that stands on the credit note
    metadata: Mapping[str, str]


Step: TypeAlias = (
    MakeCustomer
    | MakeProduct
    | MakeSubscription
    | MakeInvoice
    | GrantCredits
    | ChangeSubscription
    | AddToNextInvoice
    | EndSubscription
    | CreditInvoice
)


@dataclass(frozen=True, slots=True)
class BillingPlan:
    """Everything one deal needs in billing, in order: its customer first, then products, then what bills."""

    deal: RecordRef
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()  #: sentences for the record: a PO number that was cut, a line billed as its total

    def billing_steps(self) -> tuple[Step, ...]:
        """What bills, without the customer and the products it needs."""
        return tuple(step for step in self.steps if not isinstance(step, MakeCustomer | MakeProduct))

    def expected_first_invoice(self) -> int | None:
        """What the first invoice of the first billing step must come to, in minor units before tax.

        None when it is made later.
        """
        match self.billing_steps()[:1]:
            case (MakeSubscription(first_invoice=expected),):
                return expected
            case (MakeInvoice(total=total, on=None),):
                return total
            case _:
                return None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The prices billing has for the ids and lookup keys that a deal's products name."""

    by_id: Mapping[str, Price] = field(default_factory=dict)
    by_lookup_key: Mapping[str, Price] = field(default_factory=dict)
