"""Recurring lines over time: which of them one subscription holds together, and the phases it goes through.

All periods of a subscription count from one day. Lines belong together where their intervals are multiples of the
shortest and everything that happens to them (start, end, a price that changes) falls on the end of a period.
Source: Stripe, "Mixed interval subscriptions"; a subscription has one ``billing_cycle_anchor``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from connector.domain.billing_plan import ExistingPrice, Phase, PlannedLine
from connector.domain.catalogue_price import line_name
from connector.domain.contract_days import Span
from connector.domain.dates import add_intervals, length, multiples, periods_begun, periods_until
from connector.domain.deal import Interval
from connector.domain.line_planning import PricedLine, planned_at
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.sentences import planning as sentences
from connector.sentences import planning_lines

MOST_ITEMS = 20
"""Items on a subscription. Source: Stripe, subscriptions.create parameters."""

_MOST_PHASES = 10
"""Source: Stripe, subscription schedules: phases that are current or to come."""

_MOST_TRIAL = timedelta(days=730)
"""Source: Stripe, ``trial_end``: two years, which over a leap day are a day less than 24 months."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days on which one line is billed alike, as ``planned``; ``end`` None runs on."""

    start: date
    end: date | None
    planned: PlannedLine
    free: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """A recurring line over time: its stretches follow each other from its first day on.

    ``end`` is the first day after its term. Where it ``runs_on``, since its contract renews, the stretches go on after
    that: a discount for the first months is over when they are.
    """

    priced: PricedLine
    interval: Interval
    stretches: tuple[Stretch, ...]
    end: date | None
    runs_on: bool = False

    @property
    def start(self) -> date:
        """The first day."""
        return self.stretches[0].start

    @property
    def paid_from(self) -> date:
        """The first day that is not free."""
        first = self.stretches[0]
        return first.end if first.free and first.end is not None else first.start

    def at(self, day: date) -> Stretch | None:
        """What it costs on this day; None where it is not served."""
        for stretch in self.stretches:
            if stretch.start <= day and (stretch.end is None or day < stretch.end):
                return stretch
        return None


@dataclass(slots=True)
class Track:
    """The lines of one subscription. Periods count from ``origin``; a trial lasts from ``start`` until then."""

    start: date
    origin: date
    courses: list[Course] = field(default_factory=list)

    @property
    def trial(self) -> bool:
        """Whether it begins with days on which nothing recurring is billed."""
        return self.start < self.origin

    @property
    def end(self) -> date | None:
        """The first day after its last line."""
        ends = [course.end for course in self.courses if course.end is not None]
        return max(ends) if len(ends) == len(self.courses) else None


def course_of(
    priced: PricedLine, span: Span, now: tuple[int, int], after: tuple[int, int], *, runs_on: bool = False
) -> Course:
    """The line's stretches over its span.

    ``now`` holds its amount before and after its own discount ends, while the deal's percentage holds; ``after`` the
    same without that percentage.
    """
    if priced.interval is None:
        raise ValueError("a one-off line has no course")
    cuts = {span.start, span.free_until}
    cuts.update(day for day in (span.discount_until, span.deal_discount_until) if day is not None)
    end = None if runs_on else span.end
    days = sorted(day for day in cuts if span.start <= day and (end is None or day < end))
    stretches: list[Stretch] = []
    for day in days:
        free = day < span.free_until
        pair = now if span.deal_discount_until is None or day < span.deal_discount_until else after
        amount = 0 if free else pair[0 if span.discount_until is None or day < span.discount_until else 1]
        if stretches and (stretches[-1].free, stretches[-1].planned.amount) == (free, amount):
            continue
        if stretches:
            stretches[-1] = replace(stretches[-1], end=day)
        stretches.append(Stretch(day, end, planned_at(priced, amount), free))
    return Course(priced, priced.interval, tuple(stretches), span.end, runs_on)


