"""Plans are kept by round, decided upon, and never rewritten once billed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.billing_plan import StepKey
from connector.domain.refs import RecordRef
from connector.ports import DealPlan, Link, PlanState, Store
from tests.factories import NOW, TODAY

DEAL = RecordRef("fake", "deal", "1")
PLAN = DealPlan(
    DEAL, 1, "abc", PlanState.WAITING, {"steps": []}, [{"on": "2026-11-21", "total": 100}], TODAY, NOW, reason="Big."
)


def test_what_is_kept_comes_back_as_it_was(store: Store) -> None:
    """Document, forecast, dates and state."""
    with store.begin() as work:
        work.plans.keep(PLAN)
    with store.begin() as work:
        assert work.plans.latest(DEAL) == PLAN
        assert work.plans.history(DEAL) == [PLAN]


def test_a_deal_without_a_plan_has_none(store: Store) -> None:
    """No row, no answer."""
    with store.begin() as work:
        assert work.plans.latest(DEAL) is None


def test_a_proposal_is_replaced_in_its_round_until_it_is_billed(store: Store) -> None:
    """The last word before billing wins; after it, nothing does."""
    billed = replace(PLAN, hash="def", state=PlanState.BILLED)
    with store.begin() as work:
        work.plans.keep(PLAN)
        work.plans.keep(billed)
    with pytest.raises(ValueError, match="billed already"), store.begin() as work:
        work.plans.keep(PLAN)
    with store.begin() as work:
        assert work.plans.latest(DEAL) == billed


def test_a_change_is_a_round_of_its_own(store: Store) -> None:
    """The latest is the newest round; the older one stays."""
    first, second = replace(PLAN, state=PlanState.BILLED), replace(PLAN, round=2, hash="def")
    with store.begin() as work:
        work.plans.keep(first)
        work.plans.keep(second)
        assert work.plans.latest(DEAL) == second
        assert work.plans.history(DEAL) == [first, second]


def test_only_what_waits_is_listed_longest_first(store: Store) -> None:
    """Approved, declined and billed plans wait for nobody."""
    older = replace(PLAN, deal=RecordRef("fake", "deal", "2"), made_at=NOW - timedelta(days=1))
    approved = replace(PLAN, deal=RecordRef("fake", "deal", "3"), state=PlanState.APPROVED)
    with store.begin() as work:
        for plan in (PLAN, older, approved):
            work.plans.keep(plan)
        assert work.plans.waiting() == [older, PLAN]
        assert work.plans.waiting(limit=1) == [older]


def test_a_new_look_notes_its_fingerprint_and_nothing_else(store: Store) -> None:
    """Even on a plan that is billed."""
    billed = replace(PLAN, state=PlanState.BILLED)
    with store.begin() as work:
        work.plans.keep(billed)
        work.plans.seen(DEAL, 1, "new")
        assert work.plans.latest(DEAL) == replace(billed, fingerprint="new")


def test_a_subscription_leads_to_the_plans_that_made_and_changed_it(store: Store) -> None:
    """Billed plans of the deals linked to it; not what only waits."""
    subscription = RecordRef("stripe", "subscription", "sub_1")
    made = replace(PLAN, state=PlanState.BILLED)
    other = RecordRef("fake", "deal", "2")
    changed = replace(made, deal=other, made_at=NOW + timedelta(days=1))
    with store.begin() as work:
        work.links.remember(Link(StepKey(DEAL, "subscription"), subscription))
        work.links.remember(Link(StepKey(other, "change"), subscription))
        for plan in (changed, made, replace(PLAN, round=2)):
            work.plans.keep(plan)
        assert work.plans.of_subscription(subscription) == [made, changed]


def test_what_a_merged_record_filled_is_the_winners(store: Store) -> None:
    """Free roles move; a role that the winner fills itself stays as it was."""
    old, new = RecordRef("fake", "account", "1"), RecordRef("fake", "account", "2")
    customer, product = RecordRef("stripe", "customer", "cus_1"), RecordRef("stripe", "product", "prod_1")
    with store.begin() as work:
        work.links.remember(Link(StepKey(old, "customer"), customer))
        work.links.remember(Link(StepKey(old, "product"), product))
        work.links.remember(Link(StepKey(new, "product"), RecordRef("stripe", "product", "prod_2")))
        work.links.follow(old, new)
        assert work.links.of(new) == {"customer": customer, "product": RecordRef("stripe", "product", "prod_2")}
        assert work.links.of(old) == {"product": product}
