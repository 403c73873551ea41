"""A small logistic regression by Newton's method in plain Python: a handful of features, a few thousand rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from operator import mul

_MOST_STEPS = 25
_CLOSE_ENOUGH = 1e-5
_FARTHEST_LOGIT = 30.0
_LONGEST_STEP = 5.0  # where one feature alone parts the outcomes, Newton would leap
_NEVER_FLAT = 1e-9


@dataclass(frozen=True, slots=True)
class Logistic:
    """A fitted model: the chance is 1 / (1 + exp(-(bias + weights * features)))."""

    bias: float
    weights: tuple[float, ...]

    def chance(self, features: Sequence[float]) -> float:
        """From 0 to 1."""
        return sigmoid(self.bias + sum(map(mul, self.weights, features)))


def sigmoid(logit: float) -> float:
    """From a logit to a chance, without overflow."""
    return 1 / (1 + exp(-max(-_FARTHEST_LOGIT, min(_FARTHEST_LOGIT, logit))))


def fit(rows: Sequence[Sequence[float]], outcomes: Sequence[bool], *, ridge: float = 1.0) -> Logistic | None:
    """The most likely model, its weights drawn towards 0 by ``ridge`` on the features' own scale (the bias is not).

    None when all outcomes are alike, for then nothing can be learnt. Source: Newton-Raphson on the penalised
    log-likelihood (iteratively reweighted least squares).
    """
    if not rows or all(outcomes) or not any(outcomes):
        return None
    middles, spreads = _scale(rows)
    inputs = [
        (1.0, *((value - middle) / spread for value, middle, spread in zip(row, middles, spreads, strict=True)))
        for row in rows
    ]
    size = len(inputs[0])
    penalty = [0.0] + [ridge] * (size - 1)
    share = sum(outcomes) / len(outcomes)
    beta = [logit(share)] + [0.0] * (size - 1)
    for _ in range(_MOST_STEPS):
        step = _solve(*_derivatives(inputs, outcomes, beta, penalty))
        beta = [
            value + max(-_LONGEST_STEP, min(_LONGEST_STEP, change)) for value, change in zip(beta, step, strict=True)
        ]
        if max(map(abs, step)) < _CLOSE_ENOUGH:
            break
    weights = tuple(value / spread for value, spread in zip(beta[1:], spreads, strict=True))
    return Logistic(beta[0] - sum(map(mul, weights, middles)), weights)


def logit(chance: float) -> float:
    """From a chance, neither 0 nor 1, to its logit."""
    return log(chance / (1 - chance))


def _derivatives(
    inputs: Sequence[Sequence[float]], outcomes: Sequence[bool], beta: Sequence[float], penalty: Sequence[float]
) -> tuple[list[list[float]], list[float]]:
    """The penalised log-likelihood's curvature (negative, so positive definite) and slope where ``beta`` stands."""
    size = len(beta)
    slope = [-held * value for held, value in zip(penalty, beta, strict=True)]
    curve = [[0.0] * size for _ in range(size)]
    for row, outcome in zip(inputs, outcomes, strict=True):
        chance = sigmoid(sum(map(mul, beta, row)))
        missed, spread = outcome - chance, chance * (1 - chance)
        for i, value in enumerate(row):
            slope[i] += missed * value
            line, weighted = curve[i], spread * value
            for j in range(i + 1):
                line[j] += weighted * row[j]
    for i in range(size):
        curve[i][i] += penalty[i] + _NEVER_FLAT
        for j in range(i):
            curve[j][i] = curve[i][j]
    return curve, slope


def _scale(rows: Sequence[Sequence[float]]) -> tuple[list[float], list[float]]:
    """Each feature's mean and standard deviation; 1 for one that never changes."""
    middles, spreads = [], []
    for column in zip(*rows, strict=True):
        middle = sum(column) / len(column)
        variance = sum((value - middle) ** 2 for value in column) / len(column)
        middles.append(middle)
        spreads.append(variance**0.5 or 1.0)
    return middles, spreads


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss with the largest pivot first; the matrix is positive definite, so that there is one."""
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda place: abs(rows[place][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for below in range(column + 1, size):
            factor = rows[below][column] / rows[column][column]
            for place in range(column, size + 1):
                rows[below][place] -= factor * rows[column][place]
    solved = [0.0] * size
    for place in reversed(range(size)):
        known = sum(rows[place][right_of] * solved[right_of] for right_of in range(place + 1, size))
        solved[place] = (rows[place][size] - known) / rows[place][place]
    return solved
