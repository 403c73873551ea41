"""``connector health assess`` and ``evaluate`` on the ledger: the same answers as on an export of it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner, Result

from connector import bootstrap, targets
from connector.cli import cli
from connector.domain.billing import BillingAccount, Customer
from connector.domain.health_evaluation import evaluate
from connector.domain.health_policy import HealthPolicy
from connector.domain.past_invoice import as_invoice
from connector.domain.portfolio import Portfolio
from connector.domain.refs import RecordRef
from connector.store import PostgresStore
from connector.sync.rules_in_force import POLICY
from tests.payers import LAST_DAY, histories

ACCOUNTS = histories(12, seed=6)
NOW = datetime(LAST_DAY.year, LAST_DAY.month, LAST_DAY.day, 12, tzinfo=UTC)


@pytest.fixture
def ledger(store: PostgresStore) -> PostgresStore:
    """Twelve customers' two years."""
    with store.begin() as work:
        for number, history in enumerate(ACCOUNTS.values()):
            ref = RecordRef("stripe", "customer", f"cus_{number}")
            named = tuple(
                as_invoice(one._replace(customer=ref.id, number=f"{ref.id}-{place}"), "stripe")
                for place, one in enumerate(history)
            )
            work.ledger.save(BillingAccount(Customer(ref, name=f"Customer {number}"), invoices=named), NOW)
    return store


def run(monkeypatch: pytest.MonkeyPatch, database_url: str, *words: str) -> Result:
    monkeypatch.setattr(bootstrap, "configure_logging", lambda _settings: None)
    environment = {"DATABASE_URL": database_url, "STRIPE_API_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}
    return CliRunner().invoke(cli, ["health", *words], env=environment, catch_exceptions=False)


def test_the_ledger_is_evaluated_as_its_export_would_be(
    ledger: PostgresStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(monkeypatch, database_url, "evaluate", "--json")

    assert done.exit_code == 0, done.output
    found, report = json.loads(done.stdout), evaluate(ACCOUNTS.values())
    assert found["judgements"] == report.judgements
    assert found["score"]["auc"] == pytest.approx(report.score.auc)
    assert found["serious_trouble"]["brier"] == pytest.approx(report.trouble.brier)


def test_every_customer_of_the_ledger_is_assessed_with_the_newest_portfolio(
    ledger: PostgresStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("assess", "--as-of", str(LAST_DAY), "--json")
    before = json.loads(run(monkeypatch, database_url, *words).stdout)["customers"]
    with ledger.begin() as work:
        work.portfolios.save(Portfolio(mean_lateness=0.9, as_of=LAST_DAY), NOW)

    after = json.loads(run(monkeypatch, database_url, *words).stdout)["customers"]

    assert len(before) == len(after) == 12
    assert [one["score"] for one in before] == sorted(one["score"] for one in before)
    lower = {one["customer"]: one["score"] for one in after}
    assert all(lower[one["customer"]] < one["score"] for one in before)


def test_a_past_day_knows_only_what_was_issued_by_then(
    ledger: PostgresStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = date(2024, 6, 30)
    known = {name for name, history in ACCOUNTS.items() if any(one.issued <= day for one in history)}

    done = run(monkeypatch, database_url, "assess", "--as-of", str(day), "--json")

    found = json.loads(done.stdout)["customers"]
    assert {one["name"].lower() for one in found} == known
    assert 0 < len(known) < 12


def test_one_customer_is_found_by_its_id_its_whole_reference_or_its_name(
    ledger: PostgresStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for word in ("cus_3", "stripe:customer:cus_3", "Customer 3"):
        done = run(monkeypatch, database_url, "assess", "--as-of", str(LAST_DAY), "--customer", word, "--json")
        [found] = json.loads(done.stdout)["customers"]
        assert (found["customer"], found["name"]) == ("stripe:customer:cus_3", "Customer 3")

    unknown = run(monkeypatch, database_url, "assess", "--customer", "cus_99")
    assert unknown.exit_code == 1
    assert "no invoice of “cus_99”" in unknown.stderr


def test_an_empty_ledger_has_nothing_to_tell(
    store: PostgresStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assessed = run(monkeypatch, database_url, "assess")
    evaluated = run(monkeypatch, database_url, "evaluate")

    assert (assessed.exit_code, evaluated.exit_code) == (0, 1)
    assert "No invoice was issued" in assessed.stdout
    assert evaluated.stdout.startswith("0 invoices of 0 customers.\nThere is too little history")


def test_the_work_of_fitting_the_portfolio_can_be_tried_again_by_name(
    store: PostgresStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As any work that is parked."""
    monkeypatch.setattr(bootstrap, "configure_logging", lambda _settings: None)
    environment = {"DATABASE_URL": database_url, "STRIPE_API_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}

    def replay(target: str) -> int:
        return CliRunner().invoke(cli, ["replay", target], env=environment, catch_exceptions=False).exit_code

    assert replay("portfolio/some") == 2
    assert replay("portfolio/all") == 0
    with store.begin() as work:
        assert work.targets.start(targets.PORTFOLIO) is not None


def test_the_words_go_by_the_policy_in_force(
    ledger: PostgresStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("assess", "--as-of", str(LAST_DAY), "--json")
    before = {one["word"] for one in json.loads(run(monkeypatch, database_url, *words).stdout)["customers"]}
    with ledger.begin() as work:
        strict = HealthPolicy(flag_below=100.0, watch_below=100.0, severe_below=100.0, severe_days=0)
        work.settings.put(POLICY, strict.document(), by="a test")

    after = {one["word"] for one in json.loads(run(monkeypatch, database_url, *words).stdout)["customers"]}

    assert "watch" in before
    assert after <= {"severe", "late", "good"}
    assert "late" in after


def test_a_day_to_come_is_none_that_the_ledger_knows(
    ledger: PostgresStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(monkeypatch, database_url, "assess", "--as-of", "2199-01-01")

    assert (done.exit_code, "2199-01-01 is still to come" in done.stderr) == (2, True)
