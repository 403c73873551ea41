"""How figures are printed: a table for a person, CSV for a spreadsheet, JSON for a script.

Money is an exact decimal text with its currency beside it, days and percentages have two decimals.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar

import click

from connector.cli.output import print_table
from connector.domain.money import Money

_Command = TypeVar("_Command", bound=Callable[..., Any])
_RISKY = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for a formula at the beginning of a text."""

as_of_option = click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="A day, as YYYY-MM-DD; figures are as of its end, UTC. Today where none is given.",
)
currency_option = click.option("--currency", default="", help="Only this currency, such as EUR.")
format_option = click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", help="How to print it."
)


def day_of(moment: datetime | None, now: datetime) -> date:
    """The day that was asked for, or today's, UTC."""
    return moment.date() if moment is not None else now.astimezone(UTC).date()


def major(minor: int | None, currency: str) -> str | None:
    """Minor units as a decimal text with the currency's own number of decimals."""
    return None if minor is None else format(Money(minor, currency).major, "f")


def rounded(value: Decimal | None) -> str | None:
    """Days or a percentage with two decimals."""
    return None if value is None else format(value.quantize(Decimal("0.01"), ROUND_HALF_UP), "f")


def print_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Rows with a header; what is unknown or undefined is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column), column) for column in columns])
    click.echo(out.getvalue(), nl=False)


def print_rows(title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """The same rows for a person; what is unknown or undefined is a dash."""
    cells = [["-" if row.get(column) is None else row[column] for column in columns] for row in rows]
    print_table(title, [column.replace("_", " ") for column in columns], cells)


def _cell(value: Any, column: str) -> Any:
    if value is None:
        return ""
    text = str(value)
    free = column in ("name", "number", "segment", "note")
    return f"'{text}" if free and text.startswith(_RISKY) else text
