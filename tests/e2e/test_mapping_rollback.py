"""A hundred won deals of the demo's book: a mapping is changed and taken back, and nothing of the change is left."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connector.cli.demo.book import the_book
from connector.cli.demo.seed import Placed
from connector.domain.plan_document import document, plan_hash
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.ports import Services
from connector.sync.bill_deal import bill_deal
from connector.sync.plan_deal import plan_deal
from connector.targets import TargetKind, for_record
from mappings.dump import as_toml
from mappings.load import default_mapping
from tests.e2e.book import CRMS
from tests.e2e.command_line import run_in
from tests.e2e.world import World

pytestmark = pytest.mark.slow

LAST = 120
"""So many that a hundred of them have a plan: some have no e-mail address, or a term that their periods do not fit."""

SIGNED = ("--why", "two weeks are too short for our customers", "--by", "ada")
_TERMS = {"salesforce": "Opportunity.Billing_Net_Days__c", "hubspot": "deal.billing_net_days"}


@dataclass(frozen=True)
class Book:
    """The last deals that were won, and those of them that are billed already."""

    last: Sequence[Placed]
    billed: Sequence[RecordRef]
    on: date

    def of(self, crm: str) -> set[str]:
        """The last deals of one CRM."""
        return {str(one.deal) for one in self.last if one.sale.crm == crm}


@pytest.fixture(scope="module")
def book(world_set_up: World) -> Book:
    """Three quarters of the demo, each of another seed. A few deals are billed, as the shipped mapping reads them."""
    placed = [one for seed in (7, 8, 9) for one in world_set_up.place(the_book(seed))]
    won = [one for one in placed if one.sale.won]
    world_set_up.win(won)
    last = won[-LAST:]
    billed = [one.deal for one in last if not one.sale.email_missing][-6:]
    for deal in billed:
        bill_deal(str(deal), world_set_up.services)
        bill_deal(str(deal), world_set_up.services)
    return Book(last, billed, world_set_up.services.today())


def test_a_mapping_that_is_taken_back_leaves_every_plan_as_it_was_byte_for_byte(
    world_set_up: World, book: Book, tmp_path: Path
) -> None:
    """And the preview of it has named exactly the deals that it would have changed."""
    world, services = world_set_up, world_set_up.services
    before = plans(book, services)
    shown = _as_shown(world, book)
    history = _history(book, services)
    versions = {crm: _save(world, crm, tmp_path) for crm in CRMS}

    expected = {deal for crm in CRMS for deal in _that_differ(world, crm, versions[crm]) if deal in book.of(crm)}
    for crm, version in versions.items():
        assert run_in(world, "mapping", "activate", crm, version, *SIGNED).exit_code == 0
    changed = plans(book, services)
    differing = {deal for deal in before if changed[deal] != before[deal]}
    shown_changed = _as_shown(world, book)
    for crm in versions:
        assert run_in(world, "mapping", "rollback", crm, *SIGNED).exit_code == 0
    after = plans(book, services)

    assert len(before) == LAST
    assert LAST - len(_refused(before)) >= 100
    assert differing == expected == {str(one.deal) for one in book.last if one.sale.net_days == 14} - _refused(before)
    assert len(differing) > 20
    assert after == before
    assert shown_changed != shown
    assert _as_shown(world, book) == shown
    assert _history(book, services) == history


def test_what_is_billed_is_not_touched_by_any_of_it(world_set_up: World, book: Book, tmp_path: Path) -> None:
    """Neither while another version is in force nor after it, even when somebody touches the deal."""
    world, services = world_set_up, world_set_up.services
    history = _history(book, services)
    made = world.control.get("/log")["counts"]["stripe"]

    version = {crm: _save(world, crm, tmp_path) for crm in CRMS}
    for crm in CRMS:
        assert run_in(world, "mapping", "activate", crm, version[crm], *SIGNED).exit_code == 0
        assert _touched(book, crm, services) == 0
        assert run_in(world, "mapping", "rollback", crm, *SIGNED).exit_code == 0
        assert _touched(book, crm, services) == 0

    assert _history(book, services) == history
    assert _written(world.control.get("/log")["counts"]["stripe"]) == _written(made)


def plans(book: Book, services: Services) -> dict[str, str]:
    """What billing would make of each deal on the same day: the plan's document and its hash, or why it would not."""
    found: dict[str, str] = {}
    for one in book.last:
        records = services.crms[one.sale.crm].fetch_deal(one.deal, services.mappings[one.sale.crm])
        try:
            seen = plan_deal(records, services, as_of=book.on).seen
        except CannotBill as error:
            found[str(one.deal)] = str(error)
        else:
            found[str(one.deal)] = json.dumps(document(seen), sort_keys=True) + plan_hash(seen)
    return found


def _refused(before: dict[str, str]) -> set[str]:
    return {deal for deal, plan in before.items() if not plan.startswith("{")}


def _as_shown(world: World, book: Book) -> list[str]:
    """What `connector plan` says of a few of them, origins of all values included."""
    some = [one for one in book.last if one.sale.net_days == 14 and not one.sale.email_missing][:4]
    return [run_in(world, "plan", str(one.deal), "--json").output for one in some]


def _history(book: Book, services: Services) -> list[Any]:
    with services.store.begin() as work:
        return [work.plans.history(deal) for deal in book.billed]


def _save(world: World, crm: str, directory: Path) -> str:
    """A version in which fourteen days to pay become thirty, wherever the deal says fourteen."""
    shipped = default_mapping(crm)
    rules = tuple(
        replace(rule, args={"table": {"14": "30"}}) if rule.field == _TERMS[crm] else rule for rule in shipped.deal
    )
    file = directory / f"{crm}.toml"
    file.write_text(as_toml(replace(shipped, deal=rules)))
    saved = run_in(world, "mapping", "save", crm, str(file), *SIGNED, "--json")
    assert saved.exit_code == 0, saved.output
    return str(json.loads(saved.stdout)["version"])


def _that_differ(world: World, crm: str, version: str) -> set[str]:
    """Deals that a preview says would differ; all others would not."""
    deals = json.loads(run_in(world, "mapping", "preview", crm, version, "--last", str(LAST), "--json").stdout)
    assert {deal["standing"] for deal in deals} <= {"same", "differs", "still_refused"}
    return {deal["deal"] for deal in deals if deal["standing"] == "differs"}


def _touched(book: Book, crm: str, services: Services) -> int:
    """Look at every billed deal of a CRM again, as after an edit; gives how many of them are dirty by themselves."""
    mine = [deal for deal in book.billed if deal.provider == crm]
    with services.store.begin() as work:
        dirty = [deal for deal in mine if work.targets.start(for_record(TargetKind.DEAL, deal)) is not None]
    for deal in mine:
        bill_deal(str(deal), services)
    return len(dirty)


def _written(counts: dict[str, int]) -> dict[str, int]:
    return {name: times for name, times in counts.items() if name.startswith(("POST", "DELETE"))}
