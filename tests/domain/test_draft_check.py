"""What a draft invoice should come to, by the forecast that was agreed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from connector.domain.billing import Invoice, InvoiceLine, InvoiceStatus
from connector.domain.draft_check import before_tax, expected_total, is_judged
from connector.domain.refs import RecordRef

SUBSCRIPTION = RecordRef("stripe", "subscription", "sub_1")
INVOICE = Invoice(
    ref=RecordRef("stripe", "invoice", "in_1"),
    customer=RecordRef("stripe", "customer", "cus_1"),
    status=InvoiceStatus.DRAFT,
    currency="usd",
    total=1190,
    amount_due=1190,
    amount_paid=0,
    amount_remaining=1190,
    created_at=datetime(2026, 12, 1, tzinfo=UTC),
    subscription=SUBSCRIPTION,
    lines=(InvoiceLine("il_1", "Seats", 600), InvoiceLine("il_2", "Support", 400)),
)


def row(day: str, total: int, *, by_usage: bool = False, once: int = 0) -> dict[str, Any]:
    """One foreseen invoice: a recurring line, and what is sold once beside it."""
    lines: list[dict[str, Any]] = [{"amount": total - once, "from": day}]
    if once:
        lines.append({"amount": once, "from": None})
    return {"date": day, "total": total, "by_usage": by_usage, "lines": lines}


FORECAST = [row("2026-11-01", 6000, once=5000), row("2026-12-01", 1000), row("2027-01-01", 1000)]


def on(day: date) -> Invoice:
    return replace(INVOICE, created_at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC))


def test_tax_is_no_difference() -> None:
    """Plans are before tax, and so is the sum of the lines."""
    assert before_tax(INVOICE) == 1000


@pytest.mark.parametrize("day", [date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 2)])
def test_a_foreseen_day_is_met_within_a_day(day: date) -> None:
    """A period may end a second before midnight, somewhere."""
    assert expected_total(on(day), FORECAST) == 1000


def test_an_unforeseen_day_is_not_judged() -> None:
    """Somebody may have billed something by hand."""
    assert expected_total(on(date(2026, 12, 15)), FORECAST) is None


def test_what_usage_adds_to_is_not_judged() -> None:
    assert expected_total(INVOICE, [row("2026-12-01", 1000, by_usage=True)]) is None


def test_a_contract_that_runs_on_repeats_its_last_year_without_what_was_sold_once() -> None:
    """The set-up fee does not come again."""
    assert expected_total(on(date(2027, 11, 1)), FORECAST) == 1000
    assert expected_total(on(date(2029, 12, 1)), FORECAST) == 1000


def test_a_plan_that_foresaw_nothing_judges_nothing() -> None:
    assert expected_total(INVOICE, []) is None


def test_only_a_subscriptions_draft_is_judged() -> None:
    """What is final is corrected by credit notes; what we draft ourselves is compared when it is sent."""
    assert is_judged(INVOICE)
    assert not is_judged(replace(INVOICE, status=InvoiceStatus.OPEN))
    assert not is_judged(replace(INVOICE, subscription=None))
