"""Whether an account pays better or worse than it did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from connector.domain.currency_health import average
from connector.domain.lateness import Outcome


class Direction(StrEnum):
    """Where it goes."""

    BETTER = "better"
    STEADY = "steady"
    WORSE = "worse"
    UNKNOWN = "unknown"  #: too few invoices to tell


class Span(NamedTuple):
    """Some invoices: how many days late they are together, and how many they are."""

    days: int = 0
    invoices: int = 0

    @property
    def average(self) -> Decimal | None:
        """Days late per invoice, to one decimal; None of no invoices."""
        return average(self.days, self.invoices)


class Trend(NamedTuple):
    """Days late by due date; early invoices count as on time, unpaid ones up to today."""

    direction: Direction = Direction.UNKNOWN
    last: Span = Span()  #: the three that fell due last
    before: Span = Span()  #: all before those
    quarter: Span = Span()  #: those that fell due in the last 90 days
    year: Span = Span()  #: those that fell due in the last 365 days


_LAST, _LEAST_BEFORE = 3, 3
_QUARTER_DAYS, _YEAR_DAYS = 90, 365
_NOTABLE_DAYS = 5
"""A difference below this is noise: payment runs are weekly."""
_WORST_DAYS = 60
"""No single invoice makes a trend: beyond this, one is as late as another."""


def trend(outcomes: Sequence[Outcome], today: date) -> Trend:
    """The trend of outcomes that are given in order of their due dates."""
    late = [max(0, outcome.days_late) for outcome in outcomes]
    ages = [(today - outcome.due).days for outcome in outcomes]
    return Trend(
        direction(outcomes),
        _span(late[-_LAST:]),
        _span(late[:-_LAST]),
        _span([days for days, age in zip(late, ages, strict=True) if age < _QUARTER_DAYS]),
        _span([days for days, age in zip(late, ages, strict=True) if age < _YEAR_DAYS]),
    )


def direction(outcomes: Sequence[Outcome]) -> Direction:
    """Where outcomes go that are given in order of their due dates.

    Worse or better only where the plain averages and those without outliers agree. What is not settled yet can only
    get later, so it is no sign of paying better.
    """
    if len(outcomes) < _LAST + _LEAST_BEFORE:
        return Direction.UNKNOWN
    late = [max(0, outcome[1]) for outcome in outcomes]
    plain = _change(late)
    if -_NOTABLE_DAYS < plain < _NOTABLE_DAYS:
        return Direction.STEADY
    tamed = _change([min(_WORST_DAYS, days) for days in late])
    if plain > 0 and tamed >= _NOTABLE_DAYS:
        return Direction.WORSE
    if plain < 0 and tamed <= -_NOTABLE_DAYS and not any(outcome.unpaid for outcome in outcomes[-_LAST:]):
        return Direction.BETTER
    return Direction.STEADY


def _change(late: Sequence[int]) -> float:
    """How many days later the last ones are on average than those before."""
    last = sum(late[-_LAST:])
    return last / _LAST - (sum(late) - last) / (len(late) - _LAST)


def _span(late: Sequence[int]) -> Span:
    return Span(sum(late), len(late))
