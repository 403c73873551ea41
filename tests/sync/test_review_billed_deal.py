"""A billed deal that is touched again: what changed is proposed, nothing is done without a person, and done once."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest

from connector.domain.refs import RecordRef
from connector.errors import Unreachable
from connector.ports import DealRecords, PlanState
from connector.sync.bill_deal import bill_deal
from connector.sync.decide_plan import approve_plan, decline_plan
from tests.fakes import a_fake_deal
from tests.sync.conftest import World
from tests.sync.test_bill_deal import message_on, once


def seats(quantity: int, price: str = "20.00", **deal: Any) -> DealRecords:
    """The deal with so many seats."""
    line = {"name": "Seats", "quantity": quantity, "price": price, "interval": "monthly"}
    return a_fake_deal(lines=(line,), **deal)


def ring(world: World, ref: RecordRef) -> None:
    bill_deal(str(ref), world.services)


def edit(world: World, records: DealRecords) -> RecordRef:
    ref = world.crm.has(records)
    ring(world, ref)
    return ref


@pytest.fixture
def ref(world: World) -> RecordRef:
    """A deal of five seats that is billed."""
    return edit(world, seats(5))


def running(world: World) -> list[tuple[str, int]]:
    return [(one.status, one.items[0].quantity) for one in world.billing.subscriptions.values()]


def changes_made(world: World) -> int:
    return sum(1 for call in world.billing.calls if call.startswith("run ") and "change" in call)


def test_an_edit_waits_with_its_difference_and_changes_nothing(world: World, ref: RecordRef) -> None:
    edit(world, seats(8))

    status, message = message_on(world, ref)
    assert status == "awaiting_approval"
    assert "5" in str(message)
    assert "8" in str(message)
    assert running(world) == [("active", 5)]


def test_an_approved_edit_is_made_once_and_the_record_says_so(world: World, ref: RecordRef) -> None:
    edit(world, seats(8))
    approve_plan(ref, world.services, by="Fin")
    ring(world, ref)
    ring(world, ref)

    assert running(world) == [("active", 8)]
    assert changes_made(world) == 1
    assert message_on(world, ref)[0] == "billed"


def test_an_outage_in_the_middle_of_an_approved_edit_doubles_nothing(world: World, ref: RecordRef) -> None:
    edit(world, seats(8))
    approve_plan(ref, world.services, by="Fin")
    world.billing.trouble = once("after run change-2", Unreachable("The answer was lost."))
    with pytest.raises(Unreachable):
        ring(world, ref)
    ring(world, ref)

    assert running(world) == [("active", 8)]
    assert message_on(world, ref)[0] == "billed"


def test_a_declined_edit_says_who_said_no_and_is_not_asked_again(world: World, ref: RecordRef) -> None:
    edit(world, seats(8))
    decline_plan(ref, world.services, by="Fin", why="No order form")
    ring(world, ref)

    assert "No order form" in str(message_on(world, ref)[1])
    assert running(world) == [("active", 5)]


def test_a_declined_edit_that_changes_again_is_asked_about_again(world: World, ref: RecordRef) -> None:
    edit(world, seats(8))
    decline_plan(ref, world.services, by="Fin", why="No order form")
    edit(world, seats(9))

    assert message_on(world, ref)[0] == "awaiting_approval"


def test_an_edit_that_is_taken_back_is_withdrawn(world: World, ref: RecordRef) -> None:
    edit(world, seats(8))
    edit(world, seats(5))

    assert message_on(world, ref) == ("billed", "")
    with world.services.store.begin() as work:
        assert [plan.state for plan in work.plans.history(ref)] == [PlanState.DONE]


def test_an_edit_after_the_approval_waits_again_and_says_what_changed(world: World, ref: RecordRef) -> None:
    edit(world, seats(8))
    approve_plan(ref, world.services, by="Fin")
    edit(world, seats(9))

    status, message = message_on(world, ref)
    assert status == "awaiting_approval"
    assert "9" in str(message)
    assert running(world) == [("active", 5)]


def test_each_approved_edit_is_a_change_of_its_own(world: World, ref: RecordRef) -> None:
    for quantity in (8, 3):
        edit(world, seats(quantity))
        approve_plan(ref, world.services, by="Fin")
        ring(world, ref)

    assert running(world) == [("active", 3)]
    with world.services.store.begin() as work:
        assert [plan.round for plan in work.plans.history(ref)] == [1, 2, 3]


def test_an_edit_that_cannot_be_billed_says_so_and_leaves_the_contract_alone(world: World, ref: RecordRef) -> None:
    edit(world, seats(-5))

    status, message = message_on(world, ref)
    assert status == "needs_attention"
    assert "Seats" in str(message)
    assert running(world) == [("active", 5)]


def test_an_impossible_edit_that_is_mended_is_forgotten(world: World, ref: RecordRef) -> None:
    edit(world, seats(-5))
    edit(world, seats(5))

    assert message_on(world, ref) == ("billed", "")


def test_a_deal_that_is_lost_after_billing_ends_only_when_a_person_agrees(world: World, ref: RecordRef) -> None:
    edit(world, replace(seats(5), won=False, closed=True))
    assert message_on(world, ref)[0] == "awaiting_approval"
    assert running(world) == [("active", 5)]
    approve_plan(ref, world.services, by="Fin")
    ring(world, ref)

    assert [status for status, _ in running(world)] == ["canceled"]
    assert message_on(world, ref)[0] == "billed"


def test_a_lost_deal_that_is_won_again_before_anybody_agreed_goes_on(world: World, ref: RecordRef) -> None:
    edit(world, replace(seats(5), won=False, closed=True))
    edit(world, seats(5))

    assert message_on(world, ref) == ("billed", "")
    assert running(world) == [("active", 5)]


def test_a_reopened_deal_says_that_it_is_billed_still(world: World, ref: RecordRef) -> None:
    edit(world, replace(seats(5), won=False, closed=False))

    status, message = message_on(world, ref)
    assert status == "needs_attention"
    assert "open again" in str(message)
    assert running(world) == [("active", 5)]


def test_a_deal_deleted_after_billing_leaves_what_was_sold_alone(world: World, ref: RecordRef) -> None:
    del world.crm.deals[ref]
    ring(world, ref)

    assert running(world) == [("active", 5)]


def test_another_name_of_the_account_is_no_change_of_its_deals(world: World, ref: RecordRef) -> None:
    records = seats(5)
    edit(world, replace(records, records={**records.records, "Company": {"name": "Renamed"}}))

    assert message_on(world, ref) == ("billed", "")


def test_another_invoice_address_is_shown_as_a_change(world: World, ref: RecordRef) -> None:
    """Stripe would go on sending invoices to the old one."""
    edit(world, seats(5, email="new@acme.example"))

    status, message = message_on(world, ref)
    assert status == "awaiting_approval"
    assert "new@acme.example" in str(message)


def test_the_deals_of_a_merged_account_stay_as_they_are(world: World, ref: RecordRef) -> None:
    merged = replace(seats(5, account="9"), formerly=(RecordRef("fake", "account", "1"),))
    edit(world, merged)

    assert message_on(world, ref) == ("billed", "")
    assert len(world.billing.customers) == 1


def test_another_account_without_a_merge_is_shown_as_a_change(world: World, ref: RecordRef) -> None:
    edit(world, seats(5, account="9"))

    assert message_on(world, ref)[0] == "awaiting_approval"
    assert len(world.billing.customers) == 1


@pytest.mark.parametrize("records", [seats(5), seats(8)], ids=["billed", "edited"])
def test_a_crash_before_the_record_is_told_leaves_it_to_be_told(
    world: World, records: DealRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is noted as seen or done is not looked at again: it must have been told by then."""
    told = world.crm.has(seats(5))
    if records != seats(5):
        ring(world, told)
        world.crm.has(records)

    def crash(*_told: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        for module in ("bill_deal", "review_billed_deal"):
            patched.setattr(sys.modules[f"connector.sync.{module}"], "tell_deal", crash)
        with pytest.raises(KeyboardInterrupt):
            ring(world, told)
    ring(world, told)

    assert message_on(world, told)[0] == ("billed" if records == seats(5) else "awaiting_approval")
