"""The ledger's rows for receivables and revenue, as the store reads them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from psycopg import sql

from connector.domain.billing import (
    BillingAccount,
    CreditNote,
    Customer,
    Dispute,
    InvoiceStatus,
    Payment,
    Refund,
)
from connector.domain.deal import Interval
from connector.domain.receivable_rows import CustomerFacts, InvoiceHistory, Kind, Movement
from connector.domain.refs import RecordRef
from connector.store import PostgresStore
from tests.factories import NOW, a_subscription, an_invoice

DAY = date(2026, 11, 1)
CUSTOMER = Customer(
    RecordRef("stripe", "customer", "cus_1"),
    "Acme",
    currency="eur",
    crm_account=RecordRef("hubspot", "account", "5"),
    credit_balance=700,
)


def stripe(kind: str, number: str) -> RecordRef:
    return RecordRef("stripe", kind, number)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def save(store: PostgresStore, account: BillingAccount) -> None:
    with store.begin() as work:
        work.ledger.save(account, NOW)


def invoices(store: PostgresStore, until: date) -> list[InvoiceHistory]:
    with store.begin() as work:
        return list(work.receivables.invoices(until))


def test_an_empty_ledger_has_no_rows(store: PostgresStore) -> None:
    with store.begin() as work:
        rows = work.receivables
        told = (rows.customers(), rows.invoices(DAY), rows.drafts(), rows.running(), rows.promises())
        assert [list(each) for each in told] == [[]] * 5
        assert list(rows.mrr_changes(DAY)) == []


def test_a_customer_comes_with_its_account(store: PostgresStore, database_url: str) -> None:
    save(store, BillingAccount(CUSTOMER))
    with store.begin() as work:
        found = list(work.receivables.customers())
    plain = CustomerFacts("stripe:customer:cus_1", "Acme", "eur", 700, NOW.date(), "hubspot:account:5")
    assert found == [plain]
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into crm_account (ref, size, country, plan, seen_at) values (%s, 'mid', 'DE', 'pro', now())",
            ["hubspot:account:5"],
        )
    with store.begin() as work:
        assert list(work.receivables.customers()) == [plain._replace(size="mid", country="DE", plan="pro")]


def test_an_invoice_comes_with_all_that_moved(store: PostgresStore) -> None:
    """Two payments, one of them of which billing tells only the sum; a credit, a refund, a lost dispute."""
    invoice = an_invoice(
        due=date(2026, 10, 31),
        paid=DAY,
        status=InvoiceStatus.PAID,
        amount_due=9_000,
        amount_paid=9_000,
        amount_remaining=0,
    )
    first = Payment(stripe("payment", "p1"), invoice.ref, 4_000, "eur", "paid", noon(date(2026, 10, 20)))
    account = BillingAccount(
        CUSTOMER,
        invoices=(invoice,),
        payments=(
            first,
            replace(first, ref=stripe("payment", "p2"), status="open"),
            replace(first, ref=stripe("payment", "p3"), paid_at=None),
        ),
        credit_notes=(
            CreditNote(stripe("credit_note", "n1"), invoice.ref, 1_500, "eur", "issued", noon(DAY), "", 1_000),
            CreditNote(stripe("credit_note", "n2"), invoice.ref, 1_500, "eur", "void", noon(DAY), "", 500),
            CreditNote(stripe("credit_note", "n3"), invoice.ref, 1_500, "eur", "issued", noon(DAY), "", 0),
        ),
        refunds=(
            Refund(stripe("refund", "r1"), "ch_1", 300, "eur", "succeeded", noon(DAY), "", invoice.ref),
            Refund(stripe("refund", "r2"), "ch_1", 400, "eur", "failed", noon(DAY), "", invoice.ref),
        ),
        disputes=(
            Dispute(stripe("dispute", "d1"), "ch_1", 200, "eur", "lost", noon(DAY), "", "", invoice.ref),
            Dispute(stripe("dispute", "d2"), "ch_1", 900, "eur", "won", noon(DAY), "", "", invoice.ref),
        ),
    )
    save(store, account)
    [found] = invoices(store, DAY)
    assert (found.issued, found.due, found.amount, found.gone) == (date(2026, 10, 1), date(2026, 10, 31), 10_000, None)
    assert sorted(found.movements) == sorted(
        [
            Movement(date(2026, 10, 20), 4_000, Kind.PAYMENT),
            Movement(DAY, 5_000, Kind.PAYMENT),
            Movement(DAY, 1_000, Kind.CREDIT),
            Movement(DAY, 300, Kind.RETURNED),
            Movement(DAY, 200, Kind.RETURNED),
        ]
    )


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_only_what_was_sent_by_then_counts_to_the_second(store: PostgresStore, database_url: str, zone: str) -> None:
    """Whatever zone the database's sessions are in."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(
            sql.SQL("alter database {} set timezone to {}").format(sql.Identifier(name), sql.Literal(zone))
        )
    midnight = datetime(2026, 11, 2, tzinfo=UTC)
    in_time = an_invoice(1, due=DAY, finalized_at=midnight - timedelta(seconds=1))
    too_late = an_invoice(2, due=DAY, finalized_at=midnight)
    draft = an_invoice(3, due=DAY, status=InvoiceStatus.DRAFT, finalized_at=None)
    save(store, BillingAccount(CUSTOMER, invoices=(in_time, too_late, draft)))
    assert [each.ref for each in invoices(store, DAY)] == [str(in_time.ref)]
    with store.begin() as work:
        assert [(each.ref, each.amount, each.due) for each in work.receivables.drafts()] == [
            (str(draft.ref), 10_000, DAY)
        ]


