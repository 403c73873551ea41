"""HubSpot deliveries: up to a hundred events that an app has subscribed to, or one record that a workflow sends."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.crm.hubspot import signature
from connector.crm.hubspot.settings import HubSpotSettings
from connector.domain.inbox import Acknowledgement, EventKind, InboundRequest, InboxEvent
from connector.domain.refs import RecordRef
from connector.domain.write_back import FIELDS
from connector.errors import NotGenuine, Unreadable

MOST_EVENTS = 100
"""Events in one delivery. Source: HubSpot, webhooks API."""

OUR_PROPERTIES = frozenset(f"billing_{each.name}" for each in FIELDS)
"""What we write ourselves. Properties that only people set (``billing_start``) are not among them."""

SIGNATURE_V3, SIGNATURE, VERSION = "x-hubspot-signature-v3", "x-hubspot-signature", "x-hubspot-signature-version"
TIMESTAMP = "x-hubspot-request-timestamp"

_OBJECT_TYPES: Mapping[str, str] = {
    "0-1": "contact",
    "0-2": "company",
    "0-3": "deal",
    "0-5": "ticket",
    "0-7": "product",
    "0-8": "line_item",
    "0-14": "quote",
}
_OF_NO_CONSEQUENCE = frozenset({*_OBJECT_TYPES.values(), "conversation"} - {"deal"})
"""What happens to these reaches a deal as a change of the deal, or is read afresh when the deal is."""

_GONE = frozenset({"deletion", "privacyDeletion"})
_CHANGED = frozenset({"creation", "propertyChange", "associationChange", "merge", "restore"})
_TYPE = re.compile(r"([A-Za-z_]{1,40})\.([A-Za-z]{1,40})")
_ID = re.compile(r"[1-9]\d{0,19}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 10**14  #: milliseconds: the year 5138
_ID_IN_RECORD = (
    "dealId",
    "objectId",
    "hs_object_id",
    "object.objectId",
    "properties.hs_object_id",
    "properties.hs_object_id.value",
)
_CHANGE_IN_RECORD = (
    "properties.hs_lastmodifieddate.value",
    "properties.hs_lastmodifieddate",
    "hs_lastmodifieddate",
)
_DEDUPED_BY = (
    "portalId",
    "subscriptionType",
    "objectId",
    "propertyName",
    "occurredAt",
    "propertyValue",
    "objectTypeId",  # ids of generic subscriptions are unique only within a type
    "associationType",  # association changes have no objectId and no property
    "fromObjectId",
    "toObjectId",
    "associationRemoved",
)


class HubSpotWebhook:
    """Tells HubSpot's requests from forgeries, and reads them."""

    source = "hubspot"

    def __init__(self, settings: HubSpotSettings) -> None:
        self._secrets = [each.get_secret_value().encode() for each in settings.client_secrets]
        self._portals = frozenset(settings.portal_ids)
        self._legacy = settings.allow_legacy_signatures

    def verify(self, request: InboundRequest, now: datetime) -> None:
        """Check the signature over the public address and the raw bytes.

        A request that carries a v3 signature stands or falls with it. HubSpot sends v1 beside v3; were v1 to count as
        well, whoever once saw a delivery could strip v3 and send the rest again at any time.

        Raises:
            NotGenuine: no valid signature, or a timestamp more than five minutes off, or no secret to check with.
        """
        if not self._secrets:
            raise _forged("No HubSpot webhook can be checked.", "Set HUBSPOT_CLIENT_SECRETS to the app's secret.")
        if SIGNATURE_V3 in request.headers:
            self._verify_v3(request, now)
        elif self._legacy:
            self._verify_legacy(request)
        else:
            raise _forged(
                "The request has no v3 signature.",
                "If it comes from a workflow, set HUBSPOT_ALLOW_LEGACY_SIGNATURES=true.",
            )

    def _verify_v3(self, request: InboundRequest, now: datetime) -> None:
        timestamp = request.headers.get(TIMESTAMP, "")
        if not signature.is_fresh(timestamp, now):
            raise _forged("The request's timestamp is missing or more than five minutes off.", "Check the clock.")
        expected = [signature.v3(secret, request, timestamp) for secret in self._secrets]
        if not signature.matches(expected, request.headers[SIGNATURE_V3]):
            raise _wrong_signature()

    def _verify_legacy(self, request: InboundRequest) -> None:
        compute = {"v1": signature.v1, "v2": signature.v2}.get(request.headers.get(VERSION, "").lower())
        given = request.headers.get(SIGNATURE, "")
        if compute is None or not given:
            raise _forged("The request has no signature of a known version.")
        if not signature.matches([compute(secret, request) for secret in self._secrets], given):
            raise _wrong_signature()

    def parse(self, request: InboundRequest) -> list[InboxEvent]:
        """Every event in the delivery; one that makes no sense among others becomes a poison event of its own.

        Raises:
            Unreadable: the body as a whole makes no sense, or holds more events than HubSpot sends.
            NotGenuine: everything in it belongs to accounts that are not on our list.
        """
        try:
            return self._events(_decoded(request.body), _sent_at(request))
        except RecursionError:
            raise _unreadable("The body is nested too deep.") from None

    def _events(self, body: object, sent_at: datetime) -> list[InboxEvent]:
        if isinstance(body, list):
            if len(body) > MOST_EVENTS:
                raise _unreadable(f"A HubSpot delivery has at most {MOST_EVENTS} events, this one {len(body)}.")
            found = [(self._is_ours(each), _event(each, sent_at)) for each in body]
        elif isinstance(body, dict) and "subscriptionType" in body:
            found = [(self._is_ours(body), _event(body, sent_at))]
        elif isinstance(body, dict):
            found = [(self._is_ours(body), _workflow_event(body, sent_at))]
        else:
            raise _unreadable("A HubSpot delivery is a list of events or one record.")
        if found and not any(ours for ours, _ in found):
            raise _forged("The delivery is from a HubSpot account that is not in HUBSPOT_PORTAL_IDS.")
        # HubSpot may put several accounts into one delivery; what belongs to others is none of our business.
        return _once(event for ours, event in found if ours)

    def acknowledge(self, request: InboundRequest) -> Acknowledgement:
        """Any 2xx will do; HubSpot reads nothing else."""
        return Acknowledgement()

    def _is_ours(self, told: object) -> bool:
        if not self._portals:
            return True
        return isinstance(told, dict) and str(_first(told, "portalId", "origin.portalId")) in self._portals


