"""A report of receivables as plain rows: what ``connector receivables`` prints in any of its forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from connector.cli.formats import major, rounded
from connector.domain.cash_forecast import CashForecast, ExpectedCash
from connector.domain.receivable_parts import BUCKETS, MADE_OF
from connector.domain.receivable_rows import CustomerFacts
from connector.domain.receivables import Receivables
from connector.domain.receivables_report import Report

Shown = dict[str, Any]

MONEY = ("open", "overdue", "opening", "sales", "collected", "returned", "net_collected", "written_off")
DAYS = (
    *("dso", "best_possible_dso", "average_days_delinquent", "true_dso", "average_days_late"),
    "average_days_to_pay",
)
PERCENT = ("cei", "provisional_share", "collection_rate", "recovery_rate")
FIGURE_COLUMNS = ("as_of", "days", "currency", "segment", "figure", "value", "unit")
ROW_COLUMNS = (
    *("currency", "segment", "part", "invoice", "number", "customer", "name", "issued", "due", "amount", "days"),
)
ROWS_FOR_PEOPLE = ("invoice", "number", "name", "currency", "segment", "part", "issued", "due", "amount", "days")
"""What is copied stands first; the customer has a name."""
CASH_COLUMNS = (
    *("currency", "week", "source", "number", "customer", "name", "invoiced", "due", "expected", "early", "late"),
    "amount",
)
CASH_FOR_PEOPLE = ("source", "number", "name", "currency", "due", "expected", "early", "late", "amount")
DEBTORS_FOR_PEOPLE = ("name", "currency", "open", "overdue", "oldest", "contracted", "exposure")
CREDITS = "unapplied_credits"
CREDIT_COLUMNS = ("customer", "name", "account", "currency", "amount", "seen")
_OPENS = frozenset((*MADE_OF, CREDITS))


def figures(report: Report) -> list[Shown]:
    """One row per figure, each with what it opens to."""
    return [
        {
            "as_of": report.asked.as_of.isoformat(),
            "days": report.asked.days,
            "currency": currency.upper(),
            "segment": segment,
            "figure": name,
            "value": value,
            "unit": unit,
            "made_of": [part.value for part in MADE_OF.get(name, ())],
        }
        for (currency, segment), found in report.figures.items()
        for name, value, unit in _figures(found)
    ]


def rows(report: Report, customers: Mapping[str, CustomerFacts]) -> list[Shown]:
    """The invoices behind the figure that was opened."""
    return [
        {
            "currency": row.invoice.currency.upper(),
            "segment": row.segment,
            "part": row.part.value,
            "invoice": row.invoice.ref,
            "number": row.invoice.number,
            "customer": row.invoice.customer,
            "name": _name(row.invoice.customer, customers),
            "issued": row.invoice.issued.isoformat(),
            "due": _day(row.invoice.due),
            "amount": major(row.amount, row.invoice.currency),
            "days": row.days,
        }
        for row in report.rows
    ]


def credit_rows(report: Report, customers: Mapping[str, CustomerFacts]) -> list[Shown]:
    """The customers that may still use up a credit balance; none for a day on which it is not known what they had."""
    return [
        {
            "customer": each.ref,
            "name": each.name,
            "account": each.account,
            "currency": each.currency.upper(),
            "amount": major(-each.credit_balance, each.currency),
            "seen": each.seen.isoformat(),
        }
        for each in customers.values()
        if each.credit_balance > 0
        and each.currency
        and report.asked.currency in ("", each.currency)
        and each.seen <= report.asked.as_of
    ]


def debtors(report: Report, most: int | None) -> list[Shown]:
    """The accounts that owe most, or are bound most, in each currency."""
    shown: list[Shown] = []
    seen: dict[str, int] = {}
    for each in report.debtors:
        seen[each.currency] = seen.get(each.currency, 0) + 1
        if most is None or seen[each.currency] <= most:
            shown.append(
                {
                    "currency": each.currency.upper(),
                    "account": each.account,
                    "name": each.name,
                    "open": major(each.open, each.currency),
                    "overdue": major(each.overdue, each.currency),
                    "invoices": each.invoices,
                    "oldest": each.oldest,
                    "contracted": major(each.contracted, each.currency),
                    "exposure": major(each.exposure, each.currency),
                }
            )
    return shown


def promises(report: Report) -> list[Shown]:
    """Every promise to pay that was noted by then."""
    return [
        {
            "currency": each.currency.upper(),
            "promise": each.promise.id,
            "customer": str(each.promise.customer),
            "invoice": str(each.promise.invoice or ""),
            "promised_for": each.promise.promised_for.isoformat(),
            "standing": each.standing.value,
            "amount": major(each.amount, each.currency),
            "arrived": major(each.arrived, each.currency),
        }
        for each in report.promises
    ]


def cash(report: Report) -> list[Shown]:
    """One row per currency and week, what comes later, and what nobody can foresee."""
    return [row for currency, found in report.cash.items() for row in _weeks(currency, found)]


def cash_rows(report: Report, day: date, customers: Mapping[str, CustomerFacts]) -> list[Shown] | None:
    """What is expected in the week that holds the day; None when no week does."""
    first = report.asked.as_of.toordinal() + 1
    if not first <= day.toordinal() < first + 7 * report.asked.weeks:
        return None
    return [
        _expected(row, week.first, customers)
        for found in report.cash.values()
        for week in found.weeks
        if week.first <= day <= week.last
        for row in week.rows
    ]


def opens_to(figure: str) -> bool:
    """Whether a figure of that name has rows behind it."""
    return figure in _OPENS


def _figures(found: Receivables) -> Iterator[tuple[str, str | None, str]]:
    code = found.currency.upper()
    for part in BUCKETS:
        yield part.value, major(found.buckets[part], found.currency), code
    yield "unapplied_credits", major(found.unapplied_credits, found.currency), code
    for name in MONEY:
        yield name, major(getattr(found, name), found.currency), code
    for names, unit in ((DAYS, "days"), (PERCENT, "percent")):
        for name in names:
            yield name, rounded(getattr(found, name)), unit


def _weeks(currency: str, found: CashForecast) -> Iterator[Shown]:
    for week in found.weeks:
        yield {
            "currency": currency.upper(),
            "week": week.first.isoformat(),
            "until": week.last.isoformat(),
            "expected": major(week.expected, currency),
            "by_then": major(week.by_then, currency),
            "at_least": major(week.at_least, currency),
            "at_most": major(week.at_most, currency),
            "rows": [row.source for row in week.rows],
        }
    for name, left in (("later", found.later), ("unforeseen", found.unforeseen)):
        yield {
            "currency": currency.upper(),
            "week": name,
            "expected": major(sum(row.amount for row in left), currency),
            "rows": [row.source for row in left],
        }


def _expected(row: ExpectedCash, week: date, customers: Mapping[str, CustomerFacts]) -> Shown:
    return {
        "currency": row.currency.upper(),
        "week": week.isoformat(),
        "source": row.source,
        "number": row.number,
        "customer": row.customer,
        "name": _name(row.customer, customers),
        "invoiced": row.invoiced.isoformat(),
        "due": _day(row.due),
        "expected": _day(row.when.expected if row.when else None),
        "early": _day(row.when.early if row.when else None),
        "late": _day(row.when.late if row.when else None),
        "amount": major(row.amount, row.currency),
    }


def _name(customer: str, customers: Mapping[str, CustomerFacts]) -> str:
    known = customers.get(customer)
    return known.name if known is not None else ""


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def names() -> Sequence[str]:
    """Every figure that opens, for people."""
    return [*(part.value for part in BUCKETS), CREDITS, *(name for name in MADE_OF if name not in {*BUCKETS})]
