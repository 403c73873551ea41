"""An invoice as any company can export it, and what was known of it on a past day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from connector.domain.billing import Invoice, InvoiceStatus
from connector.domain.lateness import Outcome
from connector.domain.refs import RecordRef


class PastInvoice(NamedTuple):
    """One invoice of more than nothing. Drafts, void ones, credit notes and replaced revisions are none."""

    customer: str
    issued: date
    due: date
    paid: date | None  #: the day on which it was paid in full; None when it never was
    amount: int  #: in minor units of ``currency``, above 0
    currency: str  #: three lower-case letters
    disputed: bool = False  #: whether it is contested, or a bank debit on its way, as the data ends; not dated
    number: str = ""


def by_customer(invoices: Iterable[PastInvoice]) -> dict[str, list[PastInvoice]]:
    """Each customer's invoices, customers in order of their first one."""
    accounts: dict[str, list[PastInvoice]] = {}
    for invoice in invoices:
        accounts.setdefault(invoice.customer, []).append(invoice)
    return accounts


def outcomes_on(history: Sequence[PastInvoice], day: date) -> list[Outcome]:
    """What became of one customer's invoices by ``day``, as somebody who looks on that day knows it.

    A disputed one says nothing, whether it is paid or not: so says ``invoice_standing``, and this agrees with it.
    """
    outcomes = []
    for invoice in history:
        if invoice.issued > day or invoice.disputed:
            continue
        if invoice.paid is not None and invoice.paid <= day:
            outcomes.append(Outcome(invoice.due, (invoice.paid - invoice.due).days, unpaid=False))
        elif invoice.due < day:
            outcomes.append(Outcome(invoice.due, (day - invoice.due).days, unpaid=True))
    return outcomes


def as_invoice(past: PastInvoice, provider: str) -> Invoice:
    """The same invoice in billing's words, named by its number: what ``payment_health.assess`` takes."""
    paid = past.paid is not None
    return Invoice(
        ref=RecordRef(provider, "invoice", past.number),
        customer=RecordRef(provider, "customer", past.customer),
        status=InvoiceStatus.PAID if paid else InvoiceStatus.OPEN,
        currency=past.currency,
        total=past.amount,
        amount_due=past.amount,
        amount_paid=past.amount if paid else 0,
        amount_remaining=0 if paid else past.amount,
        created_at=_midnight(past.issued),
        number=past.number,
        due_date=past.due,
        finalized_at=_midnight(past.issued),
        paid_at=_midnight(past.paid) if past.paid else None,
        disputed=past.disputed,
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
