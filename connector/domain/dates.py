"""Calendar steps for billing periods, as contracts count them: month by month, clamped to the month's last day."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from connector.domain.deal import Interval


def add_months(day: date, months: int) -> date:
    """The same day ``months`` later; the 31st becomes the month's last day where there is none."""
    years, month0 = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month0 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def add_intervals(day: date, interval: Interval, times: int = 1) -> date:
    """The day ``times`` billing intervals later, counted from ``day`` itself so that month ends do not drift."""
    steps = interval.count * times
    if interval.unit == "year":
        return add_months(day, 12 * steps)
    if interval.unit == "month":
        return add_months(day, steps)
    return day + timedelta(days=steps * (7 if interval.unit == "week" else 1))


def whole_months(interval: Interval) -> int | None:
    """The interval as months; None for days and weeks."""
    if interval.unit == "year":
        return 12 * interval.count
    return interval.count if interval.unit == "month" else None
