"""Monthly recurring revenue: what a contract's items come to in an average month, after running discounts.

It counts what is earned again and again: subscriptions that are ``active`` or ``past_due``. Not counted are trials
(nothing is paid yet), ``unpaid`` and ``paused`` ones (billing has given up, or stopped, asking for money), what is not
begun or over, usage, and what is sold once. Sources: the usual definition of MRR; that past due counts until a
subscription is cancelled or unpaid is the usual choice where one must be made, and here it is made.
"""

from __future__ import annotations

from decimal import Decimal

from connector.domain.billing import Subscription, SubscriptionItem
from connector.domain.deal import Interval

EARNING = frozenset({"active", "past_due"})
"""The states of a subscription whose items count."""

# Source: the usual normalisation to a month: year / 12, week x 52 / 12, day x 365 / 12.
_PER_MONTH = {
    "year": (1, 12),
    "month": (1, 1),
    "week": (52, 12),
    "day": (365, 12),
}


def monthly(subscription: Subscription) -> Decimal:
    """What the subscription earns a month now, in minor units with their decimals; 0 where it does not count."""
    return full_monthly(subscription) if subscription.status in EARNING else Decimal(0)


def full_monthly(subscription: Subscription) -> Decimal:
    """What its items come to a month whatever its state, in minor units with their decimals."""
    return sum((_item_monthly(item) for item in subscription.items), start=Decimal(0))


def period_amount(item: SubscriptionItem) -> Decimal | None:
    """What the item comes to per period: after running discounts where they are known, else by its list price."""
    if item.recurring_amount is not None:
        return item.recurring_amount
    return None if item.unit_amount is None else item.unit_amount * item.quantity


def _item_monthly(item: SubscriptionItem) -> Decimal:
    amount = period_amount(item)
    if amount is None or item.interval is None or item.metered:
        return Decimal(0)
    return _to_a_month(amount, item.interval)


def _to_a_month(amount: Decimal, interval: Interval) -> Decimal:
    times, months = _PER_MONTH[interval.unit]
    return amount * times / (months * interval.count)
