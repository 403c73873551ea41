"""Contract against invoice: what a draft should come to, by the forecast that was agreed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from connector.domain.billing import Invoice, InvoiceStatus
from connector.domain.dates import add_months

_A_DAY = timedelta(days=1)
_LONGEST_CONTRACT = 30  # years a contract without an end is looked back through


def expected_total(invoice: Invoice, forecast: Sequence[Mapping[str, Any]]) -> int | None:
    """What the draft should come to, in minor units before tax; None where the forecast says nothing about it.

    ``forecast`` holds the invoices that a plan foresaw, as ``forecast_document`` writes them. A contract that runs on
    past them repeats its last year; what was sold once does not come again. Usage is not foreseen, so an invoice
    that it adds to is not judged.
    """
    day = invoice.created_at.date()
    row = _row_of(day, forecast)
    if row is not None:
        return None if row["by_usage"] else int(row["total"])
    last = max((date.fromisoformat(each["date"]) for each in forecast), default=None)
    if last is None or day <= last:
        return None
    for years in range(1, _LONGEST_CONTRACT):
        row = _row_of(add_months(day, -12 * years), forecast)
        if row is not None:
            again = [line["amount"] for line in row["lines"] if line["from"] is not None]
            return None if row["by_usage"] else sum(again)
    return None


def before_tax(invoice: Invoice) -> int:
    """The sum of its lines: their amounts are before tax."""
    return sum(line.amount for line in invoice.lines)


def is_judged(invoice: Invoice) -> bool:
    """A subscription's draft; what is final already is corrected by credit notes, not held."""
    return invoice.status is InvoiceStatus.DRAFT and invoice.subscription is not None


def _row_of(day: date, forecast: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The one foreseen for the day, or for the day beside it: a period may end a second before midnight."""
    return next((row for row in forecast if abs(date.fromisoformat(row["date"]) - day) <= _A_DAY), None)
