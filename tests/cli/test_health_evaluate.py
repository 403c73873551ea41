"""``connector health evaluate``: what the score was worth on a company's own export, without any set-up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from connector.domain.health_evaluation import evaluate
from tests.cli.invoice_files import answer, exported, refusal, run, written
from tests.payers import histories

ACCOUNTS = histories(60, seed=2)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two years of invoices of sixty customers."""
    return exported(tmp_path_factory.mktemp("export"), [one for history in ACCOUNTS.values() for one in history])


def test_a_script_reads_what_the_domain_found(export: Path) -> None:
    found = answer("evaluate", "--invoices", export)

    report = evaluate(ACCOUNTS.values())
    assert found["score"]["auc"] == report.score.auc
    assert found["score"]["spearman"] == report.score.spearman
    assert found["score"]["precision_worst_tenth"] == report.score.worst_tenth
    assert found["score"]["auc_interval"] == list(report.score.auc_interval or ())
    assert found["baselines"]["share_of_late_invoices"]["auc"] == report.late_share.auc
    assert found["baselines"]["average_days_late"]["auc"] == report.average_days_late.auc
    assert found["next_invoice_late"]["brier"] == report.next_late.brier
    assert found["serious_trouble"]["brier"] == report.trouble.brier
    assert len(found["serious_trouble"]["deciles"]) == 10
    assert found["challenger"]["verdict"] == report.challenge.verdict
    assert found["judgements"] == report.judgements
    assert found["month_ends"] == [str(day) for day in report.month_ends]
    assert found["columns"]["due"] == "due"
    assert found["invoices"] == report.invoices


def test_a_person_reads_tables_and_a_verdict(export: Path) -> None:
    done = run("evaluate", "--invoices", export)

    assert done.exit_code == 0
    for words in ("our score", "share of late", "average days late", "Brier", "slope", "AUC", "The formula serves"):
        assert words in done.stdout
    assert "60 customers at 21 month ends, 2024-01-31 to 2025-09-30" in done.stdout


def test_too_short_a_history_is_said_and_ends_with_1(tmp_path: Path) -> None:
    file = written(tmp_path, "2026-01-01,2026-01-31,2026-02-05,100.00,EUR,no,Acme")

    done = run("evaluate", "--invoices", file)

    assert done.exit_code == 1
    assert "too little history" in done.stdout


def test_a_file_that_is_not_there_ends_with_1(tmp_path: Path) -> None:
    assert refusal("evaluate", "--invoices", tmp_path / "nowhere.csv")["id"] == "invoices-file-unreadable"


def test_without_a_file_the_ledger_is_asked_and_a_missing_one_ends_with_2() -> None:
    done = run("evaluate")

    assert done.exit_code == 2
    assert "DATABASE_URL" in done.stderr


_LOADED = """
import sys
import click
from connector.cli import cli

health = cli.get_command(click.Context(cli), "health")
for name in ("assess", "evaluate"):
    health.get_command(click.Context(health), name)
heavy = ("sqlalchemy", "psycopg", "procrastinate", "stripe", "hubspot", "simple_salesforce", "flask", "numpy", "pandas")
print(*(name for name in heavy if name in sys.modules))
"""


@pytest.mark.slow
def test_a_file_is_read_without_loading_a_database_or_a_vendor() -> None:
    """Nor any numerical library: whoever tries it on an export has only what the connector itself needs."""
    done = subprocess.run([sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_health_lists_its_commands_and_knows_no_other() -> None:
    listed = run("--help").stdout

    assert "assess" in listed
    assert "evaluate" in listed
    assert run("nonsense").exit_code == 2
