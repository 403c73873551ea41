"""Receivables as of a day, from the ledger."""

from __future__ import annotations

from datetime import date

from connector.domain.receivables_report import Asked, Ledger, Report, report
from connector.ports import UnitOfWork


def report_receivables(work: UnitOfWork, asked: Asked, today: date) -> Report:
    """All that is told of receivables as of a day.

    What the ledger knows only as it stands now (credit balances, contracts, drafts) is left out for a day that is past.
    """
    rows = work.receivables
    now = asked.as_of >= today
    ledger = Ledger(
        customers={customer.ref: customer for customer in rows.customers()},
        invoices=rows.invoices(asked.as_of),
        promises=rows.promises(),
        running=rows.running() if now else None,
        drafts=rows.drafts() if now else None,
    )
    return report(ledger, asked)
