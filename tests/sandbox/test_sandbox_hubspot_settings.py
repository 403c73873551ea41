"""Properties, groups, pipelines, owners: what set-up reads and makes."""

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot.crm.properties import (
    ApiException,
    BatchInputPropertyCreate,
    BatchInputPropertyName,
    BatchReadInputPropertyName,
    OptionInput,
    PropertyCreate,
    PropertyGroupCreate,
    PropertyGroupUpdate,
    PropertyName,
    PropertyUpdate,
)

from connector.sandbox.hubspot import SERVICE_KEY
from tests.sandbox.hubspot_served import Served, served


@pytest.fixture
def hubspot() -> Iterator[Served]:
    with served() as one:
        yield one


@pytest.fixture
def properties(hubspot: Served) -> Any:
    return hubspot.client().crm.properties


def health(**more: Any) -> PropertyCreate:
    options = [
        OptionInput(label=word.title(), value=word, display_order=n, hidden=False)
        for n, word in enumerate(["good", "late"])
    ]
    return PropertyCreate(
        **{
            "name": "billing_health",
            "label": "Billing health",
            "type": "enumeration",
            "field_type": "select",
            "group_name": "billing",
            "options": options,
            **more,
        }
    )


@pytest.fixture
def group(properties: Any) -> None:
    properties.groups_api.create("companies", PropertyGroupCreate(name="billing", label="Billing"))


def test_standard_properties_are_described(properties: Any) -> None:
    """Type, writability, options: stages by id with their labels, owners by reference."""
    found = {one.name: one for one in properties.core_api.get_all("deals").results}

    assert (found["amount"].type, found["amount"].field_type) == ("number", "number")
    assert found["amount"].modification_metadata.read_only_value is False
    assert found["hs_is_closed_won"].modification_metadata.read_only_value is True
    assert found["hs_is_closed_won"].calculated is True
    assert all(one.hubspot_defined for one in found.values())
    stages = {one.value: one.label for one in found["dealstage"].options}
    assert stages["172640984"] == "Countersigned, hand over to onboarding"
    assert found["hubspot_owner_id"].options == []
    assert found["hubspot_owner_id"].referenced_object_type == "OWNER"


@pytest.mark.parametrize("kind", ["deals", "companies", "contacts", "line_items", "products", "tasks", "notes"])
def test_every_kind_has_properties_in_groups_that_exist(properties: Any, kind: str) -> None:
    """And an object id and a modified date, on each of them."""
    found = properties.core_api.get_all(kind).results
    groups = {one.name for one in properties.groups_api.get_all(kind).results}

    assert {one.group_name for one in found} <= groups
    assert "hs_object_id" in {one.name for one in found}
    assert {"hs_lastmodifieddate", "lastmodifieddate"} & {one.name for one in found}


@pytest.mark.usefixtures("group")
def test_a_property_of_our_own_is_made_once(hubspot: Served, properties: Any) -> None:
    """Then it takes values and holds them to its options; making it again is a 409 and changes nothing."""
    made = properties.core_api.create("companies", health())
    company = hubspot.vendor.people.create("companies", {"billing_health": "late"})

    with pytest.raises(ApiException) as caught:
        properties.core_api.create("companies", health(label="Something else"))

    assert (made.hubspot_defined, made.calculated, made.archived) == (False, False, False)
    assert company.values["billing_health"] == "late"
    assert caught.value.status == 409
    assert properties.core_api.get_by_name("companies", "billing_health").label == "Billing health"
    wrong = hubspot.raw("POST", "/crm/v3/objects/companies", {"properties": {"billing_health": "Late"}})
    assert "INVALID_OPTION" in wrong.text


@pytest.mark.usefixtures("group")
def test_a_group_is_made_once(properties: Any) -> None:
    """409 for the second; it can be renamed, and deleted while it is empty."""
    with pytest.raises(ApiException) as caught:
        properties.groups_api.create("companies", PropertyGroupCreate(name="billing", label="Again"))

    assert caught.value.status == 409
    assert properties.groups_api.update("companies", "billing", PropertyGroupUpdate(label="Money")).label == "Money"
    properties.groups_api.archive("companies", "billing")
    with pytest.raises(ApiException) as gone:
        properties.groups_api.get_by_name("companies", "billing")
    assert gone.value.status == 404


