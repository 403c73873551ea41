"""What Salesforce sends us: outbound messages (SOAP, guarded by a secret address) and signed JSON callouts."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime

from connector.crm.salesforce.callout import HEADER, CalledRecord, Callout, check_signature, read_callout
from connector.crm.salesforce.ids import is_record_id, long_id
from connector.crm.salesforce.outbound import ACK, Notification, read_message, without_session
from connector.crm.salesforce.settings import SalesforceSettings
from connector.domain.inbox import Acknowledgement, EventKind, InboundRequest, InboxEvent
from connector.domain.refs import RecordRef
from connector.errors import NotGenuine, Unreadable
from connector.ports import Clock

DEAL_OBJECT = "Opportunity"

_LONGEST_ID = 100
"""Salesforce's have 18 characters; what no index can hold would be refused, and so come again for ever."""


def _now() -> datetime:
    return datetime.now(UTC)


class SalesforceWebhook:
    """The ``Webhook`` port. A delivery with our signature header is a callout, any other an outbound message."""

    source = "salesforce"

    def __init__(self, settings: SalesforceSettings, clock: Clock = _now) -> None:
        self._settings = settings
        self._clock = clock  # an outbound message need not say when it happened

    def verify(self, request: InboundRequest, now: datetime) -> None:
        """Raises NotGenuine unless the delivery proves that it comes from an org of ours."""
        if HEADER in request.headers:
            secrets = [secret.get_secret_value() for secret in self._settings.webhook_secrets]
            check_signature(request.headers[HEADER], request.body, secrets, now, self._settings.webhook_tolerance)
            self._check_organization(lambda: read_callout(request.headers[HEADER], request.body).organization_id)
        else:
            self._check_token(request.path_token)
            self._check_organization(lambda: read_message(request.body).organization_id)

    def parse(self, request: InboundRequest) -> list[InboxEvent]:
        """One event for each notification or record. Raises Unreadable for a body that makes no sense."""
        if HEADER in request.headers:
            callout = read_callout(request.headers[HEADER], request.body)
            return [_called(place, each, callout) for place, each in enumerate(callout.records)]
        try:
            return [self._notified(each) for each in read_message(request.body).notifications]
        except Unreadable as error:
            safe = without_session(request.body)
            if safe == request.body:
                raise
            return [self._unreadable(safe, error.message)]  # what is raised is stored as it came, session and all

    def acknowledge(self, request: InboundRequest) -> Acknowledgement:
        """SOAP's Ack for an outbound message, plain JSON for a callout."""
        if HEADER in request.headers:
            return Acknowledgement(b'{"received":true}', "application/json")
        return Acknowledgement(ACK, "text/xml; charset=utf-8")

    def _check_token(self, given: str) -> None:
        token = self._settings.webhook_token.get_secret_value()
        if not token:
            raise NotGenuine(
                "No token for outbound messages is set.", hint="Set SALESFORCE_WEBHOOK_TOKEN.", provider="salesforce"
            )
        if not hmac.compare_digest(token.encode(), given.encode()):
            raise NotGenuine("The outbound message does not know our token.", provider="salesforce")

    def _check_organization(self, organization: Callable[[], str]) -> None:
        """A body that cannot be read passes: its sender has proved itself, and ``parse`` says what is wrong."""
        try:
            found = organization()
        except Unreadable:
            return
        if self._settings.organization_ids and found not in self._settings.organization_ids:
            raise NotGenuine(
                "The delivery comes from an org that is not ours.",
                hint="If it should be, add it to SALESFORCE_ORGANIZATION_IDS.",
                provider="salesforce",
            )

    def _unreadable(self, body: bytes, problem: str) -> InboxEvent:
        return InboxEvent(
            source=self.source,
            event_id=_fingerprint(body.decode("utf-8", "backslashreplace")),
            kind=EventKind.POISON,
            type="outbound:unreadable",
            subject=None,
            occurred_at=self._clock(),
            body=body.decode("utf-8", "backslashreplace"),
            problem=problem,
        )

    def _notified(self, told: Notification) -> InboxEvent:
        kind, subject, problem = _meaning(told)
        return InboxEvent(
            source=self.source,
            event_id=told.id if 0 < len(told.id) <= _LONGEST_ID else _fingerprint(told.body),
            kind=kind,
            type=f"outbound:{told.object or 'nothing'}"[:100],
            subject=subject,
            occurred_at=told.changed_at or self._clock(),
            body=told.body,
            problem=problem,
        )


def _fingerprint(body: str) -> str:
    return f"outbound-{hashlib.sha256(body.encode()).hexdigest()[:32]}"


def _meaning(told: Notification) -> tuple[EventKind, RecordRef | None, str]:
    if not told.id:
        return EventKind.POISON, None, "The notification has no id of its own."
    if told.empty:
        return EventKind.IGNORED, None, ""  # the record was deleted before Salesforce got round to telling us
    if told.object != DEAL_OBJECT:
        return EventKind.UNKNOWN, None, ""
    if not is_record_id(told.record_id):
        return EventKind.POISON, None, "The notification does not say which opportunity changed."
    return EventKind.DEAL_CHANGED, RecordRef("salesforce", "deal", long_id(told.record_id)), ""


def _called(place: int, record: CalledRecord, callout: Callout) -> InboxEvent:
    kind, problem = EventKind.DEAL_CHANGED, ""
    if not record.type or not record.id:
        kind, problem = EventKind.POISON, f"Record {place + 1} of the callout has no type or no id."
    elif record.type != DEAL_OBJECT:
        kind = EventKind.UNKNOWN
    return InboxEvent(
        source="salesforce",
        event_id=f"{callout.delivery_id}:{place}",
        kind=kind,
        type=f"callout:{record.type or 'nothing'}" + (f":{callout.event}" if callout.event else ""),
        subject=RecordRef("salesforce", "deal", record.id) if kind is EventKind.DEAL_CHANGED else None,
        occurred_at=callout.sent_at,
        body=record.body,
        problem=problem,
    )
