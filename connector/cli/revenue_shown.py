"""Recurring revenue as plain rows: what ``connector revenue`` prints in any of its forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connector.cli.formats import major, rounded
from connector.domain.cohorts import Cohort
from connector.domain.receivable_rows import CustomerFacts
from connector.domain.revenue import Move, Retention, Revenue, whole
from connector.sync.report_revenue import RevenueReport

Shown = dict[str, Any]

RETAINED = ("nrr", "grr", "logo_churn")
_ALIKE = {**dict.fromkeys(("arr", "arpa", "customers", "clv"), "mrr"), "monthly_churn": "churn"}
"""Figures that open to the customers behind another."""
OPENS = ("mrr", *(move.value for move in Move), *RETAINED, *_ALIKE, "cohorts")
"""What opens to customers."""
FIGURE_COLUMNS = ("as_of", "currency", "month", "figure", "value", "unit")
ROWS_FOR_PEOPLE = ("name", "currency", "month", "before", "after", "amount")
ROW_COLUMNS = ("currency", "month", "figure", "customer", "name", "before", "after", "amount")


def figures(reports: Sequence[RevenueReport], margin: Decimal | None) -> list[Shown]:
    """One row per figure: of the day itself, over all months together, then of each month."""
    return [row for each in reports for row in _of_currency(each.revenue, margin)]


def summary(reports: Sequence[RevenueReport], margin: Decimal | None) -> list[Shown]:
    """One row per currency."""
    return [
        {"currency": each.revenue.currency.upper(), **{name: value for name, value, _ in _totals(each.revenue, margin)}}
        for each in reports
    ]


def months(found: Revenue) -> list[Shown]:
    """One row per month: where MRR came from and went to."""
    return [
        {
            "month": month.first.strftime("%Y-%m"),
            **{move.value: major(whole(month.total(move)), found.currency) for move in Move},
            "mrr": major(whole(month.mrr), found.currency),
            "customers": month.customers,
            **_retained(month.retention),
        }
        for month in found.months
    ]


def cohorts(found: Sequence[Cohort], currency: str) -> list[Shown]:
    """One row per cohort: how many customers it had, its first MRR, and what is left of both each month since."""
    return [
        {
            "month": each.month.strftime("%Y-%m"),
            "customers": len(each.customers),
            "mrr": major(whole(each.months[0].mrr), currency),
            "revenue_retention": [rounded(left) for left in each.revenue_retention],
            "logo_retention": [rounded(left) for left in each.logo_retention],
            "ids": list(each.customers),
        }
        for each in found
    ]


def rows(reports: Sequence[RevenueReport], opened: str, customers: Mapping[str, CustomerFacts]) -> list[Shown]:
    """The customers behind a figure."""
    return [row for each in reports for row in _behind(each, _ALIKE.get(opened, opened), customers)]


def _of_currency(found: Revenue, margin: Decimal | None) -> list[Shown]:
    plain = {"as_of": found.as_of.isoformat(), "currency": found.currency.upper()}
    told = [
        {**plain, "month": "", "figure": name, "value": value, "unit": unit}
        for name, value, unit in _totals(found, margin)
    ]
    for month in months(found):
        for name, value in month.items():
            if name != "month":
                told.append(
                    {**plain, "month": month["month"], "figure": name, "value": value, "unit": _unit(name, found)}
                )
    return told


def _totals(found: Revenue, margin: Decimal | None) -> list[tuple[str, Any, str]]:
    code = found.currency.upper()
    totals: list[tuple[str, Any, str]] = [
        ("mrr", major(whole(found.mrr), found.currency), code),
        ("arr", major(whole(found.arr), found.currency), code),
        ("customers", found.customers, "customers"),
        ("arpa", None if found.arpa is None else major(whole(found.arpa), found.currency), code),
        *((name, value, "percent") for name, value in _retained(found.retention).items()),
        ("monthly_churn", rounded(found.monthly_churn), "percent"),
    ]
    if margin is not None:
        value = found.lifetime_value(margin)
        totals.append(("clv", None if value is None else major(whole(value), found.currency), code))
    return totals


def _retained(found: Retention) -> Shown:
    return {"nrr": rounded(found.net), "grr": rounded(found.gross), "logo_churn": rounded(found.logo_churn)}


def _unit(name: str, found: Revenue) -> str:
    if name in RETAINED:
        return "percent"
    return name if name == "customers" else found.currency.upper()


def _behind(report: RevenueReport, opened: str, customers: Mapping[str, CustomerFacts]) -> list[Shown]:
    found = report.revenue
    if opened == "mrr":
        return [_row(found, "", opened, one, None, mrr, customers) for one, mrr in sorted(found.by_customer.items())]
    if opened == "cohorts":
        return [
            _row(
                found,
                each.month.strftime("%Y-%m"),
                opened,
                one,
                None,
                found.by_customer.get(one, Decimal(0)),
                customers,
            )
            for each in report.cohorts
            for one in each.customers
        ]
    if opened in RETAINED:
        return [
            _row(found, "", opened, one, before, found.by_customer.get(one, Decimal(0)), customers)
            for one, before in sorted(found.at_start.items())
        ]
    return [
        _row(found, month.first.strftime("%Y-%m"), opened, moved.customer, moved.before, moved.after, customers)
        for month in found.months
        for moved in month.moved
        if moved.move == opened
    ]


def _row(
    found: Revenue,
    month: str,
    figure: str,
    customer: str,
    before: Decimal | None,
    after: Decimal,
    customers: Mapping[str, CustomerFacts],
) -> Shown:
    known = customers.get(customer)
    return {
        "currency": found.currency.upper(),
        "month": month,
        "figure": figure,
        "customer": customer,
        "name": known.name if known is not None else "",
        "before": None if before is None else major(whole(before), found.currency),
        "after": major(whole(after), found.currency),
        "amount": major(whole(after - (before or 0)), found.currency),
    }
