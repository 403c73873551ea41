"""Three ways to the same figures: the deal's value, the plan's forecast, and what the sandbox's Stripe bills."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from connector.domain.billing_plan import BillingPlan, Catalogue, MakeSubscription, StepKey
from connector.domain.deal import Deal
from connector.domain.forecast import Forecast, forecast, horizon, stops
from connector.domain.planning import plan_billing
from connector.domain.policy import BillingPolicy
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from tests.shapes.contract_value import contract_value
from tests.shapes.random_deals import Batch
from tests.shapes.stripe_in_process import Billed, BilledLine, StripeInProcess

POLICY = BillingPolicy()


@dataclass
class Tally:
    """What was drawn, and what became of it."""

    planned: int = 0
    refused: int = 0
    invoices: int = 0
    refusals: dict[str, int] = field(default_factory=dict)

    def refuse(self, error: CannotBill) -> None:
        """One more deal that cannot be billed, and why."""
        self.refused += 1
        reason = error.sentence_id or error.field
        self.refusals[reason] = self.refusals.get(reason, 0) + 1

    def __str__(self) -> str:
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(self.refusals.items()))
        return f"{self.planned} deals billed by {self.invoices} invoices; {self.refused} refused ({reasons or 'none'})"


@dataclass(frozen=True)
class Running:
    """One deal as it is billed in the sandbox."""

    deal: Deal
    plan: BillingPlan
    foreseen: Forecast
    customer: str
    made: dict[StepKey, RecordRef]


def check(batch: Batch, tally: Tally, catalogue: Catalogue | None = None, policy: BillingPolicy = POLICY) -> None:
    """Plan, foresee, bill and compare every deal of the batch; AssertionError names the deal and the day."""
    stripe = StripeInProcess(batch.today)
    try:
        running = list(begin(batch, stripe, tally, catalogue or Catalogue(), policy))
        _run_to_the_end(running, stripe)
        billed = stripe.invoices()
        assert stripe.log.refused() == []
        for each in running:
            _compare(each, billed.get(each.customer, []), batch.today)
            tally.invoices += len(each.foreseen.invoices)
    finally:
        stripe.close()


def begin(
    batch: Batch, stripe: StripeInProcess, tally: Tally, catalogue: Catalogue, policy: BillingPolicy
) -> Iterator[Running]:
    """Bill every deal of the batch that can be billed."""
    for deal in batch.deals:
        try:
            plan = plan_billing(deal, catalogue, batch.today, policy)
        except CannotBill as error:
            tally.refuse(error)
            continue
        tally.planned += 1
        foreseen = forecast(plan, batch.today)
        worth = contract_value(deal, policy, batch.today, catalogue, until=horizon(plan, batch.today))
        assert foreseen.total == worth.total.minor, f"forecast {foreseen.total}, value {worth}: {_told(deal, plan)}"
        made = stripe.run(plan)
        yield Running(deal, plan, foreseen, made[plan.steps[0].key].id, made)


def _run_to_the_end(running: Iterable[Running], stripe: StripeInProcess) -> None:
    """Advance the clock once, from one contract's end to the next; what would run on is stopped there."""
    ends = sorted(
        ((each.foreseen.until - timedelta(days=1), number, each) for number, each in enumerate(running)),
        key=lambda end: end[:2],
    )
    for until, _, each in ends:
        stripe.advance_to(until)
        for step in each.plan.steps:
            if isinstance(step, MakeSubscription) and not step.ends:
                stripe.stop(each.made[step.key])


def _compare(running: Running, billed: list[Billed], today: date) -> None:
    """Date by date, line by line. An invoice all of whose lines are for nothing is nobody's money."""
    seen_until = _seen_until(running, today)
    actual = [
        each
        for each in billed
        if any(line.amount for line in each.lines) and each.day < seen_until.get(each.step, date.max)
    ]
    expected = sorted(
        Billed(
            invoice.day,
            str(invoice.step),
            invoice.due,
            invoice.total,
            tuple(sorted(BilledLine(str(line.line), line.amount or 0) for line in invoice.lines)),
        )
        for invoice in running.foreseen.invoices
        if any(line.amount for line in invoice.lines)
    )
    for one, other in zip(expected, actual, strict=False):
        assert one == other, f"foreseen {one}, billed {other}: {_told(running.deal, running.plan)}"
    missing, surplus = expected[len(actual) :], actual[len(expected) :]
    assert not missing, f"never billed: {missing}: {_told(running.deal, running.plan)}"
    assert not surplus, f"not foreseen: {surplus}: {_told(running.deal, running.plan)}"


def _seen_until(running: Running, today: date) -> dict[str, date]:
    """The day from which each step's invoices are no longer foreseen: it runs on, or renews by itself."""
    ahead = horizon(running.plan, today)
    subscriptions = [step for step in running.plan.steps if isinstance(step, MakeSubscription) and not step.ends]
    return {str(step.key): stops(step, ahead, today) for step in subscriptions}


def _told(deal: Deal, plan: BillingPlan) -> str:
    return f"\n{deal.terms}\n" + "\n".join(map(str, deal.line_items)) + "\n" + "\n".join(map(str, plan.steps))
