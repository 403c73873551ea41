"""Promises to pay as of a day: what was promised, what of it came, and whether it was kept.

The rules are those of ``promise.standing``, on the ledger's history, so that they can be told for any past day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date

from connector.domain.promise import Promise, Standing
from connector.domain.receivable_rows import InvoiceHistory, Kind, is_gone, moved, open_amount, remaining


@dataclass(frozen=True, slots=True)
class Promised:
    """One promise in one currency; minor units."""

    promise: Promise
    currency: str
    standing: Standing
    amount: int  #: what was promised
    arrived: int  #: what came of it by its day


def promised(promises: Iterable[Promise], invoices: Iterable[InvoiceHistory], as_of: date) -> list[Promised]:
    """Every promise that was noted by then and not withdrawn, in each currency that it concerns, by its day."""
    by_customer: dict[str, list[InvoiceHistory]] = {}
    for invoice in invoices:
        by_customer.setdefault(invoice.customer, []).append(invoice)
    found = []
    for promise in promises:
        noted = promise.noted_at.astimezone(UTC).date()
        if noted > as_of or (promise.withdrawn_at and promise.withdrawn_at.astimezone(UTC).date() <= as_of):
            continue
        theirs = by_customer.get(str(promise.customer), ())
        concerned = [invoice for invoice in theirs if _concerns(promise, invoice, noted)]
        for currency in sorted({invoice.currency for invoice in concerned}):
            mine = [invoice for invoice in concerned if invoice.currency == currency]
            found.append(_told(promise, currency, mine, noted, as_of))
    return sorted(found, key=lambda each: (each.currency, each.promise.promised_for, each.promise.id))


def _concerns(promise: Promise, invoice: InvoiceHistory, noted: date) -> bool:
    """The named invoice, or else every one that was owed when the promise was noted, in the promise's currency."""
    if promise.invoice is not None:
        return invoice.ref == str(promise.invoice)
    if promise.currency and invoice.currency != promise.currency:
        return False
    return open_amount(invoice, noted) + _paid_on(invoice, noted) > 0


def _told(promise: Promise, currency: str, mine: Sequence[InvoiceHistory], noted: date, as_of: date) -> Promised:
    last = min(promise.promised_for, as_of)
    before = min(noted, last)
    owed = sum(remaining(invoice, before) + _paid_on(invoice, before) for invoice in mine)
    arrived = sum(
        moved(invoice, Kind.PAYMENT, until=last, after=before) + _paid_on(invoice, before) for invoice in mine
    )
    amount = owed if promise.amount is None else promise.amount
    settled = all(is_gone(invoice, last) or not remaining(invoice, last) for invoice in mine)
    late = Standing.OPEN if as_of <= promise.promised_for else Standing.BROKEN
    standing = Standing.KEPT if (settled if promise.amount is None else arrived >= promise.amount) else late
    return Promised(promise, currency, standing, amount, arrived)


def _paid_on(invoice: InvoiceHistory, day: date) -> int:
    """What was paid on the very day of the promise: it may well have followed it."""
    return sum(each.amount for each in invoice.movements if each.kind is Kind.PAYMENT and each.day == day)
