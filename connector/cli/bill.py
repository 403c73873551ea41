"""``connector bill``: bill one deal now, as its webhook would have."""

from __future__ import annotations

from collections.abc import Collection

import click

from connector.bootstrap import open_services
from connector.cli.output import json_option, print_json
from connector.domain.refs import RecordRef
from connector.errors import Misconfigured
from connector.sentences.commands import NOT_A_DEAL, NOT_CONNECTED
from connector.sync.bill_deal import bill_deal


def deal_ref(text: str, crms: Collection[str]) -> RecordRef:
    """``salesforce:006...`` or ``salesforce:deal:006...`` as a reference.

    Raises:
        Misconfigured: the text names no deal, or a CRM that is not connected.
    """
    parts = text.split(":")
    ref = RecordRef(parts[0], "deal", parts[-1]) if len(parts) in (2, 3) and all(parts) else None
    if ref is None or (len(parts) == 3 and parts[1] != "deal"):
        raise Misconfigured.because(NOT_A_DEAL, text=repr(text))
    if ref.provider not in crms:
        raise Misconfigured.because(NOT_CONNECTED, name=ref.provider, connected=", ".join(crms) or "none")
    return ref


@click.command(short_help="Bill one won deal now.")
@click.argument("deal")
@json_option
def bill(deal: str, as_json: bool) -> None:
    """Bill DEAL (salesforce:ID or hubspot:ID) now, if it is won and not billed yet."""
    with open_services() as services:
        ref = deal_ref(deal, services.crms)
        bill_deal(str(ref), services, asked=True)
        with services.store.begin() as work:
            links = work.links.of(ref)
            billing = work.links.billing_of(ref)
    answer = {"deal": str(ref), "customer": billing.customer.id if billing else None} | {
        role: target.id for role, target in links.items()
    }
    if as_json:
        print_json(answer)
    elif billing is None:
        click.echo(f"{ref} is not won, so there is nothing to bill.")
    else:
        click.echo(f"{ref} is billed: " + ", ".join(f"{k} {v}" for k, v in answer.items() if k != "deal"))
