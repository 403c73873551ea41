"""Tasks, owners and open deals on the wire: what is asked of HubSpot, and what is made of its odder answers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from connector.crm.hubspot.client import HubSpotClient
from connector.crm.hubspot.settings import HubSpotSettings
from connector.domain.refs import RecordRef
from connector.errors import AccessLost, NotFound, RateLimited, Rejected, RetryLater, Unreachable, Unsupported
from connector.ports import CheckStatus, CrmTask
from mappings.model import FieldMapping
from tests.crm.hubspot.conftest import RecordingThrottle, StandingClock
from tests.crm.hubspot.stub import Reply, StubHubSpot, refusal, results

COMPANY = RecordRef("hubspot", "account", "77")
OWNER = RecordRef("hubspot", "owner", "501")
TASK = RecordRef("hubspot", "task", "9")
CREATE = r"POST /crm/v3/objects/tasks"
TASKS_OF_COMPANY = r"GET /crm/v4/objects/companies/77/associations/tasks"
DEALS_OF_COMPANY = r"GET /crm/v4/objects/companies/77/associations/deals"


def a_task(**changes: Any) -> CrmTask:
    plain: dict[str, Any] = {"record": COMPANY, "owner": OWNER, "subject": "Late", "body": "Why"}
    return CrmTask(**{**plain, "due": date(2026, 12, 1), **changes})


def linked(to_id: int, *type_ids: int) -> dict[str, Any]:
    """An association as v4 tells it: ids are numbers there."""
    types = [{"category": "HUBSPOT_DEFINED", "typeId": each, "label": None} for each in type_ids or (192,)]
    return {"toObjectId": to_id, "associationTypes": types}


def records(*found: tuple[str, dict[str, str]]) -> Reply:
    return results(*({"id": each, "properties": properties} for each, properties in found))


@pytest.mark.parametrize(("record", "type_id"), [(COMPANY, 192), (RecordRef("hubspot", "deal", "88"), 216)])
def test_a_task_is_made_with_its_association_in_one_call(
    client: HubSpotClient, hubspot: StubHubSpot, record: RecordRef, type_id: int
) -> None:
    """A task that hung on nothing would be found by nobody."""
    hubspot.on(CREATE, Reply({"id": "9", "properties": {}}, 201))
    made = client.create_task(a_task(record=record, body="Smith & <Sons>\nowe us", high_priority=True))
    assert made == TASK
    assert hubspot.last(CREATE).body == {
        "properties": {
            "hs_task_subject": "Late",
            "hs_task_body": "Smith &amp; &lt;Sons&gt;<br>owe us",
            "hs_task_status": "NOT_STARTED",
            "hs_task_priority": "HIGH",
            "hs_task_type": "TODO",
            "hs_timestamp": "2026-12-01T12:00:00.000Z",
            "hubspot_owner_id": "501",
        },
        "associations": [
            {
                "to": {"id": record.id},
                "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}],
            }
        ],
    }


def test_the_day_is_that_of_the_accounts_own_zone(hubspot: StubHubSpot) -> None:
    settings = HubSpotSettings(access_token="t", base_url=hubspot.url, time_zone="Pacific/Auckland")
    client = HubSpotClient(settings, RecordingThrottle(), StandingClock(), sleep=lambda _: None)
    hubspot.on(CREATE, Reply({"id": "9"}, 201))
    client.create_task(a_task(owner=None))
    sent = hubspot.last(CREATE).body["properties"]
    assert sent["hs_timestamp"] == "2026-11-30T23:00:00.000Z"  # noon on the first of December in Auckland
    assert "hubspot_owner_id" not in sent


@pytest.mark.parametrize("reply", [Reply({}, 500), Reply(b"<html>", 200), Reply({"properties": {}}, 201)])
def test_a_task_whose_answer_says_nothing_is_not_made_again(
    client: HubSpotClient, hubspot: StubHubSpot, reply: Reply
) -> None:
    """The first request may have made it; whoever asks again looks first."""
    hubspot.on(CREATE, reply)
    with pytest.raises(Unreachable):
        client.create_task(a_task())
    assert len(hubspot.asked) == 1


def test_a_task_that_had_no_turn_is_sent_again(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    hubspot.on(CREATE, refusal(429, headers={"Retry-After": "0"}), Reply({"id": "9"}, 201))
    assert client.create_task(a_task()) == TASK
    hubspot.on(CREATE, refusal(429))
    with pytest.raises(RateLimited):
        client.create_task(a_task())


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (refusal(403, "MISSING_SCOPES"), AccessLost),
        (refusal(404, "OBJECT_NOT_FOUND"), NotFound),
        (
            refusal(400, errors=[{"code": "INVALID_OPTION", "context": {"propertyName": ["hubspot_owner_id"]}}]),
            Rejected,
        ),
    ],
)
def test_a_refusal_names_the_record_it_is_about(
    client: HubSpotClient, hubspot: StubHubSpot, reply: Reply, error: type[Exception]
) -> None:
    hubspot.on(CREATE, reply)
    with pytest.raises(error) as caught:
        client.create_task(a_task())
    assert getattr(caught.value, "ref", None) == COMPANY


def test_a_task_is_looked_for_among_the_newest_first(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """By associations, a hundred at a time, and no further than it takes."""
    hubspot.on(TASKS_OF_COMPANY, results(*(linked(each) for each in range(1, 251))))
    hubspot.on(r"POST /crm/v3/objects/tasks/batch/read", records(("251", {}), ("250", {"hs_task_subject": "Late"})))
    assert client.find_task(COMPANY, "Late") == RecordRef("hubspot", "task", "250")
    assert len(hubspot.asked) == 2
    assert [each["id"] for each in hubspot.asked[-1].body["inputs"]][:2] == ["250", "249"]
    assert not [line for line in hubspot.lines() if "search" in line]


def test_a_task_that_is_none_of_many_is_not_found(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    hubspot.on(TASKS_OF_COMPANY, results(*(linked(each) for each in range(1, 102))))
    hubspot.on(r"POST /crm/v3/objects/tasks/batch/read", records(("5", {"hs_task_subject": "LATE"})))
    assert client.find_task(COMPANY, "Late") is None
    assert len(hubspot.asked) == 3


def test_more_tasks_than_can_be_looked_through_are_an_error(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """None found among a part of them would make a second one."""
    hubspot.on(TASKS_OF_COMPANY, results(linked(1), paging={"next": {"after": "1"}}))
    with pytest.raises(Rejected, match="10,000 tasks"):
        client.find_task(COMPANY, "Late")
    assert len(hubspot.asked) == 20


def a_task_that_says(hubspot: StubHubSpot, body: str | None, status: str = "NOT_STARTED") -> None:
    properties = {"hs_task_status": status, "hs_task_body": body}
    hubspot.on(r"GET /crm/v3/objects/tasks/9", Reply({"id": "9", "properties": properties}))
    hubspot.on(r"PATCH /crm/v3/objects/tasks/9", Reply({"id": "9"}))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "Paid &amp; done"),
        ("<p>Why</p>", "<p>Why</p><br><br>Paid &amp; done"),
        ("x" * 65_530, "x" * 65_530),  # no room: half a tag would show
    ],
)
def test_a_note_is_added_behind_what_a_person_wrote(
    client: HubSpotClient, hubspot: StubHubSpot, before: str | None, after: str
) -> None:
    a_task_that_says(hubspot, before)
    assert client.close_task(TASK, "Paid & done") is True
    sent = hubspot.last(r"PATCH /crm/v3/objects/tasks/9").body["properties"]
    assert sent == {"hs_task_status": "COMPLETED", "hs_task_body": after}


def test_a_task_that_goes_while_it_is_closed_is_gone(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    a_task_that_says(hubspot, "Why")
    hubspot.on(r"PATCH /crm/v3/objects/tasks/9", refusal(404, "OBJECT_NOT_FOUND"))
    assert client.close_task(TASK, "Paid.") is False


def test_a_deal_counts_for_its_primary_company_or_its_only_one(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """A deal on which the company is a partner is somebody else's renewal."""
    hubspot.on(DEALS_OF_COMPANY, results(linked(1, 342, 6), linked(2, 342), linked(3, 342), linked(4, 342, 6)))
    stage = {"pipeline": "default", "dealstage": "open1"}
    hubspot.on(
        r"POST /crm/v3/objects/deals/batch/read",
        records(
            ("1", {**stage, "createdate": "2026-01-01T00:00:00.000Z"}),
            ("2", {**stage, "createdate": "2026-03-01T00:00:00.000Z"}),
            ("3", {**stage, "createdate": "2026-02-01T00:00:00.000Z"}),
            ("4", {"pipeline": "default", "dealstage": "8413", "createdate": "2026-04-01T00:00:00.000Z"}),
        ),
    )
    alone = {"from": {"id": "3"}, "to": [linked(77, 341)]}
    shared = {"from": {"id": "2"}, "to": [linked(76, 341, 5), linked(77, 341)]}
    hubspot.on(r"POST /crm/v4/associations/deals/companies/batch/read", results(shared, alone))
    assert [deal.id for deal in client.open_deals(COMPANY)] == ["3", "1"]
    asked = hubspot.last(r"POST /crm/v4/associations/deals/companies/batch/read").body["inputs"]
    assert [each["id"] for each in asked] == ["2", "3"]


