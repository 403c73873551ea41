"""A plan's steps, done once each: look before doing it again, and remember what was made."""

from __future__ import annotations

from dataclasses import replace

from connector.domain.billing_plan import BillingPlan, ChangeSubscription, MakeCustomer, Step, StepKey
from connector.domain.refs import RecordRef
from connector.errors import KeyUsed, Rejected
from connector.ports import AgreedChange, DealBilling, DealPlan, Link, PlanState, Services
from connector.sync.find_customer import find_customer
from connector.sync.second_bill import refuse_a_second_bill


def run_plan(plan: BillingPlan, kept: DealPlan, services: Services, before: DealBilling | None = None) -> DealBilling:
    """Do every step that is not done yet, then remember how the deal is billed and that this round is done.

    ``before`` is how the contract that the plan changes is billed: a plan that only ends it makes no customer.

    Raises:
        NeedsHuman: a person must decide or correct something. RetryLater: a vendor is unwell; nothing was lost or
            doubled, and the next attempt goes on where this one stopped.
    """
    made: dict[StepKey, RecordRef] = {}
    notes = list(plan.notes)
    billing_steps = plan.billing_steps()
    for step in plan.steps:
        if step in billing_steps:
            break
        prepared, note = find_customer(step, services) if isinstance(step, MakeCustomer) else (step, "")
        notes += [note] if note else []
        made[step.key] = _run(prepared, made, services)
    billing = _billed_to(plan, made, notes, before)
    if kept.round == 1:
        refuse_a_second_bill(plan, billing.customer, services)
    done = replace(kept, state=PlanState.BILLED)
    for step in billing_steps:
        made[step.key] = _run(step, made, services, billing, done if step is billing_steps[-1] else None)
    if not billing_steps:
        _nothing_to_do(billing, done, services)
    return billing


def begun_change(kept: DealPlan, services: Services) -> AgreedChange | None:
    """The agreed change of a contract, if an earlier attempt has begun it.

    It is gone on with as it was agreed: planned anew, it would count what is changed already a second time. One that
    never reached billing is not begun: it says what the contract becomes, and another may have changed that since.
    """
    if kept.state is not PlanState.APPROVED or kept.change is None:
        return None
    begun = any(_is_begun(step, services) for step in kept.change.plan.billing_steps())
    return kept.change if begun else None


def _is_begun(step: Step, services: Services) -> bool:
    with services.store.begin() as work:
        done, begun = work.links.get(step.key) is not None, work.links.begun([step.key])
    if done or not begun or not isinstance(step, ChangeSubscription):
        return begun
    return services.billing.find(step, {}) is not None


def _billed_to(
    plan: BillingPlan, made: dict[StepKey, RecordRef], notes: list[str], before: DealBilling | None
) -> DealBilling:
    for step in plan.steps:
        if isinstance(step, MakeCustomer):
            return DealBilling(made[step.key], step.key.owner, plan.expected_first_invoice(), tuple(notes))
    if before is None:
        raise AssertionError(f"{plan.deal} neither makes a customer nor changes a contract")
    return replace(before, expected=None, notes=tuple(notes))


def _nothing_to_do(billing: DealBilling, done: DealPlan, services: Services) -> None:
    """All that the plan asks for is so already; the deal is billed all the same, and its record says by what."""
    with services.store.begin() as work:
        work.links.bill_to(done.deal, billing)
        work.plans.keep(done)
        evidence = {"customer": billing.customer.id, "plan": done.hash}
        work.audit.record("deal billed", str(done.deal), evidence, services.clock())


def _run(
    step: Step,
    made: dict[StepKey, RecordRef],
    services: Services,
    billing: DealBilling | None = None,
    done: DealPlan | None = None,
) -> RecordRef:
    """The Link, then what an unheard-of earlier attempt may have made, then the call.

    A step that bills comes with how the deal is ``billing``, the last one with the plan that is ``done`` by it: all is
    remembered together, so that a crash leaves no deal of which only one half is known.
    """
    with services.store.begin() as work:
        known = work.links.get(step.key)
    found = known or _make(step, made, services)
    deal = str(step.key.owner)
    with services.store.begin() as work:
        if known is None:
            version = services.mappings[step.key.owner.provider].version
            work.links.remember(Link(step.key, found, mapping_version=version, created_at=services.clock()))
            work.audit.record(f"{step.key.role} made", deal, {"target": str(found)}, services.clock())
        if billing is not None:
            work.links.bill_to(step.key.owner, billing)
        if done is not None and billing is not None:
            work.plans.keep(done)
            evidence = {"customer": billing.customer.id, "billed_by": str(found), "plan": done.hash}
            work.audit.record("deal billed", deal, evidence, services.clock())
    return found


def _make(step: Step, made: dict[StepKey, RecordRef], services: Services) -> RecordRef:
    with services.store.begin() as work:
        attempt = work.links.attempt(step.key)
    found = services.billing.find(step, made) if attempt.number > 1 else None
    if found is None:
        try:
            found = services.billing.run(step, made, attempt.idempotency_key)
        except (KeyUsed, Rejected):
            # Nothing was made under this key, or what was made will be found next time by its metadata.
            with services.store.begin() as work:
                work.links.new_epoch(step.key)
            raise
    return found
