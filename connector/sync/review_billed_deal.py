"""A deal that is billed already and was touched again: say what changed, propose what follows, do what was approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from connector import targets
from connector.domain.amending import plan_cancellation, plan_edit
from connector.domain.billed_whole import WHOLE, as_if_new, billed_to, whole_as_billed
from connector.domain.billing_plan import BillingPlan
from connector.domain.change_timing import planned_on
from connector.domain.contract import RunningContract
from connector.domain.deal import Deal, DealKind
from connector.domain.edited_one_off import sold_once_by
from connector.domain.forecast import forecast
from connector.domain.plan_document import differences, document, document_hash, forecast_document
from connector.domain.planning import plan_billing
from connector.domain.refs import RecordRef
from connector.errors import CannotBill, Gone
from connector.ports import AgreedChange, DealPlan, DealRecords, PlanState, Services
from connector.sentences import approval as sentences
from connector.sync.find_contract import contracts_of
from connector.sync.find_customer import follow_merges
from connector.sync.mappings_in_force import as_billed
from connector.sync.note_account import note_account
from connector.sync.plan_deal import fingerprint, invoiced, priced
from connector.sync.read_deal import read_deal
from connector.sync.release_invoices import release_invoices
from connector.sync.run_plan import begun_change, run_plan
from connector.sync.tell_deal import tell_deal
from connector.targets import TargetKind

_LOST = {"lost": True}
"""What stands there for a deal that was lost."""


def review_billed_deal(deal_ref: RecordRef, kept: DealPlan, services: Services) -> None:
    """Compare a billed deal with what was billed; ``kept`` is its latest plan.

    It is read by the mapping that billed it: a new one changes nothing that is billed, unless one asks to re-apply it.
    Nothing in billing changes here but what a person has approved. A deal that only shows new values of ours has not
    changed, and costs one look.

    Raises:
        NeedsHuman, RetryLater: from the CRM, or from billing while an approved change is made.
    """
    services = as_billed(deal_ref.provider, kept.mapping_version, services)
    mapping = services.mappings[deal_ref.provider]
    try:
        records = services.crms[deal_ref.provider].fetch_deal(deal_ref, mapping)
    except Gone:
        return  # what was sold stays sold; the record that would show it is gone
    try:
        deal = read_deal(records, mapping)
    except CannotBill as error:
        _tell_impossible(deal_ref, error, services)
        return
    note_account(deal, services)
    seen = Look(records, deal, fingerprint(deal))
    if kept.fingerprint == seen.fingerprint and kept.state is not PlanState.APPROVED:
        return
    with services.store.alone(f"account:{records.payer or records.account or deal_ref}"):
        if records.account is not None:
            follow_merges(records.account, records.formerly, services)
        _review(seen, kept, services)


@dataclass(frozen=True, slots=True)
class Look:
    """The deal as it stands now, and what stands for all of it."""

    records: DealRecords
    deal: Deal
    fingerprint: str

    @property
    def reopened(self) -> bool:
        """Neither won nor lost."""
        return not self.records.won and not self.records.closed


@dataclass(frozen=True, slots=True)
class Change:
    """What a change of a billed deal would do: its plan, the deal as if it were new, and a sentence for its record."""

    plan: BillingPlan
    whole: Mapping[str, Any]
    said: str
    customer: RecordRef | None = None  #: whose contract it changes


def _review(seen: Look, kept: DealPlan, services: Services) -> None:
    # The record is always told before it is noted that the deal was seen: whoever is killed in between tells it again.
    if (begun := begun_change(kept, services)) is not None:
        _do(begun.plan, kept, services)
        with services.store.begin() as work:
            work.targets.mark_dirty(targets.for_record(TargetKind.DEAL, kept.deal))  # it may have been edited meanwhile
        return
    if seen.reopened:
        message = f"{sentences.REOPENED.says()} {sentences.REOPENED.advises()}"
        tell_deal(seen.deal.ref, {"sync_status": "needs_attention", "sync_message": message}, services)
        _note(seen, kept, services)
        return
    agreed = kept.state is PlanState.APPROVED
    own = contracts_of(seen.deal.ref, services)
    day = kept.as_of if agreed else services.today()
    for contract in own:
        day = planned_on(contract, day, services.today())
    try:
        change = _change(seen, kept, own, day, services)
    except CannotBill as error:
        _tell_impossible(seen.deal.ref, error, services)
        _note(seen, kept, services)
        return
    if change is None:
        _as_it_was(seen, kept, services)
        return
    proposed = _proposal(seen, change, day, kept, services)
    if kept.hash == proposed.hash and agreed:
        _do(change.plan, replace(kept, fingerprint=seen.fingerprint), services)
    elif kept.hash == proposed.hash and kept.state is PlanState.DECLINED:
        _note(seen, kept, services)
    elif kept.hash == proposed.hash and kept.state is PlanState.WAITING:
        tell_deal(seen.deal.ref, {"sync_status": "awaiting_approval", "sync_message": kept.reason}, services)
        _note(seen, kept, services)  # and not kept anew: somebody may be deciding on it now
    else:
        if agreed:
            said = "; ".join(differences(kept.document, proposed.document))
            proposed = replace(proposed, reason=sentences.CHANGED_SINCE.says(changes=said))
        tell_deal(seen.deal.ref, {"sync_status": "awaiting_approval", "sync_message": proposed.reason}, services)
        with services.store.begin() as work:
            work.plans.keep(proposed)


def _change(seen: Look, kept: DealPlan, own: Sequence[RunningContract], day: date, services: Services) -> Change | None:
    """What follows for billing; None when the deal is what was billed.

    Raises:
        CannotBill: the deal as it stands now cannot be billed exactly.
    """
    deal, policy, number = seen.deal, services.billing_policy, _round(kept)
    # What several subscriptions bill is changed by a person: nothing may be done by half.
    contract = own[0] if len(own) == 1 else None
    if seen.records.closed and not seen.records.won:
        if contract is None:
            return Change(BillingPlan(deal.ref, ()), dict(_LOST), _lost_unended(own))
        plan = plan_cancellation(deal, contract, invoiced(contract, services), day, policy, round=number)
        ending = " ".join((sentences.LOST.says(changes=_told(plan)), *_milestones(deal.ref, day, services)))
        return Change(plan, dict(_LOST), ending, contract.customer)
    if deal.terms.kind is not DealKind.NEW:
        told = {"deal": seen.fingerprint}
        return Change(BillingPlan(deal.ref, ()), told, sentences.EDITED_AMENDMENT.says())
    with services.store.begin() as work:
        history = work.plans.history(deal.ref)
    given = history[0].terms
    deal, catalogue = priced(given.of(deal) if given is not None else deal, services)
    whole = as_if_new(document(plan_billing(deal, catalogue, history[0].as_of, policy)))
    billed = _whole(history)
    changes = differences(_follows(billed, seen.records, services), whole)
    if _was_lost(history):
        changes = [*changes, sentences.WON_AGAIN.says().removesuffix(".")]
    if not changes:
        return None
    plan = BillingPlan(deal.ref, ())
    if contract is not None:
        invoices = () if contract.ends is None else invoiced(contract, services)
        once = sold_once_by(billed)
        plan = plan_edit(deal, contract, catalogue, day, policy, billed=once, invoices=invoices, round=number)
    said = sentences.EDITED if plan.billing_steps() else sentences.EDITED_ELSEWHERE
    return Change(plan, whole, said.says(changes="; ".join(changes)), contract.customer if contract else None)


def _proposal(seen: Look, change: Change, day: date, kept: DealPlan, services: Services) -> DealPlan:
    plain = {**document(change.plan), WHOLE: dict(change.whole)}
    return DealPlan(
        deal=seen.deal.ref,
        round=_round(kept),
        hash=document_hash(plain),
        state=PlanState.WAITING,
        document=plain,
        forecast=forecast_document(forecast(change.plan, day)),
        as_of=day,
        made_at=services.clock(),
        reason=change.said,
        mapping_version=services.mappings[seen.deal.ref.provider].version,
        fingerprint=seen.fingerprint,
        change=AgreedChange(change.plan, change.customer) if change.customer is not None else None,
    )


def _do(plan: BillingPlan, agreed: DealPlan, services: Services) -> None:
    """Make the change that was agreed to. One that asks nothing of billing is only noted as seen."""
    if plan.billing_steps():
        with services.store.begin() as work:
            before = work.links.billing_of(agreed.deal)
        run_plan(plan, agreed, services, before)
        release_invoices(agreed, services)
    else:
        with services.store.begin() as work:
            work.plans.keep(replace(agreed, state=PlanState.BILLED))
    tell_deal(agreed.deal, {"sync_status": "billed", "sync_message": " ".join(plan.notes)}, services)
    with services.store.begin() as work:
        work.plans.done(agreed.deal, agreed.round)


def _as_it_was(seen: Look, kept: DealPlan, services: Services) -> None:
    """Whatever was proposed meanwhile is withdrawn, and the record says again that all is well."""
    tell_deal(kept.deal, {"sync_status": "billed", "sync_message": ""}, services)
    with services.store.begin() as work:
        if not kept.is_made:
            work.plans.withdraw(kept.deal, kept.round)
        for made in work.plans.history(kept.deal)[-1:]:
            work.plans.seen(made.deal, made.round, seen.fingerprint)


def _note(seen: Look, kept: DealPlan, services: Services) -> None:
    with services.store.begin() as work:
        work.plans.seen(kept.deal, kept.round, seen.fingerprint)


def _tell_impossible(deal: RecordRef, error: CannotBill, services: Services) -> None:
    message = sentences.CHANGE_IMPOSSIBLE.says(why=str(error))
    tell_deal(deal, {"sync_status": "needs_attention", "sync_message": message}, services)


def _round(kept: DealPlan) -> int:
    """A proposal that was not made yet is replaced in its own round."""
    return kept.round + 1 if kept.is_made else kept.round


def _was_lost(history: Sequence[DealPlan]) -> bool:
    """Whether the last that a person agreed to was that the deal is lost: what it says now may be billed no more."""
    made = [plan for plan in history if plan.is_made]
    return bool(made) and made[-1].document.get(WHOLE) == _LOST


def _milestones(deal: RecordRef, day: date, services: Services) -> list[str]:
    """What is said of the deal's invoices of days to come, which its subscription's end leaves as they are."""
    with services.store.begin() as work:
        billed = _whole(work.plans.history(deal))
    days = [str(step["on"]) for step in billed.get("steps", ()) if step.get("on") and step["on"] > day.isoformat()]
    if not days:
        return []
    return [sentences.MILESTONES_STAY.says(days=", ".join(days)), sentences.MILESTONES_STAY.advises()]


def _lost_unended(own: Sequence[RunningContract]) -> str:
    if not own:
        return sentences.LOST_INVOICE.says()
    told = ", ".join(contract.subscription.id for contract in own)
    return f"{sentences.LOST_SEVERAL.says(contracts=told)} {sentences.LOST_SEVERAL.advises()}"


def _whole(history: Sequence[DealPlan]) -> Mapping[str, Any]:
    """The whole deal as it was last billed, from all of its plans."""
    return whole_as_billed([plan.document for plan in history if plan.is_made]) or {}


def _follows(billed: Mapping[str, Any], records: DealRecords, services: Services) -> Mapping[str, Any]:
    """What was billed, by the account's name of today: a record that was merged into another is that other now."""
    account = records.payer or records.account
    with services.store.begin() as work:
        billing = work.links.billing_of(records.ref)
    if account is None or billing is None or account != billing.account:
        return billed
    return billed_to(billed, str(account))


def _told(plan: BillingPlan) -> str:
    return " ".join(plan.notes)
