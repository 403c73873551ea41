"""``connector setup``: make what a vendor needs, once, and never touch what a customer made."""

from __future__ import annotations

import click

from connector.bootstrap import open_services
from connector.cli.output import json_option, print_json
from connector.errors import Misconfigured
from connector.ports import Services, SetupAction
from connector.sentences.commands import NOT_CONNECTED


@click.command(short_help="Make the fields, permissions or endpoint a vendor needs.")
@click.argument("provider")
@click.option("--check", is_flag=True, help="Only print the plan; exit with 1 when something is missing.")
@json_option
def setup(provider: str, check: bool, as_json: bool) -> None:
    """Make the fields, permissions or webhook endpoint that PROVIDER (salesforce, hubspot, stripe) needs.

    Prints its plan first. What exists already is left exactly as it is.
    """
    with open_services() as services:
        actions = _actions(provider, services)
        missing = [action for action in actions if not action.done]
        if not as_json:
            for action in actions:
                click.echo(f"{'ok  ' if action.done else 'make'}  {action.id}: {action.sentence}")
        if not check:
            for action in missing:
                if action.apply is not None:
                    action.apply()
                    if not as_json:
                        click.echo(f"made  {action.id}")
        secret = services.billing.new_secret
    if as_json:
        print_json(
            [
                {"id": a.id, "sentence": a.sentence, "was_there": a.done, "made": not a.done and not check}
                for a in actions
            ]
        )
    elif not missing:
        click.echo(f"{provider} has everything it needs.")
    if secret is not None:
        click.echo(f"Signing secret, shown this once: {secret.get_secret_value()}", err=as_json)
    click.get_current_context().exit(1 if check and missing else 0)


def _actions(provider: str, services: Services) -> list[SetupAction]:
    if provider in services.crms:
        return services.crms[provider].setup(services.mappings[provider])
    if provider == services.billing.name:
        return services.billing.setup(services.public_url)
    connected = [*services.crms, services.billing.name]
    raise Misconfigured.because(NOT_CONNECTED, name=provider, connected=", ".join(connected))
