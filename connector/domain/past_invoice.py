"""An invoice as any company can export it, and what was known of it on a past day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from connector.domain.lateness import Outcome


class PastInvoice(NamedTuple):
    """One invoice of more than nothing. Drafts, void ones, credit notes and replaced revisions are none."""

    customer: str
    issued: date
    due: date
    paid: date | None  #: the day on which it was paid in full; None when it never was
    amount: int  #: in minor units of ``currency``, above 0
    currency: str  #: three lower-case letters
    disputed: bool = False  #: not dated: whether the customer contests it, or ever did
    number: str = ""


def by_customer(invoices: Iterable[PastInvoice]) -> dict[str, list[PastInvoice]]:
    """Each customer's invoices, customers in order of their first one."""
    accounts: dict[str, list[PastInvoice]] = {}
    for invoice in invoices:
        accounts.setdefault(invoice.customer, []).append(invoice)
    return accounts


def outcomes_on(history: Sequence[PastInvoice], day: date) -> list[Outcome]:
    """What became of one customer's invoices by ``day``, as somebody who looks on that day knows it.

    An unpaid invoice that is disputed is a reason to look, not lateness: it is left out.
    """
    outcomes = []
    for invoice in history:
        if invoice.issued > day:
            continue
        if invoice.paid is not None and invoice.paid <= day:
            outcomes.append(Outcome(invoice.due, (invoice.paid - invoice.due).days, unpaid=False))
        elif invoice.due < day and not invoice.disputed:
            outcomes.append(Outcome(invoice.due, (day - invoice.due).days, unpaid=True))
    return outcomes
