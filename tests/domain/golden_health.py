"""Small histories for the golden cases of payment health, in words of days ago."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from connector.domain.billing import Customer, Dispute, Invoice, InvoiceStatus, Payment, PaymentMethod
from connector.domain.promise import Promise
from connector.domain.refs import RecordRef
from tests.factories import TODAY, an_invoice

CUSTOMER = RecordRef("stripe", "customer", "cus_1")


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def paid(age: int, late: int, number: int = 0, **changes: Any) -> Invoice:
    """Due ``age`` days ago, and paid so many days after."""
    return an_invoice(number or 1000 + age, due=days_ago(age), paid=days_ago(age - late), **changes)


def owed(age: int, number: int = 0, **changes: Any) -> Invoice:
    """Due ``age`` days ago, and unpaid."""
    return an_invoice(number or 2000 + age, due=days_ago(age), **changes)


def monthly(count: int, late: int = 0, first: int = 20, **changes: Any) -> list[Invoice]:
    """Paid ones, each so many days late; the newest fell due ``first`` days ago."""
    return [paid(first + 30 * n, late, **changes) for n in range(count)]


def auto(invoice: Invoice) -> Invoice:
    return replace(invoice, collection_method="charge_automatically")


def written_off(age: int, total: int) -> Invoice:
    return owed(age, total=total, status=InvoiceStatus.UNCOLLECTIBLE)


def by_credit(age: int, late: int) -> Invoice:
    """Settled by a credit note: nobody paid."""
    return paid(age, late, amount_paid=0, credited=10_000)


def promise(until: date, invoice: Invoice) -> Promise:
    noted = datetime(2026, 11, 1, 9, tzinfo=UTC)
    return Promise(1, CUSTOMER, invoice.ref, None, "eur", until, noted)


def card(expires: date) -> Customer:
    return Customer(CUSTOMER, payment_method=PaymentMethod.CARD, card_expires=expires)


def dispute(invoice: Invoice, status: str, amount: int = 50_000) -> Dispute:
    at = datetime(2026, 11, 10, tzinfo=UTC)
    return Dispute(RecordRef("stripe", "dispute", "dp_1"), "ch_1", amount, "eur", status, at, invoice=invoice.ref)


@dataclass(frozen=True)
class Case:
    name: str
    invoices: list[Invoice]
    word: str
    flagged: bool
    says: list[str]
    payments: list[Payment] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    beside: dict[str, Any] = field(default_factory=dict)
