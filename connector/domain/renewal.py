"""plan_renewal: a deal whose contract follows its predecessor's without a gap or an overlap."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from connector.domain.billing_plan import BillingPlan, Catalogue, EndSubscription, MakeCustomer, Step
from connector.domain.contract import RunningContract
from connector.domain.contract_steps import END, change_metadata, is_over, key
from connector.domain.deal import Deal, DealKind
from connector.domain.planning import plan_billing
from connector.domain.policy import BillingPolicy
from connector.errors import CannotBill
from connector.sentences import amending as sentences

_DAY = timedelta(days=1)


def plan_renewal(
    deal: Deal,
    contract: RunningContract,
    catalogue: Catalogue,
    today: date,
    policy: BillingPolicy,
    *,
    round: int = 1,  # noqa: A002 - a repeated change of a deal is its next round, everywhere
) -> BillingPlan:
    """A new contract from the day after the predecessor's last, which is ended where it would run on.

    The new one is made first: should billing refuse it, the old one still runs.

    Raises:
        CannotBill: the deal states a start that leaves a gap or an overlap, or it cannot be billed as it stands.
    """
    start, notes = follows(deal, contract, today)
    _refuse_another_start(deal, start)
    plan = plan_billing(
        replace(deal, terms=replace(deal.terms, kind=DealKind.NEW, start=start)), catalogue, today, policy
    )
    steps = tuple(_whose_it_was(step, contract) for step in plan.steps)
    if not is_over(contract, today) and (contract.ends is None or contract.ends > start):
        step = key(deal.ref, END, round)
        steps = (*steps, EndSubscription(step, contract.subscription, change_metadata(step), start))
    return BillingPlan(plan.deal, steps, (*plan.notes, *notes))


def follows(deal: Deal, contract: RunningContract, today: date) -> tuple[date, tuple[str, ...]]:
    """The first day after the contract, and a note where nothing but its billing periods says which.

    The contract's own end counts; one that has passed while the contract ran on does not, nor does one that billing
    ends earlier.

    Raises:
        CannotBill: the contract's end lies in a period that is billed already.
    """
    over = is_over(contract, today)
    days = [contract.ends, contract.contract_end and contract.contract_end + _DAY]
    known = [day for day in days if day is not None and (over or day > today)]
    if not known:
        if over or not contract.items:
            return today, ()
        start = max(item.period_end for item in contract.items)
        return start, (sentences.RUNS_UNTIL_PERIOD_END.says(end=start - _DAY),)
    start = min(known)
    billed_until = max((item.period_end for item in contract.items if item.period_start < start), default=start)
    if billed_until > start and not over:
        raise CannotBill.because(
            sentences.RENEWAL_IN_A_PERIOD, ref=deal.ref, end=start - _DAY, billed_until=billed_until - _DAY
        )
    return start, ()


def _whose_it_was(step: Step, contract: RunningContract) -> Step:
    """Whoever has the contract has the next one, also where the account was never billed: it was made by hand."""
    if isinstance(step, MakeCustomer):
        return replace(step, adopt=contract.customer.id)
    return step


def _refuse_another_start(deal: Deal, follows_on: date) -> None:
    starts = [line.start for line in deal.line_items if line.start is not None and not line.one_off]
    start = deal.terms.start or min(starts, default=follows_on)
    if start == follows_on:
        return
    sentence = sentences.RENEWAL_GAP if start > follows_on else sentences.RENEWAL_OVERLAP
    raise CannotBill.because(
        sentence,
        ref=deal.ref,
        field="terms.start" if deal.terms.start else "line.start",
        start=start,
        end=follows_on - _DAY,
        days=abs((start - follows_on).days),
        follows=follows_on,
    )
