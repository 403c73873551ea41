"""plan_edit: a deal that was edited after it was billed, as a change of the contract that it made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from connector.domain.billing import Invoice
from connector.domain.billing_plan import (
    META_CONTRACT_END,
    BillingPlan,
    Catalogue,
    ChangeSubscription,
    MakeProduct,
    MakeSubscription,
    Phase,
    PhaseChange,
    Step,
)
from connector.domain.change_timing import taking_hold
from connector.domain.contract import LaterPhase, RunningContract
from connector.domain.contract_steps import (
    CHANGE,
    change_metadata,
    contract_customer,
    key,
    refuse_unless_changeable,
    with_credit,
)
from connector.domain.deal import Deal, DealKind
from connector.domain.edited_lines import Pair, changed_by, item_changes, paired
from connector.domain.edited_one_off import edited_one_off
from connector.domain.planning import plan_billing
from connector.domain.policy import BillingPolicy, PastStart
from connector.domain.refs import RecordRef
from connector.domain.settling import Settlement
from connector.domain.sold_products import needed
from connector.errors import CannotBill
from connector.sentences import amending as sentences

_DAY = timedelta(days=1)


def plan_edit(
    deal: Deal,
    contract: RunningContract,
    catalogue: Catalogue,
    today: date,
    policy: BillingPolicy,
    *,
    billed: Mapping[RecordRef, int] | None = None,
    invoices: Sequence[Invoice] = (),
    round: int = 1,  # noqa: A002 - a repeated change of a deal is its next round, everywhere
) -> BillingPlan:
    """What must change in billing so that the contract is as the edited deal says; nothing where it is so already.

    The deal is planned as on its first day, and each CRM line held against the item that it became. A difference holds
    from today: for the invoices to come, and as an exact line for the rest of the running period, as with an amendment.
    ``billed`` is what one-off lines were billed with so far, in minor units; None where that is not known, and then
    they are left as they are, with a note. ``invoices`` are what was billed, as for ``plan_amendment``.

    Raises:
        CannotBill: the contract cannot become what the deal says, or no longer is the deal's alone.
    """
    refuse_unless_changeable(deal, contract, today, policy)
    _refuse_unless_its_own(deal, contract)
    whole = _as_on_its_first_day(deal, contract, catalogue, policy)
    target = _its_subscription(whole, contract, deal)
    start = max(today, contract.started)
    _refuse_moved(deal, target, contract, start, today)
    pairs = paired(_phase_on(target, start).recurring, contract.items)
    changed = changed_by(pairs, deal, contract, catalogue, start, today)
    customer = contract_customer(deal, contract)
    credit = with_credit(deal, policy)
    once, milestones, once_notes = edited_one_off(whole, billed, catalogue, deal, today, round, credit=credit)
    settlement = Settlement(deal, contract, customer.key, policy, start, today, round, credit)
    settled, notes = settlement.settle(changed, once, invoices)
    edit = _Edit(deal, contract, target, pairs, _later_pairs(target, contract))
    changing = edit.step(taking_hold((each.moment for each in changed), today), round)
    bills: tuple[Step, ...] = (*changing, *settled, *milestones)
    made = [step for step in whole.steps if isinstance(step, MakeProduct)]
    steps = (customer, *needed(made, bills), *bills) if bills else ()
    return BillingPlan(deal.ref, steps, (*notes, *once_notes, *_terms_note(deal, contract)))


@dataclass(frozen=True, slots=True)
class _Edit:
    """The contract beside what it should be: each line with its item, now and in the phases to come."""

    deal: Deal
    contract: RunningContract
    target: MakeSubscription
    pairs: Sequence[Pair]
    later: Sequence[tuple[LaterPhase, Sequence[Pair]]]

    def step(self, on: date | None, number: int) -> tuple[ChangeSubscription, ...]:
        """The change of the subscription; none where it is as it should be."""
        changes = item_changes(self.pairs)
        later = tuple(PhaseChange(phase.start, made) for phase, pairs in self.later if (made := item_changes(pairs)))
        term, ends_on = self._term()
        if not (changes or later or term or ends_on):
            return ()
        step = key(self.deal.ref, CHANGE, number)
        return (
            ChangeSubscription(
                key=step,
                subscription=self.contract.subscription,
                currency=self.contract.currency,
                changes=changes,
                metadata={**change_metadata(step), **term},
                on=on,
                ends_on=ends_on,
                later=later,
            ),
        )

    def _term(self) -> tuple[dict[str, str], date | None]:
        """What the contract must say of its end, and the first day it no longer runs, where the edit changes them."""
        named = self.target.metadata.get(META_CONTRACT_END, "")
        end = date.fromisoformat(named) if named else None
        stops = self.target.phases[-1].end if self.target.ends else None
        if stops is None and self.contract.ends is not None:
            raise CannotBill.because(sentences.RUNS_ON_AGAIN, ref=self.deal.ref, end=self.contract.ends - _DAY)
        term = {} if end == self.contract.contract_end else {META_CONTRACT_END: named}
        ends_on = stops if stops != self.contract.ends else None
        billed_until = max((item.period_end for item in self.contract.items), default=self.contract.started)
        shortest = ends_on or (end + _DAY if end and term else None)
        if shortest is not None and shortest < billed_until:
            raise CannotBill.because(
                sentences.TERM_OVER, ref=self.deal.ref, end=shortest - _DAY, period_end=billed_until - _DAY
            )
        return term, ends_on


def _refuse_unless_its_own(deal: Deal, contract: RunningContract) -> None:
    if deal.terms.kind in (DealKind.AMENDMENT, DealKind.CANCELLATION):
        raise CannotBill.because(sentences.EDITED_AMENDMENT, ref=deal.ref)
    others = [str(other) for other in contract.amended_by if other != deal.ref]
    if others:
        raise CannotBill.because(sentences.EDITED_AFTER_AMENDMENT, ref=deal.ref, deals=", ".join(others))


def _as_on_its_first_day(
    deal: Deal, contract: RunningContract, catalogue: Catalogue, policy: BillingPolicy
) -> BillingPlan:
    """The edited deal as it would have been planned on the day its contract began."""
    starts = deal.terms.start is not None or any(line.start for line in deal.line_items if not line.one_off)
    start = deal.terms.start if starts else contract.started
    past = PastStart.BILL if policy.past_start is PastStart.REFUSE else policy.past_start
    return plan_billing(
        replace(deal, terms=replace(deal.terms, kind=DealKind.NEW, start=start)),
        catalogue,
        contract.started,
        replace(policy, past_start=past),
    )


def _its_subscription(plan: BillingPlan, contract: RunningContract, deal: Deal) -> MakeSubscription:
    """Of the subscriptions that the deal comes to, the one that shares most lines with the contract."""
    subscriptions = [step for step in plan.steps if isinstance(step, MakeSubscription)]
    if not subscriptions:
        raise CannotBill.because(sentences.ONE_OFF_ONLY, ref=deal.ref)
    there = {item.line for item in (*contract.items, *(item for phase in contract.later for item in phase.items))}
    return max(subscriptions, key=lambda step: len(there & {x.line for phase in step.phases for x in phase.recurring}))


def _refuse_moved(deal: Deal, target: MakeSubscription, contract: RunningContract, start: date, today: date) -> None:
    """A start that lies back is not held against the contract's: it may have been billed from a later day on."""
    if target.start > start or (contract.started > today and target.start != contract.started):
        raise CannotBill.because(sentences.START_MOVED, ref=deal.ref, start=target.start, started=contract.started)
    planned = [phase.start for phase in target.phases if phase.start > start]
    there = [phase.start for phase in contract.later]
    if not set(planned) <= set(there):
        raise CannotBill.because(
            sentences.PHASES_MOVED,
            ref=deal.ref,
            planned=", ".join(day.isoformat() for day in planned),
            there=", ".join(day.isoformat() for day in there) or "none",
        )


def _phase_on(target: MakeSubscription, day: date) -> Phase:
    """The phase that should run on a day on which one does."""
    return [phase for phase in target.phases if phase.start <= day][-1]


def _later_pairs(target: MakeSubscription, contract: RunningContract) -> list[tuple[LaterPhase, Sequence[Pair]]]:
    """Each phase to come beside what should run on its first day. Two that are alike by now are left as two."""
    return [(late, paired(_phase_on(target, late.start).recurring, late.items)) for late in contract.later]


def _terms_note(deal: Deal, contract: RunningContract) -> tuple[str, ...]:
    now, days = deal.terms.net_days, contract.net_days
    if now is None or days is None or now == days:
        return ()
    return (sentences.TERMS_STAY.says(days=days, now=now),)
