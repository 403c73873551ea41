"""Every figure of receivables and revenue on the random ledger, against a notebook in pandas."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd
import pytest

from connector.domain.cohorts import Cohort
from connector.domain.revenue import Move, Retention, Revenue
from connector.store import PostgresStore
from connector.sync.report_revenue import report_revenue
from tests.receivables import notebook
from tests.receivables.book import AS_OF
from tests.receivables.test_against_sql import shown, told

pytestmark = pytest.mark.xdist_group("receivables")


@pytest.fixture(scope="module")
def tables(book_url: str) -> dict[str, pd.DataFrame]:
    return notebook.load(book_url)


@pytest.fixture(scope="module")
def ledger(tables: dict[str, pd.DataFrame]) -> notebook.Ledger:
    return notebook.ledger(tables)


@pytest.mark.parametrize(("as_of", "days"), [*((day, 90) for day in AS_OF), (AS_OF[1], 30)])
def test_every_figure_equals_the_notebook_to_the_minor_unit(
    book_store: PostgresStore, ledger: notebook.Ledger, as_of: date, days: int
) -> None:
    report = told(book_store, as_of, days, "")
    ours = {currency: shown(figures) for (currency, _), figures in report.figures.items()}
    assert ours == _rounded(notebook.receivables(ledger, as_of, days))


def test_credits_are_known_for_today_alone(book_store: PostgresStore, tables: dict[str, pd.DataFrame]) -> None:
    customers = tables["customer"]
    in_favour = customers[customers.credit_balance > 0].groupby("currency").credit_balance.sum()
    report = told(book_store, AS_OF[-1], 90, "")
    ours = {currency: figures.unapplied_credits for (currency, _), figures in report.figures.items()}
    assert ours == {currency: -amount for currency, amount in in_favour.items()}
    past = told(book_store, AS_OF[0], 90, "").figures
    assert {figures.unapplied_credits for figures in past.values()} == {None}


def test_the_top_debtors_are_those_who_owe_most(book_store: PostgresStore, tables: dict[str, pd.DataFrame]) -> None:
    """On the ledger's own day, that is what billing says is left of open invoices."""
    customers = tables["customer"].set_index("ref")
    invoices = tables["invoice"]
    still = invoices[(invoices.status == "open") & invoices.replaced_by.isna()]
    account = still.customer.map(customers.crm_account).fillna(still.customer)
    owed = still.groupby([still.currency, account]).amount_remaining.sum()
    report = told(book_store, AS_OF[-1], 90, "")
    ours = {(each.currency, each.account): each.open for each in report.debtors if each.open}
    assert ours == {key: amount for key, amount in owed.items() if amount}
    for currency in ("eur", "usd", "jpy", "kwd"):
        amounts = [each.open for each in report.debtors if each.currency == currency]
        assert amounts == sorted(amounts, reverse=True)


@pytest.mark.parametrize("as_of", AS_OF[1:3], ids=str)
def test_the_cash_to_come_equals_the_notebook_to_the_minor_unit(
    book_store: PostgresStore, ledger: notebook.Ledger, as_of: date
) -> None:
    report = told(book_store, as_of, 90, "")
    ours = {
        currency: {
            "weeks": [(week.expected, week.by_then, week.at_least, week.at_most) for week in found.weeks],
            "later": sum(row.amount for row in found.later),
            "unforeseen": sum(row.amount for row in found.unforeseen),
        }
        for currency, found in report.cash.items()
    }
    assert ours == notebook.cash(ledger, as_of)


@pytest.mark.parametrize("as_of", AS_OF, ids=str)
def test_revenue_equals_the_notebook_to_the_minor_unit(
    book_store: PostgresStore, tables: dict[str, pd.DataFrame], as_of: date
) -> None:
    with book_store.begin() as work:
        reports = report_revenue(work, as_of, 12)
    ours = {each.revenue.currency: _revenue(each.revenue, each.cohorts) for each in reports}
    assert _rounded(ours) == _rounded(notebook.revenue(tables, as_of))
    assert len(ours) == 4


def _revenue(found: Revenue, cohorts: tuple[Cohort, ...]) -> dict[str, Any]:
    return {
        "mrr": found.mrr,
        "arr": found.arr,
        "customers": found.customers,
        **_retained(found.retention),
        "monthly_churn": found.monthly_churn,
        "months": [
            {
                **{move.value: month.total(move) for move in Move},
                "mrr": month.mrr,
                "customers": month.customers,
                **_retained(month.retention),
            }
            for month in found.months
        ],
        "cohorts": {
            each.month.strftime("%Y-%m"): (
                len(each.customers),
                [left.mrr for left in each.months],
                [left.customers for left in each.months],
            )
            for each in cohorts
        },
    }


def _retained(found: Retention) -> dict[str, Any]:
    return {
        "began": found.customers,
        "lost": found.lost,
        "nrr": found.net,
        "grr": found.gross,
        "logo_churn": found.logo_churn,
    }


def _rounded(value: Any) -> Any:
    """To a millionth, far below the minor unit: whatever may have been divided in another order."""
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    if isinstance(value, Fraction):
        value = Decimal(value.numerator) / value.denominator
    return round(value, 6) if isinstance(value, Decimal) else value
