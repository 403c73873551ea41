"""A plan that needs a person waits for one, and what is billed then is exactly what was seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.domain.approval import ApprovalPolicy, ApprovalRule
from connector.domain.billing import InvoiceStatus
from connector.domain.money import Money
from connector.domain.refs import RecordRef
from connector.errors import CannotBill, NeedsHuman
from connector.ports import DealPlan, PlanState
from connector.sync.bill_deal import bill_deal
from connector.sync.decide_plan import approve_plan, decline_plan
from connector.targets import TargetKind, for_record
from tests.fakes import a_fake_deal
from tests.sync.conftest import World
from tests.sync.test_bill_deal import message_on, once

ALWAYS = ApprovalPolicy(frozenset({ApprovalRule.ALWAYS}))
TEN_SEATS = ({"name": "Seats", "quantity": 10, "price": "20.00", "interval": "monthly"},)


@pytest.fixture
def careful(world: World) -> World:
    """A connector in which every deal waits for a person."""
    world.services = replace(world.services, approval_policy=ALWAYS)
    return world


def bill(world: World, ref: RecordRef) -> None:
    bill_deal(str(ref), world.services)


def latest(world: World, ref: RecordRef) -> DealPlan:
    with world.services.store.begin() as work:
        plan = work.plans.latest(ref)
    assert plan is not None
    return plan


def approve(world: World, ref: RecordRef, **more: str) -> DealPlan:
    return approve_plan(ref, world.services, by="Fin", **more)


def test_a_deal_that_waits_is_not_billed_and_says_so(careful: World) -> None:
    ref = careful.crm.has(a_fake_deal())
    bill(careful, ref)
    status, message = message_on(careful, ref)
    assert status == "awaiting_approval"
    assert "EUR 1,200.00" in str(message)  # twelve months of five seats at 20.00
    assert careful.billing.customers == {}
    assert latest(careful, ref).state is PlanState.WAITING


def test_an_approved_deal_is_billed_by_the_next_run(careful: World) -> None:
    ref = careful.crm.has(a_fake_deal())
    bill(careful, ref)
    approve(careful, ref)
    careful.run(for_record(TargetKind.DEAL, ref))
    assert message_on(careful, ref) == ("billed", "")
    assert len(careful.billing.subscriptions) == 1
    kept = latest(careful, ref)
    assert (kept.state, kept.decided_by) == (PlanState.DONE, "Fin")


def test_what_was_approved_and_changed_since_waits_again_and_says_what(careful: World) -> None:
    """Nobody has agreed to ten seats."""
    ref = careful.crm.has(a_fake_deal())
    bill(careful, ref)
    approve(careful, ref)
    careful.crm.has(a_fake_deal(lines=TEN_SEATS))
    bill(careful, ref)
    status, message = message_on(careful, ref)
    assert status == "awaiting_approval"
    assert "5" in str(message)
    assert "10" in str(message)
    assert careful.billing.subscriptions == {}


def test_approval_days_later_bills_from_the_day_that_was_seen(careful: World) -> None:
    """The plan began on the day the deal was won: a slow approver takes nothing from it."""
    ref = careful.crm.has(a_fake_deal())
    bill(careful, ref)
    seen = latest(careful, ref)
    careful.clock.forward(days=3)
    approve(careful, ref, seen=seen.hash)
    bill(careful, ref)
    assert latest(careful, ref).state is PlanState.DONE
    assert latest(careful, ref).as_of == seen.as_of
    [invoice] = careful.billing.invoices.values()
    assert (invoice.total, invoice.status) == (10_000, InvoiceStatus.OPEN)


def test_a_plan_is_approved_by_its_hash_or_its_beginning(careful: World) -> None:
    """What somebody looked at, and no other."""
    ref = careful.crm.has(a_fake_deal())
    bill(careful, ref)
    with pytest.raises(NeedsHuman) as refused:
        approve(careful, ref, seen="0" * 12)
    assert refused.value.sentence_id == "approval-of-another-plan"
    with pytest.raises(NeedsHuman):
        approve(careful, ref, seen=latest(careful, ref).hash[:4])  # too short to mean one plan
    assert approve(careful, ref, seen=latest(careful, ref).hash[:12]).state is PlanState.APPROVED


def test_nothing_is_approved_where_nothing_waits(world: World) -> None:
    ref = world.crm.has(a_fake_deal())
    with pytest.raises(NeedsHuman) as refused:
        approve(world, ref)
    assert refused.value.sentence_id == "nothing-to-approve"
    bill(world, ref)
    with pytest.raises(NeedsHuman):
        approve(world, ref)


def test_a_declined_deal_says_who_and_why_and_is_asked_about_again_when_it_changes(careful: World) -> None:
    ref = careful.crm.has(a_fake_deal())
    bill(careful, ref)
    decline_plan(ref, careful.services, by="Fin", why="No order form")
    assert message_on(careful, ref)[0] == "needs_attention"
    assert "No order form" in str(message_on(careful, ref)[1])
    bill(careful, ref)
    assert "No order form" in str(message_on(careful, ref)[1])
    careful.crm.has(a_fake_deal(lines=TEN_SEATS))
    bill(careful, ref)
    assert message_on(careful, ref)[0] == "awaiting_approval"
    assert careful.billing.subscriptions == {}


def test_a_declined_deal_can_be_approved_after_all(careful: World) -> None:
    ref = careful.crm.has(a_fake_deal())
    bill(careful, ref)
    decline_plan(ref, careful.services, by="Fin", why="No order form")
    approve(careful, ref)
    bill(careful, ref)
    assert message_on(careful, ref) == ("billed", "")


def test_a_deal_that_is_reopened_while_it_waits_waits_no_more(careful: World) -> None:
    ref = careful.crm.has(a_fake_deal())
    bill(careful, ref)
    careful.crm.has(a_fake_deal(won=False))
    bill(careful, ref)
    assert message_on(careful, ref) == ("waiting", "")
    with careful.services.store.begin() as work:
        assert work.plans.latest(ref) is None


def test_only_deals_above_the_limit_wait(world: World) -> None:
    """Five seats for a year are 1,200.00; the limit is 1,500.00."""
    limit = {"eur": Money(150_000, "eur")}
    policy = ApprovalPolicy(frozenset({ApprovalRule.ABOVE}), above=limit)
    world.services = replace(world.services, approval_policy=policy)
    small, big = world.crm.has(a_fake_deal()), world.crm.has(a_fake_deal("2", account="2", lines=TEN_SEATS))
    bill(world, small)
    bill(world, big)
    assert message_on(world, small)[0] == "billed"
    assert message_on(world, big)[0] == "awaiting_approval"


def test_a_deal_edited_while_it_was_half_billed_is_a_question(world: World) -> None:
    """The subscription stands, the invoice beside it failed: another plan must not go on from there."""
    lines = tuple({"name": f"Service {n}", "quantity": 1, "price": "10.00", "interval": "one-time"} for n in range(21))
    ref = world.crm.has(a_fake_deal(lines=(*TEN_SEATS, *lines)))
    world.billing.trouble = once("run invoice", NeedsHuman("Later."))
    with pytest.raises(NeedsHuman):
        bill(world, ref)
    world.crm.has(a_fake_deal(lines=TEN_SEATS))
    with pytest.raises(CannotBill) as refused:
        bill(world, ref)
    assert refused.value.sentence_id == "changed-while-billed"


def test_decisions_stand_in_the_audit_log(careful: World) -> None:
    ref = careful.crm.has(a_fake_deal())
    bill(careful, ref)
    approve(careful, ref, why="Checked with sales")
    with careful.services.store.begin() as work:
        newest = work.audit.recent(1)[0]
    assert newest["what"] == "plan approved"
    assert newest["detail"]["by"] == "Fin"
    assert newest["detail"]["why"] == "Checked with sales"
