"""``connector receivables``: who owes what, how old it is, how well it comes in, and when the rest should come."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import click

from connector.bootstrap import open_services
from connector.cli import receivables_shown as shown
from connector.cli.formats import as_of_option, currency_option, day_of, format_option, print_csv, print_rows
from connector.cli.output import json_option, print_json
from connector.domain.cash_forecast import WEEKS
from connector.domain.debtors import TOP
from connector.domain.receivable_rows import CustomerFacts
from connector.domain.receivables_report import SEGMENTS, Asked, Report
from connector.errors import Misconfigured
from connector.sentences.commands import NOT_A_FIGURE, NOT_FORECAST, NOT_YET
from connector.sync.report_receivables import report_receivables


@click.command(short_help="Who owes what, how old it is, and when it should come.")
@as_of_option
@click.option(
    "--days",
    type=click.IntRange(1, 3660),
    default=90,
    show_default=True,
    help="Days of the period of sales and payments.",
)
@currency_option
@click.option("--by", type=click.Choice(list(SEGMENTS)), help="One set of figures for each of them.")
@click.option("--open", "opened", default="", help="A figure or bucket, or a day of a week: show the rows behind it.")
@click.option(
    "--weeks", type=click.IntRange(1, 104), default=WEEKS, show_default=True, help="Weeks to forecast cash for."
)
@format_option
@json_option
def receivables(
    as_of: datetime | None,
    days: int,
    currency: str,
    by: str | None,
    opened: str,
    weeks: int,
    form: str,
    as_json: bool,
) -> None:
    """Aging, DSO, CEI, days late, collection and recovery, top debtors, promises and the cash to come.

    As of the end of any past day, per currency. --open shows the rows behind a figure: overdue, 31-60, dso, sales,
    collection_rate, or a day such as 2026-12-01 for the cash of its week. docs/receivables.md defines every figure.
    """
    with open_services() as services:
        today = services.clock().astimezone(UTC).date()
        day = day_of(as_of, services.clock())
        if day > today:
            raise Misconfigured.because(NOT_YET, day=day.isoformat())
        week = _a_day(opened)
        if opened and week is None and not shown.opens_to(opened):
            raise Misconfigured.because(NOT_A_FIGURE, figure=repr(opened), figures=", ".join(shown.names()))
        asked = Asked(day, days, currency.lower(), by or "", "" if week else opened, weeks)
        with services.store.begin() as work:
            report = report_receivables(work, asked, today)
            customers = {each.ref: each for each in work.receivables.customers()} if opened else {}
    form = "json" if as_json else form
    if not opened:
        _print(report, form)
        return
    if week is not None:
        _print_rows(opened, _of_week(report, week, customers), (shown.CASH_COLUMNS, shown.CASH_FOR_PEOPLE), form)
    elif opened == shown.CREDITS:
        credit = shown.credit_rows(report, customers)
        _print_rows(opened, credit, (shown.CREDIT_COLUMNS, shown.CREDIT_COLUMNS), form)
    else:
        _print_rows(opened, shown.rows(report, customers), (shown.ROW_COLUMNS, shown.ROWS_FOR_PEOPLE), form)


def _print(report: Report, form: str) -> None:
    if form == "csv":
        print_csv(shown.figures(report), shown.FIGURE_COLUMNS)
    elif form == "json":
        print_json(
            {
                "as_of": report.asked.as_of,
                "days": report.asked.days,
                "figures": shown.figures(report),
                "debtors": shown.debtors(report, None),
                "promises": shown.promises(report),
                "cash": shown.cash(report),
            }
        )
    else:
        _tables(report)


def _tables(report: Report) -> None:
    day = report.asked.as_of.isoformat()
    if not report.figures:
        click.echo(f"Nothing was invoiced by {day}.")
        return
    print_rows(
        f"Receivables on {day}, with the {report.asked.days} days until then", _by_figure(report), _heads(report)
    )
    if owing := shown.debtors(report, TOP):
        print_rows("Top debtors", owing, shown.DEBTORS_FOR_PEOPLE)
    if promised := shown.promises(report):
        print_rows("Promises to pay", promised, list(promised[0]))
    if weeks := shown.cash(report):
        columns = ("currency", "week", "until", "expected", "by_then", "at_least", "at_most")
        print_rows("Cash to come, by week", weeks, columns)


def _heads(report: Report) -> list[str]:
    return ["figure", *(_head(report, currency.upper(), segment) for currency, segment in report.figures)]


def _head(report: Report, currency: str, segment: str) -> str:
    return f"{currency} {segment or '(none)'}" if report.asked.by else currency


def _by_figure(report: Report) -> list[dict[str, object]]:
    """A row per figure, a column per currency and segment."""
    found: dict[str, dict[str, object]] = {}
    for row in shown.figures(report):
        unit = f" ({row['unit']})" if row["unit"] in ("days", "percent") else ""
        cells = found.setdefault(row["figure"], {"figure": f"{row['figure'].replace('_', ' ')}{unit}"})
        cells[_head(report, row["currency"], row["segment"])] = row["value"]
    return list(found.values())


def _of_week(report: Report, day: date, customers: dict[str, CustomerFacts]) -> list[shown.Shown]:
    rows = shown.cash_rows(report, day, customers)
    if rows is None:
        first = report.asked.as_of + timedelta(days=1)
        last = report.asked.as_of + timedelta(weeks=report.asked.weeks)
        raise Misconfigured.because(NOT_FORECAST, day=day.isoformat(), first=first.isoformat(), last=last.isoformat())
    return rows


def _print_rows(
    opened: str, rows: list[shown.Shown], columns: tuple[tuple[str, ...], tuple[str, ...]], form: str
) -> None:
    every, for_people = columns
    if form == "csv":
        print_csv(rows, every)
    elif form == "json":
        print_json({"opened": opened, "rows": rows})
    elif rows:
        print_rows(f"Behind {opened}", rows, for_people)
    else:
        click.echo(f"Nothing is behind {opened}.")


def _a_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
