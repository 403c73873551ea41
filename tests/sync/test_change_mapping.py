"""Mapping versions: saved, checked, put in force at once, taken back without a trace, and never a surprise."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from connector.domain.billing import Price
from connector.domain.deal import Interval
from connector.domain.refs import RecordRef
from connector.errors import NeedsHuman
from connector.sync import change_mapping
from connector.sync.bill_deal import bill_deal
from connector.sync.change_mapping import (
    activate_mapping,
    mapping_versions,
    roll_back_mapping,
    save_mapping,
)
from connector.sync.check_mapping import check_mapping
from connector.sync.mappings_in_force import MappingsInForce, as_billed, mapping_at, pinned
from connector.targets import TargetKind, for_record
from mappings.load import as_body, default_mapping
from mappings.model import FieldMapping, FieldRule, PriceRules
from tests.mappings.records import a_hubspot_deal
from tests.sync.conftest import World
from tests.sync.mapping_world import MappingWorld, many_deals, shipped_but

CUSTOM_PO = shipped_but(FieldRule("terms.po_number", "deal.custom_po"))
MISSPELT = shipped_but(FieldRule("terms.po_number", "deal.custom_pO_number", required=True))


@pytest.fixture
def desk(world: World) -> MappingWorld:
    return MappingWorld.around(world)


def save(desk: MappingWorld, mapping: FieldMapping = CUSTOM_PO, why: str = "why") -> int:
    return save_mapping(mapping, desk.services, author="ada", why=why)


def activate(desk: MappingWorld, version: int, *, reapply: bool = False) -> int:
    done = activate_mapping("hubspot", version, desk.services, author="ada", why="try it", reapply=reapply)
    return done.reapplied


def roll_back(desk: MappingWorld) -> int:
    return roll_back_mapping("hubspot", desk.services, author="bob", why="it was wrong").version


def in_force(desk: MappingWorld) -> int:
    return desk.services.mappings["hubspot"].version


def test_saving_puts_nothing_in_force(desk: MappingWorld) -> None:
    assert save(desk) == 1
    assert in_force(desk) == 0


def test_what_is_activated_is_in_force_in_every_process_with_its_next_use(desk: MappingWorld) -> None:
    elsewhere = MappingsInForce(desk.services.store, ["hubspot"])
    before = elsewhere["hubspot"]

    activate(desk, save(desk))

    assert before.version == 0
    assert elsewhere["hubspot"].version == desk.services.mappings["hubspot"].version == 1
    assert elsewhere["hubspot"] == replace(CUSTOM_PO, version=1)


def test_a_version_is_parsed_once_and_not_with_every_use(desk: MappingWorld) -> None:
    activate(desk, save(desk))

    assert desk.services.mappings["hubspot"] is desk.services.mappings["hubspot"]


def test_only_connected_crms_have_a_mapping(desk: MappingWorld) -> None:
    assert list(desk.services.mappings) == ["hubspot"]
    assert len(desk.services.mappings) == 1
    assert "salesforce" not in desk.services.mappings


def test_many_versions_may_follow_each_other(desk: MappingWorld) -> None:
    """What is kept of parsed ones stays small, and the right one is always in force."""
    for number in range(1, 13):
        activate(
            desk, save(desk, shipped_but(FieldRule("deal.name", "deal.dealname", "text", {"default": str(number)})))
        )
        assert in_force(desk) == number


def test_work_that_has_begun_goes_on_by_the_mapping_it_began_with(desk: MappingWorld) -> None:
    """Else it would read fields that were never fetched."""
    begun = pinned("hubspot", desk.services)

    activate(desk, save(desk))

    assert begun.mappings["hubspot"].version == 0
    assert in_force(desk) == 1


def test_who_saved_and_activated_it_when_and_why_is_remembered(desk: MappingWorld) -> None:
    activate(desk, save(desk, why="PO numbers moved"))
    roll_back(desk)

    newest, shipped = mapping_versions("hubspot", desk.services)
    with desk.services.store.begin() as work:
        told = [(line["what"], line["detail"]) for line in work.audit.recent() if line["subject"] == "hubspot"]
    assert (newest.version, newest.author, newest.why, newest.active) == (1, "ada", "PO numbers moved", False)
    assert newest.created_at is not None
    assert (shipped.version, shipped.active) == (0, True)
    assert told == [
        ("mapping activated", {"version": 0, "before": 1, "by": "bob", "why": "it was wrong"}),
        ("mapping activated", {"version": 1, "before": 0, "by": "ada", "why": "try it"}),
        ("mapping saved", {"version": 1, "by": "ada", "why": "PO numbers moved"}),
    ]


def test_rolling_back_twice_goes_back_two(desk: MappingWorld) -> None:
    for _ in range(3):
        activate(desk, save(desk))

    assert [roll_back(desk), roll_back(desk), roll_back(desk)] == [2, 1, 0]
    with pytest.raises(NeedsHuman) as caught:
        roll_back(desk)
    assert caught.value.sentence_id == "mapping-nothing-before"


def test_activating_what_is_in_force_already_is_no_step_to_go_back(desk: MappingWorld) -> None:
    version = save(desk)
    activate(desk, version)
    activate(desk, version)

    assert roll_back(desk) == 0


def test_the_shipped_mapping_can_be_activated_again(desk: MappingWorld) -> None:
    activate(desk, save(desk))
    activate(desk, 0)

    assert in_force(desk) == 0
    assert roll_back(desk) == 1


def test_a_version_that_was_never_saved_is_refused(desk: MappingWorld) -> None:
    with pytest.raises(NeedsHuman) as caught:
        activate(desk, 7)

    assert caught.value.sentence_id == "mapping-version-missing"
    assert in_force(desk) == 0


def test_a_mapping_that_does_not_fit_the_crm_is_not_put_in_force(desk: MappingWorld) -> None:
    """The sentence names the field, and guesses what was meant."""
    version = save(desk, MISSPELT)

    with pytest.raises(NeedsHuman, match="deal has no field custom_pO_number") as caught:
        activate(desk, version)

    assert caught.value.sentence_id == "mapping-check-failed"
    assert in_force(desk) == 0
    activate_mapping("hubspot", version, desk.services, author="ada", why="I know", unchecked=True)
    assert in_force(desk) == version


def test_of_many_mistakes_the_first_ten_are_told(desk: MappingWorld) -> None:
    wrong = shipped_but(*(FieldRule(f"metadata.m{number}", "deal.nowhere_at_all") for number in range(14)))

    with pytest.raises(NeedsHuman, match="And 4 more") as caught:
        activate(desk, save(desk, wrong))

    assert caught.value.message.count("nowhere_at_all") == 10


def test_a_roll_back_works_when_the_crm_is_what_is_wrong(desk: MappingWorld) -> None:
    """It asks the CRM for nothing."""
    activate(desk, save(desk))
    desk.crm.calls.clear()

    assert roll_back(desk) == 0
    assert desk.crm.calls == []


def test_a_stored_version_that_this_release_cannot_use_says_so(desk: MappingWorld) -> None:
    with desk.services.store.begin() as work:
        body = {**as_body(CUSTOM_PO), "deal": [{"canonical": "deal.gone", "field": "deal.x"}]}
        work.mappings.save("hubspot", body, author="ada", why="")
        work.mappings.activate("hubspot", 1)

    with pytest.raises(NeedsHuman, match=r"deal\.gone") as caught:
        desk.services.mappings["hubspot"]

    assert caught.value.sentence_id == "mapping-version-broken"
    assert "rollback" in caught.value.hint
    assert "hubspot" in desk.services.mappings


def test_the_shipped_mapping_has_no_mistakes_where_set_up_has_run(desk: MappingWorld) -> None:
    assert check_mapping(default_mapping("hubspot"), desk.services) == []


def test_a_check_finds_a_price_that_billing_does_not_sell(desk: MappingWorld) -> None:
    mapping = replace(CUSTOM_PO, prices=PriceRules(products={"SEAT": "price_gone"}))

    (finding,) = check_mapping(mapping, desk.services)

    assert (finding.id, finding.where) == ("mapping-price-gone", "prices.products.SEAT")


# --- What is billed already -----------------------------------------------------------------------------------------


def bill(desk: MappingWorld, ref: RecordRef) -> None:
    bill_deal(str(ref), desk.services)


def test_a_link_and_a_plan_remember_the_version_that_made_them(desk: MappingWorld) -> None:
    first, second = desk.has(a_hubspot_deal(number="1"), a_hubspot_deal(number="2", custom_po="C-2"))
    bill(desk, first)
    activate(desk, save(desk))
    bill(desk, second)

    with desk.services.store.begin() as work:
        kept = [work.plans.latest(ref) for ref in (first, second)]
        others = work.mappings.billed_by_others("hubspot", 1, None, 10)
    assert [plan.mapping_version for plan in kept if plan] == [0, 1]
    assert others == [first]


def test_a_new_version_changes_nothing_that_is_billed(desk: MappingWorld) -> None:
    """Not even when the deal is touched again for quite another reason."""
    (ref,) = desk.has(a_hubspot_deal(billing_po_number="PO-1", custom_po="C-1"))
    bill(desk, ref)
    bill(desk, ref)
    with desk.services.store.begin() as work:
        before = work.plans.history(ref)

    activate(desk, save(desk))
    bill(desk, ref)

    assert not desk.world.dirty(for_record(TargetKind.DEAL, ref))
    with desk.services.store.begin() as work:
        assert work.plans.history(ref) == before


def test_asked_to_re_apply_it_looks_at_what_others_billed_and_proposes_the_change(desk: MappingWorld) -> None:
    """It is a proposal: nothing is billed before somebody approves it."""
    (ref,) = desk.has(a_hubspot_deal(billing_po_number="PO-1", custom_po="C-1"))
    bill(desk, ref)
    bill(desk, ref)
    made = len(desk.world.billing.keys)

    marked = activate(desk, save(desk), reapply=True)
    assert marked == 1
    assert desk.world.dirty(for_record(TargetKind.DEAL, ref))
    bill(desk, ref)

    with desk.services.store.begin() as work:
        proposed = work.plans.latest(ref)
    assert proposed is not None
    assert (proposed.round, proposed.is_made, proposed.mapping_version) == (2, False, 1)
    assert "C-1" in proposed.reason
    assert len(desk.world.billing.keys) == made


def test_new_prices_alone_are_proposed_too_when_asked_to_re_apply(desk: MappingWorld) -> None:
    """The deal reads the same by both versions; only what its line finds as its price differs."""
    sold = Price(RecordRef("stripe", "price", "price_1"), "prod_1", "eur", Decimal(2000), Interval("month", 1))
    desk.world.billing.sells(sold)
    (ref,) = desk.has(a_hubspot_deal(lines=({"hs_sku": "SEAT"},)))
    bill(desk, ref)
    bill(desk, ref)
    table = PriceRules(("product_table", "inline"), {"SEAT": "price_1"})

    activate(desk, save(desk, replace(default_mapping("hubspot"), prices=table)), reapply=True)
    bill(desk, ref)

    with desk.services.store.begin() as work:
        proposed = work.plans.latest(ref)
    assert proposed is not None
    assert (proposed.round, proposed.is_made, proposed.mapping_version) == (2, False, 1)
    assert "price_1" in proposed.reason


def test_a_re_apply_reaches_every_deal_however_many_there_are(
    desk: MappingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It marks them in pieces; the last piece may be a whole one."""
    monkeypatch.setattr(change_mapping, "_CHUNK", 2)
    refs = desk.has(*(a_hubspot_deal(number=str(number)) for number in range(1, 5)))
    for ref in refs:
        bill(desk, ref)

    assert activate(desk, save(desk), reapply=True) == 4
    assert all(desk.world.dirty(for_record(TargetKind.DEAL, ref)) for ref in refs)


