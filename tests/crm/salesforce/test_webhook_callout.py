"""Signed callouts: fresh, ours, and worth an event for each record."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.crm.salesforce.webhook import SalesforceWebhook
from connector.domain.inbox import EventKind, InboundRequest
from connector.domain.refs import RecordRef
from connector.errors import NotGenuine, Unreadable
from tests.crm.salesforce.conftest import ORG_ID, some_settings
from tests.doors import is_accepted

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DEAL = RecordRef("salesforce", "deal", "0067F000003pmdWQAQ")
RECORD = {"type": "Opportunity", "id": DEAL.id}


def webhook(**changes: Any) -> SalesforceWebhook:
    return SalesforceWebhook(some_settings(webhook_secrets=("new", "old"), **changes))


def body(*records: object, **more: Any) -> bytes:
    return json.dumps({"organizationId": ORG_ID, "event": "won", "records": list(records or [RECORD])} | more).encode()


def signature(content: bytes, at: datetime | str = NOW, secret: str = "new") -> str:
    """The header as the sender makes it."""
    t = str(int(at.timestamp())) if isinstance(at, datetime) else at
    return f"t={t},v1={hmac.new(secret.encode(), f'{t}.'.encode() + content, hashlib.sha256).hexdigest()}"


def request(content: bytes, header: str | None = None) -> InboundRequest:
    headers = {"x-connector-signature": signature(content) if header is None else header}
    return InboundRequest("POST", "https://us/webhooks/salesforce", headers, content)


def test_each_record_is_an_event() -> None:
    """One callout may come from a trigger with many records."""
    other = {"type": "Account", "id": "0017F000007ydJmQAI"}
    delivery = request(body(RECORD, {"type": "Opportunity", "id": DEAL.id[:15]}, other))
    hook = webhook(organization_ids=ORG_ID)

    hook.verify(delivery, NOW)
    first, second, third = hook.parse(delivery)

    assert (first.kind, first.subject) == (EventKind.DEAL_CHANGED, DEAL)
    assert second.subject == DEAL
    assert (third.kind, third.subject) == (EventKind.UNKNOWN, None)
    assert len({first.event_id, second.event_id, third.event_id}) == 3
    assert first.type == "callout:Opportunity:won"
    assert first.occurred_at == NOW
    assert json.loads(first.body)["records"] == [RECORD]
    assert json.loads(third.body)["records"] == [other]


def test_the_same_bytes_twice_are_the_same_events() -> None:
    """A repeated delivery is known by its ids; a later one of the same record is not mistaken for it."""
    hook, content = webhook(), body()
    again = hook.parse(request(content, signature(content, NOW)))
    later = hook.parse(request(content, signature(content, NOW + timedelta(seconds=1))))
    assert hook.parse(request(content)) == again
    assert later[0].event_id != again[0].event_id


def test_the_sender_may_number_its_deliveries() -> None:
    """Then two changes in one second are two events."""
    first, second = (webhook().parse(request(body(eventId=name)))[0] for name in ("a-1", "a-2"))
    assert (first.event_id, second.event_id) == ("a-1:0", "a-2:0")


def test_any_valid_secret_will_do() -> None:
    """During a rotation both are in use, on either side."""
    content = body()
    for secret in ("new", "old"):
        assert is_accepted(webhook(), request(content, signature(content, secret=secret)), NOW)
    both = f"{signature(content, secret='elsewhere')},{signature(content).split(',')[1]}"
    assert is_accepted(webhook(), request(content, both), NOW)


@pytest.mark.parametrize("seconds", [300, -300, 0])
def test_a_clock_may_be_five_minutes_off(seconds: int) -> None:
    """In both directions."""
    content = body()
    assert is_accepted(webhook(), request(content, signature(content, NOW + timedelta(seconds=seconds))), NOW)


@pytest.mark.parametrize("seconds", [301, -301])
def test_an_old_or_future_signature_is_refused(seconds: int) -> None:
    """A recorded delivery cannot be played back later, nor made ahead of time."""
    content = body()
    with pytest.raises(NotGenuine, match="too old, or from the future"):
        webhook().verify(request(content, signature(content, NOW + timedelta(seconds=seconds))), NOW)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1,v1",
        "v1=abc",
        "t=now,v1=abc",
        signature(body()).split(",")[0],
        f"t=1,{signature(body())}",
        f"{signature(body())},t=1",
        signature(body(), "0" + str(int(NOW.timestamp()))),
        signature(body(), "999999999999"),
        signature(body(), secret="wrong"),
        signature(body()).replace("v1=", "v0="),
        signature(body() + b" "),
        signature(body()) + "é",
    ],
)
def test_a_signature_that_does_not_fit_is_refused(header: str) -> None:
    """Missing parts, odd times, another secret, another body."""
    with pytest.raises(NotGenuine):
        webhook().verify(request(body(), header), NOW)


def test_without_secrets_no_callout_gets_in() -> None:
    """Not even one signed with nothing."""
    content = body()
    with pytest.raises(NotGenuine):
        SalesforceWebhook(some_settings()).verify(request(content, signature(content, secret="")), NOW)


def test_another_org_is_refused() -> None:
    """A shared secret that wandered to another org."""
    hook = webhook(organization_ids=ORG_ID)
    with pytest.raises(NotGenuine, match="org that is not ours"):
        hook.verify(request(body(organizationId="00D000000000001EAA")), NOW)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 5_000,
        body(organizationId=None),
        body(organizationId="x"),
        body(records=[]),
        body(records="all"),
        body(*[RECORD] * 201),
    ],
)
def test_a_verified_body_without_sense_is_unreadable(content: bytes) -> None:
    """It is kept for a person, not refused."""
    hook = webhook(organization_ids=ORG_ID)
    hook.verify(request(content), NOW)
    with pytest.raises(Unreadable):
        hook.parse(request(content))


@pytest.mark.parametrize(
    "record", [7, {}, {"type": "Opportunity"}, {"type": "Opportunity", "id": "x"}, {"id": DEAL.id}]
)
def test_one_bad_record_is_parked_and_spoils_no_other(record: object) -> None:
    """The good one does its work."""
    poison, good = webhook().parse(request(body(record, RECORD)))
    assert poison.kind is EventKind.POISON
    assert "Record 1" in poison.problem
    assert good.subject == DEAL


def test_a_strange_event_name_is_left_out() -> None:
    """Names become metric labels."""
    [event] = webhook().parse(request(body(event="won\n{evil}")))
    assert event.type == "callout:Opportunity"


def test_the_answer_is_json() -> None:
    """What a flow or Apex reads as success."""
    answer = webhook().acknowledge(request(body()))
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert json.loads(answer.body) == {"received": True}