def _event(told: object, sent_at: datetime) -> InboxEvent:
    """One entry of a subscription's list."""
    if not isinstance(told, dict):
        return _poison(told, "unknown", sent_at, "An event is not an object.")
    name = told.get("subscriptionType")
    match = _TYPE.fullmatch(name) if isinstance(name, str) else None
    if match is None:
        return _poison(told, "unknown", sent_at, "An event does not say what happened.")
    occurred_at = _moment(told.get("occurredAt"))
    if occurred_at is None:
        return _poison(told, match[0], sent_at, "An event does not say when it happened.")
    thing = match[1] if match[1] != "object" else _OBJECT_TYPES.get(str(told.get("objectTypeId")), "object")
    deal = _deal_of(told, thing, match[2])
    kind = _kind(told, thing, match[2], deal)
    if kind is EventKind.POISON:
        return _poison(told, match[0], occurred_at, "An event about a deal does not say which.")
    return InboxEvent(
        source="hubspot",
        event_id=_fingerprint({name: told.get(name) for name in _DEDUPED_BY}),
        kind=kind,
        type=match[0],
        subject=deal,
        occurred_at=occurred_at,
        body=_text(told),
    )


def _kind(told: Mapping[str, Any], thing: str, happened: str, deal: RecordRef | None) -> EventKind:
    if thing == "deal" and happened in _GONE:
        return EventKind.IGNORED  # a deal that is gone is not billed, and what was billed stays
    if thing == "deal" and happened == "propertyChange" and told.get("propertyName") in OUR_PROPERTIES:
        return EventKind.IGNORED  # the echo of our own writing
    if deal is not None and happened in _CHANGED:
        return EventKind.DEAL_CHANGED
    if thing == "deal" and happened in _CHANGED:
        return EventKind.POISON
    return EventKind.IGNORED if thing in _OF_NO_CONSEQUENCE else EventKind.UNKNOWN