def tracks(courses: Iterable[Course]) -> list[Track]:
    """The subscriptions that hold all lines, as few as there can be; the same whatever the lines' order.

    Raises:
        CannotBill: a line's span, or its free or discounted months, are no whole number of its billing periods.
    """
    ordered = sorted(courses, key=lambda course: (course.start, length(course.interval), course.priced.line.ref))
    made: list[Track] = []
    trial = _common_trial(ordered)
    if trial is not None:
        made += _filled(ordered, trial)
    else:
        # Free months that are whole billing periods stand beside paid lines at 0; others need a trial of their own.
        apart = {course.paid_from for course in ordered if not _stands_at_zero(course)}
        made += _filled([course for course in ordered if _stands_at_zero(course)], None)
        for day in sorted(apart):
            made += _filled([c for c in ordered if c.paid_from == day and not _stands_at_zero(c)], day)
    return sorted(made, key=lambda track: (track.start, length(track.courses[0].interval), _first_ref(track)))


def phases(track: Track, order: Sequence[RecordRef]) -> tuple[Phase, ...]:
    """The track's phases from its first day; lines stand in the deal's order."""
    places = {ref: place for place, ref in enumerate(order)}
    courses = sorted(track.courses, key=lambda course: places[course.priced.line.ref])
    found: list[Phase] = []
    if track.trial:
        found.append(Phase(track.start, track.origin, _on_trial(courses, track.origin), trial=True))
    days = _boundaries(courses, track.origin)
    for day, following in zip(days, [*days[1:], None], strict=True):
        recurring = _lines(courses, day)
        if not recurring:
            continue
        if found and not found[-1].trial and found[-1].recurring == recurring:
            found[-1] = replace(found[-1], end=following)
        else:
            found.append(Phase(day, following, recurring))
    return tuple(found)


def check_phases(found: Sequence[Phase], ref: RecordRef) -> None:
    """That billing can follow so many phases. Raises CannotBill where it cannot."""
    if len(found) > _MOST_PHASES:
        raise CannotBill.because(sentences.TOO_MANY_PHASES, ref=ref, count=len(found), most=_MOST_PHASES)
    if found and found[0].trial and found[0].end is not None and found[0].end > found[0].start + _MOST_TRIAL:
        raise CannotBill.because(sentences.TRIAL_TOO_LONG, ref=ref, day=found[0].end.isoformat())


def _common_trial(courses: Sequence[Course]) -> date | None:
    """The day until which all lines are free, where those that start first are all free and no other starts sooner."""
    if not courses:
        return None
    start = courses[0].start
    until = min(course.paid_from for course in courses if course.start == start)
    later = min((course.start for course in courses if course.start > start), default=until)
    # A trial that ends where a month is cut short would shift all later periods: 31 January, 28 February, 28 March.
    kept = until.day == start.day and until <= start + _MOST_TRIAL
    return until if kept and start < until <= later else None


def _stands_at_zero(course: Course) -> bool:
    return periods_until(course.start, course.interval, course.paid_from) is not None


def _cut_short(course: Course) -> bool:
    """Whether counting on from the end of its free months would shift its days: 31 January, 30 April, 30 July."""
    return length(course.interval)[0] == "month" and course.paid_from.day != course.start.day


def _filled(courses: Sequence[Course], trial: date | None) -> list[Track]:
    """Each line on the first track that it fits, else on one of its own."""
    made: list[Track] = []
    for course in courses:
        track = next((each for each in made if _fits(course, each)), None)
        if track is None:
            track = _own_track(course, trial)
            made.append(track)
        track.courses.append(course)
    return made


def _fits(course: Course, track: Track) -> bool:
    if not multiples([course.interval, *(each.interval for each in track.courses)]):
        return False
    if course.start != track.start and course.start < track.origin:
        return False
    if track.trial and course.start == track.start and course.paid_from < track.origin:
        return False
    end = track.end
    if end is not None and course.start > end:
        return False
    beside = [each for each in track.courses if _overlap(course, each)]
    if course.priced.fixed and any(_same_price(course, each) for each in beside):
        return False  # as one item they would reach other tiers together than each does alone
    return len(beside) < MOST_ITEMS and _off_grid(course, track.origin) is None


