"""How commands speak: sentences and tables to a person, JSON to a script."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import click
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from connector.domain.billing_plan import StepKey
from connector.domain.refs import RecordRef
from connector.errors import ConnectorError

_AS_JSON = "connector.as_json"

DOCUMENT = "docs/errors.md"

_SHORT = 20
"""Letters up to which a column's cells stay on one line: a date, an amount, a name."""

_NARROWEST = 16
"""Letters that a column of sentences takes at least."""


def _remembered(context: click.Context, _parameter: click.Parameter, value: bool) -> bool:
    context.meta[_AS_JSON] = value  # so that a failure is told in the same form
    return value


json_option = click.option("--json", "as_json", is_flag=True, callback=_remembered, help="Print JSON instead of text.")


def tell(error: ConnectorError, context: click.Context) -> None:
    """Why a command could not do its work: a sentence and where it is explained, or JSON where that was asked for."""
    see = f"{DOCUMENT}#{error.sentence_id}" if error.sentence_id else ""
    if context.meta.get(_AS_JSON):
        told = {"id": error.sentence_id, "message": error.message, "hint": error.hint, "see": see}
        about = {"field": error.field, "record": str(error.ref or ""), "provider": error.provider}
        print_json({"error": told | {name: value for name, value in about.items() if value}})
        return
    click.echo(f"error: {error} [{see}]" if see else f"error: {error}", err=True)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, default=_plain, indent=2, ensure_ascii=False))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table for a person; cells are shown whole. Ids in the first column stay on one line: they are copied.

    Where the columns do not fit side by side, each row becomes lines of its own: columns one letter wide nobody reads.
    """
    console = Console(markup=False, emoji=False)  # a name is a name, whatever is in it
    console.print(title, style="italic")
    cells = [[str(cell) for cell in row] for row in rows]
    longest = [max((cell_len(row[place]) for row in cells), default=0) for place in range(len(columns))]
    ids = all(" " not in row[0] for row in cells)
    whole = [most <= _SHORT or (ids and place == 0) for place, most in enumerate(longest)]
    widths = [most if stays else _NARROWEST for most, stays in zip(longest, whole, strict=True)]
    for headings in (columns, [column.replace(" ", "\n") for column in columns]):
        least = sum(max(width, *map(len, one.split("\n"))) for width, one in zip(widths, headings, strict=True))
        for lines, between in ((box.HEAVY_HEAD, 3), (None, 2)):
            if least + between * len(columns) + 1 <= console.width:
                console.print(_side_by_side(headings, cells, whole, lines))
                return
    _print_apart(console, columns, cells)


def _side_by_side(
    headings: Sequence[str], cells: Sequence[Sequence[str]], whole: Sequence[bool], lines: box.Box | None
) -> Table:
    padding = (0, 1) if lines else (0, 2, 0, 0)
    table = Table(header_style="bold", box=lines, padding=padding, pad_edge=bool(lines))
    for heading, stays in zip(headings, whole, strict=True):
        table.add_column(heading, overflow="fold", no_wrap=stays)
    for row in cells:
        table.add_row(*row)
    return table


def _print_apart(console: Console, columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Each row under its first cell, a line for each of its other cells that is not empty."""
    widest = max(map(len, columns))
    for row in cells:
        console.print(f"{columns[0]} {row[0]}", style="bold", soft_wrap=True)
        lines = Table.grid(padding=(0, 2))
        lines.add_column(min_width=widest + 2, no_wrap=True)
        lines.add_column(overflow="fold")
        for column, cell in zip(columns[1:], row[1:], strict=True):
            if cell:
                lines.add_row(f"  {column}", cell)
        console.print(lines)


def _plain(value: Any) -> Any:
    if isinstance(value, RecordRef | StepKey):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {"type": type(value).__name__, **asdict(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)
