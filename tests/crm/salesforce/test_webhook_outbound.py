"""Outbound messages: who may send them, what they mean, and what hostile ones come to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.salesforce.webhook import SalesforceWebhook
from connector.domain.inbox import EventKind, InboundRequest
from connector.domain.refs import RecordRef
from connector.errors import NotGenuine, Unreadable
from tests.crm.salesforce.conftest import ORG_ID, fixture, some_settings

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TOKEN = "a-long-and-random-path-token"
SESSION = b"0123456789ABCDE!BSGSR"
DEAL = RecordRef("salesforce", "deal", "0067F000003pmdWQAQ")


def webhook(**changes: object) -> SalesforceWebhook:
    return SalesforceWebhook(some_settings(webhook_token=TOKEN, **changes), clock=lambda: NOW)


def request(body: bytes, token: str = TOKEN) -> InboundRequest:
    headers = {"content-type": "text/xml; charset=utf-8"}
    return InboundRequest("POST", "https://us/webhooks/salesforce", headers, body, path_token=token)


def message(*notifications: str, organization: str = ORG_ID) -> bytes:
    """An envelope around notifications."""
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        f"<OrganizationId>{organization}</OrganizationId><ActionId>04k7F0000000V3hQAE</ActionId>"
        f"<SessionId>{SESSION.decode()}</SessionId>{''.join(notifications)}"
        "</notifications></soapenv:Body></soapenv:Envelope>"
    ).encode()


def notification(
    number: int = 1, *, event: str = "04l{:015d}", kind: str = "sf:Opportunity", fields: str | None = None
) -> str:
    """One notification about an opportunity."""
    inner = f"<sf:Id>{DEAL.id}</sf:Id>" if fields is None else fields
    return (
        f"<Notification>{f'<Id>{event.format(number)}</Id>' if event else ''}"
        f'<sObject xsi:type="{kind}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">{inner}</sObject></Notification>'
    )


# --- what they mean -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["outbound_message__opportunity.xml", "outbound_message__one_line.xml"])
def test_an_opportunity_is_a_doorbell_for_its_deal(name: str) -> None:
    """The event carries the record's name and nothing that the message says of it."""
    hook = webhook(organization_ids=ORG_ID)
    delivery = request(fixture(name))

    hook.verify(delivery, NOW)
    [event] = hook.parse(delivery)

    assert event.source == "salesforce"
    assert event.event_id == "04l7F000000aeAyQAI"
    assert event.kind is EventKind.DEAL_CHANGED
    assert event.subject == DEAL
    assert event.type == "outbound:Opportunity"
    assert event.occurred_at == NOW


def test_other_objects_are_unknown_but_kept() -> None:
    """Three leads after a byte-order mark: stored and counted, none lost."""
    events = webhook().parse(request(fixture("outbound_message__three_leads.xml")))

    assert [event.event_id for event in events] == ["04l37000000L0E5AAK", "14l37000123L0E5AAK", "24l37123450L0E5AAK"]
    assert {event.kind for event in events} == {EventKind.UNKNOWN}
    assert [event.type for event in events] == ["outbound:Lead1", "outbound:Lead2", "outbound:Lead3"]
    assert {event.subject for event in events} == {None}
    assert {event.occurred_at for event in events} == {datetime(2015, 8, 14, 18, 27, 2, tzinfo=UTC)}


def test_a_session_id_is_never_kept() -> None:
    """Orgs that tick "Send Session ID" hand out a key; it stays outside."""
    delivery = request(fixture("outbound_message__three_leads.xml"))
    assert SESSION in delivery.body
    for event in webhook().parse(delivery):
        assert SESSION.decode() not in event.body


def test_a_body_that_cannot_be_read_keeps_no_session_id_either() -> None:
    """Cut short on the way: a person sees the rest."""
    [event] = webhook().parse(request(message(notification())[:-20]))
    assert event.kind is EventKind.POISON
    assert event.problem == "The body is not XML."
    assert SESSION.decode() not in event.body
    assert DEAL.id in event.body


def test_a_kept_body_parses_to_the_same_event() -> None:
    """What is stored for replay holds its own notification and no other."""
    hook = webhook()
    events = hook.parse(request(message(notification(1), notification(2, kind="sf:Account"))))
    assert len(events) == 2
    for event in events:
        [again] = hook.parse(request(event.body.encode()))
        assert again == event


def test_a_short_record_id_becomes_a_long_one() -> None:
    """Both lengths name one deal."""
    [event] = webhook().parse(request(message(notification(fields="<sf:Id>0067F000003pmdW</sf:Id>"))))
    assert event.subject == DEAL


@pytest.mark.parametrize("fields", ["", "<!-- gone -->"])
def test_an_empty_notification_is_a_deleted_record(fields: str) -> None:
    """Salesforce sends one when the record went before the message did."""
    [event] = webhook().parse(request(message(notification(fields=fields))))
    assert event.kind is EventKind.IGNORED


