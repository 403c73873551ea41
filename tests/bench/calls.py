"""API calls per outcome: what a won deal and a thousand Stripe events cost at each vendor.

The whole connector runs against the sandbox, as in the demo; the sandbox counts every request it gets. Calls made by
the clock (polls, token renewals) fall within the measured time and count, too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

from connector.cli.demo.book import the_book
from connector.cli.demo.payers import Payers
from connector.cli.demo.seed import Placed, desks, place_all
from connector.cli.demo.stage import Stage, set_up

_MOST_EVENTS = 100_000


@dataclass(frozen=True)
class Calls:
    """How many requests each vendor saw while ``outcomes`` outcomes came about; ``per`` of them make one unit."""

    outcome: str
    outcomes: int
    by_vendor: dict[str, int]
    per: int = 1

    def per_unit(self, vendor: str) -> float:
        return self.by_vendor.get(vendor, 0) * self.per / self.outcomes if self.outcomes else 0.0


def measure_calls(*, quick: bool) -> list[Calls]:
    """Calls per won deal of each CRM, and per 1,000 Stripe events of the weeks that follow."""
    deals, weeks = (4, 2) if quick else (10, 5)
    with tempfile.TemporaryDirectory(prefix="bench-calls-") as directory, set_up(Path(directory)) as stage:
        at = desks(stage.control)
        book = [sale for sale in the_book() if sale.won and not sale.second and not sale.email_missing]
        sales = [sale for crm in sorted(at) for sale in islice((each for each in book if each.crm == crm), deals)]
        placed = place_all(tuple(sales), at)
        stage.settle()
        won = [_won(stage, crm, [one for one in placed if one.sale.crm == crm]) for crm in sorted(at)]
        payers = Payers(stage.control, placed)
        return [*won, _day_by_day(stage, payers, weeks), _at_once(stage, payers, weeks)]


def _won(stage: Stage, crm: str, placed: Sequence[Placed]) -> Calls:
    """Deals won one after the other, each billed and shown before the next: no burst makes them cheaper."""
    desk = desks(stage.control)[crm]
    before = _counts(stage)
    for one in placed:
        desk.win(one)
        stage.settle()
    return Calls(f"won {crm} deal", len(placed), _difference(before, _counts(stage)))


def _day_by_day(stage: Stage, payers: Payers, weeks: int) -> Calls:
    """Invoices fall due and are paid or not, and the connector keeps up each day: the dear case, few events a time."""
    before, known = _counts(stage), _stripe_events(stage)
    for _ in range(weeks * 7):
        stage.control.advance(timedelta(days=1))
        payers.a_day_passes()
        stage.settle()
    return _thousand("1,000 Stripe events, day by day", stage, before, known)


def _at_once(stage: Stage, payers: Payers, weeks: int) -> Calls:
    """The same again in one leap, as after an outage: many events on one account end in one refresh and one write."""
    before, known = _counts(stage), _stripe_events(stage)
    for _ in range(weeks * 7):
        stage.control.advance(timedelta(days=1))
        payers.a_day_passes()
    stage.settle()
    return _thousand("1,000 Stripe events, in one burst", stage, before, known)


def _thousand(outcome: str, stage: Stage, before: dict[str, int], known: int) -> Calls:
    return Calls(outcome, _stripe_events(stage) - known, _difference(before, _counts(stage)), per=1000)


def _counts(stage: Stage) -> dict[str, int]:
    counts = stage.control.get("/log")["counts"]
    return {vendor: sum(operations.values()) for vendor, operations in counts.items()}


def _difference(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {vendor: count - before.get(vendor, 0) for vendor, count in after.items()}


def _stripe_events(stage: Stage) -> int:
    with stage.services.store.begin() as work:
        return sum(event.source == "stripe" for event in work.inbox.recent(_MOST_EVENTS))
