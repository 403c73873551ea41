"""The command line in this process, with a world's environment and nothing else; what it prints is looked through."""

from __future__ import annotations

import os
from collections.abc import Mapping
from unittest.mock import patch

from click.testing import CliRunner, Result

from connector import bootstrap
from connector.cli import cli
from tests.e2e.processes import clean_environment
from tests.e2e.world import World


def run(environment: Mapping[str, str], *arguments: str, stdin: bytes | None = None) -> Result:
    """One command; it ends with one of our exit codes, and prints no traceback."""
    whole = {**clean_environment(), "COLUMNS": "250", **environment}
    with (
        patch.dict(os.environ, whole, clear=True),
        patch.object(bootstrap, "configure_logging"),  # our own log stays as it is
    ):
        result = CliRunner().invoke(cli, arguments, input=stdin, prog_name="connector")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    assert result.exit_code in (0, 1, 2)
    assert "Traceback" not in result.output
    return result


def run_in(world: World, *arguments: str, **changes: str) -> Result:
    """One command in a world; no secret is in what it prints."""
    result = run({**world.environment, **changes}, *arguments)
    leaked = [secret for secret in (*world.secrets, *changes.values()) if len(secret) > 12 and secret in result.output]
    assert not leaked, result.output
    return result
