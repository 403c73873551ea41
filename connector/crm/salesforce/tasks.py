"""Tasks for people: made about an account or a deal, found again by their subject, closed when they are done with.

Which status means done, and which priority is high, is the org's own word: its stages are asked, never a label.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.crm.salesforce.connection import Connection
from connector.crm.salesforce.ids import id_of, is_record_id, long_id
from connector.crm.salesforce.schema import KEEP
from connector.crm.salesforce.soql import (
    task_priorities_query,
    task_query,
    task_statuses_query,
    tasks_query,
)
from connector.domain.refs import RecordRef
from connector.errors import NotFound, Unreachable
from connector.ports import Clock, CrmTask
from connector.sentences.salesforce import ODD_ANSWER

BODY_LENGTH = 32_000
"""Characters of Task.Description. Source: Salesforce, sObject reference, Task."""


@dataclass(frozen=True, slots=True)
class _Words:
    """The org's own statuses and priorities, by API name; empty where its default serves."""

    begin: str
    done: str
    high: str


class Tasks:
    """The tasks of one org. Safe among threads."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[datetime, _Words] | None = None

    def find(self, record: RecordRef, subject: str) -> RecordRef | None:
        """The newest task on the record with this subject. Salesforce itself compares without regard to capitals."""
        rows = self._connection.rows(tasks_query(id_of(record), subject), ref=record)
        found = next((row for row in rows if row.get("Subject") == subject), None)
        return _ref(found["Id"]) if found else None

    def create(self, task: CrmTask) -> RecordRef:
        """Make it, once: a lost answer may hide that it was made, and ``find`` tells."""
        words = self._words()
        fields = {
            "WhatId": id_of(task.record),
            "Subject": _whole(task.subject),
            "Description": _shortened(_whole(task.body), BODY_LENGTH),
            "ActivityDate": task.due.isoformat(),
        }
        fields |= {"OwnerId": task.owner.id} if task.owner else {}
        fields |= {"Status": words.begin} if words.begin else {}
        fields |= {"Priority": words.high} if task.high_priority and words.high else {}
        made = self._connection.post("sobjects/Task", fields, ref=task.record)
        if not isinstance(made, dict) or not is_record_id(str(made.get("id"))):
            raise Unreachable.because(ODD_ANSWER, provider="salesforce", ref=task.record, what="a task without an id")
        return _ref(made["id"])

    def close(self, task: RecordRef, note: str) -> bool:
        """Done, with the note behind what the task says already."""
        if not is_record_id(task.id):
            return False
        found = self._connection.query(task_query(task.id), ref=task)
        if not found or found[0]["IsClosed"]:
            return False
        fields = {"Status": self._words().done, "Description": with_note(found[0].get("Description"), _whole(note))}
        try:
            self._connection.patch(f"sobjects/Task/{task.id}", fields, ref=task)
        except NotFound:  # deleted since we looked
            return False
        return True

    def _words(self) -> _Words:
        with self._lock:
            known = self._known
        if known is not None and self._clock() - known[0] < KEEP:
            return known[1]
        statuses = self._connection.query(task_statuses_query())
        done = _name(row for row in statuses if row["IsClosed"])
        if not done:
            raise Unreachable.because(ODD_ANSWER, provider="salesforce", what="that no status of a task means done")
        words = _Words(
            begin=_name(row for row in _defaults_first(statuses) if not row["IsClosed"]),
            done=done,
            high=_name(row for row in self._connection.query(task_priorities_query()) if row["IsHighPriority"]),
        )
        with self._lock:
            self._known = (self._clock(), words)
        return words


def with_note(body: object, note: str) -> str:
    """What a task says, and the note below. Where both are too long, the note stays whole as far as it can."""
    note = _shortened(note, BODY_LENGTH)
    before = str(body or "").rstrip()
    room = BODY_LENGTH - len(note) - 2
    return f"{_shortened(before, room)}\n\n{note}" if before and room > 1 else note


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _whole(text: str) -> str:
    """Half a character would make the whole request unreadable."""
    return text.encode("utf-8", "replace").decode()


def _defaults_first(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: not row.get("IsDefault"))


def _name(rows: Any) -> str:
    return next((str(row["ApiName"]) for row in rows), "")


def _ref(task_id: object) -> RecordRef:
    return RecordRef("salesforce", "task", long_id(str(task_id)))
