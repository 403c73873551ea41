"""Batches of records over the API: up to a hundred rows, each with its own fate where HubSpot allows it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connector.sandbox.hubspot.calls import Answer, Call, Handler
from connector.sandbox.hubspot.moments import write_moment
from connector.sandbox.hubspot.objects_api import wanted_links, whole
from connector.sandbox.hubspot.records import Record
from connector.sandbox.hubspot.refusals import OBJECT_NOT_FOUND, VALIDATION_ERROR, Refusal, invalid

_MOST = 100

Row = Mapping[str, Any]
Commit = Callable[[], dict[str, Any]]


def read(call: Call) -> Answer:
    """POST .../batch/read: unknown ids share one error entry."""
    inputs = rows_of(call)
    archived = call.flag("archived")
    names, history = call.body["properties"], call.body["propertiesWithHistory"]
    found, missing = [], []
    for row in inputs:
        record = call.portal.find_by(call.kind, call.body.get("idProperty"), row["id"])
        if archived and record is None:
            record = call.portal.records[call.kind.name].get(row["id"])
        if record is None or record.archived != archived:
            missing.append(row["id"])
        else:
            found.append(record.body(names, history))
    return envelope(call, 200, found, [_could_not_get(call, missing).row()] if missing else [])


def create(call: Call) -> Answer:
    """POST .../batch/create."""

    def prepare(row: Row) -> Commit:
        links = wanted_links(call.portal, call.kind, row.get("associations", []))
        call.portal.rehearse_create(call.kind, row["properties"], call.source, links)
        return lambda: whole(call.portal.create(call.kind, row["properties"], call.source, links))

    return _run(call, 201, prepare)


def update(call: Call) -> Answer:
    """POST .../batch/update."""

    def prepare(row: Row) -> Commit:
        record = call.portal.find_by(call.kind, row.get("idProperty"), row["id"])
        if record is None:
            raise _could_not_get(call, [row["id"]])
        return _prepared_update(call, record, row)

    return _run(call, 200, prepare, unique_ids=True)


def upsert(call: Call) -> Answer:
    """POST .../batch/upsert: by a property with unique values, which has to be named."""

    def prepare(row: Row) -> Commit:
        id_property = row.get("idProperty")
        if not id_property:
            raise invalid("idProperty is required for an upsert")
        record = call.portal.find_by(call.kind, id_property, row["id"])
        if record is not None:
            commit = _prepared_update(call, record, row)
            return lambda: {**commit(), "new": False}
        values = {id_property: row["id"], **row["properties"]}
        call.portal.rehearse_create(call.kind, values, call.source)
        return lambda: {**whole(call.portal.create(call.kind, values, call.source)), "new": True}

    return _run(call, 200, prepare, unique_ids=True)


def archive(call: Call) -> Answer:
    """POST .../batch/archive: quiet about records that are gone already."""
    for row in rows_of(call):
        record = call.portal.find_by(call.kind, None, row["id"])
        if record is not None:
            call.portal.archive(record, call.source)
    return Answer(204)


def _prepared_update(call: Call, record: Record, row: Row) -> Commit:
    values = row["properties"]
    call.portal.check(record.kind, values, record, call.source)
    return lambda: call.portal.update(record, values, call.source).body(values)


def _run(call: Call, status: int, prepare: Callable[[Row], Commit], *, unique_ids: bool = False) -> Answer:
    """Check every row, then write the good ones.

    A row that fails validation fails the whole batch, unless every row carries an objectWriteTraceId: then it
    fails alone, as do rows whose record is unknown in any case.
    Source: developers.hubspot.com/docs/api-reference/latest/error-handling, multi-status errors.
    """
    inputs = rows_of(call)
    if unique_ids:
        _refuse_doubles(inputs)
    traced = all(row.get("objectWriteTraceId") for row in inputs)
    commits: list[tuple[Row, Commit]] = []
    errors: list[dict[str, Any]] = []
    struck = _struck_row(call, inputs)
    for row in inputs:
        try:
            if row is struck:
                raise _row_fault(call, row)
            commits.append((row, prepare(row)))
        except Refusal as refusal:
            if not (traced or row is struck or refusal.category == OBJECT_NOT_FOUND):
                raise
            errors.append(refusal.row(row.get("objectWriteTraceId")))
    results = []
    for row, commit in commits:
        try:
            shown = commit()
        except Refusal as refusal:  # two rows of one batch that clash with each other
            errors.append(refusal.row(row.get("objectWriteTraceId")))
            continue
        trace = row.get("objectWriteTraceId")
        results.append({**shown, "objectWriteTraceId": trace} if trace else shown)
    return envelope(call, status, results, errors)


def envelope(call: Call, status: int, results: Sequence[Any], errors: Sequence[Mapping[str, Any]]) -> Answer:
    """A batch's answer: 207 as soon as one row failed."""
    now = write_moment(call.portal.now())
    body: dict[str, Any] = {
        "status": "COMPLETE",
        "results": list(results),
        "requestedAt": now,
        "startedAt": now,
        "completedAt": now,
    }
    if errors:
        body["numErrors"] = len(errors)
        body["errors"] = list(errors)
    return Answer(207 if errors else status, body)


def rows_of(call: Call, most: int = _MOST) -> list[Row]:
    """The rows of a batch. Raises Refusal (400) for none or too many."""
    inputs: list[Row] = call.body["inputs"]
    if not inputs:
        raise invalid("The batch has no inputs")
    if len(inputs) > most:
        raise invalid(f"Batch size {len(inputs)} is greater than the maximum of {most}.")
    return inputs


def _refuse_doubles(inputs: Sequence[Row]) -> None:
    ids = [row["id"] for row in inputs]
    doubled = sorted({one for one in ids if ids.count(one) > 1})
    if doubled:
        raise invalid(f"Duplicate IDs found in batch input: [{', '.join(doubled)}]", context={"ids": doubled})


def _struck_row(call: Call, inputs: Sequence[Row]) -> Row | None:
    if not call.row_error:
        return None
    _, aimed, record_id = call.row_error.partition("@")
    if not aimed:
        return inputs[0]
    return next((row for row in inputs if row.get("id") == record_id), None)


def _row_fault(call: Call, row: Row) -> Refusal:
    category = (call.row_error or "").partition("@")[0] or VALIDATION_ERROR
    context = {"ids": [row["id"]]} if "id" in row else {}
    return Refusal(400, category, f"The sandbox was told to refuse this row: {category}", context=context)


def _could_not_get(call: Call, ids: Sequence[str]) -> Refusal:
    return Refusal(
        404,
        OBJECT_NOT_FOUND,
        f"Could not get some {call.kind.singular.upper()} objects, they may be deleted or not exist. "
        "Check that ids are valid.",
        context={"ids": ids},
    )


HANDLERS: dict[str, Handler] = {
    "POST /crm/v3/objects/{objectType}/batch/read": read,
    "POST /crm/v3/objects/{objectType}/batch/create": create,
    "POST /crm/v3/objects/{objectType}/batch/update": update,
    "POST /crm/v3/objects/{objectType}/batch/upsert": upsert,
    "POST /crm/v3/objects/{objectType}/batch/archive": archive,
}
