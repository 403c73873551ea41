"""When money should come: a customer's habit, the band, and the weeks."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.cash_forecast import (
    RunningItem,
    by_week,
    contracted,
    draft_cash,
    forecast_cash,
    invoices_to_come,
    open_cash,
)
from connector.domain.deal import Interval
from connector.domain.pay_delay import PayDelays
from connector.domain.receivable_rows import InvoiceHistory, Kind, Movement

DAY = date(2026, 6, 30)


def after(days: int) -> date:
    return DAY + timedelta(days=days)


def settled(late: int, due: int = -60, customer: str = "cus_1", **changes: Any) -> InvoiceHistory:
    """Due so many days from the day, paid so many days later."""
    paid = Movement(after(due + late), 10_000, Kind.PAYMENT)
    plain = InvoiceHistory("in_0", "", customer, "eur", after(due - 30), after(due), 10_000, movements=(paid,))
    return plain._replace(**changes)


def still_open(due: int, amount: int = 10_000, customer: str = "cus_1", currency: str = "eur") -> InvoiceHistory:
    return InvoiceHistory(f"in_{due}", "A", customer, currency, after(min(due - 30, 0)), after(due), amount)


def learnt(*invoices: InvoiceHistory) -> PayDelays:
    delays = PayDelays(DAY)
    for invoice in invoices:
        delays.add(invoice)
    return delays


def an_item(**changes: Any) -> RunningItem:
    plain = RunningItem("sub_1", "cus_1", "eur", Decimal(5_000), Interval("month"), after(10), 14, None, None)
    return plain._replace(**changes)


def test_a_customers_habit_is_shrunk_toward_everybodys() -> None:
    """Its mean is 12; customers' means are 12 and 0, so everybody's is 6: (24 + 2 x 6) / 4 = 9."""
    delays = learnt(settled(10), settled(14), settled(0, customer="cus_2"))
    assert delays.usual("cus_1") == 9
    assert delays.usual("cus_new") == 6
    assert learnt().usual("cus_1") == 0


@pytest.mark.parametrize(
    "silent",
    [
        still_open(20),
        settled(10, gone=after(-55)),
        settled(10, written_off=after(-55)),
        settled(10, due=-400),
        settled(10, movements=(Movement(after(-50), 10_000, Kind.CREDIT),)),
        settled(10)._replace(due=None),
    ],
)
def test_what_is_not_due_was_given_up_or_paid_by_nobody_says_nothing(silent: InvoiceHistory) -> None:
    assert learnt(silent).usual("cus_1") == 0


@pytest.mark.parametrize(
    "unpaid", [still_open(-60), settled(10, movements=(Movement(after(-50), 4_000, Kind.PAYMENT),)), settled(70)]
)
def test_who_has_stopped_paying_is_not_expected_to_pay_like_everybody(unpaid: InvoiceHistory) -> None:
    """Sixty days so far, beside two invoices like everybody's, of which nothing is known: twenty."""
    assert learnt(unpaid).usual("cus_1") == 20


def test_what_is_unpaid_never_makes_a_habit_better() -> None:
    """Forty days, twice, and two like everybody's make forty; an invoice of five days so far says nothing yet."""
    assert learnt(settled(40), settled(40), still_open(-5)).usual("cus_1") == 40


def test_an_invoice_is_expected_after_its_due_date_by_habit() -> None:
    delays = learnt(*(settled(late) for late in (6, 8, 10, 12, 14, 6, 8, 10, 12, 14)))
    guess = delays.guess("cus_1", after(5))
    assert guess is not None
    assert (guess.expected, guess.early, guess.late) == (after(15), after(11), after(19))


def test_nothing_is_expected_in_the_past() -> None:
    """Usually 20 days early: what falls due in five days should have come; it comes tomorrow."""
    delays = learnt(*(settled(-20) for _ in range(10)))
    assert delays.guess("cus_1", after(5)) is None
    late = learnt(*(settled(late) for late in (0, 0, 0, 0, 0, 0, 0, 0, 30, 40)))
    guess = late.guess("cus_1", after(-25))
    assert guess is not None
    assert (guess.expected, guess.early, guess.late) == (after(5), after(5), after(15))
    assert late.guess("cus_1", after(-40)) is None


