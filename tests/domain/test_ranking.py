"""AUC, Spearman and the worst tenth, against cases by hand, brute force and pandas."""

from __future__ import annotations

from itertools import product

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.ranking import Ranking, auc, draws, interval, ranks, spearman, worst_tenth

FIGURES = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("figures", "bad", "expected"),
    [
        ([1, 2, 3, 4], [False, False, True, True], 1.0),
        ([1, 2, 3, 4], [True, True, False, False], 0.0),
        ([1, 2, 3, 4], [False, True, False, True], 0.75),  # of 4 pairs only (2, 3) is the wrong way round
        ([5, 5, 5, 5], [False, True, False, True], 0.5),  # nothing but ties
        ([1, 2, 2], [False, False, True], 0.75),  # one pair won, one tied
        ([1, 2], [True, True], None),
        ([1, 2], [False, False], None),
        ([], [], None),
    ],
)
def test_auc_by_hand(figures: list[float], bad: list[bool], expected: float | None) -> None:
    assert auc(figures, bad) == expected


@given(FIGURES)
def test_auc_is_the_share_of_pairs_in_the_right_order(pairs: list[tuple[int, bool]]) -> None:
    worse = [figure for figure, bad in pairs if bad]
    better = [figure for figure, bad in pairs if not bad]
    won = sum((high > low) + (high == low) / 2 for high, low in product(worse, better))

    found = auc([figure for figure, _ in pairs], [bad for _, bad in pairs])

    assert found == (pytest.approx(won / (len(worse) * len(better))) if worse and better else None)


@given(FIGURES, st.data())
def test_a_drawn_account_counts_as_often_as_it_was_drawn(pairs: list[tuple[int, bool]], data: st.DataObject) -> None:
    """Counting an account twice gives what listing its judgements twice would."""
    figures, bad = [figure for figure, _ in pairs], [is_bad for _, is_bad in pairs]
    accounts = [data.draw(st.integers(0, 4)) for _ in pairs]
    drawn = [data.draw(st.integers(0, 3)) for _ in range(5)]
    again = [place for place, account in enumerate(accounts) for _ in range(drawn[account])]

    expected = auc([figures[place] for place in again], [bad[place] for place in again])

    found = Ranking(figures, bad, accounts).auc(drawn)
    assert found == (None if expected is None else pytest.approx(expected))


def test_ties_share_the_mean_of_their_ranks() -> None:
    assert ranks([10, 30, 20, 20]) == [1, 4, 2.5, 2.5]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [([1, 2, 3], [10, 20, 90], 1.0), ([1, 2, 3], [9, 5, 1], -1.0), ([1, 1, 1], [1, 2, 3], None), ([], [], None)],
)
def test_spearman_by_hand(left: list[float], right: list[float], expected: float | None) -> None:
    assert spearman(left, right) == (None if expected is None else pytest.approx(expected))


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 60)), min_size=3, max_size=50))
def test_spearman_is_what_pandas_says(pairs: list[tuple[int, float]]) -> None:
    left, right = [float(one) for one, _ in pairs], [other for _, other in pairs]
    expected = pd.Series(left).rank().corr(pd.Series(right).rank())

    found = spearman(left, right)

    assert found is None if pd.isna(expected) else found == pytest.approx(expected, abs=1e-9)


def test_the_worst_tenth_is_rounded_up() -> None:
    """Of eleven, two: the highest figure is late, the next is not."""
    assert worst_tenth(list(range(11)), [False] * 10 + [True]) == 0.5
    assert worst_tenth([], []) is None


def test_ties_at_the_edge_of_the_worst_tenth_count_in_proportion() -> None:
    """One place in the tenth and four candidates for it, of which one is late: a quarter, not a matter of luck."""
    figures = [9.0] * 4 + [1.0] * 6
    assert worst_tenth(figures, [True] + [False] * 9) == 0.25
    assert worst_tenth(figures, [False, False, False, True] + [True] * 6) == 0.25


def test_draws_are_always_the_same_and_bounded() -> None:
    first = list(draws(20, 100, seed=7))

    assert first == list(draws(20, 100, seed=7))
    assert first != list(draws(20, 100, seed=8))
    assert len(first) == 500
    assert all(sum(drawn) == 20 for drawn in first)
    assert len(list(draws(2, 10**9))) == 100


def test_an_interval_holds_95_of_100_draws() -> None:
    """How often account 0 of a hundred is drawn: once on average, hardly ever four times."""
    found = interval(lambda drawn: float(drawn[0]), 100, 100)

    assert found == (0, 3)


def test_an_interval_needs_several_accounts_and_a_figure() -> None:
    assert interval(lambda drawn: 1.0, 1, 10) is None
    assert interval(lambda drawn: None, 10, 10) is None
