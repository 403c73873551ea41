"""Receivables worked out by hand: what is owed on which day, and what each figure makes of it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.receivable_parts import BUCKETS, Frame, Part, contributions
from connector.domain.receivable_rows import (
    CustomerFacts,
    InvoiceFacts,
    InvoiceHistory,
    Kind,
    Movement,
    history,
    open_amount,
)
from connector.domain.receivables import Receivables, Tally, unapplied_credits

DAY = date(2026, 6, 30)
FRAME = Frame(DAY, 90)


def ago(days: int) -> date:
    return DAY - timedelta(days=days)


def an_invoice(issued: int = 40, due: int | None = 10, amount: int = 10_000, **changes: Any) -> InvoiceHistory:
    """Issued and due so many days before the day."""
    moves = tuple(Movement(ago(days), minor, kind) for days, minor, kind in changes.pop("moves", ()))
    plain = InvoiceHistory("in_1", "A-1", "cus_1", "eur", ago(issued), None if due is None else ago(due), amount)
    return plain._replace(movements=moves, **changes)


def paid(days: int, minor: int) -> tuple[int, int, Kind]:
    return days, minor, Kind.PAYMENT


def credited(days: int, minor: int) -> tuple[int, int, Kind]:
    return days, minor, Kind.CREDIT


def returned(days: int, minor: int) -> tuple[int, int, Kind]:
    return days, minor, Kind.RETURNED


def figures(*invoices: InvoiceHistory, days: int = 90) -> Receivables:
    tally = Tally("eur", Frame(DAY, days))
    for invoice in invoices:
        tally.add(invoice)
    return tally.figures()


@pytest.mark.parametrize(
    ("invoice", "left"),
    [
        (an_invoice(), 10_000),
        (an_invoice(issued=0), 10_000),
        (an_invoice(issued=-1), 0),
        (an_invoice(moves=[paid(5, 4_000)]), 6_000),
        (an_invoice(moves=[paid(0, 4_000)]), 6_000),
        (an_invoice(moves=[paid(-1, 4_000)]), 10_000),
        (an_invoice(moves=[paid(5, 4_000), credited(4, 1_000)]), 5_000),
        (an_invoice(moves=[paid(5, 12_000)]), 0),
        (an_invoice(moves=[paid(5, 10_000), returned(2, 10_000)]), 0),
        (an_invoice(gone=ago(0)), 0),
        (an_invoice(gone=ago(-1)), 10_000),
        (an_invoice(written_off=ago(0)), 0),
        (an_invoice(written_off=ago(-1)), 10_000),
    ],
)
def test_what_is_open_at_the_end_of_the_day(invoice: InvoiceHistory, left: int) -> None:
    assert open_amount(invoice, DAY) == left


@pytest.mark.parametrize(
    ("due", "bucket"),
    [
        (None, "current"),
        (-5, "current"),
        (0, "current"),
        (1, "1-30"),
        (30, "1-30"),
        (31, "31-60"),
        (60, "31-60"),
        (61, "61-90"),
        (90, "61-90"),
        (91, "90+"),
        (900, "90+"),
    ],
)
def test_the_bucket_counts_days_past_the_due_date(due: int | None, bucket: str) -> None:
    found = figures(an_invoice(issued=1000, due=due))
    assert [part.value for part in BUCKETS if found.buckets[part]] == [bucket]
    assert (found.open, found.overdue) == (10_000, 0 if bucket == "current" else 10_000)


def test_dso_and_its_relatives_by_hand() -> None:
    """Sold 90,000 within the period; 30,000 of it is open, a third of that overdue; and 6,000 from before it.

    DSO 36,000 / 90,000 x 90 = 36; best possible 20,000 / 90,000 x 90 = 20; CEI (16,000 + 90,000 - 36,000) /
    (16,000 + 90,000 - 20,000).
    """
    found = figures(
        an_invoice(issued=60, due=30, amount=60_000, moves=[paid(20, 60_000)]),
        an_invoice(issued=50, due=20, amount=10_000),
        an_invoice(issued=10, due=-20, amount=20_000),
        an_invoice(issued=120, due=100, amount=16_000, moves=[paid(15, 10_000)]),
    )
    assert (found.open, found.overdue, found.opening, found.sales) == (36_000, 16_000, 16_000, 90_000)
    assert [found.dso, found.best_possible_dso, found.average_days_delinquent] == [
        Decimal(36),
        Decimal(20),
        Decimal(16),
    ]
    assert found.cei == Decimal(70_000) * 100 / 86_000
    assert (found.collected, found.counts[Part.OPEN]) == (70_000, 3)
    # Late: 60,000 ten days, 10,000 eighty-five; overdue now: 10,000 twenty days, 6,000 a hundred.
    assert found.average_days_late == Decimal(600_000 + 850_000 + 200_000 + 600_000) / 86_000
    assert found.provisional_share == Decimal(16_000) * 100 / 86_000
    assert found.average_days_to_pay == Decimal(60_000 * 40 + 10_000 * 105) / 70_000
    # 70,000 fell due within the period and 60,000 of it came; 16,000 was overdue before it, 10,000 of it came.
    assert found.collection_rate == Decimal(60_000) * 100 / 70_000
    assert found.recovery_rate == Decimal(10_000) * 100 / 16_000


def test_early_payers_lower_the_average() -> None:
    early = an_invoice(issued=30, due=10, moves=[paid(14, 10_000)])
    assert figures(early).average_days_late == -4
    assert figures(early, an_invoice(issued=30, due=10, moves=[paid(6, 10_000)])).average_days_late == 0


def test_true_dso_weighs_each_invoice_by_its_own_month() -> None:
    """June sold 40,000 and 10,000 of it is 20 days old; April sold 10,000, half of it open for 75 days."""
    found = figures(
        an_invoice(issued=20, amount=10_000),
        an_invoice(issued=25, amount=30_000, moves=[paid(5, 30_000)]),
        an_invoice(issued=75, amount=10_000, moves=[paid(5, 5_000)]),
    )
    assert found.true_dso == Decimal(20) * 10_000 / 40_000 + Decimal(75) * 5_000 / 10_000


def test_nothing_is_undefined_and_never_zero() -> None:
    found = figures()
    assert (found.open, found.sales, found.net_collected) == (0, 0, 0)
    ratios = (found.dso, found.best_possible_dso, found.average_days_delinquent, found.true_dso, found.cei)
    assert ratios == (None,) * 5
    assert (found.average_days_late, found.average_days_to_pay, found.provisional_share) == (None, None, None)
    assert (found.collection_rate, found.recovery_rate) == (None, None)


def test_without_sales_there_is_no_dso_but_there_is_an_age() -> None:
    found = figures(an_invoice(issued=200, due=170))
    assert [found.dso, found.true_dso] == [None, Decimal(200)]
    assert found.cei == 0


@pytest.mark.parametrize("amount", [0, -500])
def test_an_invoice_for_nothing_counts_nowhere(amount: int) -> None:
    assert list(contributions(an_invoice(amount=amount, moves=[paid(5, 100)]), FRAME)) == []


def test_a_void_invoice_was_owed_until_that_day_and_never_sold() -> None:
    found = figures(an_invoice(issued=100, due=95, gone=ago(30)), an_invoice(issued=50, gone=ago(30)))
    assert (found.open, found.opening, found.sales) == (0, 10_000, 0)


def test_written_off_leaves_the_receivables_and_is_told_apart() -> None:
    found = figures(
        an_invoice(issued=80, due=50, written_off=ago(10), moves=[paid(20, 4_000)]),
        an_invoice(issued=80, due=50, written_off=ago(10), moves=[paid(5, 10_000)]),
        an_invoice(issued=300, due=270, written_off=ago(100)),
    )
    assert (found.open, found.written_off, found.collected) == (0, 6_000, 14_000)
    assert found.sales == 20_000


def test_what_goes_back_lowers_what_was_collected_and_reopens_nothing() -> None:
    found = figures(an_invoice(issued=60, due=30, moves=[paid(30, 10_000), returned(10, 2_500)]))
    assert (found.open, found.collected, found.returned, found.net_collected) == (0, 10_000, 2_500, 7_500)
    assert found.collection_rate == 75


def test_a_credit_note_lowers_what_fell_due_and_not_the_sale() -> None:
    found = figures(an_invoice(issued=60, due=30, moves=[credited(20, 4_000), paid(10, 6_000)]))
    assert [found.sales, found.collection_rate] == [10_000, Decimal(100)]


def test_too_much_paid_collects_no_more_than_all() -> None:
    assert figures(an_invoice(issued=60, due=30, moves=[paid(10, 15_000)])).collection_rate == 100


FACTS = InvoiceFacts(
    "in_1", "A-1", "cus_1", "eur", "paid", ago(40), ago(10), 9_000, 9_000, ago(5), None, False, None, None, ()
)


def test_the_first_amount_holds_what_credit_notes_took_off_since() -> None:
    found = history(FACTS._replace(movements=(Movement(ago(20), 1_000, Kind.CREDIT),)))
    assert (found.amount, open_amount(found, ago(21)), open_amount(found, ago(20))) == (10_000, 10_000, 9_000)
    assert open_amount(found, ago(5)) == 0


@pytest.mark.parametrize(
    ("changes", "day"),
    [
        ({}, None),
        ({"voided": ago(3), "status": "void"}, ago(3)),
        ({"status": "void"}, ago(40)),
        ({"replaced": True, "replacement_issued": ago(7)}, ago(7)),
        ({"replaced": True}, ago(40)),
        ({"replaced": True, "replacement_issued": ago(7), "voided": ago(9), "status": "void"}, ago(9)),
        ({"replaced": True, "replacement_issued": ago(9), "voided": ago(7), "status": "void"}, ago(9)),
    ],
)
def test_when_an_invoice_was_gone(changes: dict[str, Any], day: date | None) -> None:
    assert history(FACTS._replace(**changes)).gone == day


@pytest.mark.parametrize(
    ("changes", "day"),
    [
        ({}, None),
        ({"status": "uncollectible", "written_off": ago(2)}, ago(2)),
        ({"status": "paid", "written_off": ago(2)}, ago(2)),
        ({"status": "uncollectible"}, ago(10)),
        ({"status": "uncollectible", "due": None}, ago(40)),
    ],
)
def test_when_an_invoice_was_written_off(changes: dict[str, Any], day: date | None) -> None:
    assert history(FACTS._replace(**changes)).written_off == day


def test_a_credit_balance_is_a_column_of_its_own_while_it_is_known() -> None:
    def customer(balance: int, currency: str = "eur", seen: date = DAY) -> CustomerFacts:
        return CustomerFacts("cus_1", "Acme", currency, balance, seen)

    late = customer(5, "jpy", DAY + timedelta(days=1))
    known = [customer(700), customer(300), customer(-900), customer(0), customer(9, "usd"), customer(9, "")]
    assert unapplied_credits(known, FRAME) == {"eur": -1_000, "usd": -9}
    assert unapplied_credits([*known, late, customer(5, "jpy")], FRAME) == {"eur": -1_000, "usd": -9, "jpy": None}
