"""Each command beside a connector that runs: what it tells, and with which exit status."""

from __future__ import annotations

import json

import pytest

from connector.cli.demo.control import Control
from tests.e2e.book import one_each
from tests.e2e.command_line import run_in
from tests.e2e.processes import Running, line_of_procfile, until
from tests.e2e.world import World

pytestmark = pytest.mark.slow


def test_doctor_finds_nothing_wrong_with_a_connector_that_runs(town: World) -> None:
    """Every check is made and has an id and a sentence, for people and for scripts."""
    until(lambda: not town.parked(), "nothing to be parked")
    told = run_in(town, "doctor")
    checks = json.loads(run_in(town, "doctor", "--json").stdout)

    assert told.exit_code == 0, told.output
    assert [check for check in checks if check["status"] == "fail"] == []
    assert {"engine.workers", "modes", "public_url", "settings", "storage.reachable", "storage.tables"} <= {
        check["id"] for check in checks
    }
    assert {check["id"].split(".")[0] for check in checks} >= {"salesforce", "hubspot", "stripe"}
    assert all(f"  {check['id']} " in told.output for check in checks)


@pytest.mark.parametrize(
    ("variable", "value", "culprit"),
    [
        ("HUBSPOT_ACCESS_TOKEN", "pat-na1-somebody-elses", "hubspot"),
        ("SALESFORCE_CLIENT_SECRET", "not-the-secret-we-were-given", "salesforce"),
        ("DATABASE_URL", "postgresql://postgres:hunter2-hunter2@127.0.0.1:1/connector", "storage"),
        ("STRIPE_API_KEY", "sk_live_0123456789abcdef", "stripe"),
        ("PUBLIC_URL", "ftp://our-files.example.com", "settings"),
    ],
)
def test_doctor_says_what_is_wrong_and_what_to_do(town: World, variable: str, value: str, culprit: str) -> None:
    """Exit status 1, the right check, what to change, and not a word of the wrong value."""
    told = run_in(town, "doctor", **{variable: value})
    checks = json.loads(run_in(town, "doctor", "--json", **{variable: value}).stdout)

    failed = [check for check in checks if check["status"] == "fail"]
    assert told.exit_code == 1, told.output
    assert culprit in {check["id"].split(".")[0] for check in failed}
    assert all(check["hint"] or variable in check["sentence"] for check in failed)
    assert all((check["hint"] or check["sentence"]) in told.output for check in failed)


def test_what_is_parked_is_listed_and_a_replay_bills_it_once_it_is_mended(town: World) -> None:
    """The contact gets its address, which rings no bell of the deal's: a person presses the button."""
    nothing = run_in(town, "parked")
    placed = town.place(one_each("Parked", email_missing=True))
    town.win(placed)
    town.settle()

    shown = run_in(town, "parked")
    listed = json.loads(run_in(town, "parked", "--json").stdout)
    by_target = {entry["target"]: entry["error"] for entry in listed["targets"]}
    assert (nothing.exit_code, nothing.output.strip()) == (0, "Nothing is parked.")
    assert shown.exit_code == 1
    assert set(by_target) == {f"deal/{one.deal}" for one in placed}
    assert all("e-mail" in error for error in by_target.values())
    assert all(target in shown.output for target in by_target)

    _give_address(town.control, str(placed[0].contact.id), str(placed[1].contact.id))
    assert run_in(town, "replay", f"deal/{placed[0].deal}").output.strip() == "1 to be tried again."
    town.settle()
    assert len(town.parked()) == 1
    assert run_in(town, "replay", "--all").output.strip() == "1 to be tried again."
    town.settle()

    assert town.problems(placed) == []
    assert run_in(town, "parked").exit_code == 0


def test_bill_of_a_deal_that_is_billed_tells_its_ids_and_makes_nothing(town: World) -> None:
    placed = town.place(one_each("Asked"))
    town.win(placed)
    town.settle()

    for report in town.reports(placed):
        ref = report.placed.deal
        told = run_in(town, "bill", f"{ref.provider}:{ref.id}")
        as_json = json.loads(run_in(town, "bill", str(ref), "--json").stdout)

        assert told.exit_code == 0
        assert report.billed_by in told.output
        assert as_json["deal"] == str(ref)
        assert as_json["customer"] == report.customer
        assert as_json["subscription"] == report.billed_by
    town.settle()
    assert town.problems(placed) == []


def test_reconcile_finds_what_no_webhook_told(town: World) -> None:
    """The CRMs' webhooks are off while two deals close; the worker bills what the command found."""
    hooks = _webhooks_off(town.control)
    try:
        placed = town.place(one_each("Unheard"))
        town.win(placed)
        town.settle()
        assert [report.customer for report in town.reports(placed)] == ["", ""]

        told = run_in(town, "reconcile")
    finally:
        _webhooks_on(town.control, hooks)
    town.settle()

    assert told.exit_code == 0
    assert told.output.split() == ["salesforce:", "done", "hubspot:", "done", "stripe:", "done"]
    assert run_in(town, "reconcile", "hubspot").output == "hubspot: done\n"
    again = run_in(town, "reconcile", "hubspot", "--everything").output.splitlines()
    assert again[0] == "hubspot: done"
    assert int(again[1].removeprefix("customers to be read again: ")) >= len(placed)
    town.settle()
    assert town.problems(placed) == []


def test_migrate_changes_nothing_where_all_is_up_to_date(town: World) -> None:
    """The Procfile's release line, as a platform runs it before every start."""
    release = Running("release", line_of_procfile("release"), town.environment, town.directory / "release.log")

    assert release.finish() == 0
    assert "The database is up to date." in release.last_words()
    assert run_in(town, "doctor").exit_code == 0


def _give_address(control: Control, salesforce: str, hubspot: str) -> None:
    control.patch(f"/salesforce/records/Contact/{salesforce}", {"Email": "ap@parked.example"})
    control.patch(f"/hubspot/objects/contacts/{hubspot}", {"properties": {"email": "ap@parked-too.example"}})


def _webhooks_off(control: Control) -> tuple[str, dict[str, object]]:
    """Turn both CRMs' webhooks off; gives what they were."""
    hubspot = control.get("/hubspot/webhooks")["target_url"]
    (rule,) = control.get("/salesforce/outbound")["rules"]
    control.put("/hubspot/webhooks", {"target_url": ""})
    control.post("/salesforce/outbound", {**rule, "criterion": "Name = 'nobody'"})
    return hubspot, rule


def _webhooks_on(control: Control, hooks: tuple[str, dict[str, object]]) -> None:
    control.put("/hubspot/webhooks", {"target_url": hooks[0]})
    control.post("/salesforce/outbound", hooks[1])
