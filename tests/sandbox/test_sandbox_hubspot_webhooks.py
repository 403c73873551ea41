"""Webhooks of the make-believe HubSpot: what is sent, how it is signed, and how often it is tried."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hubspot.utils.signature import Signature

from connector.sandbox.faults import Fault
from connector.sandbox.hubspot import signatures, webhooks
from tests.sandbox.hubspot_served import Received, Receiver, Served, served

KEY = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def hubspot(receiver: Receiver) -> Iterator[Served]:
    with served() as one:
        one.control("PUT", "/webhooks", {"target_url": receiver.url, "secret": KEY})
        yield one


def events(received: list[Received]) -> list[dict[str, Any]]:
    return [event for one in received for event in json.loads(one.body)]


def settle(hubspot: Served) -> None:
    assert hubspot.deliveries.wait_until_idle(10)


def test_a_deal_won_by_a_person_rings(hubspot: Served, receiver: Receiver) -> None:
    """One event for the stage, numeric ids, milliseconds, and who changed it."""
    deal = hubspot.vendor.people.create("deals", {"dealname": "A"}).id
    settle(hubspot)
    receiver.received.clear()

    hubspot.vendor.people.edit("deals", deal, {"dealstage": "closedwon"})
    settle(hubspot)

    by_name = {one["propertyName"]: one for one in events(receiver.received)}
    stage = by_name["dealstage"]
    assert set(by_name) == {"dealstage", "closedate"}
    assert (stage["subscriptionType"], stage["propertyValue"]) == ("deal.propertyChange", "closedwon")
    assert (stage["objectId"], stage["changeSource"], stage["attemptNumber"]) == (int(deal), "CRM_UI", 0)
    assert stage["occurredAt"] > 1_700_000_000_000
    assert {"eventId", "subscriptionId", "portalId", "appId", "sourceId"} <= stage.keys()


def test_our_own_writes_come_back_as_integration(hubspot: Served, receiver: Receiver) -> None:
    """Creations through the API and deletions are told too."""
    api = hubspot.client().crm.companies.basic_api
    company = api.create({"properties": {"name": "Acme"}}).id
    api.archive(company)
    settle(hubspot)

    told = [(one["subscriptionType"], one["changeSource"]) for one in events(receiver.received)]
    assert sorted(told) == [
        ("company.creation", "INTEGRATION"),
        ("company.deletion", "INTEGRATION"),
        ("company.propertyChange", "INTEGRATION"),
    ]


def test_line_items_ring_and_the_deals_amount_is_hubspots_doing(hubspot: Served, receiver: Receiver) -> None:
    """A changed quantity is one event of the line item and one calculated event of the deal."""
    made = hubspot.vendor.people.deal({"dealname": "A"}, line_items=[{"price": "10", "quantity": "1"}])
    settle(hubspot)
    receiver.received.clear()

    hubspot.vendor.people.edit("line_items", made["line_items"][0], {"quantity": "2"})
    settle(hubspot)

    told = {(one["subscriptionType"], one["propertyName"], one["changeSource"]) for one in events(receiver.received)}
    assert told == {
        ("line_item.propertyChange", "quantity", "CRM_UI"),
        ("deal.propertyChange", "amount", "CALCULATED"),
    }


def test_signatures_are_those_the_official_helper_makes(hubspot: Served, receiver: Receiver) -> None:
    """v3 over method, address, body and timestamp; v1 beside it."""
    hubspot.vendor.people.create("deals", {"dealname": "Straße"})
    settle(hubspot)
    one = receiver.received[0]
    headers, body = one.headers, one.body.decode()

    assert Signature.is_valid(
        signature=headers["X-HubSpot-Signature-v3"],
        client_secret=KEY,
        request_body=body,
        http_uri=receiver.url,
        signature_version="v3",
        timestamp=headers["X-HubSpot-Request-Timestamp"],
    )
    assert Signature.is_valid(headers["X-HubSpot-Signature"], KEY, body, signature_version="v1")


def test_the_timestamp_is_the_sandbox_clocks(hubspot: Served, receiver: Receiver) -> None:
    """A week later in the sandbox is a week later in the header."""
    hubspot.clock.advance(timedelta(days=7))
    hubspot.vendor.people.create("deals", {"dealname": "A"})
    settle(hubspot)

    stamp = int(receiver.received[0].headers["X-HubSpot-Request-Timestamp"])
    assert abs(stamp - hubspot.clock.now().timestamp() * 1000) < 60_000


def test_what_happens_together_is_sent_together(
    hubspot: Served, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred deals made under one lock are a few batches of at most a hundred."""
    monkeypatch.setattr(webhooks, "_GATHER", 0.3)  # a busy machine makes them slowly
    with hubspot.vendor.portal.lock:
        for n in range(200):
            hubspot.vendor.people.create("deals", {"dealname": f"D{n}"})
    settle(hubspot)

    sizes = [len(json.loads(one.body)) for one in receiver.received]
    created = [one for one in events(receiver.received) if one["subscriptionType"] == "deal.creation"]
    assert len(created) == 200
    assert max(sizes) <= 100
    assert len(sizes) < 100
    assert len({one["eventId"] for one in events(receiver.received)}) == sum(sizes)


