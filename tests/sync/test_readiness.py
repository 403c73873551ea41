"""An open deal that is close to being won says what it lacks, and stops saying so once it is filled in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.refs import RecordRef
from connector.ports import DealRecords
from connector.sync.bill_deal import bill_deal
from connector.sync.reconcile import reconcile
from connector.targets import TargetKind, for_record
from tests.fakes import a_fake_deal
from tests.sync.conftest import World
from tests.sync.test_bill_deal import message_on


@pytest.fixture
def early(world: World) -> World:
    """Deals are checked from the stage ``offered`` on."""
    world.services = replace(world.services, readiness_stages={"fake": frozenset({"offered"})})
    return world


def at_stage(stage: str, deal: DealRecords) -> DealRecords:
    return replace(deal, stage=stage, won=False, closed=False)


def bill(world: World, ref: RecordRef) -> None:
    bill_deal(str(ref), world.services)


def test_a_deal_that_could_not_be_billed_says_why_before_it_is_won(early: World) -> None:
    ref = early.crm.has(at_stage("offered", a_fake_deal(email="")))
    bill(early, ref)
    status, message = message_on(early, ref)
    assert status == "waiting"
    assert "e-mail" in str(message)


@pytest.mark.parametrize(("stage", "told"), [("talking", False), ("offered", True), ("promised", True)])
def test_it_is_checked_from_the_chosen_stage_on(early: World, stage: str, told: bool) -> None:
    ref = early.crm.has(at_stage(stage, a_fake_deal(email="")))
    bill(early, ref)
    assert bool(message_on(early, ref)[1]) is told


def test_the_message_goes_when_the_field_is_filled(early: World) -> None:
    ref = early.crm.has(at_stage("offered", a_fake_deal(email="")))
    bill(early, ref)
    early.crm.has(at_stage("offered", a_fake_deal()))
    bill(early, ref)
    assert message_on(early, ref) == ("waiting", "")


def test_everything_that_is_missing_is_told_at_once(early: World) -> None:
    """Nobody likes to be told one thing, fix it, and be told the next."""
    lines = (
        {"name": "Seats", "quantity": 5, "price": "20.00"},
        {"name": "Support", "quantity": 0, "price": "20.00", "interval": "monthly"},
    )
    ref = early.crm.has(at_stage("offered", a_fake_deal(lines=lines)))
    bill(early, ref)
    message = str(message_on(early, ref)[1])
    assert "Seats" in message
    assert "Support" in message


def test_nothing_is_made_for_an_open_deal(early: World) -> None:
    bill(early, early.crm.has(at_stage("offered", a_fake_deal())))
    assert {call for call in early.billing.calls if call != "prices"} == set()


def test_without_stages_an_open_deal_costs_billing_nothing(world: World) -> None:
    bill(world, world.crm.has(at_stage("offered", a_fake_deal(email=""))))
    assert world.billing.calls == []


def test_polling_finds_open_deals_that_no_bell_rang_for(early: World) -> None:
    ref = early.crm.has(at_stage("offered", a_fake_deal(email="")), at=early.clock() - timedelta(hours=1))
    reconcile("fake", early.services)
    assert early.dirty(for_record(TargetKind.DEAL, ref))


def test_a_lost_deal_is_told_nothing(early: World) -> None:
    ref = early.crm.has(replace(at_stage("offered", a_fake_deal(email="")), closed=True))
    bill(early, ref)
    assert message_on(early, ref) == (None, None)