def _overlap(one: Course, other: Course) -> bool:
    return (one.end is None or other.start < one.end) and (other.end is None or one.start < other.end)


def _same_price(one: Course, other: Course) -> bool:
    return one.priced.price is not None and one.priced.price == other.priced.price


def _own_track(course: Course, trial: date | None) -> Track:
    origins = [course.paid_from] if course.paid_from > course.start else [course.start]
    if trial is not None and course.start < trial <= course.paid_from:
        origins.insert(0, trial)
    if _stands_at_zero(course) and (trial is None or _cut_short(course)):
        origins.insert(0, course.start)
    for origin in origins:
        if _off_grid(course, origin) is None:
            return Track(course.start, origin)
    raise _not_whole(course, origins[0])


def _off_grid(course: Course, origin: date) -> date | None:
    """The first day on which something happens to the line in the middle of one of its periods."""
    days = [stretch.start for stretch in course.stretches if stretch.start >= origin]
    if course.end is not None:
        days.append(course.end)
    for day in days:
        if periods_until(origin, course.interval, day) is None:
            return day
    return None


def _not_whole(course: Course, origin: date) -> CannotBill:
    line = course.priced.line
    day = _off_grid(course, origin)
    if day is not None and day != course.end:
        return CannotBill.because(
            planning_lines.PART_NOT_WHOLE, ref=line.ref, line=line_name(line), day=day, interval=_per(course.interval)
        )
    end = course.end or origin
    begun = max(periods_begun(origin, course.interval, end), 0)
    fits = [add_intervals(origin, course.interval, times) - timedelta(days=1) for times in (begun, begun + 1)]
    return CannotBill.because(
        planning_lines.NOT_WHOLE,
        ref=line.ref,
        line=line_name(line),
        start=origin,
        end=end - timedelta(days=1),
        interval=_per(course.interval),
        fits=" or ".join(str(fit) for fit in fits if fit >= origin),
    )


def _per(interval: Interval) -> str:
    return f"{interval.count} {interval.unit}{'s' if interval.count != 1 else ''}"


def _boundaries(courses: Iterable[Course], origin: date) -> list[date]:
    days = {origin}
    for course in courses:
        for stretch in course.stretches:
            days.add(max(stretch.start, origin))
        if course.end is not None and not course.runs_on:
            days.add(course.end)
    return sorted(days)


def _lines(courses: Iterable[Course], day: date) -> tuple[PlannedLine, ...]:
    """What recurs on that day."""
    planned = []
    for course in courses:
        stretch = course.at(day)
        if stretch is not None and not (stretch.free and course.priced.metered):
            planned.append(stretch.planned)
    return joined(planned)


def _on_trial(courses: Iterable[Course], until: date) -> tuple[PlannedLine, ...]:
    """What a trial leads to, at the price it then has."""
    served = [course for course in courses if course.start < until]
    return joined((each.at(until) or each.stretches[-1]).planned for each in served)


def joined(lines: Iterable[PlannedLine]) -> tuple[PlannedLine, ...]:
    """Lines of the same catalogue price become one: a subscription holds each price once.

    Source: Stripe, which refuses a second item of the same price.
    """
    found: dict[object, PlannedLine] = {}
    for line in lines:
        same = line.price if isinstance(line.price, ExistingPrice) else line.line
        first = found.get(same)
        found[same] = (
            line
            if first is None
            else replace(first, quantity=first.quantity + line.quantity, amount=first.amount + line.amount)
        )
    return tuple(found.values())


def _first_ref(track: Track) -> RecordRef:
    return min(course.priced.line.ref for course in track.courses)
