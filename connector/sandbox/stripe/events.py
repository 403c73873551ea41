"""Events: what happened, kept for thirty days and sent, signed, to every endpoint that wants its type."""

import hashlib
import hmac
import json
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from connector.sandbox.deliveries import Deliveries
from connector.sandbox.stripe.calendar import DAY
from connector.sandbox.stripe.render import render, visible_phases
from connector.sandbox.stripe.world import Obj, World

_KEPT_SECONDS = 30 * DAY
_MOST_EVENTS = 200_000
_PATHS = {
    "subscription_schedule": "/v1/subscription_schedules",
    "invoiceitem": "/v1/invoiceitems",
    "tax_id": "/v1/tax_ids",
    "billing.meter": "/v1/billing/meters",
    "billing.credit_grant": "/v1/billing/credit_grants",
}


class Events:
    """The account's events; those of an unfinished request wait until it succeeds."""

    def __init__(self, world: World, deliveries: Deliveries) -> None:
        self._world = world
        self._deliveries = deliveries
        self._kept: deque[Obj] = deque(maxlen=_MOST_EVENTS)
        self._by_id: dict[str, Obj] = {}
        self._waiting: list[Obj] = []
        self.request: Obj = {"id": None, "idempotency_key": None}  #: whose doing it is
        world.events = self

    def happened(self, kind: str, obj: Obj, previous: Obj | None) -> None:
        """Note an event with the object as it is now; `previous` holds the old values of what changed."""
        world = self._world
        shown = obj["_shown"] if "_shown" in obj else render(world, obj)  # an invoice to come has no state
        data: Obj = {"object": shown}
        if previous is not None:
            old = {key: value for key, value in previous.items() if not key.startswith("_")}
            old |= _old_lists(previous, shown)
            if "phases" in old:
                old["phases"] = visible_phases(old["phases"])
            if not old:
                return
            data["previous_attributes"] = old
        event = {
            **world.document.blank("Event"),
            "id": world.new_id("event"),
            "object": "event",
            "api_version": world.document.api_version,
            "created": world.moment,
            "data": data,
            "livemode": world.settings.livemode,
            "pending_webhooks": 0,
            "request": dict(self.request),
            "type": kind,
            "_thin": self._thin(kind, obj),
            "_undelivered": set(),
        }
        event["_thin"]["snapshot_event"] = event["id"]
        self._waiting.append(event)

    def mark(self) -> int:
        """How many events wait, to forget those noted after."""
        return len(self._waiting)

    def forget(self, to: int = 0) -> None:
        """Drop waiting events of work that was undone."""
        del self._waiting[to:]

    def publish(self) -> None:
        """The work is done: keep its events and send them."""
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            if len(self._kept) == self._kept.maxlen:
                self._drop(self._kept[0])
            self._kept.append(event)
            self._by_id[event["id"]] = event
            self._by_id[event["_thin"]["id"]] = event
            for endpoint in self._endpoints(event["type"]):
                self.deliver(event, endpoint)

    def all(self) -> list[Obj]:
        """The events of the last thirty days, oldest first."""
        while self._kept and self._kept[0]["created"] < self._world.moment - _KEPT_SECONDS:
            self._drop(self._kept.popleft())
        return list(self._kept)

    def find(self, ident: str) -> Obj | None:
        """An event of the last thirty days by the id of its snapshot or thin form."""
        self.all()
        return self._by_id.get(ident)

    def deliver_again(self, event: Obj, livemode: bool | None = None) -> None:
        """Send an event once more to every endpoint that wants it, as the Dashboard's "Resend" does."""
        for endpoint in self._endpoints(event["type"]):
            self.deliver(event, endpoint, livemode)

    def deliver(self, event: Obj, endpoint: Obj, livemode: bool | None = None) -> None:
        """Send one event to one endpoint until it answers 2xx."""
        event["_undelivered"].add(endpoint["id"])
        event["pending_webhooks"] = len(event["_undelivered"])
        version = endpoint["api_version"] or event["api_version"]
        shown = event["_thin"] if endpoint["_thin"] else {**shown_event(event), "api_version": version}
        if livemode is not None:
            shown = {**shown, "livemode": livemode}
        body = json.dumps(shown).encode()

        def accepted(status: int, _answer: bytes) -> bool:
            if 200 <= status < 300:
                event["_undelivered"].discard(endpoint["id"])
                event["pending_webhooks"] = len(event["_undelivered"])
                return True
            return bool(endpoint["status"] != "enabled" or endpoint.get("_gone"))

        def sign() -> tuple[bytes, dict[str, str]]:
            now = int(self._world.clock.now().timestamp())
            secrets = [secret for secret, until in endpoint["_secrets"] if until is None or until > now]
            headers = {
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
                "Stripe-Signature": signature(body, secrets, now),
            }
            return body, headers

        self._deliveries.send("stripe", endpoint["url"], sign, accepted)

    def _endpoints(self, kind: str) -> Iterable[Obj]:
        for endpoint in self._world.all("webhook_endpoint"):
            wanted = endpoint["enabled_events"]
            if endpoint["status"] == "enabled" and ("*" in wanted or kind in wanted):
                yield endpoint

    def _thin(self, kind: str, obj: Obj) -> Obj:
        path = _PATHS.get(obj["object"], f"/v1/{obj['object']}s")
        created = datetime.fromtimestamp(self._world.moment, UTC)
        return {
            "id": self._world.new_id("v2.core.event"),
            "object": "v2.core.event",
            "type": f"v1.{kind}",
            "created": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "livemode": self._world.settings.livemode,
            "context": None,
            "reason": None,
            "related_object": {"id": obj.get("id"), "type": obj["object"], "url": f"{path}/{obj.get('id')}"},
        }

    def _drop(self, event: Obj) -> None:
        self._by_id.pop(event["id"], None)
        self._by_id.pop(event["_thin"]["id"], None)


def shown_event(event: Obj) -> Obj:
    """An event as callers see it."""
    return {key: value for key, value in event.items() if not key.startswith("_")}


def signature(body: bytes, secrets: Iterable[str], at: int) -> str:
    """The Stripe-Signature header: one v1 per secret that is valid at this time."""
    signed = b"%d." % at + body
    made = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={digest}" for digest in made)])


def _old_lists(previous: dict[str, Any], shown: Obj) -> Obj:
    """Stripe tells that items or lines changed by repeating the list's frame; callers fetch what they need."""
    names = {"_items": "items", "_periods": "items", "_lines": "lines"}
    return {name: shown[name] for key, name in names.items() if key in previous}
