"""A candidate mapping run over the deals won last: what would differ from what was billed. Writes nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from connector.domain.billed_whole import as_if_new, whole_as_billed
from connector.domain.deal import Deal
from connector.domain.plan_document import differences, document
from connector.domain.refs import RecordRef
from connector.errors import CannotBill, NotFound, Rejected
from connector.ports import Crm, DealPlan, DealRecords, Services
from connector.sync.plan_deal import plan_deal
from connector.sync.read_deal import read_deal
from mappings.model import FieldMapping

_FIRST_LOOK, _FURTHEST_LOOK = timedelta(days=30), timedelta(days=5 * 365)
_WIDER = 4
"""How much longer each look back for won deals is than the one before, until there are enough."""


class Standing(StrEnum):
    """How a deal fares under the candidate."""

    SAME = "same"
    DIFFERS = "differs"
    REFUSED = "refused"  #: it could not be billed; it could before
    HEALED = "healed"  #: it could be billed; it could not before
    STILL_REFUSED = "still_refused"
    GONE = "gone"  #: the CRM does not show it any more


@dataclass(frozen=True, slots=True)
class DealPreview:
    """One deal under the candidate.

    ``changes`` says how its plan differs from what was billed, or, where it was billed without a plan that we
    remember, from what the mapping in force makes of it. ``known`` are those of them that the deal itself has brought
    since: the mapping in force would differ so, too. ``problem`` is why it could not be billed.
    """

    deal: RecordRef
    name: str
    standing: Standing
    changes: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    problem: str = ""
    billed: bool = False


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a mapping makes of a deal: a plan's document, or a sentence."""

    document: Mapping[str, Any] | None
    problem: str = ""


def preview_mapping(candidate: FieldMapping, services: Services, last: int = 100) -> Iterator[DealPreview]:
    """The ``last`` won deals, the latest change first, each under the candidate and under the mapping in force.

    Costs one read of each deal, and of the prices that its products name. Nothing is written anywhere.

    Raises:
        RetryLater, NeedsHuman: the CRM or billing cannot be asked.
    """
    crm, current = services.crms[candidate.crm], services.mappings[candidate.crm]
    for ref in _won_last(crm, services, last):
        yield _preview(ref, crm, current, candidate, services)


def _won_last(crm: Crm, services: Services, last: int) -> list[RecordRef]:
    """The deals won that changed last, the latest first."""
    look = _FIRST_LOOK
    while True:
        found = deque(crm.won_since(services.clock() - look), maxlen=last)
        if len(found) == last or look >= _FURTHEST_LOOK:
            return list(reversed(found))
        look = min(look * _WIDER, _FURTHEST_LOOK)


def _preview(
    ref: RecordRef, crm: Crm, current: FieldMapping, candidate: FieldMapping, services: Services
) -> DealPreview:
    try:
        records = crm.fetch_deal(ref, _both(current, candidate))
    except NotFound:
        return DealPreview(ref, "", Standing.GONE)
    with services.store.begin() as work:
        history = work.plans.history(ref)
    billed = whole_as_billed([plan.document for plan in history if plan.is_made])
    kept = history[0] if billed is not None else None
    after = _outcome(records, candidate, kept, services)
    before = after if _alike(records, current, candidate) else _outcome(records, current, kept, services)
    return _compared(ref, _name(records, candidate, current), before, after, billed)


def _compared(
    ref: RecordRef, name: str, before: _Outcome, after: _Outcome, billed: Mapping[str, Any] | None
) -> DealPreview:
    is_billed = billed is not None
    if after.document is None:
        standing = Standing.STILL_REFUSED if before.document is None and not is_billed else Standing.REFUSED
        return DealPreview(ref, name, standing, problem=after.problem, billed=is_billed)
    reference = billed if billed is not None else before.document
    if reference is None:
        return DealPreview(ref, name, Standing.HEALED, problem=before.problem)
    changes = tuple(differences(reference, after.document))
    by_itself = tuple(differences(reference, before.document)) if before.document is not None else ()
    known = tuple(change for change in changes if change in by_itself)
    standing = Standing.DIFFERS if changes else Standing.SAME
    return DealPreview(ref, name, standing, changes, known, billed=is_billed)


def _outcome(records: DealRecords, mapping: FieldMapping, kept: DealPlan | None, services: Services) -> _Outcome:
    try:
        planned = plan_deal(records, replace(services, mappings={mapping.crm: mapping}), kept=kept)
    except (CannotBill, Rejected, NotFound) as error:
        return _Outcome(None, str(error))
    return _Outcome(as_if_new(document(planned.seen)))


def _alike(records: DealRecords, current: FieldMapping, candidate: FieldMapping) -> bool:
    """Whether both mappings read the very same deal, so that one plan stands for both."""
    if current.prices != candidate.prices:
        return False
    was, will_be = _read(records, current), _read(records, candidate)
    return was is not None and was == will_be


def _read(records: DealRecords, mapping: FieldMapping) -> Deal | None:
    try:
        return read_deal(records, mapping)
    except CannotBill:
        return None


def _name(records: DealRecords, candidate: FieldMapping, current: FieldMapping) -> str:
    deal = _read(records, candidate) or _read(records, current)
    return deal.name if deal is not None else ""


def _both(current: FieldMapping, candidate: FieldMapping) -> FieldMapping:
    """A mapping that reads what either of the two reads, so that one fetch serves both."""
    return replace(
        candidate, deal=(*candidate.deal, *current.deal), line_item=(*candidate.line_item, *current.line_item)
    )
