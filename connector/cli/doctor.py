"""``connector doctor``: is everything as it should be, and if not, what to do."""

from __future__ import annotations

import click

from connector.cli.output import json_option, print_json
from connector.doctor import examine
from connector.ports import CheckStatus


@click.command(short_help="Every check, with a hint for each that fails.")
@json_option
def doctor(as_json: bool) -> None:
    """Check database, engine, credentials, scopes, fields, webhooks, clock and addresses.

    Exits with 1 when a check fails; a warning alone is 0.
    """
    checks = examine()
    if as_json:
        print_json([{"id": c.id, "status": c.status, "sentence": c.sentence, "hint": c.hint} for c in checks])
    else:
        width = max(len(check.id) for check in checks)
        colours = {CheckStatus.OK: "green", CheckStatus.WARN: "yellow", CheckStatus.FAIL: "red"}
        for check in checks:
            click.secho(f"{check.status:<4}", fg=colours[check.status], nl=False)
            click.echo(f"  {check.id:<{width}}  {check.sentence}")
            if check.hint and check.status is not CheckStatus.OK:
                click.echo(f"      hint: {check.hint}")
    click.get_current_context().exit(1 if any(c.status is CheckStatus.FAIL for c in checks) else 0)