def test_void_replaced_and_written_off_have_their_days(store: PostgresStore) -> None:
    void = an_invoice(1, due=DAY, status=InvoiceStatus.VOID, voided_at=noon(DAY))
    newer = an_invoice(2, due=DAY, finalized_at=noon(date(2026, 10, 15)))
    replaced = an_invoice(3, due=DAY, replaced_by=newer.ref)
    orphan = an_invoice(4, due=DAY, replaced_by=stripe("invoice", "in_unknown"))
    lost = an_invoice(5, due=DAY, status=InvoiceStatus.UNCOLLECTIBLE, uncollectible_at=noon(date(2026, 10, 30)))
    before_us = an_invoice(6, due=date(2026, 10, 20), status=InvoiceStatus.UNCOLLECTIBLE)
    save(store, BillingAccount(CUSTOMER, invoices=(void, newer, replaced, orphan, lost, before_us)))
    found = {each.ref.rpartition("_")[2]: (each.gone, each.written_off) for each in invoices(store, DAY)}
    assert found == {
        "1": (DAY, None),
        "2": (None, None),
        "3": (date(2026, 10, 15), None),
        "4": (date(2026, 10, 2), None),
        "5": (None, date(2026, 10, 30)),
        "6": (None, date(2026, 10, 20)),
    }


def test_a_running_item_is_given_as_long_as_its_last_invoice(store: PostgresStore) -> None:
    ends, stops = date(2027, 6, 30), date(2027, 5, 1)
    runs = a_subscription("sub_1", contract_end=ends)
    stopping = a_subscription("sub_2", contract_end=ends, cancel_at=noon(stops), interval=Interval("month", 3))
    trial = a_subscription("sub_3", status="trialing")
    over = a_subscription("sub_4", status="canceled")
    unpaid = a_subscription("sub_5", status="unpaid")
    [item] = runs.items
    usage = replace(a_subscription("sub_6"), items=(replace(item, metered=True), replace(item, interval=None)))
    dearer = replace(runs, items=(replace(item, recurring_amount=Decimal("7999.5")),))
    old = an_invoice(1, due=date(2026, 9, 30), subscription=runs.ref, finalized_at=noon(date(2026, 9, 1)))
    new = an_invoice(2, due=date(2026, 10, 15), subscription=runs.ref, finalized_at=noon(date(2026, 10, 1)))
    save(store, BillingAccount(CUSTOMER, (dearer, stopping, trial, over, unpaid, usage), (old, new)))
    with store.begin() as work:
        found = {each.subscription.rpartition(":")[2]: each for each in work.receivables.running()}
    assert set(found) == {"sub_1", "sub_2", "sub_3"}
    first, second = found["sub_1"], found["sub_2"]
    assert (first.amount, first.net_days, first.stops) == (Decimal("7999.5"), 14, None)
    assert (first.interval, first.next_day, first.contracted_until) == (
        Interval("month"),
        date(2026, 12, 21),
        date(2027, 7, 1),
    )
    assert (second.amount, second.net_days, second.stops) == (Decimal(10_000), 0, stops)
    assert (second.interval, second.contracted_until) == (Interval("month", 3), stops)


def test_changes_of_revenue_come_in_their_order_up_to_the_day(store: PostgresStore) -> None:
    midnight = datetime(2026, 11, 2, tzinfo=UTC)
    in_time = a_subscription("sub_2", started_at=midnight - timedelta(seconds=1))
    early = a_subscription("sub_1", started_at=midnight - timedelta(days=9))
    late = a_subscription("sub_3", started_at=midnight)
    save(store, BillingAccount(CUSTOMER, (in_time, early, late)))
    with store.begin() as work:
        found = list(work.receivables.mrr_changes(DAY))
    assert [(each.subscription, each.at, each.mrr) for each in found] == [
        (early.ref, early.started_at, Decimal(10_000)),
        (in_time.ref, in_time.started_at, Decimal(10_000)),
    ]


def test_nothing_is_to_come_from_a_deleted_customer(store: PostgresStore) -> None:
    """Billing then tells nothing of it, and the ledger keeps what it knew."""
    draft = an_invoice(3, due=DAY, status=InvoiceStatus.DRAFT, finalized_at=None)
    save(store, BillingAccount(CUSTOMER, (a_subscription(),), (draft,)))
    with store.begin() as work:
        work.ledger.save(BillingAccount(replace(CUSTOMER, deleted=True)), NOW + timedelta(days=1))
        assert (work.receivables.running(), work.receivables.drafts()) == ([], [])
