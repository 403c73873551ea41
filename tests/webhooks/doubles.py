"""A sender that signs with one word, and services around a store, for tests of the receiver."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connector.domain.inbox import Acknowledgement, EventKind, InboundRequest, InboxEvent
from connector.domain.payment_health import HealthPolicy
from connector.domain.policy import BillingPolicy
from connector.domain.refs import RecordRef
from connector.errors import NotGenuine, Unreadable
from connector.ports import Services
from tests.factories import NOW
from tests.fakes import FakeBilling

SECRET = "open sesame"
PUBLIC_URL = "https://billing.example.com/connector"


@dataclass
class EchoWebhook:
    """A sender whose body is a JSON list of events, signed by carrying the secret; it remembers what it was shown."""

    source: str = "echo"
    seen: list[InboundRequest] = field(default_factory=list)

    def verify(self, request: InboundRequest, now: datetime) -> None:
        self.seen.append(request)
        if not hmac.compare_digest(request.headers.get("x-secret", ""), SECRET):
            raise NotGenuine("The signature is wrong.")

    def parse(self, request: InboundRequest) -> list[InboxEvent]:
        try:
            listed = json.loads(request.body)
        except ValueError as error:
            raise Unreadable("The body is not JSON.") from error
        return [self._event(entry) for entry in listed]

    def acknowledge(self, request: InboundRequest) -> Acknowledgement:
        return Acknowledgement(b"<Ack/>", "text/xml", 202, {"X-Ack": "yes"})

    def _event(self, entry: Mapping[str, Any]) -> InboxEvent:
        return InboxEvent(
            source=self.source,
            event_id=entry["id"],
            kind=EventKind(entry.get("kind", "billing_changed")),
            type="echo.happened",
            subject=RecordRef("echo", "customer", entry["customer"]) if "customer" in entry else None,
            occurred_at=datetime(2026, 11, 21, tzinfo=UTC),
            body=json.dumps(entry),
        )


def services(store: Any, webhook: EchoWebhook | None = None, clock: Callable[[], datetime] = lambda: NOW) -> Services:
    """Services with one sender and nobody else."""
    sender = webhook or EchoWebhook()
    return Services(
        store=store,
        crms={},
        billing=FakeBilling(clock),
        webhooks={sender.source: sender},
        mappings={},
        clock=clock,
        billing_policy=BillingPolicy(),
        health_policy=HealthPolicy(),
        public_url=PUBLIC_URL,
    )


def delivery(*entries: Mapping[str, Any]) -> bytes:
    return json.dumps(list(entries)).encode()
