"""However long nobody was there to listen or to look, a won deal is billed in the end, and a payment shows."""

from __future__ import annotations

from datetime import timedelta

from connector.domain.refs import RecordRef
from connector.sync.bill_deal import bill_deal
from connector.sync.reconcile import reconcile
from connector.sync.refresh_account import refresh_account
from connector.targets import TargetKind, for_record
from tests.factories import NOW
from tests.fakes import a_fake_deal
from tests.sync.conftest import World


def test_a_deal_won_early_in_an_outage_of_six_weeks_is_found(world: World) -> None:
    reconcile("fake", world.services)
    ref = world.crm.has(a_fake_deal(), at=NOW + timedelta(days=1))
    world.clock.forward(days=42)
    reconcile("fake", world.services)
    assert world.dirty(for_record(TargetKind.DEAL, ref))


def test_after_an_outage_longer_than_billings_log_every_account_is_asked_about(world: World) -> None:
    """Events older than 30 days are gone from the log, and what they said with them."""
    bill_deal(str(world.crm.has(a_fake_deal())), world.services)
    customer = RecordRef("stripe", "customer", next(iter(world.billing.customers)))
    refresh_account(str(customer), world.services)
    target = for_record(TargetKind.ACCOUNT, customer)
    world.run(target)
    reconcile("stripe", world.services)
    world.clock.forward(days=20)
    reconcile("stripe", world.services)
    assert not world.dirty(target)
    world.clock.forward(days=42)
    reconcile("stripe", world.services)
    assert world.dirty(target)


def test_a_first_look_does_not_reach_further_back_than_a_day(world: World) -> None:
    ref = world.crm.has(a_fake_deal(), at=NOW - timedelta(days=3))
    reconcile("fake", world.services)
    assert not world.dirty(for_record(TargetKind.DEAL, ref))
