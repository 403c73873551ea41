"""What is overdue and still not counted as late: disputed invoices, and those whose bank debit is on its way.

Such excuses come and go within hours: a debit is begun, fails, and is tried again. A flag that followed each of them
would flap, and its owner would get a task for every turn. So the flag goes by the excuses that stood when the day
began, and by everything else as it is now:

    flag = judgement of (invoices, payments and due dates as they are now, excuses as they stood when the day began)

Within one day it changes only because an invoice was paid or otherwise settled, or became overdue, or because a person
decided something. It depends on no earlier look of the same day: events may arrive in any order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from connector.domain.billing import Invoice
from connector.domain.refs import RecordRef


@dataclass(frozen=True, slots=True)
class Excuses:
    """The excused invoices of one account: as the day began, and as they were last seen."""

    day: date
    at_opening: frozenset[RecordRef]
    now: frozenset[RecordRef]


def excuses_on(
    invoices: Iterable[Invoice], contested: Collection[RecordRef], today: date, before: Excuses | None
) -> Excuses:
    """Today's excuses, after the last look at the account; the first look takes them as it finds them.

    ``contested`` are invoices under dispute, beside those that say so themselves.
    """
    now = frozenset(
        invoice.ref
        for invoice in invoices
        if invoice.disputed or invoice.processing or (contested and invoice.ref in contested)
    )
    if before is None or before.day > today:
        return Excuses(today, now, now)
    return Excuses(today, before.at_opening if before.day == today else before.now, now)


def steadied(invoices: Sequence[Invoice], excuses: Excuses) -> Sequence[Invoice]:
    """The invoices as the flag counts them all day, each saying itself whether it is excused.

    What was paid today counts as paid, whatever excuse it had this morning or has since.
    """
    return [_as_opened(invoice, excuses) for invoice in invoices]


def _as_opened(invoice: Invoice, excuses: Excuses) -> Invoice:
    paid_today = invoice.paid_at is not None and invoice.paid_at.date() == excuses.day
    if invoice.ref in excuses.at_opening and not paid_today:
        return invoice if invoice.disputed or invoice.processing else replace(invoice, disputed=True)
    return replace(invoice, disputed=False, processing=False) if invoice.disputed or invoice.processing else invoice