def test_a_billed_deal_that_a_re_apply_leaves_as_it_is_gets_no_proposal(desk: MappingWorld) -> None:
    (ref,) = desk.has(a_hubspot_deal(billing_po_number="C-1", custom_po="C-1"))
    bill(desk, ref)
    bill(desk, ref)

    assert activate(desk, save(desk), reapply=True) == 1
    bill(desk, ref)

    with desk.services.store.begin() as work:
        assert [plan.round for plan in work.plans.history(ref)] == [1]


def test_a_re_apply_ends_with_the_version_it_was_asked_for(desk: MappingWorld) -> None:
    """A later version is again nobody's business but that of new deals."""
    activate(desk, save(desk), reapply=True)
    assert as_billed("hubspot", 0, desk.services).mappings["hubspot"].version == 1

    activate(desk, save(desk))
    assert as_billed("hubspot", 0, desk.services).mappings["hubspot"].version == 0
    assert as_billed("hubspot", 1, desk.services).mappings["hubspot"].version == 1


def test_a_deal_of_a_version_nobody_knows_is_read_by_the_one_in_force(desk: MappingWorld) -> None:
    assert as_billed("hubspot", 77, desk.services).mappings["hubspot"].version == 0


def test_a_saved_version_is_never_changed(desk: MappingWorld) -> None:
    version = save(desk)
    save(desk, shipped_but(FieldRule("terms.po_number", "deal.po_box")))

    assert mapping_at("hubspot", version, desk.services) == replace(CUSTOM_PO, version=version)


def test_a_roll_back_restores_what_is_billed_byte_for_byte(desk: MappingWorld) -> None:
    """Over deals of many shapes, those that cannot be billed among them."""
    refs = desk.has(*many_deals(120))
    before = desk.plans(refs)
    candidate = shipped_but(
        FieldRule("terms.po_number", "deal.custom_po"),
        FieldRule("terms.net_days", "", "constant", {"value": "60", "then": "net_days"}),
        FieldRule("line.interval", "line_item.recurringbillingfrequency", "interval", {"default": "monthly"}),
    )

    activate(desk, save(desk, candidate))
    changed = desk.plans(refs)
    roll_back(desk)

    assert all(changed[ref] != before[ref] for ref in before if '"steps"' in before[ref])
    assert desk.plans(refs) == before
    assert sum('"steps"' in plan for plan in before.values()) >= 60
