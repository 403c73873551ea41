"""Files of invoices for tests of the command line, and what the commands answer about them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector.cli import cli
from connector.cli.health.invoices_csv import CsvOptions, InvoiceFile, read_invoices
from connector.cli.health.unreadable import UnreadableInvoices
from connector.domain.past_invoice import PastInvoice

HEADING = "issued,due,paid,amount,currency,disputed,customer"
ROW = "2026-01-01,2026-01-31,2026-02-05,100.00,EUR,no,Acme"
ACME = PastInvoice("Acme", date(2026, 1, 1), date(2026, 1, 31), date(2026, 2, 5), 10000, "eur", False, "line 2")
"""What ``ROW`` says, as the second line of a file."""

NO_SETTINGS = {"DATABASE_URL": "mysql://nowhere", "STRIPE_API_KEY": ""}
"""An environment in which anything that needs a database or an account fails."""


def run(*words: str | Path) -> Result:
    """``connector health ...``, where nothing but files can be reached."""
    return CliRunner().invoke(cli, ["health", *map(str, words)], env=NO_SETTINGS, catch_exceptions=False)


def answer(*words: str | Path) -> Any:
    """What the command says in JSON. It must have done its work."""
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def refusal(*words: str | Path) -> Any:
    """Why the command could not read its input, in JSON."""
    done = run(*words, "--json")
    assert done.exit_code == 1, done.output
    return json.loads(done.stdout)["error"]


def written(folder: Path, *lines: str, heading: str = HEADING, encoding: str = "utf-8", end: str = "\n") -> Path:
    """A file with a heading and these lines."""
    file = folder / "invoices.csv"
    file.write_bytes("".join(f"{line}{end}" for line in (heading, *lines) if line).encode(encoding))
    return file


def exported(folder: Path, invoices: Iterable[PastInvoice]) -> Path:
    """The invoices as a plain export of two-decimal currencies."""
    lines = [
        f"{one.issued},{one.due},{one.paid or ''},{one.amount // 100}.{one.amount % 100:02},{one.currency.upper()},"
        f"{'yes' if one.disputed else 'no'},{one.customer}"
        for one in invoices
    ]
    return written(folder, *lines)


def customers(found: Any) -> Sequence[str]:
    """Who is assessed, in order."""
    return [one["customer"] for one in found["customers"]]


def read(file: Path, **options: object) -> InvoiceFile:
    return read_invoices(str(file), CsvOptions(**options))  # type: ignore[arg-type]  # each test says what it means


def refused(file: Path | str, **options: object) -> UnreadableInvoices:
    with pytest.raises(UnreadableInvoices) as caught:
        read_invoices(str(file), CsvOptions(**options))  # type: ignore[arg-type]  # as above
    return caught.value
