"""Tasks in the make-believe org: what a save works out and refuses, in whatever words the org uses."""

from collections.abc import Iterator
from typing import Any

import pytest

from connector.sandbox.salesforce.rules_tasks import TaskWord, use_words
from tests.sandbox.salesforce_org import ServedOrg, code_of
from tests.sandbox.test_sandbox_salesforce_control import Control


@pytest.fixture
def control(org: ServedOrg) -> Iterator[Control]:
    made = Control(org)
    yield made
    made.close()


def a_task(org: ServedOrg, **fields: Any) -> str:
    body = {"Subject": "Late payer", "WhatId": org.account(), "ActivityDate": "2026-12-01", **fields}
    return str(org.rest("POST", "sobjects/Task", body)["id"])


def statuses(org: ServedOrg) -> list[tuple[str, bool, bool]]:
    soql = "SELECT ApiName, IsClosed, IsDefault FROM TaskStatus ORDER BY SortOrder"
    return [(row["ApiName"], row["IsClosed"], row["IsDefault"]) for row in org.sf.query(soql)["records"]]


def test_statuses_and_priorities_say_what_they_mean(org: ServedOrg) -> None:
    assert statuses(org)[0] == ("Not Started", False, True)
    assert [name for name, closed, _ in statuses(org) if closed] == ["Completed"]
    soql = "SELECT ApiName FROM TaskPriority WHERE IsHighPriority = true"
    assert [row["ApiName"] for row in org.sf.query(soql)["records"]] == ["High"]


def test_another_languages_words_take_the_place_of_the_old_ones(org: ServedOrg) -> None:
    """Whoever closes a task by the name Completed is refused, as in an org that renamed it."""
    words = [TaskWord("Offen", default=True), TaskWord("Erledigt", means=True)]
    use_words(org.org, "TaskStatus", words)
    use_words(org.org, "TaskPriority", [TaskWord("Normal", default=True), TaskWord("Dringend", means=True)])
    task = a_task(org, Priority="Dringend")
    shown = org.rest("GET", f"sobjects/Task/{task}")
    assert (shown["Status"], shown["IsClosed"], shown["IsHighPriority"]) == ("Offen", False, True)
    refused = code_of(lambda: org.rest("PATCH", f"sobjects/Task/{task}", {"Status": "Completed"}))
    assert refused == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    org.rest("PATCH", f"sobjects/Task/{task}", {"Status": "Erledigt"})
    done = org.rest("GET", f"sobjects/Task/{task}")
    assert done["IsClosed"] is True
    assert done["CompletedDateTime"]
    described = {field["name"]: field for field in org.rest("GET", "sobjects/Task/describe")["fields"]}
    assert [each["value"] for each in described["Status"]["picklistValues"]] == ["Offen", "Erledigt"]


@pytest.mark.parametrize("words", [[TaskWord("Open", default=True)], [TaskWord("Done", means=True)]])
def test_words_without_a_default_or_a_meaning_are_no_words(org: ServedOrg, words: list[TaskWord]) -> None:
    with pytest.raises(ValueError, match="TaskStatus"):
        use_words(org.org, "TaskStatus", words)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Priority": "Sky-high"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"Subject": "x" * 256}, "STRING_TOO_LONG"),
        ({"Description": "x" * 32_001}, "STRING_TOO_LONG"),
        ({"ActivityDate": "1 December"}, "JSON_PARSER_ERROR"),
        ({"IsClosed": True}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Urgency__c": "high"}, "INVALID_FIELD"),
        ({"WhatId": "001000000000001AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
        ({"OwnerId": "005000000000001AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
    ],
)
def test_a_task_that_does_not_fit_is_refused(org: ServedOrg, fields: dict[str, Any], code: str) -> None:
    assert code_of(lambda: a_task(org, **fields)) == code
    assert org.people.read_all("Task") == []


def test_a_task_is_given_to_nobody_who_left(org: ServedOrg) -> None:
    owner = org.people.seeded.owners[0]
    org.people.update("User", owner, {"IsActive": False})
    assert code_of(lambda: a_task(org, OwnerId=owner)) == "INACTIVE_OWNER_OR_USER"


def test_a_task_on_a_deleted_account_is_refused(org: ServedOrg) -> None:
    account = org.account()
    org.people.delete("Account", account)
    assert code_of(lambda: a_task(org, WhatId=account)) == "ENTITY_IS_DELETED"


def test_a_user_without_the_right_reads_tasks_and_changes_none(org: ServedOrg) -> None:
    task = a_task(org)
    org.org.settings.read_only_objects = ("Task",)
    assert code_of(lambda: a_task(org)) == "INVALID_TYPE_FOR_OPERATION"
    changed = code_of(lambda: org.rest("PATCH", f"sobjects/Task/{task}", {"Status": "Completed"}))
    assert changed == "INVALID_TYPE_FOR_OPERATION"
    assert org.rest("GET", f"sobjects/Task/{task}")["Status"] == "Not Started"
    described = org.rest("GET", "sobjects/Task/describe")
    assert (described["createable"], described["updateable"]) == (False, False)
    assert not [field for field in described["fields"] if field["createable"] or field["updateable"]]
    assert org.rest("GET", "sobjects/Account/describe")["createable"] is True


def test_people_see_the_tasks_of_a_record(org: ServedOrg, control: Control) -> None:
    account = org.account()
    owner = org.people.seeded.owners[1]
    task = a_task(org, WhatId=account, OwnerId=owner, Description="Why", Priority="High")
    gone = a_task(org, WhatId=account)
    a_task(org)
    control("DELETE", f"records/Task/{gone}")
    assert control("GET", f"tasks/{account[:15]}")["tasks"] == [
        {
            "id": task,
            "subject": "Late payer",
            "body": "Why",
            "due": "2026-12-01",
            "owner": owner,
            "done": False,
            "high_priority": True,
        }
    ]
    assert control("GET", f"tasks/{owner}")["tasks"] == []


def test_an_admin_renames_statuses_and_takes_rights_away(org: ServedOrg, control: Control) -> None:
    words = [{"name": "Open", "default": True}, {"name": "Done", "means": True}]
    assert control("PUT", "task-words/TaskStatus", {"words": words})["words"] == ["Open", "Done"]
    assert [name for name, _, _ in statuses(org)] == ["Open", "Done"]
    control("PATCH", "settings", {"read_only_objects": ["Task"]})
    assert code_of(lambda: a_task(org)) == "INVALID_TYPE_FOR_OPERATION"
