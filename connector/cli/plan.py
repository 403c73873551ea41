"""``connector plan``: everything billing would have to do for one deal, before anything happens."""

from __future__ import annotations

import click

from connector.bootstrap import open_services
from connector.cli.bill import deal_ref
from connector.cli.output import json_option, print_json, print_table
from connector.domain.billing_plan import (
    ExistingPrice,
    MakeCustomer,
    MakeInvoice,
    MakeProduct,
    MakeSubscription,
    PlannedLine,
    Step,
)
from connector.domain.money import Money, exponent
from connector.domain.refs import RecordRef
from connector.ports import Services
from connector.sync.bill_deal import plan_deal


@click.command(short_help="What billing would make of a deal; writes nothing.")
@click.argument("deal")
@json_option
def plan(deal: str, as_json: bool) -> None:
    """Show what billing DEAL (salesforce:ID or hubspot:ID) would make. Nothing is written anywhere."""
    with open_services() as services:
        ref = deal_ref(deal, services.crms)
        records = services.crms[ref.provider].fetch_deal(ref, services.mappings[ref.provider])
        read, planned = plan_deal(records, services)
        billed_by = _billed_by(ref, services)
    if as_json:
        print_json(
            {
                "deal": read.ref,
                "won": read.won,
                "billed": billed_by,
                "steps": list(planned.steps),
                "notes": planned.notes,
            }
        )
        return
    standing = f": billed already, as {' and '.join(billed_by)}; this is what it would come to now" if billed_by else ""
    click.echo(f"{read.name} ({read.ref})" + (standing if read.won else ": not won yet, so nothing is billed"))
    print_table("What billing would make", ("step", "what"), [(step.key.role, _says(step)) for step in planned.steps])
    lines = [line for step in planned.steps for line in _lines(step)]
    currency = next((s.currency for s in planned.steps if isinstance(s, MakeSubscription | MakeInvoice)), "")
    print_table(
        "Lines",
        ("line", "quantity", "price", "amount per period"),
        [(line.description, line.quantity, _price(line, currency), Money(line.amount, currency)) for line in lines],
    )
    for note in planned.notes:
        click.echo(f"note: {note}")


def _billed_by(deal: RecordRef, services: Services) -> list[str]:
    """What bills this deal already, as ids; the plan below it is then a comparison and not a promise."""
    with services.store.begin() as work:
        return [target.id for target in work.links.of(deal).values()] if work.links.billing_of(deal) else []


def _lines(step: Step) -> tuple[PlannedLine, ...]:
    match step:
        case MakeSubscription():
            return step.recurring + step.one_off
        case MakeInvoice():
            return step.lines
        case _:
            return ()


def _price(line: PlannedLine, currency: str) -> str:
    if isinstance(line.price, ExistingPrice):
        return line.price.price_id
    major = line.price.unit_amount.scaleb(-exponent(currency))  # may be finer than the currency: a price per call, say
    return f"{currency.upper()} {major:,f}, {line.price.interval or 'once'}"


def _says(step: Step) -> str:
    match step:
        case MakeCustomer():
            return f"{step.name} <{step.email}>" + (f", adopting {step.adopt}" if step.adopt else "")
        case MakeProduct():
            return step.name
        case MakeSubscription():
            due = f"due in {step.terms.net_days} days" if step.terms.net_days is not None else "charged automatically"
            when = f"starts {step.start}"
            first = "" if step.first_invoice is None else f", first invoice {Money(step.first_invoice, step.currency)}"
            return f"{len(step.recurring)} recurring and {len(step.one_off)} one-off lines, {when}, {due}{first}"
        case MakeInvoice():
            return f"{Money(step.total, step.currency)}"
        case _:
            return step.key.role
