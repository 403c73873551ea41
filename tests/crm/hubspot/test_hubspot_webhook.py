"""Reading HubSpot's deliveries: which event is about which deal, and which is of no consequence."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot.entered_properties import ENTERED
from connector.crm.hubspot.settings import HubSpotSettings
from connector.crm.hubspot.webhook import OUR_PROPERTIES, HubSpotWebhook
from connector.domain.inbox import EventKind, InboundRequest, InboxEvent
from connector.domain.refs import RecordRef
from connector.errors import NotGenuine, Unreadable

FIXTURES = Path(__file__).parents[2] / "fixtures" / "hubspot"
SENT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
SENT_MS = 1795253400000


def a_webhook(**more: Any) -> HubSpotWebhook:
    return HubSpotWebhook(HubSpotSettings(access_token="t", client_secrets=("s",), **more))


def parse(body: Any, **settings: Any) -> list[InboxEvent]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"x-hubspot-request-timestamp": str(SENT_MS)}
    return a_webhook(**settings).parse(InboundRequest("POST", "https://x.test/webhooks/hubspot", headers, content))


def an_event(what: str = "deal.propertyChange", **more: Any) -> dict[str, Any]:
    return {
        "eventId": 1,
        "subscriptionId": 2,
        "portalId": 62515,
        "appId": 3,
        "occurredAt": 1795253399123,
        "subscriptionType": what,
        "attemptNumber": 0,
        "objectId": 4711,
        "changeSource": "CRM_UI",
        **more,
    }


def only(body: Any, **settings: Any) -> InboxEvent:
    (event,) = parse(body, **settings)
    return event


def test_a_changed_deal_asks_for_work_on_that_deal() -> None:
    """The reference is all we keep of it: the deal is fetched afresh."""
    event = only([an_event(propertyName="dealstage", propertyValue="8412")])

    assert event.source == "hubspot"
    assert event.kind is EventKind.DEAL_CHANGED
    assert event.subject == RecordRef("hubspot", "deal", "4711")
    assert event.type == "deal.propertyChange"
    assert event.occurred_at == datetime(2026, 11, 21, 9, 29, 59, 123_000, tzinfo=UTC)
    assert json.loads(event.body)["propertyValue"] == "8412"
    assert len(event.event_id) == 64


def test_a_recorded_delivery_is_read() -> None:
    """As it was quoted from a real portal."""
    event = only((FIXTURES / "deal.propertyChange__single.json").read_bytes())

    assert event.subject == RecordRef("hubspot", "deal", "697680835")
    assert event.kind is EventKind.DEAL_CHANGED


def test_a_mixed_delivery_gives_an_event_for_each_entry() -> None:
    """A new contact is of no consequence, the deal's change is."""
    events = parse((FIXTURES / "mixed__batch.json").read_bytes())

    assert [(event.type, event.kind) for event in events] == [
        ("contact.creation", EventKind.IGNORED),
        ("deal.propertyChange", EventKind.DEAL_CHANGED),
    ]


@pytest.mark.parametrize(
    ("event", "kind", "deal"),
    [
        (an_event("deal.creation"), EventKind.DEAL_CHANGED, "4711"),
        (an_event("deal.restore"), EventKind.DEAL_CHANGED, "4711"),
        (an_event("deal.merge", newObjectId=9, primaryObjectId=4711), EventKind.DEAL_CHANGED, "9"),
        (an_event("deal.merge", primaryObjectId=8), EventKind.DEAL_CHANGED, "8"),
        (an_event("deal.merge"), EventKind.DEAL_CHANGED, "4711"),
        (an_event("deal.deletion"), EventKind.IGNORED, "4711"),
        (an_event("deal.privacyDeletion"), EventKind.IGNORED, "4711"),
        (an_event("object.propertyChange", objectTypeId="0-3"), EventKind.DEAL_CHANGED, "4711"),
        (an_event("object.creation", objectTypeId="0-3"), EventKind.DEAL_CHANGED, "4711"),
        (an_event("object.deletion", objectTypeId="0-3"), EventKind.IGNORED, "4711"),
        (an_event("object.propertyChange", objectTypeId="0-2"), EventKind.IGNORED, None),
        (an_event("object.propertyChange", objectTypeId="2-98765"), EventKind.UNKNOWN, None),
        (an_event("object.propertyChange"), EventKind.UNKNOWN, None),
        (an_event("company.propertyChange"), EventKind.IGNORED, None),
        (an_event("line_item.propertyChange"), EventKind.IGNORED, None),
        (an_event("contact.deletion"), EventKind.IGNORED, None),
        (an_event("conversation.newMessage"), EventKind.IGNORED, None),
        (an_event("deal.somethingNew"), EventKind.UNKNOWN, "4711"),
        (an_event("rocket.launch"), EventKind.UNKNOWN, None),
    ],
)
def test_every_event_has_one_of_three_fates(event: dict[str, Any], kind: EventKind, deal: str | None) -> None:
    """Handled, ignored on purpose, or unknown: that is how we hear that HubSpot changed."""
    found = only([event])

    assert found.kind is kind
    assert found.subject == (RecordRef("hubspot", "deal", deal) if deal else None)


