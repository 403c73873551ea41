"""``connector health``: assess payment records, and try on past invoices what the assessment is worth."""

from __future__ import annotations

from importlib import import_module

import click

_COMMANDS = {name: name for name in ("assess", "evaluate", "override", "policy", "promise")}
"""Each command, and the module here that holds it: a file of invoices is assessed without loading any database."""


class _Group(click.Group):
    """Loads only the command that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, by name."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None if there is none."""
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), cmd_name)
        return command


@click.group(cls=_Group, short_help="Who pays how late: assess customers, and try the score on past invoices.")
def health() -> None:
    """Who pays how late, why we say so, and what the score was worth on past invoices.

    Exit codes: 0 all is well; 1 something needs attention, an unreadable file of invoices for one; 2 the command
    could not do its work.
    """
