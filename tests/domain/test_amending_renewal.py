"""A renewal follows its predecessor on the next day, whatever day that is, and ends it where it would run on."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.amending import plan_renewal
from connector.domain.billing_plan import BillingPlan, Catalogue, EndSubscription, MakeSubscription
from connector.domain.contract import RunningContract
from connector.domain.dates import add_months
from connector.domain.deal import DealKind
from connector.domain.policy import BillingPolicy
from connector.errors import CannotBill
from tests.domain.running_contracts import DECEMBER, a_contract, an_amendment, an_item, seats
from tests.factories import TODAY, YEARLY, terms

POLICY = BillingPolicy()
MARCH = date(2027, 3, 1)


def renew(contract: RunningContract | None = None, *, today: date = TODAY, **stated: Any) -> BillingPlan:
    line = seats(10, **stated.pop("line", {}))
    deal = an_amendment(line, terms=terms(kind=DealKind.RENEWAL, term_months=12, **stated))
    return plan_renewal(deal, contract or a_contract(), Catalogue(), today, POLICY)


def start(plan: BillingPlan) -> date:
    (step,) = [step for step in plan.steps if isinstance(step, MakeSubscription)]
    return step.start


def ends(plan: BillingPlan) -> list[date | None]:
    return [step.on for step in plan.steps if isinstance(step, EndSubscription)]


def refusal(contract: RunningContract | None = None, **stated: Any) -> CannotBill:
    with pytest.raises(CannotBill) as refused:
        renew(contract, **stated)
    return refused.value


def test_the_new_contract_is_made_first_and_the_old_one_ends_the_day_it_begins() -> None:
    plan = renew()
    assert [type(step) for step in plan.billing_steps()] == [MakeSubscription, EndSubscription]
    assert (start(plan), ends(plan)) == (MARCH, [MARCH])
    assert plan.steps[-1].key.role == "end"


def test_a_predecessor_that_ends_by_itself_needs_no_ending() -> None:
    plan = renew(a_contract(ends=MARCH))
    assert (start(plan), ends(plan)) == (MARCH, [])


def test_a_predecessor_that_ends_earlier_than_its_term_is_followed_on_that_day() -> None:
    assert start(renew(a_contract(ends=date(2027, 1, 1)))) == date(2027, 1, 1)


def test_a_predecessor_that_has_ended_is_followed_from_its_last_day_on() -> None:
    plan = renew(a_contract(status="canceled", contract_end=TODAY - timedelta(days=1)))
    assert (start(plan), ends(plan)) == (TODAY, [])


def test_a_predecessor_that_ended_on_an_unknown_day_is_followed_from_today() -> None:
    assert start(renew(a_contract(status="canceled", contract_end=None))) == TODAY


@pytest.mark.parametrize("contract_end", [None, date(2026, 2, 28)])
def test_without_an_end_ahead_the_running_periods_end_counts_and_it_says_so(contract_end: date | None) -> None:
    plan = renew(a_contract(contract_end=contract_end))
    assert (start(plan), ends(plan)) == (DECEMBER, [DECEMBER])
    assert any("2026-11-30" in note for note in plan.notes)


def test_of_several_intervals_the_longest_period_counts() -> None:
    year = an_item(number="2", interval=YEARLY, period_start=date(2026, 3, 1), period_end=MARCH)
    assert start(renew(a_contract(an_item(), year, contract_end=None))) == MARCH


def test_the_day_that_follows_may_be_stated() -> None:
    assert start(renew(start=MARCH)) == MARCH
    assert start(renew(line={"start": MARCH})) == MARCH


def test_a_later_start_is_refused_with_the_days_that_would_not_be_billed() -> None:
    error = refusal(start=date(2027, 3, 4))
    assert (error.sentence_id, error.field) == ("renewal-with-gap", "terms.start")
    assert "3 days would not be billed" in error.message
    assert "2027-03-01" in error.hint


def test_an_earlier_start_is_refused_with_the_days_that_would_be_billed_twice() -> None:
    error = refusal(line={"start": date(2027, 2, 27)})
    assert (error.sentence_id, error.field) == ("renewal-overlaps", "line.start")
    assert "2 days would be billed twice" in error.message


def test_an_end_within_the_billed_period_is_refused() -> None:
    error = refusal(a_contract(contract_end=date(2026, 11, 25)))
    assert error.sentence_id == "renewal-in-mid-period"


@given(begins=st.dates(date(2024, 1, 1), date(2031, 12, 31)), months=st.integers(1, 36))
def test_no_contract_end_leaves_a_gap_or_an_overlap(begins: date, months: int) -> None:
    stop = add_months(begins, months)
    running = an_item(period_start=add_months(begins, months - 1), period_end=stop)
    contract = a_contract(running, started=begins, contract_end=stop - timedelta(days=1))
    plan = renew(contract, today=min(begins + timedelta(days=3), stop - timedelta(days=1)))
    assert (start(plan), ends(plan)) == (stop, [stop])