@pytest.mark.parametrize(
    ("event", "deal"),
    [
        (an_event("deal.associationChange", associationType="DEAL_TO_COMPANY", fromObjectId=5, toObjectId=6), "5"),
        (an_event("company.associationChange", associationType="COMPANY_TO_DEAL", fromObjectId=6, toObjectId=5), "5"),
        (
            an_event("line_item.associationChange", associationType="LINE_ITEM_TO_DEAL", fromObjectId=6, toObjectId=5),
            "5",
        ),
        (an_event("object.associationChange", fromObjectTypeId="0-3", fromObjectId=5, toObjectId=6), "5"),
        (an_event("object.associationChange", toObjectTypeId="0-3", fromObjectId=6, toObjectId=5), "5"),
    ],
)
def test_what_is_put_on_a_deal_or_taken_off_it_changes_the_deal(event: dict[str, Any], deal: str) -> None:
    """A line item or company that comes late must wake the deal, from whichever side HubSpot tells it."""
    del event["objectId"]
    found = only([event])

    assert found.kind is EventKind.DEAL_CHANGED
    assert found.subject == RecordRef("hubspot", "deal", deal)


def test_a_contact_that_joins_a_company_is_of_no_consequence() -> None:
    """No deal on either side."""
    event = an_event("contact.associationChange", associationType="CONTACT_TO_COMPANY", fromObjectId=5, toObjectId=6)

    assert only([event]).kind is EventKind.IGNORED


@pytest.mark.parametrize("name", ["billing_health", "billing_sync_status", "billing_customer_id"])
def test_our_own_writing_does_not_wake_us(name: str) -> None:
    """HubSpot tells of every change, ours included."""
    assert only([an_event(propertyName=name, propertyValue="x")]).kind is EventKind.IGNORED


def test_what_people_fill_in_for_us_does_wake_us() -> None:
    """A parked deal is billed as soon as someone sets its start date, although that begins with billing_ as well."""
    read_only_by_us = [each.name for each in ENTERED["deal"]]

    assert "billing_start" in read_only_by_us
    assert not OUR_PROPERTIES & set(read_only_by_us)
    for name in read_only_by_us:
        assert only([an_event(propertyName=name, propertyValue="x")]).kind is EventKind.DEAL_CHANGED


# --- Telling repeats from news --------------------------------------------------------------------------------------


def test_a_second_delivery_of_an_event_has_the_same_id() -> None:
    """The attempt number counts up, and eventId is not promised to be unique."""
    first = an_event(propertyName="amount", propertyValue="1")
    again = {**first, "attemptNumber": 3, "eventId": 99}

    assert only([first]).event_id == only([again]).event_id


@pytest.mark.parametrize(
    "difference",
    [
        {"portalId": 1},
        {"subscriptionType": "deal.creation"},
        {"objectId": 4712},
        {"propertyName": "dealstage"},
        {"occurredAt": 1795253399124},
        {"propertyValue": "2"},
        {"propertyValue": None},
        {"objectTypeId": "0-2"},
    ],
)
def test_any_other_event_has_another_id(difference: dict[str, Any]) -> None:
    """Whatever tells two changes apart is part of the id."""
    event = an_event(propertyName="amount", propertyValue="1")

    assert only([event]).event_id != only([{**event, **difference}]).event_id


