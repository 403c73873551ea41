"""Which invoices of a contract give back how much for days that will not be served."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from connector.domain.billing import Invoice, InvoiceLine, InvoiceStatus
from connector.domain.billing_plan import Period
from connector.domain.contract import RunningContract
from connector.domain.deal import Deal, Interval
from connector.domain.policy import Proration
from connector.domain.proration import Share, unserved_from
from connector.errors import CannotBill
from connector.sentences import amending as sentences

_CREDITABLE = frozenset({InvoiceStatus.OPEN, InvoiceStatus.PAID})
"""Source: Stripe, credit notes: only an open or a paid invoice takes one. What was written off nobody owes any more."""

CountRest: TypeAlias = Callable[[Period, date, Proration, Interval | None], Share]
"""How much of a period is left from a day on, or is not served."""


@dataclass(frozen=True, slots=True)
class Unserved:
    """What an invoice billed for days that are not served, and at most how much of that it can still give back."""

    invoice: Invoice
    amount: int
    room: int


def unserved_by(
    deal: Deal,
    contract: RunningContract,
    invoices: Iterable[Invoice],
    day: date,
    rule: Proration,
    share: CountRest = unserved_from,
) -> list[Unserved]:
    """Every invoice of the contract with lines for days from ``day`` on, the newest first.

    Lines without a span of days, a set-up fee, are served with their invoice. An amending deal's own invoices count.
    ``share`` is how a period's rest is counted.

    Raises:
        CannotBill: such an invoice is still a draft.
    """
    found: list[Unserved] = []
    for invoice in sorted(invoices, key=lambda each: (each.created_at, each.ref), reverse=True):
        if not _is_of(contract, invoice) or invoice.replaced_by is not None:
            continue
        amount = sum(_unserved(contract, line, day, rule, share) for line in invoice.lines)
        if not amount:
            continue
        if invoice.status is InvoiceStatus.DRAFT:
            raise CannotBill.because(sentences.DRAFT_INVOICE, ref=deal.ref, invoice=invoice.ref.id)
        if invoice.status in _CREDITABLE:
            found.append(Unserved(invoice, amount, _room(invoice, amount)))
    return found


def spread(total: int, unserved: Sequence[Unserved]) -> tuple[list[tuple[Invoice, int]], int]:
    """``total`` over the invoices, the newest first, none with more than it billed for those days or can still give.

    The second value is what none of them could take.
    """
    parts: list[tuple[Invoice, int]] = []
    for each in unserved:
        part = min(total, each.amount, each.room)
        if part > 0:
            parts.append((each.invoice, part))
            total -= part
    return parts, total


def _room(invoice: Invoice, unserved: int) -> int:
    """What is left of the invoice, and of those days: what was credited is taken to have been for them.

    Two deals that end one contract must not give the same days back twice. Credits are held with their tax, lines
    without it.
    """
    lines = sum(line.amount for line in invoice.lines)
    total = invoice.total
    credited = (2 * invoice.credited * lines + total) // (2 * total) if total > 0 else invoice.credited  # half up
    return max(min(total - invoice.credited, unserved - credited), 0)


def _is_of(contract: RunningContract, invoice: Invoice) -> bool:
    if invoice.subscription is not None:
        return invoice.subscription == contract.subscription
    return invoice.deal is not None and invoice.deal in {contract.deal, *contract.amended_by}


def _unserved(contract: RunningContract, line: InvoiceLine, day: date, rule: Proration, share: CountRest) -> int:
    if line.period_start is None or line.period_end is None or line.period_end.date() <= line.period_start.date():
        return 0
    period = Period(line.period_start.date(), line.period_end.date())
    interval = next((item.interval for item in contract.items if item.price_id == line.price_id), None)
    return share(period, day, rule, interval).of_amount(line.amount, contract.currency)
