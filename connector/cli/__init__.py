"""The ``connector`` command: one file per command, each a thin hand on a use-case."""

from __future__ import annotations

import sys

import click

from connector.cli.approve import approvals, approve, decline
from connector.cli.bill import bill
from connector.cli.demo import demo
from connector.cli.doctor import doctor
from connector.cli.mapping import mapping
from connector.cli.migrate import migrate
from connector.cli.parked import parked, replay
from connector.cli.plan import plan
from connector.cli.reconcile import reconcile
from connector.cli.release import release
from connector.cli.serve import serve
from connector.cli.setup import setup
from connector.cli.worker import worker
from connector.errors import ConnectorError


class _Group(click.Group):
    """Turns our errors into one sentence and an exit code, never a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConnectorError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dealbill", prog_name="connector")
def cli() -> None:
    """Turns won deals into paid invoices, and shows payment health in the CRM.

    Exit codes: 0 all is well; 1 something needs attention; 2 the command could not do its work.
    """


_COMMANDS = (
    *(serve, worker, migrate, demo, doctor, setup),
    *(plan, bill, approvals, approve, decline, release),
    *(parked, replay, reconcile, mapping),
)

for command in _COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Run the command line."""
    sys.exit(cli.main(prog_name="connector"))
