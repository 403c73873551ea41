"""Habit: how an account usually pays, in days that a person can repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from connector.domain.lateness import Outcome


class Habit(NamedTuple):
    """From its resolved invoices; days are signed, early below 0."""

    resolved: int = 0  #: paid, or unpaid past due
    on_time: int = 0  #: of those
    paid: int = 0
    paid_late: int = 0
    usual_days_late: int = 0  #: of paid invoices, the middle one by weight: recent ones speak louder
    worst_days_late: int = 0  #: of paid invoices


def habit(outcomes: Sequence[Outcome], weights: Sequence[float]) -> Habit:
    """The habit that outcomes with these weights show. Their order changes nothing."""
    paid = sorted(
        [(outcome.days_late, each) for outcome, each in zip(outcomes, weights, strict=True) if not outcome.unpaid]
    )
    on_time = len([days for days, _ in paid if days <= 0])
    return Habit(
        len(outcomes),
        on_time,
        len(paid),
        len(paid) - on_time,
        _middle(paid),
        paid[-1][0] if paid else 0,
    )


def _middle(weighed: Sequence[tuple[int, float]]) -> int:
    """Of values in rising order with their weights: the first that half of the weight reaches; 0 of none."""
    half = sum([weight for _, weight in weighed]) / 2
    reached = 0.0
    for value, weight in weighed:
        reached += weight
        if reached >= half:
            return value
    return 0
