"""A won deal becomes a customer and what bills it, once, and its record says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from connector import targets
from connector.domain.approval import reason_to_wait
from connector.domain.forecast import forecast
from connector.domain.money import Money
from connector.domain.plan_document import differences, document, document_hash, forecast_document
from connector.domain.planning import INVOICE, SUBSCRIPTION
from connector.domain.refs import RecordRef
from connector.domain.write_back import Value, Values
from connector.errors import CannotBill, Gone, NeedsHuman
from connector.ports import AgreedChange, DealBilling, DealPlan, DealRecords, PlanState, Services
from connector.sentences import approval, billing_again
from connector.sync.advise_terms import advice_values, advise_open_deal
from connector.sync.ask_first import reason_to_ask
from connector.sync.check_readiness import not_ready
from connector.sync.check_terms import check_terms, go_on, note_exception, remembered
from connector.sync.find_customer import follow_merges
from connector.sync.mappings_in_force import pinned
from connector.sync.note_account import forget_renewal, note_account, notice_renewal
from connector.sync.plan_deal import Planned, fingerprint, plan_deal
from connector.sync.release_invoices import release_invoices
from connector.sync.review_billed_deal import review_billed_deal
from connector.sync.run_plan import begun_change, run_plan
from connector.sync.tell_deal import tell_deal
from connector.targets import TargetKind

_BILLS = (SUBSCRIPTION, INVOICE)


def bill_deal(ref: str, services: Services, *, asked: bool = False) -> None:
    """Bill the deal if it is won and not billed yet; a second call changes nothing.

    A deal that is billed already is looked at for changes, which are proposed and never made without approval.
    Whatever a person must fix is told on the deal itself before the work is parked. ``asked`` says that a person has
    named this very deal, so that it is billed even if it may be billed elsewhere already.

    Raises:
        NeedsHuman: the deal waits for a person. RetryLater: a vendor is unwell; nothing was lost or doubled.
    """
    deal_ref = RecordRef.parse(ref)
    services = pinned(deal_ref.provider, services)
    with services.store.begin() as work:
        billing = work.links.billing_of(deal_ref)
        kept = work.plans.latest(deal_ref)
        state = work.records.get(deal_ref)
    try:
        if billing is None or (kept is not None and kept.round == 1 and kept.state in _UNBILLED):
            _bill_if_won(deal_ref, kept, services, asked=asked)
        elif kept is None and not (state is not None and state.desired.get("sync_status") == "billed"):
            _show(deal_ref, billing, None, services)  # billed by a version that remembered no plans
        elif kept is not None and kept.state is PlanState.BILLED:
            _show(deal_ref, billing, kept, services)
        elif kept is not None:
            review_billed_deal(deal_ref, kept, services)
    except NeedsHuman as error:
        tell_deal(deal_ref, {"sync_status": "needs_attention", "sync_message": str(error)}, services)
        raise


_UNBILLED = frozenset({PlanState.WAITING, PlanState.APPROVED, PlanState.DECLINED})


def _bill_if_won(deal_ref: RecordRef, kept: DealPlan | None, services: Services, *, asked: bool) -> None:
    try:
        records = services.crms[deal_ref.provider].fetch_deal(deal_ref, services.mappings[deal_ref.provider])
    except Gone:
        forget_renewal(deal_ref, services)
        return  # before it was billed: there is nothing left to bill, and no record to tell
    notice_renewal(records, services)
    begun = kept is not None and begun_change(kept, services) is not None
    if not records.won and not begun:
        _tell_readiness(records, services)
        return
    doubt = "" if asked or begun else reason_to_ask(records, services)
    if doubt:
        # Not parked: asking again every hour would change nothing, and a mass update may touch years of deals.
        tell_deal(deal_ref, {"sync_status": "needs_attention", "sync_message": doubt}, services)
        return
    with services.store.alone(f"account:{records.payer or records.account or deal_ref}"):
        _bill(records, kept, services)


def _bill(records: DealRecords, kept: DealPlan | None, services: Services) -> None:
    if records.account is not None:
        follow_merges(records.account, records.formerly, services)
    if kept is not None and (change := begun_change(kept, services)) is not None:
        billing = run_plan(change.plan, kept, services, _before(records, change.customer))
        _show(records.ref, billing, replace(kept, state=PlanState.BILLED), services)
        with services.store.begin() as work:
            work.targets.mark_dirty(targets.for_record(TargetKind.DEAL, kept.deal))  # it may have been edited meanwhile
        return
    planned = plan_deal(records, services, kept=kept)
    proposed = _proposal(planned, services)
    proposed = _decide(proposed, kept, planned, services)
    if proposed.state is PlanState.DECLINED:
        return  # by somebody who saw just this; the record says so
    if proposed is not kept:  # else it is kept already, and somebody may be deciding on it now
        with services.store.begin() as work:
            # Before anything is made: should a step fail and the deal be edited then, no other plan goes on from there.
            work.plans.keep(proposed)
            note_exception(proposed, work, services)
    advice = advice_values(planned.look, planned.deal.terms, services)
    if proposed.state is PlanState.APPROVED:
        before = _before(records, planned.contract.customer) if planned.contract is not None else None
        billing = run_plan(planned.plan, proposed, services, before)
        note_account(planned.deal, services)
        _show(records.ref, billing, replace(proposed, state=PlanState.BILLED), services, advice)
        return
    values = {"sync_status": "awaiting_approval", "sync_message": proposed.reason, **advice}
    tell_deal(records.ref, values, services)


def _before(records: DealRecords, customer: RecordRef) -> DealBilling:
    """How the contract that the deal changes is billed."""
    return DealBilling(customer, records.payer or records.account or records.ref)


def _proposal(planned: Planned, services: Services) -> DealPlan:
    seen = document(planned.seen)
    return DealPlan(
        deal=planned.deal.ref,
        round=1,
        hash=document_hash(seen),
        state=PlanState.WAITING,
        document=seen,
        forecast=forecast_document(forecast(planned.seen, planned.as_of)),
        as_of=planned.as_of,
        made_at=services.clock(),
        mapping_version=services.mappings[planned.deal.ref.provider].version,
        fingerprint=fingerprint(planned.deal),
        change=AgreedChange(planned.plan, planned.contract.customer) if planned.contract is not None else None,
    )


def _decide(proposed: DealPlan, kept: DealPlan | None, planned: Planned, services: Services) -> DealPlan:
    """Approved when nobody has to agree, or somebody agreed to exactly this plan; else waiting, with the reason."""
    if kept is not None and kept.hash == proposed.hash:
        return go_on(kept, planned, services) if kept.waits_for_terms else kept
    worth = worth_of(planned, proposed, services)
    by_policy = planned.doubt or reason_to_wait(planned.deal, worth, services.approval_policy)
    verdict = check_terms(planned, services)
    reason = " ".join(filter(None, (by_policy, verdict.reason)))
    if kept is not None and kept.state is PlanState.APPROVED:
        changes = "; ".join(differences(kept.document, proposed.document))
        _refuse_if_begun(planned, changes, services)
        if kept.decided_by:
            reason = by_policy = approval.CHANGED_SINCE.says(changes=changes)
    terms = remembered(planned.terms, verdict, held=bool(verdict.reason) and not by_policy)
    if not reason:
        answered = verdict.answer.said if verdict.answer is not None else ""
        return replace(proposed, state=PlanState.APPROVED, reason=answered, terms=terms)
    return replace(proposed, reason=reason, terms=terms)


def _refuse_if_begun(planned: Planned, changes: str, services: Services) -> None:
    """What was begun by one plan is not gone on with by another."""
    with services.store.begin() as work:
        begun = any(work.links.get(step.key) for step in planned.plan.billing_steps())
    if begun:
        raise CannotBill.because(billing_again.HALF_BILLED, ref=planned.deal.ref, field="deal", changes=changes)


def worth_of(planned: Planned, proposed: DealPlan, services: Services) -> Money:
    """What a plan comes to until its term ends, before tax; what usage will decide counts as nothing."""
    foreseen = forecast(planned.seen, proposed.as_of)
    return Money(sum(invoice.total for invoice in foreseen.invoices), _currency(planned, services))


def _currency(planned: Planned, services: Services) -> str:
    for step in planned.seen.billing_steps():
        currency = getattr(step, "currency", "")
        if currency:
            return str(currency)
    return (planned.deal.currency or services.billing_policy.default_currency).lower()


def _show(
    deal_ref: RecordRef,
    billing: DealBilling,
    plan: DealPlan | None,
    services: Services,
    and_say: Values = MappingProxyType({}),
) -> None:
    """Send the first invoice at once, so that the deal shows its link within seconds, and say that it is billed."""
    with services.store.begin() as work:
        filled = work.links.of(deal_ref)
    if plan is not None:
        release_invoices(plan, services)
    elif billed_by := next((filled[role] for role in _BILLS if role in filled), None):
        services.billing.release_first_invoice(billed_by, billing.expected)
    values: dict[str, Value] = {
        "customer_id": billing.customer.id,
        "subscription_id": _subscription(list(filled.values())),
        "sync_status": "billed",
        "sync_message": " ".join(billing.notes),
        **and_say,
    }
    # Told before the plan is done: whoever is killed in between tells it again, but looks at no plan that is done.
    tell_deal(deal_ref, values, services)
    with services.store.begin() as work:
        work.targets.mark_dirty(targets.for_record(TargetKind.ACCOUNT, billing.customer))
        if plan is not None:
            work.plans.done(deal_ref, plan.round)


def _subscription(made: Sequence[RecordRef]) -> str:
    return next((target.id for target in made if target.kind == SUBSCRIPTION), "")


def _tell_readiness(records: DealRecords, services: Services) -> None:
    """An open deal needs no complaint about how it could not be billed and no approval, only what it lacks, in time;
    and which terms to offer.
    """
    missing = not_ready(records, services)
    with services.store.begin() as work:
        state = work.records.get(records.ref)
        work.plans.withdraw(records.ref, 1)
    told = state is not None and state.desired.get("sync_status") in ("waiting", "needs_attention", "awaiting_approval")
    waiting = {"sync_status": "waiting", "sync_message": missing} if missing or told else {}
    if values := {**waiting, **advise_open_deal(records, services)}:
        tell_deal(records.ref, values, services)
