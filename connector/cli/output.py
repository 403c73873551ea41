"""How commands speak: sentences and tables to a person, JSON to a script."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from connector.domain.billing_plan import StepKey
from connector.domain.refs import RecordRef
from connector.errors import ConnectorError

_AS_JSON = "connector.as_json"

DOCUMENT = "docs/errors.md"


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
    """A table for a person; cells are shown whole. Ids in the first column stay on one line: they are copied."""
    table = Table(title=title, title_justify="left", header_style="bold")
    ids = all(" " not in str(row[0]) for row in rows)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=ids and column == columns[0])
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console().print(table)


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
