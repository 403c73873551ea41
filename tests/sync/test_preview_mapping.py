"""A candidate mapping run over the deals won last: what would differ from what was billed, and nothing else happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.refs import RecordRef
from connector.errors import Unreachable
from connector.ports import DealRecords
from connector.sync.bill_deal import bill_deal
from connector.sync.change_mapping import activate_mapping, save_mapping
from connector.sync.preview_mapping import DealPreview, Standing, preview_mapping
from mappings.load import default_mapping
from mappings.model import FieldMapping, FieldRule, PriceRules
from tests.factories import NOW
from tests.mappings.records import a_hubspot_deal
from tests.sync.conftest import World
from tests.sync.mapping_world import MappingWorld, many_deals, shipped_but

SHIPPED = default_mapping("hubspot")
CUSTOM_PO = shipped_but(FieldRule("terms.po_number", "deal.custom_po"))
NEEDS_PO = shipped_but(FieldRule("terms.po_number", "deal.custom_po", required=True))


@pytest.fixture
def desk(world: World) -> MappingWorld:
    return MappingWorld.around(world)


def previewed(desk: MappingWorld, candidate: FieldMapping, last: int = 100) -> list[DealPreview]:
    return list(preview_mapping(candidate, desk.services, last))


def the_one(desk: MappingWorld, candidate: FieldMapping, deal: DealRecords) -> DealPreview:
    desk.has(deal)
    (found,) = previewed(desk, candidate)
    return found


def bill(desk: MappingWorld, ref: RecordRef) -> None:
    bill_deal(str(ref), desk.services)


def in_force(desk: MappingWorld, mapping: FieldMapping) -> None:
    version = save_mapping(mapping, desk.services, author="ada", why="")
    activate_mapping("hubspot", version, desk.services, author="ada", why="", unchecked=True)


# --- Deals that are not billed: held against the mapping in force ---------------------------------------------------


def test_a_deal_that_both_read_alike_would_be_billed_exactly_so(desk: MappingWorld) -> None:
    found = the_one(desk, CUSTOM_PO, a_hubspot_deal(billing_po_number="PO-1", custom_po="PO-1"))

    assert (found.standing, found.changes, found.name) == (Standing.SAME, (), "Acme, 5 seats")


def test_a_deal_that_would_be_billed_otherwise_says_how(desk: MappingWorld) -> None:
    found = the_one(desk, CUSTOM_PO, a_hubspot_deal(billing_po_number="PO-1", custom_po="C-1"))

    assert (found.standing, found.known, found.billed) == (Standing.DIFFERS, (), False)
    (change,) = found.changes
    assert "PO-1" in change
    assert "C-1" in change


def test_a_deal_that_could_no_longer_be_billed_says_why(desk: MappingWorld) -> None:
    found = the_one(desk, NEEDS_PO, a_hubspot_deal(billing_po_number="PO-1"))

    assert found.standing is Standing.REFUSED
    assert "deal.custom_po is empty, but terms.po_number is needed" in found.problem
    assert found.name == "Acme, 5 seats"


def test_a_deal_that_could_be_billed_at_last_says_what_kept_it(desk: MappingWorld) -> None:
    in_force(desk, NEEDS_PO)

    found = the_one(desk, SHIPPED, a_hubspot_deal(billing_po_number="PO-1"))

    assert found.standing is Standing.HEALED
    assert "deal.custom_po is empty" in found.problem


def test_a_deal_that_neither_can_bill_stays_refused(desk: MappingWorld) -> None:
    found = the_one(desk, CUSTOM_PO, a_hubspot_deal(dealname=None))

    assert found.standing is Standing.STILL_REFUSED
    assert found.problem != ""
    assert found.name == ""


def test_a_deal_that_the_crm_no_longer_shows_is_told(desk: MappingWorld) -> None:
    (ref,) = desk.has(a_hubspot_deal())
    desk.crm.hidden.add(ref)

    assert previewed(desk, CUSTOM_PO) == [DealPreview(ref, "", Standing.GONE)]


def test_a_change_of_the_order_of_prices_alone_is_seen(desk: MappingWorld) -> None:
    """Both read the very same deal, and yet its lines find no price."""
    candidate = replace(SHIPPED, prices=PriceRules(("price_id",)))

    found = the_one(desk, candidate, a_hubspot_deal())

    assert found.standing is Standing.REFUSED
    assert "finds no price" in found.problem


# --- Deals that are billed: held against what was billed ------------------------------------------------------------


def test_a_billed_deal_is_held_against_what_was_billed(desk: MappingWorld) -> None:
    """Not against what the mapping in force would bill today."""
    (ref,) = desk.has(a_hubspot_deal(billing_po_number="PO-1", custom_po="C-1"))
    bill(desk, ref)
    in_force(desk, CUSTOM_PO)

    (back,) = previewed(desk, SHIPPED)
    (forth,) = previewed(desk, CUSTOM_PO)

    assert (back.standing, back.billed) == (Standing.SAME, True)
    assert (forth.standing, forth.billed) == (Standing.DIFFERS, True)
    assert any("C-1" in change for change in forth.changes)


def test_what_the_deal_itself_has_brought_since_is_told_apart(desk: MappingWorld) -> None:
    """The purchase order is the candidate's doing; the sixth seat is not."""
    (ref,) = desk.has(a_hubspot_deal(billing_po_number="PO-1", custom_po="C-1"))
    bill(desk, ref)
    desk.has(a_hubspot_deal(billing_po_number="PO-1", custom_po="C-1", lines=({"quantity": 6, "amount": None},)))

    (found,) = previewed(desk, CUSTOM_PO)

    own = [change for change in found.changes if change not in found.known]
    assert any("C-1" in change for change in own)
    assert not any("C-1" in change for change in found.known)
    assert found.known != ()


