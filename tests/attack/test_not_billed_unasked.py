"""What was sold before the connector was there, or is billed under another deal's name, is not billed unasked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from connector.domain.refs import RecordRef
from connector.ports import DealRecords
from connector.sync.bill_deal import bill_deal
from connector.sync.reconcile import reconcile
from mappings.model import FieldRule
from tests.fakes import MAPPING, a_fake_deal
from tests.sync.conftest import World
from tests.sync.test_bill_deal import bill, message_on


@pytest.fixture
def world(world: World) -> World:
    """A CRM that is seen for the first time on 2026-11-21, at nine."""
    reconcile("fake", world.services)
    return world


def won_at(moment: str) -> DealRecords:
    return replace(a_fake_deal(), won_at=datetime.fromisoformat(moment) if moment else None)


def test_an_old_deal_that_somebody_edits_is_not_billed(world: World) -> None:
    """A mass update touches deals of many years; they were billed by hand long ago."""
    world.clock.forward(days=90)
    ref = world.crm.has(won_at("2024-03-01T12:00+00:00"))
    bill(world, ref)
    assert world.billing.customers == {}
    status, message = message_on(world, ref)
    assert status == "needs_attention"
    assert "2024-03-01" in str(message)


@pytest.mark.parametrize("moment", ["2026-11-20T09:00+00:00", "2026-11-21T10:00+00:00", "2027-01-15T10:00+00:00", ""])
def test_a_deal_won_since_the_first_look_is_billed(world: World, moment: str) -> None:
    world.clock.forward(days=90)
    bill(world, world.crm.has(won_at(moment)))
    assert len(world.billing.subscriptions) == 1


def test_a_stale_close_date_holds_no_deal_up(world: World) -> None:
    """Sales people win deals without touching the day they once hoped for."""
    rules = (*MAPPING.deal, FieldRule("deal.close_date", "Deal.closed", "date"))
    services = replace(world.services, mappings={"fake": replace(MAPPING, deal=rules)})
    deal = replace(a_fake_deal(closed="2024-03-01"), won_at=world.clock())
    bill_deal(str(world.crm.has(deal)), services)
    assert len(world.billing.subscriptions) == 1


def test_a_person_may_have_an_old_deal_billed(world: World) -> None:
    ref = world.crm.has(won_at("2024-03-01T12:00+00:00"))
    bill(world, ref)
    bill_deal(str(ref), world.services, asked=True)
    assert len(world.billing.subscriptions) == 1
    assert message_on(world, ref) == ("billed", "")


def test_the_first_deal_of_all_may_come_before_the_first_look(world: World) -> None:
    """A CRM may ring before it was ever asked: then the beginning is now."""
    bill(world, world.crm.has(won_at("2026-11-21T08:59+00:00")))
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