def test_a_refusing_receiver_is_tried_again(
    hubspot: Served, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same events with a higher attempt number, until a 2xx."""
    monkeypatch.setattr(webhooks, "_GATHER", 0.3)  # one delivery, however busy the machine
    receiver.answers = [500, 404]
    hubspot.vendor.people.create("companies", {"name": "A"})
    settle(hubspot)

    attempts = [{one["attemptNumber"] for one in json.loads(each.body)} for each in receiver.received]
    first, last = events(receiver.received[:1]), events(receiver.received[-1:])
    assert attempts == [{0}, {1}, {2}]
    assert [one["eventId"] for one in first] == [one["eventId"] for one in last]


def test_a_dropped_batch_takes_nothing_else_with_it(hubspot: Served, receiver: Receiver) -> None:
    """What happens later arrives."""
    hubspot.faults.add(Fault("hubspot", "drop"))
    hubspot.vendor.people.create("companies", {"name": "Lost"})
    _wait_out_the_batch()
    hubspot.vendor.people.create("companies", {"name": "Kept"})
    settle(hubspot)

    names = [one["propertyValue"] for one in events(receiver.received) if one.get("propertyName") == "name"]
    assert names == ["Kept"]


def _wait_out_the_batch() -> None:
    threading.Event().wait(0.02)


def test_only_subscribed_events_are_sent(hubspot: Served, receiver: Receiver) -> None:
    """Subscriptions name one event type, and one property for changes."""
    wanted = [
        {"eventType": "deal.propertyChange", "propertyName": "dealname"},
        {"eventType": "deal.associationChange"},
        {"eventType": "company.merge"},
    ]
    shown = hubspot.control("PUT", "/webhooks", {"subscriptions": wanted})
    people = hubspot.vendor.people
    made = people.deal({"dealname": "A", "amount": "4"}, company={"name": "One"})
    other = people.create("companies", {"name": "Two"}).id
    hubspot.control("POST", "/objects/companies/merge", {"primary": made["company"], "other": other})
    settle(hubspot)

    told = {one["subscriptionType"]: one for one in events(receiver.received)}
    assert len(shown["subscriptions"]) == 3
    assert set(told) == {"deal.propertyChange", "deal.associationChange", "company.merge"}
    assert told["deal.associationChange"]["toObjectId"] == int(made["company"])
    assert told["deal.associationChange"]["isPrimaryAssociation"] is True
    assert told["company.merge"]["mergedObjectIds"] == [int(other)]


def test_without_a_target_nothing_is_sent(hubspot: Served, receiver: Receiver) -> None:
    """Service keys have no webhooks: the portal works all the same."""
    hubspot.control("PUT", "/webhooks", {"target_url": ""})
    hubspot.vendor.people.create("deals", {"dealname": "A"})

    assert (hubspot.deliveries.pending(), receiver.received) == (0, [])


def test_a_workflow_posts_the_whole_deal_once_it_is_won(hubspot: Served, receiver: Receiver) -> None:
    """Signed v2; values with their history, ids as numbers; a second edit of a won deal posts nothing."""
    hubspot.control("PUT", "/webhooks", {"target_url": ""})
    hubspot.control("PUT", "/workflow", {"url": receiver.url, "secret": KEY})
    made = hubspot.vendor.people.deal({"dealname": "A", "dealstage": "172640984", "pipeline": "94113927"}, company={})
    hubspot.vendor.people.edit("deals", made["deal"], {"dealname": "B"})
    settle(hubspot)

    (one,) = receiver.received
    body = json.loads(one.body)
    assert Signature.is_valid(one.headers["X-HubSpot-Signature"], KEY, one.body.decode(), receiver.url)
    assert one.headers["X-HubSpot-Signature-Version"] == "v2"
    assert (body["objectId"], body["objectTypeId"]) == (int(made["deal"]), "0-3")
    assert body["properties"]["dealstage"]["value"] == "172640984"
    assert body["associations"]["associatedCompanyIds"] == [int(made["company"])]


@pytest.mark.parametrize(("status", "tries"), [(400, 1), (429, 2), (500, 2)])
def test_a_workflow_gives_up_on_4xx_but_429(hubspot: Served, receiver: Receiver, status: int, tries: int) -> None:
    """Everything else is tried again."""
    hubspot.control("PUT", "/webhooks", {"target_url": ""})
    hubspot.control("PUT", "/workflow", {"url": receiver.url})
    receiver.answers = [status]
    hubspot.vendor.people.deal({"dealname": "A", "dealstage": "closedwon"})
    settle(hubspot)

    assert len(receiver.received) == tries


EVENT = (
    b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
    b'"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM",'
    b'"changeFlag":"NEW","appId":54321}]'
)
HOOK = "https://www.example.com/webhook_uri"


@pytest.mark.parametrize(
    ("sign", "expected"),
    [
        (lambda: signatures.v1(KEY, EVENT), "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"),
        (
            lambda: signatures.v2(KEY, "GET", HOOK, b""),
            "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e",
        ),
        (
            lambda: signatures.v3(KEY, "POST", HOOK, b"{'example_field':'example_value'}", 1693657560000),
            "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=",
        ),
        (
            lambda: signatures.v3(
                KEY, "POST", "https://www.example.com/hook?next=https%3A%2F%2Fa.b%2Fc%20d", EVENT, 1700000000000
            ),
            "vfunuLEmWOvOmZ5cEStP0hkZu+SI+dcF2D/R/vhlFx8=",
        ),
    ],
    ids=["v1", "v2", "v3", "v3 with an escaped query"],
)
def test_published_vectors(sign: Callable[[], str], expected: str) -> None:
    """The first three are HubSpot's own (hubspot-api-python and hubspot-api-nodejs, Apache-2.0)."""
    assert sign() == expected