def test_a_billed_deal_that_the_candidate_could_not_bill_is_refused_even_when_nothing_could(
    desk: MappingWorld,
) -> None:
    (ref,) = desk.has(a_hubspot_deal())
    bill(desk, ref)
    desk.has(a_hubspot_deal(dealname=None))

    (found,) = previewed(desk, CUSTOM_PO)

    assert (found.standing, found.billed) == (Standing.REFUSED, True)


def test_a_billed_deal_is_planned_for_the_day_it_was_billed(desk: MappingWorld) -> None:
    """Else every preview of an older deal would speak of other periods."""
    (ref,) = desk.has(a_hubspot_deal(closedate="2026-11-20", billing_term_months="12"))
    bill(desk, ref)
    desk.world.clock.forward(days=75)

    (found,) = previewed(desk, SHIPPED)

    assert (found.standing, found.changes) == (Standing.SAME, ())


# --- Which deals, and at what cost ----------------------------------------------------------------------------------


def test_the_latest_come_first_and_no_more_than_asked(desk: MappingWorld) -> None:
    refs = desk.has(*(a_hubspot_deal(number=str(number)) for number in range(1, 8)))

    assert [found.deal for found in previewed(desk, SHIPPED, last=3)] == [refs[6], refs[5], refs[4]]
    assert len(previewed(desk, SHIPPED, last=100)) == 7


def test_it_looks_further_back_until_there_are_enough(desk: MappingWorld) -> None:
    """And not further: a company that wins much is not asked for five years of it."""
    recent = desk.crm.has(a_hubspot_deal(number="1"), at=NOW - timedelta(days=3))
    old = desk.crm.has(a_hubspot_deal(number="2"), at=NOW - timedelta(days=900))
    desk.crm.has(a_hubspot_deal(number="3"), at=NOW - timedelta(days=6 * 365))

    assert [found.deal for found in previewed(desk, SHIPPED, last=1)] == [recent]
    assert desk.crm.calls.count("won_since") == 1
    assert [found.deal for found in previewed(desk, SHIPPED)] == [recent, old]


def test_deals_that_are_not_won_are_none_of_its_business(desk: MappingWorld) -> None:
    assert previewed(desk, CUSTOM_PO) == []


def test_it_reads_each_deal_once_and_writes_nothing_anywhere(desk: MappingWorld) -> None:
    refs = desk.has(*many_deals(12))
    bill(desk, next(ref for ref, plan in zip(refs, desk.plans(refs).values(), strict=True) if '"steps"' in plan))
    with desk.services.store.begin() as work:
        before = [work.plans.history(ref) for ref in refs], work.audit.recent(), work.targets.counts().dirty
    made = dict(desk.world.billing.keys)
    desk.crm.calls.clear()
    desk.world.billing.calls.clear()

    previewed(desk, CUSTOM_PO)

    assert desk.crm.calls == ["won_since"] * desk.crm.calls.count("won_since") + ["fetch_deal"] * len(refs)
    assert set(desk.world.billing.calls) <= {"prices"}
    assert desk.world.billing.keys == made
    with desk.services.store.begin() as work:
        after = [work.plans.history(ref) for ref in refs], work.audit.recent(), work.targets.counts().dirty
    assert after == before


def test_a_crm_that_is_away_ends_it(desk: MappingWorld) -> None:
    """Half a preview could be taken for a whole one."""
    desk.has(a_hubspot_deal())

    def away(operation: str) -> None:
        raise Unreachable("The CRM does not answer.")

    desk.crm.trouble = away
    with pytest.raises(Unreachable):
        previewed(desk, SHIPPED)


def test_it_names_exactly_the_deals_whose_plan_will_differ(desk: MappingWorld) -> None:
    """Over a hundred deals of many shapes: what it says before is what activating it does."""
    refs = desk.has(*many_deals(120))[-100:]
    candidate = shipped_but(
        FieldRule("terms.net_days", "deal.billing_net_days", "net_days", {"table": {"Net 45": "60"}}),
        FieldRule("line.interval", "line_item.recurringbillingfrequency", "interval", {"default": "monthly"}),
    )
    before = desk.plans(refs)
    found = {str(one.deal): one.standing for one in previewed(desk, candidate, last=100)}

    in_force(desk, candidate)
    after = desk.plans(refs)

    assert set(found) == set(after) == {str(ref) for ref in refs}
    assert {ref for ref in found if found[ref] is Standing.DIFFERS} == {
        ref for ref in after if '"steps"' in before[ref] and '"steps"' in after[ref] and before[ref] != after[ref]
    }
    assert {ref for ref in found if found[ref] is Standing.SAME} == {
        ref for ref in after if '"steps"' in after[ref] and before[ref] == after[ref]
    }
    assert {ref for ref in found if found[ref] in (Standing.REFUSED, Standing.STILL_REFUSED)} == {
        ref for ref in after if '"steps"' not in after[ref]
    }
    assert len({found[ref] for ref in found}) >= 3
