"""Calendar steps for billing periods, as contracts count them (clamped to the month's last day); when a day begins."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from connector.domain.deal import Interval


def add_months(day: date, months: int) -> date:
    """The same day ``months`` later; the 31st becomes the month's last day where there is none."""
    years, month0 = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month0 + 1
    # Every month has 28 days: most dates need no look at the calendar.
    return date(year, month, day.day if day.day <= 28 else min(day.day, monthrange(year, month)[1]))


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


def length(interval: Interval) -> tuple[str, int]:
    """The interval in the unit that it is counted in: ("month", 12) for a year, ("day", 7) for a week."""
    months = whole_months(interval)
    if months is not None:
        return "month", months
    return "day", interval.count * (7 if interval.unit == "week" else 1)


def multiples(intervals: Iterable[Interval]) -> bool:
    """Whether all intervals are whole multiples of the shortest: what one subscription holds together.

    Source: Stripe, "Mixed interval subscriptions".
    """
    lengths = {length(interval) for interval in intervals}
    shortest = min((count for _, count in lengths), default=1)
    return len({unit for unit, _ in lengths}) <= 1 and not any(count % shortest for _, count in lengths)


def periods_until(origin: date, interval: Interval, day: date) -> int | None:
    """How many whole intervals lie between ``origin`` and ``day``; None where it is no whole number."""
    unit, count = length(interval)
    if unit == "day":
        periods, rest = divmod((day - origin).days, count)
        return None if rest else periods
    months = 12 * (day.year - origin.year) + day.month - origin.month
    periods, rest = divmod(months, count)
    return periods if not rest and add_months(origin, months) == day else None


def periods_begun(origin: date, interval: Interval, day: date) -> int:
    """How many whole intervals lie between ``origin`` and the start of the one that holds ``day``."""
    unit, count = length(interval)
    if unit == "day":
        return (day - origin).days // count
    months = 12 * (day.year - origin.year) + day.month - origin.month
    if add_months(origin, months) > day:
        months -= 1
    return months // count


def months_after(origin: date, day: date, months: int) -> date:
    """``months`` later than ``day``; where that is a month's end clamped from ``origin``, so is the result.

    A contract from 31 January has its second month from 28 February and its third from 31 March, not from 28 March.
    """
    since = 12 * (day.year - origin.year) + day.month - origin.month
    return add_months(origin, since + months) if add_months(origin, since) == day else add_months(day, months)


def start_of_day(moment: datetime) -> datetime:
    """Midnight before an aware moment, UTC: due dates and days late are counted in its days."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
