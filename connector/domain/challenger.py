"""The trained model that may replace the formula, and the rule by which it may.

At each month end a small logistic regression is fitted to what earlier month ends turned out to be, as far as that
was known by then, and says how likely each account is to pay late. Beside it the score alone is put through the same
regression, so that both speak in chances. The model wins only when both its AUC is higher and its Brier score lower,
each by a margin whose 95 % interval over draws of whole accounts excludes zero. Otherwise the formula serves.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import mul
from typing import NamedTuple

from connector.domain import logistic
from connector.domain.calibration import Calibration, calibration
from connector.domain.logistic import Logistic
from connector.domain.ranking import Interval, Ranking, interval, worst_tenth
from connector.domain.walk_forward import Judgement

_ENOUGH_JUDGEMENTS = 200
_ENOUGH_OF_EACH = 30
_MOST_ROWS = 1500
"""More hardly change eight weights; from a larger past every n-th judgement is taken."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """How the trained model did against the formula. Margins are the model's gain: above 0 it did better."""

    judgements: int  #: those at month ends where enough was known to fit a model
    formula_auc: float | None = None
    model_auc: float | None = None
    auc_margin: float | None = None
    auc_margin_interval: Interval | None = None
    formula_brier: float | None = None
    model_brier: float | None = None
    brier_margin: float | None = None
    brier_margin_interval: Interval | None = None
    formula_worst_tenth: float | None = None  #: the share of late accounts in the tenth that each called worst
    model_worst_tenth: float | None = None
    formula_calibration: Calibration | None = None  #: of the chances that an account pays late
    model_calibration: Calibration | None = None
    model: Logistic | None = None  #: as fitted last; its weights go by ``payment_features.FEATURES``

    @property
    def model_wins(self) -> bool:
        """Whether the model may replace the formula."""
        margins = (self.auc_margin_interval, self.brier_margin_interval)
        return all(margin is not None and margin.low > 0 for margin in margins)

    @property
    def verdict(self) -> str:
        """One sentence for a person."""
        if self.auc_margin is None or self.brier_margin is None:
            return "The formula serves: there is too little history to train a model on."
        if self.model_wins:
            return f"The model wins by {self.auc_margin:.3f} AUC and {self.brier_margin:.4f} Brier."
        return "The formula serves: the model does not beat it by a margin that excludes zero."


class _Both(NamedTuple):
    """What the formula and the model said of one judgement, as chances."""

    judgement: Judgement
    formula: float
    model: float


def challenge(judgements: Sequence[Judgement], seed: int = 0) -> Challenge:
    """Let a model that is fitted walk-forward compete with the formula. ``judgements`` are in order of time."""
    model, said = _walk(judgements)
    if not said:
        return Challenge(0)
    late = [one.judgement.late for one in said]
    numbers = {account: place for place, account in enumerate(dict.fromkeys(one.judgement.account for one in said))}
    who = [numbers[one.judgement.account] for one in said]
    scores = [-one.judgement.said.score for one in said]
    formula, trained = [one.formula for one in said], [one.model for one in said]
    by_formula, by_model = Ranking(scores, late, who), Ranking(trained, late, who)
    formula_brier, model_brier = _Brier(formula, late, who), _Brier(trained, late, who)

    def auc_margin(drawn: Sequence[int] | None = None) -> float | None:
        ours, theirs = by_formula.auc(drawn), by_model.auc(drawn)
        return None if ours is None or theirs is None else theirs - ours

    def brier_margin(drawn: Sequence[int]) -> float | None:
        ours, theirs = formula_brier.mean(drawn), model_brier.mean(drawn)
        return None if ours is None or theirs is None else ours - theirs

    once = [1] * len(numbers)
    return Challenge(
        judgements=len(said),
        formula_auc=by_formula.auc(),
        model_auc=by_model.auc(),
        auc_margin=auc_margin(),
        auc_margin_interval=interval(auc_margin, len(numbers), 2 * len(said), seed),
        formula_brier=formula_brier.mean(once),
        model_brier=model_brier.mean(once),
        brier_margin=brier_margin(once),
        brier_margin_interval=interval(brier_margin, len(numbers), len(said), seed),
        formula_worst_tenth=worst_tenth(scores, late),
        model_worst_tenth=worst_tenth(trained, late),
        formula_calibration=calibration(formula, late),
        model_calibration=calibration(trained, late),
        model=model,
    )


class _Brier:
    """Squared errors that can be averaged over draws of accounts."""

    def __init__(self, chances: Sequence[float], outcomes: Sequence[bool], accounts: Sequence[int]) -> None:
        self._errors = [(chance - outcome) ** 2 for chance, outcome in zip(chances, outcomes, strict=True)]
        self._accounts = accounts

    def mean(self, drawn: Sequence[int]) -> float | None:
        weights = list(map(drawn.__getitem__, self._accounts))
        total = sum(weights)
        return sum(map(mul, weights, self._errors)) / total if total else None


def _walk(judgements: Sequence[Judgement]) -> tuple[Logistic | None, list[_Both]]:
    """Month end by month end, what both said; and the model as it was fitted last."""
    learnt = sorted(judgements, key=lambda judgement: judgement.settled_on)
    settled = [judgement.settled_on for judgement in learnt]
    both: list[_Both] = []
    model = None
    for day, of_day in groupby(judgements, key=lambda judgement: judgement.month_end):
        pair = _fitted(learnt[: bisect_right(settled, day)])
        if pair is None:
            continue
        formula, model = pair
        both += (_Both(one, formula.chance(one.said.features[:1]), model.chance(one.said.features)) for one in of_day)
    return model, both


def _fitted(past: Sequence[Judgement]) -> tuple[Logistic, Logistic] | None:
    """The score alone, and all features, fitted to what is known of earlier month ends; None while that is little."""
    rows = past[:: -(-len(past) // _MOST_ROWS)] if past else past
    late = [judgement.settled_late for judgement in rows]
    if len(rows) < _ENOUGH_JUDGEMENTS or not _ENOUGH_OF_EACH <= sum(late) <= len(late) - _ENOUGH_OF_EACH:
        return None
    formula = logistic.fit([judgement.said.features[:1] for judgement in rows], late)
    model = logistic.fit([judgement.said.features for judgement in rows], late)
    return (formula, model) if formula and model else None
