"""Tasks and owners where the sandbox cannot lead: another language's statuses, odd answers, texts that are too long."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from connector.crm.salesforce.client import SalesforceClient
from connector.domain.refs import RecordRef
from connector.errors import AccessLost, NotFound, Rejected, RetryLater, Unreachable, Unsupported
from connector.ports import CheckStatus, CrmTask
from mappings.model import FieldMapping
from tests.crm.salesforce.conftest import BASE, ORG_ID, StubOrg, Wall

ACCOUNT = RecordRef("salesforce", "account", "0015g00000AbCdEAAV")
OWNER = RecordRef("salesforce", "owner", "0055g00000AbCdEAAV")
TASK = RecordRef("salesforce", "task", "00T5g00000AbCdEEAV")
STATUSES = [
    {"ApiName": "In Arbeit", "IsClosed": False, "IsDefault": False},
    {"ApiName": "Offen", "IsClosed": False, "IsDefault": True},
    {"ApiName": "Erledigt", "IsClosed": True, "IsDefault": False},
]
PRIORITIES = [{"ApiName": "Normal", "IsHighPriority": False}, {"ApiName": "Dringend", "IsHighPriority": True}]
MADE = {"id": "00T5g00000AbCdEEAV", "success": True, "errors": []}


def a_task(**changes: Any) -> CrmTask:
    fields: dict[str, Any] = {
        "record": ACCOUNT,
        "owner": OWNER,
        "subject": "Late",
        "body": "Why",
        "due": date(2026, 12, 1),
    }
    return CrmTask(**(fields | changes))


def refused(code: str, status: int = 400) -> dict[str, Any]:
    return {"body": [{"errorCode": code, "message": "No.", "fields": []}], "status": status}


def test_a_task_is_made_in_the_orgs_own_words(client: SalesforceClient, org: StubOrg) -> None:
    """Its default status and its high priority, as its own settings name them."""
    org.answers_query(STATUSES, PRIORITIES)
    org.on("POST", "sobjects/Task", MADE, 201)
    assert client.create_task(a_task(high_priority=True)) == TASK
    assert org.calls("POST", "sobjects/Task") == [
        {
            "WhatId": ACCOUNT.id,
            "OwnerId": OWNER.id,
            "Subject": "Late",
            "Description": "Why",
            "ActivityDate": "2026-12-01",
            "Status": "Offen",
            "Priority": "Dringend",
        }
    ]


def test_what_the_org_would_set_by_itself_is_left_to_it(client: SalesforceClient, org: StubOrg) -> None:
    """No owner told, no open status known, an ordinary priority."""
    org.answers_query([STATUSES[2]], PRIORITIES)
    org.on("POST", "sobjects/Task", MADE, 201)
    client.create_task(a_task(owner=None))
    assert org.calls("POST", "sobjects/Task")[0].keys() == {"WhatId", "Subject", "Description", "ActivityDate"}


def test_the_words_are_asked_for_once_an_hour(client: SalesforceClient, org: StubOrg, clock: Wall) -> None:
    org.answers_query(STATUSES, PRIORITIES, STATUSES, PRIORITIES)
    org.on("POST", "sobjects/Task", MADE, 201)
    for _ in range(2):
        client.create_task(a_task())
    assert len(org.queries) == 2
    clock.pass_time(timedelta(hours=1))
    client.create_task(a_task())
    assert len(org.queries) == 4


def test_an_org_without_a_status_for_done_is_not_believed(client: SalesforceClient, org: StubOrg) -> None:
    org.answers_query(STATUSES[:2])
    with pytest.raises(Unreachable):
        client.create_task(a_task())


@pytest.mark.parametrize("answer", [{"success": True}, {"id": "not an id"}, []])
def test_an_answer_without_an_id_leaves_the_task_to_be_found(
    client: SalesforceClient, org: StubOrg, answer: Any
) -> None:
    org.answers_query(STATUSES, PRIORITIES)
    org.on("POST", "sobjects/Task", answer, 201)
    with pytest.raises(Unreachable):
        client.create_task(a_task())


def test_a_task_is_never_sent_twice(client: SalesforceClient, org: StubOrg) -> None:
    """The first attempt may have made it."""
    org.answers_query(STATUSES, PRIORITIES)
    org.on("POST", "sobjects/Task", **refused("UNKNOWN_EXCEPTION", 503))
    with pytest.raises(RetryLater):
        client.create_task(a_task())
    assert len(org.calls("POST", "sobjects/Task")) == 1


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("INACTIVE_OWNER_OR_USER", Rejected),
        ("INVALID_CROSS_REFERENCE_KEY", NotFound),
        ("ENTITY_IS_DELETED", NotFound),
        ("INVALID_TYPE_FOR_OPERATION", AccessLost),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", Rejected),
    ],
)
def test_a_refusal_names_the_record_it_is_about(
    client: SalesforceClient, org: StubOrg, code: str, error: type[Exception]
) -> None:
    org.answers_query(STATUSES, PRIORITIES)
    org.on("POST", "sobjects/Task", **refused(code))
    with pytest.raises(error) as caught:
        client.create_task(a_task())
    assert getattr(caught.value, "ref", None) == ACCOUNT
    assert getattr(caught.value, "hint", "")


def test_a_text_that_is_too_long_loses_its_end_and_half_a_character(client: SalesforceClient, org: StubOrg) -> None:
    org.answers_query(STATUSES, PRIORITIES)
    org.on("POST", "sobjects/Task", MADE, 201)
    client.create_task(a_task(subject="Acme \ud83d", body="x" * 40_000))
    [sent] = org.calls("POST", "sobjects/Task")
    assert sent["Subject"] == "Acme ?"
    assert len(sent["Description"]) == 32_000
    assert sent["Description"].endswith("x…")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "Paid."),
        ("Why\n", "Why\n\nPaid."),
        ("x" * 32_000, "x" * 31_992 + "…\n\nPaid."),
    ],
)
def test_a_note_stays_whole_beside_a_long_text(
    client: SalesforceClient, org: StubOrg, before: str | None, after: str
) -> None:
    org.answers_query([{"Id": TASK.id, "IsClosed": False, "Description": before}], STATUSES, PRIORITIES)
    org.on("PATCH", f"sobjects/Task/{TASK.id}", None, 204)
    assert client.close_task(TASK, "Paid.") is True
    assert org.calls("PATCH", f"sobjects/Task/{TASK.id}") == [{"Status": "Erledigt", "Description": after}]


def test_a_note_longer_than_any_text_is_all_that_is_left(client: SalesforceClient, org: StubOrg) -> None:
    org.answers_query([{"Id": TASK.id, "IsClosed": False, "Description": "Why"}], STATUSES, PRIORITIES)
    org.on("PATCH", f"sobjects/Task/{TASK.id}", None, 204)
    client.close_task(TASK, "n" * 40_000)
    assert org.calls("PATCH", f"sobjects/Task/{TASK.id}")[0]["Description"] == "n" * 31_999 + "…"


def test_a_task_that_goes_while_it_is_closed_is_gone(client: SalesforceClient, org: StubOrg) -> None:
    org.answers_query([{"Id": TASK.id, "IsClosed": False, "Description": ""}], STATUSES, PRIORITIES)
    org.on("PATCH", f"sobjects/Task/{TASK.id}", **refused("ENTITY_IS_DELETED", 404))
    assert client.close_task(TASK, "Paid.") is False


def test_an_id_that_no_record_can_have_costs_no_call(client: SalesforceClient, org: StubOrg) -> None:
    assert client.close_task(RecordRef("salesforce", "task", "7"), "Paid.") is False
    assert list(client.open_deals(RecordRef("salesforce", "account", "7"))) == []
    assert list(client.open_deals(RecordRef("salesforce", "deal", ACCOUNT.id))) == []
    for ask in (client.owner_of, lambda record: client.find_task(record, "Late")):
        with pytest.raises(NotFound):
            ask(RecordRef("salesforce", "account", "7"))
    assert org.queries == []


@pytest.mark.parametrize(
    "record", [RecordRef("salesforce", "contact", ACCOUNT.id), RecordRef("hubspot", "account", ACCOUNT.id)]
)
def test_a_task_is_about_an_account_or_a_deal_of_this_crm(client: SalesforceClient, record: RecordRef) -> None:
    for ask in (client.owner_of, lambda one: client.find_task(one, "Late")):
        with pytest.raises(Unsupported):
            ask(record)


@pytest.mark.parametrize(
    "row",
    [
        {"OwnerId": "00G5g00000AbCdEEAV", "Owner": {"IsActive": True}},  # a queue
        {"OwnerId": OWNER.id, "Owner": {"IsActive": False}},
        {"OwnerId": OWNER.id, "Owner": None},  # a person whom we may not see
        {"OwnerId": None, "Owner": None},
    ],
)
def test_a_queue_or_somebody_inactive_owns_nothing(client: SalesforceClient, org: StubOrg, row: dict[str, Any]) -> None:
    org.answers_query([row])
    assert client.owner_of(ACCOUNT) is None


def test_values_in_a_query_cannot_become_a_part_of_it(client: SalesforceClient, org: StubOrg) -> None:
    org.answers_query([])
    client.find_task(ACCOUNT, "x' OR Subject != '")
    assert org.queries[0].endswith("AND Subject = 'x\\' OR Subject != \\'' ORDER BY CreatedDate DESC, Id DESC")


def test_open_deals_are_asked_for_by_the_crms_own_flag(client: SalesforceClient, org: StubOrg) -> None:
    org.answers_query([{"Id": "0065g00000AbCdE"}])
    [deal] = client.open_deals(ACCOUNT)
    assert len(deal.id) == 18
    assert "IsClosed = false" in org.queries[0]
    assert org.queries[0].endswith("LIMIT 100")


@pytest.mark.parametrize("right", ["createable", "updateable"])
def test_a_missing_permission_for_tasks_is_a_warning_alone(
    client: SalesforceClient, org: StubOrg, mapping: FieldMapping, right: str
) -> None:
    """Everything else works without."""
    org.add_custom_fields(mapping)
    org.fields["Task"] = [{**each, right: False} for each in org.fields["Task"]]
    org.answers_query([{"Id": ORG_ID, "OrganizationType": "Enterprise Edition", "IsSandbox": False}])
    [check] = [check for check in client.check(mapping) if check.id == "salesforce.tasks"]
    assert check.status is CheckStatus.WARN
    assert "Edit Tasks" in check.hint


def test_an_org_that_hides_tasks_is_warned_of(client: SalesforceClient, org: StubOrg, mapping: FieldMapping) -> None:
    org.wire.remove("GET", f"{BASE}/sobjects/Task/describe")
    org.on("GET", "sobjects/Task/describe", **refused("NOT_FOUND", 404))
    org.answers_query([{"Id": ORG_ID, "OrganizationType": "Enterprise Edition", "IsSandbox": False}])
    [check] = [check for check in client.check(mapping) if check.id == "salesforce.tasks"]
    assert check.status is CheckStatus.WARN
