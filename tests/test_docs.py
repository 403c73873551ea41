"""What the README says is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from connector.billing import BILLINGS
from connector.cli import cli
from connector.crm import CRMS
from connector.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CARDS = [*CRMS.values(), *BILLINGS.values()]
COMMANDS = cli.list_commands(click.Context(cli))


def variables() -> list[str]:
    """Every environment variable that any settings class reads."""
    models = [Settings, *(card.settings for card in CARDS)]
    return [
        f"{model.model_config.get('env_prefix', '')}{name}".upper() for model in models for name in model.model_fields
    ]


@pytest.mark.parametrize("variable", variables())
def test_the_readme_explains_every_variable(variable: str) -> None:
    assert f"`{variable}`" in README


def test_the_readme_names_no_variable_that_is_not_read() -> None:
    table = README.partition("## Configuration")[2].partition("\n## ")[0]
    named = {name for row in re.findall(r"^\| (`.+?`) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert named == set(variables())


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_every_command(command: str) -> None:
    assert f"connector {command}" in README


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert command.help


def test_the_readme_begins_with_the_two_commands() -> None:
    head = README[:600]
    assert "make demo" in head
    assert "make test" in head


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_the_readme_says_how_to_connect_every_provider(card: object) -> None:
    assert f"**{card.label}.**" in README  # type: ignore[attr-defined]  # a CRM's card or billing's


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_every_link_of_the_readme_leads_somewhere(link: str) -> None:
    assert link.startswith("https://") or (ROOT / link).exists()


def test_the_changelog_says_whom_each_line_touches() -> None:
    lines = [line for line in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines() if line.startswith("- ")]
    known = {"Everyone", "Operators", "Admins", *(card.label for card in CARDS)}
    assert lines
    assert all(re.match(r"- \*\*(.+?):\*\* ", line) and line[4:].partition(":**")[0] in known for line in lines)


def test_the_procfile_has_a_line_for_each_process() -> None:
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    assert [line.partition(":")[0] for line in lines] == ["release", "web", "worker"]
