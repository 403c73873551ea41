"""Tasks: what their status and priority mean in this org, what a save works out, and how people see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.values import Record


@dataclass(frozen=True)
class TaskWord:
    """One status, or one priority; `means` is closed for the one and high for the other."""

    name: str
    means: bool = False
    default: bool = False


STATUSES = (
    TaskWord("Not Started", default=True),
    TaskWord("In Progress"),
    TaskWord("Completed", means=True),
    TaskWord("Waiting on someone else"),
    TaskWord("Deferred"),
)
PRIORITIES = (TaskWord("High", means=True), TaskWord("Normal", default=True), TaskWord("Low"))

_MEANING = {"TaskStatus": ("Task.Status", "IsClosed"), "TaskPriority": ("Task.Priority", "IsHighPriority")}


def use_words(org: Org, object_name: str, words: Sequence[TaskWord]) -> None:
    """From now on a task's statuses (`TaskStatus`), or its priorities (`TaskPriority`), are these and no others.

    ValueError unless one of them is the default, and one has the meaning that the object is about.
    """
    if sum(word.default for word in words) != 1 or not any(word.means for word in words):
        raise ValueError(f"{object_name} needs one default, and one word that means it")
    path, flag = _MEANING[object_name]
    with org.unit():
        for row in list(org.rows(object_name)):
            org.remove(object_name, str(row["Id"]))
        for place, word in enumerate(words, start=1):
            record: Record = {
                "Id": org.next_id(org.schema.get(object_name)),
                "ApiName": word.name,
                "MasterLabel": word.name,
                "SortOrder": place,
                "IsDefault": word.default,
                flag: word.means,
                "CreatedDate": org.now(),
                "SystemModstamp": org.now(),
            }
            org.put(object_name, record)
    default = next(word.name for word in words if word.default)
    org.schema.override(path, picklist=tuple(word.name for word in words), default_value=default)


def save_task(org: Org, _before: Record | None, record: Record, _given: Record) -> None:
    """Closed and high are what the org's own words mean; a word that the org has not is refused.

    Source: sObject reference, Task, TaskStatus and TaskPriority.
    """
    closed = _meaning(org, "TaskStatus", record, "Status")
    record["IsClosed"] = closed
    record["IsHighPriority"] = _meaning(org, "TaskPriority", record, "Priority")
    record["CompletedDateTime"] = (record.get("CompletedDateTime") or org.now()) if closed else None
    what = record.get("WhatId")
    record["WhatCount"], record["WhoCount"] = int(what is not None), int(record.get("WhoId") is not None)
    if isinstance(what, str):
        opportunity = org.row("Opportunity", what)
        record["AccountId"] = opportunity.get("AccountId") if opportunity else what if what[:3] == "001" else None


def tasks_on(org: Org, record_id: str) -> list[dict[str, object]]:
    """The live tasks about a record, oldest first, in the words that a test of either CRM understands."""
    return [_shown(row) for row in org.children("Task", "WhatId", record_id) if not row["IsDeleted"]]


def _meaning(org: Org, object_name: str, record: Record, name: str) -> bool:
    found = next((row for row in org.rows(object_name) if row["ApiName"] == record[name]), None)
    if found is None:
        raise Refused(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{name}: bad value for restricted picklist field: {record[name]}",
            [name],
        )
    return bool(found[_MEANING[object_name][1]])


def _shown(row: Mapping[str, object]) -> dict[str, object]:
    due = row["ActivityDate"]
    return {
        "id": row["Id"],
        "subject": row["Subject"],
        "body": row["Description"],
        "due": due.isoformat() if isinstance(due, date) else None,
        "owner": row["OwnerId"],
        "done": row["IsClosed"],
        "high_priority": row["IsHighPriority"],
    }
