"""What is at stake with an account before its renewal: what is owed, and what will be invoiced until then."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from connector.domain.billing import Subscription, SubscriptionItem
from connector.domain.dates import add_intervals
from connector.domain.recurring import period_amount
from connector.domain.renewals import RUNNING

_MOST_PERIODS = 1_000
"""Of one item; a daily price for nearly three years."""


def invoiced_until(subscriptions: Iterable[Subscription], currency: str, renewal: date) -> int:
    """What running subscriptions will still be invoiced before the renewal, in minor units of one currency, before tax.

    What usage will decide counts as nothing. The renewal's own invoice is what has yet to be agreed.
    """
    total = Decimal(0)
    for subscription in subscriptions:
        if subscription.status not in RUNNING or subscription.currency != currency:
            continue
        stops = renewal if subscription.cancel_at is None else min(renewal, subscription.cancel_at.date())
        total += sum((_until(item, stops) for item in subscription.items), start=Decimal(0))
    return int(total.to_integral_value(ROUND_HALF_UP))


def _until(item: SubscriptionItem, stops: date) -> Decimal:
    if item.current_period_end is None or item.interval is None or item.metered:
        return Decimal(0)
    amount = period_amount(item) or Decimal(0)
    first = item.current_period_end.date()
    times = 0
    while times < _MOST_PERIODS and add_intervals(first, item.interval, times) < stops:
        times += 1
    return amount * times
