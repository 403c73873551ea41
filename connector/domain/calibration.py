"""How far chances may be believed: Brier score, deciles of predicted against observed, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain import logistic
from connector.domain.ranking import auc

_GROUPS = 10
_SUREST = 1e-4
_MOST_FOR_SLOPE = 5000


@dataclass(frozen=True, slots=True)
class Decile:
    """One group of judgements with about the same predicted chance."""

    predicted: float  #: the mean of the chances that were given
    observed: float  #: the share of those where it came true
    count: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """What chances were worth against what came. Shares and chances from 0 to 1."""

    judgements: int
    base_rate: float | None  #: how often it came true
    brier: float | None  #: mean of (chance - outcome) squared; lower is better
    base_brier: float | None  #: the same for somebody who always says the base rate, known only afterwards
    auc: float | None
    expected_error: float | None  #: mean distance of predicted and observed over the deciles
    slope: float | None  #: 1 is right; below 1 the chances are too sure of themselves, above 1 too timid
    deciles: tuple[Decile, ...]


def calibration(chances: Sequence[float], outcomes: Sequence[bool]) -> Calibration:
    """What these chances were worth. The slope is the weight of the chance's logit in a logistic regression."""
    count = len(chances)
    if not count:
        return Calibration(0, None, None, None, None, None, None, ())
    rate = sum(outcomes) / count
    groups = deciles(chances, outcomes)
    return Calibration(
        judgements=count,
        base_rate=rate,
        brier=brier(chances, outcomes),
        base_brier=rate * (1 - rate),
        auc=auc(chances, outcomes),
        expected_error=sum(group.count * abs(group.predicted - group.observed) for group in groups) / count,
        slope=_slope(chances, outcomes),
        deciles=groups,
    )


def brier(chances: Sequence[float], outcomes: Sequence[bool]) -> float:
    """The mean of (chance - outcome) squared: 0 is perfect, 0.25 is what always saying one half gets."""
    return sum((chance - outcome) ** 2 for chance, outcome in zip(chances, outcomes, strict=True)) / len(chances)


def deciles(chances: Sequence[float], outcomes: Sequence[bool]) -> tuple[Decile, ...]:
    """Ten groups of nearly equal size by rising chance; fewer where there are fewer judgements."""
    ordered = sorted(zip(chances, outcomes, strict=True))
    found = []
    for group in range(_GROUPS):
        part = ordered[len(ordered) * group // _GROUPS : len(ordered) * (group + 1) // _GROUPS]
        if part:
            predicted = sum(chance for chance, _ in part) / len(part)
            found.append(Decile(predicted, sum(outcome for _, outcome in part) / len(part), len(part)))
    return tuple(found)


def _slope(chances: Sequence[float], outcomes: Sequence[bool]) -> float | None:
    every = -(-len(chances) // _MOST_FOR_SLOPE)  # the n-th of so many: one weight needs no more
    outcomes = outcomes[::every]
    held = [min(max(chance, _SUREST), 1 - _SUREST) for chance in chances[::every]]
    logits = [(logistic.logit(chance),) for chance in held]
    if min(logits) == max(logits):
        return None
    model = logistic.fit(logits, outcomes, ridge=1e-3)
    return model.weights[0] if model else None
