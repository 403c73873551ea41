"""When monthly revenue changed, told from how things stand now and what was noted last."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.billing import BillingAccount, InvoiceStatus, Subscription
from connector.domain.mrr_history import MrrChange, mrr_changes
from tests.factories import NOW, TODAY, a_billing_account, a_subscription, an_invoice

BEGAN = NOW - timedelta(days=100)
FULL = Decimal(10_000)


def rows(account: BillingAccount, *last: MrrChange) -> list[tuple[datetime, Decimal]]:
    return [(each.at, each.mrr) for each in mrr_changes(account, {one.subscription: one for one in last}, NOW)]


def an_account(subscription: Subscription, **invoice: Any) -> BillingAccount:
    invoices = (an_invoice(due=TODAY, subscription=subscription.ref, **invoice),) if invoice else ()
    return a_billing_account(subscriptions=(subscription,), invoices=invoices)


def noted(mrr: Decimal = FULL, at: datetime = BEGAN) -> MrrChange:
    whole = a_subscription()
    return MrrChange(whole.ref, at, whole.customer, whole.currency, mrr)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("active", [(BEGAN, FULL)]),
        ("past_due", [(BEGAN, FULL)]),
        ("trialing", [(BEGAN, Decimal(0))]),
        ("incomplete", [(BEGAN, Decimal(0))]),
        ("incomplete_expired", []),
        ("unpaid", [(BEGAN, FULL), (NOW, Decimal(0))]),
        ("canceled", [(BEGAN, FULL), (NOW, Decimal(0))]),
    ],
)
def test_the_first_row_is_dated_at_the_start(status: str, expected: list[tuple[datetime, Decimal]]) -> None:
    assert rows(an_account(a_subscription(status=status, started_at=BEGAN), total=100)) == expected


def test_what_was_over_when_we_first_looked_ended_when_billing_says_so() -> None:
    ended = NOW - timedelta(days=9)
    subscription = a_subscription(status="canceled", started_at=BEGAN, ended_at=ended)
    assert rows(an_account(subscription, total=100)) == [(BEGAN, FULL), (ended, Decimal(0))]


@pytest.mark.parametrize(
    "invoice", [{}, {"total": 0}, {"total": 100, "finalized_at": None}, {"total": 100, "status": InvoiceStatus.VOID}]
)
def test_what_was_over_and_never_invoiced_earned_nothing(invoice: dict[str, Any]) -> None:
    assert rows(an_account(a_subscription(status="canceled", started_at=BEGAN), **invoice)) == []


def test_a_start_that_is_unknown_or_still_to_come_counts_from_now() -> None:
    assert rows(an_account(a_subscription(started_at=None))) == [(NOW, FULL)]
    assert rows(an_account(a_subscription(started_at=NOW + timedelta(days=1)))) == [(NOW, FULL)]


def test_nothing_is_noted_while_nothing_changes() -> None:
    assert rows(an_account(a_subscription()), noted()) == []


def test_a_change_is_dated_when_it_was_heard_of() -> None:
    assert rows(an_account(a_subscription(quantity=6)), noted()) == [(NOW, Decimal(12_000))]
    assert rows(an_account(a_subscription(status="unpaid")), noted()) == [(NOW, Decimal(0))]


def test_an_end_is_dated_when_it_came() -> None:
    ended = NOW - timedelta(days=2)
    assert rows(an_account(a_subscription(status="canceled", ended_at=ended)), noted()) == [(ended, Decimal(0))]
    later = replace(noted(), at=NOW - timedelta(days=1))
    assert rows(an_account(a_subscription(status="canceled", ended_at=ended)), later) == [(later.at, Decimal(0))]


def test_what_billing_no_longer_names_earns_nothing() -> None:
    assert rows(a_billing_account(), noted()) == [(NOW, Decimal(0))]
    assert rows(a_billing_account(), noted(Decimal(0))) == []
