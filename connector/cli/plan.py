"""``connector plan``: everything billing would have to do for one deal, and every invoice, before anything happens."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import click

from connector.bootstrap import open_services
from connector.cli.bill import deal_ref
from connector.cli.output import json_option, print_json
from connector.cli.plan_tables import print_plan
from connector.domain.forecast import Forecast, forecast
from connector.domain.plan_document import document, forecast_document, plan_hash
from connector.domain.refs import RecordRef
from connector.ports import Services
from connector.sync.check_terms import check_terms
from connector.sync.plan_deal import Planned, plan_deal
from connector.sync.provenance import Provenance, provenance
from connector.sync.read_deal import read_deal_with_origins


@dataclass(frozen=True, slots=True)
class Preview:
    """A deal's plan, what it will come to, and where each of its values was read."""

    found: Planned
    foreseen: Forecast
    origins: list[Provenance]
    waits: str = ""  #: why it would wait for the sake of its terms

    def show(self) -> None:
        """Print it for a person."""
        print_plan(self.found.plan, self.foreseen, self.origins)


def preview(ref: RecordRef, services: Services) -> Preview:
    """Look at one deal as billing would, without a write anywhere.

    Raises:
        CannotBill: it cannot be billed exactly as it stands.
    """
    mapping = services.mappings[ref.provider]
    records = services.crms[ref.provider].fetch_deal(ref, mapping)
    found = plan_deal(records, services)
    origins = provenance(read_deal_with_origins(records, mapping), services.billing_policy, found.terms)
    waits = check_terms(found, services).reason
    return Preview(found, forecast(found.plan, services.today()), origins, waits)


@click.command(short_help="What billing would make of a deal, every invoice included; writes nothing.")
@click.argument("deal")
@json_option
def plan(deal: str, as_json: bool) -> None:
    """Show what billing DEAL (salesforce:ID or hubspot:ID) would make. Nothing is written anywhere.

    That is every object and phase, every invoice until the term ends, and the CRM field behind each value.
    """
    with open_services() as services:
        ref = deal_ref(deal, services.crms)
        looked = preview(ref, services)
        billed_by = _billed_by(ref, services)
    if as_json:
        print_json(_plain(looked, billed_by))
        return
    read = looked.found.deal
    standing = f": billed already, as {' and '.join(billed_by)}; this is what it would come to now" if billed_by else ""
    click.echo(f"{read.name} ({ref})" + (standing if read.won else ": not won yet, so nothing is billed"))
    if looked.waits and not billed_by:
        click.echo(f"It would wait for approval. {looked.waits}")
    looked.show()


def _billed_by(deal: RecordRef, services: Services) -> list[str]:
    """What bills this deal already, as ids; the plan below it is then a comparison and not a promise."""
    with services.store.begin() as work:
        return [target.id for target in work.links.of(deal).values()] if work.links.billing_of(deal) else []


def _plain(looked: Preview, billed_by: list[str]) -> dict[str, Any]:
    found, foreseen = looked.found, looked.foreseen
    planned = document(found.plan)
    return {
        "deal": str(found.deal.ref),
        "won": found.deal.won,
        "billed": billed_by,
        "hash": plan_hash(found.plan),
        "steps": planned["steps"],
        "notes": planned["notes"],
        "waits": looked.waits if not billed_by else "",
        "invoices": forecast_document(foreseen),
        "adjustments": [{**asdict(each), "step": str(each.step)} for each in foreseen.adjustments],
        "total": foreseen.total,
        "until": foreseen.until.isoformat(),
        "runs_on": foreseen.runs_on,
        "origins": [{**asdict(each), "record": str(each.record)} for each in looked.origins],
    }
