"""``connector reconcile``: ask each side now what its webhooks missed."""

from __future__ import annotations

import click

from connector.bootstrap import open_services
from connector.errors import Misconfigured
from connector.sentences.commands import NOT_CONNECTED
from connector.sync.read_everybody import read_everybody
from connector.sync.reconcile import reconcile as ask


@click.command(short_help="Ask each side now what its webhooks missed.")
@click.argument("provider", required=False)
@click.option("--everything", is_flag=True, help="Also read every billing customer again: once after an upgrade.")
def reconcile(provider: str | None, everything: bool) -> None:
    """Ask PROVIDER (or every connected one) what its webhooks missed, and mark the work; a worker does it."""
    with open_services() as services:
        names = [*services.crms, services.billing.name]
        if provider is not None and provider not in names:
            raise Misconfigured.because(NOT_CONNECTED, name=provider, connected=", ".join(names))
        for name in [provider] if provider else names:
            ask(name, services)
            click.echo(f"{name}: done")
        if everything:
            click.echo(f"customers to be read again: {read_everybody(services)}")
