"""Which of Stripe's event types mean work, and how one event, snapshot or thin, becomes an InboxEvent.

Used for deliveries and for Stripe's own event log alike, so that both give the same events. Nothing but ids is read
from an event's object: the record is fetched afresh, in our own API version. So an event that was rendered in another
one (an endpoint of another version, a log entry from before an upgrade) serves as well as any other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, get_args

import stripe

# Private, but the SDK has no other list of thin types, and a test of ours fails the day it goes.
from stripe.events._event_classes import _V2_EVENT_NOTIFICATION_CLASS_LOOKUP as _THIN_TYPES

from connector.billing.stripe.translate import id_of, ref
from connector.domain.inbox import EventKind, InboxEvent
from connector.domain.refs import RecordRef
from connector.errors import Unreadable

WANTED = (
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.failed",
    "charge.refunded",
    "credit_note.created",
    "credit_note.updated",
    "credit_note.voided",
    "customer.created",
    "customer.deleted",
    "customer.updated",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.pending_update_applied",
    "customer.subscription.pending_update_expired",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "customer.subscription.updated",
    "invoice.created",
    "invoice.deleted",
    "invoice.finalization_failed",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.overdue",
    "invoice.overpaid",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_attempt_required",
    "invoice.payment_failed",
    "invoice.sent",
    "invoice.upcoming",
    "invoice.updated",
    "invoice.voided",
    "invoice.will_be_due",
    "invoice_payment.paid",
    "payment_intent.canceled",
    "payment_intent.partially_funded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.succeeded",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "subscription_schedule.aborted",
    "subscription_schedule.canceled",
    "subscription_schedule.completed",
    "subscription_schedule.created",
    "subscription_schedule.expiring",
    "subscription_schedule.released",
    "subscription_schedule.updated",
)
"""What our webhook endpoint subscribes to: whatever changes what an account owes, pays or will pay."""

_OF_AN_ACCOUNT = (
    "cash_balance.",
    "charge.",
    "credit_note.",
    "customer.",
    "customer_cash_balance_transaction.",
    "invoice.",
    "invoice_payment.",
    "invoiceitem.",
    "payment_intent.",
    "refund.",
    "subscription_schedule.",
)
"""Families of types that ask for an account's refresh, also those that an endpoint made by somebody else sends us."""

_KINDS = {
    "charge": "charge",
    "credit_note": "credit_note",
    "dispute": "dispute",
    "invoice": "invoice",
    "invoice_payment": "invoice_payment",
    "payment_intent": "payment",
    "refund": "refund",
    "subscription": "subscription",
    "subscription_schedule": "schedule",
}
"""Stripe's objects whose customer ``customer_of`` can find, and our word for each."""

_IN_A_CUSTOMER = re.compile(r"/v1/customers/(cus_[A-Za-z0-9]+)(?:/|$)")
_ID = re.compile(r"[\x21-\x7e]{1,255}")


@cache
def known_types() -> frozenset[str]:
    """Every snapshot type that the installed SDK knows."""
    return frozenset(get_args(stripe.Event.__annotations__["type"]))


def to_inbox(event: Mapping[str, Any], body: str) -> InboxEvent:
    """One event as the inbox keeps it.

    Raises:
        Unreadable: it has no id, type or time that make sense.
    """
    event_id, event_type = event.get("id"), event.get("type")
    if not isinstance(event_id, str) or not _ID.fullmatch(event_id):
        raise Unreadable("A Stripe event has no usable id.", provider="stripe")
    if not isinstance(event_type, str) or not _ID.fullmatch(event_type):
        raise Unreadable("A Stripe event has no usable type.", provider="stripe")
    kind, subject = _fate(event, event_type)
    return InboxEvent("stripe", event_id, kind, event_type, subject, _occurred_at(event.get("created")), body)


def _fate(event: Mapping[str, Any], event_type: str) -> tuple[EventKind, RecordRef | None]:
    thin = event.get("object") == "v2.core.event"
    known = event_type in _THIN_TYPES if thin else event_type in known_types()
    if not known:
        return EventKind.UNKNOWN, None
    if event.get("account"):
        return EventKind.IGNORED, None  # a connected account's: its records are not ours to fetch
    if not event_type.removeprefix("v1.").startswith(_OF_AN_ACCOUNT):
        return EventKind.IGNORED, None
    subject = _subject_of_thin(event) if thin else _subject_of_snapshot(event)
    if subject is None:
        return EventKind.UNKNOWN, None
    return (EventKind.BILLING_CHANGED if subject.kind == "customer" else EventKind.BILLING_TRACE), subject


def _subject_of_snapshot(event: Mapping[str, Any]) -> RecordRef | None:
    """The customer if the event's object names one, else the record whose customer must be found.

    ``invoice.upcoming`` has no id, but a customer.
    """
    data = event.get("data")
    record = data.get("object") if isinstance(data, dict) else None
    if not isinstance(record, dict):
        return None
    name = record.get("object")
    if name == "customer":
        return _ref("customer", record)
    if name == "invoice_payment":
        # Its invoice is as good a trace, and the ledger most likely knows it: no call is needed then.
        return _ref("invoice", record.get("invoice")) or _ref("invoice_payment", record)
    return _ref("customer", record.get("customer")) or _traceable(name, record.get("id"))


def _subject_of_thin(event: Mapping[str, Any]) -> RecordRef | None:
    """A thin event carries no object, only what it is about."""
    related = event.get("related_object")
    if not isinstance(related, dict):
        return None
    url = related.get("url")
    owner = _IN_A_CUSTOMER.match(url) if isinstance(url, str) else None
    return ref("customer", owner[1]) if owner else _traceable(related.get("type"), related.get("id"))


def _traceable(name: object, record_id: object) -> RecordRef | None:
    kind = _KINDS.get(name) if isinstance(name, str) else None
    return _ref(kind, record_id) if kind else None


def _ref(kind: str, value: object) -> RecordRef | None:
    record_id = id_of(value)
    return ref(kind, record_id) if _ID.fullmatch(record_id) else None


def _occurred_at(created: object) -> datetime:
    """Unix seconds in a snapshot event, an RFC 3339 time in a thin one."""
    try:
        if isinstance(created, int) and not isinstance(created, bool):
            return datetime.fromtimestamp(created, UTC)
        moment = datetime.fromisoformat(str(created))
    except (ValueError, OverflowError, OSError) as error:
        raise Unreadable("A Stripe event has no usable time.", provider="stripe") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
