"""What happened to each invoice, day by day: the plain rows that every receivables figure is worked out from.

Days are UTC days, and a figure as of a day counts everything that happened until that day's end. Rules, with Stripe's
words behind them (VENDOR-FACTS 1.5 and 1.6):

- An invoice is owed from the day it was finalised. Drafts are not receivables, nor are invoices for nothing.
- What it came to at first is its amount due with the credit notes that have lowered it since; credit balance that was
  used up when it was finalised was never owed.
- Payments and credit notes lower it, each on its own day. Money of which billing tells only the sum (paid elsewhere)
  counts on the day the invoice was paid.
- It is gone from the day it was voided, or its later revision was finalised; written off from the day it was marked
  uncollectible, whatever is paid afterwards.
- A refund or a lost dispute reopens nothing: it lowers what was collected.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What moved."""

    PAYMENT = "payment"
    CREDIT = "credit"  #: the part of a credit note that lowered what was still open
    RETURNED = "returned"  #: refunded, or lost in a dispute


class Movement(NamedTuple):
    """Money on one day, in minor units, always positive."""

    day: date
    amount: int
    kind: Kind


class InvoiceHistory(NamedTuple):
    """One finalised invoice and all that became of it; amounts in minor units of ``currency``."""

    ref: str
    number: str
    customer: str
    currency: str
    issued: date
    due: date | None
    amount: int  #: what it came to when it was finalised
    gone: date | None = None  #: voided or replaced on
    written_off: date | None = None
    movements: tuple[Movement, ...] = ()


class InvoiceFacts(NamedTuple):
    """One finalised invoice as the ledger has it now; days in UTC."""

    ref: str
    number: str
    customer: str
    currency: str
    status: str
    issued: date
    due: date | None
    amount_due: int
    amount_paid: int
    paid: date | None
    voided: date | None
    replaced: bool
    replacement_issued: date | None
    written_off: date | None
    movements: tuple[Movement, ...]


class CustomerFacts(NamedTuple):
    """Who owes, and what is known of the account behind it; the last four are empty where no CRM said."""

    ref: str
    name: str
    currency: str
    credit_balance: int  #: minor units; positive is in the customer's favour
    seen: date  #: the day on which billing told the credit balance
    account: str = ""
    size: str = ""
    country: str = ""
    plan: str = ""

    @property
    def debtor(self) -> str:
        """The CRM account, or the billing customer where no account is known."""
        return self.account or self.ref


def history(facts: InvoiceFacts) -> InvoiceHistory:
    """What became of an invoice, from how the ledger has it now."""
    credited = sum(each.amount for each in facts.movements if each.kind is Kind.CREDIT)
    told = sum(each.amount for each in facts.movements if each.kind is Kind.PAYMENT)
    movements = facts.movements
    if facts.amount_paid > told:
        elsewhere = Movement(facts.paid or facts.issued, facts.amount_paid - told, Kind.PAYMENT)
        movements = (*movements, elsewhere)
    return InvoiceHistory(
        facts.ref,
        facts.number,
        facts.customer,
        facts.currency,
        facts.issued,
        facts.due,
        facts.amount_due + credited,
        _gone(facts),
        _written_off(facts),
        movements,
    )


def remaining(invoice: InvoiceHistory, day: date) -> int:
    """What nobody had paid or credited by the end of the day; 0 before it was issued."""
    if invoice.issued > day:
        return 0
    left = invoice.amount
    for each in invoice.movements:
        if each.day <= day and each.kind is not Kind.RETURNED:
            left -= each.amount
    return max(left, 0)


def open_amount(invoice: InvoiceHistory, day: date) -> int:
    """What was owed at the end of the day: what remained, unless it was void, replaced or written off."""
    return 0 if is_gone(invoice, day) or is_written_off(invoice, day) else remaining(invoice, day)


def is_gone(invoice: InvoiceHistory, day: date) -> bool:
    """Whether it was void or replaced by then."""
    return invoice.gone is not None and invoice.gone <= day


def is_written_off(invoice: InvoiceHistory, day: date) -> bool:
    """Whether it was marked uncollectible by then; what is paid afterwards is recovered, not owed again."""
    return invoice.written_off is not None and invoice.written_off <= day


def moved(invoice: InvoiceHistory, kind: Kind, *, until: date, after: date = date.min) -> int:
    """What moved in one way on the days after ``after`` and up to ``until``."""
    return sum(each.amount for each in invoice.movements if each.kind is kind and after < each.day <= until)


def days_past_due(invoice: InvoiceHistory, day: date) -> int:
    """Whole days since the due date; 0 until then, and where there is none."""
    return max((day - invoice.due).days, 0) if invoice.due is not None else 0


def last_payment(movements: Iterable[Movement]) -> date | None:
    """The day of the last payment."""
    return max((each.day for each in movements if each.kind is Kind.PAYMENT), default=None)


def _gone(facts: InvoiceFacts) -> date | None:
    """A void or replaced invoice whose day nobody told counts on no day."""
    voided = facts.voided or (facts.issued if facts.status == "void" else None)
    replaced = (facts.replacement_issued or facts.issued) if facts.replaced else None
    if voided is None or replaced is None:
        return voided or replaced
    return min(voided, replaced)


def _written_off(facts: InvoiceFacts) -> date | None:
    """An uncollectible one whose day nobody told was written off when it fell due."""
    if facts.written_off is None and facts.status == "uncollectible":
        return facts.due or facts.issued
    return facts.written_off
