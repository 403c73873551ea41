"""Every changed record of one CRM, sent in full batches; only what differs from what was last written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from connector.domain.refs import RecordRef
from connector.domain.write_back import STAMP, RecordState, Value
from connector.errors import NeedsHuman, RetryLater
from connector.ports import CrmWrite, Records, RowResult, Services
from connector.sentences.running import MORE_WAIT
from mappings import apply

_AT_ONCE = 200
"""Records asked of the store at a time: the largest batch any CRM takes in one call (Salesforce collections)."""

_ROW_RETRY = timedelta(seconds=30)
_MOST_ROUNDS = 500


def write_back(crm_name: str, services: Services) -> None:
    """Write all that waits for this CRM. One bad row is parked or retried alone and holds up no other.

    Rows that must be tried again wait for their own time, not the lane: the clock marks it again when that has come.

    Raises:
        RetryLater, NeedsHuman: from the CRM, about all of them.
    """
    crm = services.crms.get(crm_name)
    if crm is None:
        return  # disconnected since: its values wait until it is back
    for _ in range(_MOST_ROUNDS):
        with services.store.begin() as work:
            waiting = work.records.waiting(crm_name, _AT_ONCE)
            work.records.sending(waiting)
        if not waiting:
            return
        _write_batch(waiting, crm_name, services)
    raise RetryLater.because(MORE_WAIT, crm=crm_name, evidence={"retry_after": 1})


def _write_batch(states: Sequence[RecordState], crm_name: str, services: Services) -> None:
    mapping = services.mappings[crm_name]
    now = services.clock()
    sent: dict[RecordRef, dict[str, Value]] = {}
    writes: list[CrmWrite] = []
    for state in states:
        sent[state.ref] = {**state.difference(), STAMP: now}
        if apply.write(mapping, state.ref.kind, state.difference()):
            writes.append(CrmWrite(state.ref, apply.write(mapping, state.ref.kind, sent[state.ref])))
    results = services.crms[crm_name].write(writes) if writes else []
    shown = {write.ref for write in writes}
    with services.store.begin() as work:
        # In the order in which everybody locks them, so that two transactions never wait for each other crosswise.
        done = [RowResult(ref) for ref in sent if ref not in shown]  # the mapping shows none of what changed
        for result in sorted((*results, *done), key=lambda result: result.ref):
            _note(result, sent[result.ref], work.records, now)


def _note(result: RowResult, values: dict[str, Value], records: Records, now: datetime) -> None:
    match result.error:
        case None:
            records.written(result.ref, values, now)
        case RetryLater():
            wait = timedelta(seconds=result.error.retry_after) if result.error.retry_after else _ROW_RETRY
            records.failed(result.ref, result.error.with_id, retry_in=wait)
        case NeedsHuman():
            records.failed(result.ref, result.error.with_id, retry_in=None)
        case unexpected:
            raise unexpected
