"""How well a figure puts the bad before the good: ROC AUC, Spearman and the worst tenth, with ties and an interval.

Plain Python on purpose: the connector needs no numerical library at run time. What has to be counted again for each
of hundreds of draws (``auc``) runs in C all the same, through ``itertools`` and ``operator``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, groupby
from math import sqrt
from operator import add, mul
from random import Random
from typing import NamedTuple

_DRAWS_AT_MOST = 500
_DRAWS_AT_LEAST = 100
_WORK = 1_500_000
"""Judgements looked at in all draws together: a large history needs fewer draws, and has a narrow interval anyway."""


class Interval(NamedTuple):
    """Between these two lie 95 of 100 draws."""

    low: float
    high: float


class Ranking:
    """Judgements in order of one figure (higher is worse), each of an account, each bad or not.

    Made once, asked often: ``auc`` takes how often each account was drawn.
    """

    def __init__(self, figures: Sequence[float], bad: Sequence[bool], accounts: Sequence[int]) -> None:
        order = sorted(range(len(figures)), key=figures.__getitem__)
        self._accounts = [accounts[place] for place in order]
        self._good = [not bad[place] for place in order]
        self._bad_accounts: list[int] = []
        self._below: list[int] = []  # for each bad one, how many places are below its ties ...
        self._up_to: list[int] = []  # ... and how many when its ties count too
        start = 0
        for _, ties in groupby(order, key=figures.__getitem__):
            places = list(ties)
            for place in places:
                if bad[place]:
                    self._bad_accounts.append(accounts[place])
                    self._below.append(start)
                    self._up_to.append(start + len(places))
            start += len(places)

    def auc(self, drawn: Sequence[int] | None = None) -> float | None:
        """The chance that of a bad and a good judgement the bad one has the higher figure; a tie counts half.

        Mann-Whitney's U over the number of pairs. ``drawn`` says how often each account counts, once each without
        it. None when there is no bad one, or no good one.
        """
        if not self._bad_accounts or len(self._bad_accounts) == len(self._accounts):
            return None
        if drawn is None:
            drawn = [1] * (max(self._accounts) + 1)
        weights = map(mul, map(drawn.__getitem__, self._accounts), self._good)
        good_below = list(accumulate(weights, initial=0))
        halves = map(add, map(good_below.__getitem__, self._below), map(good_below.__getitem__, self._up_to))
        bad_weights = list(map(drawn.__getitem__, self._bad_accounts))
        pairs = sum(bad_weights) * good_below[-1]
        return sum(map(mul, bad_weights, halves)) / (2 * pairs) if pairs else None


def auc(figures: Sequence[float], bad: Sequence[bool]) -> float | None:
    """The chance that of a bad and a good judgement the bad one has the higher figure; a tie counts half."""
    return Ranking(figures, bad, range(len(figures))).auc()


def ranks(values: Sequence[float]) -> list[float]:
    """Each value's place from 1 on, ties sharing the mean of theirs."""
    found = [0.0] * len(values)
    start = 0
    for _, ties in groupby(sorted(range(len(values)), key=values.__getitem__), key=values.__getitem__):
        places = list(ties)
        for place in places:
            found[place] = start + (len(places) + 1) / 2
        start += len(places)
    return found


def spearman(left: Sequence[float], right: Sequence[float]) -> float | None:
    """The correlation of ranks, -1 to 1; None when one side never changes."""
    return _pearson(ranks(left), ranks(right))


def worst_tenth(figures: Sequence[float], bad: Sequence[bool]) -> float | None:
    """The share of bad ones in the tenth with the highest figures (rounded up); None when there is nothing.

    Where ties reach over the edge of the tenth, the share of bad ones among them counts for the part within.
    """
    left = wanted = -(-len(figures) // 10)
    if not wanted:
        return None
    found = 0.0
    for _, ties in groupby(sorted(range(len(figures)), key=lambda place: -figures[place]), key=figures.__getitem__):
        places = list(ties)
        taken = min(left, len(places))
        found += taken * sum(bad[place] for place in places) / len(places)
        left -= taken
        if not left:
            break
    return found / wanted


def draws(accounts: int, judgements: int, seed: int = 0) -> Iterator[list[int]]:
    """Bootstrap draws of whole accounts with replacement: how often each was drawn, a bounded number of times.

    An account's judgements depend on each other, so that drawing single judgements would promise too much.
    """
    source = Random(seed)
    everybody = range(accounts)
    for _ in range(max(_DRAWS_AT_LEAST, min(_DRAWS_AT_MOST, _WORK // max(judgements, 1)))):
        times = Counter(source.choices(everybody, k=accounts))
        yield [times[account] for account in everybody]


def interval(
    figure: Callable[[Sequence[int]], float | None], accounts: int, judgements: int, seed: int = 0
) -> Interval | None:
    """Where 95 of 100 draws of the accounts put a figure; None when too few draws have one."""
    if accounts < 2:
        return None
    found = sorted(value for drawn in draws(accounts, judgements, seed) if (value := figure(drawn)) is not None)
    if len(found) < _DRAWS_AT_LEAST:
        return None
    return Interval(found[int(0.025 * (len(found) - 1))], found[round(0.975 * (len(found) - 1))])


def _pearson(left: Sequence[float], right: Sequence[float]) -> float | None:
    if len(left) < 2:
        return None
    middle_left, middle_right = sum(left) / len(left), sum(right) / len(right)
    from_left = [value - middle_left for value in left]
    from_right = [value - middle_right for value in right]
    spread = sqrt(sum(map(mul, from_left, from_left)) * sum(map(mul, from_right, from_right)))
    return sum(map(mul, from_left, from_right)) / spread if spread else None
