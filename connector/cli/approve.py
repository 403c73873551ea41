"""``connector approvals|approve|decline``: what waits for a person, and what they say."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import click

from connector.bootstrap import open_services
from connector.cli.bill import deal_ref
from connector.cli.output import json_option, print_json, print_table
from connector.cli.somebody import somebody
from connector.ports import DealPlan
from connector.sync.decide_plan import approve_plan, decline_plan

by_option = click.option("--by", default=somebody, show_default="you", help="Who decides; kept in the audit log.")


@click.command(short_help="Plans that wait for a person.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="How many at most.")
@json_option
def approvals(limit: int, as_json: bool) -> None:
    """List the plans that wait for approval, longest first."""
    with open_services() as services, services.store.begin() as work:
        waiting = work.plans.waiting(limit)
    if as_json:
        print_json([_plain(plan) for plan in waiting])
        return
    if not waiting:
        click.echo("Nothing waits for approval.")
        return
    rows = [(f"{p.deal.provider}:{p.deal.id}", f"{p.made_at:%Y-%m-%d %H:%M}", p.hash[:12], p.reason) for p in waiting]
    print_table("Waiting for approval", ("deal", "since", "plan", "why"), rows)


@click.command(short_help="Agree to a deal's plan, and have it billed.")
@click.argument("deal")
@click.option("--hash", "seen", default="", help="The plan you have looked at; refused if it is another by now.")
@click.option("--why", default="", help="A reason for the audit log.")
@by_option
@json_option
def approve(deal: str, seen: str, why: str, by: str, as_json: bool) -> None:
    """Approve what waits for DEAL (salesforce:ID or hubspot:ID). A worker then bills exactly that."""
    with open_services() as services:
        decided = approve_plan(deal_ref(deal, services.crms), services, by=by, why=why, seen=seen)
    _tell(decided, as_json=as_json)


@click.command(short_help="Say no to a deal's plan.")
@click.argument("deal")
@click.option("--hash", "seen", default="", help="The plan you have looked at; refused if it is another by now.")
@click.option("--why", required=True, help="What has to change: it is shown on the deal.")
@by_option
@json_option
def decline(deal: str, seen: str, why: str, by: str, as_json: bool) -> None:
    """Decline what waits for DEAL. It is planned again when the deal changes."""
    with open_services() as services:
        decided = decline_plan(deal_ref(deal, services.crms), services, by=by, why=why, seen=seen)
    _tell(decided, as_json=as_json)


def _tell(decided: DealPlan, *, as_json: bool) -> None:
    if as_json:
        print_json(_plain(decided))
    else:
        click.echo(f"{decided.deal} is {decided.state.value}: plan {decided.hash[:12]}.")


def _plain(plan: DealPlan) -> dict[str, Any]:
    """Without the steps of a change: the document says the same in words for scripts."""
    told = asdict(replace(plan, change=None))
    del told["change"]
    return {**told, "deal": str(plan.deal)}
