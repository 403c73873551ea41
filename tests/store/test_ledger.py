"""The ledger: what billing said last, whole, exact, and found by any of its ids."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from connector.domain.billing import (
    BillingAccount,
    CreditNote,
    Customer,
    Dispute,
    Invoice,
    InvoiceLine,
    InvoiceStatus,
    Payment,
    PaymentMethod,
    Refund,
    Subscription,
    SubscriptionItem,
)
from connector.domain.deal import Interval
from connector.domain.refs import RecordRef
from connector.store import PostgresStore

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
DEAL = RecordRef("hubspot", "deal", "77")


def stripe(kind: str, number: str) -> RecordRef:
    return RecordRef("stripe", kind, number)


ACME = Customer(
    stripe("customer", "cus_1"),
    "Acme",
    "ap@acme.example",
    "usd",
    False,
    RecordRef("hubspot", "account", "5"),
    PaymentMethod.CARD,
    date(2028, 2, 29),
    -(2**33),
)

SEATS = Subscription(
    stripe("subscription", "sub_1"),
    ACME.ref,
    "active",
    "usd",
    items=(
        SubscriptionItem(
            "si_2",
            Decimal("1999.123456789012"),
            5,
            Interval("month", 3),
            NOW + timedelta(days=30),
            recurring_amount=Decimal("0.123456789012"),
        ),
        SubscriptionItem("si_1", None, 1, None, None, metered=True),
    ),
    started_at=NOW - timedelta(days=400),
    cancel_at=NOW + timedelta(days=1),
    ended_at=None,
    deal=DEAL,
    latest_invoice=stripe("invoice", "in_2"),
    contract_end=date(2027, 6, 30),
)

OLDER = Invoice(
    stripe("invoice", "in_1"),
    ACME.ref,
    InvoiceStatus.PAID,
    "usd",
    total=100_00,
    amount_due=100_00,
    amount_paid=100_00,
    amount_remaining=0,
    created_at=NOW - timedelta(days=90),
    number="A-1",
    subscription=SEATS.ref,
    deal=DEAL,
    due_date=date(2026, 9, 22),
    finalized_at=NOW - timedelta(days=90),
    paid_at=NOW - timedelta(days=60),
    voided_at=NOW - timedelta(days=50),
    hosted_url="https://pay.example/1",
    pdf_url="https://pay.example/1.pdf",
    collection_method="send_invoice",
    attempt_count=2,
    next_payment_attempt=NOW,
    replaced_by=stripe("invoice", "in_2"),
    uncollectible_reason="bankrupt",
    credited=5_00,
    disputed=True,
    processing=True,
    uncollectible_at=NOW - timedelta(days=40),
    lines=(
        InvoiceLine("il_2", "Seats", 90_00, Decimal("2.5"), "price_1", "prod_1", NOW, NOW + timedelta(days=30), True),
        InvoiceLine("il_1", "Set-up", 10_00),
    ),
)

NEWER = Invoice(
    stripe("invoice", "in_2"), ACME.ref, InvoiceStatus.OPEN, "usd", 2**40, 2**40, 0, 2**40, NOW, lines=OLDER.lines[1:]
)

EVERYTHING = BillingAccount(
    ACME,
    (SEATS,),
    (OLDER, NEWER),
    (
        Payment(
            stripe("payment", "inpay_1"), OLDER.ref, 50_00, "usd", "paid", NOW - timedelta(days=60), "pi_1", "ch_1"
        ),
        Payment(stripe("payment", "inpay_2"), OLDER.ref, 50_00, "usd", "open"),
    ),
    (CreditNote(stripe("credit_note", "cn_1"), OLDER.ref, 5_00, "usd", "issued", NOW, "duplicate", 3_00),),
    (Dispute(stripe("dispute", "dp_1"), "ch_9", 50_00, "usd", "lost", NOW, "fraudulent", "pi_9", OLDER.ref),),
    (Refund(stripe("refund", "re_1"), "ch_1", 3_00, "usd", "pending", NOW, "duplicate", OLDER.ref),),
)


def save(store: PostgresStore, account: BillingAccount, seen_at: datetime = NOW) -> None:
    with store.begin() as work:
        work.ledger.save(account, seen_at)


def read(store: PostgresStore) -> BillingAccount | None:
    with store.begin() as work:
        return work.ledger.account(ACME.ref)


def test_an_account_is_read_back_to_the_last_field(store: PostgresStore) -> None:
    """Every field of every record, exact decimals and all, each kind oldest first."""
    assert read(store) is None
    save(store, replace(EVERYTHING, invoices=(NEWER, OLDER)))
    assert read(store) == EVERYTHING


def test_a_newer_answer_replaces_an_older_one(store: PostgresStore) -> None:
    """Changed records change, parts that are gone go, and a deleted draft leaves no trace."""
    save(store, EVERYTHING)
    fewer_lines = replace(OLDER, amount_paid=40_00, lines=(replace(OLDER.lines[0], amount=1),))
    now = replace(EVERYTHING, invoices=(fewer_lines,), subscriptions=(replace(SEATS, items=()),), disputes=())
    save(store, now, NOW + timedelta(seconds=1))
    assert read(store) == now


def test_an_older_answer_never_overwrites_a_newer_one(store: PostgresStore) -> None:
    """Two refreshes may overtake each other; what billing said last stays."""
    save(store, EVERYTHING)
    save(store, BillingAccount(replace(ACME, name="Stale")), NOW - timedelta(microseconds=1))
    assert read(store) == EVERYTHING


def test_an_answer_of_the_same_moment_may_be_saved_again(store: PostgresStore) -> None:
    """A retry after a crash says the same once more, and writes no row anew."""
    save(store, EVERYTHING)
    save(store, EVERYTHING)
    assert read(store) == EVERYTHING


def test_rows_that_say_the_same_are_not_touched(store: PostgresStore, database_url: str) -> None:
    """Most of a ledger never changes again: refreshing a customer must not rewrite years of invoices."""
    save(store, EVERYTHING)
    query = "select xmin::text from invoice union all select xmin::text from invoice_line"
    with psycopg.connect(database_url, autocommit=True) as connection:
        before = connection.execute(query).fetchall()
        save(store, EVERYTHING, NOW + timedelta(hours=1))
        assert connection.execute(query).fetchall() == before


def test_a_deleted_customer_keeps_its_history(store: PostgresStore) -> None:
    """Billing answers with nothing then, although the money was real."""
    save(store, EVERYTHING)
    gone = replace(ACME, deleted=True)
    save(store, BillingAccount(gone), NOW + timedelta(days=1))
    assert read(store) == replace(EVERYTHING, customer=gone)


def test_another_customers_records_are_left_alone(store: PostgresStore) -> None:
    """What one answer does not name goes only from its own customer."""
    save(store, EVERYTHING)
    other = Customer(stripe("customer", "cus_2"))
    save(store, BillingAccount(other))
    assert read(store) == EVERYTHING
    with store.begin() as work:
        assert work.ledger.customers() == [ACME.ref, other.ref]


@pytest.mark.parametrize(
    "ref",
    [
        ACME.ref,
        SEATS.ref,
        OLDER.ref,
        stripe("payment", "inpay_1"),
        stripe("payment", "pi_1"),
        stripe("payment", "ch_1"),
        stripe("credit_note", "cn_1"),
        stripe("dispute", "dp_1"),
        stripe("dispute", "ch_9"),
        stripe("payment", "pi_9"),
    ],
    ids=str,
)
def test_the_customer_is_found_by_any_id_of_its_records(store: PostgresStore, ref: RecordRef) -> None:
    """Events name payments by intent or charge as often as by their own id."""
    save(store, EVERYTHING)
    with store.begin() as work:
        assert work.ledger.customer_of(ref) == ACME.ref


@pytest.mark.parametrize(
    "ref",
    [
        stripe("invoice", "in_9"),
        stripe("customer", "cus_9"),
        stripe("price", "in_1"),
        RecordRef("other", "payment", "pi_1"),
    ],
    ids=str,
)
def test_a_record_that_is_not_mirrored_has_no_customer(store: PostgresStore, ref: RecordRef) -> None:
    """Neither an unknown id, nor a kind we do not mirror, nor another provider's payment of the same id."""
    save(store, EVERYTHING)
    with store.begin() as work:
        assert work.ledger.customer_of(ref) is None
