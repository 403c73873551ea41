"""Brier score, deciles and slope against cases by hand; the regression behind the slope against what it must solve."""

from __future__ import annotations

from math import log
from random import Random

import pytest

from connector.domain import logistic
from connector.domain.calibration import Decile, brier, calibration, deciles


def test_brier_by_hand() -> None:
    assert brier([1.0, 0.0], [True, False]) == 0
    assert brier([0.5, 0.5], [True, False]) == 0.25
    assert brier([0.9, 0.2], [True, True]) == pytest.approx((0.01 + 0.64) / 2)


def test_deciles_are_ten_groups_by_rising_chance() -> None:
    chances = [place / 20 for place in range(20)]
    found = deciles(chances, [place >= 10 for place in range(20)])

    assert [group.count for group in found] == [2] * 10
    assert found[0].predicted == pytest.approx(0.025)
    assert found[-1].predicted == pytest.approx(0.925)
    assert [group.observed for group in found] == [0] * 5 + [1] * 5


def test_fewer_judgements_than_ten_are_fewer_groups() -> None:
    assert deciles([0.3, 0.1], [True, False]) == (Decile(0.1, 0.0, 1), Decile(0.3, 1.0, 1))


def test_chances_that_come_true_as_often_as_they_say_have_a_slope_of_one() -> None:
    source = Random(1)
    chances = [source.uniform(0.02, 0.98) for _ in range(6000)]

    found = calibration(chances, [source.random() < chance for chance in chances])

    assert found.slope == pytest.approx(1, abs=0.06)
    assert found.expected_error is not None
    assert found.expected_error < 0.02
    assert found.brier is not None
    assert found.base_brier is not None
    assert found.brier < found.base_brier


def test_chances_that_are_too_sure_have_a_slope_below_one() -> None:
    """Whoever says 2 % and 98 % where 30 % and 70 % come true."""
    source = Random(2)
    truth = [source.choice((0.3, 0.7)) for _ in range(2000)]
    said = [0.02 if chance < 0.5 else 0.98 for chance in truth]

    found = calibration(said, [source.random() < chance for chance in truth])

    assert found.slope == pytest.approx(log(0.7 / 0.3) / log(0.98 / 0.02), abs=0.05)
    assert found.expected_error == pytest.approx(0.28, abs=0.03)


def test_nothing_is_said_of_nothing_and_no_slope_of_what_never_changes() -> None:
    assert calibration([], []).brier is None
    constant = calibration([0.3, 0.3, 0.3], [True, False, False])
    assert (constant.slope, constant.auc) == (None, 0.5)
    assert calibration([0.2, 0.3], [False, False]).slope is None


def test_a_regression_on_one_yes_or_no_gives_the_two_shares() -> None:
    """30 of 100 without the feature, 80 of 100 with it: the model must say just that."""
    rows = [(0.0,)] * 100 + [(1.0,)] * 100
    outcomes = [True] * 30 + [False] * 70 + [True] * 80 + [False] * 20

    model = logistic.fit(rows, outcomes, ridge=0)

    assert model is not None
    assert model.chance((0.0,)) == pytest.approx(0.3)
    assert model.chance((1.0,)) == pytest.approx(0.8)
    assert model.weights[0] == pytest.approx(log(0.8 / 0.2) - log(0.3 / 0.7))


def test_a_regression_finds_the_weights_that_made_the_outcomes() -> None:
    source = Random(4)
    rows = [(source.gauss(0, 1), source.gauss(50, 10), 7.0) for _ in range(4000)]
    outcomes = [source.random() < logistic.sigmoid(-5 + 1.5 * a + 0.1 * b) for a, b, _ in rows]

    model = logistic.fit(rows, outcomes)

    assert model is not None
    assert model.weights == pytest.approx((1.5, 0.1, 0.0), abs=0.12)
    said = sum(model.chance(row) for row in rows)
    assert said == pytest.approx(sum(outcomes), rel=1e-4)  # a fitted bias says as many as came


def test_outcomes_that_one_feature_parts_give_a_finite_model() -> None:
    model = logistic.fit([(float(n),) for n in range(100)], [n >= 50 for n in range(100)])

    assert model is not None
    assert model.chance((0.0,)) < 0.01
    assert model.chance((99.0,)) > 0.99
    assert abs(model.weights[0]) < 10


@pytest.mark.parametrize("outcomes", [[], [True, True], [False, False]])
def test_nothing_is_learnt_from_outcomes_that_are_all_alike(outcomes: list[bool]) -> None:
    assert logistic.fit([(1.0,)] * len(outcomes), outcomes) is None
