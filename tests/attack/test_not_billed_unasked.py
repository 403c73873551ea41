"""What was sold before the connector was there, or is billed under another deal's name, is not billed unasked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.domain.refs import RecordRef
from connector.sync.bill_deal import bill_deal
from connector.sync.reconcile import reconcile
from mappings.model import FieldRule
from tests.fakes import MAPPING, a_fake_deal
from tests.sync.conftest import World
from tests.sync.test_bill_deal import bill, message_on


@pytest.fixture
def world(world: World) -> World:
    """A CRM that says when a deal was closed, seen for the first time on 2026-11-21."""
    mapping = replace(MAPPING, deal=(*MAPPING.deal, FieldRule("deal.close_date", "Deal.closed", "date")))
    world = replace(world, services=replace(world.services, mappings={"fake": mapping}))
    reconcile("fake", world.services)
    return world


def test_an_old_deal_that_somebody_edits_is_not_billed(world: World) -> None:
    """A mass update touches deals of many years; they were billed by hand long ago."""
    world.clock.forward(days=90)
    ref = world.crm.has(a_fake_deal(closed="2024-03-01"))
    bill(world, ref)
    assert world.billing.customers == {}
    status, message = message_on(world, ref)
    assert status == "needs_attention"
    assert "2024-03-01" in str(message)


@pytest.mark.parametrize("day", ["2026-11-20", "2026-11-21", "2027-01-15", ""])
def test_a_deal_closed_since_the_first_look_is_billed(world: World, day: str) -> None:
    world.clock.forward(days=90)
    ref = world.crm.has(a_fake_deal(closed=day))
    bill(world, ref)
    assert len(world.billing.subscriptions) == 1


def test_a_person_may_have_an_old_deal_billed(world: World) -> None:
    ref = world.crm.has(a_fake_deal(closed="2024-03-01"))
    bill(world, ref)
    bill_deal(str(ref), world.services, asked=True)
    assert len(world.billing.subscriptions) == 1
    assert message_on(world, ref) == ("billed", "")


def test_a_close_date_put_right_bills_the_deal(world: World) -> None:
    ref = world.crm.has(a_fake_deal(closed="2024-03-01"))
    bill(world, ref)
    world.crm.has(a_fake_deal(closed="2026-11-21"))
    bill(world, ref)
    assert message_on(world, ref) == ("billed", "")


def test_the_first_deal_of_all_may_come_before_the_first_look(world: World) -> None:
    """A CRM may ring before it was ever asked: then the beginning is now."""
    other = replace(world.services, mappings={"fake": world.services.mappings["fake"]})
    ref = world.crm.has(a_fake_deal(closed="2026-11-21"))
    bill_deal(str(ref), other)
    assert len(world.billing.subscriptions) == 1


def test_a_deal_that_took_in_a_billed_one_is_a_question_to_a_person(world: World) -> None:
    """Two deals are merged: what the first has sold stands on the second now, and is billed already."""
    bill(world, world.crm.has(a_fake_deal("1")))
    merged = replace(a_fake_deal("2"), absorbed=(RecordRef("fake", "deal", "1"),))
    bill(world, world.crm.has(merged))
    status, message = message_on(world, merged.ref)
    assert status == "needs_attention"
    assert "took in the deal 1" in str(message)
    assert len(world.billing.subscriptions) == 1
    bill_deal(str(merged.ref), world.services, asked=True)
    assert len(world.billing.subscriptions) == 2


def test_a_deal_that_took_in_an_unbilled_one_is_billed(world: World) -> None:
    merged = replace(a_fake_deal("2"), absorbed=(RecordRef("fake", "deal", "1"),))
    bill(world, world.crm.has(merged))
    assert len(world.billing.subscriptions) == 1
