"""``connector release``: let a held draft invoice go as it is."""

from __future__ import annotations

import click

from connector.bootstrap import open_services
from connector.cli.approve import by_option
from connector.domain.refs import RecordRef
from connector.sync.check_drafts import release_draft


@click.command(short_help="Let a held draft invoice go.")
@click.argument("invoice")
@click.option("--why", required=True, help="Why it is right as it is; kept in the audit log.")
@by_option
def release(invoice: str, why: str, by: str) -> None:
    """Let INVOICE (its id in billing) go, although it differs from its contract."""
    with open_services() as services:
        release_draft(RecordRef(services.billing.name, "invoice", invoice), services, by=by, why=why)
    click.echo(f"{invoice} takes its course.")