def test_at_most_a_hundred_open_deals_are_told(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    hubspot.on(DEALS_OF_COMPANY, results(*(linked(each, 342, 6) for each in range(1, 103))))

    def some(asked: Any) -> Reply:
        stage = {"pipeline": "default", "dealstage": "open1", "createdate": "2026-01-01T00:00:00.000Z"}
        return records(*((row["id"], stage) for row in asked.body["inputs"]))

    hubspot.on(r"POST /crm/v3/objects/deals/batch/read", some)
    found = client.open_deals(COMPANY)
    assert [found[0].id, found[-1].id, len(found)] == ["102", "3", 100]


@pytest.mark.parametrize(
    "owner",
    [
        refusal(404, "OBJECT_NOT_FOUND"),
        Reply({"id": "501", "type": "PERSON", "archived": True}),
        Reply({"id": "501", "type": "QUEUE", "archived": False}),
    ],
)
def test_somebody_archived_or_a_queue_owns_nothing(client: HubSpotClient, hubspot: StubHubSpot, owner: Reply) -> None:
    hubspot.on(r"GET /crm/v3/objects/companies/77", Reply({"id": "77", "properties": {"hubspot_owner_id": "501"}}))
    hubspot.on(r"GET /crm/v3/owners/501", owner)
    assert client.owner_of(COMPANY) is None


def test_a_record_without_an_owner_asks_no_further(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    hubspot.on(r"GET /crm/v3/objects/companies/77", Reply({"id": "77", "properties": {"hubspot_owner_id": None}}))
    assert client.owner_of(COMPANY) is None
    assert len(hubspot.asked) == 1


def test_an_owner_whom_we_may_not_ask_about_is_no_guess(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    hubspot.on(r"GET /crm/v3/objects/companies/77", Reply({"id": "77", "properties": {"hubspot_owner_id": "501"}}))
    hubspot.on(r"GET /crm/v3/owners/501", refusal(403, "MISSING_SCOPES"))
    with pytest.raises(AccessLost):
        client.owner_of(COMPANY)


@pytest.mark.parametrize("record", [RecordRef("hubspot", "contact", "1"), RecordRef("salesforce", "account", "1")])
def test_a_task_is_about_a_company_or_a_deal_of_this_crm(client: HubSpotClient, record: RecordRef) -> None:
    for ask in (
        client.owner_of,
        lambda one: client.find_task(one, "Late"),
        lambda one: client.create_task(a_task(record=one)),
    ):
        with pytest.raises(Unsupported):
            ask(record)


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        (r"POST /crm/v3/objects/tasks/batch/read", "crm.objects.contacts.read"),
        (r"POST /crm/v3/objects/tasks/batch/update", "crm.objects.contacts.write"),
        (r"GET /crm/v3/owners/0", "crm.objects.owners.read"),
    ],
)
def test_a_missing_scope_for_tasks_is_a_warning_alone(
    client: HubSpotClient, hubspot: StubHubSpot, mapping: FieldMapping, path: str, scope: str
) -> None:
    """Everything else works without."""
    hubspot.on(r"POST /crm/v3/objects/\w+/batch/(read|update)", Reply({"results": [], "errors": []}, 207))
    hubspot.on(path, refusal(403, "MISSING_SCOPES"))
    found = {check.id: check for check in client.check(mapping)}
    assert found["hubspot.tasks"].status is CheckStatus.WARN
    assert scope in found["hubspot.tasks"].sentence
    assert found["hubspot.scopes"].status is CheckStatus.OK


def test_an_outage_while_a_task_is_made_is_told(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    hubspot.close()
    with pytest.raises(RetryLater):
        client.create_task(a_task(due=date(2026, 12, 1) + timedelta(days=1)))
