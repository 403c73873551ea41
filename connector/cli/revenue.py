"""``connector revenue``: MRR and ARR, what moved them, retention, churn and cohorts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import click

from connector.bootstrap import open_services
from connector.cli import revenue_shown as shown
from connector.cli.formats import as_of_option, currency_option, day_of, format_option, print_csv, print_rows
from connector.cli.output import json_option, print_json
from connector.domain.revenue import Move
from connector.errors import Misconfigured
from connector.sentences.commands import NOT_A_FIGURE, NOT_YET
from connector.sync.report_revenue import RevenueReport, report_revenue


@click.command(short_help="MRR, ARR, retention, churn and cohorts.")
@as_of_option
@click.option(
    "--months", type=click.IntRange(1, 120), default=12, show_default=True, help="How many months to look back."
)
@currency_option
@click.option("--margin", type=click.IntRange(1, 100), help="Gross margin in percent: with it, lifetime value is told.")
@click.option("--open", "opened", default="", help="A figure, such as mrr, churn or nrr: show the customers behind it.")
@format_option
@json_option
def revenue(
    as_of: datetime | None,
    months: int,
    currency: str,
    margin: int | None,
    opened: str,
    form: str,
    as_json: bool,
) -> None:
    """Monthly recurring revenue, what moved it, net and gross retention, churn, ARPA and cohorts.

    As of the end of any day since the ledger began, per currency. ARR is MRR x 12. docs/receivables.md defines every
    figure.
    """
    if opened and opened not in shown.OPENS:
        raise Misconfigured.because(NOT_A_FIGURE, figure=repr(opened), figures=", ".join(shown.OPENS))
    with open_services() as services:
        day = day_of(as_of, services.clock())
        if day > services.clock().astimezone(UTC).date():
            raise Misconfigured.because(NOT_YET, day=day.isoformat())
        with services.store.begin() as work:
            reports = report_revenue(work, day, months, currency.lower())
            customers = {each.ref: each for each in work.receivables.customers()} if opened else {}
    form = "json" if as_json else form
    if opened:
        _print_rows(opened, shown.rows(reports, opened, customers), form)
    else:
        _print(reports, None if margin is None else Decimal(margin) / 100, form, day.isoformat())


def _print(reports: Sequence[RevenueReport], margin: Decimal | None, form: str, day: str) -> None:
    if form == "csv":
        print_csv(shown.figures(reports, margin), shown.FIGURE_COLUMNS)
    elif form == "json":
        print_json(
            {
                "as_of": day,
                "currencies": [
                    {
                        **shown.summary([each], margin)[0],
                        "months": shown.months(each.revenue),
                        "cohorts": shown.cohorts(each.cohorts, each.revenue.currency),
                    }
                    for each in reports
                ],
            }
        )
    else:
        _tables(reports, margin, day)


def _tables(reports: Sequence[RevenueReport], margin: Decimal | None, day: str) -> None:
    if not reports:
        click.echo(f"No subscription earned anything by {day}.")
        return
    totals = {each["currency"]: each for each in shown.summary(reports, margin)}
    names = [name for name in next(iter(totals.values())) if name != "currency"]
    lines = [
        {"figure": name.replace("_", " "), **{code: each[name] for code, each in totals.items()}} for name in names
    ]
    print_rows(f"Recurring revenue on {day}", lines, ["figure", *totals])
    for each in reports:
        code = each.revenue.currency.upper()
        by_month = shown.months(each.revenue)
        print_rows(f"{code} by month: what moved it", by_month, ("month", *(move.value for move in Move), "mrr"))
        print_rows(f"{code} by month: who stayed", by_month, ("month", "customers", *shown.RETAINED))
        if found := shown.cohorts(each.cohorts, each.revenue.currency):
            kept = [{**row, "revenue_retention": _line(row["revenue_retention"])} for row in found]
            print_rows(f"{code} by cohort", kept, ("month", "customers", "mrr", "revenue_retention"))


def _line(retained: Sequence[str | None]) -> str:
    """Percentages month after month, without decimals."""
    return " ".join("-" if each is None else str(round(Decimal(each))) for each in retained)


def _print_rows(opened: str, rows: list[shown.Shown], form: str) -> None:
    if form == "csv":
        print_csv(rows, shown.ROW_COLUMNS)
    elif form == "json":
        print_json({"opened": opened, "rows": rows})
    elif rows:
        print_rows(f"Behind {opened}", rows, shown.ROWS_FOR_PEOPLE)
    else:
        click.echo(f"Nothing is behind {opened}.")
