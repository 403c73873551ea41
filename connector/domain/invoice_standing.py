"""What one invoice says on one day: what is owed on it, since when, and what it tells about how its account pays.

Which invoices count at all (statuses are Stripe's):

- drafts and voids are no receivable; a replaced revision would count twice; an invoice for nothing says nothing
- written off (uncollectible): no longer owed, but it was never paid, so it tells of lateness up to today
- disputed, or with a bank debit on its way: owed, but neither late nor on time, whether it is paid or not. So not
  paying one can never help
- settled without anybody paying (credited in full, or covered by a credit balance): neither late nor on time
- a partial payment leaves the rest owed, and the invoice unpaid until all of it is

The day an invoice was paid is ``paid_at`` in UTC, unless payments that cover it are given: then it is the day the last
of them arrived. For money that came outside billing ``paid_at`` is only the moment somebody clicked (Stripe,
``paid_out_of_band``), while the payment carries the day that person named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from connector.domain.billing import Dispute, Invoice, InvoiceStatus, Payment
from connector.domain.lateness import Outcome
from connector.domain.refs import RecordRef

DISPUTE_OVER = frozenset({"won", "prevented", "warning_closed"})
"""The merchant kept the money. Source: Stripe, dispute statuses."""
_LOST = "lost"

_PAID, _OPEN, _UNCOLLECTIBLE = InvoiceStatus.PAID, InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE
_COUNTED = frozenset({_PAID, _OPEN, _UNCOLLECTIBLE})


class InvoiceStanding(NamedTuple):
    """One invoice on one day. Amounts in minor units of its currency."""

    invoice: Invoice
    owed: int  #: what is still to be paid; 0 for what was written off
    past_due: int  #: whole days since the due date while it is owed and not contested or under way; else 0
    outcome: Outcome | None  #: what it tells about how the account pays; None when nothing
    disputed: bool  #: its money is in question
    charged_back: int = 0  #: what the customer's bank took back for good


def standing(
    invoice: Invoice,
    today: date,
    arrived: Mapping[RecordRef, date] = MappingProxyType({}),
    contested: Collection[RecordRef] = (),
    taken_back: Mapping[RecordRef, int] = MappingProxyType({}),
) -> InvoiceStanding | None:
    """What an invoice says on that day; None for one that does not count.

    ``arrived`` tells when the money of an invoice came where that is known better than by its ``paid_at``;
    ``contested`` are the invoices under dispute, beside those that say so themselves, and ``taken_back`` those whose
    dispute is lost, which an invoice cannot tell from one that is open.
    """
    status = invoice.status
    if status not in _COUNTED or invoice.replaced_by is not None or invoice.total <= 0:
        return None
    disputed = invoice.disputed or (bool(contested) and invoice.ref in contested)
    back = taken_back.get(invoice.ref, 0) if disputed and taken_back else 0
    silent = disputed or invoice.processing or (invoice.amount_paid <= 0 and _paid_by_nobody(invoice))
    due, paid = invoice.due_date, None
    if status is _PAID:
        paid = arrived.get(invoice.ref) if arrived else None
        if paid is None and invoice.paid_at is not None:
            paid = invoice.paid_at.date()
        if paid is None or paid <= today:
            told = None if silent or due is None or paid is None else Outcome(due, (paid - due).days, False)
            return InvoiceStanding(invoice, 0, 0, told, disputed and not back, min(back, invoice.amount_paid))
    # What was paid after that day was still owed on it.
    owed = 0 if status is _UNCOLLECTIBLE else invoice.amount_remaining + (invoice.amount_paid if paid else 0)
    if silent or due is None or due >= today:
        return InvoiceStanding(invoice, owed, 0, None, disputed)
    late = (today - due).days
    return InvoiceStanding(invoice, owed, late if owed > 0 else 0, Outcome(due, late, True), disputed)


def tells_of_trend(found: InvoiceStanding) -> bool:
    """Whether it tells how the account's ways change: not what was given up, which only grows older."""
    return found.outcome is not None and found.invoice.status is not _UNCOLLECTIBLE


def days_past_due(invoice: Invoice, today: date) -> int:
    """Whole days since the due date while money is still owed; otherwise 0.

    A disputed invoice and one whose bank debit is on its way are not late.
    """
    found = standing(invoice, today)
    return found.past_due if found else 0


def days_of_arrival(payments: Iterable[Payment], invoices: Iterable[Invoice]) -> dict[RecordRef, date]:
    """When the money of each paid invoice had come in full, for those that payments cover."""
    arrived: dict[RecordRef, tuple[int, date]] = {}
    for payment in payments:
        if payment.status != "paid" or payment.paid_at is None:
            continue
        day, amount = payment.paid_at.date(), payment.amount
        if (known := arrived.get(payment.invoice)) is not None:
            amount, day = known[0] + amount, max(known[1], day)
        arrived[payment.invoice] = amount, day
    if not arrived:
        return {}
    return {
        invoice.ref: found[1]
        for invoice in invoices
        if invoice.amount_paid > 0
        and (found := arrived.get(invoice.ref)) is not None
        and found[0] >= invoice.amount_paid
    }


def contested_by(disputes: Iterable[Dispute]) -> frozenset[RecordRef]:
    """The invoices whose money is in question, or gone."""
    return frozenset(d.invoice for d in disputes if d.invoice is not None and d.status not in DISPUTE_OVER)


def taken_back_by(disputes: Iterable[Dispute]) -> dict[RecordRef, int]:
    """What the banks took back for good, by invoice, in minor units; not of one that has another dispute open."""
    found = [d for d in disputes if d.invoice is not None]
    in_question = {d.invoice for d in found if d.status not in DISPUTE_OVER and d.status != _LOST}
    lost: dict[RecordRef, int] = {}
    for each in found:
        if each.invoice is not None and each.status == _LOST and each.invoice not in in_question:
            lost[each.invoice] = lost.get(each.invoice, 0) + each.amount
    return lost


def _paid_by_nobody(invoice: Invoice) -> bool:
    """Whether an invoice on which nothing was paid was settled by credit alone."""
    return invoice.amount_remaining <= 0 and (invoice.credited > 0 or invoice.amount_due <= 0)
