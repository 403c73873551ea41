"""A contract that began before today: what lies back is billed period by period, and the rest goes on from there.

Elapsed whole periods become one-off lines that say which days they stand for. The running period is billed whole and
the subscription is anchored at its end. Where prices are still to change, the running period is such a line too, and a
schedule takes over at its end: nothing is ever prorated by the billing system.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from connector.domain.billing_plan import Period, Phase, PlannedLine
from connector.domain.dates import add_intervals, length, periods_begun
from connector.domain.line_planning import planned_once
from connector.domain.refs import RecordRef
from connector.domain.timeline import Track
from connector.errors import CannotBill
from connector.sentences import planning as sentences

_MOST_PERIODS = 120
"""More elapsed periods than these are a slip of the pen, or a question for a person."""


@dataclass(frozen=True, slots=True)
class Begun:
    """How a track goes on from today.

    ``served`` stands for what lies back; ``phases`` are those from the running period on, or from the next one where
    ``served`` holds the running one. They are empty where the contract is over. ``anchor`` is the end of the running
    period where the subscription is made with it. ``apart`` says that what was served needs an invoice of its own,
    since no subscription starts today.
    """

    phases: tuple[Phase, ...]
    served: tuple[PlannedLine, ...] = ()
    anchor: date | None = None
    apart: bool = False


def by_interval(track: Track, today: date) -> list[Track]:
    """A track that began in the past, one for each interval: their running periods end on different days."""
    if track.origin >= today:
        return [track]
    parts: dict[tuple[str, int], Track] = {}
    for course in track.courses:
        size = length(course.interval)
        if size not in parts:
            parts[size] = Track(min(c.start for c in track.courses if length(c.interval) == size), track.origin)
        parts[size].courses.append(course)
    return list(parts.values())


def begun(track: Track, found: tuple[Phase, ...], today: date, ref: RecordRef) -> Begun:
    """What has to be billed for days before today, and how the track goes on.

    Raises:
        CannotBill: it began too long ago, or on a day that the coming months do not have.
    """
    if track.origin >= today:
        return Begun(_from(found, today))
    if found[0].start >= today:  # its lines join later, counting from a day that lies back
        _check_month_end(track, found[0].start, found, ref)
        return Begun(found)
    interval = track.courses[0].interval
    number = periods_begun(track.origin, interval, today)
    running = Period(add_intervals(track.origin, interval, number), add_intervals(track.origin, interval, number + 1))
    elapsed = number if running.start <= today else 0
    if elapsed > _MOST_PERIODS:
        raise CannotBill.because(
            sentences.PAST_START_TOO_FAR, ref=ref, start=track.start.isoformat(), most=_MOST_PERIODS
        )
    left = _from(found, running.start)
    lines = tuple(_served(track, elapsed))
    if not left:
        return Begun((), lines, apart=True)
    if running.start == today:
        _check_month_end(track, today, left, ref)
        return Begun(left, lines)
    if len(left) == 1:
        if _is_over(left, running.end) and not _same_day(track, running.end) and not _counts_usage(left):
            # Anchored at its end, billing would count the period back from there and find it shorter than a month.
            return Begun((), (*lines, *_period_lines(track, running)), apart=True)
        _check_month_end(track, running.end, left, ref)
        return Begun(left, lines, running.end)
    later = _from(found, running.end)
    _check_month_end(track, running.end, later, ref)
    return Begun(later, (*lines, *_period_lines(track, running)), apart=True)


def _served(track: Track, periods: int) -> Iterator[PlannedLine]:
    interval = track.courses[0].interval
    for number in range(periods):
        yield from _period_lines(
            track,
            Period(add_intervals(track.origin, interval, number), add_intervals(track.origin, interval, number + 1)),
        )


def _period_lines(track: Track, period: Period) -> Iterator[PlannedLine]:
    """One period of every line that is served in it, except what is free or counted by usage."""
    for course in sorted(track.courses, key=lambda each: each.priced.line.ref):
        stretch = course.at(period.start)
        if stretch is not None and stretch.planned.amount:
            yield planned_once(course.priced, stretch.planned.amount, period)


def _from(found: Sequence[Phase], day: date) -> tuple[Phase, ...]:
    """The phases from that day on; the one that runs then begins on it."""
    left = [phase for phase in found if phase.end is None or phase.end > day]
    return tuple(replace(phase, start=max(phase.start, day)) for phase in left)


def _check_month_end(track: Track, anchor: date, left: Sequence[Phase], ref: RecordRef) -> None:
    """That billing, which counts on from the anchor, gets the days that the contract counts from its start."""
    if not _same_day(track, anchor) and not (_is_over(left, anchor) and not _counts_usage(left)):
        raise CannotBill.because(sentences.PAST_START_MONTH_END, ref=ref, day=track.origin.day)


def _same_day(track: Track, anchor: date) -> bool:
    """Whether periods counted from the anchor begin on the days that they have counted from the start."""
    unit, _ = length(track.courses[0].interval)
    return unit != "month" or track.origin.day == anchor.day


def _is_over(left: Sequence[Phase], anchor: date) -> bool:
    return not left or (len(left) == 1 and left[0].end is not None and left[0].end <= anchor)


def _counts_usage(left: Sequence[Phase]) -> bool:
    return any(line.metered for phase in left for line in phase.recurring)