def test_fields_do_not_run_into_each_other_in_an_id() -> None:
    """amount=12 and amount1=2 are two events."""
    one = an_event(propertyName="amount", propertyValue="12")
    other = an_event(propertyName="amount1", propertyValue="2")

    assert only([one]).event_id != only([other]).event_id


def test_two_associations_of_one_moment_are_two_events() -> None:
    """They have neither objectId nor property."""
    events = [
        {**an_event("deal.associationChange", associationType="DEAL_TO_LINE_ITEM", fromObjectId=5, toObjectId=n)}
        for n in (6, 7)
    ]
    assert len({event.event_id for event in parse(events)}) == 2


def test_an_event_that_stands_twice_in_one_delivery_is_one_event() -> None:
    """The store would only find the second to be known."""
    assert len(parse([an_event(), {**an_event(), "attemptNumber": 1}])) == 1


# --- Workflows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"objectId": 4711, "objectType": "DEAL", "properties": {"dealname": {"value": "x"}}},
        {"dealId": 4711, "portalId": 62515, "isDeleted": False, "properties": {}},
        {"hs_object_id": "4711"},
        {"properties": {"hs_object_id": {"value": "4711", "versions": []}}},
        {"properties": {"hs_object_id": "4711", "dealname": "x"}},
        {"origin": {"portalId": 62515}, "object": {"objectId": 4711, "objectType": "DEAL"}},
        {"objectTypeId": "0-3", "objectId": 4711},
    ],
)
def test_a_workflows_webhook_names_its_deal_in_one_of_many_ways(body: dict[str, Any]) -> None:
    """Whole records, or the few properties that the workflow's author chose."""
    event = only(body)

    assert event.kind is EventKind.DEAL_CHANGED
    assert event.subject == RecordRef("hubspot", "deal", "4711")
    assert event.type == "workflow"
    assert event.occurred_at == SENT


def test_a_workflow_about_companies_is_of_no_consequence() -> None:
    """Its id must not be taken for a deal's."""
    event = only({"objectType": "COMPANY", "objectId": 4711})

    assert (event.kind, event.subject) == (EventKind.IGNORED, None)


@pytest.mark.parametrize("body", [{}, {"dealname": "x"}, {"objectId": "abc"}, {"objectId": -1}, {"objectId": True}])
def test_a_workflow_that_does_not_say_which_deal_is_poison(body: dict[str, Any]) -> None:
    """Its author forgot the record id; a person must see it."""
    event = only(body)

    assert event.kind is EventKind.POISON
    assert "which deal" in event.problem


def test_the_same_version_of_a_record_sent_twice_is_one_event_a_later_one_another() -> None:
    """A deal may be won, reopened and won again with the same body otherwise."""
    body = {"objectId": 4711, "properties": {"hs_lastmodifieddate": {"value": "1795253399000"}}}
    later = {"objectId": 4711, "properties": {"hs_lastmodifieddate": {"value": "1795253399001"}}}

    assert only(body).event_id == only(body).event_id != only(later).event_id


def test_a_bare_body_sent_again_later_is_not_lost_as_a_repeat() -> None:
    """With nothing in it but an id, the time of sending tells two apart."""
    content = json.dumps({"hs_object_id": 4711}).encode()
    requests = [
        InboundRequest("POST", "https://x.test/", {"x-hubspot-request-timestamp": str(SENT_MS + n)}, content)
        for n in (0, 1)
    ]
    assert len({a_webhook().parse(request)[0].event_id for request in requests}) == 2


def test_a_request_without_a_time_still_gives_an_event() -> None:
    """v1 and v2 carry none."""
    (event,) = a_webhook().parse(InboundRequest("POST", "https://x.test/", {}, b'{"hs_object_id": 4711}'))

    assert event.occurred_at == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_single_event_without_a_list_is_read() -> None:
    """Some relays unpack the list."""
    assert only(an_event()).kind is EventKind.DEAL_CHANGED


# --- Whose account --------------------------------------------------------------------------------------------------


def test_events_of_other_accounts_are_left_out() -> None:
    """HubSpot puts several accounts of one app into one delivery."""
    events = parse([an_event(), an_event(portalId=1, objectId=5)], portal_ids="62515")

    assert [event.subject for event in events] == [RecordRef("hubspot", "deal", "4711")]


