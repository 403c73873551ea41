"""Every command on a database that nobody has migrated: one sentence that says to, never a traceback."""

from __future__ import annotations

import json

import pytest

from tests.e2e.command_line import run_in
from tests.e2e.world import World

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "arguments",
    [
        ("setup", "salesforce"),
        ("setup", "hubspot", "--check"),
        ("plan", "hubspot:1"),
        ("bill", "hubspot:1"),
        ("parked",),
        ("approvals",),
        ("reconcile",),
        ("mapping", "show", "hubspot"),
        ("mapping", "show", "salesforce", "--versions"),
        ("mapping", "check", "hubspot"),
        ("mapping", "preview", "hubspot", "shipped"),
        ("mapping", "diff", "hubspot", "shipped"),
        ("mapping", "save", "hubspot", "shipped", "--why", "to try it"),
        ("mapping", "activate", "hubspot", "1", "--why", "to try it"),
        ("mapping", "rollback", "hubspot", "--why", "to try it"),
        ("mapping", "export", "hubspot"),
    ],
    ids=" ".join,
)
def test_a_command_says_to_migrate(untouched_world: World, empty_database_url: str, arguments: tuple[str, ...]) -> None:
    told = run_in(untouched_world, *arguments, DATABASE_URL=empty_database_url)

    assert told.exit_code == 2
    assert told.stdout == ""
    assert told.stderr.startswith("error: The database lacks tables that this version needs. Run `connector migrate`.")
    assert len(told.stderr.splitlines()) == 1


def test_doctor_says_so_among_its_findings(untouched_world: World, empty_database_url: str) -> None:
    told = run_in(untouched_world, "doctor", "--json", DATABASE_URL=empty_database_url)

    checks = {check["id"]: check for check in json.loads(told.stdout)}
    assert told.exit_code == 1
    for name in ("storage.tables", "engine.tables"):
        assert checks[name]["status"] == "fail"
        assert "connector migrate" in checks[name]["hint"]
    for name in ("engine", "work", "salesforce", "hubspot"):
        assert checks[name]["hint"] == "Run `connector migrate`."


def test_after_migrate_the_same_commands_work(untouched_world: World, empty_database_url: str) -> None:
    assert run_in(untouched_world, "migrate", DATABASE_URL=empty_database_url).exit_code == 0

    assert run_in(untouched_world, "mapping", "show", "hubspot", DATABASE_URL=empty_database_url).exit_code == 0
    assert run_in(untouched_world, "setup", "hubspot", "--check", DATABASE_URL=empty_database_url).exit_code == 1
