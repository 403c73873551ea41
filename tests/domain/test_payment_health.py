"""Payment health says who pays how late, from the ledger alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.billing import Invoice, InvoiceStatus
from connector.domain.money import Money
from connector.domain.payment_health import (
    AgingBucket,
    Health,
    HealthPolicy,
    PaymentHealth,
    assess,
    bucket_of,
    days_past_due,
    is_late_payer,
)
from connector.domain.refs import RecordRef
from tests.factories import TODAY, an_invoice

POLICY = HealthPolicy()


def judged(*invoices: Invoice, today: date = TODAY) -> PaymentHealth:
    return assess(invoices, (), (), today, POLICY)


def due(days_ago: int, number: int = 1, late: int | None = None, **changes: Any) -> Invoice:
    """An invoice that fell due ``days_ago``, paid ``late`` days after, or still open."""
    when = TODAY - timedelta(days=days_ago)
    return an_invoice(number, due=when, paid=None if late is None else when + timedelta(days=late), **changes)


def paid_late(days: int, count: int = 6) -> list[Invoice]:
    return [due(30 * n + 70, number=n, late=days) for n in range(count)]


@pytest.mark.parametrize(
    ("invoices", "word"),
    [
        ([], Health.UNKNOWN),
        ([due(-10)], Health.UNKNOWN),
        (paid_late(0), Health.GOOD),
        (paid_late(-5), Health.GOOD),
        (paid_late(3), Health.WATCH),
        (paid_late(40), Health.LATE),
        ([*paid_late(0), due(5, 99)], Health.WATCH),
        ([*paid_late(0), due(90, 99)], Health.SEVERE),
        ([due(61)], Health.SEVERE),
        ([due(20)], Health.LATE),
    ],
)
def test_the_word_fits_the_record(invoices: list[Invoice], word: Health) -> None:
    assert judged(*invoices).word is word


def test_balances_count_what_is_owed_and_overdue_in_the_accounts_currency() -> None:
    health = judged(due(-10, 1, total=1000), due(3, 2, total=500), due(40, 3, total=200), due(50, 4, late=0))
    assert (health.open_balance, health.overdue_balance) == (Money(1700, "eur"), Money(700, "eur"))
    assert (health.overdue_count, health.days_past_due, health.bucket) == (2, 40, AgingBucket.TO_60)


def test_another_currency_is_never_added_to_the_balance() -> None:
    health = judged(due(5, 1, total=500), due(1, 2, total=700, currency="usd"))
    assert health.currency == "usd"
    assert health.overdue_balance == Money(700, "usd")


@pytest.mark.parametrize(
    ("days", "bucket"), [(0, "current"), (1, "1-30"), (30, "1-30"), (31, "31-60"), (61, "61-90"), (91, "90+")]
)
def test_the_aging_buckets_begin_and_end_where_everyone_expects(days: int, bucket: str) -> None:
    assert bucket_of(days).value == bucket


@pytest.mark.parametrize(
    "invoice",
    [
        due(30, disputed=True),
        due(30, processing=True),
        due(30, late=2),
        due(30, status=InvoiceStatus.VOID),
        due(30, status=InvoiceStatus.DRAFT),
        replace(due(30), due_date=None),
        replace(due(30), amount_remaining=0),
    ],
)
def test_what_is_disputed_under_way_or_not_owed_is_not_past_due(invoice: Invoice) -> None:
    assert days_past_due(invoice, TODAY) == 0


def test_a_replaced_revision_is_not_counted_twice() -> None:
    old = due(30, 1, replaced_by=RecordRef("stripe", "invoice", "in_2"))
    assert judged(old, due(30, 2)).overdue_count == 1


def test_average_days_late_weighs_by_amount_and_counts_the_unpaid_up_to_today() -> None:
    health = judged(due(100, 1, late=-2, total=1000), due(10, 2, total=3000))
    assert health.average_days_late == Decimal("7.0")
    assert health.on_time_rate == Decimal("50.0")


def test_the_reason_reads_as_a_person_would_say_it() -> None:
    health = judged(*paid_late(6), due(41, 98, total=1_000_000), due(3, 99, total=240_000))
    assert health.reason == "2 invoices, EUR 12,400.00, up to 41 days late; usually pays 6 days after due."


def test_one_day_is_not_days() -> None:
    assert judged(*paid_late(1)).reason == "Usually pays 1 day after due."


def test_a_thin_history_says_so() -> None:
    assert judged(due(5)).reason.endswith("Only 1 invoice to judge by so far, so the score leans on other accounts.")
    assert judged().reason == "No invoice has come due yet."


def test_one_late_day_costs_what_the_formula_says() -> None:
    health = judged(due(0, 1, late=0), due(0, 2, late=0), due(0, 3, late=0))
    assert health.score == pytest.approx(100 * (1 - 0.15 / 4))
    assert health.next_late_chance == pytest.approx(0.6 / 5)


def test_the_flag_needs_a_bad_record_and_a_near_renewal() -> None:
    late = judged(*paid_late(40))
    assert is_late_payer(late, TODAY + timedelta(days=90), POLICY)
    assert is_late_payer(late, None, POLICY)
    assert not is_late_payer(late, TODAY + timedelta(days=91), POLICY)
    assert not is_late_payer(judged(*paid_late(0)), TODAY, POLICY)


def test_one_late_invoice_among_several_is_told_in_the_singular() -> None:
    found = judged(due(77, 1, late=70), due(47, 2, late=0), due(16, 3, late=0))

    assert found.reason == "1 of 3 paid invoices was late, by 70 days."
