"""plan_cancellation: a running contract ends now, on a day, or with its term; with or without credit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from connector.domain.billing import Invoice
from connector.domain.billing_plan import BillingPlan, EndSubscription, Step
from connector.domain.change_timing import period_of
from connector.domain.contract import RunningContract
from connector.domain.contract_steps import END, change_metadata, is_over, key, last_day, said, with_credit
from connector.domain.crediting import spread, unserved_by
from connector.domain.deal import Deal
from connector.domain.policy import BillingPolicy
from connector.domain.settling import credit_step
from connector.errors import CannotBill
from connector.sentences import amending as sentences

_DAY = timedelta(days=1)


def plan_cancellation(
    deal: Deal,
    contract: RunningContract,
    invoices: Sequence[Invoice],
    today: date,
    policy: BillingPolicy,
    *,
    round: int = 1,  # noqa: A002 - a repeated change of a deal is its next round, everywhere
) -> BillingPlan:
    """The end of the contract after the deal's last day, and credit for what was billed and is not served.

    Without a last day a lost deal ends its contract at once, a won cancellation ends it with its term, and one
    without a term with the running period. ``invoices`` are the customer's; only the contract's own are credited, each
    by the rule of the policy (by day; by month, where a month that has begun is served), the newest first.

    Raises:
        CannotBill: the last day lies before the contract, or a credit cannot be given exactly.
    """
    stop, notes = _first_day_without(deal, contract, today)
    steps: list[Step] = []
    if is_over(contract, today) or (contract.ends is not None and contract.ends <= stop):
        ended = contract.ends or stop
        notes.append(sentences.ENDS_ALREADY.says(end=ended - _DAY))
    else:
        step = key(deal.ref, END, round)
        steps.append(
            EndSubscription(
                step,
                contract.subscription,
                change_metadata(step),
                stop if stop > max(today, contract.started) else None,
            )
        )
    if with_credit(deal, policy):
        given, credit_notes = _credits(deal, contract, invoices, stop, policy, round)
        steps += given
        notes += credit_notes
    elif _within_a_period(contract, stop):
        notes.append(sentences.LAST_PERIOD_WHOLE.says(ends_on=stop - _DAY))
    return BillingPlan(deal.ref, tuple(steps), tuple(notes))


def _first_day_without(deal: Deal, contract: RunningContract, today: date) -> tuple[date, list[str]]:
    stated = deal.terms.ends_on
    if stated is not None:
        if stated + _DAY < contract.started:
            raise CannotBill.because(
                sentences.ENDS_BEFORE_IT_BEGAN,
                ref=deal.ref,
                ends_on=stated,
                started=contract.started,
                before=contract.started - _DAY,
            )
        return stated + _DAY, []
    if deal.closed and not deal.won:
        return max(today, contract.started), []
    end = last_day(contract, today)
    if end is not None:
        return end + _DAY, []
    stop = max((item.period_end for item in contract.items), default=today)
    return stop, [sentences.RUNS_UNTIL_PERIOD_END.says(end=stop - _DAY)]


def _credits(
    deal: Deal,
    contract: RunningContract,
    invoices: Sequence[Invoice],
    stop: date,
    policy: BillingPolicy,
    number: int,
) -> tuple[list[Step], list[str]]:
    _refuse_later_period(deal, contract, stop)
    covering = unserved_by(deal, contract, invoices, stop, policy.proration)
    total = sum(each.amount for each in covering)
    if total <= 0:
        return [], [sentences.NOTHING_TO_CREDIT.says(ends_on=stop - _DAY)]
    parts, left = spread(total, covering)
    reason = sentences.CREDIT_FINISHED.says(start=stop)
    notes = [sentences.CREDIT_CAPPED.says(amount=said(left, contract.currency))] if left else []
    return [credit_step(deal, number, invoice, amount, reason) for invoice, amount in parts], notes


def _refuse_later_period(deal: Deal, contract: RunningContract, stop: date) -> None:
    """A credit needs an invoice: what ends within a period that is billed only later cannot have one yet."""
    for item in contract.items:
        if not item.metered and stop > item.period_end and period_of(contract, item, stop).start != stop:
            raise CannotBill.because(sentences.CREDIT_IN_A_LATER_PERIOD, ref=deal.ref, ends_on=stop - _DAY)


def _within_a_period(contract: RunningContract, stop: date) -> bool:
    billed = [item for item in contract.items if not item.metered and stop > item.period_start]
    return any(period_of(contract, item, stop).start != stop for item in billed)
