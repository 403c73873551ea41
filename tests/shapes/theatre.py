"""Plays many stories on one stage and one calendar: the clock goes once from the first day to the last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

import stripe

from connector.errors import ConnectorError
from connector.sandbox.request_log import Refusal
from tests.shapes.judge import Judge
from tests.shapes.players import Players
from tests.shapes.stage import Stage, open_stage
from tests.shapes.story import Row, Story
from tests.shapes.truth import untrue
from tests.shapes.words import Unclear

_MORNING, _EVENING = time(10, 0), time(22, 0)
_BETWEEN = timedelta(minutes=20)
"""From one thing that people do on a day to the next."""

_LONG_DAYS = 750
"""Stories that last longer than about two years are played apart: no short one then waits for their calendar."""


@dataclass(frozen=True, eq=False)
class Programme:
    """Stories that share a stage: one set of settings, one calendar."""

    settings: tuple[tuple[str, str], ...]
    long: bool
    stories: tuple[Story, ...]


@dataclass
class PlayedProgramme:
    """How the stories of a programme ended: by story, what was not as it should be."""

    failures: dict[str, list[str]] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    without_end: list[str] = field(default_factory=list)


@dataclass
class _Scene:
    """What one story does, and then says, at one moment."""

    acts: list[Row] = field(default_factory=list)
    checks: list[Row] = field(default_factory=list)


class _Part:
    """One story on the stage."""

    def __init__(self, story: Story, stage: Stage) -> None:
        self.story = story
        self.players = Players(story, stage)
        self.judge = Judge(self.players)
        self.days = {day: list(_scenes(rows)) for day, rows in groupby(story.rows, key=lambda row: row.day)}
        self.broken = False

    def act(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if self.broken:
                return
            try:
                self.players.act(row)
            except (Unclear, KeyError, IndexError, AssertionError, ConnectorError, stripe.StripeError) as error:
                self.judge.failures.append(f"{row}\n    it could not be done: {error!r}")
                self.broken = True


def programmes(stories: Sequence[Story]) -> list[Programme]:
    """The stories by what they need of a stage."""
    found: dict[tuple[tuple[tuple[str, str], ...], bool], list[Story]] = {}
    for story in stories:
        long = (story.last_day - story.rows[0].day).days > _LONG_DAYS
        found.setdefault((tuple(sorted(story.settings.items())), long), []).append(story)
    return [Programme(settings, long, tuple(each)) for (settings, long), each in found.items()]


def play(programme: Programme, crm: str, database_url: str) -> PlayedProgramme:
    """Play all of them; what goes wrong in one story leaves the others alone."""
    days = sorted({row.day for story in programme.stories for row in story.rows})
    with open_stage(crm, dict(programme.settings), days[0], database_url) as stage:
        cast = [_Part(story, stage) for story in programme.stories]
        for day in days:
            _play_day(day, [part for part in cast if day <= part.story.last_day], stage)
        wanted = [row.what.partition(": ")[2] for story in programme.stories for row in story.rows if _refuses(row)]
        refusals = [one for one in stage.sandbox.log.refused() if not any(words in one.reason for words in wanted)]
        return PlayedProgramme({part.story.id: part.judge.failures for part in cast}, refusals, stage.without_end)


def _play_day(day: date, cast: Sequence[_Part], stage: Stage) -> None:
    _follow(stage, cast, datetime.combine(day, _MORNING, UTC))
    scenes = {part.story.id: part.days.get(day, []) for part in cast}
    moment = datetime.combine(day, _MORNING, UTC)
    for number in range(max(map(len, scenes.values()), default=0)):
        moment += _BETWEEN
        stage.go_to(day, moment.time())
        acting = [part for part in cast if number < len(scenes[part.story.id])]
        for part in acting:
            part.act(scenes[part.story.id][number].acts)
        _attend(stage, cast)
        for part in acting:
            if number < len(scenes[part.story.id]) - 1:
                part.judge.check(scenes[part.story.id][number].checks)
    _follow(stage, cast, datetime.combine(day, _EVENING, UTC))
    for part in cast:
        if scenes[part.story.id]:
            part.judge.check(scenes[part.story.id][-1].checks)
        if day == part.story.last_day:
            _curtain(part, stage)


def _attend(stage: Stage, cast: Sequence[_Part]) -> None:
    """Customers pay what they were sent and the connector does its work, until neither has anything left to do."""
    paying = [part.players for part in cast if part.players.pay]
    stage.pay({customer for players in paying for customer in players.customers()})
    stage.settle()
    if stage.pay({customer for players in paying for customer in players.customers()}):
        stage.settle()


def _follow(stage: Stage, cast: Sequence[_Part], until: datetime) -> None:
    """Let the rest of a day pass, and look whenever Stripe does something by itself: a draft is there for an hour."""
    stage.go_to(until.date(), time(0, 5))
    _attend(stage, cast)
    while (due := stage.next_event()) is not None and due < until:
        moment = due + timedelta(minutes=2)
        stage.go_to(moment.date(), moment.time())
        _attend(stage, cast)
    stage.go_to(until.date(), until.time())


def _curtain(part: _Part, stage: Stage) -> None:
    """The last look; then whatever still runs is stopped, so that later days have less to do."""
    part.judge.close()
    part.judge.failures += untrue(part.players, part.judge)
    stage.stop(part.players.customers())


def _scenes(rows: Iterator[Row]) -> Iterator[_Scene]:
    """The rows of one day: people act, then it is looked at what came of it, then they act again."""
    scene = _Scene()
    for row in rows:
        if not row.expected and scene.checks:
            yield scene
            scene = _Scene()
        (scene.checks if row.expected else scene.acts).append(row)
    yield scene


def _refuses(row: Row) -> bool:
    return row.who == "Stripe" and row.what.startswith("refuses: ")


def named(programme: Programme) -> str:
    """What tells a programme apart, for a test's name."""
    settings = ",".join(f"{name}={value}" for name, value in programme.settings)
    return f"{settings or 'default'}{'-long' if programme.long else ''}"
