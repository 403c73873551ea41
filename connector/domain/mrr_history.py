"""When a subscription's monthly revenue changed: what billing says now, against what was noted last.

Billing tells only how things stand. So a change is dated when we heard of it, except where billing dates it itself: a
subscription's first row is dated at its start, and its last at its end. What was changed before we first looked is not
known; that a subscription which is over by then did earn something is told by an invoice of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from connector.domain.billing import BillingAccount, Invoice, InvoiceStatus, Subscription
from connector.domain.recurring import full_monthly, monthly
from connector.domain.refs import RecordRef

_STOPPED = frozenset({"canceled", "unpaid", "paused"})
"""States of a subscription that earned before, if it was ever invoiced."""
_NEVER = frozenset({"incomplete_expired"})


@dataclass(frozen=True, slots=True)
class MrrChange:
    """From ``at`` on a subscription earns ``mrr`` a month: minor units with their decimals, 0 when it is over."""

    subscription: RecordRef
    at: datetime
    customer: RecordRef
    currency: str
    mrr: Decimal


def mrr_changes(account: BillingAccount, last: Mapping[RecordRef, MrrChange], seen_at: datetime) -> list[MrrChange]:
    """What has to be noted after billing said at ``seen_at`` how an account stands.

    ``last`` is the newest change that was noted of each of its subscriptions. A subscription that billing no longer
    names, with its customer or alone, earns nothing any more.
    """
    invoiced = {invoice.subscription for invoice in account.invoices if _earned(invoice)}
    changes: list[MrrChange] = []
    for subscription in account.subscriptions:
        known = last.get(subscription.ref)
        if known is None:
            changes += _first(subscription, seen_at, invoiced=subscription.ref in invoiced)
        elif (now := monthly(subscription)) != known.mrr:
            at = subscription.ended_at if now == 0 and subscription.ended_at else seen_at
            changes.append(_change(subscription, max(at, known.at), now))
    named = {subscription.ref for subscription in account.subscriptions}
    for ref, known in last.items():
        if ref not in named and known.mrr:
            at = max(seen_at, known.at)
            changes.append(MrrChange(ref, at, known.customer, known.currency, Decimal(0)))
    return changes


def _first(subscription: Subscription, seen_at: datetime, *, invoiced: bool) -> Iterator[MrrChange]:
    """The rows of a subscription that we had never heard of."""
    if subscription.status in _NEVER:
        return
    began = min(subscription.started_at or seen_at, seen_at)
    if subscription.status not in _STOPPED:
        yield _change(subscription, began, monthly(subscription))
    elif invoiced:
        yield _change(subscription, began, full_monthly(subscription))
        yield _change(subscription, max(subscription.ended_at or seen_at, began), Decimal(0))


def _earned(invoice: Invoice) -> bool:
    """Whether it asked for money, and was meant."""
    return invoice.total > 0 and invoice.finalized_at is not None and invoice.status is not InvoiceStatus.VOID


def _change(subscription: Subscription, at: datetime, mrr: Decimal) -> MrrChange:
    return MrrChange(subscription.ref, at, subscription.customer, subscription.currency, mrr)
