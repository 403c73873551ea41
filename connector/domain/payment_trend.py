"""Whether an account pays better or worse than it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from connector.domain.currency_health import average
from connector.domain.lateness import Outcome


class Direction(StrEnum):
    """Where it goes."""

    BETTER = "better"
    STEADY = "steady"
    WORSE = "worse"
    UNKNOWN = "unknown"  #: too few invoices to tell


@dataclass(frozen=True, slots=True)
class Trend:
    """Average days late per invoice, early ones counted as on time, unpaid ones up to today; by due date."""

    direction: Direction = Direction.UNKNOWN
    last_three: Decimal | None = None  #: of the three that fell due last
    before: Decimal | None = None  #: of all before those
    last_90_days: Decimal | None = None  #: of those that fell due in the last 90 days
    last_year: Decimal | None = None  #: of those that fell due in the last 365 days


_LAST, _LEAST_BEFORE = 3, 3
_NOTABLE_DAYS = 5
"""A difference below this is noise: payment runs are weekly."""


def trend(outcomes: Sequence[Outcome], today: date) -> Trend:
    """The trend of outcomes that are given in order of their due dates."""
    days = [max(0, outcome.days_late) for outcome in outcomes]
    ages = [(today - outcome.due).days for outcome in outcomes]
    last, before = days[-_LAST:], days[:-_LAST]
    return Trend(
        _direction(last, before),
        _mean(last),
        _mean(before),
        _mean([late for late, age in zip(days, ages, strict=True) if age < 90]),
        _mean([late for late, age in zip(days, ages, strict=True) if age < 365]),
    )


def _direction(last: Sequence[int], before: Sequence[int]) -> Direction:
    if len(before) < _LEAST_BEFORE:
        return Direction.UNKNOWN
    change = sum(last) * len(before) - sum(before) * len(last)
    notable = _NOTABLE_DAYS * len(last) * len(before)
    if abs(change) < notable:
        return Direction.STEADY
    return Direction.WORSE if change > 0 else Direction.BETTER


def _mean(days: Sequence[int]) -> Decimal | None:
    return average(sum(days), len(days))
