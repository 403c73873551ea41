"""Saving an account notes when its monthly revenue changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import psycopg

from connector.domain.billing import BillingAccount, Customer
from connector.domain.refs import RecordRef
from connector.store import PostgresStore
from tests.factories import NOW, a_billing_account, a_subscription


def save(store: PostgresStore, account: BillingAccount, seen_at: datetime) -> None:
    with store.begin() as work:
        work.ledger.save(account, seen_at)


def noted(database_url: str) -> list[tuple[str, datetime, Decimal]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute("select subscription, at, mrr from mrr_change order by at, subscription").fetchall()


def test_each_change_is_noted_once_and_the_end_with_its_day(store: PostgresStore, database_url: str) -> None:
    began, ended = NOW - timedelta(days=30), NOW + timedelta(days=40)
    first = a_billing_account(subscriptions=(a_subscription(started_at=began),))
    more = a_billing_account(subscriptions=(a_subscription(started_at=began, quantity=6),))
    over = a_billing_account(subscriptions=(a_subscription(status="canceled", ended_at=ended),))
    for days, account in enumerate((first, first, more, more)):
        save(store, account, NOW + timedelta(days=days))
    save(store, over, NOW + timedelta(days=41))
    name = "stripe:subscription:sub_1"
    assert noted(database_url) == [
        (name, began, Decimal(10_000)),
        (name, NOW + timedelta(days=2), Decimal(12_000)),
        (name, ended, Decimal(0)),
    ]


def test_an_older_answer_notes_nothing(store: PostgresStore, database_url: str) -> None:
    save(store, a_billing_account(), NOW)
    save(store, a_billing_account(subscriptions=(a_subscription(),)), NOW - timedelta(days=1))
    assert noted(database_url) == []


def test_a_deleted_customer_earns_nothing_any_more(store: PostgresStore, database_url: str) -> None:
    save(store, a_billing_account(subscriptions=(a_subscription(started_at=NOW),)), NOW)
    save(store, BillingAccount(Customer(RecordRef("stripe", "customer", "cus_1"), deleted=True)), NOW + timedelta(1))
    assert [mrr for _, _, mrr in noted(database_url)] == [Decimal(10_000), Decimal(0)]


def test_of_two_customers_each_keeps_its_own(store: PostgresStore, database_url: str) -> None:
    save(store, a_billing_account(subscriptions=(a_subscription(started_at=NOW),)), NOW)
    other = RecordRef("stripe", "customer", "cus_2")
    theirs = replace(a_subscription("sub_2", started_at=NOW), customer=other)
    save(store, BillingAccount(Customer(other), (theirs,)), NOW + timedelta(days=1))
    assert len(noted(database_url)) == 2
