"""Recurring revenue as of a day, from the ledger's history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from connector.domain.cohorts import Cohort, cohorts
from connector.domain.revenue import Revenue, revenue
from connector.ports import UnitOfWork


@dataclass(frozen=True, slots=True)
class RevenueReport:
    """One currency's revenue, and its cohorts."""

    revenue: Revenue
    cohorts: tuple[Cohort, ...]


def report_revenue(work: UnitOfWork, as_of: date, months: int, currency: str = "") -> list[RevenueReport]:
    """MRR, what moved it, retention and cohorts as of a day, one report per currency; of one only, if it is named."""
    changes = list(work.receivables.mrr_changes(as_of))
    currencies = sorted({each.currency for each in changes if currency in ("", each.currency)})
    return [
        RevenueReport(revenue(changes, each, as_of, months), cohorts(changes, each, as_of, months))
        for each in currencies
    ]
