"""``connector terms``: which terms a payment record supports, and who answers for longer ones."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import click

from connector.bootstrap import open_services
from connector.cli.approve import by_option
from connector.cli.output import json_option, print_json, print_table
from connector.domain.billing_plan import StepKey
from connector.domain.deal import Deal
from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.domain.terms_advice import LONGEST_TERMS, TermsException, against
from connector.errors import Misconfigured, NeedsHuman, NotFound
from connector.ports import Services
from connector.sentences import terms as sentences
from connector.sentences.commands import NOT_CONNECTED
from connector.sync.advise_terms import TermsLook, named, terms_of_account, terms_of_deal, told
from connector.sync.allow_terms import allow_terms, end_exception
from connector.sync.read_deal import read_deal


@click.group(short_help="Terms that payment records support, and exceptions to them.")
def terms() -> None:
    """What an account's payment record supports at deal time, and who answers for terms that go beyond it."""


@terms.command(short_help="Which terms an account, or a deal's payer, may have.")
@click.argument("record")
@json_option
@click.pass_context
def advise(context: click.Context, record: str, as_json: bool) -> None:
    """Say which terms the payment record of RECORD supports, from the ledger alone.

    RECORD is an account or a deal: salesforce:ID or hubspot:ID for an account that was billed, else for a deal;
    salesforce:account:ID and salesforce:deal:ID leave no doubt. Exit code 1: the deal's terms go against it.
    """
    with open_services() as services:
        ref = _record(record, services)
        deal = _read(ref, services, sure=":deal:" in record) if ref.kind == "deal" else None
        look = terms_of_deal(deal, services) if deal is not None else terms_of_account(ref, services)
        if look is None:
            raise NeedsHuman.because(sentences.UNKNOWN_TO_BILLING, ref=ref, record=str(ref))
        said = told(look, deal.terms if deal is not None else None, services)
        objections = _objections(look, deal, services)
    if as_json:
        print_json(_advice(ref, look, objections))
    else:
        click.echo(said)
    context.exit(1 if objections else 0)


@terms.command(short_help="Record that somebody answers for longer terms.")
@click.argument("account")
@click.option(
    "--net-days", required=True, type=click.IntRange(0, LONGEST_TERMS), help="The most days to pay that are allowed."
)
@click.option("--owner", required=True, help="Who answers for it, by name.")
@click.option("--why", required=True, help="The reason; it is shown on the deals it allows.")
@click.option("--until", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The last day on which it holds.")
@by_option
@json_option
def allow(account: str, net_days: int, owner: str, why: str, until: datetime, by: str, as_json: bool) -> None:
    """Allow ACCOUNT (salesforce:ID or hubspot:ID) so many days to pay, whatever its payment record says.

    Deals that wait for nothing else are billed.
    """
    with open_services() as services:
        ref = account_ref(account, services.crms)
        asked = TermsException(ref, net_days, owner, why, until.date(), by, services.clock())
        kept = allow_terms(asked, services)
    if as_json:
        print_json(_plain(kept))
    else:
        click.echo(kept.said)


@terms.command(short_help="Who answers for longer terms, and until when.")
@click.option("--all", "everything", is_flag=True, help="Those that are over or were ended, too.")
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1, 100_000), help="How many at most.")
@json_option
def exceptions(everything: bool, limit: int, as_json: bool) -> None:
    """List the exceptions in force, the newest first."""
    with open_services() as services, services.store.begin() as work:
        today = services.today()
        found = work.terms.list(None if everything else today, limit)
    if as_json:
        print_json([{**_plain(each), "in_force": each.in_force(today)} for each in found])
        return
    if not found:
        click.echo("No exception was ever recorded." if everything else "No exception is in force.")
        return
    rows = [
        (each.id, named(each.account), each.net_days, each.until, each.owner, each.why, _standing(each, today))
        for each in found
    ]
    print_table("Exceptions to terms", ("id", "account", "days", "until", "owner", "why", "stands"), rows)


@terms.command(short_help="End an exception before its time.")
@click.argument("exception", type=int)
@click.option("--why", required=True, help="What has changed; kept in the audit log.")
@by_option
def end(exception: int, why: str, by: str) -> None:
    """End EXCEPTION (its number). What was billed by it stays as it is."""
    with open_services() as services:
        ended = end_exception(exception, services, by=by, why=why)
    click.echo(f"Exception {ended.id} of {named(ended.account)} is ended.")


def account_ref(text: str, crms: Collection[str]) -> RecordRef:
    """``salesforce:001...`` or ``salesforce:account:001...`` as a reference.

    Raises:
        Misconfigured: the text names no account, or a CRM that is not connected.
    """
    return _parsed(text, crms, ("account",))


def _record(text: str, services: Services) -> RecordRef:
    """An account or a deal; where the text leaves open which, an account if it was billed."""
    ref = _parsed(text, services.crms, ("account", "deal"))
    if text.count(":") == 1:
        with services.store.begin() as work:
            known = work.links.get(StepKey(ref, CUSTOMER)) is not None
        return ref if known else RecordRef(ref.provider, "deal", ref.id)
    return ref


def _parsed(text: str, crms: Collection[str], kinds: Collection[str]) -> RecordRef:
    parts = text.split(":")
    kind = parts[1] if len(parts) == 3 else "account"
    if len(parts) not in (2, 3) or not all(parts) or kind not in kinds:
        raise Misconfigured.because(sentences.NOT_AN_ACCOUNT, text=repr(text))
    if parts[0] not in crms:
        raise Misconfigured.because(NOT_CONNECTED, name=parts[0], connected=", ".join(crms) or "none")
    return RecordRef(parts[0], kind, parts[-1])


def _read(ref: RecordRef, services: Services, *, sure: bool) -> Deal:
    """The deal; what was only taken for one, and is none, is told as a record that billing does not know."""
    mapping = services.mappings[ref.provider]
    try:
        return read_deal(services.crms[ref.provider].fetch_deal(ref, mapping), mapping)
    except NotFound as error:
        if sure:
            raise
        raise NeedsHuman.because(sentences.UNKNOWN_TO_BILLING, ref=ref, record=f"{ref.provider}:{ref.id}") from error


def _objections(look: TermsLook, deal: Deal | None, services: Services) -> str:
    asked = look.asks(deal.terms, services) if deal is not None else None
    if asked is None:
        return ""
    return against(asked, look.advice, look.exceptions, services.today(), named(look.account))


def _advice(ref: RecordRef, look: TermsLook, objections: str) -> dict[str, Any]:
    advice = look.advice
    return {
        "record": str(ref),
        "account": str(look.account),
        "health": advice.word.value,
        "net_days": advice.net_days,
        "prepay": advice.prepay,
        "needs_approval": advice.needs_approval,
        "sentence": advice.sentence,
        "reasons": list(advice.reasons),
        "exceptions": [_plain(each) for each in look.exceptions],
        "against": objections,
    }


def _plain(exception: TermsException) -> dict[str, Any]:
    return {**asdict(exception), "account": str(exception.account)}


def _standing(exception: TermsException, today: date) -> str:
    if exception.ended_at is not None:
        return f"ended {exception.ended_at:%Y-%m-%d}"
    return "in force" if exception.in_force(today) else "over"
