"""The measured default score: how late an account pays, from its invoices' due dates and what became of them.

Each invoice that was paid, or is unpaid past its due date, has a graded lateness ``g`` and a weight ``w``:

    g     = ln(1 + min(max(days late, 0), 60)) / ln 61        on time 0, 1 day .17, 10 days .58, 60 and more 1
    w     = 0.5 ^ (days since the due date / 180)             by due date: paying later must not help
    score = 100 * (1 - (sum(w * g) + m) / (sum(w) + 1))       m = the mean of the portfolio's accounts' own means

An unpaid invoice weighs 1 for as long as that makes the score worse, and else as if it were paid today. So paying it
never lowers the score: an invoice of two days late would otherwise speak for an account that usually pays worse, and
fall silent the day it is paid.

Plain numbers in, plain numbers out: it is called a million times. Source: measured walk-forward on two sets of B2B
invoices (about 42,000 invoices of 1,150 customers).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import log
from typing import NamedTuple

HALF_LIFE_DAYS = 180
SERIOUS_DAYS = 15
"""Serious trouble is an invoice that is more than so many days late."""

_GRADES = tuple(log(1 + days) / log(61) for days in range(61))
_DECAY = tuple(0.5 ** (days / HALF_LIFE_DAYS) for days in range(2000))
_RECENT_DAYS = 90


class Outcome(NamedTuple):
    """What became of one invoice by the day of the assessment."""

    due: date
    days_late: int  #: when it was paid, early ones below 0; or up to today while it is unpaid
    unpaid: bool


@dataclass(frozen=True, slots=True)
class Means:
    """Weighted means, each from 0 to 1: of graded lateness, of late invoices, and of seriously late ones."""

    lateness: float
    late: float
    serious: float


def grade(days_late: int) -> float:
    """Graded lateness, 0 to 1: a few days are noise, forty are not."""
    return _GRADES[min(max(days_late, 0), 60)]


def weight(due: date, today: date) -> float:
    """How much an invoice still says: half as much every 180 days since it fell due."""
    days = (today - due).days
    if days <= 0:
        return 1.0
    return _DECAY[days] if days < len(_DECAY) else float(0.5 ** (days / HALF_LIFE_DAYS))


def points_lost(outcomes: Sequence[Outcome], today: date, mean_lateness: float) -> tuple[list[float], float]:
    """What each invoice takes off the score, in points from 0 to 100, and what is taken off for want of knowledge.

    Together they are exactly 100 minus the score.
    """
    weights, total = _weights(outcomes, today, mean_lateness)
    lost = [
        100 * each * grade(outcome.days_late) / (total + 1) for each, outcome in zip(weights, outcomes, strict=True)
    ]
    return lost, 100 * mean_lateness / (total + 1)


def score(outcomes: Sequence[Outcome], today: date, mean_lateness: float) -> float:
    """0 (hopeless) to 100 (always on time). Without any outcome it says only what the portfolio says."""
    lost, unknown = points_lost(outcomes, today, mean_lateness)
    return 100 - sum(sorted(lost)) - unknown  # sorted, so that the order of invoices changes not even the last digit


def next_late_chance(outcomes: Sequence[Outcome], today: date, late_rate: float) -> float:
    """The chance, 0 to 1, that the next invoice is paid late."""
    return _chance(outcomes, today, 0, late_rate)


def trouble_chance(outcomes: Sequence[Outcome], today: date, serious_rate: float, recent_invoices: int) -> float:
    """The chance, 0 to 1, of an invoice more than 15 days late within the next 90 days.

    ``recent_invoices`` is how many were issued in the last 90 days: many invoices are many chances.
    """
    each = _chance(outcomes, today, SERIOUS_DAYS, serious_rate)
    return float(1 - (1 - each) ** (max(recent_invoices, 1) ** 0.7))


def issued_recently(issued: Iterable[date], today: date) -> int:
    """How many of these days lie within the last 90."""
    return sum(1 for day in issued if 0 <= (today - day).days < _RECENT_DAYS)


def account_means(outcomes: Sequence[Outcome], today: date) -> Means | None:
    """One account's own means, which the portfolio's are made of; None when nothing of it has come due yet."""
    total = lateness = late = serious = 0.0
    for outcome in outcomes:
        each = 1.0 if outcome.unpaid else weight(outcome.due, today)
        total += each
        lateness += each * grade(outcome.days_late)
        late += each * (outcome.days_late > 0)
        serious += each * (outcome.days_late > SERIOUS_DAYS)
    return Means(lateness / total, late / total, serious / total) if total else None


def _weights(outcomes: Sequence[Outcome], today: date, mean_lateness: float) -> tuple[list[float], float]:
    """Each invoice's weight, and their sum."""
    weights = [weight(outcome.due, today) for outcome in outcomes]
    total = sum(sorted(weights))
    lost = sum(sorted(each * grade(outcome.days_late) for each, outcome in zip(weights, outcomes, strict=True)))
    lost += mean_lateness
    unpaid = [place for place, outcome in enumerate(outcomes) if outcome.unpaid]
    # The worst first: once one does not make it worse any more, no later one does.
    for place in sorted(unpaid, key=lambda place: (-outcomes[place].days_late, weights[place])):
        worst, more = grade(outcomes[place].days_late), 1 - weights[place]
        if worst * (total + 1) <= lost:
            break
        weights[place] = 1.0
        total += more
        lost += more * worst
    return weights, total


def _chance(outcomes: Sequence[Outcome], today: date, beyond: int, rate: float) -> float:
    total = late = 0.0
    for outcome in sorted(outcomes):
        each = 1.0 if outcome.unpaid else weight(outcome.due, today)
        total += each
        late += each * (outcome.days_late > beyond)
    return (late + 2 * rate) / (total + 2)
