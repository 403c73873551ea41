"""``connector health override``: a person's word about how an account pays, over ours, until a day."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from connector.bootstrap import open_services
from connector.cli.approve import by_option
from connector.cli.output import json_option, print_json, print_table
from connector.cli.terms import account_ref
from connector.domain.health_override import Override
from connector.domain.health_word import Health
from connector.errors import Misconfigured
from connector.ports import NewOverride
from connector.sentences.said import OVERRIDE_INCOMPLETE
from connector.sync.override_health import end_override, override_health

_WORDS = click.Choice([word.value for word in Health])


@click.command(short_help="Set an account's payment health by hand, until a day.")
@click.argument("account", required=False)
@click.option("--word", type=_WORDS, help="What its record shall say.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day on which it holds.")
@click.option("--why", default="", help="The reason; it is shown on the record.")
@click.option("--end", is_flag=True, help="End the one in force; the account's own record speaks again.")
@by_option
@json_option
def override(
    account: str | None, word: str | None, until: datetime | None, why: str, end: bool, by: str, as_json: bool
) -> None:
    """Say how ACCOUNT (salesforce:ID or hubspot:ID) pays, over what its invoices say. Without ACCOUNT: list all.

    Its record says who said so, why, and until when; the late-payer flag and the tasks before a renewal follow it.
    """
    with open_services() as services:
        if account is None:
            with services.store.begin() as work:
                kept = [each for each in work.said.overrides() if each.holds(services.today())]
            _list(kept, as_json=as_json)
            return
        ref = account_ref(account, services.crms)
        if end:
            end_override(ref, services, by=by, why=why)
            said: dict[str, Any] = {"account": str(ref), "ended": True}
            told = f"{ref} is judged by its own invoices again."
        else:
            if word is None or until is None or not why.strip():
                raise Misconfigured.because(OVERRIDE_INCOMPLETE, ref=ref)
            made = override_health(NewOverride(ref, Health(word), by, why.strip(), until.date()), services)
            said = _plain(made)
            told = f"{ref} is {made.word.value} until {made.until}: {made.why}"
    if as_json:
        print_json(said)
    else:
        click.echo(told)


def _list(kept: list[Override], *, as_json: bool) -> None:
    if as_json:
        print_json([_plain(each) for each in kept])
    elif not kept:
        click.echo("No override is in force.")
    else:
        rows = [(str(each.account), each.word.value, each.until, each.set_by, each.why) for each in kept]
        print_table("Overrides in force", ("account", "word", "until", "by", "why"), rows)


def _plain(kept: Override) -> dict[str, Any]:
    return {
        "account": str(kept.account),
        "word": kept.word.value,
        "until": kept.until,
        "by": kept.set_by,
        "why": kept.why,
        "since": kept.set_at,
    }
