"""A forecast names every invoice that a plan causes, on the day Stripe would draft it, to the minor unit."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from connector.domain.billing_plan import (
    AddToNextInvoice,
    BillingPlan,
    CreditInvoice,
    GrantCredits,
    InvoiceTerms,
    Period,
    Phase,
    StepKey,
)
from connector.domain.deal import CollectionMethod, Interval
from connector.domain.forecast import Forecast, TaxForecast, forecast
from connector.domain.refs import RecordRef
from tests.domain.plans import CUSTOMER, NET_30, day, invoiced, planned, planned_as, subscribed
from tests.factories import MONTHLY, TODAY, YEARLY, ref

QUARTERLY = Interval("month", 3)


def bills(found: Forecast) -> list[tuple[str, int]]:
    """Each invoice's day and total."""
    return [(invoice.day.isoformat(), invoice.total) for invoice in found.invoices]


def foreseen(*phases: Phase, today: date = TODAY, until: date | None = None, **changes: object) -> Forecast:
    return forecast(planned_as(subscribed(*phases, **changes)), today, until)


def test_a_monthly_contract_of_a_year_is_twelve_invoices_thirty_days_each() -> None:
    found = foreseen(Phase(TODAY, day("2027-11-21"), (planned(10_000),)), ends=True)
    assert bills(found)[:2] == [("2026-11-21", 10_000), ("2026-12-21", 10_000)]
    assert (len(found.invoices), found.total, found.until, found.runs_on) == (12, 120_000, day("2027-11-21"), False)
    first = found.invoices[0]
    assert (first.due, first.currency, first.tax) == (day("2026-12-21"), "eur", TaxForecast.NONE)
    assert first.step == StepKey(ref("deal"), "subscription")
    assert first.lines[0].period == Period(day("2026-11-21"), day("2026-12-21"))


def test_a_contract_that_runs_on_is_foreseen_until_its_term_ends() -> None:
    found = foreseen(Phase(TODAY, None, (planned(100),)), metadata={"contract_end": "2027-02-20"})
    assert bills(found) == [("2026-11-21", 100), ("2026-12-21", 100), ("2027-01-21", 100)]
    assert (found.until, found.runs_on) == (day("2027-02-21"), True)


def test_a_contract_without_a_term_is_foreseen_for_twelve_months() -> None:
    found = foreseen(Phase(TODAY, None, (planned(100, QUARTERLY),)))
    assert bills(found) == [("2026-11-21", 100), ("2027-02-21", 100), ("2027-05-21", 100), ("2027-08-21", 100)]
    assert found.runs_on


def test_month_ends_are_clamped_from_the_anchor_and_never_drift() -> None:
    found = foreseen(Phase(day("2027-12-31"), None, (planned(1),)), until=day("2028-06-01"), scheduled=True)
    assert [bill[0] for bill in bills(found)] == [
        *("2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31")
    ]


def test_a_leap_days_anniversary_is_the_28th_until_the_next_leap_year() -> None:
    found = foreseen(Phase(day("2028-02-29"), day("2032-02-29"), (planned(1, YEARLY),)), ends=True, scheduled=True)
    assert [bill[0] for bill in bills(found)] == ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28"]


def test_a_shorter_lines_invoices_come_between_and_one_day_has_one_invoice() -> None:
    lines = (planned(100), planned(1_000, QUARTERLY, number="2"))
    found = foreseen(Phase(TODAY, day("2027-03-21"), lines), ends=False, until=day("2027-03-21"))
    assert bills(found) == [("2026-11-21", 1_100), ("2026-12-21", 100), ("2027-01-21", 100), ("2027-02-21", 1_100)]


def test_a_ramp_changes_the_price_on_its_day_and_leaves_a_running_year_alone() -> None:
    support = planned(5_000, YEARLY, number="2")
    found = foreseen(
        Phase(TODAY, day("2027-01-21"), (planned(100), support)),
        Phase(day("2027-01-21"), day("2027-11-21"), (planned(200), support)),
        ends=True,
        scheduled=True,
    )
    assert bills(found)[:4] == [("2026-11-21", 5_100), ("2026-12-21", 100), ("2027-01-21", 200), ("2027-02-21", 200)]
    assert found.total == 5_000 + 2 * 100 + 10 * 200


