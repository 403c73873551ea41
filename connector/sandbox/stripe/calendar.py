"""Stripe's calendar: billing periods counted from an anchor, in whole seconds of UTC."""

import calendar
from datetime import UTC, datetime
from typing import Final

DAY: Final = 86_400
HOUR: Final = 3_600
_LENGTH = {"day": DAY, "week": 7 * DAY}
_MONTHS = {"month": 1, "year": 12}


def add_interval(start: int, interval: str, count: int) -> int:
    """`start` moved by `count` intervals; months keep the day of `start` or take their own last day."""
    if interval in _LENGTH:
        return start + _LENGTH[interval] * count
    moment = datetime.fromtimestamp(start, UTC)
    month = moment.year * 12 + moment.month - 1 + _MONTHS[interval] * count
    year, month = divmod(month, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return int(moment.replace(year=year, month=month + 1, day=day).timestamp())


def boundary_after(anchor: int, interval: str, count: int, moment: int) -> int:
    """The first billing boundary later than `moment`; boundaries are whole periods before or after the anchor."""
    return _boundary(anchor, interval, count, _index_after(anchor, interval, count, moment))


def boundary_until(anchor: int, interval: str, count: int, moment: int) -> int:
    """The last billing boundary at or before `moment`."""
    return _boundary(anchor, interval, count, _index_after(anchor, interval, count, moment) - 1)


def commensurate(intervals: list[tuple[str, int]]) -> bool:
    """Whether all periods are multiples of the shortest, months with years and days with weeks."""
    for units in (_LENGTH, _MONTHS):
        if all(interval in units for interval, _ in intervals):
            lengths = [units[interval] * count for interval, count in intervals]
            return all(length % min(lengths) == 0 for length in lengths)
    return False


def within_three_years(interval: str, count: int) -> bool:
    """Stripe's longest period: three years, 36 months or 156 weeks."""
    return count <= {"year": 3, "month": 36, "week": 156, "day": 1095}[interval]


def _boundary(anchor: int, interval: str, count: int, index: int) -> int:
    return add_interval(anchor, interval, count * index)


def _index_after(anchor: int, interval: str, count: int, moment: int) -> int:
    approximate = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY, "year": 365 * DAY}[interval] * count
    index = (moment - anchor) // approximate
    while _boundary(anchor, interval, count, index) > moment:
        index -= 1
    while _boundary(anchor, interval, count, index) <= moment:
        index += 1
    return index
