"""What counts as monthly recurring revenue, and what an item comes to a month."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from connector.domain.billing import SubscriptionItem
from connector.domain.deal import Interval
from connector.domain.recurring import full_monthly, monthly
from tests.factories import a_subscription


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        ("active", True),
        ("past_due", True),
        ("trialing", False),
        ("unpaid", False),
        ("paused", False),
        ("incomplete", False),
        ("canceled", False),
    ],
)
def test_what_is_earned_again_and_again_counts_and_nothing_else(status: str, counts: bool) -> None:
    subscription = a_subscription(status=status)
    assert monthly(subscription) == (Decimal(10_000) if counts else Decimal(0))
    assert full_monthly(subscription) == Decimal(10_000)


@pytest.mark.parametrize(
    ("interval", "a_month"),
    [
        (Interval("year"), Decimal(1000)),
        (Interval("year", 2), Decimal(500)),
        (Interval("month", 3), Decimal(4000)),
        (Interval("month"), Decimal(12_000)),
        (Interval("week", 2), Decimal(26_000)),
        (Interval("day", 73), Decimal(5000)),
    ],
)
def test_every_interval_is_brought_to_a_month(interval: Interval, a_month: Decimal) -> None:
    assert monthly(a_subscription(unit_amount=12_000, quantity=1, interval=interval)) == a_month


def test_a_running_discount_lowers_it_where_it_is_known() -> None:
    whole = a_subscription()
    item = whole.items[0]
    assert monthly(replace(whole, items=(replace(item, recurring_amount=Decimal(7_500)),))) == Decimal(7_500)
    assert monthly(replace(whole, items=(replace(item, recurring_amount=Decimal(0)),))) == 0


def test_usage_what_is_sold_once_and_what_has_no_price_do_not_count() -> None:
    month = Interval("month")
    odd = (
        SubscriptionItem("si_1", Decimal(5), 1, month, None, metered=True),
        SubscriptionItem("si_2", Decimal(5), 1, None, None),
        SubscriptionItem("si_3", None, 1, month, None),
    )
    assert monthly(a_subscription(items=odd)) == 0
