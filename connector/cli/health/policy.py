"""``connector health policy``: where the words begin, by segment, and how groups roll up; as a file of JSON."""

from __future__ import annotations

import json

import click

from connector.bootstrap import open_services
from connector.cli.approve import by_option
from connector.cli.output import json_option, print_json
from connector.domain.health_policy import HealthPolicy
from connector.errors import Misconfigured
from connector.sentences.said import POLICY_FILE
from connector.sync.set_health_policy import health_policy, set_health_policy

_LARGEST = 256 * 1024


@click.group(short_help="The thresholds of payment health: show, check or set them.")
def policy() -> None:
    """Where the words begin, for everybody and by segment; renewal windows; how groups of accounts roll up."""


@policy.command(short_help="Print the policy in force, as JSON.")
def show() -> None:
    """Print the policy in force, with every threshold: a file to begin with."""
    with open_services() as services:
        print_json(health_policy(services).document())


@policy.command(short_help="Say what is wrong with a policy file, if anything.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@json_option
def check(file: str, as_json: bool) -> None:
    """Read FILE (- for standard input) as a policy and change nothing. Exit code 2: it cannot be used, and why."""
    read = HealthPolicy.parse(_document(file))
    if as_json:
        print_json(read.document())
    else:
        segments = len(read.segments)
        click.echo(f"The policy can be used: {segments} {'segment' if segments == 1 else 'segments'}.")


@policy.command("set", short_help="Put a policy file in force.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--why", default="", help="A reason for the audit log.")
@by_option
def set_policy(file: str, why: str, by: str) -> None:
    """Put the policy of FILE (- for standard input) in force. Every account is looked at by it at once."""
    document = _document(file)
    with open_services() as services:
        customers = set_health_policy(document, services, by=by, why=why)
    click.echo(f"The policy is in force; {customers} {'customer is' if customers == 1 else 'customers are'} looked at.")


def _document(file: str) -> object:
    """The file's JSON.

    Raises:
        Misconfigured: it holds something else, or too much.
    """
    with click.open_file(file, "rb") as opened:
        content = opened.read(_LARGEST + 1)
    try:
        if len(content) > _LARGEST:
            raise Misconfigured.because(POLICY_FILE, file=file, problem="larger than 256 KiB")
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Misconfigured.because(POLICY_FILE, file=file, problem=type(error).__name__) from error
