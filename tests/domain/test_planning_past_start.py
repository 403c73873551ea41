"""A deal that began before today is billed for every period that lies back, and goes on from there."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from connector.domain.billing_plan import Period
from connector.domain.policy import PastStart
from tests.domain.shape_deals import (
    a_price,
    deal_of,
    invoices,
    phases,
    plan,
    refused,
    sold_by,
    subscription,
    subscriptions,
)
from tests.factories import TODAY, YEARLY, a_line, a_setup_fee


def test_periods_that_lie_back_are_lines_of_the_first_invoice_with_their_days() -> None:
    planned = plan(deal_of(a_line(), start=date(2026, 9, 1)))
    (step,) = subscriptions(planned)
    assert (step.start, step.anchor, step.scheduled) == (date(2026, 11, 1), date(2026, 12, 1), False)
    assert [(line.amount, line.period, line.interval) for line in step.one_off] == [
        (10_000, Period(date(2026, 9, 1), date(2026, 10, 1)), None),
        (10_000, Period(date(2026, 10, 1), date(2026, 11, 1)), None),
    ]
    assert step.first_invoice == 30_000
    assert "2 lines for periods before today" in planned.notes[0]


def test_a_period_that_begins_today_needs_no_anchor() -> None:
    step = subscription(deal_of(a_line(), start=date(2026, 10, 21)))
    assert (step.start, step.anchor, len(step.one_off)) == (TODAY, None, 1)


def test_lines_of_different_intervals_that_began_in_the_past_have_each_their_own_anchor() -> None:
    made = subscriptions(plan(deal_of(a_line(number="1"), a_line(number="2", interval=YEARLY), start=date(2026, 9, 1))))
    assert [(step.start, step.anchor) for step in made] == [
        (date(2026, 11, 1), date(2026, 12, 1)),
        (date(2026, 9, 1), date(2027, 9, 1)),
    ]


def test_a_ramp_that_began_in_the_past_is_invoiced_now_and_scheduled_from_its_next_period() -> None:
    planned = plan(
        deal_of(
            a_line(number="1", quantity=Decimal(10), start=date(2026, 10, 1), end=date(2026, 12, 31)),
            a_line(number="2", quantity=Decimal(20), start=date(2027, 1, 1), end=date(2027, 3, 31)),
            a_setup_fee(number="3"),
            auto_renew=False,
        )
    )
    (step,), (bill,) = subscriptions(planned), invoices(planned)
    assert phases(step) == [
        (date(2026, 12, 1), date(2027, 1, 1), [20_000]),
        (date(2027, 1, 1), date(2027, 4, 1), [40_000]),
    ]
    assert (step.scheduled, step.first_invoice, step.one_off) == (True, None, ())
    assert [line.amount for line in bill.lines] == [50_000, 20_000, 20_000]


def test_a_contract_that_is_over_is_invoiced_and_needs_no_subscription() -> None:
    planned = plan(deal_of(a_line(), start=date(2026, 8, 1), term_months=3, auto_renew=False))
    assert subscriptions(planned) == []
    assert [step.total for step in invoices(planned)] == [30_000]


def test_a_term_that_is_over_has_run_on_where_the_contract_renews() -> None:
    step = subscription(deal_of(a_line(), start=date(2026, 8, 1), term_months=2))
    assert (len(step.one_off), step.anchor, step.ends) == (3, date(2026, 12, 1), False)


def test_the_policy_may_begin_today_or_leave_a_past_start_to_a_person() -> None:
    deal = deal_of(a_line(), start=date(2026, 9, 1))
    planned = plan(deal, past_start=PastStart.FROM_TODAY)
    assert (subscriptions(planned)[0].start, subscriptions(planned)[0].anchor) == (TODAY, None)
    assert "2026-09-01" in planned.notes[0]
    refused(deal, "start-in-the-past", past_start=PastStart.REFUSE)


@pytest.mark.parametrize(
    ("start", "today", "anchor"),
    [(date(2026, 10, 31), date(2026, 12, 5), date(2026, 12, 31)), (date(2026, 8, 31), date(2026, 10, 1), None)],
)
def test_a_past_start_at_a_months_end_is_billed_when_the_next_period_has_that_day(
    start: date, today: date, anchor: date | None
) -> None:
    deal = deal_of(a_line(), start=start)
    if anchor is None:
        anchor = date(2026, 10, 31)
    (step,) = subscriptions(plan(deal, today=today))
    assert step.anchor == anchor


def test_a_last_period_that_ends_on_a_shorter_months_last_day_is_invoiced_whole() -> None:
    """Anchored on 30 November, billing would take the period from 31 October for a part of a month."""
    planned = plan(deal_of(a_line(), start=date(2026, 10, 31), term_months=1, auto_renew=False))
    (bill,) = invoices(planned)
    assert subscriptions(planned) == []
    assert [(line.amount, line.period) for line in bill.lines] == [
        (10_000, Period(date(2026, 10, 31), date(2026, 11, 30)))
    ]


def test_a_trial_that_began_in_the_past_goes_on_until_its_day() -> None:
    step = subscription(deal_of(a_line(), start=date(2026, 11, 1), free_months=2))
    assert [(phase.trial, phase.start) for phase in step.phases] == [(True, TODAY), (False, date(2027, 1, 1))]
    assert step.first_invoice == 0


def test_usage_of_days_that_lie_back_is_nobodys_guess() -> None:
    price = a_price(unit_amount=Decimal(2), metered=True)
    step = subscription(deal_of(sold_by(), start=date(2026, 9, 1)), price)
    assert (step.one_off, step.anchor) == ((), date(2026, 12, 1))
