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
_NOTABLE_DAYS = 5
"""A difference below this is noise: payment runs are weekly."""
_WORST_DAYS = 60
"""No single invoice makes a trend: beyond this, one is as late as another."""


def trend(outcomes: Sequence[Outcome], today: date) -> Trend:
    """The trend of outcomes that are given in order of their due dates."""
    now = today.toordinal()
    quarter = quarter_count = year = year_count = 0
    late = []
    for due, days_late, _ in outcomes:
        days = max(0, days_late)
        late.append(days)
        age = now - due.toordinal()
        if age < 365:
            year += days
            year_count += 1
            if age < 90:
                quarter += days
                quarter_count += 1
    last, before = late[-_LAST:], late[:-_LAST]
    direction = Direction.UNKNOWN
    if len(before) >= _LEAST_BEFORE:
        direction = _direction(last, before, settled=not any(outcome.unpaid for outcome in outcomes[-_LAST:]))
    return Trend(
        direction,
        Span(sum(last), len(last)),
        Span(sum(before), len(before)),
        Span(quarter, quarter_count),
        Span(year, year_count),
    )


def _direction(last: Sequence[int], before: Sequence[int], *, settled: bool) -> Direction:
    """Worse or better only where the plain averages and those without outliers agree.

    What is not ``settled`` yet can only get later, so it is no sign of paying better.
    """
    plain = _change(last, before)
    tamed = _change([min(days, _WORST_DAYS) for days in last], [min(days, _WORST_DAYS) for days in before])
    if min(plain, tamed) >= _NOTABLE_DAYS:
        return Direction.WORSE
    if max(plain, tamed) <= -_NOTABLE_DAYS and settled:
        return Direction.BETTER
    return Direction.STEADY


def _change(last: Sequence[int], before: Sequence[int]) -> float:
    return sum(last) / len(last) - sum(before) / len(before)