@pytest.mark.parametrize("body", [[an_event(portalId=1)], {"hs_object_id": 4711}, [an_event(portalId=None)], ["text"]])
def test_a_delivery_wholly_from_elsewhere_is_refused(body: Any) -> None:
    """Or one that does not say where it is from, once the list says who may."""
    with pytest.raises(NotGenuine, match="HUBSPOT_PORTAL_IDS"):
        parse(body, portal_ids="62515")


def test_a_workflow_of_an_account_on_the_list_is_read() -> None:
    """The id may stand in its origin."""
    body = {"origin": {"portalId": 62515}, "object": {"objectId": 4711, "objectType": "DEAL"}}

    assert only(body, portal_ids="62515").kind is EventKind.DEAL_CHANGED


# --- Hostile and broken bodies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b'"text"',
        b"5",
        b"null",
        b"true",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[NaN]",
        b"[1" + b"0" * 5_000 + b"]",
        b'{"objectId": 1}{"objectId": 2}',
    ],
)
def test_a_body_that_makes_no_sense_is_unreadable(body: bytes) -> None:
    """Stored and parked by the receiver; never a crash."""
    with pytest.raises(Unreadable):
        parse(body)


def test_a_hundred_events_are_read_and_a_hundred_and_one_are_not() -> None:
    """HubSpot sends at most a hundred."""
    events = [an_event(objectId=n) for n in range(1, 102)]

    assert len(parse(events[:100])) == 100
    with pytest.raises(Unreadable, match="100"):
        parse(events)


def test_an_empty_list_is_no_event() -> None:
    """And no error either."""
    assert parse([]) == []


@pytest.mark.parametrize(
    "broken",
    [
        "text",
        None,
        [],
        {},
        {"subscriptionType": 5},
        {"subscriptionType": "nonsense", "occurredAt": 1},
        an_event(occurredAt=None),
        an_event(occurredAt="yesterday"),
        an_event(occurredAt=True),
        an_event(occurredAt=-1),
        an_event(occurredAt=10**14),
        an_event(occurredAt=1.5),
        an_event(objectId=None),
        an_event(objectId=0),
        an_event(objectId="4711; drop table"),
        an_event(objectId=True),
        an_event(objectId=10**20),
        an_event(objectId=[4711]),
    ],
)
def test_one_broken_event_is_poison_and_spoils_no_other(broken: Any) -> None:
    """It is parked with a sentence; the good one goes to work."""
    first, second = parse([broken, an_event()])

    assert first.kind is EventKind.POISON
    assert first.problem.endswith(".")
    assert first.subject is None
    assert second.kind is EventKind.DEAL_CHANGED


def test_a_time_and_an_id_as_text_are_read_as_well() -> None:
    """Some relays write numbers as text."""
    event = only([an_event(occurredAt="1795253399123", objectId="4711")])

    assert event.subject == RecordRef("hubspot", "deal", "4711")
    assert event.occurred_at.microsecond == 123_000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=15,
)


@given(
    st.lists(
        json_values
        | st.builds(
            lambda base, changes: {**base, **changes},
            st.just(an_event()),
            st.dictionaries(st.sampled_from(sorted(an_event())), json_values, max_size=3),
        ),
        max_size=4,
    )
    | json_values
)
def test_any_json_is_read_or_refused_in_our_words(body: Any) -> None:
    """Events about deals have a subject, all have an id and a time."""
    try:
        events = parse(body)
    except Unreadable:
        return
    for event in events:
        assert len(event.event_id) == 64
        assert event.occurred_at.tzinfo is UTC
        assert (event.kind is not EventKind.DEAL_CHANGED) or event.subject is not None
        assert bool(event.problem) == (event.kind is EventKind.POISON)
        json.loads(event.body)


def test_an_acknowledgement_is_any_2xx() -> None:
    """HubSpot reads nothing of it."""
    request = InboundRequest("POST", "https://x.test/", {}, b"[]")

    assert a_webhook().acknowledge(request).status == 200
    assert a_webhook().source == "hubspot"


def test_the_order_of_keys_and_events_changes_no_id() -> None:
    """Events come in any order, and so do their keys."""
    events = [an_event(objectId=n) for n in (1, 2, 3)]
    ids = [
        {event.event_id for event in parse([dict(reversed(each.items())) for each in order])}
        for order in itertools.permutations(events)
    ]
    assert all(each == ids[0] for each in ids)
