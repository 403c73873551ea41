"""The command line loads what is asked for, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from connector.cli import cli
from connector.cli.output import print_table, tell
from connector.cli.parked import _told
from connector.errors import CannotBill, ConnectorError
from connector.sentences.commands import WHICH_TARGET
from connector.sentences.crm import DEAL_MERGED
from connector.sentences.planning import NO_CURRENCY
from tests.factories import ref

_LOADED = """
import sys
import click
from connector.cli import cli

cli.get_command(click.Context(cli), sys.argv[1])
print(*(name for name in sys.modules if name.startswith("connector.cli.") or name == "connector.sandbox"))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("command", "shows"), [("serve", ()), ("demo", ("plan", "bill"))])
def test_a_command_waits_for_no_other(command: str, shows: tuple[str, ...]) -> None:
    """A worker that starts again in the night has no use for the demo, nor the demo for a sandbox of its own.

    The demo shows what ``connector plan`` shows, which names deals as ``connector bill`` does.
    """
    run = subprocess.run([sys.executable, "-c", _LOADED, command], capture_output=True, text=True, check=True)

    loaded = run.stdout.split()
    assert f"connector.cli.{command}" in loaded
    assert "connector.sandbox" not in loaded
    known = tuple(f"connector.cli.{name}" for name in (command, "output", *shows))
    assert [name for name in loaded if not name.startswith(known)] == []


def test_a_command_that_does_not_exist_is_none() -> None:
    assert cli.get_command(click.Context(cli), "nope") is None


def test_a_command_that_fails_tells_the_sentence_its_id_and_where_to_read_more() -> None:
    done = CliRunner().invoke(cli, ["replay"])

    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr == f"error: {WHICH_TARGET.text} {WHICH_TARGET.fix} [docs/errors.md#{WHICH_TARGET.id}]\n"


def test_a_command_that_fails_answers_in_json_when_it_was_asked_to() -> None:
    """A script reads one document, whether the command did its work or not."""
    done = CliRunner().invoke(cli, ["bill", "hubspot:1", "--json"], env={"DATABASE_URL": "mysql://nowhere"})

    assert done.exit_code == 2
    assert done.stderr == ""
    error = json.loads(done.stdout)["error"]
    assert (error["id"], error["see"]) == ("database-address-unusable", "docs/errors.md#database-address-unusable")
    assert "not that of a Postgres" in error["message"]
    assert "DATABASE_URL" in error["hint"]


def test_a_failure_names_the_field_and_the_record_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    context = click.Context(cli)
    context.meta["connector.as_json"] = True

    tell(CannotBill.because(NO_CURRENCY, ref=ref("deal", "7")), context)

    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["field"], error["record"]) == ("deal.currency", str(ref("deal", "7")))


def test_an_error_without_an_id_promises_no_page(capsys: pytest.CaptureFixture[str]) -> None:
    tell(ConnectorError("It broke."), click.Context(cli))

    assert capsys.readouterr().err == "error: It broke.\n"


def test_what_is_parked_tells_a_script_the_id_apart() -> None:
    error = CannotBill.because(DEAL_MERGED, other=9)

    assert _told(error.with_id) == {"error": str(error), "id": "deal-merged"}
    assert _told("Some older text.") == {"error": "Some older text.", "id": ""}


def test_a_narrow_table_still_shows_each_id_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")

    print_table("Waiting", ("deal", "why"), [("salesforce:0065g0000009qDZAAY", "It is worth more than that. " * 9)])

    assert "salesforce:0065g0000009qDZAAY" in capsys.readouterr().out


def test_a_narrow_table_loses_no_letter(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    path = "OpportunityLineItem.Product2.A_Very_Long_Field_Of_Our_Own__c"

    print_table("Origins", ("value", "from"), [("how often it is billed", path)])

    printed = "".join(line.split("│")[2].strip() for line in capsys.readouterr().out.splitlines() if "│" in line)
    assert printed == path


def test_a_table_too_wide_for_the_terminal_becomes_lines_that_are_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    columns = ("account", "name", "renews on", "overdue", "exposure", "why")
    why = "Usually pays 26 days after due. " * 3

    print_table("Renewals", columns, [("hubspot:20400000015", "Acme [bold]", "2027-02-21", "EUR 1.00", "", why)])

    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[:5] == [
        "Renewals",
        "account hubspot:20400000015",
        "name       Acme [bold]",
        "renews on  2027-02-21",
        "overdue    EUR 1.00",
    ]
    assert " ".join(lines[5:]).removeprefix("why").strip() == why.strip()
