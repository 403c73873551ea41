"""``connector parked`` and ``connector replay``: what waits for a person, and the button that tries it again."""

from __future__ import annotations

import re

import click

from connector.bootstrap import open_services
from connector.cli.output import json_option, print_json, print_table
from connector.domain.inbox import InboxEvent
from connector.domain.refs import RecordRef
from connector.errors import Misconfigured, NeedsHuman
from connector.ports import Services
from connector.sentences.commands import NOT_A_TARGET, WHICH_TARGET
from connector.sentences.running import DELIVERY_UNREADABLE
from connector.targets import PORTFOLIO, Target, TargetKind

_ID = re.compile(r" \[([a-z][a-z0-9-]*)\]$")


@click.command(short_help="What waits for a person, with the reason.")
@json_option
def parked(as_json: bool) -> None:
    """List what waits for a person, with the reason. Exits with 1 when something does."""
    with open_services() as services, services.store.begin() as work:
        waiting = work.targets.parked()
        rows = work.records.parked()
        poison = work.inbox.recent(problems_only=True)
    if as_json:
        print_json(
            {
                "targets": [{"target": str(p.target), "since": p.since, **_told(p.error)} for p in waiting],
                "records": [{"record": str(ref), **_told(error)} for ref, error in rows],
                "events": [
                    {"source": e.source, "event_id": e.event_id, "problem": e.problem, "id": DELIVERY_UNREADABLE.id}
                    for e in poison
                ],
            }
        )
    else:
        found = [(str(p.target), p.error) for p in waiting]
        found += [(str(ref), error) for ref, error in rows]
        found += [(f"event {e.source} {e.event_id}", _unread(e).with_id) for e in poison]
        if found:
            print_table("Waiting for a person", ("what", "why"), found)
        else:
            click.echo("Nothing is parked.")
    click.get_current_context().exit(1 if waiting or rows or poison else 0)


@click.command(short_help="Try what is parked again.")
@click.argument("target", required=False)
@click.option("--all", "everything", is_flag=True, help="Replay everything that is parked.")
def replay(target: str | None, everything: bool) -> None:
    """Try parked TARGET (kind/ref, as `connector parked` prints it) again, or --all of them."""
    if bool(target) == everything:
        raise Misconfigured.because(WHICH_TARGET)
    with open_services() as services:
        chosen = _all(services) if everything else [_target(str(target), services)]
        with services.store.begin() as work:
            for each in sorted(chosen):
                work.targets.mark_dirty(each)
    click.echo(f"{len(chosen)} to be tried again.")


def _told(error: str) -> dict[str, str]:
    """What is kept of an error: its sentence, and the id that ends it (see ``ConnectorError.with_id``)."""
    named = _ID.search(error)
    return {"error": error[: named.start()], "id": named[1]} if named else {"error": error, "id": ""}


def _unread(event: InboxEvent) -> NeedsHuman:
    return NeedsHuman.because(DELIVERY_UNREADABLE, source=event.source, problem=event.problem)


def _all(services: Services) -> list[Target]:
    with services.store.begin() as work:
        return [p.target for p in work.targets.parked(limit=10_000)]


def _target(text: str, services: Services) -> Target:
    kind, _, ref = text.partition("/")
    if kind not in list(TargetKind) or not _names_a_record(TargetKind(kind), ref, services):
        raise Misconfigured.because(NOT_A_TARGET, text=repr(text))
    return Target(TargetKind(kind), ref)


def _names_a_record(kind: TargetKind, ref: str, services: Services) -> bool:
    """Whether the work could begin at all: a slip of the pen would be parked for good, as a bug of ours."""
    connected = {*services.crms, services.billing.name}
    if kind is TargetKind.CRM:
        return ref in services.crms
    if kind is TargetKind.POLL:
        return ref in connected
    if kind is TargetKind.PORTFOLIO:
        return ref == PORTFOLIO.ref
    try:
        return RecordRef.parse(ref).provider in connected
    except ValueError:
        return False
