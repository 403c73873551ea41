"""The control page: what a person does in HubSpot, and what a test or the demo looks up."""

from collections.abc import Iterator

import pytest
import requests

from connector.sandbox import Sandbox
from tests.sandbox.hubspot_served import Served, served


@pytest.fixture
def hubspot() -> Iterator[Served]:
    with served() as one:
        yield one


def test_a_whole_deal_in_one_call(hubspot: Served) -> None:
    """Company, contact and line items are made and tied to it; the stage comes last, when all is there."""
    made = hubspot.control(
        "POST",
        "/deals",
        {
            "deal": {"dealname": "Acme, 5 seats", "dealstage": "closedwon", "hubspot_owner_id": 71204411},
            "company": {"name": "Acme"},
            "contact": {"email": "ap@acme.example", "firstname": "Ann"},
            "line_items": [{"name": "Seat", "price": 29, "quantity": 5}],
        },
    )
    state = hubspot.control("GET", f"/objects/deals/{made['deal']}")

    assert state["properties"]["amount"] == "145"
    assert state["associations"] == {
        "companies": {made["company"]: [5, 341]},
        "contacts": {made["contact"]: [3]},
        "line_items": {made["line_items"][0]: [19]},
    }
    assert hubspot.control("GET", f"/objects/contacts/{made['contact']}")["associations"]["companies"] == {
        made["company"]: [1, 279]
    }


def test_a_second_deal_of_known_people(hubspot: Served) -> None:
    """Texts are ids of records that exist; an amount written by hand stands."""
    first = hubspot.control("POST", "/deals", {"deal": {}, "company": {"name": "Acme"}, "contact": {"email": "a@b.de"}})
    second = hubspot.control(
        "POST",
        "/deals",
        {
            "deal": {"amount": "9"},
            "company": first["company"],
            "contact": first["contact"],
            "line_items": [{"price": 1}],
        },
    )

    assert (second["company"], second["contact"]) == (first["company"], first["contact"])
    assert hubspot.control("GET", f"/objects/deals/{second['deal']}")["properties"]["amount"] == "9"


def test_a_known_email_is_the_known_contact(hubspot: Served) -> None:
    """Two deals with one billing contact share it; a company is made anew each time it is described."""
    deal = {"deal": {}, "company": {"name": "Acme"}, "contact": {"email": "AP@acme.example"}}
    first, second = hubspot.control("POST", "/deals", deal), hubspot.control("POST", "/deals", deal)

    assert second["contact"] == first["contact"]
    assert second["company"] != first["company"]


def test_records_are_made_edited_and_deleted(hubspot: Served) -> None:
    """True becomes "true", null clears, a deleted one is gone."""
    company = hubspot.control("POST", "/objects/companies", {"properties": {"name": "A", "city": "Oslo"}})
    links = [{"type": "companies", "id": company["id"], "type_id": 5}]
    deal = hubspot.control("POST", "/objects/deals", {"properties": {"dealname": "D"}, "associations": links})
    edited = hubspot.control("PATCH", f"/objects/companies/{company['id']}", {"properties": {"city": None}})
    hubspot.control("DELETE", f"/objects/companies/{company['id']}")

    assert list(deal["associations"]["companies"]) == [company["id"]]
    assert "city" not in edited["properties"]
    assert hubspot.control("GET", "/state?type=companies") == {"companies": {}}
    assert "No companies" in hubspot.control("GET", f"/objects/companies/{company['id']}")["error"]


def test_what_a_person_may_not_do_is_refused_in_hubspots_words(hubspot: Served) -> None:
    """The refusal's body and status come through."""
    answer = requests.post(
        f"{hubspot.control_url}/control/hubspot/objects/deals", json={"properties": {"mood": "good"}}, timeout=10
    )

    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_seeding_twice_is_seeding_once(hubspot: Served) -> None:
    """Products, owners and the won stages, ready for a story."""
    first, second = hubspot.control("POST", "/seed"), hubspot.control("POST", "/seed")

    assert first == second
    assert len(hubspot.control("GET", "/state?type=products")["products"]) == len(first["products"]) == 5
    assert first["won_stages"] == {"default": "closedwon", "94113927": "172640984"}
    assert len(first["owners"]) == 3


def test_an_unknown_stage_is_not_renamed(hubspot: Served) -> None:
    """404 with a sentence."""
    assert "No stage" in hubspot.control("PATCH", "/pipelines/default/stages/won", {"label": "x"})["error"]


def test_the_sandbox_serves_it_beside_the_others() -> None:
    """Its address answers, and its control page is mounted on the common control port."""
    with Sandbox() as sandbox:
        assert requests.get(f"{sandbox.hubspot_url}/crm/v3/owners/", timeout=10).status_code == 401
        shown = requests.get(f"{sandbox.control_url}/control/hubspot/webhooks", timeout=10).json()

    assert shown["target_url"] == ""
    assert {"deal.creation", "line_item.propertyChange"} <= {one["eventType"] for one in shown["subscriptions"]}
