"""What was sold, to whom, on which terms: a deal in our words, whichever CRM it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from connector.domain.refs import RecordRef


class CollectionMethod(StrEnum):
    """How an invoice is paid: the customer is sent it, or a stored payment method is charged."""

    SEND_INVOICE = "send_invoice"
    CHARGE_AUTOMATICALLY = "charge_automatically"


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


@dataclass(frozen=True, slots=True)
class Product:
    """What the CRM's catalogue says about a line's product."""

    ref: RecordRef | None
    name: str
    description: str = ""
    code: str = ""  #: ProductCode / SKU: looked up as a price's lookup_key
    price_id: str = ""  #: a billing price named outright on the CRM product


@dataclass(frozen=True, slots=True)
class LineItem:
    """One sold line. ``one_off`` is True for a line that does not recur; ``interval`` is None where nothing says.

    ``unit_price`` is the sales price per unit and billing period before ``discount_percent``; ``total`` is what the
    CRM computed for the line (quantity x price - discount), the figure the customer agreed to.
    """

    ref: RecordRef
    product: Product
    quantity: Decimal
    unit_price: Decimal
    total: Decimal | None = None
    discount_percent: Decimal = Decimal(0)
    discount_per_unit: Decimal = Decimal(0)
    one_off: bool = False
    interval: Interval | None = None
    term_months: int | None = None
    start: date | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class BillingTerms:
    """Start, term length, net days, collection method and the buyer's own order number."""

    start: date | None = None
    term_months: int | None = None
    net_days: int | None = None
    collection: CollectionMethod = CollectionMethod.SEND_INVOICE
    po_number: str = ""


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
    billing_contact: Contact | None = None
    owner: RecordRef | None = None
    terms: BillingTerms = field(default_factory=BillingTerms)
    line_items: tuple[LineItem, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)  #: free fields a mapping sends along by name
