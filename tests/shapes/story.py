"""Reads docs/deal-shapes.md: shapes, their stories, and the rows of each story, with their days.

The document is written for people; whatever in it is not a story stays unread. A table that cannot be understood is
an error that names its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from connector.domain.dates import add_intervals
from connector.domain.deal import Interval

DOCUMENT = Path(__file__).parents[2] / "docs" / "deal-shapes.md"

WHO = ("sales", "finance", "customer", "Stripe", "CRM")
"""Who may act, or be looked at, in a row."""

EXPECTED = frozenset({"Stripe", "CRM"})
"""Rows of these say what must be so; the others do something."""

_SHAPE = re.compile(r"## (?P<number>\d+)\. (?P<title>.+)")
_STORY = re.compile(r"### (?P<id>\d+[a-z]+)\. (?P<title>.+)")
_SETTINGS = re.compile(r"settings: (?P<settings>.+)")
_DAY = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)(?:, then (?P<often>[\w-]+) to (?P<last>\d{4}-\d\d-\d\d))?")

_OFTEN = {
    "weekly": Interval("week"),
    "monthly": Interval("month"),
    "quarterly": Interval("month", 3),
    "half-yearly": Interval("month", 6),
    "yearly": Interval("year"),
}


class Unreadable(ValueError):
    """The document says something that no story can be made of."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"deal-shapes.md, line {line}: {why}")


@dataclass(frozen=True)
class Row:
    """One thing that somebody does, or that must be so, on one day. ``line`` is where the document says it."""

    day: date
    who: str
    what: str
    line: int

    @property
    def expected(self) -> bool:
        """Whether it only looks."""
        return self.who in EXPECTED

    def __str__(self) -> str:
        return f"line {self.line}: {self.day} {self.who}: {self.what}"


@dataclass(frozen=True)
class Story:
    """One table: rows in order of time, those of one day in the document's order."""

    id: str
    title: str
    settings: Mapping[str, str]
    rows: tuple[Row, ...]

    @property
    def last_day(self) -> date:
        """The day after whose rows it is over."""
        return self.rows[-1].day


@dataclass
class Shape:
    """One of the shapes in which deals come."""

    number: int
    title: str
    line: int
    stories: list[Story] = field(default_factory=list)


def read(text: str) -> list[Shape]:
    """Every shape with its stories.

    Raises:
        Unreadable: a table or a heading is not as it should be; the error names the line.
    """
    shapes: list[Shape] = []
    heading: re.Match[str] | None = None
    settings: dict[str, str] = {}
    table: list[tuple[int, str]] = []
    began = 0
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        if heading is not None and line.startswith("|"):
            table.append((number, line))
            continue
        if heading is not None and table:
            shapes[-1].stories.append(_story(heading, settings, table, shapes))
            heading, settings, table = None, {}, []
        if found := _SHAPE.fullmatch(line):
            _check_empty(heading, began)
            shapes.append(Shape(int(found["number"]), found["title"], number))
        elif found := _STORY.fullmatch(line):
            _check_empty(heading, began)
            if not shapes:
                raise Unreadable(number, "a story stands before the first shape")
            heading, began = found, number
        elif heading is not None and (found := _SETTINGS.fullmatch(line)):
            settings = _settings(found["settings"], number)
    _check_empty(heading, began)
    return shapes


def _check_empty(heading: re.Match[str] | None, line: int) -> None:
    if heading is not None:
        raise Unreadable(line, f"story {heading['id']} has no table")


def _settings(text: str, line: int) -> dict[str, str]:
    found = {}
    for part in text.split(";"):
        name, equals, value = part.strip().strip("`").partition("=")
        if not equals or not re.fullmatch(r"[A-Z_]+", name):
            raise Unreadable(line, f"{part.strip()!r} is no setting: write NAME=value")
        found[name] = value
    return found


def _story(
    heading: re.Match[str], settings: Mapping[str, str], table: list[tuple[int, str]], shapes: list[Shape]
) -> Story:
    first = table[0][0]
    known = {story.id for shape in shapes for story in shape.stories}
    if heading["id"] in known:
        raise Unreadable(first, f"there is a story {heading['id']} already")
    if not heading["id"].startswith(str(shapes[-1].number)) or heading["id"][len(str(shapes[-1].number))].isdigit():
        raise Unreadable(first, f"story {heading['id']} stands under shape {shapes[-1].number}")
    if [_cells(line) for _, line in table[:1]] != [["day", "who", "what"]]:
        raise Unreadable(first, "a story's table begins with | day | who | what |")
    rows = [row for number, line in table[2:] for row in _rows(line, number)]
    if not rows:
        raise Unreadable(first, f"story {heading['id']} has no rows")
    rows.sort(key=lambda row: row.day)  # stable: rows of one day keep their order
    return Story(heading["id"], heading["title"], dict(settings), tuple(rows))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _rows(line: str, number: int) -> Iterator[Row]:
    cells = _cells(line)
    if len(cells) != 3:
        raise Unreadable(number, "a row has three cells: day, who, what")
    when, who, what = cells
    if who not in WHO:
        raise Unreadable(number, f"{who!r} is nobody; who may be one of {', '.join(WHO)}")
    found = _DAY.fullmatch(when)
    if found is None:
        raise Unreadable(number, f"{when!r} is no day: write 2027-02-01, or 2027-02-01, then monthly to 2027-12-01")
    day = _day(found["day"], number)
    if found["often"] is None:
        yield Row(day, who, what, number)
        return
    if found["often"] not in _OFTEN:
        raise Unreadable(number, f"{found['often']!r} is not one of {', '.join(_OFTEN)}")
    yield from _repeated(day, _OFTEN[found["often"]], _day(found["last"], number), who, what, number)


def _repeated(first: date, often: Interval, last: date, who: str, what: str, number: int) -> Iterator[Row]:
    day, count = first, 0
    while day < last:
        yield Row(day, who, what, number)
        count += 1
        day = add_intervals(first, often, count)
    if day != last:
        raise Unreadable(number, f"counting from {first}, no period begins on {last}")
    yield Row(day, who, what, number)


def _day(text: str, number: int) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Unreadable(number, f"{text!r} is no day of the calendar") from error
