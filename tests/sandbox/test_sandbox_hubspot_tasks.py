"""Tasks in the make-believe portal: what a create needs, what is refused, and whom they can be given to."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hubspot.crm.objects import SimplePublicObjectInputForCreate
from hubspot.crm.owners import ApiException as OwnersRefusal

from tests.sandbox.hubspot_served import Served, served

OWNER = "71204411"
COMPLETE = {
    "hs_task_subject": "Late payer",
    "hs_task_body": "Why",
    "hs_timestamp": "2026-12-01T12:00:00.000Z",
    "hubspot_owner_id": OWNER,
    "hs_task_priority": "HIGH",
}


@pytest.fixture
def hubspot() -> Iterator[Served]:
    with served() as one:
        yield one


@pytest.fixture
def company(hubspot: Served) -> str:
    return str(hubspot.control("POST", "/objects/companies", {"properties": {"name": "Acme"}})["id"])


def posted(hubspot: Served, to_id: str, but: Mapping[str, str | None] = COMPLETE, type_id: int = 192) -> Any:
    """What HubSpot answers to a create with these properties instead; one without a value is left out."""
    values = {name: value for name, value in {**COMPLETE, **but}.items() if value is not None}
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]
    body = {"properties": values, "associations": [{"to": {"id": to_id}, "types": types}]}
    return hubspot.raw("POST", "/crm/v3/objects/tasks", body)


def shown(hubspot: Served, company: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = hubspot.control("GET", f"/tasks/companies/{company}")["tasks"]
    return found


def test_a_task_made_with_its_company_is_seen_there(hubspot: Served, company: str) -> None:
    made = posted(hubspot, company)
    assert made.status_code == 201
    assert made.json()["properties"]["hs_task_status"] == "NOT_STARTED"
    assert shown(hubspot, company) == [
        {
            "id": made.json()["id"],
            "subject": "Late payer",
            "body": "Why",
            "due": "2026-12-01",
            "owner": OWNER,
            "done": False,
            "high_priority": True,
        }
    ]


def test_a_completed_task_is_done_and_a_deleted_one_is_gone(hubspot: Served, company: str) -> None:
    first, second = (posted(hubspot, company).json()["id"] for _ in range(2))
    hubspot.raw("PATCH", f"/crm/v3/objects/tasks/{first}", {"properties": {"hs_task_status": "COMPLETED"}})
    hubspot.control("DELETE", f"/objects/tasks/{second}")
    assert [(each["id"], each["done"]) for each in shown(hubspot, company)] == [(first, True)]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"hs_timestamp": None}, "REQUIRED_FIELD"),
        ({"hs_timestamp": "tomorrow"}, "INVALID_DATE"),
        ({"hs_task_status": "DONE"}, "INVALID_OPTION"),
        ({"hs_task_priority": "URGENT"}, "INVALID_OPTION"),
        ({"hubspot_owner_id": "999"}, "INVALID_OPTION"),
        ({"hs_task_title": "Late"}, "PROPERTY_DOESNT_EXIST"),
        ({"hs_createdate": "2026-12-01T12:00:00Z"}, "READ_ONLY_VALUE"),
    ],
)
def test_a_task_that_does_not_fit_is_refused(
    hubspot: Served, company: str, wrong: dict[str, str | None], code: str
) -> None:
    answer = posted(hubspot, company, wrong)
    assert answer.status_code == 400
    assert code in answer.text
    assert shown(hubspot, company) == []


@pytest.mark.parametrize(
    ("type_id", "status"),
    [(216, 404), (191, 400), (341, 400), (9_999, 400)],
)
def test_an_association_must_lead_from_a_task_to_that_record(
    hubspot: Served, company: str, type_id: int, status: int
) -> None:
    """216 leads to a deal, and no deal has that id; the others do not begin at a task."""
    assert posted(hubspot, company, type_id=type_id).status_code == status
    assert shown(hubspot, company) == []


def test_a_task_about_nobody_is_refused(hubspot: Served) -> None:
    assert posted(hubspot, "404").status_code == 404


def test_numbers_are_no_property_values(hubspot: Served) -> None:
    made = hubspot.raw("POST", "/crm/v3/objects/tasks", {"properties": {"hs_timestamp": 1_764_590_400_000}})
    assert made.status_code == 400


def test_tasks_need_the_scope_of_contacts(hubspot: Served, company: str) -> None:
    hubspot.control("PUT", "/tokens", {"token": "pat-narrow", "scopes": ["crm.objects.companies.read"]})
    api = hubspot.client("pat-narrow").crm.objects.basic_api
    made = SimplePublicObjectInputForCreate(properties=COMPLETE, associations=[])
    with pytest.raises(Exception, match=r"crm\.objects\.contacts\.write"):
        api.create("tasks", made)
    hubspot.control("PUT", "/tokens", {"token": "pat-wide", "scopes": ["crm.objects.contacts.write"]})
    assert hubspot.client("pat-wide").crm.objects.basic_api.create("tasks", made).id


def test_an_owner_who_was_taken_out_is_found_among_the_archived_alone(hubspot: Served, company: str) -> None:
    """Their records keep them; nothing new can be given to them."""
    hubspot.control("PATCH", f"/objects/companies/{company}", {"properties": {"hubspot_owner_id": OWNER}})
    assert hubspot.control("PUT", f"/owners/{OWNER}", {"archived": True})["archived"] is True
    owners = hubspot.client().crm.owners.owners_api
    with pytest.raises(OwnersRefusal) as refused:
        owners.get_by_id(OWNER)
    assert refused.value.status == 404
    assert owners.get_by_id(OWNER, archived=True).archived is True
    assert OWNER not in [one.id for one in owners.get_page().results]
    assert [one.id for one in owners.get_page(archived=True).results] == [OWNER]
    kept = hubspot.control("GET", f"/objects/companies/{company}")["properties"]["hubspot_owner_id"]
    assert kept == OWNER
    assert posted(hubspot, company).status_code == 400


def test_a_queue_is_an_owner_of_another_type(hubspot: Served) -> None:
    hubspot.control("PUT", f"/owners/{OWNER}", {"type": "QUEUE"})
    assert hubspot.client().crm.owners.owners_api.get_by_id(OWNER).type == "QUEUE"
    assert "No owner 1" in str(hubspot.control("PUT", "/owners/1", {"archived": True}))
