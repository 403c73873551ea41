"""Who pays, who else gets the invoice, what was merged, and which open deals changed: beyond the plain deal."""

from __future__ import annotations

from dataclasses import replace

from connector.crm.hubspot.client import HubSpotClient
from connector.domain.refs import RecordRef
from mappings.model import FieldMapping, FieldRule
from tests.crm.hubspot.conftest import COMPANY_PROPERTIES
from tests.crm.hubspot.stub import StubHubSpot, a_property, results
from tests.crm.hubspot.test_hubspot_deals import DEAL, SINCE, changed_deal, labelled


def with_paths(mapping: FieldMapping, *paths: str) -> FieldMapping:
    """The mapping we ship, and rules that read these as well."""
    more = tuple(FieldRule(f"metadata.{place}", path) for place, path in enumerate(paths))
    return replace(mapping, deal=(*mapping.deal, *more))


PAYING = {
    "20": {"name": "Acme GmbH", "hs_object_id": "20"},
    "21": {"name": "Acme Holding", "hs_object_id": "21"},
    "22": {"name": "Acme Trust", "hs_object_id": "22"},
}


def companies(portal: StubHubSpot, **labels: str) -> None:
    """Companies by id, each with its label; 20 is the primary one."""
    portal.on(r"GET /crm/v3/properties/companies", results(*COMPANY_PROPERTIES, a_property("hs_object_id", "number")))
    linked = [{"id": "20", "type": "deal_to_company"}, *({"id": each[1:], "type": "bill_to"} for each in labels)]
    changed_deal(portal, associations={"companies": {"results": linked}})
    portal.on(
        r"GET /crm/v4/objects/deals/4711/associations/companies",
        labelled(
            (20, [{"typeId": 5, "label": "Primary"}]),
            *((int(each[1:]), [{"typeId": 1001, "label": label}]) for each, label in labels.items()),
        ),
    )
    portal.on(
        r"POST /crm/v3/objects/companies/batch/read",
        lambda asked: results(*({"id": one["id"], "properties": PAYING[one["id"]]} for one in asked.body["inputs"])),
    )


def test_the_company_with_the_label_pays(client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping) -> None:
    """Both companies come in one call; the label is matched however it is written."""
    companies(portal, _21="bill to")
    found = client.fetch_deal(DEAL, mapping)

    assert found.account == RecordRef("hubspot", "account", "20")
    assert found.payer == RecordRef("hubspot", "account", "21")
    assert found.records["company[Bill To]"]["name"] == "Acme Holding"
    assert portal.lines().count("POST /crm/v3/objects/companies/batch/read") == 1


def test_two_companies_with_the_label_leave_nobody_to_pay(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """The refusal has its sentence in the catalogue, and says what to do."""
    companies(portal, _21="Bill To", _22="Bill To")
    refusal = client.fetch_deal(DEAL, mapping).refusal

    assert refusal is not None
    assert (refusal.sentence_id, refusal.field) == ("deal-several-payers", "payer.id")
    assert "2 companies" in refusal.message
    assert "Bill To" in refusal.hint


def test_labels_are_not_asked_for_where_none_can_be(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """One company, one contact and only HubSpot's own types: the deal's answer says it all."""
    client.fetch_deal(DEAL, with_paths(mapping, "contact[Billing].email"))
    assert not [line for line in portal.lines() if "/crm/v4/" in line]


def test_all_contacts_with_a_label_are_read_as_one(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """Several people get the invoice; their addresses stand side by side, once each."""
    changed_deal(portal, associations={"contacts": {"results": [{"id": each} for each in ("30", "31", "32", "33")]}})
    portal.on(
        r"GET /crm/v4/objects/deals/4711/associations/contacts",
        labelled((30, [{"typeId": 3}]), *((each, [{"typeId": 9, "label": "AP"}]) for each in (31, 32, 33))),
    )
    portal.on(
        r"POST /crm/v3/objects/contacts/batch/read",
        results(*({"id": str(30 + n), "properties": {"email": f"{min(n, 2)}@acme.test"}} for n in range(4))),
    )
    found = client.fetch_deal(DEAL, with_paths(mapping, "contact[AP].email"))

    assert found.records["contact[AP]"]["email"] == "1@acme.test;2@acme.test"
    assert found.records["contact"]["email"] == "0@acme.test"
    assert portal.lines().count("POST /crm/v3/objects/contacts/batch/read") == 1


def test_the_accounts_that_were_merged_into_the_deals_own_are_named(
    client: HubSpotClient, portal: StubHubSpot, mapping: FieldMapping
) -> None:
    """HubSpot keeps their ids on the company that stays."""
    merged = a_property("hs_merged_object_ids", "enumeration", read_only=True)
    portal.on(r"GET /crm/v3/properties/companies", results(*COMPANY_PROPERTIES, merged))
    properties = {"name": "Acme GmbH", "hs_merged_object_ids": "18;19"}
    portal.on(r"POST /crm/v3/objects/companies/batch/read", results({"id": "20", "properties": properties}))

    formerly = client.fetch_deal(DEAL, mapping).formerly
    assert formerly == (RecordRef("hubspot", "account", "18"), RecordRef("hubspot", "account", "19"))


# --- open_since -----------------------------------------------------------------------------------------------------


def test_open_deals_are_searched_by_the_stages_from_there_on(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """Stages in the order of their pipeline, those that are closed left out."""
    stages = [
        {"id": each, "displayOrder": place, "metadata": {"isClosed": "false", "probability": "0.5"}}
        for place, each in ((2, "late"), (0, "first"), (1, "middle"))
    ]
    closed = {"id": "won", "displayOrder": 3, "metadata": {"isClosed": "true", "probability": "1.0"}}
    other = {"id": "elsewhere", "displayOrder": 9, "metadata": {"isClosed": "false", "probability": "0.5"}}
    hubspot.on(
        r"GET /crm/v3/pipelines/deals",
        results({"id": "a", "stages": [*stages, closed]}, {"id": "b", "stages": [other]}),
    )
    hubspot.on(r"POST /crm/v3/objects/deals/search", results())

    assert client.stages_from(["late", "middle"]) == ("middle", "late")
    assert list(client.open_since(SINCE, ["middle"])) == []
    [group] = hubspot.last(r"POST .*/search").body["filterGroups"]
    assert group["filters"][0] == {"propertyName": "dealstage", "operator": "IN", "values": ["middle", "late"]}


def test_no_search_is_made_for_stages_that_are_not_there(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """A search without stages would find every deal."""
    assert list(client.open_since(SINCE, ["no such stage"])) == []
    assert not [line for line in hubspot.lines() if line.endswith("/search")]
