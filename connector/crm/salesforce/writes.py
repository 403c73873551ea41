"""Batch writes: values become rows, rows fill collections of two hundred, and each row gets its own answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.crm.salesforce.connection import Connection
from connector.crm.salesforce.errors import from_row
from connector.crm.salesforce.schema import Schema
from connector.crm.salesforce.translate import OBJECTS, outgoing
from connector.domain.refs import RecordRef
from connector.errors import NeedsHuman, NotFound, Rejected, RetryLater, Unsupported
from connector.ports import CrmWrite, RowResult

BATCH = 200
"""Records in one sObject Collections call, whatever their objects; the call counts once against the daily allowance."""

Row = tuple[int, CrmWrite, dict[str, Any]]
"""Its place among the writes, the write, and the JSON that is sent."""


def write_all(writes: Sequence[CrmWrite], connection: Connection, schema: Schema) -> list[RowResult]:
    """One result per write, in order.

    Raises:
        NeedsHuman: the org lacks fields that we should write; told once for all rows, before anything is sent.
        RetryLater: nothing was written. Once a batch went through, a later batch's failure is told row by row.
    """
    _refuse_missing(writes, schema)
    results: dict[int, RowResult] = {}
    rows = []
    for place, write in enumerate(writes):
        try:
            rows.append((place, write, _row(write, schema)))
        except NeedsHuman as error:
            results[place] = RowResult(write.ref, error)
    failure: RetryLater | NeedsHuman | None = None
    for number, batch in enumerate(_batches(rows)):
        if failure is None:
            try:
                answers = connection.patch("composite/sobjects", _body(batch))
            except (RetryLater, NeedsHuman) as error:
                if number == 0:
                    raise
                failure = error  # the batches after it would meet the same and cost a call each
            else:
                results |= _read(batch, answers)
                continue
        results |= {place: RowResult(write.ref, failure) for place, write, _ in batch}
    if any(_names_no_field(result.error) for result in results.values()):
        _look_again(writes, schema)  # a field went away since we asked: one sentence, not a parked row for each
    return [results[place] for place in range(len(writes))]


def _refuse_missing(writes: Sequence[CrmWrite], schema: Schema) -> None:
    """Look twice before complaining: the field may have been made since we last asked."""
    if _missing(writes, schema):
        _look_again(writes, schema)


def _look_again(writes: Sequence[CrmWrite], schema: Schema) -> None:
    schema.forget()
    missing = _missing(writes, schema)
    if missing:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        raise Rejected(
            f"Salesforce has no field {shown} that we may write.",
            hint="Run `connector setup salesforce`, or take the fields out of the mapping.",
            provider="salesforce",
            code="FIELDS_MISSING",
        )


def _missing(writes: Sequence[CrmWrite], schema: Schema) -> list[str]:
    wanted: dict[str, dict[str, None]] = {}
    for write in writes:
        if write.ref.kind in OBJECTS:
            wanted.setdefault(OBJECTS[write.ref.kind], {}).update(dict.fromkeys(write.fields))
    return [
        f"{name}.{field}"
        for name, fields in wanted.items()
        for field in fields
        if not schema.shape(name).fields.get(field, {}).get("updateable")
    ]


def _row(write: CrmWrite, schema: Schema) -> dict[str, Any]:
    if write.ref.provider != "salesforce" or write.ref.kind not in OBJECTS:
        raise Unsupported(f"Salesforce cannot be told about a {write.ref.kind}.", provider="salesforce", ref=write.ref)
    name = OBJECTS[write.ref.kind]
    fields: Mapping[str, Mapping[str, Any]] = schema.shape(name).fields
    row: dict[str, Any] = {"attributes": {"type": name}, "id": write.ref.id}
    row |= {field: outgoing(field, value, fields[field], write.ref) for field, value in write.fields.items()}
    return row


def _names_no_field(error: Exception | None) -> bool:
    return isinstance(error, Rejected) and error.code == "INVALID_FIELD"


def _body(batch: Sequence[Row]) -> dict[str, Any]:
    return {"allOrNone": False, "records": [row for _, _, row in batch]}


def _batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Full batches, each object's rows together (a change of object starts a new transaction at Salesforce).

    A record stands in a batch once: Salesforce refuses it otherwise, so a second write waits for the next batch.
    """
    waiting = sorted(rows, key=lambda row: (row[2]["attributes"]["type"], row[0]))
    while waiting:
        batch: list[Row] = []
        ids: set[str] = set()
        later: list[Row] = []
        for row in waiting:
            if len(batch) < BATCH and row[1].ref.id not in ids:
                batch.append(row)
                ids.add(row[1].ref.id)
            else:
                later.append(row)
        yield batch
        waiting = later


def _read(batch: Sequence[Row], answers: Any) -> dict[int, RowResult]:
    if not isinstance(answers, list) or len(answers) != len(batch):
        lost = RetryLater("Salesforce answered a batch with another number of rows.", provider="salesforce")
        return {place: RowResult(write.ref, lost) for place, write, _ in batch}
    return {
        place: RowResult(write.ref, None if answer.get("success") else _row_error(answer, write.ref))
        for (place, write, _), answer in zip(batch, answers, strict=True)
    }


def _row_error(answer: Mapping[str, Any], record: RecordRef) -> RetryLater | NeedsHuman:
    error = from_row(answer.get("errors"), record)
    if isinstance(error, NotFound) and not error.hint:
        error.hint = "The record was deleted or merged, or the integration user lost sight of it."
    return error
