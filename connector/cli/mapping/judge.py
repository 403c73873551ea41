"""``connector mapping check`` and ``preview``: what is wrong with a mapping, and what it would change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import click

from connector.bootstrap import open_services
from connector.cli.mapping.named import mapping_named
from connector.cli.output import json_option, print_json
from connector.sync.check_mapping import check_mapping
from connector.sync.preview_mapping import DealPreview, Standing, preview_mapping
from mappings.check import Finding

_ALL_RIGHT = frozenset({Standing.SAME, Standing.GONE, Standing.STILL_REFUSED})


@click.command(short_help="Hold a mapping against the CRM's real fields.")
@click.argument("crm")
@click.argument("mapping", default="active")
@json_option
def check(crm: str, mapping: str, as_json: bool) -> None:
    """Hold the active mapping for CRM, or MAPPING, against the fields the CRM has and the prices billing sells.

    Exits with 1 when a mistake would park deals or lose what is written; a note alone is no mistake.
    """
    with open_services() as services:
        found = check_mapping(mapping_named(crm, mapping, services), services)
    if as_json:
        print_json([_plain(finding) for finding in found])
    else:
        for finding in found:
            click.echo(f"{'wrong' if finding.serious else 'note '}  {finding.sentence} [{finding.id}]")
            click.echo(f"       hint: {finding.hint}")
        serious = sum(finding.serious for finding in found)
        counts = f"{_counted(serious, 'mistake')}, {_counted(len(found) - serious, 'note')}."
        click.echo(counts if found else "Everything in it can work.")
    click.get_current_context().exit(1 if any(finding.serious for finding in found) else 0)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _plain(finding: Finding) -> dict[str, object]:
    return {
        "id": finding.id,
        "where": finding.where,
        "sentence": finding.sentence,
        "hint": finding.hint,
        "serious": finding.serious,
    }


@click.command(short_help="Run a mapping over the last won deals; writes nothing.")
@click.argument("crm")
@click.argument("mapping")
@click.option("--last", default=100, show_default=True, type=click.IntRange(1, 10_000), help="How many won deals.")
@json_option
def preview(crm: str, mapping: str, last: int, as_json: bool) -> None:
    """Run MAPPING over the last won deals of CRM and show what would differ from what was billed.

    Nothing is written anywhere. Exits with 1 when anything differs.
    """
    with open_services() as services:
        found = list(preview_mapping(mapping_named(crm, mapping, services), services, last))
    if as_json:
        print_json([_deal(deal) for deal in found])
    else:
        _tell(found)
    click.get_current_context().exit(0 if all(deal.standing in _ALL_RIGHT for deal in found) else 1)


def _deal(deal: DealPreview) -> dict[str, object]:
    return {
        "deal": deal.deal,
        "name": deal.name,
        "standing": deal.standing.value,
        "billed": deal.billed,
        "changes": list(deal.changes),
        "changed_by_the_deal_itself": list(deal.known),
        "problem": deal.problem,
    }


_WORDS = {
    Standing.DIFFERS: "would differ",
    Standing.REFUSED: "could no longer be billed",
    Standing.HEALED: "could be billed at last",
    Standing.STILL_REFUSED: "could not be billed, as before",
    Standing.SAME: "would be billed exactly so",
    Standing.GONE: "are gone from the CRM",
}


def _tell(found: Sequence[DealPreview]) -> None:
    for deal in found:
        if deal.standing in (Standing.SAME, Standing.GONE):
            continue
        click.echo(f"{deal.deal} {deal.name}: {deal.standing.value.replace('_', ' ')}")
        for change in deal.changes:
            click.echo(f"  {change}{' (by the deal itself, whatever the mapping)' if change in deal.known else ''}")
        if deal.problem:
            click.echo(f"  {deal.problem}")
    counts = Counter(deal.standing for deal in found)
    told = [f"{counts[standing]} {words}" for standing, words in _WORDS.items() if counts[standing]]
    click.echo(f"Of {len(found)} won deals, {', '.join(told)}." if found else "There are no won deals to try it on.")
