"""What a trained model may look at: eight plain numbers about one account's payments on one day."""

from __future__ import annotations

from collections.abc import Sequence
from math import log1p

from connector.domain.lateness import Outcome, grade

FEATURES = (
    "points lost by the score",
    "chance that the next invoice is late",
    "chance of serious trouble",
    "late invoices, share of all",
    "graded lateness of the last three to fall due",
    "unpaid and past due, share of all",
    "graded lateness of the oldest unpaid one",
    "invoices, logarithm",
)


def features(
    outcomes: Sequence[Outcome], score: float, next_late_chance: float, trouble_chance: float
) -> tuple[float, ...]:
    """The numbers that ``FEATURES`` names, from what our own formula said and from at least one outcome."""
    unpaid = [outcome.days_late for outcome in outcomes if outcome.unpaid]
    newest = sorted(outcomes)[-3:]
    return (
        1 - score / 100,
        next_late_chance,
        trouble_chance,
        sum(1 for outcome in outcomes if outcome.days_late > 0) / len(outcomes),
        sum(grade(outcome.days_late) for outcome in newest) / len(newest),
        len(unpaid) / len(outcomes),
        grade(max(unpaid, default=0)),
        log1p(len(outcomes)),
    )
