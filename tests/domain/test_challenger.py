"""A trained model replaces the formula only where it is better by a margin that excludes zero."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest

from connector.domain.challenger import challenge
from connector.domain.lateness import Outcome, grade
from connector.domain.payment_features import FEATURES, features
from connector.domain.walk_forward import Judgement, Said

FIRST = date(2024, 1, 31)


def judgements(
    *, months: int = 12, accounts: int = 60, seed: int = 1, told_by_score: float, told_by_another: float
) -> list[Judgement]:
    """Accounts that are bad or good for good; the score and another feature tell of it, each with some noise."""
    source = Random(seed)
    bad = [source.random() < 0.4 for _ in range(accounts)]
    found = []
    for month in range(months):
        day = FIRST + timedelta(days=30 * month)
        for account in range(accounts):
            late = bad[account] if source.random() < 0.9 else not bad[account]
            lost = 0.5 + told_by_score * (0.2 if bad[account] else -0.2) + source.uniform(-0.2, 0.2)
            other = told_by_another * bad[account] + source.uniform(-0.2, 0.2)
            said = Said(100 * (1 - lost), 0.5, 0.5, 0.5, 1.0, (lost, 0.5, 0.5, 0.5, other, 0.0, 0.0, 1.0))
            settled = day + timedelta(days=120)
            found.append(Judgement(day, account, said, 10.0 if late else 0.0, late, late, settled, late))
    return found


def test_a_model_that_knows_more_wins_by_a_margin_that_excludes_zero() -> None:
    found = challenge(judgements(told_by_score=0.2, told_by_another=1.0))

    assert found.model_wins
    assert found.auc_margin is not None
    assert found.auc_margin_interval is not None
    assert 0 < found.auc_margin_interval.low <= found.auc_margin <= found.auc_margin_interval.high
    assert found.brier_margin is not None
    assert found.brier_margin > 0
    assert found.model_calibration is not None
    assert found.formula_calibration is not None
    assert found.model_calibration.brier == pytest.approx(found.model_brier)
    assert found.formula_calibration.brier == pytest.approx(found.formula_brier)
    assert found.model_calibration.auc == found.model_auc
    assert found.model_worst_tenth is not None
    assert found.formula_worst_tenth is not None
    assert found.model_worst_tenth > found.formula_worst_tenth
    assert found.verdict.startswith(f"The model wins by {found.auc_margin:.3f} AUC")
    assert found.model is not None
    assert found.model.weights[FEATURES.index("graded lateness of the last three to fall due")] > 1


def test_a_model_that_knows_no_more_leaves_the_formula_in_place() -> None:
    found = challenge(judgements(told_by_score=1.0, told_by_another=0.0))

    assert not found.model_wins
    assert found.verdict.startswith("The formula serves")
    assert found.auc_margin_interval is not None
    assert found.auc_margin_interval.low <= 0


def test_the_first_month_ends_are_not_judged_since_nothing_can_have_been_learnt_by_then() -> None:
    """A window and a month must pass before the first one teaches anything, and 200 judgements must have come."""
    everything = judgements(told_by_score=1.0, told_by_another=0.0)

    found = challenge(everything)

    # Each month end brings 60 and is settled after 120 days, four months: four of them are enough on the eighth.
    assert found.judgements == 60 * (12 - 7)


def test_what_is_settled_later_teaches_nothing_earlier() -> None:
    """Outcomes that turn round at the end change no model that was used before."""
    everything = judgements(months=9, told_by_score=0.2, told_by_another=1.0)
    turned = [
        one._replace(settled_late=not one.settled_late) if one.settled_on > everything[-1].month_end else one
        for one in everything
    ]

    assert challenge(turned) == challenge(everything)
    assert challenge(everything).judgements > 0


@pytest.mark.parametrize("months", [0, 1, 5])
def test_too_little_history_leaves_the_formula_in_place(months: int) -> None:
    found = challenge(judgements(months=months, told_by_score=0.2, told_by_another=1.0))

    assert (found.judgements, found.model_wins, found.model) == (0, False, None)
    assert "too little history" in found.verdict


def test_accounts_that_are_all_alike_teach_nothing() -> None:
    alike = [one._replace(settled_late=False) for one in judgements(told_by_score=1.0, told_by_another=1.0)]

    assert challenge(alike).judgements == 0


def test_the_features_are_what_their_names_say() -> None:
    day = date(2025, 6, 30)
    outcomes = [
        Outcome(day - timedelta(days=200), 0, unpaid=False),
        Outcome(day - timedelta(days=100), 10, unpaid=False),
        Outcome(day - timedelta(days=60), -3, unpaid=False),
        Outcome(day - timedelta(days=20), 20, unpaid=True),
    ]

    found = dict(zip(FEATURES, features(outcomes, 80.0, 0.25, 0.125), strict=True))

    assert found["points lost by the score"] == pytest.approx(0.2)
    assert found["chance that the next invoice is late"] == 0.25
    assert found["chance of serious trouble"] == 0.125
    assert found["late invoices, share of all"] == 0.5
    assert found["unpaid and past due, share of all"] == 0.25
    assert found["graded lateness of the oldest unpaid one"] == grade(20)
    assert found["graded lateness of the last three to fall due"] == pytest.approx((grade(10) + grade(20)) / 3)
    assert found["invoices, logarithm"] == pytest.approx(1.609438)
