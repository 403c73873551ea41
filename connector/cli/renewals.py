"""``connector renewals``: accounts before their renewal, how they pay, and who was asked to talk to them."""

from __future__ import annotations

from typing import Any

import click

from connector.bootstrap import open_services
from connector.cli.formats import print_csv
from connector.cli.output import json_option, print_json, print_table
from connector.sync.list_renewals import UpcomingRenewal, list_renewals

_COLUMNS = (
    "account",
    "name",
    "renewal",
    "days",
    "source",
    "late_payer",
    "word",
    "score",
    "currency",
    "overdue",
    "open",
    "until_renewal",
    "exposure",
    "note",
    "task",
)


@click.command(short_help="Accounts before their renewal: who pays late, and who was told.")
@click.option("--window", type=click.IntRange(0, 3650), metavar="DAYS", help="Only renewals within so many days.")
@click.option("--late", "late_only", is_flag=True, help="Only late payers.")
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1, 100_000), help="How many at most.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, for a spreadsheet.")
@json_option
def renewals(window: int | None, late_only: bool, limit: int, as_csv: bool, as_json: bool) -> None:
    """List accounts inside a renewal window, the nearest renewal first, as they stood at the last look.

    Exposure is what is open and what will be invoiced until the renewal. Exit code 1: there is a late payer among them.
    """
    with open_services() as services:
        found = list_renewals(services, within=window, limit=limit, late_only=late_only)
    late = any(each.late_payer for each in found)
    rows = [_plain(each) for each in found]
    if as_json:
        print_json(rows)
    elif as_csv:
        print_csv(rows, _COLUMNS)
    elif not rows:
        click.echo("No late payer is before a renewal." if late_only else "Nobody is before a renewal.")
    else:
        _print(rows)
    click.get_current_context().exit(1 if late else 0)


def _print(rows: list[dict[str, Any]]) -> None:
    cells = [
        (
            row["account"],
            row["name"],
            f"{row['renewal']} ({row['days']} day{'' if row['days'] == 1 else 's'})",
            f"{row['word']} {'' if row['score'] is None else row['score']}".strip(),
            "yes" if row["late_payer"] else "",
            f"{row['currency']} {row['overdue']}" if row["overdue"] is not None else "",
            f"{row['currency']} {row['exposure']}" if row["exposure"] is not None else "",
            row["note"],
            row["task"] or ("none" if row["late_payer"] else ""),
        )
        for row in rows
    ]
    columns = ("account", "name", "renews on", "health", "late payer", "overdue", "exposure", "why", "task")
    print_table("Before their renewal", columns, cells)


def _plain(found: UpcomingRenewal) -> dict[str, Any]:
    def major(money: Any) -> str | None:
        return None if money is None else format(money.major, "f")

    overdue = found.shown.get("overdue_balance")
    return {
        "account": f"{found.account.provider}:{found.account.id}",
        "name": found.name,
        "renewal": found.renewal.isoformat(),
        "days": found.days,
        "source": found.source,
        "window": found.window,
        "late_payer": found.late_payer,
        "word": found.shown.get("health"),
        "score": found.shown.get("health_score"),
        "currency": found.shown.get("currency"),
        "overdue": None if overdue is None else f"{overdue}",
        "open": major(found.open),
        "until_renewal": major(found.until_renewal),
        "exposure": major(found.exposure),
        "note": found.shown.get("health_reason"),
        "task": found.task.id if found.task else None,
    }
