"""Tasks for people: made about a company or a deal, found again by their subject, closed when they are done with."""

from __future__ import annotations

import html
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from connector.crm.hubspot.api import BATCH, HubSpotApi, mapping
from connector.crm.hubspot.translate import OBJECT_OF_KIND, PATH_OF_OBJECT, to_text
from connector.domain.refs import RecordRef
from connector.errors import NotFound, Unsupported
from connector.ports import CrmTask
from connector.sentences.hubspot import NOT_A_KIND

TASKS = "tasks"

LINK = {"account": 192, "deal": 216}
"""Association types task -> company and task -> deal. Source: hubspot-api-client, ``AssociationType``."""

BODY_LENGTH = 65_536
"""Characters of a text property. Source: HubSpot, properties API."""

SUBJECT, BODY, STATUS = "hs_task_subject", "hs_task_body", "hs_task_status"
NOT_STARTED, COMPLETED = "NOT_STARTED", "COMPLETED"


class Tasks:
    """The tasks of one HubSpot account. ``time_zone`` is the account's, empty where nobody told us."""

    def __init__(self, api: HubSpotApi, time_zone: str) -> None:
        self._api = api
        self._zone = ZoneInfo(time_zone) if time_zone else UTC

    def find(self, record: RecordRef, subject: str) -> RecordRef | None:
        """The newest task on the record with this subject: by the record's associations, since search lags."""
        try:
            linked = [each for each, _ in self._api.labelled(path_of(record), record.id, TASKS, record)]
        except NotFound:
            return None
        newest_first = sorted(dict.fromkeys(linked), key=_by_number, reverse=True)
        for start in range(0, len(newest_first), BATCH):
            batch = newest_first[start : start + BATCH]
            found = self._api.records(TASKS, batch, (SUBJECT,))
            for each in batch:
                if mapping(found.get(each)).get(SUBJECT) == subject:
                    return _ref(each)
        return None

    def create(self, task: CrmTask) -> RecordRef:
        """Make it with its association in one call, once: a lost answer may hide that it was made."""
        properties = {
            SUBJECT: task.subject,
            BODY: _as_html(task.body)[:BODY_LENGTH],
            STATUS: NOT_STARTED,
            "hs_task_priority": "HIGH" if task.high_priority else "MEDIUM",
            "hs_task_type": "TODO",
            "hs_timestamp": to_text(self._due(task.due)),
        }
        properties |= {"hubspot_owner_id": task.owner.id} if task.owner else {}
        path_of(task.record)
        links = [(task.record.id, LINK[task.record.kind])]
        return _ref(self._api.create(TASKS, properties, links, task.record))

    def close(self, task: RecordRef, note: str) -> bool:
        """Done, with the note behind what the task says already."""
        try:
            found = mapping(self._api.record(TASKS, task.id, (STATUS, BODY), (), task).get("properties"))
            if found.get(STATUS) == COMPLETED:
                return False
            before = str(found.get(BODY) or "")
            added = f"{before}<br><br>{_as_html(note)}" if before else _as_html(note)
            changed = {STATUS: COMPLETED, BODY: added if len(added) <= BODY_LENGTH else before}
            self._api.change(TASKS, task.id, changed, task)
        except NotFound:
            return False
        return True

    def _due(self, day: date) -> datetime:
        """Noon of the day where the company is: with no zone told, it is the same day nearly everywhere."""
        return datetime.combine(day, time(12), self._zone)


def path_of(record: RecordRef) -> str:
    """What the record's object is called in addresses.

    Raises:
        Unsupported: a kind of record that no task of ours is about.
    """
    if record.provider != "hubspot" or record.kind not in LINK:
        raise Unsupported.because(NOT_A_KIND, provider="hubspot", ref=record, kind=record.kind)
    return PATH_OF_OBJECT[OBJECT_OF_KIND[record.kind]]


def _as_html(text: str) -> str:
    """What a task says is shown as HTML: a company's name must not become a tag."""
    return html.escape(text, quote=False).replace("\n", "<br>")


def _by_number(record_id: str) -> int:
    return int(record_id) if record_id.isdigit() else 0


def _ref(task_id: str) -> RecordRef:
    return RecordRef("hubspot", "task", task_id)
