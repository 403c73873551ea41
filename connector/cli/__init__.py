"""The ``connector`` command: one file per command, each a thin hand on a use-case."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from connector.errors import ConnectorError

_ALONE = (
    *("serve", "worker", "migrate", "demo", "doctor", "setup"),
    *("plan", "bill", "release", "reconcile", "renewals", "mapping", "health", "terms"),
    *("receivables", "revenue"),
)
_COMMANDS = {
    **{name: name for name in _ALONE},
    **dict.fromkeys(("approvals", "approve", "decline"), "approve"),
    **dict.fromkeys(("parked", "replay"), "parked"),
}
"""Each command, and the module here that holds it."""


class _Group(click.Group):
    """Loads only the command that is asked for, and turns our errors into one sentence and an exit code."""

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

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConnectorError as error:
            from connector.cli.output import tell  # a server that runs well has no use for it

            tell(error, ctx)
            ctx.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dealbill", prog_name="connector")
def cli() -> None:
    """Turns won deals into paid invoices, and shows payment health in the CRM.

    Exit codes: 0 all is well; 1 something needs attention; 2 the command could not do its work.
    """


def main() -> None:
    """Run the command line."""
    sys.exit(cli.main(prog_name="connector"))
