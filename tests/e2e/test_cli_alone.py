"""Commands where nothing runs yet: set-up, plans, the mapping, and settings that cannot work."""

from __future__ import annotations

import json

import pytest

from connector.cli.demo.verdict import Billing
from tests.e2e.book import FEE, SETUP, TRAINING, a_sale, one_each
from tests.e2e.command_line import run, run_in
from tests.e2e.processes import Running
from tests.e2e.world import CONNECTOR, World

pytestmark = pytest.mark.slow


def test_doctor_warns_when_no_worker_runs(untouched_world: World) -> None:
    """That is a warning; the vendors that nobody has set up fail, and the hint says how to."""
    checks = json.loads(run_in(untouched_world, "doctor", "--json").stdout)
    by_id = {check["id"]: check for check in checks}

    assert by_id["engine.workers"]["status"] == "warn"
    assert "connector worker" in by_id["engine.workers"]["hint"]
    assert any(check["status"] == "fail" and "setup" in check["hint"] for check in checks)


@pytest.mark.parametrize("vendor", ["salesforce", "hubspot", "stripe"])
def test_setup_plans_makes_and_then_finds_everything_there(untouched_world: World, vendor: str) -> None:
    """--check changes nothing; a set-up makes all it planned; a second one makes nothing."""
    before = run_in(untouched_world, "setup", vendor, "--check", "--json")
    plan = json.loads(before.stdout)
    again = run_in(untouched_world, "setup", vendor, "--check")
    made = run_in(untouched_world, "setup", vendor)
    after = run_in(untouched_world, "setup", vendor, "--check", "--json")
    second = run_in(untouched_world, "setup", vendor)

    missing = [action["id"] for action in plan if not action["was_there"]]
    assert missing
    assert (before.exit_code, again.exit_code) == (1, 1)
    assert not any(action["made"] for action in plan)
    assert all(f"make  {name}: " in again.output for name in missing)
    assert made.exit_code == 0
    assert all(f"made  {name}" in made.output for name in missing)
    assert after.exit_code == 0
    assert [action["id"] for action in json.loads(after.stdout)] == [action["id"] for action in plan]
    assert all(action["was_there"] for action in json.loads(after.stdout))
    assert second.exit_code == 0
    assert f"{vendor} has everything it needs." in second.output
    assert ("whsec_" in made.output, "whsec_" in second.output) == (vendor == "stripe", False)


def test_plan_shows_every_step_and_writes_nothing(world_set_up: World) -> None:
    """For a deal that is still open: what billing would make, line by line."""
    placed = world_set_up.place([a_sale(crm, "Planned", (FEE, SETUP)) for crm in ("salesforce", "hubspot")])
    posts = _posts(world_set_up)

    for one in placed:
        told = run_in(world_set_up, "plan", f"{one.deal.provider}:{one.deal.id}")
        planned = json.loads(run_in(world_set_up, "plan", str(one.deal), "--json").stdout)

        assert told.exit_code == 0
        assert "not won yet" in told.output
        assert one.sale.account in told.output
        assert "USD 2,250.00" in told.output or "EUR 2,250.00" in told.output
        assert planned["deal"] == str(one.deal)
        assert planned["won"] is False
        steps = [step["kind"] for step in planned["steps"]]
        assert (steps[0], steps[-1]) == ("customer", "subscription")
        first = planned["invoices"][0]
        assert first["date"] in told.output
        assert sum(invoice["total"] for invoice in planned["invoices"]) == planned["total"]
        quantity = next(each for each in planned["origins"] if each["canonical"] == "line.quantity")
        assert quantity["source"] in told.output
        assert quantity["record"].startswith(f"{one.deal.provider}:line_item:")
    assert _posts(world_set_up) == posts


def test_bill_does_alone_what_a_webhook_would_have_caused(world_set_up: World) -> None:
    """An open deal is left alone; a won one is billed; a second time finds it billed."""
    (one,) = world_set_up.place([a_sale("hubspot", "By hand", (TRAINING,))])

    assert "is not won" in run_in(world_set_up, "bill", str(one.deal)).output
    world_set_up.win([one])
    first = json.loads(run_in(world_set_up, "bill", str(one.deal), "--json").stdout)
    second = json.loads(run_in(world_set_up, "bill", str(one.deal), "--json").stdout)

    billing = Billing(world_set_up.control)
    assert first == second
    assert [first["invoice"]] == billing.bills(one.deal)
    assert [first["customer"]] == billing.customers_of(one.account)


def test_a_deal_that_cannot_be_billed_is_one_sentence_and_status_2(world_set_up: World) -> None:
    for one in world_set_up.place(one_each("Unbillable", email_missing=True)):
        world_set_up.win([one])
        for command in ("plan", "bill"):
            told = run_in(world_set_up, command, str(one.deal))

            assert told.exit_code == 2
            assert told.output.startswith("error: ")
            assert "e-mail" in told.output
            assert one.sale.email not in told.output


