"""Exceptions to the terms that payment records support are recorded, found while they hold, and ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from connector.domain.health_word import Health
from connector.domain.refs import RecordRef
from connector.domain.terms_advice import PlanTerms, TermsException
from connector.ports import DealPlan, PlanState, Store
from tests.factories import NOW, TODAY

ACME, ZENITH = RecordRef("fake", "account", "1"), RecordRef("fake", "account", "2")
LONGER = TermsException(ACME, 60, "Anna Example", "a strategic customer", TODAY, "fin", NOW)


def test_what_is_recorded_comes_back_with_its_id(store: Store) -> None:
    """Owner, reason and last day are all there."""
    with store.begin() as work:
        kept = work.terms.allow(LONGER)
    assert kept == replace(LONGER, id=kept.id)
    with store.begin() as work:
        assert list(work.terms.list()) == [kept]


def test_an_exception_holds_up_to_and_including_its_last_day(store: Store) -> None:
    """On the day after it, it counts no more."""
    with store.begin() as work:
        kept = work.terms.allow(LONGER)
    with store.begin() as work:
        assert list(work.terms.in_force([ACME], TODAY)) == [kept]
        assert list(work.terms.in_force([ACME], TODAY + timedelta(days=1))) == []
        assert list(work.terms.list(TODAY + timedelta(days=1))) == []


def test_only_the_accounts_asked_about_are_looked_at(store: Store) -> None:
    """One account's exception is none of another's; a customer's several accounts are asked about at once."""
    with store.begin() as work:
        first, second = work.terms.allow(LONGER), work.terms.allow(replace(LONGER, account=ZENITH))
    with store.begin() as work:
        assert list(work.terms.in_force([ZENITH], TODAY)) == [second]
        assert list(work.terms.in_force([ZENITH, ACME], TODAY)) == [first, second]
        assert list(work.terms.in_force([], TODAY)) == []


def test_an_exception_is_ended_once_and_stays_on_the_record(store: Store) -> None:
    """It is not in force any more, and the list of all still has it."""
    with store.begin() as work:
        kept = work.terms.allow(LONGER)
        assert work.terms.end(kept.id, NOW) == replace(kept, ended_at=NOW)
        assert work.terms.end(kept.id, NOW) is None
        assert work.terms.end(kept.id + 1, NOW) is None
    with store.begin() as work:
        assert list(work.terms.in_force([ACME], TODAY)) == []
        assert list(work.terms.list()) == [replace(kept, ended_at=NOW)]


def test_the_newest_are_listed_first_and_no_more_than_asked_for(store: Store) -> None:
    """A long history is not read whole."""
    with store.begin() as work:
        kept = [work.terms.allow(replace(LONGER, net_days=days)) for days in (30, 45, 60)]
        assert list(work.terms.list(limit=2)) == [kept[2], kept[1]]


def test_plans_that_wait_for_their_terms_alone_are_found_by_who_pays(store: Store) -> None:
    """One that waits for something else as well, was approved, or has another payer is not."""
    held = PlanTerms(ACME, Health.LATE, given=14, held=True, exception=None)
    plan = DealPlan(RecordRef("fake", "deal", "1"), 1, "abc", PlanState.WAITING, {"steps": []}, [], TODAY, NOW)
    with store.begin() as work:
        work.plans.keep(replace(plan, terms=held))
        others = (
            replace(plan, terms=replace(held, held=False)),
            replace(plan, terms=held, state=PlanState.APPROVED),
            replace(plan, terms=replace(held, account=ZENITH)),
            plan,
        )
        for number, other in enumerate(others, start=2):
            work.plans.keep(replace(other, deal=RecordRef("fake", "deal", str(number))))
    with store.begin() as work:
        assert work.terms.held([ACME]) == {plan.deal: held}
        assert work.plans.latest(plan.deal) == replace(plan, terms=held)
