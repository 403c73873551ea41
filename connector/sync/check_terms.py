"""A won deal whose terms go against its payer's record waits for an exception or a person, and goes on with either."""

from __future__ import annotations

from dataclasses import dataclass, replace

from connector.domain.terms_advice import (
    PlanTerms,
    TermsException,
    TermsMode,
    against,
    answers_for,
    days_allowed,
    objection,
)
from connector.ports import DealPlan, PlanState, Services, UnitOfWork
from connector.sync.advise_terms import named
from connector.sync.plan_deal import Planned


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why the deal waits for the sake of its terms, or who answers for them; neither where nothing is against them."""

    reason: str = ""
    answer: TermsException | None = None


def check_terms(planned: Planned, services: Services) -> Verdict:
    """Hold the terms that the plan would bill against the payer's record as it is today."""
    look = planned.look
    if look is None or services.terms_policy.mode is not TermsMode.REQUIRE:
        return Verdict()
    deal = planned.terms.of(planned.deal) if planned.terms is not None else planned.deal
    asked = look.asks(deal.terms, services)
    today = services.today()
    if asked is None or objection(asked, look.advice, (), today) is None:
        return Verdict()
    answer = answers_for(days_allowed(asked), look.exceptions, today)
    if answer is not None:
        return Verdict(answer=answer)
    return Verdict(reason=against(asked, look.advice, look.exceptions, today, named(look.account)))


def remembered(terms: PlanTerms | None, verdict: Verdict, *, held: bool) -> PlanTerms | None:
    """What the plan keeps of the verdict. ``held``: it waits for nothing else."""
    if terms is None:
        return None
    return replace(terms, held=held, exception=verdict.answer.id if verdict.answer is not None else None)


def go_on(kept: DealPlan, planned: Planned, services: Services) -> DealPlan:
    """A plan that waits for its terms alone goes on once somebody answers for them, or they are good enough by now."""
    verdict = check_terms(planned, services)
    if verdict.reason:
        return kept
    with services.store.alone(f"decision:{kept.deal}"), services.store.begin() as work:
        # A person may be saying no just now: whoever came first is heard.
        latest = work.plans.latest(kept.deal)
        if latest is None or latest.hash != kept.hash or latest.state is not PlanState.WAITING:
            return latest or kept
        terms = remembered(kept.terms, verdict, held=False)
        said = verdict.answer.said if verdict.answer is not None else ""
        released = replace(kept, state=PlanState.APPROVED, reason=said, terms=terms)
        work.plans.keep(released)
        note_exception(released, work, services)
    return released


def note_exception(plan: DealPlan, work: UnitOfWork, services: Services) -> None:
    """Put on record which exception let a plan go, where one did."""
    if plan.state is PlanState.APPROVED and plan.terms is not None and plan.terms.exception is not None:
        evidence = {"exception": plan.terms.exception, "account": str(plan.terms.account), "plan": plan.hash}
        work.audit.record("terms exception used", str(plan.deal), evidence, services.clock())
