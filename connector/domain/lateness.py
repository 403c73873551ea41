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
from math import fsum, log
from typing import NamedTuple

HALF_LIFE_DAYS = 180
SERIOUS_DAYS = 15
"""Serious trouble is an invoice that is more than so many days late."""

_WORST_DAYS = 60
_GRADES = tuple(log(1 + days) / log(_WORST_DAYS + 1) for days in range(_WORST_DAYS + 1))
_OLD = 2000
_DECAY = tuple(0.5 ** (days / HALF_LIFE_DAYS) for days in range(_OLD))
_RECENT_DAYS = 90


class Outcome(NamedTuple):
    """What became of one invoice by the day of the assessment."""

    due: date
    days_late: int  #: when it was paid, early ones below 0; or up to today while it is unpaid
    unpaid: bool


class Judgement(NamedTuple):
    """All that one account's outcomes come to. The lists stand beside the outcomes, one figure for each."""

    score: float
    next_late_chance: float
    trouble_chance: float
    points: list[float]  #: what each outcome takes off the score
    points_unknown: float  #: what is taken off for want of knowledge; with ``points`` exactly 100 minus the score
    weights: list[float]  #: how much each outcome counts in the score


@dataclass(frozen=True, slots=True)
class Means:
    """Weighted means, each from 0 to 1: of graded lateness, of late invoices, and of seriously late ones."""

    lateness: float
    late: float
    serious: float


def grade(days_late: int) -> float:
    """Graded lateness, 0 to 1: a few days are noise, forty are not."""
    return _GRADES[min(max(days_late, 0), _WORST_DAYS)]


def weight(due: date, today: date) -> float:
    """How much an invoice still says: half as much every 180 days since it fell due."""
    days = (today - due).days
    if days <= 0:
        return 1.0
    return _DECAY[days] if days < _OLD else float(0.5 ** (days / HALF_LIFE_DAYS))


def judge(
    outcomes: Sequence[Outcome],
    today: date,
    *,
    mean_lateness: float,
    late_rate: float,
    serious_rate: float,
    recent_invoices: int,
) -> Judgement:
    """Score, chances and what they are made of, at once: what ``score`` and the others say one by one."""
    by_due, grades = _weighed(outcomes, today)
    weights, total = _weights(outcomes, by_due, grades, mean_lateness)
    share = 100 / (total + 1)
    points = [share * each * grade for each, grade in zip(weights, grades, strict=True)]
    whole, late, serious = [], [], []
    for (_, days_late, unpaid), each in zip(outcomes, by_due, strict=True):
        counts = 1.0 if unpaid else each
        whole.append(counts)
        if days_late > 0:
            late.append(counts)
            if days_late > SERIOUS_DAYS:
                serious.append(counts)
    unknown = share * mean_lateness
    seen = fsum(whole) + 2
    return Judgement(
        max(0.0, 100 - fsum(points) - unknown),
        (fsum(late) + 2 * late_rate) / seen,
        _some_trouble((fsum(serious) + 2 * serious_rate) / seen, recent_invoices),
        points,
        unknown,
        weights,
    )


def points_lost(outcomes: Sequence[Outcome], today: date, mean_lateness: float) -> tuple[list[float], float]:
    """What each invoice takes off the score, in points from 0 to 100, and what is taken off for want of knowledge.

    Together they are exactly 100 minus the score.
    """
    by_due, grades = _weighed(outcomes, today)
    weights, total = _weights(outcomes, by_due, grades, mean_lateness)
    share = 100 / (total + 1)
    return [share * each * grade for each, grade in zip(weights, grades, strict=True)], share * mean_lateness


def score(outcomes: Sequence[Outcome], today: date, mean_lateness: float) -> float:
    """0 (hopeless) to 100 (always on time). Without any outcome it says only what the portfolio says."""
    points, unknown = points_lost(outcomes, today, mean_lateness)
    return max(0.0, 100 - fsum(points) - unknown)


def next_late_chance(outcomes: Sequence[Outcome], today: date, late_rate: float) -> float:
    """The chance, 0 to 1, that the next invoice is paid late."""
    return _chance(outcomes, today, 0, late_rate)


def trouble_chance(outcomes: Sequence[Outcome], today: date, serious_rate: float, recent_invoices: int) -> float:
    """The chance, 0 to 1, of an invoice more than 15 days late within the next 90 days.

    ``recent_invoices`` is how many were issued in the last 90 days: many invoices are many chances.
    """
    return _some_trouble(_chance(outcomes, today, SERIOUS_DAYS, serious_rate), recent_invoices)


def issued_recently(issued: Iterable[date], today: date) -> int:
    """How many of these days lie within the last 90."""
    now = today.toordinal()
    return len([day for day in issued if 0 <= now - day.toordinal() < _RECENT_DAYS])


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


def _weighed(outcomes: Sequence[Outcome], today: date) -> tuple[list[float], list[float]]:
    """Each outcome's weight by its due date, and its grade."""
    weights, grades, now = [], [], today.toordinal()
    for due, days_late, _ in outcomes:
        age = now - due.toordinal()
        weights.append(1.0 if age <= 0 else _DECAY[age] if age < _OLD else 0.5 ** (age / HALF_LIFE_DAYS))
        grades.append(_GRADES[days_late] if 0 <= days_late <= _WORST_DAYS else float(days_late > 0))
    return weights, grades


def _weights(
    outcomes: Sequence[Outcome], by_due: Sequence[float], grades: Sequence[float], mean_lateness: float
) -> tuple[list[float], float]:
    """How much each outcome counts in the score, and all of them together.

    Sums are exact to the last digit (``fsum``), so that the order of invoices changes not even that.
    """
    weights, total = list(by_due), fsum(by_due)
    unpaid = [(-grades[place], by_due[place], place) for place, outcome in enumerate(outcomes) if outcome.unpaid]
    if unpaid:
        lost = fsum([each * grade for each, grade in zip(by_due, grades, strict=True)]) + mean_lateness
        # The worst first: once one does not make it worse any more, no later one does.
        for minus_grade, before, place in sorted(unpaid):
            if -minus_grade * (total + 1) <= lost:
                break
            weights[place] = 1.0
            total += 1 - before
            lost -= (1 - before) * minus_grade
    return weights, total


def _some_trouble(each: float, recent_invoices: int) -> float:
    """From the chance that one invoice is seriously late, the chance that at least one of many is."""
    return float(1 - (1 - each) ** (max(recent_invoices, 1) ** 0.7))


def _chance(outcomes: Sequence[Outcome], today: date, beyond: int, rate: float) -> float:
    by_due, _ = _weighed(outcomes, today)
    whole = [1.0 if outcome.unpaid else each for each, outcome in zip(by_due, outcomes, strict=True)]
    late = [each for each, outcome in zip(whole, outcomes, strict=True) if outcome.days_late > beyond]
    return (fsum(late) + 2 * rate) / (fsum(whole) + 2)
