"""``connector terms``: what a record supports, and who answers for more until when, for a person and for a script."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from connector.cli import cli, plan, terms
from connector.ports import Services
from tests.factories import TODAY, an_invoice
from tests.fakes import a_fake_deal
from tests.sync.conftest import World
from tests.sync.test_bill_deal import bill, message_on
from tests.sync.test_terms_advice import ACCOUNT, allow, audited, opened, pays, pays_late

Run = Callable[..., Result]
UNTIL = (TODAY + timedelta(days=30)).isoformat()
ALLOWED = ("allow", "fake:1", "--net-days", "60", "--owner", "Anna", "--why", "strategic", "--until", UNTIL)


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    """One command on this world, in which one deal of the account is billed."""

    @contextmanager
    def open_services() -> Iterator[Services]:
        yield world.services

    for module in (terms, plan):
        monkeypatch.setattr(module, "open_services", open_services)
    bill(world, world.crm.has(a_fake_deal("before")))
    return lambda *words: CliRunner().invoke(cli, ["terms", *words], catch_exceptions=False)


def test_an_account_is_told_what_its_record_supports(world: World, run: Run) -> None:
    pays_late(world)
    done = run("advise", "fake:1")
    assert done.exit_code == 0
    assert "supports up to 14 days" in done.output


def test_a_script_gets_the_advice_in_parts(world: World, run: Run) -> None:
    pays_late(world)
    kept = allow(world)
    told = json.loads(run("advise", "fake:account:1", "--json").stdout)
    assert (told["health"], told["net_days"], told["prepay"], told["needs_approval"]) == ("late", 14, False, False)
    assert (told["record"], told["against"]) == ("fake:account:1", "")
    assert [each["id"] for each in told["exceptions"]] == [kept.id]
    assert told["reasons"][0]


@pytest.mark.parametrize(("days", "code"), [(14, 0), (60, 1)])
def test_a_deal_is_held_against_its_payers_record(world: World, run: Run, days: int, code: int) -> None:
    """Exit code 1 says that it goes against it."""
    pays_late(world)
    world.crm.has(opened(a_fake_deal("2", net_days=days)))
    done = run("advise", "fake:2")
    assert done.exit_code == code
    assert ("The deal allows" in done.output) is bool(code)
    assert bool(json.loads(run("advise", "fake:deal:2", "--json").stdout)["against"]) is bool(code)


@pytest.mark.parametrize("record", ["fake:account:404", "fake:404"])
def test_nobody_is_advised_on_what_was_never_billed(world: World, run: Run, record: str) -> None:
    done = run("advise", record)
    assert done.exit_code == 2
    assert "terms-unknown-customer" in done.output


def test_a_deal_that_is_named_as_one_and_gone_is_told_as_gone(world: World, run: Run) -> None:
    assert "The deal is gone." in run("advise", "fake:deal:404").output


def test_what_is_allowed_is_recorded_and_lets_a_waiting_deal_go(world: World, run: Run) -> None:
    pays_late(world)
    ref = world.crm.has(a_fake_deal("2", net_days=60))
    bill(world, ref)
    done = run(*ALLOWED, "--by", "fin")
    assert done.exit_code == 0
    assert "Anna answers for up to 60 days to pay" in done.output
    bill(world, ref)
    assert message_on(world, ref)[0] == "billed"
    assert "terms exception recorded" in audited(world)


def test_exceptions_are_listed_while_they_hold_and_with_all_afterwards(world: World, run: Run) -> None:
    assert run("exceptions").output == "No exception is in force.\n"
    assert run("exceptions", "--all").output == "No exception was ever recorded.\n"
    made = json.loads(run(*ALLOWED, "--json", "--by", "fin").stdout)
    listed = json.loads(run("exceptions", "--json").stdout)
    assert listed == [{**made, "in_force": True}]
    assert (made["account"], made["net_days"], made["owner"]) == (str(ACCOUNT), 60, "Anna")
    assert (made["why"], made["until"], made["recorded_by"]) == ("strategic", UNTIL, "fin")
    assert "in force" in run("exceptions").output
    world.clock.forward(days=31)
    assert run("exceptions").output == "No exception is in force.\n"
    assert "over" in run("exceptions", "--all").output
    assert json.loads(run("exceptions", "--all", "--json").stdout)[0]["in_force"] is False


def test_an_exception_is_ended_once_and_says_so_in_the_list(world: World, run: Run) -> None:
    made = json.loads(run(*ALLOWED, "--json").stdout)
    first = run("end", str(made["id"]), "--why", "the board changed its mind", "--by", "fin")
    again = run("end", str(made["id"]), "--why", "again")
    assert (first.exit_code, first.output) == (0, f"Exception {made['id']} of fake:1 is ended.\n")
    assert again.exit_code == 2
    assert "terms-no-exception" in again.output
    assert f"ended {TODAY}" in run("exceptions", "--all").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("advise", "fake"), "not-an-account"),
        (("advise", "fake:invoice:1"), "not-an-account"),
        (("advise", "other:1"), "not-connected"),
        (("allow", "fake:deal:1", *ALLOWED[2:]), "not-an-account"),
        ((*ALLOWED[:-1], (TODAY - timedelta(days=1)).isoformat()), "terms-exception-over"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_sentence(run: Run, words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert said in done.output


def test_days_beyond_a_year_are_no_terms(run: Run) -> None:
    done = run("allow", "fake:1", "--net-days", "366", *ALLOWED[4:])
    assert done.exit_code == 2
    assert "366" in done.output


def test_a_new_accounts_advice_has_no_number(world: World, run: Run) -> None:
    pays(world, an_invoice(due=TODAY + timedelta(days=9)))
    told = json.loads(run("advise", "fake:1", "--json").stdout)
    assert (told["health"], told["net_days"]) == ("unknown", None)


def test_a_plan_says_that_it_would_wait_for_its_terms(world: World, run: Run) -> None:
    """Before the deal is won."""
    pays_late(world)
    world.crm.has(opened(a_fake_deal("2", net_days=60)))
    told = CliRunner().invoke(cli, ["plan", "fake:2"], catch_exceptions=False).output
    assert "It would wait for approval. The deal allows 60 days" in told
    plain = json.loads(CliRunner().invoke(cli, ["plan", "fake:2", "--json"], catch_exceptions=False).stdout)
    assert plain["waits"].startswith("The deal allows 60 days")


def test_a_plan_shows_the_days_that_the_record_gives_and_by_which_setting(world: World, run: Run) -> None:
    pays_late(world)
    world.crm.has(opened(a_fake_deal("2")))
    plain = json.loads(CliRunner().invoke(cli, ["plan", "fake:2", "--json"], catch_exceptions=False).stdout)
    assert plain["waits"] == ""
    days = next(each for each in plain["origins"] if each["canonical"] == "terms.net_days")
    assert (days["value"], days["source"]) == ("14", "the setting TERMS_DAYS")
    assert any("due in 14 days" in note for note in plain["notes"])
