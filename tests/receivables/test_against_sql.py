"""Every receivables figure on a random ledger of 10,000 invoices, against plain SQL written from the definitions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from connector.domain.receivable_parts import BUCKETS, Part
from connector.domain.receivables import Receivables
from connector.domain.receivables_report import Asked, Report
from connector.store import PostgresStore
from connector.sync.report_receivables import report_receivables
from tests.receivables.book import AS_OF, NOW

FIGURES = (Path(__file__).parent / "figures.sql").read_text(encoding="utf-8").encode()
EXPOSURE = (Path(__file__).parent / "exposure.sql").read_text(encoding="utf-8").encode()
MONEY = ("open", "overdue", "opening", "sales", "collected", "returned", "written_off")
RATIOS = (
    *("dso", "best_possible_dso", "average_days_delinquent", "true_dso", "cei", "average_days_late"),
    *("provisional_share", "average_days_to_pay", "collection_rate", "recovery_rate"),
)

pytestmark = pytest.mark.xdist_group("receivables")


@cache
def told(store: PostgresStore, as_of: date, days: int, by: str) -> Report:
    """What we tell; the ledger does not change, so that nothing is asked twice."""
    with store.begin() as work:
        return report_receivables(work, Asked(as_of, days, by=by), NOW.date())


def shown(figures: Receivables) -> dict[str, Any]:
    found: dict[str, Any] = {part.value: figures.buckets[part] for part in BUCKETS}
    found |= {name: getattr(figures, name) for name in MONEY}
    found |= {name: _rounded(getattr(figures, name)) for name in RATIOS}
    return found | {"invoices": figures.counts.get(Part.OPEN, 0)}


def independently(url: str, as_of: date, days: int, by: str = "") -> dict[tuple[str, str], dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        rows = connection.execute(FIGURES, {"as_of": as_of, "days": days, "by": by}).fetchall()
    return {
        (row.pop("currency"), row.pop("segment")): {
            name: _rounded(cell) if name in RATIOS else int(cell) for name, cell in row.items()
        }
        for row in rows
    }


@pytest.mark.parametrize(("as_of", "by"), [*((day, "") for day in AS_OF), (AS_OF[2], "size")])
def test_every_figure_equals_plain_sql_to_the_minor_unit(
    book_store: PostgresStore, book_url: str, as_of: date, by: str
) -> None:
    report = told(book_store, as_of, 90, by)
    ours = {key: shown(figures) for key, figures in report.figures.items()}
    assert ours == independently(book_url, as_of, 90, by)
    assert len(ours) == (16 if by else 4)


def test_exposure_equals_plain_sql_to_the_minor_unit(book_store: PostgresStore, book_url: str) -> None:
    """What is open, and what every contract will still invoice until it ends."""
    report = told(book_store, AS_OF[-1], 90, "")
    ours = {(each.currency, each.account): each.contracted for each in report.debtors if each.contracted}
    with psycopg.connect(book_url) as connection:
        rows = connection.execute(EXPOSURE, {"today": NOW.date()}).fetchall()
    assert ours == {(currency, account): int(amount) for currency, account, amount in rows}
    assert all(each.exposure == each.open + (each.contracted or 0) for each in report.debtors)
    assert len(ours) > 100


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else round(Decimal(value), 6)