def _deal_of(told: Mapping[str, Any], thing: str, happened: str) -> RecordRef | None:
    """The deal an event is about: its object, or the deal's side of an association that came or went."""
    if happened == "associationChange":
        association = str(told.get("associationType", "")).upper()
        if association.startswith("DEAL_TO_") or told.get("fromObjectTypeId") == "0-3":
            return _deal(told.get("fromObjectId"))
        if association.endswith("_TO_DEAL") or told.get("toObjectTypeId") == "0-3":
            return _deal(told.get("toObjectId"))
    if thing != "deal":
        return None
    if happened == "merge":
        return _deal(told.get("newObjectId")) or _deal(told.get("primaryObjectId")) or _deal(told.get("objectId"))
    return _deal(told.get("objectId"))


def _workflow_event(told: Mapping[str, Any], sent_at: datetime) -> InboxEvent:
    """A record, sent by a workflow's webhook action: whole, or as the few properties its author chose."""
    thing = str(_first(told, "objectType", "object.objectType", "objectTypeId", "object.objectTypeId") or "deal")
    thing = _OBJECT_TYPES.get(thing, thing.lower())
    deal = _deal(_first(told, *_ID_IN_RECORD)) if thing == "deal" else None
    if thing == "deal" and deal is None:
        return _poison(told, "workflow", sent_at, "A workflow's webhook does not say which deal it is about.")
    # The same record may be sent again after it changed back, so the time of sending is part of what tells two apart.
    changed = _first(told, *_CHANGE_IN_RECORD)
    return InboxEvent(
        source="hubspot",
        event_id=_fingerprint({"workflow": told, "sent": str(changed or sent_at)}),
        kind=EventKind.DEAL_CHANGED if deal else EventKind.IGNORED,
        type="workflow",
        subject=deal,
        occurred_at=sent_at,
        body=_text(told),
    )


def _poison(told: object, name: str, occurred_at: datetime, problem: str) -> InboxEvent:
    return InboxEvent(
        source="hubspot",
        event_id=_fingerprint({"poison": told}),
        kind=EventKind.POISON,
        type=name,
        subject=None,
        occurred_at=occurred_at,
        body=_text(told),
        problem=problem,
    )


def _once(events: Iterable[InboxEvent]) -> list[InboxEvent]:
    return list({event.event_id: event for event in events}.values())


def _deal(value: object) -> RecordRef | None:
    """HubSpot writes ids as numbers here and as text there."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return RecordRef("hubspot", "deal", text) if _ID.fullmatch(text) else None


def _moment(value: object) -> datetime | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(_LATEST)):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _LATEST:
        return None
    return _EPOCH + timedelta(milliseconds=value)


def _sent_at(request: InboundRequest) -> datetime:
    """When HubSpot sent the request; without its header we do not know, and say so with 1970."""
    return _moment(request.headers.get(TIMESTAMP)) or _EPOCH


def _first(told: Mapping[str, Any], *paths: str) -> object:
    """The first plain value that any of these paths leads to."""
    for path in paths:
        here: object = told
        for name in path.split("."):
            here = here.get(name) if isinstance(here, dict) else None
        if isinstance(here, str | int) and not isinstance(here, bool) and here != "":
            return here
    return None


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except ValueError as error:
        # ValueError: not UTF-8, not JSON, or a number longer than Python reads
        raise _unreadable(f"The body is not JSON ({type(error).__name__}).") from None


def _no_constant(name: str) -> object:
    """NaN and Infinity are Python's own, not JSON's."""
    raise ValueError(name)


def _fingerprint(parts: Mapping[str, object]) -> str:
    return hashlib.sha256(_text(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _unreadable(sentence: str) -> Unreadable:
    return Unreadable(sentence, hint="Look at who sends to this address.", provider="hubspot")


def _forged(sentence: str, hint: str = "") -> NotGenuine:
    return NotGenuine(sentence, hint=hint, provider="hubspot")


def _wrong_signature() -> NotGenuine:
    return _forged(
        "The request's signature is wrong.",
        "PUBLIC_URL must be the address that HubSpot calls, and HUBSPOT_CLIENT_SECRETS the secret of that app.",
    )
