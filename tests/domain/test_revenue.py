"""Recurring revenue by hand: what moved it, who stayed, and what is left of each cohort."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.cohorts import cohorts
from connector.domain.mrr_history import MrrChange
from connector.domain.refs import RecordRef
from connector.domain.revenue import Move, Revenue, month_ends, revenue, whole

DAY = date(2026, 6, 15)


def change(customer: str, day: str, mrr: int | str, subscription: str = "a", currency: str = "eur") -> MrrChange:
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return MrrChange(
        RecordRef("stripe", "subscription", f"{customer}{subscription}"),
        at,
        RecordRef("stripe", "customer", customer),
        currency,
        Decimal(mrr),
    )


BOOK = [
    change("stays", "2025-01-10", 100),
    change("grows", "2025-01-10", 100),
    change("grows", "2026-05-05", 150),
    change("shrinks", "2025-01-10", 100),
    change("shrinks", "2026-06-01", 40),
    change("leaves", "2025-01-10", 100),
    change("leaves", "2026-05-20", 0),
    change("comes", "2026-05-31T23:59:59", 70),
    change("returns", "2025-01-10", 60),
    change("returns", "2025-02-10", 0),
    change("returns", "2026-06-15T23:59:59", 80, "b"),
    change("too late", "2026-06-16", 999),
    change("abroad", "2026-05-01", 5, currency="usd"),
]


def by_month(found: Revenue) -> list[dict[Move, Decimal]]:
    return [{move: total for move in Move if (total := month.total(move))} for month in found.months]


def test_what_moved_mrr_month_by_month() -> None:
    found = revenue(BOOK, "eur", DAY, 2)
    assert by_month(found) == [
        {Move.NEW: Decimal(70), Move.EXPANSION: Decimal(50), Move.CHURN: Decimal(-100)},
        {Move.REACTIVATION: Decimal(80), Move.CONTRACTION: Decimal(-60)},
    ]
    assert [(month.first, month.last, month.mrr) for month in found.months] == [
        (date(2026, 5, 1), date(2026, 5, 31), Decimal(420)),
        (date(2026, 6, 1), DAY, Decimal(440)),
    ]
    assert [found.mrr, found.arr, found.arpa] == [Decimal(440), Decimal(5_280), Decimal(88)]
    assert found.customers == 5


def test_retention_is_of_those_who_were_there_at_the_start() -> None:
    """400 from four customers became 100 + 150 + 40: net 290, gross 240; one of four left."""
    found = revenue(BOOK, "eur", DAY, 2).retention
    assert (found.customers, found.lost, found.mrr_before) == (4, 1, Decimal(400))
    assert [found.net, found.gross, found.logo_churn] == [Decimal("72.5"), Decimal(60), Decimal(25)]


def test_lifetime_value_needs_somebody_to_have_left() -> None:
    """One of the four and four customers that began a month was lost: 12.5 % a month."""
    found = revenue(BOOK, "eur", DAY, 2)
    assert found.monthly_churn == Decimal("12.5")
    assert found.lifetime_value(Decimal("0.8")) == Decimal(88) * Decimal("0.8") * 8
    assert revenue(BOOK, "eur", DAY, 1).lifetime_value(Decimal("0.8")) is None


def test_currencies_are_told_apart_and_nothing_is_undefined() -> None:
    usd = revenue(BOOK, "usd", DAY, 2)
    assert usd.mrr == 5
    assert [usd.retention.net, usd.retention.gross, usd.retention.logo_churn] == [None] * 3
    none = revenue([], "eur", DAY, 1)
    assert none.mrr == 0
    assert [none.arpa, none.monthly_churn, none.lifetime_value(Decimal(1))] == [None] * 3


def test_two_subscriptions_of_one_customer_are_one_logo() -> None:
    twice = [change("c", "2026-01-01", 30), change("c", "2026-01-01", 20, "b"), change("c", "2026-06-02", 0, "b")]
    found = revenue(twice, "eur", DAY, 1)
    assert (found.mrr, found.customers) == (Decimal(30), 1)
    assert by_month(found) == [{Move.CONTRACTION: Decimal(-20)}]


def test_a_trial_is_no_revenue_and_begins_when_it_is_paid() -> None:
    trial = [change("c", "2026-04-01", 0), change("c", "2026-06-01", 30)]
    assert by_month(revenue(trial, "eur", DAY, 3)) == [{}, {}, {Move.NEW: Decimal(30)}]
    assert [each.month for each in cohorts(trial, "eur", DAY, 3)] == [date(2026, 6, 1)]


def test_months_end_on_their_last_days() -> None:
    assert month_ends(date(2026, 3, 31), 3) == [
        date(2025, 12, 31),
        date(2026, 1, 31),
        date(2026, 2, 28),
        date(2026, 3, 31),
    ]


@pytest.mark.parametrize(("minor", "shown"), [("0.5", 1), ("1.49", 1), ("-0.4", 0)])
def test_mrr_is_rounded_half_up_only_to_be_shown(minor: str, shown: int) -> None:
    assert whole(Decimal(minor)) == shown


def test_what_is_left_of_each_cohort() -> None:
    book = [
        change("a", "2026-04-03", 100),
        change("b", "2026-04-20", 50),
        change("b", "2026-05-02", 200),
        change("a", "2026-06-01", 0),
        change("c", "2026-05-09", 10),
        change("c", "2026-05-19", 0),
    ]
    april, may = cohorts(book, "eur", DAY, 3)
    assert [len(april.customers), len(may.customers)] == [2, 1]
    assert [each.mrr for each in april.months] == [150, 300, 200]
    assert [*april.revenue_retention] == [Decimal(100), Decimal(200), Decimal(200) * 100 / 150]
    assert [*april.logo_retention] == [Decimal(100), Decimal(100), Decimal(50)]
    assert [*may.revenue_retention, *may.logo_retention] == [None, None, Decimal(0), Decimal(0)]


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(0, 500), st.integers(0, 100), st.sampled_from("xy")),
        max_size=40,
    )
)
def test_moves_explain_every_month_and_gross_retention_never_passes_100(
    rows: list[tuple[str, int, int, str]],
) -> None:
    begin = date(2025, 1, 1)
    book = [change(who, (begin + timedelta(days=day)).isoformat(), mrr, what) for who, day, mrr, what in rows]
    found = revenue(book, "eur", DAY, 18)
    for before, after in pairwise(found.months):
        assert before.mrr + sum(each.amount for each in after.moved) == after.mrr
        assert after.retention.gross is None or after.retention.gross <= 100
        assert all(each.amount > 0 for each in after.moved if each.move in (Move.NEW, Move.EXPANSION))
    assert found.retention.gross is None or found.retention.net is not None
    whose = [customer for each in cohorts(book, "eur", DAY, 18) for customer in each.customers]
    assert sorted(whose) == sorted({f"stripe:customer:{who}" for who, _, mrr, _ in rows if mrr} & set(whose))
    assert len(whose) == len(set(whose))
