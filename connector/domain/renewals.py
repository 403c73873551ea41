"""When a contract comes up for renewal: from several sources, whichever the mapping ranks first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from connector.domain.billing import Subscription, SubscriptionItem
from connector.domain.dates import add_intervals, periods_begun

RUNNING = frozenset({"active", "past_due", "trialing", "unpaid"})
"""Source: Stripe, subscription ``status``: the others have ended, or have not begun."""


class RenewalSource(StrEnum):
    """Where a renewal date may be read; a mapping's ``renewal_from`` ranks them by these words."""

    CRM_FIELD = "crm_field"  #: a field of the deal's or its account's, which people keep
    CONTRACT_END = "contract_end"  #: the last day of the term that the deal was sold with
    SCHEDULE = "schedule"  #: the day on which billing will end the subscription by itself
    SUBSCRIPTION_ITEM = "subscription_item"  #: the end of the period that is paid for


DEFAULT_ORDER: tuple[str, ...] = tuple(source.value for source in RenewalSource)
"""What people keep themselves goes before what was sold, and that before what billing does by itself."""

_BECAUSE = {
    RenewalSource.CRM_FIELD: "its date in the CRM",
    RenewalSource.CONTRACT_END: "the end of its contract",
    RenewalSource.SCHEDULE: "the day its subscription ends",
    RenewalSource.SUBSCRIPTION_ITEM: "the end of its billing period",
}


@dataclass(frozen=True, slots=True)
class Renewal:
    """The day on which an account decides again, and how we know."""

    on: date
    source: RenewalSource

    @property
    def because(self) -> str:
        """The source as a sentence says it."""
        return _BECAUSE[self.source]

    def days_from(self, today: date) -> int:
        """Whole days until then."""
        return (self.on - today).days


def next_renewal(
    subscriptions: Iterable[Subscription], crm_dates: Iterable[date], order: Sequence[str], today: date
) -> Renewal | None:
    """The first day still to come that the highest-ranked source names; None where no source names one.

    A day that has passed says that the contract was renewed or has ended, so the next source is asked. The order of
    subscriptions and dates changes nothing. Words of ``order`` that are no source are passed over.
    """
    running = [subscription for subscription in subscriptions if subscription.status in RUNNING]
    named = {
        RenewalSource.CRM_FIELD: crm_dates,
        RenewalSource.CONTRACT_END: (s.contract_end for s in running),
        RenewalSource.SCHEDULE: (s.cancel_at.date() if s.cancel_at else None for s in running),
        RenewalSource.SUBSCRIPTION_ITEM: (_period_end(s, today) for s in running),
    }
    for source in order:
        if source not in named:
            continue
        days = [day for day in named[RenewalSource(source)] if day is not None and day >= today]
        if days:
            return Renewal(min(days), RenewalSource(source))
    return None


def window_of(renewal: Renewal | None, today: date, windows: Iterable[int]) -> int | None:
    """The innermost window (days before the renewal) that has been entered; None outside all of them.

    An account that is first seen 40 days before its renewal is in the window of 60, whatever it missed before.
    """
    if renewal is None:
        return None
    days = renewal.days_from(today)
    return min((window for window in windows if 0 <= days <= window), default=None)


def _period_end(subscription: Subscription, today: date) -> date | None:
    """Of several items the longest period counts: monthly usage beside a yearly plan is no renewal."""
    return max((end for item in subscription.items if (end := _item_end(item, today))), default=None)


def _item_end(item: SubscriptionItem, today: date) -> date | None:
    """The end of the period that holds ``today``; a running one goes on, whatever the ledger was last told."""
    if item.current_period_end is None:
        return None
    end = item.current_period_end.date()
    if end >= today or item.interval is None:
        return end
    begun = add_intervals(end, item.interval, periods_begun(end, item.interval, today))
    return begun if begun >= today else add_intervals(begun, item.interval)
