"""The billing side in our words, with the meaning Stripe's documentation gives them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from connector.domain.deal import Interval
from connector.domain.refs import RecordRef


class InvoiceStatus(StrEnum):
    """Stripe's five, and ``other`` for one that it may add."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"
    OTHER = "other"


class PaymentMethod(StrEnum):
    """What a customer's automatic charges would be paid with."""

    UNKNOWN = ""  #: billing was not asked
    NONE = "none"
    CARD = "card"
    BANK_DEBIT = "bank_debit"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Customer:
    """Who is billed."""

    ref: RecordRef
    name: str = ""
    email: str = ""
    currency: str = ""
    deleted: bool = False
    crm_account: RecordRef | None = None  #: the CRM record its metadata names
    payment_method: PaymentMethod = PaymentMethod.UNKNOWN
    card_expires: date | None = None  #: the last day on which its default card works
    credit_balance: int = 0  #: what it may still use up, in minor units of ``currency``; positive is in its favour


class TiersMode(StrEnum):
    """How tiers are counted. Source: Stripe, price ``tiers_mode``."""

    GRADUATED = "graduated"  #: each unit at the price of the tier it falls into
    VOLUME = "volume"  #: all units at the price of the tier that the whole quantity falls into


@dataclass(frozen=True, slots=True)
class PriceTier:
    """One tier, up to and including ``up_to`` units (None: without end), in minor units that may have decimals.

    ``flat_amount`` is charged once when the tier is reached, beside what each unit costs.
    """

    up_to: int | None
    unit_amount: Decimal = Decimal(0)
    flat_amount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Price:
    """A catalogue price. ``unit_amount`` is in minor units and may have decimals; None for tiered prices.

    A price with neither a unit amount nor tiers is sold in packages, or for what the payer chooses.
    """

    ref: RecordRef
    product_id: str
    currency: str
    unit_amount: Decimal | None
    interval: Interval | None
    lookup_key: str = ""
    metered: bool = False
    active: bool = True
    tiers: tuple[PriceTier, ...] = ()  #: in rising order, the last one without end
    tiers_mode: TiersMode = TiersMode.GRADUATED

    def amount_for(self, quantity: int) -> Decimal | None:
        """What so many units come to per period, in minor units, unrounded; None where the price alone cannot say.

        Source: Stripe, "Tiered pricing", with flat amounts.
        """
        if self.unit_amount is not None:
            return self.unit_amount * quantity
        if not self.tiers:
            return None
        return self._volume(quantity) if self.tiers_mode is TiersMode.VOLUME else self._graduated(quantity)

    def _volume(self, quantity: int) -> Decimal | None:
        for tier in self.tiers:
            if tier.up_to is None or quantity <= tier.up_to:
                return tier.unit_amount * quantity + tier.flat_amount
        return None

    def _graduated(self, quantity: int) -> Decimal | None:
        amount, below = Decimal(0), 0
        for tier in self.tiers:
            upper = quantity if tier.up_to is None else min(quantity, tier.up_to)
            amount += tier.unit_amount * (upper - below) + tier.flat_amount
            below = upper
            if upper == quantity:
                return amount
        return None


@dataclass(frozen=True, slots=True)
class SubscriptionItem:
    """One recurring line as it is billed now. Amounts in minor units per period."""

    id: str
    unit_amount: Decimal | None
    quantity: int
    interval: Interval | None
    current_period_end: datetime | None
    metered: bool = False
    recurring_amount: Decimal | None = None  #: for the whole quantity, after running discounts; None when unknown


@dataclass(frozen=True, slots=True)
class Subscription:
    """A running (or ended) subscription."""

    ref: RecordRef
    customer: RecordRef
    status: str
    currency: str
    items: tuple[SubscriptionItem, ...] = ()
    started_at: datetime | None = None
    cancel_at: datetime | None = None
    ended_at: datetime | None = None
    deal: RecordRef | None = None
    latest_invoice: RecordRef | None = None
    contract_end: date | None = None  #: the last day of the contract, where the deal named a term


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line of an invoice, in minor units."""

    id: str
    description: str
    amount: int
    quantity: Decimal | None = None
    price_id: str = ""
    product_id: str = ""
    period_start: datetime | None = None
    period_end: datetime | None = None
    proration: bool = False


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice as billing says it is now; amounts in minor units of ``currency``."""

    ref: RecordRef
    customer: RecordRef
    status: InvoiceStatus
    currency: str
    total: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    created_at: datetime
    number: str = ""
    subscription: RecordRef | None = None
    deal: RecordRef | None = None
    due_date: date | None = None  #: for automatic charges the day it was finalised
    finalized_at: datetime | None = None
    paid_at: datetime | None = None
    voided_at: datetime | None = None
    hosted_url: str = ""
    pdf_url: str = ""
    collection_method: str = ""
    attempt_count: int = 0
    next_payment_attempt: datetime | None = None
    replaced_by: RecordRef | None = None  #: a later revision stands in its place; do not count it twice
    uncollectible_reason: str = ""
    credited: int = 0  #: credit notes before and after payment
    disputed: bool = False
    processing: bool = False  #: a bank debit is on its way: not late
    uncollectible_at: datetime | None = None  #: when it was written off
    lines: tuple[InvoiceLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that reached an invoice."""

    ref: RecordRef
    invoice: RecordRef
    amount: int
    currency: str
    status: str
    paid_at: datetime | None = None
    payment_intent: str = ""
    charge: str = ""


@dataclass(frozen=True, slots=True)
class CreditNote:
    """What was taken off an invoice, before or after it was paid."""

    ref: RecordRef
    invoice: RecordRef
    amount: int
    currency: str
    status: str
    created_at: datetime
    reason: str = ""
    before_payment: int = 0  #: how much of it lowered what was still open; the rest went back to the customer


@dataclass(frozen=True, slots=True)
class Dispute:
    """A payment that the customer's bank took back, or may."""

    ref: RecordRef
    charge: str
    amount: int
    currency: str
    status: str
    created_at: datetime
    reason: str = ""
    payment_intent: str = ""
    invoice: RecordRef | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that went back to the customer. Its invoice stays paid: billing never reopens it."""

    ref: RecordRef
    charge: str
    amount: int
    currency: str
    status: str
    created_at: datetime
    reason: str = ""
    invoice: RecordRef | None = None


@dataclass(frozen=True, slots=True)
class BillingAccount:
    """Everything billing says about one customer now: what refreshes the ledger."""

    customer: Customer
    subscriptions: tuple[Subscription, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    payments: tuple[Payment, ...] = ()
    credit_notes: tuple[CreditNote, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    refunds: tuple[Refund, ...] = ()
