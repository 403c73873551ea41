"""What was sold, to whom, on which terms: a deal in our words, whichever CRM it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from connector.domain.account_profile import AccountProfile
from connector.domain.refs import RecordRef


class CollectionMethod(StrEnum):
    """How an invoice is paid: the customer is sent it, or a stored payment method is charged."""

    SEND_INVOICE = "send_invoice"
    CHARGE_AUTOMATICALLY = "charge_automatically"


class DealKind(StrEnum):
    """What a deal does to what is billed already."""

    NEW = "new"
    AMENDMENT = "amendment"  #: adds to, or takes from, a running contract in mid-term
    RENEWAL = "renewal"  #: follows its predecessor on the day after that one's contract ends
    CANCELLATION = "cancellation"  #: ends a running contract


class TaxStatus(StrEnum):
    """How a customer stands towards tax. Source: Stripe, customer ``tax_exempt``."""

    TAXABLE = "none"
    EXEMPT = "exempt"
    REVERSE_CHARGE = "reverse"


@dataclass(frozen=True, slots=True)
class Interval:
    """How often a line recurs: every ``count`` ``unit``s. A quarter is Interval("month", 3)."""

    unit: str  #: day, week, month or year
    count: int = 1

    def __str__(self) -> str:
        return f"every {self.count} {self.unit}s" if self.count != 1 else f"every {self.unit}"


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; ``country`` is an ISO 3166 code where the CRM has one, else its own text."""

    line1: str = ""
    line2: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """The person who gets the invoice."""

    ref: RecordRef
    name: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """The company that buys."""

    ref: RecordRef
    name: str
    phone: str = ""
    domain: str = ""
    address: Address = field(default_factory=Address)
    billing_email: str = ""
    customer_id: str = ""  #: the billing customer's id, if the CRM record already carries one
    parent: RecordRef | None = None
    tax_id: str = ""  #: as written on the record: "DE123456789"
    tax_status: TaxStatus = TaxStatus.TAXABLE
    formerly: tuple[RecordRef, ...] = ()  #: accounts that were merged into this one
    profile: AccountProfile | None = field(default=None, repr=False)
    """What else it is, as far as policies ask. Not part of its text, by which a change of the deal is known."""


@dataclass(frozen=True, slots=True)
class Product:
    """What the CRM's catalogue says about a line's product."""

    ref: RecordRef | None
    name: str
    description: str = ""
    code: str = ""  #: ProductCode / SKU: looked up as a price's lookup_key
    price_id: str = ""  #: a billing price named outright on the CRM product
    tax_code: str = ""  #: what kind of thing it is to the tax office: "txcd_10103001"


@dataclass(frozen=True, slots=True)
class LineItem:
    """One sold line. ``one_off`` is True for a line that does not recur; ``interval`` is None where nothing says.

    ``unit_price`` is the sales price per unit and pricing period before discounts; ``total`` is what the CRM computed
    for the line (quantity x price - discount), the figure the customer agreed to. The pricing period is
    ``price_interval`` where it differs from how often the line is billed: 100.00 a month, billed yearly.

    The line is served from ``start`` up to and including ``end``; where it says neither, for the deal's whole term.
    Lines of one product with different spans are a ramp. A negative ``quantity`` takes away from a running contract,
    which only an amendment may do.
    """

    ref: RecordRef
    product: Product
    quantity: Decimal
    unit_price: Decimal
    total: Decimal | None = None
    discount_percent: Decimal = Decimal(0)
    discount_per_unit: Decimal = Decimal(0)
    discount_months: int | None = None  #: the discounts hold for the first months only; None for the whole span
    one_off: bool = False
    interval: Interval | None = None
    price_interval: Interval | None = None
    term_months: int | None = None
    start: date | None = None
    end: date | None = None  #: the last day that is served
    free_months: int = 0  #: the first months that cost nothing
    bill_on: date | None = None  #: a milestone: the day this one-off line is invoiced
    credit_amount: Decimal | None = None  #: prepaid credits that the line buys, in major units of the deal's currency
    credit_months: int | None = None  #: how long they last; None for ever
    description: str = ""


@dataclass(frozen=True, slots=True)
class BillingTerms:
    """Start, term length, net days, collection method, the buyer's own order number, and what the deal changes."""

    start: date | None = None
    end: date | None = None  #: the contract's last day, where the deal says it outright
    term_months: int | None = None
    auto_renew: bool | None = None  #: None: the operator's policy decides
    net_days: int | None = None
    collection: CollectionMethod = CollectionMethod.SEND_INVOICE
    po_number: str = ""
    contract_number: str = ""
    discount_percent: Decimal = Decimal(0)  #: on the whole deal, after the lines' own discounts
    discount_amount: Decimal = Decimal(0)  #: in major units, once, off the first invoice
    discount_months: int | None = None  #: the deal's percentage holds for the first months only
    free_months: int = 0  #: the first months in which nothing recurring is billed
    kind: DealKind = DealKind.NEW
    amends: str = ""  #: the deal (CRM id) or subscription ("sub_…") that is amended, renewed or cancelled
    ends_on: date | None = None  #: a cancellation's last day; None: the end of the contract
    with_credit: bool | None = None  #: whether what is paid and not served is credited; None: the policy decides
    renewal_date: date | None = field(default=None, repr=False)  #: as people keep it in the CRM; it bills nothing


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal as it stands in the CRM now."""

    ref: RecordRef
    name: str
    won: bool
    closed: bool
    account: Account | None
    currency: str = ""  #: lower case; empty when the CRM names none
    amount: Decimal | None = None
    close_date: date | None = None
    payer: Account | None = None  #: who pays, where it is not the account itself: the parent for its child
    billing_contact: Contact | None = None
    recipients: tuple[str, ...] = ()  #: further addresses that each invoice should reach
    owner: RecordRef | None = None
    terms: BillingTerms = field(default_factory=BillingTerms)
    line_items: tuple[LineItem, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)  #: free fields a mapping sends along by name
