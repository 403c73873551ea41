"""The queries we send, as text: one for a deal with all that hangs on it, one for the deals won of late.

Names come from the mapping and are sent only if the org's own description has them; values are quoted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from connector.crm.labels import parts

_DEAL = ("Id", "IsWon", "IsClosed", "StageName", "AccountId", "OwnerId")
_STAGE = ("LastStageChangeDate", "CreatedDate")
"""When it came to its stage: by a change, or because it was entered there."""

_LINE = ("Id", "Product2Id")
_ROLE = ("ContactId", "Role", "IsPrimary")

_QUOTED = str.maketrans(
    {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)


@dataclass(frozen=True, slots=True)
class DealQuery:
    """The text, and the paths it leaves out because the org has no such field."""

    soql: str
    missing: tuple[str, ...]


def quote(text: str) -> str:
    """A SOQL string literal (SOQL reference, "Quoted String Escape Sequences")."""
    return f"'{text.translate(_QUOTED)}'"


def select(fields: Iterable[str], source: str, *clauses: str) -> str:
    """A SELECT from its parts; whatever is a value in a clause has been through ``quote``."""
    return " ".join(("SELECT", ", ".join(fields), "FROM", source, *clauses))


def moment(at: datetime) -> str:
    """A SOQL datetime literal, in UTC with milliseconds. Rounds down, so that nothing after it is missed."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def deal_query(
    deal_id: str, deal_paths: Iterable[str], line_paths: Iterable[str], has_path: Callable[[str], bool]
) -> DealQuery:
    """One query for a deal, its account, line items with products, and contact roles."""
    wanted: dict[str, dict[str, None]] = {
        "Opportunity": dict.fromkeys((*_DEAL, *(name for name in _STAGE if has_path(f"Opportunity.{name}")))),
        "OpportunityLineItem": dict.fromkeys(_LINE),
        "Contact": {},
    }
    missing = []
    for path in dict.fromkeys((*deal_paths, *line_paths)):
        name, _, rest = parts(path)  # a label only says whose fields of all that are asked for
        if name == "Account":  # the short way to say Opportunity.Account
            name, rest = "Opportunity", path
        if name in wanted and rest and has_path(f"{name}.{rest}"):
            wanted[name][rest] = None
        else:
            missing.append(path)
    roles = [*_ROLE, *(f"Contact.{field}" for field in wanted["Contact"])]
    lines = select(wanted["OpportunityLineItem"], "OpportunityLineItems", "ORDER BY SortOrder, Id")
    contacts = select(roles, "OpportunityContactRoles", "ORDER BY CreatedDate, Id")
    soql = select(
        [*wanted["Opportunity"], f"({lines})", f"({contacts})"], "Opportunity", f"WHERE Id = {quote(deal_id)}"
    )
    return DealQuery(soql, tuple(missing))


def deleted_query(deal_id: str) -> str:
    """Whether a deal is in the recycle bin; to be asked of ``queryAll``."""
    return select(("Id",), "Opportunity", f"WHERE Id = {quote(deal_id)} AND IsDeleted = true")


def merged_query(account_id: str) -> str:
    """The accounts that were merged into this one; to be asked of ``queryAll``. A merged account is a deleted one that
    names its master (sObject reference, Account, ``MasterRecordId``)."""
    return select(("Id",), "Account", f"WHERE MasterRecordId = {quote(account_id)} AND IsDeleted = true", "ORDER BY Id")


def stages_query() -> str:
    """Every stage in the order that an admin gave them; one order for the whole org."""
    return select(("ApiName", "IsClosed"), "OpportunityStage", "ORDER BY SortOrder")


def open_query(since: datetime, stages: Iterable[str]) -> str:
    """The open deals in these stages that changed since, or whose account did, oldest first."""
    at = moment(since)
    return select(
        ("Id",),
        "Opportunity",
        f"WHERE IsClosed = false AND StageName IN ({', '.join(map(quote, stages))})",
        f"AND (SystemModstamp >= {at} OR Account.SystemModstamp >= {at})",
        "ORDER BY SystemModstamp, Id",
    )


def touched_query(since: datetime, marker: str) -> str:
    """The deals, won or not, that changed since and whose field ``marker`` holds a value, oldest first."""
    return select(
        ("Id", "SystemModstamp"),
        "Opportunity",
        f"WHERE {marker} != null AND SystemModstamp >= {moment(since)}",
        "ORDER BY SystemModstamp, Id",
    )


def won_query(since: datetime) -> str:
    """The deals that are won and changed since, oldest first. Long answers come by cursor, not by offset: a row that
    changes while we read is neither skipped nor repeated."""
    return select(
        ("Id",),
        "Opportunity",
        f"WHERE IsWon = true AND IsClosed = true AND SystemModstamp >= {moment(since)}",
        "ORDER BY SystemModstamp, Id",
    )


def open_deals_query(account_id: str, most: int) -> str:
    """The open deals of an account, newest first."""
    return select(
        ("Id",),
        "Opportunity",
        f"WHERE AccountId = {quote(account_id)} AND IsClosed = false",
        f"ORDER BY CreatedDate DESC, Id DESC LIMIT {most}",
    )


def owner_query(object_name: str, record_id: str) -> str:
    """Who owns a record, and whether they still work there."""
    return select(("OwnerId", "Owner.IsActive"), object_name, f"WHERE Id = {quote(record_id)}")


def tasks_query(record_id: str, subject: str) -> str:
    """The tasks on a record with this subject, newest first."""
    return select(
        ("Id", "Subject"),
        "Task",
        f"WHERE WhatId = {quote(record_id)} AND Subject = {quote(subject)}",
        "ORDER BY CreatedDate DESC, Id DESC",
    )


def task_query(task_id: str) -> str:
    """One task: whether it is done, and what it says."""
    return select(("Id", "IsClosed", "Description"), "Task", f"WHERE Id = {quote(task_id)}")


def task_statuses_query() -> str:
    """The statuses that a task can have, in the order that an admin gave them."""
    return select(("ApiName", "IsClosed", "IsDefault"), "TaskStatus", "ORDER BY SortOrder")


def task_priorities_query() -> str:
    """The priorities that a task can have, in the order that an admin gave them."""
    return select(("ApiName", "IsHighPriority"), "TaskPriority", "ORDER BY SortOrder")
