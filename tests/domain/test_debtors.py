"""Who owes most, what is at stake, what was promised; and the report that holds all of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.cash_forecast import RunningItem
from connector.domain.deal import Interval
from connector.domain.debtors import Debtors
from connector.domain.promise import Promise, Standing
from connector.domain.promised import promised
from connector.domain.receivable_parts import Part
from connector.domain.receivable_rows import CustomerFacts, InvoiceHistory, Kind, Movement, open_amount
from connector.domain.receivables_report import Asked, Ledger, report
from connector.domain.refs import RecordRef

DAY = date(2026, 6, 30)
CUSTOMERS = {
    each.ref: each
    for each in (
        CustomerFacts("stripe:customer:1", "Acme", "eur", 0, DAY, "hubspot:account:5", "mid", "DE", "pro"),
        CustomerFacts("stripe:customer:2", "Acme Sub", "eur", 250, DAY, "hubspot:account:5", "mid", "DE", "pro"),
        CustomerFacts("stripe:customer:3", "Other", "usd", 0, DAY),
    )
}


def ago(days: int) -> date:
    return DAY - timedelta(days=days)


def owed(
    number: int, customer: int, amount: int, due: int = 10, currency: str = "eur", **changes: Any
) -> InvoiceHistory:
    plain = InvoiceHistory(
        f"stripe:invoice:{number}", "A", f"stripe:customer:{customer}", currency, ago(due + 30), ago(due), amount
    )
    return plain._replace(**changes)


def paid(days: int, amount: int) -> tuple[Movement, ...]:
    return (Movement(ago(days), amount, Kind.PAYMENT),)


def an_item(**changes: Any) -> RunningItem:
    until = DAY + timedelta(days=70)
    plain = RunningItem(
        "sub_1", "stripe:customer:1", "eur", Decimal(100), Interval("month"), DAY + timedelta(days=5), 0, None, until
    )
    return plain._replace(**changes)


def test_accounts_are_ranked_by_what_they_owe_over_all_their_customers() -> None:
    debtors = Debtors(CUSTOMERS, DAY)
    rows = [
        owed(1, 1, 1_000),
        owed(2, 2, 4_000, due=-5),
        owed(3, 2, 9_000, due=60, movements=paid(1, 9_000)),
        owed(4, 3, 2_000, currency="usd"),
        owed(5, 9, 7_000, due=45),
    ]
    for row in rows:
        if left := open_amount(row, DAY):
            debtors.add(row, left)
    found = [(each.currency, each.account, each.open, each.overdue, each.oldest) for each in debtors.found([])]
    assert found == [
        ("eur", "stripe:customer:9", 7_000, 7_000, 45),
        ("eur", "hubspot:account:5", 5_000, 1_000, 10),
        ("usd", "stripe:customer:3", 2_000, 2_000, 10),
    ]


def test_exposure_is_what_is_open_and_what_is_contracted() -> None:
    debtors = Debtors(CUSTOMERS, DAY)
    debtors.add(owed(1, 1, 1_000), 1_000)
    bound = an_item(customer="stripe:customer:3", currency="usd")
    first, second = debtors.found([an_item(), an_item(customer="stripe:customer:2"), bound])
    assert (first.open, first.contracted, first.exposure) == (1_000, 600, 1_600)
    assert (second.currency, second.open, second.contracted, second.exposure) == ("usd", 0, 300, 300)
    [unknown] = debtors.found(None)
    assert (unknown.contracted, unknown.exposure) == (None, None)


def a_promise(**changes: Any) -> Promise:
    plain: dict[str, Any] = {
        "id": 1,
        "customer": RecordRef("stripe", "customer", "1"),
        "invoice": RecordRef("stripe", "invoice", "1"),
        "amount": None,
        "currency": "",
        "promised_for": ago(3),
        "noted_at": datetime(2026, 6, 20, 15, tzinfo=UTC),
    }
    return Promise(**{**plain, **changes})


@pytest.mark.parametrize(
    ("promise", "moves", "standing", "arrived"),
    [
        (a_promise(), (), Standing.BROKEN, 0),
        (a_promise(promised_for=DAY), (), Standing.OPEN, 0),
        (a_promise(), paid(3, 1_000), Standing.KEPT, 1_000),
        (a_promise(), paid(2, 1_000), Standing.BROKEN, 0),
        (a_promise(), paid(3, 999), Standing.BROKEN, 999),
        (a_promise(amount=999), paid(3, 999), Standing.KEPT, 999),
        (a_promise(amount=999), paid(10, 999), Standing.KEPT, 999),
        (a_promise(amount=999), paid(11, 999), Standing.BROKEN, 0),
        (a_promise(invoice=None), paid(3, 1_000), Standing.KEPT, 1_000),
        (a_promise(invoice=None, currency="eur"), (), Standing.BROKEN, 0),
    ],
)
def test_a_promise_is_kept_when_what_was_promised_came_by_its_day(
    promise: Promise, moves: tuple[Movement, ...], standing: Standing, arrived: int
) -> None:
    [found] = promised([promise], [owed(1, 1, 1_000, movements=moves)], DAY)
    assert (found.standing, found.arrived, found.currency) == (standing, arrived, "eur")


def test_what_was_written_off_keeps_no_promise_and_what_was_voided_does() -> None:
    [lost] = promised([a_promise()], [owed(1, 1, 1_000, written_off=ago(5))], DAY)
    [gone] = promised([a_promise()], [owed(1, 1, 1_000, gone=ago(5))], DAY)
    assert (lost.standing, gone.standing) == (Standing.BROKEN, Standing.KEPT)


@pytest.mark.parametrize(
    "promise",
    [
        a_promise(noted_at=datetime(2026, 7, 1, tzinfo=UTC)),
        a_promise(withdrawn_at=datetime(2026, 6, 30, tzinfo=UTC)),
        a_promise(invoice=None, currency="usd"),
        a_promise(invoice=RecordRef("stripe", "invoice", "99")),
    ],
)
def test_what_was_not_promised_then_or_concerns_nothing_is_left_out(promise: Promise) -> None:
    assert promised([promise], [owed(1, 1, 1_000)], DAY) == []


def test_a_report_tells_everything_of_one_currency_or_of_all() -> None:
    invoices = [owed(1, 1, 1_000), owed(2, 3, 2_000, currency="usd"), owed(3, 1, 0)]
    draft = owed(4, 1, 50, due=-5)
    ledger = Ledger(CUSTOMERS, invoices, [a_promise()], [an_item()], [draft])
    whole = report(ledger, Asked(DAY, rows_of="overdue"))
    assert sorted(whole.figures) == [("eur", ""), ("usd", "")]
    assert [(row.invoice.ref, row.part, row.amount) for row in whole.rows] == [
        ("stripe:invoice:1", Part.DAYS_1_30, 1_000),
        ("stripe:invoice:2", Part.DAYS_1_30, 2_000),
    ]
    assert whole.figures["eur", ""].unapplied_credits == -250
    assert [each.standing for each in whole.promises] == [Standing.BROKEN]
    assert sum(week.expected for week in whole.cash["eur"].weeks) == 50 + 3 * 100
    assert [each.amount for each in whole.cash["eur"].unforeseen] == [1_000]
    one = report(ledger, Asked(DAY, currency="usd"))
    assert (sorted(one.figures), one.rows, list(one.cash)) == ([("usd", "")], [], ["usd"])
    assert {each.currency for each in one.debtors} == {"usd"}


@pytest.mark.parametrize(
    ("by", "segments"),
    [("size", {"mid", ""}), ("country", {"DE", ""}), ("plan", {"pro", ""}), ("account", {"hubspot:account:5", ""})],
)
def test_a_report_by_segment(by: str, segments: set[str]) -> None:
    found = report(Ledger(CUSTOMERS, [owed(1, 1, 1_000), owed(2, 9, 500)]), Asked(DAY, by=by))
    assert {segment: figures.open for (_, segment), figures in found.figures.items()} == dict(
        zip(sorted(segments, reverse=True), (1_000, 500), strict=True)
    )


def test_credits_alone_are_told_too() -> None:
    found = report(Ledger(CUSTOMERS, []), Asked(DAY))
    assert {key: figures.unapplied_credits for key, figures in found.figures.items()} == {("eur", ""): -250}
