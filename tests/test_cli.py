"""The command line loads what is asked for, and nothing else."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from connector.cli import cli

_LOADED = """
import sys
import click
from connector.cli import cli

cli.get_command(click.Context(cli), sys.argv[1])
print(*(name for name in sys.modules if name.startswith("connector.cli.") or name == "connector.sandbox"))
"""


@pytest.mark.slow
@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_command_waits_for_no_other(command: str) -> None:
    """A worker that starts again in the night has no use for the demo, nor the demo for a sandbox of its own."""
    run = subprocess.run([sys.executable, "-c", _LOADED, command], capture_output=True, text=True, check=True)

    loaded = run.stdout.split()
    assert f"connector.cli.{command}" in loaded
    assert "connector.sandbox" not in loaded
    assert [name for name in loaded if not name.startswith((f"connector.cli.{command}", "connector.cli.output"))] == []


def test_a_command_that_does_not_exist_is_none() -> None:
    assert cli.get_command(click.Context(cli), "nope") is None