def test_a_line_that_ends_before_the_contract_is_billed_no_more() -> None:
    both = (planned(100), planned(30, number="2"))
    found = foreseen(
        Phase(TODAY, day("2026-12-21"), both), Phase(day("2026-12-21"), day("2027-01-21"), both[:1]), ends=True
    )
    assert bills(found) == [("2026-11-21", 130), ("2026-12-21", 100)]


def test_one_off_lines_stand_on_their_phases_first_invoice() -> None:
    found = foreseen(
        Phase(TODAY, day("2026-12-21"), (planned(100),), (planned(900, None, number="2"),)),
        Phase(day("2026-12-21"), day("2027-01-21"), (planned(100),), (planned(-50, None, number="3"),)),
        ends=True,
    )
    assert bills(found) == [("2026-11-21", 1_000), ("2026-12-21", 50)]


def test_a_one_off_line_of_a_phase_in_mid_period_waits_for_the_next_invoice() -> None:
    found = foreseen(
        Phase(TODAY, day("2027-01-21"), (planned(100, QUARTERLY),)),
        Phase(day("2027-01-21"), day("2027-05-21"), (planned(100, QUARTERLY),), (planned(7, None, number="2"),)),
        ends=True,
        scheduled=True,
    )
    assert bills(found) == [("2026-11-21", 100), ("2027-02-21", 107)]


def test_full_periods_count_from_the_end_of_a_trial_whose_own_invoice_is_for_nothing() -> None:
    found = foreseen(
        Phase(TODAY, day("2027-01-05"), (planned(100),), (planned(900, None, number="2"),), trial=True),
        Phase(day("2027-01-05"), day("2027-03-05"), (planned(100),)),
        ends=True,
    )
    assert bills(found) == [("2026-11-21", 900), ("2027-01-05", 100), ("2027-02-05", 100)]
    assert [line.amount for line in found.invoices[0].lines] == [0, 900]


def test_a_past_start_bills_the_running_period_today_and_what_lies_back_with_it() -> None:
    behind = planned(100, None, period=Period(day("2026-10-10"), day("2026-11-10")))
    found = foreseen(
        Phase(day("2026-11-10"), None, (planned(100),), (behind,)),
        anchor=day("2026-12-10"),
        until=day("2027-02-10"),
    )
    assert bills(found) == [("2026-11-21", 200), ("2026-12-10", 100), ("2027-01-10", 100)]
    assert [line.period for line in found.invoices[0].lines] == [
        Period(day("2026-11-10"), day("2026-12-10")),
        Period(day("2026-10-10"), day("2026-11-10")),
    ]


def test_an_evergreen_contract_that_began_before_is_foreseen_for_a_year_from_today() -> None:
    behind = planned(100, None, period=Period(day("2026-10-10"), day("2026-11-10")))
    found = foreseen(Phase(day("2026-11-10"), None, (planned(100),), (behind,)), anchor=day("2026-12-10"))
    assert (found.until, found.total) == (day("2027-11-21"), (1 + 1 + 12) * 100)
    assert found.runs_on


def test_periods_on_an_invoice_now_also_say_that_the_contract_began_before() -> None:
    behind = invoiced(planned(100, None, number="2", period=Period(day("2026-10-10"), day("2026-11-10"))))
    step = subscribed(Phase(day("2027-02-10"), None, (planned(100),)), scheduled=True)
    assert forecast(planned_as(behind, step), TODAY).until == day("2027-11-21")


def test_a_contract_that_has_outlived_its_term_is_foreseen_like_one_without() -> None:
    outlived = {"contract_end": "2026-11-20"}
    found = foreseen(Phase(TODAY, None, (planned(100, YEARLY),)), metadata=outlived)
    assert (bills(found), found.until) == ([("2026-11-21", 100)], day("2027-11-21"))


def test_usage_is_billed_when_its_period_is_over_and_has_no_amount_yet() -> None:
    lines = (planned(100), planned(0, number="2", metered=True))
    found = foreseen(Phase(TODAY, day("2027-01-21"), lines), ends=True)
    assert bills(found) == [("2026-11-21", 100), ("2026-12-21", 100), ("2027-01-21", 0)]
    assert [invoice.by_usage for invoice in found.invoices] == [False, True, True]
    last = found.invoices[-1].lines[0]
    assert (last.amount, last.period) == (None, Period(day("2026-12-21"), day("2027-01-21")))