def test_without_enough_history_there_is_no_band() -> None:
    guess = learnt(settled(3)).guess("cus_1", after(10))
    assert guess is not None
    assert (guess.expected, guess.early, guess.late) == (after(13), None, None)


def test_a_subscription_is_invoiced_until_it_stops() -> None:
    days = [day for _, day, _ in invoices_to_come([an_item()], DAY, after(80))]
    assert days == [after(10), date(2026, 8, 10), date(2026, 9, 10)]
    days = [day for _, day, _ in invoices_to_come([an_item(stops=date(2026, 8, 10))], DAY, after(80))]
    assert days == [after(10)]


def test_a_renewal_that_is_under_way_comes_tomorrow_and_once() -> None:
    days = [day for _, day, _ in invoices_to_come([an_item(next_day=after(-70))], DAY, after(25))]
    assert days == [after(1), after(21)]
    assert list(invoices_to_come([an_item(amount=Decimal(0))], DAY, after(80))) == []


def test_an_invoice_to_come_is_due_by_its_terms() -> None:
    [first] = forecast_cash([an_item(amount=Decimal("5000.5"))], learnt(settled(3)), after(12))
    assert (first.source, first.amount, first.due, first.invoiced) == ("sub_1", 5_001, after(24), after(10))
    assert first.when is not None
    assert first.when.expected == after(27)


def test_a_draft_comes_when_it_should_be_paid() -> None:
    draft = still_open(40)
    [found] = draft_cash([draft, draft._replace(amount=0)], learnt(settled(3)))
    assert found.when is not None
    assert (found.source, found.when.expected) == (draft.ref, after(43))


def test_weeks_begin_tomorrow_and_hold_what_is_expected_in_them() -> None:
    delays = learnt(*(settled(late) for late in (0,) * 8 + (7, 7)))
    cash = [*open_cash([still_open(2), still_open(7, 500), still_open(300, 9), still_open(-8, 77)], delays)]
    found = by_week(cash, "eur", DAY, 2)
    first, second = found.weeks
    assert (first.first, first.last, second.last) == (after(1), after(7), after(14))
    assert (first.expected, first.by_then, second.expected, second.by_then) == (10_000, 10_000, 500, 10_500)
    assert (first.at_least, first.at_most, second.at_least) == (0, 10_500, 10_500)
    assert [each.amount for each in found.later] == [9]
    assert [each.amount for each in found.unforeseen] == [77]
    assert by_week(cash, "usd", DAY).weeks[0].expected == 0


def test_what_has_no_due_date_is_due_when_it_was_issued() -> None:
    [found] = open_cash([still_open(2)._replace(due=None, issued=after(-1))], learnt(settled(3)))
    assert found.when is not None
    assert found.when.expected == after(2)


def test_what_a_contract_binds_is_what_it_still_invoices() -> None:
    bound = {item.subscription: amount for item, amount in contracted([an_item(contracted_until=after(60))], DAY)}
    assert bound == {"sub_1": 10_000}
    assert list(contracted([an_item(), an_item(contracted_until=after(9))], DAY)) == []


@given(
    st.lists(st.integers(-40, 120), max_size=30),
    st.lists(st.tuples(st.integers(-200, 200), st.integers(1, 10**9)), max_size=20),
)
def test_no_money_is_lost_and_the_band_holds(lates: list[int], owed: list[tuple[int, int]]) -> None:
    delays = learnt(*(settled(late, due=-150) for late in lates))
    found = by_week(open_cash([still_open(due, amount) for due, amount in owed], delays), "eur", DAY)
    whole = sum(week.expected for week in found.weeks)
    whole += sum(each.amount for each in (*found.later, *found.unforeseen))
    assert whole == sum(amount for _, amount in owed)
    for week in found.weeks:
        assert all(week.first <= each.when.expected <= week.last for each in week.rows if each.when)
        if week.at_least is not None and week.at_most is not None:
            assert week.at_least <= week.by_then <= week.at_most
