"""Signed JSON callouts: what a record-triggered flow or an Apex class sends when an outbound message does not fit."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.crm.salesforce.ids import is_record_id, long_id
from connector.errors import NotGenuine, Unreadable

HEADER = "x-connector-signature"
MOST_RECORDS = 200  #: as many as one Apex trigger gets at once

_TIMESTAMP = re.compile(r"\d{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class CalledRecord:
    """One record that the callout names. ``id`` is 18 characters, or empty when the body has none that fits."""

    type: str
    id: str
    body: str  #: the callout with this record alone


@dataclass(frozen=True, slots=True)
class Callout:
    """One delivery."""

    organization_id: str
    event: str
    delivery_id: str  #: the sender's own id for it; else made from signature time and body
    sent_at: datetime
    records: tuple[CalledRecord, ...]


def check_signature(header: str, body: bytes, secrets: Sequence[str], now: datetime, tolerance: timedelta) -> None:
    """Raises NotGenuine unless one of the secrets signed these bytes, not long ago and not long ahead.

    The header is ``t=<unix seconds>,v1=<hex>``; v1 is HMAC-SHA256 over ``t.body`` and may stand there several times.
    """
    sent_at = signed_at(header)
    signatures = [value for name, value in _parts(header) if name == "v1"]
    if sent_at is None or not signatures:
        raise NotGenuine("The callout's signature header cannot be read.", provider="salesforce")
    signed = f"{int(sent_at.timestamp())}.".encode() + body
    good = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    # every pair is compared, so that the time taken tells nothing of which secret came close
    matches = [hmac.compare_digest(ours.encode(), theirs.encode()) for ours in good for theirs in signatures]
    if not any(matches):
        raise NotGenuine("The callout is not signed with any of our secrets.", provider="salesforce")
    if abs(now - sent_at) > tolerance:
        raise NotGenuine("The callout's signature is too old, or from the future.", provider="salesforce")


def signed_at(header: str) -> datetime | None:
    """When the sender says it signed; None when the header does not say it exactly once."""
    times = [value for name, value in _parts(header) if name == "t"]
    if len(times) != 1 or _TIMESTAMP.fullmatch(times[0]) is None or (len(times[0]) > 1 and times[0][0] == "0"):
        return None
    try:
        return datetime.fromtimestamp(int(times[0]), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def read_callout(header: str, body: bytes) -> Callout:
    """The delivery's content. Raises Unreadable for a body that is not our agreed shape."""
    content = _decoded(body)
    organization, records = content.get("organizationId"), content.get("records")
    if not isinstance(organization, str) or not is_record_id(organization):
        raise Unreadable("The callout names no organization.", provider="salesforce")
    if not isinstance(records, list) or not 1 <= len(records) <= MOST_RECORDS:
        raise Unreadable(f"A callout names 1 to {MOST_RECORDS} records.", provider="salesforce")
    digest = hashlib.sha256(header.encode() + b"\n" + body).hexdigest()
    given = content.get("eventId")
    return Callout(
        organization_id=long_id(organization),
        event=_word(content.get("event")),
        delivery_id=given if isinstance(given, str) and 0 < len(given) <= 100 else f"callout-{digest[:32]}",
        sent_at=signed_at(header) or datetime.fromtimestamp(0, tz=UTC),
        records=tuple(_record(each, content) for each in records),
    )


def _decoded(body: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("The callout is not JSON.", provider="salesforce") from error
    if not isinstance(content, dict):
        raise Unreadable("The callout is not a JSON object.", provider="salesforce")
    return content


def _record(told: object, content: Mapping[str, Any]) -> CalledRecord:
    body = json.dumps({**content, "records": [told]})
    if not isinstance(told, dict):
        return CalledRecord("", "", body)
    record_id = told.get("id")
    fits = isinstance(record_id, str) and is_record_id(record_id)
    return CalledRecord(_word(told.get("type")), long_id(str(record_id)) if fits else "", body)


def _word(told: object) -> str:
    """A name that is safe to store and count; anything else is no name."""
    return told if isinstance(told, str) and re.fullmatch(r"[\w.:-]{1,100}", told, re.ASCII) else ""


def _parts(header: str) -> list[tuple[str, str]]:
    pairs = (part.strip().partition("=") for part in header[:2_000].split(","))
    return [(name, value) for name, _, value in pairs]
