"""One webhook delivery, and the events found in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from connector.domain.refs import RecordRef


class EventKind(StrEnum):
    """Our word for what happened. The record is fetched afresh whatever the event said."""

    DEAL_CHANGED = "deal_changed"  #: bill it if it is won
    BILLING_CHANGED = "billing_changed"  #: subject is a customer: refresh its account
    BILLING_TRACE = "billing_trace"  #: subject is a billing record whose customer is not named: find it first
    IGNORED = "ignored"  #: known, and of no consequence
    UNKNOWN = "unknown"  #: stored and counted: this is how we hear that a provider changed
    POISON = "poison"  #: from a verified sender, but unreadable: parked for a person


@dataclass(frozen=True, slots=True)
class InboundRequest:
    """An HTTP request as the receiver got it. ``url`` is the configured public address, not the proxy's.

    Header names are lower case.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    path_token: str = ""


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """One verified event; ``source`` and ``event_id`` together are unique."""

    source: str
    event_id: str
    kind: EventKind
    type: str  #: the vendor's own name, for people and metrics
    subject: RecordRef | None
    occurred_at: datetime
    body: str
    problem: str = ""  #: why a poison event could not be read


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the vendor wants to hear once its events are stored."""

    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
