"""The measured score keeps its promises on any history, and its parts add up."""

from __future__ import annotations

import random
from datetime import date, timedelta
from math import fsum
from typing import TypeAlias

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connector.domain.lateness import (
    Outcome,
    account_means,
    grade,
    issued_recently,
    judge,
    next_late_chance,
    points_lost,
    score,
    trouble_chance,
    weight,
)

TODAY = date(2026, 11, 21)
ROUNDING = 1e-9

Bill: TypeAlias = tuple[int, int | None]
"""Days since it fell due (below 0: still to come), and how many days ago it was paid; None for not at all."""


def outcome(bill: Bill) -> Outcome | None:
    due, paid = bill
    if paid is not None and paid >= 0:
        return Outcome(TODAY - timedelta(days=due), due - paid, unpaid=False)
    return Outcome(TODAY - timedelta(days=due), due, unpaid=True) if due > 0 else None


def outcomes(bills: list[Bill]) -> list[Outcome]:
    return [found for bill in bills if (found := outcome(bill)) is not None]


def scored(bills: list[Bill], mean: float) -> float:
    return score(outcomes(bills), TODAY, mean)


ages = st.one_of(st.integers(-3, 20), st.integers(0, 60), st.integers(0, 2500))
bills = st.tuples(ages, st.none() | st.integers(-9, 80)).map(
    lambda each: (each[0], None if each[1] is None else max(0, each[0] - each[1]))
)
histories = st.lists(bills, min_size=1, max_size=8)
means = st.one_of(st.sampled_from([0.0, 0.15, 1.0]), st.floats(0, 1))


@given(histories, means)
def test_paying_an_open_overdue_invoice_never_lowers_the_score(history: list[Bill], mean: float) -> None:
    due, paid = history[0]
    assume(paid is None and due > 0)
    assert scored([(due, 0), *history[1:]], mean) >= scored(history, mean) - ROUNDING


@given(histories, means, st.integers(1, 200))
def test_paying_later_never_raises_the_score(history: list[Bill], mean: float, days: int) -> None:
    due, paid = history[0]
    assume(paid is not None)
    later = (due, None if paid is None or paid < days else paid - days)
    assert scored([later, *history[1:]], mean) <= scored(history, mean) + ROUNDING


@given(histories, means)
def test_stopping_to_pay_never_raises_the_score(history: list[Bill], mean: float) -> None:
    stopped: list[Bill] = [(due, None) for due, _ in history]
    assert scored(stopped, mean) <= scored(history, mean) + ROUNDING
    assert scored([stopped[0], *history[1:]], mean) <= scored(history, mean) + ROUNDING


@given(histories, means, st.integers(0, 600), st.integers(0, 20))
def test_one_more_invoice_paid_on_time_never_lowers_the_score(
    history: list[Bill], mean: float, due: int, early: int
) -> None:
    assert scored([*history, (due, due + early)], mean) >= scored(history, mean) - ROUNDING


@given(histories, means, st.randoms(use_true_random=False))
def test_the_order_of_invoices_changes_not_even_the_last_digit(
    history: list[Bill], mean: float, shuffle: random.Random
) -> None:
    shuffled = history.copy()
    shuffle.shuffle(shuffled)
    assert scored(shuffled, mean) == scored(history, mean)
    assert next_late_chance(outcomes(shuffled), TODAY, mean) == next_late_chance(outcomes(history), TODAY, mean)


@given(histories, means)
def test_the_points_lost_are_exactly_what_the_score_lacks(history: list[Bill], mean: float) -> None:
    found = outcomes(history)
    lost, unknown = points_lost(found, TODAY, mean)
    assert len(lost) == len(found)
    assert all(points >= 0 for points in (*lost, unknown))
    assert fsum([*lost, unknown, score(found, TODAY, mean)]) == pytest.approx(100, abs=1e-9)


@given(histories, means)
def test_the_plain_formula_is_never_a_point_away(history: list[Bill], mean: float) -> None:
    """Which lets every unpaid invoice weigh 1, and so breaks the first promise."""
    found = outcomes(history)
    weights = [1.0 if each.unpaid else weight(each.due, TODAY) for each in found]
    lost = sum(w * grade(each.days_late) for w, each in zip(weights, found, strict=True)) + mean
    plain = 100 * (1 - lost / (sum(weights) + 1))
    assert abs(plain - score(found, TODAY, mean)) < 1


@given(histories, means, st.integers(0, 30))
def test_what_is_judged_at_once_is_what_each_figure_says_alone(history: list[Bill], mean: float, recent: int) -> None:
    found = outcomes(history)
    judged = judge(found, TODAY, mean_lateness=mean, late_rate=0.3, serious_rate=0.1, recent_invoices=recent)
    assert judged.score == score(found, TODAY, mean)
    assert judged.next_late_chance == next_late_chance(found, TODAY, 0.3)
    assert judged.trouble_chance == trouble_chance(found, TODAY, 0.1, recent)
    assert (judged.points, judged.points_unknown) == points_lost(found, TODAY, mean)
    assert 0 <= judged.score <= 100
    assert 0 <= judged.next_late_chance <= 1
    assert 0 <= judged.trouble_chance <= 1


@given(st.lists(ages, max_size=6))
def test_a_weight_halves_every_180_days_and_is_never_above_one(days: list[int]) -> None:
    for age in days:
        due = TODAY - timedelta(days=age)
        assert weight(due, TODAY) == pytest.approx(min(1.0, 0.5 ** (age / 180)))


@pytest.mark.parametrize(
    ("days", "expected"),
    [(-9, 0.0), (0, 0.0), (1, 0.17), (3, 0.34), (5, 0.44), (10, 0.58), (30, 0.84), (60, 1), (400, 1)],
)
def test_a_few_days_are_noise_and_forty_are_not(days: int, expected: float) -> None:
    assert grade(days) == pytest.approx(expected, abs=0.006)


def test_a_short_late_invoice_does_not_speak_for_an_account_that_usually_pays_worse() -> None:
    """Unpaid for two days among ones paid forty days late: it weighs as if it were paid today, and so paying it
    changes nothing."""
    bad: list[Bill] = [(age, age - 40) for age in (50, 80, 110)]
    assert scored([*bad, (2, None)], 0.15) == pytest.approx(scored([*bad, (2, 0)], 0.15))


def test_an_accounts_own_means_count_the_unpaid_whole() -> None:
    means_of = account_means(outcomes([(180, None), (180, 180)]), TODAY)
    assert means_of is not None
    assert means_of.lateness == pytest.approx(1 / 1.5)
    assert means_of.late == means_of.serious == pytest.approx(1 / 1.5)
    assert account_means([], TODAY) is None


def test_the_last_90_days_begin_after_the_90th() -> None:
    days = [TODAY, TODAY - timedelta(days=89), TODAY - timedelta(days=90), TODAY + timedelta(days=1)]
    assert issued_recently(days, TODAY) == 2


def test_without_any_outcome_only_the_portfolio_speaks() -> None:
    assert score([], TODAY, 0.15) == 85
    assert next_late_chance([], TODAY, 0.3) == pytest.approx(0.3)
