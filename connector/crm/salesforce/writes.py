"""Batch writes: values become rows, rows fill collections of two hundred, and each row gets its own answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.crm.salesforce.connection import Connection
from connector.crm.salesforce.errors import from_row
from connector.crm.salesforce.schema import Schema
from connector.crm.salesforce.translate import OBJECTS, outgoing
from connector.domain.refs import RecordRef
from connector.domain.write_back import Value
from connector.errors import NeedsHuman, Rejected, RetryLater, Unsupported
from connector.ports import CrmWrite, RowResult
from connector.sentences.crm import FIELDS_MISSING
from connector.sentences.salesforce import NOT_A_KIND, ODD_ANSWER

BATCH = 200
"""Records in one sObject Collections call, whatever their objects; the call counts once against the daily allowance."""

Outcomes = dict[RecordRef, Exception | None]
"""What became of each record: an error, or None when it is written."""


def write_all(writes: Sequence[CrmWrite], connection: Connection, schema: Schema) -> list[RowResult]:
    """One result per write, in order. Several writes to one record become one row, in which the last value counts.

    Raises:
        NeedsHuman: the org lacks fields that several rows set: told once for all, before anything is sent.
        RetryLater: nothing was written. Once a batch went through, a later batch's failure is told row by row.
    """
    fields: dict[RecordRef, dict[str, Value]] = {}
    for write in writes:
        fields.setdefault(write.ref, {}).update(write.fields)
    outcomes: Outcomes = {}
    if _missing(fields, schema):
        schema.forget()  # the field may have been made since we last asked
        _refuse_missing(fields, outcomes, schema)
    rows: dict[RecordRef, dict[str, Any]] = {}
    for ref in fields.keys() - outcomes.keys():
        try:
            rows[ref] = _row(ref, fields[ref], schema)
        except NeedsHuman as error:
            outcomes[ref] = error
    _send(rows, outcomes, connection)
    if any(isinstance(error, Rejected) and error.code == "INVALID_FIELD" for error in outcomes.values()):
        schema.forget()  # a field went away since we asked: one sentence, not a parked row for each
        _refuse_missing(fields, outcomes, schema)
    return [RowResult(write.ref, outcomes[write.ref]) for write in writes]


def _refuse_missing(fields: Mapping[RecordRef, Mapping[str, Value]], outcomes: Outcomes, schema: Schema) -> None:
    """A single row that sets what the org lacks is told so itself; several are one finding, not a parked row each."""
    missing = _missing(fields, schema)
    if not missing:
        return
    names = list(dict.fromkeys(name for per_row in missing.values() for name in per_row))
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    only = next(iter(missing)) if len(missing) == 1 else None
    error = Rejected.because(
        FIELDS_MISSING, ref=only, provider="salesforce", crm="Salesforce", names=shown, setup="salesforce"
    )
    error.code = "FIELDS_MISSING"
    if only is None:
        raise error
    outcomes[only] = error


def _missing(fields: Mapping[RecordRef, Mapping[str, Value]], schema: Schema) -> dict[RecordRef, list[str]]:
    found: dict[RecordRef, list[str]] = {}
    for ref, values in fields.items():
        if ref.provider == "salesforce" and ref.kind in OBJECTS:
            shape = schema.shape(OBJECTS[ref.kind])
            names = [name for name in values if not shape.fields.get(name, {}).get("updateable")]
            if names:
                found[ref] = [f"{shape.name}.{name}" for name in names]
    return found


def _row(ref: RecordRef, values: Mapping[str, Value], schema: Schema) -> dict[str, Any]:
    if ref.provider != "salesforce" or ref.kind not in OBJECTS:
        raise Unsupported.because(NOT_A_KIND, provider="salesforce", ref=ref, kind=ref.kind)
    shape = schema.shape(OBJECTS[ref.kind])
    row: dict[str, Any] = {"attributes": {"type": shape.name}, "id": ref.id}
    return row | {name: outgoing(name, value, shape.fields[name], ref) for name, value in values.items()}


def _send(rows: Mapping[RecordRef, dict[str, Any]], outcomes: Outcomes, connection: Connection) -> None:
    """Send full batches, each object's rows together: a change of object starts a new chunk at Salesforce."""
    waiting = sorted(rows, key=lambda ref: (rows[ref]["attributes"]["type"], ref))
    for start in range(0, len(waiting), BATCH):
        batch = waiting[start : start + BATCH]
        body = {"allOrNone": False, "records": [rows[ref] for ref in batch]}
        try:
            answers = connection.patch("composite/sobjects", body)
        except (RetryLater, NeedsHuman) as error:
            if start == 0:
                raise
            # the batches after it would meet the same, and cost a call each
            outcomes |= dict.fromkeys(waiting[start:], error)
            return
        outcomes |= _read(batch, answers)


def _read(batch: Sequence[RecordRef], answers: Any) -> Outcomes:
    if not isinstance(answers, list) or len(answers) != len(batch):
        lost = RetryLater.because(ODD_ANSWER, provider="salesforce", what="a batch with another number of rows")
        return dict.fromkeys(batch, lost)
    return {
        ref: None if answer.get("success") else from_row(answer.get("errors"), ref)
        for ref, answer in zip(batch, answers, strict=True)
    }
