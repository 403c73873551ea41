"""What people say about accounts, and the list of those before their renewal, by command."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector import bootstrap, targets
from connector.cli import cli
from connector.domain.billing import BillingAccount, Customer
from connector.domain.billing_plan import StepKey
from connector.domain.excuses import Excuses
from connector.domain.health_word import Health
from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.domain.renewal_flag import Flag
from connector.domain.renewals import Renewal, RenewalSource
from connector.ports import Link, RenewalTask
from connector.store import PostgresStore
from connector.targets import TargetKind
from tests.factories import a_subscription, an_invoice

NOW = datetime.now(UTC)
TODAY = NOW.date()
SOON = (TODAY + timedelta(days=30)).isoformat()
ACCOUNT = RecordRef("hubspot", "account", "1")
CUSTOMER_REF = RecordRef("stripe", "customer", "cus_1")


@pytest.fixture
def book(store: PostgresStore) -> PostgresStore:
    """One account, which owes EUR 100.00 and renews in 40 days."""
    renews = TODAY + timedelta(days=40)
    owed = an_invoice(1, due=TODAY - timedelta(days=20))
    with store.begin() as work:
        account = BillingAccount(Customer(CUSTOMER_REF, "Acme GmbH", currency="eur"), (a_subscription(),), (owed,))
        work.ledger.save(account, NOW)
        work.links.remember(Link(StepKey(ACCOUNT, CUSTOMER), CUSTOMER_REF))
        excuses = Excuses(TODAY, frozenset(), frozenset())
        renewal = Renewal(renews, RenewalSource.CONTRACT_END)
        flag = Flag(ACCOUNT, True, 60, renewal, Health.LATE, Health.LATE, "It pays late.", TODAY, excuses)
        work.accounts.keep_flags([flag])
        shown: dict[str, Any] = {"currency": "EUR", "health": "late", "health_score": 41, "health_reason": "=Late."}
        work.records.desire(ACCOUNT, {**shown, "overdue_balance": Decimal("100.00"), "late_payer": True})
        work.renewals.begin(RenewalTask(ACCOUNT, renews, 60, "Talk", ACCOUNT), NOW)
        work.renewals.made(RenewalTask(ACCOUNT, renews, 60, "Talk", ACCOUNT), RecordRef("hubspot", "task", "77"), NOW)
    return store


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(*words: str, given: str | None = None) -> Result:
        monkeypatch.setattr(bootstrap, "configure_logging", lambda _settings: None)
        environment = {
            "DATABASE_URL": database_url,
            "STRIPE_API_KEY": "sk_test_1",
            "STRIPE_WEBHOOK_SECRET": "whsec_1",
            "HUBSPOT_ACCESS_TOKEN": "token",
            "HUBSPOT_CLIENT_SECRET": "secret",
        }
        return CliRunner().invoke(cli, words, input=given, env=environment, catch_exceptions=False)

    return run


def dirty(store: PostgresStore, target: targets.Target) -> bool:
    with store.begin() as work:
        return work.targets.start(target) is not None


def audited(store: PostgresStore) -> list[str]:
    with store.begin() as work:
        return [str(line["what"]) for line in work.audit.recent()]


def test_the_list_before_renewals_says_who_how_much_why_and_who_was_asked(book: PostgresStore, run: Any) -> None:
    done = run("renewals", "--json")

    (row,) = json.loads(done.stdout)
    assert done.exit_code == 1  # a late payer needs attention
    assert (row["account"], row["name"], row["days"], row["source"]) == ("hubspot:1", "Acme GmbH", 40, "contract_end")
    assert (row["word"], row["score"], row["overdue"], row["open"]) == ("late", 41, "100.00", "100.00")
    assert Decimal(row["exposure"]) == Decimal(row["open"]) + Decimal(row["until_renewal"])
    assert row["task"] == "77"


def test_the_list_is_a_table_for_a_person_and_csv_that_no_spreadsheet_runs(book: PostgresStore, run: Any) -> None:
    assert "Before their renewal" in run("renewals").stdout
    (row,) = csv.DictReader(io.StringIO(run("renewals", "--csv").stdout))
    assert row["note"] == "'=Late."


def test_a_window_narrows_the_list_and_nobody_in_it_is_said(book: PostgresStore, run: Any) -> None:
    done = run("renewals", "--window", "39")
    assert (done.exit_code, done.stdout) == (0, "Nobody is before a renewal.\n")
    assert run("renewals", "--window", "39", "--late").stdout == "No late payer is before a renewal.\n"


def test_an_override_is_kept_with_who_why_and_until_when(book: PostgresStore, run: Any) -> None:
    words = ("hubspot:1", "--word", "good", "--until", SOON, "--why", "They pay by a plan.", "--by", "Grace")
    done = run("health", "override", *words)

    assert done.exit_code == 0, done.output
    (listed,) = json.loads(run("health", "override", "--json").stdout)
    assert {key: listed[key] for key in ("account", "word", "until", "by", "why")} == {
        "account": "hubspot:account:1",
        "word": "good",
        "until": SOON,
        "by": "Grace",
        "why": "They pay by a plan.",
    }
    assert "Grace" in run("health", "override").stdout
    assert dirty(book, targets.for_record(TargetKind.HEALTH, CUSTOMER_REF))
    assert "health overridden" in audited(book)


def test_an_override_is_ended_once(book: PostgresStore, run: Any) -> None:
    run("health", "override", "hubspot:1", "--word", "good", "--until", SOON, "--why", "A plan.")
    assert run("health", "override", "hubspot:1", "--end", "--json").exit_code == 0
    again = run("health", "override", "hubspot:1", "--end")
    assert (again.exit_code, "override-unknown" in again.output) == (2, True)
    assert run("health", "override").stdout == "No override is in force.\n"
    assert "health override ended" in audited(book)


@pytest.mark.parametrize(
    ("words", "id_"),
    [
        (("hubspot:1", "--word", "good"), "override-incomplete"),
        (("hubspot:1", "--word", "good", "--until", "2020-01-01", "--why", "x"), "override-in-the-past"),
        (("hubspot:2", "--word", "good", "--until", SOON, "--why", "x"), "account-not-billed"),
    ],
)
def test_an_override_that_cannot_be_is_refused(book: PostgresStore, run: Any, words: tuple[str, ...], id_: str) -> None:
    done = run("health", "override", *words)
    assert (done.exit_code, id_ in done.output) == (2, True), done.output
    assert not dirty(book, targets.for_record(TargetKind.HEALTH, CUSTOMER_REF))


@pytest.mark.parametrize("whose", ["A-0001", "in_1", "cus_1", "stripe:customer:cus_1", "hubspot:1"])
def test_a_promise_is_noted_by_invoice_customer_or_account(book: PostgresStore, run: Any, whose: str) -> None:
    done = run("health", "promise", whose, "--on", SOON, "--note", "by phone", "--json")

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["customer"], told["stands"], told["on"]) == ("stripe:customer:cus_1", "open", SOON)
    assert told["invoice"] == ("stripe:invoice:in_1" if whose in ("A-0001", "in_1") else None)
    assert "promise noted" in audited(book)


def test_promises_are_listed_and_withdrawn(book: PostgresStore, run: Any) -> None:
    number = json.loads(run("health", "promise", "A-0001", "--on", SOON, "--amount", "40.50", "--json").stdout)["id"]
    assert "EUR 40.50" in run("health", "promise").stdout
    assert run("health", "promise", "--withdraw", str(number)).exit_code == 0
    assert run("health", "promise").stdout == "No promise stands.\n"
    again = run("health", "promise", "--withdraw", str(number))
    assert (again.exit_code, "promise-unknown" in again.output) == (2, True)


@pytest.mark.parametrize(
    ("words", "id_"),
    [
        (("A-0001",), "promise-incomplete"),
        (("A-0001", "--on", "2020-01-01"), "promise-incomplete"),
        (("nobody", "--on", SOON), "promise-of-nobody"),
        (("hubspot:2", "--on", SOON), "promise-of-nobody"),
        (("A-0001", "--on", SOON, "--amount", "1.005"), "promise-amount-unfit"),
        (("A-0001", "--on", SOON, "--amount", "much"), "promise-amount-unfit"),
        (("cus_1", "--on", SOON, "--amount", "5"), "promise-without-currency"),
        (("cus_1", "--on", SOON, "--amount", "5", "--currency", "EURO"), "promise-amount-unfit"),
        (("A-0001", "--on", SOON, "--amount", "5", "--currency", "USD"), "promise-other-currency"),
        (("in_1", "--on", SOON, "--amount", "5", "--currency", "USD"), "promise-other-currency"),
    ],
)
def test_a_promise_that_cannot_be_is_refused(book: PostgresStore, run: Any, words: tuple[str, ...], id_: str) -> None:
    done = run("health", "promise", *words)
    assert (done.exit_code, id_ in done.output) == (2, True), done.output


def test_a_number_that_two_invoices_carry_is_asked_about(book: PostgresStore, run: Any) -> None:
    other = RecordRef("stripe", "customer", "cus_2")
    with book.begin() as work:
        second = replace(an_invoice(2, due=TODAY, customer=other), number="A-0001")
        work.ledger.save(BillingAccount(Customer(other), invoices=(second,)), NOW)
    assert "promise-of-several-invoices" in run("health", "promise", "A-0001", "--on", SOON).output


def test_a_policy_is_shown_checked_and_put_in_force(book: PostgresStore, run: Any, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    shown = json.loads(run("health", "policy", "show").stdout)
    file.write_text(json.dumps({**shown, "renewal_windows": [120, 30], "roll_up": "worst_child"}), encoding="utf-8")

    assert run("health", "policy", "check", str(file)).exit_code == 0
    assert json.loads(run("health", "policy", "check", str(file), "--json").stdout)["renewal_windows"] == [120, 30]
    done = run("health", "policy", "set", str(file), "--why", "Longer notice")

    assert done.stdout == "The policy is in force; 1 customer is looked at.\n"
    assert json.loads(run("health", "policy", "show").stdout)["renewal_windows"] == [120, 30]
    assert all(dirty(book, each) for each in targets.for_everybody())
    assert "setting changed" in audited(book)


@pytest.mark.parametrize(
    ("content", "id_"),
    [('{"flag_below": 900}', "health-policy-range"), ("no json", "health-policy-file"), ("[", "health-policy-file")],
)
def test_a_policy_that_cannot_be_changes_nothing(book: PostgresStore, run: Any, content: str, id_: str) -> None:
    for command in ("check", "set"):
        done = run("health", "policy", command, "-", given=content)
        assert (done.exit_code, id_ in done.output) == (2, True), done.output
    assert not any(dirty(book, each) for each in targets.for_everybody())


def test_a_file_that_is_far_too_large_is_no_policy(run: Any) -> None:
    assert "health-policy-file" in run("health", "policy", "check", "-", given=" " * 300_000).output
