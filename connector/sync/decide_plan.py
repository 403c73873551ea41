"""A person approves or declines a deal's plan: exactly the one that was seen, on the record."""

from __future__ import annotations

from dataclasses import replace

from connector import targets
from connector.domain.refs import RecordRef
from connector.errors import NeedsHuman
from connector.ports import DealPlan, PlanState, Services
from connector.sentences import approval as sentences
from connector.sync.tell_deal import tell_deal
from connector.targets import TargetKind

_SHORTEST_HASH = 8


def approve_plan(deal: RecordRef, services: Services, *, by: str, why: str = "", seen: str = "") -> DealPlan:
    """Agree to what waits for the deal, and have it billed. ``seen`` is the hash, or its beginning, that was looked at.

    Raises:
        NeedsHuman: nothing waits, or it is another plan than the one that was seen.
    """
    return _decide(deal, services, PlanState.APPROVED, by=by, why=why, seen=seen)


def decline_plan(deal: RecordRef, services: Services, *, by: str, why: str, seen: str = "") -> DealPlan:
    """Say no to what waits for the deal: it is not billed until the deal changes, or somebody approves it after all.

    Raises:
        NeedsHuman: nothing waits, or it is another plan than the one that was seen.
    """
    decided = _decide(deal, services, PlanState.DECLINED, by=by, why=why, seen=seen)
    message = f"{sentences.DECLINED.says(who=by, why=why)} {sentences.DECLINED.advises()}"
    tell_deal(deal, {"sync_status": "needs_attention", "sync_message": message}, services)
    return decided


def _decide(deal: RecordRef, services: Services, state: PlanState, *, by: str, why: str, seen: str) -> DealPlan:
    with services.store.alone(f"decision:{deal}"), services.store.begin() as work:
        # One at a time: of two who decide at once, the second must hear what the first has said.
        kept = work.plans.latest(deal)
        open_to = {PlanState.WAITING, PlanState.DECLINED} - {state}
        if kept is None or kept.state not in open_to:
            raise NeedsHuman.because(sentences.NOT_WAITING, ref=deal, deal=deal)
        if seen and (len(seen) < _SHORTEST_HASH or not kept.hash.startswith(seen)):
            now = kept.hash[: max(_SHORTEST_HASH, len(seen))]
            raise NeedsHuman.because(sentences.OTHER_PLAN, ref=deal, deal=deal, now=now, given=seen)
        decided = replace(kept, state=state, decided_by=by, decided_why=why, decided_at=services.clock())
        work.plans.keep(decided)
        evidence = {"plan": kept.hash, "round": kept.round, "by": by, "why": why}
        work.audit.record(f"plan {state.value}", str(deal), evidence, services.clock())
        if state is PlanState.APPROVED:
            work.targets.replay(targets.for_record(TargetKind.DEAL, deal))
    return decided
