"""What every command that reads a file of invoices takes: the file, and what to know about it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from connector.cli.health.csv_values import DecimalMark
from connector.cli.health.invoices_csv import CsvOptions, InvoiceFile, read_invoices

_OPTIONS = (
    click.option("--invoices", "file", metavar="FILE", help="A CSV of invoices, in place of the ledger."),
    click.option(
        "--column",
        "columns",
        multiple=True,
        metavar="OURS=THEIRS",
        help="Which column is which, as in due=DueInDate; say it as often as needed.",
    ),
    click.option(
        "--date-format",
        "date_formats",
        multiple=True,
        metavar="FORMAT",
        help="How dates are written, as in DD/MM/YYYY; else only 2026-01-31 is read. Of several the first that fits.",
    ),
    click.option(
        "--decimal",
        type=click.Choice([mark.value for mark in DecimalMark]),
        help="What stands before an amount's decimals, where that is not clear.",
    ),
    click.option("--currency", default="", metavar="CODE", help="The currency of invoices that name none."),
    click.option(
        "--encoding",
        type=click.Choice(["utf-8", "utf-16", "cp1252", "latin-1"]),
        default="utf-8",
        show_default=True,
        help="How the file's letters are written.",
    ),
    click.option("--skip-bad-rows", is_flag=True, help="Leave out invoices that cannot be read, and list them."),
)


def invoice_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets ``file``, and the rest as ``about``, a ``CsvOptions``."""

    @wraps(command)  # with the options that it has already
    def called(
        *,
        columns: tuple[str, ...],
        date_formats: tuple[str, ...],
        decimal: str | None,
        currency: str,
        encoding: str,
        skip_bad_rows: bool,
        **others: Any,
    ) -> Any:
        mark = DecimalMark(decimal) if decimal else None
        about = CsvOptions(columns, date_formats, mark, currency, encoding, skip_bad_rows)
        return command(about=about, **others)

    with_options: Callable[..., Any] = called
    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options


def opened(file: str, about: CsvOptions) -> InvoiceFile:
    """The file, read; what was left out of it is told on standard error."""
    found = read_invoices(file, about)
    for problem in found.problems:
        click.echo(f"left out: {problem}", err=True)
    if found.bad_rows > len(found.problems):
        click.echo(f"left out: and {found.bad_rows - len(found.problems)} more.", err=True)
    return found


def as_plain(found: InvoiceFile) -> dict[str, object]:
    """What was read of the file, for a script."""
    return {
        "columns": dict(found.columns),
        "invoices": len(found.invoices),
        "credit_notes_left_out": found.credit_notes,
        "zero_amounts_left_out": found.zero_amounts,
        "bad_rows_left_out": found.bad_rows,
        "bad_rows": found.problems,
        "last_day": found.last_day,
    }