@pytest.mark.usefixtures("group")
def test_a_property_can_be_changed_and_archived(properties: Any) -> None:
    """What is not named stays; an archived one is found only in the bin, and its name is free again."""
    properties.core_api.create("companies", health())
    changed = properties.core_api.update("companies", "billing_health", PropertyUpdate(label="Health"))
    properties.core_api.archive("companies", "billing_health")

    assert (changed.label, [one.value for one in changed.options]) == ("Health", ["good", "late"])
    with pytest.raises(ApiException) as gone:
        properties.core_api.get_by_name("companies", "billing_health")
    assert gone.value.status == 404
    assert properties.core_api.get_by_name("companies", "billing_health", archived=True).archived is True
    assert [one.name for one in properties.core_api.get_all("companies", archived=True).results] == ["billing_health"]
    properties.core_api.create("companies", health())


@pytest.mark.usefixtures("group")
def test_many_properties_at_once(properties: Any) -> None:
    """Rows fail alone, in making and in reading."""
    wanted = BatchInputPropertyCreate(inputs=[health(), health(name="name")])
    made = properties.batch_api.create("companies", wanted)
    names = [PropertyName(name=one) for one in ("billing_health", "nonsense")]
    read = properties.batch_api.read("companies", BatchReadInputPropertyName(archived=False, inputs=names))
    properties.batch_api.archive("companies", BatchInputPropertyName(inputs=names[:1]))

    assert [one.name for one in made.results] == ["billing_health"]
    assert [one.category for one in made.errors] == ["OBJECT_ALREADY_EXISTS"]
    assert [one.name for one in read.results] == ["billing_health"]
    assert [one.category for one in read.errors] == ["OBJECT_NOT_FOUND"]
    assert "billing_health" not in {one.name for one in properties.core_api.get_all("companies").results}


@pytest.mark.usefixtures("group")
def test_ten_unique_properties_are_enough(properties: Any) -> None:
    """The eleventh is refused."""
    texts: dict[str, Any] = {"type": "string", "field_type": "text", "options": [], "has_unique_value": True}
    for n in range(10):
        properties.core_api.create("companies", health(name=f"key_{n}", **texts))

    with pytest.raises(ApiException, match="unique"):
        properties.core_api.create("companies", health(name="key_10", **texts))


def test_stages_speak_through_their_metadata(hubspot: Served) -> None:
    """Texts "true" and "1.0"; the second pipeline has numbers for ids."""
    pipelines = {one.id: one for one in hubspot.client().crm.pipelines.pipelines_api.get_all("deals").results}

    won = {
        stage.id
        for pipeline in pipelines.values()
        for stage in pipeline.stages
        if stage.metadata == {"isClosed": "true", "probability": "1.0"}
    }
    assert won == {"closedwon", "172640984"}
    assert set(pipelines) == {"default", "94113927"}


def test_a_renamed_stage_keeps_its_id(hubspot: Served) -> None:
    """An admin changes the label; nothing else changes."""
    hubspot.control("PATCH", "/pipelines/default/stages/closedwon", {"label": "Done deal"})

    stage = hubspot.client().crm.pipelines.pipeline_stages_api.get_by_id("deals", "default", "closedwon")

    assert (stage.label, stage.metadata["isClosed"]) == ("Done deal", "true")


def test_other_kinds_have_no_pipelines(hubspot: Served) -> None:
    """An empty list, and 404 for one by id."""
    client = hubspot.client().crm.pipelines

    assert client.pipelines_api.get_all("companies").results == []
    assert hubspot.raw("GET", "/crm/v3/pipelines/companies/default").status_code == 404
    assert hubspot.raw("GET", "/crm/v3/pipelines/deals/default/stages/won").status_code == 404


def test_owners_are_listed_in_pages_and_found(hubspot: Served) -> None:
    """By id, by user id, by e-mail."""
    api = hubspot.client().crm.owners.owners_api
    first = api.get_page(limit=2)
    rest = api.get_page(limit=2, after=first.paging.next.after)
    owner = first.results[0]

    assert len(first.results + rest.results) == 3
    assert rest.paging is None
    assert api.get_by_id(owner.id).email == owner.email
    assert api.get_by_id(owner.user_id, id_property="userId").id == owner.id
    assert [one.id for one in api.get_page(email=owner.email).results] == [owner.id]
    assert hubspot.raw("GET", "/crm/v3/owners/5").status_code == 404
    assert hubspot.raw("GET", "/crm/v3/owners?after=x").status_code == 400


def test_a_token_tells_what_it_may_do(hubspot: Served) -> None:
    """The scopes it has; all of them for the service key; 404 for a token nobody knows."""
    hubspot.control("PUT", "/tokens", {"token": "narrow", "scopes": ["crm.objects.deals.read"]})
    api = hubspot.client().oauth.access_tokens_api

    assert api.get("narrow").scopes == ["crm.objects.deals.read"]
    assert "crm.schemas.companies.write" in api.get(SERVICE_KEY).scopes
    assert hubspot.raw("GET", "/oauth/v1/access-tokens/nobodys").status_code == 404
