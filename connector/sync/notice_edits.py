"""Which billed deals a person may have changed in their CRM, where no webhook says so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from connector import targets
from connector.domain.planning import INVOICE, SUBSCRIPTION
from connector.domain.refs import RecordRef
from connector.ports import Services, Touched, UnitOfWork
from connector.sync.batches import batches
from connector.targets import Target, TargetKind

_MARKER = "sync_status"
"""The value that every deal shows once we have dealt with it."""

_ECHO = timedelta(seconds=30)
"""A change so near to our own write is taken for that write: the clocks differ, and a write takes its time."""

_LOOK_AGAIN_EVERY = timedelta(days=1)
_OVERLAP = timedelta(minutes=5)
"""How far the daily look reaches behind the last: what our write hid was perhaps not edited yet when we looked."""

_BATCH = 500
_MOST_BATCHES = 200


def notice_edits(crm: str, since: datetime, services: Services) -> None:
    """Mark the billed deals that changed at or after ``since``, other than by our own writing.

    What such a write hides, because somebody edited the deal in the same moments or before the poll that would have
    told, is found within a day: each billed deal that we wrote to is looked at once a day.

    Raises:
        RetryLater, NeedsHuman: from the CRM, or because its mapping cannot be used.
    """
    mapping = services.mappings.get(crm)
    marker = mapping.write_back.get("deal", {}).get(_MARKER) if mapping is not None else None
    if marker is None:
        return  # nothing tells our deals from all others
    for batch in batches(services.crms[crm].touched_since(since, marker)):
        with services.store.begin() as work:
            work.targets.mark_all(_target(ref) for ref in _changed_by_others(batch, work))
    _look_again(crm, services)


def is_billed(deal: RecordRef, work: UnitOfWork) -> bool:
    """Whether anything bills the deal already."""
    return bool(work.links.of(deal).keys() & {SUBSCRIPTION, INVOICE}) or work.links.billing_of(deal) is not None


def _changed_by_others(batch: Iterable[Touched], work: UnitOfWork) -> set[RecordRef]:
    changed = {each.ref: each.at for each in batch}
    written = work.records.written_at(list(changed))
    echoes = {ref for ref, at in written.items() if abs(changed[ref] - at) <= _ECHO}
    return {ref for ref in changed.keys() - echoes if is_billed(ref, work)}


def _look_again(crm: str, services: Services) -> None:
    """Once a day, mark each billed deal that we wrote to since the last time; what is too many has its turn next."""
    now = services.clock()
    mark = f"{crm}:looked again"
    with services.store.begin() as work:
        last = work.settings.watermark(mark)
    if last is not None and last > now - _LOOK_AGAIN_EVERY:
        return
    reached, after = (last or now - _LOOK_AGAIN_EVERY) - _OVERLAP, None
    for _ in range(_MOST_BATCHES):
        with services.store.begin() as work:
            page = work.records.billed_and_written(crm, reached, after, _BATCH)
            work.targets.mark_all((_target(ref) for ref, _ in page), unpark=False)
        if len(page) < _BATCH:
            reached = now
            break
        after, reached = page[-1]
    with services.store.begin() as work:
        work.settings.set_watermark(mark, reached)


def _target(deal: RecordRef) -> Target:
    return targets.for_record(TargetKind.DEAL, deal)