@pytest.mark.parametrize(
    "bad",
    [
        notification(event=""),
        notification(fields="<sf:Name>no id</sf:Name>"),
        notification(fields="<sf:Id>not-an-id</sf:Id>"),
        notification(fields="<sf:Id>0067F000003pmdW&#10;x</sf:Id>"),
    ],
)
def test_one_bad_notification_is_parked_and_spoils_no_other(bad: str) -> None:
    """The others in the message do their work."""
    poison, good = webhook().parse(request(message(bad, notification(2))))
    assert poison.kind is EventKind.POISON
    assert poison.problem
    assert poison.event_id
    assert good.kind is EventKind.DEAL_CHANGED


@pytest.mark.parametrize("stamp", ["yesterday", "2026-11-21T10:00:00"])
def test_a_time_that_cannot_be_read_is_the_time_of_arrival(stamp: str) -> None:
    """Nothing depends on it but the order people see."""
    fields = f"<sf:Id>{DEAL.id}</sf:Id><sf:SystemModstamp>{stamp}</sf:SystemModstamp>"
    [event] = webhook().parse(request(message(notification(fields=fields))))
    assert event.occurred_at == NOW


def test_a_full_message_is_a_hundred_events() -> None:
    """The most that Salesforce puts in one."""
    events = webhook().parse(request(message(*(notification(n) for n in range(100)))))
    assert len({event.event_id for event in events}) == 100


def test_the_answer_is_a_soap_ack() -> None:
    """In the shape of the recorded answer: same elements, same namespace, true."""
    answer = webhook().acknowledge(request(message(notification())))
    recorded = fromstring(fixture("outbound_ack__aspnet.xml"))
    given_back = fromstring(answer.body)

    assert answer.status == 200
    assert answer.content_type == "text/xml; charset=utf-8"
    assert [each.tag for each in given_back.iter()] == [each.tag for each in recorded.iter()]
    assert given_back.findtext(".//{http://soap.sforce.com/2005/09/outbound}Ack") == "true"


# --- who may send them ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "a-long-and-random-path-tokem", TOKEN.upper(), "tökén"])
def test_a_wrong_token_is_refused(token: str) -> None:
    """The address is the secret."""
    with pytest.raises(NotGenuine, match="token"):
        webhook().verify(request(message(notification()), token), NOW)


def test_without_a_token_nothing_gets_in() -> None:
    """An empty secret is none, even against an empty token."""
    hook = SalesforceWebhook(some_settings())
    with pytest.raises(NotGenuine, match="No token"):
        hook.verify(request(message(notification()), ""), NOW)


def test_another_org_is_refused() -> None:
    """A right token from a wrong org: someone copied our flow."""
    hook = webhook(organization_ids=ORG_ID)
    hook.verify(request(message(notification(), organization=ORG_ID[:15])), NOW)
    with pytest.raises(NotGenuine, match="org that is not ours"):
        hook.verify(request(message(notification(), organization="00D000000000001EAA")), NOW)


# --- hostile and broken ones ----------------------------------------------------------------------------------------

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1 or str()};" * 10}">' for n in range(1, 10))
    + "]>"
).encode()


@pytest.mark.parametrize(
    "prologue",
    [
        LAUGHS,
        b'<!DOCTYPE x [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE x SYSTEM "https://example.com/evil.dtd">',
        b'<!DOCTYPE x [<!ENTITY % p SYSTEM "https://example.com/p"> %p;]>',
        b"<!DOCTYPE x>",
    ],
)
def test_a_dtd_is_refused_at_the_door(prologue: bytes) -> None:
    """Billion laughs, external entities, or a bare DTD: Salesforce sends none of them."""
    delivery = request(prologue + message(notification(fields="<sf:Id>&xxe;</sf:Id>")))
    with pytest.raises(NotGenuine, match="never sends"):
        webhook().verify(delivery, NOW)
    with pytest.raises(NotGenuine, match="never sends"):
        webhook().parse(delivery)


def bare(body: bytes) -> bytes:
    """A message whose flow sends no session id."""
    return body.replace(b"<SessionId>" + SESSION + b"</SessionId>", b"")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"{}",
        b"<a>",
        b"<a/>",
        b"\xff\xfe\x00",
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        bare(message()),
        bare(message(*(notification(n) for n in range(101)))),
        bare(message(notification(), organization="")),
        bare(message(notification(), organization="00D")),
        bare(message(notification())).replace(b"2005/09/outbound", b"2005/09/inbound"),
        bare(message(notification())).replace(b"soapenv:Envelope", b"soapenv:Letter"),
    ],
)
def test_a_verified_body_without_sense_is_unreadable(body: bytes) -> None:
    """The sender proved itself, so the body is kept for a person instead of being refused."""
    hook = webhook(organization_ids=ORG_ID)
    hook.verify(request(body), NOW)
    with pytest.raises(Unreadable):
        hook.parse(request(body))


@given(st.binary(max_size=300), st.integers(0, 300))
def test_no_body_makes_the_parser_fall(noise: bytes, place: int) -> None:
    """Damage anywhere ends in an event or in one of our errors."""
    whole = message(notification())
    hook = webhook()
    for body in (noise, whole[:place] + noise + whole[place + len(noise) :]):
        try:
            events = hook.parse(request(body))
        except (Unreadable, NotGenuine):
            continue
        assert all(event.event_id for event in events)
