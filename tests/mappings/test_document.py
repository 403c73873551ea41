"""docs/mappings.md is true: its examples load, and it names every conversion, canonical value and command."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from connector.cli.mapping import mapping
from mappings.canonical import NAMES
from mappings.load import load
from mappings.model import PRICE_SOURCES
from mappings.transforms import TRANSFORMS

PAGE = (Path(__file__).parents[2] / "docs" / "mappings.md").read_text(encoding="utf-8")
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
_HEAD = 'crm = "salesforce"\n[objects]\ndeal = "Opportunity"\naccount = "Account"\n'
_NAME = '[[deal]]\ncanonical = "deal.name"\nfield = "Opportunity.Name"\n'


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_can_be_copied_into_a_mapping(example: str) -> None:
    """Where it begins without a table it belongs to the top of the file, as the page says."""
    at_the_top = not re.match(r"(#.*\n)*\[", example)
    mapping = f"{example}{_HEAD}{_NAME}" if at_the_top else f"{_HEAD}{_NAME}{example}"
    assert load(mapping).deal[0].canonical == "deal.name"


@pytest.mark.parametrize("name", [*TRANSFORMS, *PRICE_SOURCES, *(name for group in NAMES.values() for name in group)])
def test_the_page_names_everything_a_mapping_may_say(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("command", mapping.list_commands(click.Context(mapping)))
def test_the_readme_tells_admins_every_mapping_command(command: str) -> None:
    section = README.partition("## Change how deals are read")[2].partition("\n## ")[0]

    assert f"connector mapping {command}" in section
