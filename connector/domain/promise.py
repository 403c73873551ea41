"""Promise: a day on which a customer said it would pay, and whether it did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from connector.domain.billing import Invoice, InvoiceStatus, Payment
from connector.domain.refs import RecordRef

_OWED = frozenset({InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE})


class Standing(StrEnum):
    """What became of a promise."""

    OPEN = "open"  #: its day has not passed
    KEPT = "kept"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"  #: whoever noted it took it back: it says nothing


@dataclass(frozen=True, slots=True)
class Promise:
    """A customer's promise to pay one invoice, or all it owed when that was noted, by the end of a day.

    With an ``amount`` (minor units of ``currency``) only so much was promised. It is never changed, only withdrawn.
    """

    id: int
    customer: RecordRef
    invoice: RecordRef | None
    amount: int | None
    currency: str
    promised_for: date
    noted_at: datetime
    withdrawn_at: datetime | None = None
    noted_by: str = ""
    note: str = ""


def standing(promise: Promise, invoices: Iterable[Invoice], payments: Sequence[Payment], today: date) -> Standing:
    """What has become of a promise by the end of ``today``. The order of invoices and payments changes nothing.

    It is kept when what was promised arrived by its day. An invoice of which nothing is owed any more because it was
    voided, replaced or credited is as good as paid.
    """
    if promise.withdrawn_at is not None and promise.withdrawn_at.date() <= today:
        return Standing.WITHDRAWN
    concerned = [invoice for invoice in invoices if _concerns(promise, invoice)]
    if promise.amount is None:
        kept = all(_settled_by(invoice, min(promise.promised_for, today)) for invoice in concerned)
    else:
        kept = _arrived(promise, concerned, payments, today) >= promise.amount
    if kept and (concerned or promise.amount is not None):
        return Standing.KEPT
    return Standing.OPEN if today <= promise.promised_for or not concerned else Standing.BROKEN


def broken(promises: Iterable[Promise], invoices: Sequence[Invoice], payments: Sequence[Payment], today: date) -> int:
    """How many promises were broken by then."""
    return sum(1 for promise in promises if standing(promise, invoices, payments, today) is Standing.BROKEN)


def _concerns(promise: Promise, invoice: Invoice) -> bool:
    """The named invoice, or else every one that was owed when the promise was noted."""
    if promise.invoice is not None:
        return invoice.ref == promise.invoice
    if promise.currency and invoice.currency != promise.currency:
        return False
    sent = invoice.finalized_at or invoice.created_at
    if invoice.status is InvoiceStatus.DRAFT or sent > promise.noted_at:
        return False
    gone = invoice.paid_at or invoice.voided_at
    return gone is None or gone >= promise.noted_at


def _settled_by(invoice: Invoice, day: date) -> bool:
    if invoice.status in _OWED and invoice.replaced_by is None:
        return invoice.amount_remaining <= 0
    return invoice.paid_at is None or invoice.paid_at.date() <= day


def _arrived(promise: Promise, concerned: Iterable[Invoice], payments: Iterable[Payment], today: date) -> int:
    """Minor units that reached the invoices from the day of the promise until its day, in its currency."""
    refs = {invoice.ref for invoice in concerned}
    first, last = promise.noted_at.date(), min(promise.promised_for, today)
    return sum(
        payment.amount
        for payment in payments
        if payment.invoice in refs
        and payment.paid_at is not None
        and first <= payment.paid_at.date() <= last
        and (not promise.currency or payment.currency == promise.currency)
    )
