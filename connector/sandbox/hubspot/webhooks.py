"""Webhook subscriptions of the installed app: events gathered for a moment, sent in signed batches, sent again."""

import itertools
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.deliveries import Deliveries
from connector.sandbox.hubspot import signatures
from connector.sandbox.hubspot.book import Book
from connector.sandbox.hubspot.calls import APP_ID
from connector.sandbox.hubspot.events import Event
from connector.sandbox.hubspot.moments import milliseconds

_MOST_IN_A_BATCH = 100
_GATHER = 0.005  # seconds a batch stays open for what happens next
_FIRST_SUBSCRIPTION = 2_760_001
_FIRST_EVENT = 1_190_000_001

#: Property changes a billing connector wants to hear of; HubSpot subscribes to properties one by one.
_PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "deal": (
        "dealstage",
        "pipeline",
        "amount",
        "closedate",
        "dealname",
        "deal_currency_code",
        "hubspot_owner_id",
        "billing_start",
        "billing_end",
        "billing_term_months",
        "billing_net_days",
        "billing_po_number",
        "billing_collection",
        "billing_kind",
        "billing_amends",
    ),
    "company": ("name", "domain", "address", "city", "state", "zip", "country", "phone"),
    "contact": ("email", "firstname", "lastname"),
    "line_item": (
        "price",
        "quantity",
        "discount",
        "hs_discount_percentage",
        "recurringbillingfrequency",
        "hs_recurring_billing_period",
        "hs_recurring_billing_start_date",
    ),
}
_HAPPENINGS = ("creation", "deletion")


@dataclass(frozen=True)
class Subscription:
    """What the app wants to hear of: `deal.propertyChange` of one property, or `deal.creation`."""

    id: int
    event_type: str
    property_name: str = ""

    def wants(self, event: Event) -> bool:
        """Whether this event belongs to it."""
        return (event.subscription_type, event.property_name) == (self.event_type, self.property_name)


@dataclass
class Settings:
    """Where events go and the key they are signed with; no target, no webhooks."""

    target_url: str = ""
    key: str = "sandbox-hubspot-client-secret"
    subscriptions: list[Subscription] = field(default_factory=list)


@dataclass
class _Batch:
    opened: float
    events: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = False


class Webhooks:
    """Listens to a portal and sends what its app subscribed to."""

    def __init__(self, book: Book, deliveries: Deliveries) -> None:
        self.settings = Settings(subscriptions=standard_subscriptions())
        self._book = book
        self._deliveries = deliveries
        self._lock = threading.Lock()
        self._batch: _Batch | None = None
        self._event_ids = itertools.count(_FIRST_EVENT)

    def hear(self, event: Event) -> None:
        """Send the event to the app, once for each subscription that wants it."""
        if not self.settings.target_url:
            return
        for subscription in self.settings.subscriptions:
            if subscription.wants(event):
                self._add(self._body(event, subscription))

    def _body(self, event: Event, subscription: Subscription) -> dict[str, Any]:
        body: dict[str, Any] = {
            "eventId": next(self._event_ids),
            "subscriptionId": subscription.id,
            "portalId": self._book.id,
            "appId": APP_ID,
            "occurredAt": milliseconds(event.at),
            "subscriptionType": event.subscription_type,
            "attemptNumber": 0,
            "changeSource": event.source.type,
            "sourceId": event.source.id,
        }
        if event.happening != "associationChange":
            body["objectId"] = int(event.record_id)
        if event.happening == "propertyChange":
            body |= {"propertyName": event.property_name, "propertyValue": event.value, "isSensitive": False}
        if event.happening in {"creation", "deletion"}:
            body["changeFlag"] = "NEW" if event.happening == "creation" else "DELETED"
        return {**body, **event.more}

    def _add(self, body: dict[str, Any]) -> None:
        with self._lock:
            batch = self._batch
            if batch is None or batch.closed or _expired(batch) or len(batch.events) >= _MOST_IN_A_BATCH:
                batch = self._batch = _Batch(time.monotonic())
            batch.events.append(body)
            is_new = len(batch.events) == 1
        if is_new:
            # Handed over at once, so that the delivery counts as pending while the batch is still filling.
            self._send(batch)

    def _send(self, batch: _Batch) -> None:
        url, key, attempts = self.settings.target_url, self.settings.key, itertools.count()

        def sign() -> tuple[bytes, dict[str, str]]:
            events = self._close(batch)
            attempt = next(attempts)
            body = json.dumps([{**one, "attemptNumber": attempt} for one in events]).encode()
            return body, _headers(key, url, body, milliseconds(self._book.clock.now()))

        self._deliveries.send("hubspot", url, sign, accepted)

    def _close(self, batch: _Batch) -> list[dict[str, Any]]:
        time.sleep(max(0.0, batch.opened + _GATHER - time.monotonic()))
        with self._lock:
            batch.closed = True
            return list(batch.events)


def accepted(status: int, _: bytes) -> bool:
    """HubSpot takes any 2xx for an answer; everything else is tried again."""
    return 200 <= status < 300


def standard_subscriptions() -> list[Subscription]:
    """Creations, deletions and the property changes a billing connector wants."""
    wanted = [(f"{kind}.{happening}", "") for kind in _PROPERTIES for happening in _HAPPENINGS]
    wanted += [(f"{kind}.propertyChange", name) for kind, names in _PROPERTIES.items() for name in names]
    return subscriptions(wanted)


def subscriptions(wanted: list[tuple[str, str]]) -> list[Subscription]:
    """Subscriptions with ids of their own, from event types and property names."""
    return [Subscription(_FIRST_SUBSCRIPTION + n, *one) for n, one in enumerate(wanted)]


def _expired(batch: _Batch) -> bool:
    return time.monotonic() > batch.opened + _GATHER


def _headers(key: str, url: str, body: bytes, timestamp: int) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "HubSpot Connect 2.0 (sandbox)",
        "X-HubSpot-Signature": signatures.v1(key, body),
        "X-HubSpot-Signature-Version": "v1",
        "X-HubSpot-Signature-v3": signatures.v3(key, "POST", url, body, timestamp),
        "X-HubSpot-Request-Timestamp": str(timestamp),
    }