@pytest.mark.parametrize("crm", ["salesforce", "hubspot"])
def test_mapping_show_lists_what_is_read_and_what_is_written(untouched_world: World, crm: str) -> None:
    told = run_in(untouched_world, "mapping", "show", crm)
    mapping = json.loads(run_in(untouched_world, "mapping", "show", crm, "--json").stdout)

    canonical = {rule["canonical"] for rule in (*mapping["deal"], *mapping["line_item"])}
    assert told.exit_code == 0
    assert mapping["crm"] == crm
    assert {"deal.name", "line.quantity", "contact.email"} <= canonical
    assert set(mapping["write_back"]) == {"deal", "account"}
    assert all(name in told.output for name in canonical)


@pytest.mark.parametrize(
    "arguments",
    [
        ("setup", "pipedrive"),
        ("plan", "pipedrive:1"),
        ("plan", "salesforce"),
        ("bill", "hubspot:contact:1"),
        ("bill", "hubspot:99999999999"),
        ("replay",),
        ("replay", "everything"),
        ("replay", "deal/foo"),
        ("replay", "deal/pipedrive:deal:1"),
        ("replay", "poll/pipedrive"),
        ("replay", "crm/stripe"),
        ("replay", "deal/hubspot:deal:1", "--all"),
        ("reconcile", "pipedrive"),
        ("mapping", "show", "pipedrive"),
        ("no-such-command",),
        ("serve", "--port", "0"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_told_with_status_2(world_set_up: World, arguments: tuple[str, ...]) -> None:
    """By us in one sentence, or by the command line's own usage message."""
    told = run_in(world_set_up, *arguments)

    sentences = [line for line in told.stderr.splitlines() if line.lower().startswith("error: ")]
    if arguments == ("bill", "hubspot:99999999999"):
        assert (told.exit_code, sentences) == (0, [])
    else:
        assert told.exit_code == 2
        assert len(sentences) == 1


_WRONG = {
    "PUBLIC_URL": "ftp://nowhere.example",
    "DEFAULT_CURRENCY": "DOUBLOONS",
    "POLL_EVERY_SECONDS": "now and then",
    "WORKER_CONCURRENCY": "0",
    "LOG_LEVEL": "LOUD",
    "STRIPE_API_KEY": "pk_test_publishable_key_here",
    "STRIPE_API_BASE": "http://stripe.example",
    "SALESFORCE_INSTANCE_URL": "http://acme.example",
    "HUBSPOT_BASE_URL": "http://hub.example",
}


@pytest.mark.parametrize("variable", _WRONG)
def test_a_wrong_setting_is_one_sentence_that_names_it(untouched_world: World, variable: str) -> None:
    told = run_in(untouched_world, "parked", **{variable: _WRONG[variable]})

    assert told.exit_code == 2
    assert told.stdout == ""
    assert variable in told.stderr
    assert told.stderr.startswith("error: ")
    assert len(told.stderr.splitlines()) == 1


def test_nothing_connected_is_told(untouched_world: World) -> None:
    """An empty environment, as a newcomer has it, with a database."""
    told = run({"DATABASE_URL": untouched_world.environment["DATABASE_URL"]}, "parked")

    assert told.exit_code == 2
    assert "STRIPE_API_KEY" in told.stderr


@pytest.mark.parametrize("command", ["serve", "migrate", "parked"])
def test_a_process_that_cannot_start_says_so_and_leaks_nothing(untouched_world: World, command: str) -> None:
    """A real process, its log included: the database does not answer, and its password stays where it is.

    The worker is not among them: it waits for the database.
    """
    environment = {
        **untouched_world.environment,
        "DATABASE_URL": "postgresql://connector:hunter2-hunter2@127.0.0.1:1/connector?connect_timeout=2",
    }
    process = Running(command, [*CONNECTOR, command], environment, untouched_world.directory / f"{command}-alone.log")

    status = process.finish()

    words = process.last_words(500)
    assert status == 2, words
    assert "error: " in words
    assert "Traceback" not in words
    assert not [secret for secret in (*untouched_world.secrets, "hunter2") if secret in words]


def _posts(world: World) -> dict[str, int]:
    """How often each thing was made at any vendor."""
    counts: dict[str, dict[str, int]] = world.control.get("/log")["counts"]
    return {
        f"{vendor} {operation}": times
        for vendor, operations in counts.items()
        for operation, times in operations.items()
        if not operation.startswith("GET") and not operation.endswith(("batch/read", "oauth2/token"))
    }