def test_usage_of_a_contract_that_runs_on_comes_with_the_next_terms_first_invoice() -> None:
    found = foreseen(Phase(TODAY, None, (planned(0, metered=True),)), until=day("2027-01-21"))
    assert [invoice.day for invoice in found.invoices] == [day("2026-12-21")]


def test_a_milestone_is_invoiced_on_its_day_and_a_plain_invoice_today() -> None:
    milestone = invoiced(planned(500, None), key=StepKey(ref("deal"), "invoice-2027-03-01"), on=day("2027-03-01"))
    found = forecast(planned_as(milestone, invoiced(planned(70, None, number="2"))), TODAY)
    assert bills(found) == [("2026-11-21", 70), ("2027-03-01", 500)]
    assert found.invoices[1].due == day("2027-03-31")
    assert (found.runs_on, found.until) == (False, day("2027-03-02"))


def test_nothing_after_the_day_asked_for_is_shown() -> None:
    milestone = invoiced(planned(500, None), on=day("2027-03-01"))
    step = subscribed(Phase(TODAY, day("2027-11-21"), (planned(1),), (planned(5, None, number="3"),)), ends=True)
    assert bills(forecast(planned_as(step, milestone), TODAY, day("2027-01-01"))) == [
        ("2026-11-21", 6),
        ("2026-12-21", 1),
    ]
    later = Phase(day("2027-02-01"), None, (planned(1),), (planned(5, None, number="3"),))
    assert foreseen(later, until=day("2027-01-01"), scheduled=True).invoices == ()


def test_an_automatic_charge_has_no_due_date_and_automatic_tax_is_told() -> None:
    terms = InvoiceTerms(CollectionMethod.CHARGE_AUTOMATICALLY, None, automatic_tax=True)
    (invoice,) = foreseen(Phase(TODAY, day("2026-12-21"), (planned(100),)), terms=terms, ends=True).invoices
    assert (invoice.due, invoice.tax) == (None, TaxForecast.AUTOMATIC)


def test_two_subscriptions_are_invoiced_each_by_itself() -> None:
    other = StepKey(ref("deal"), "subscription-2")
    weekly = subscribed(Phase(TODAY, TODAY + timedelta(days=14), (planned(7, Interval("week")),)), key=other, ends=True)
    found = forecast(planned_as(subscribed(Phase(TODAY, day("2026-12-21"), (planned(100),)), ends=True), weekly), TODAY)
    assert [(str(invoice.day), invoice.step.role, invoice.total) for invoice in found.invoices] == [
        ("2026-11-21", "subscription", 100),
        ("2026-11-21", "subscription-2", 7),
        ("2026-11-28", "subscription-2", 7),
    ]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (
            AddToNextInvoice(
                StepKey(ref("deal"), "next"),
                CUSTOMER,
                RecordRef("stripe", "subscription", "sub_1"),
                "eur",
                (planned(-300, None), planned(100, None, number="2")),
                {},
            ),
            ("Line 1; Line 2", -200),
        ),
        (
            CreditInvoice(
                StepKey(ref("deal"), "credit"),
                RecordRef("stripe", "invoice", "in_1"),
                "eur",
                450,
                "Not served after 2027-01-01.",
                {},
            ),
            ("Not served after 2027-01-01.", -450),
        ),
    ],
)
def test_what_changes_an_invoice_of_a_running_contract_is_told_beside_the_invoices(
    step: AddToNextInvoice | CreditInvoice, said: tuple[str, int]
) -> None:
    found = forecast(planned_as(step), TODAY)
    assert [(each.description, each.amount) for each in found.adjustments] == [said]
    assert found.invoices == ()


def test_credits_bill_nothing_by_themselves() -> None:
    grant = GrantCredits(StepKey(ref("deal"), "credits-1"), CUSTOMER, "eur", "Credits", 5_000, {})
    found = forecast(planned_as(grant), TODAY)
    assert (found.invoices, found.total) == ((), 0)


def test_the_order_of_steps_does_not_matter() -> None:
    plan = planned_as(
        subscribed(Phase(TODAY, None, (planned(100, MONTHLY),)), terms=NET_30),
        invoiced(planned(5, None, number="2"), on=day("2027-01-02")),
    )
    backwards: BillingPlan = replace(plan, steps=plan.steps[::-1])
    assert forecast(backwards, TODAY).invoices == forecast(plan, TODAY).invoices
