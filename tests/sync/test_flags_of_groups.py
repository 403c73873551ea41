"""What people say, groups of accounts, and time itself decide on the flag before a renewal, too."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.health_word import Health
from connector.domain.refs import RecordRef
from connector.ports import NewOverride
from connector.sync.assess_account import assess_account
from connector.sync.assess_accounts import assess_accounts
from connector.sync.bill_deal import bill_deal
from connector.sync.flag_late_payers import flag_late_payers
from connector.sync.set_health_policy import set_health_policy
from connector.targets import TargetKind, for_record
from tests.factories import NOW
from tests.fakes import a_fake_deal
from tests.sync.conftest import World
from tests.sync.renewal_world import (
    ACCOUNT,
    RENEWING,
    billed,
    follow,
    late_near_renewal,
    only_by_field,
    pays_all,
    renewing,
    settle,
    shows,
    with_roll_up,
)


@pytest.fixture
def world(world: World) -> World:
    return renewing(world)


def test_an_override_takes_the_flag_away_until_it_expires(world: World) -> None:
    customer = late_near_renewal(world)
    until = world.clock().date() + timedelta(days=5)
    new = NewOverride(ACCOUNT, Health.GOOD, "Grace", "They pay by a plan.", until)
    with world.services.store.begin() as work:
        work.said.override(new, world.clock())
    settle(world, customer)
    assert (shows(world, ACCOUNT, "health"), shows(world, ACCOUNT, "late_payer")) == ("good", False)
    assert f"Set to good by Grace until {until}: They pay by a plan." in str(shows(world, ACCOUNT, "health_reason"))
    assert list(world.crm.closed_tasks.values()) == ["No longer flagged: Grace set it to good."]
    world.clock.forward(days=6)
    settle(world, customer)
    assert shows(world, ACCOUNT, "late_payer") is True


def test_an_override_flags_an_account_that_pays_well(world: World) -> None:
    customer = billed(world, renews_in=40)
    pays_all(world)
    until = world.clock().date() + timedelta(days=5)
    with world.services.store.begin() as work:
        work.said.override(NewOverride(ACCOUNT, Health.SEVERE, "Grace", "Insolvent", until), world.clock())
    settle(world, customer)
    assert shows(world, ACCOUNT, "late_payer") is True


@pytest.mark.parametrize(("roll_up", "word", "flagged"), [("own", "good", False), ("worst_child", "late", True)])
def test_a_parent_shows_its_worst_child_where_the_policy_says_so(
    world: World, roll_up: str, word: str, flagged: bool
) -> None:
    with_roll_up(world, roll_up)
    parent = billed(world, number="2", account="2", renews_in=100)
    settle(world, parent)
    pays_all(world)
    child = billed(world, renews_in=300, parent="2")
    settle(world, parent)
    settle(world, child)
    world.clock.forward(days=60)
    settle(world, child)
    world.run(for_record(TargetKind.HEALTH, parent))
    settle(world, parent)
    above = RecordRef("fake", "account", "2")
    assert (shows(world, above, "health"), shows(world, above, "late_payer")) == (word, flagged)
    assert ("Company 1 below it is late" in str(shows(world, above, "health_reason"))) is flagged


def test_a_holding_that_is_billed_nothing_shows_its_worst_child_where_the_policy_says_so(world: World) -> None:
    with_roll_up(world, "worst_child")
    holding = RecordRef("fake", "account", "9")
    world.crm.shown[holding] = {}
    customer = billed(world, parent="9")
    settle(world, customer)
    assert shows(world, holding, "health") is None  # nothing is known of anybody yet
    world.clock.forward(days=60)
    settle(world, customer)
    follow(world)
    assert shows(world, holding, "health") == "late"
    assert str(shows(world, holding, "health_reason")).startswith("Company 1 below it is late: ")
    assert shows(world, holding, "late_payer") is None
    set_health_policy({"roll_up": "own"}, world.services, by="Grace")
    follow(world)
    assert (shows(world, holding, "health"), shows(world, holding, "health_reason")) == ("unknown", "")


def test_a_child_shows_how_its_payer_pays_where_the_policy_says_so(world: World) -> None:
    with_roll_up(world, "payer")
    world.crm.shown[RecordRef("fake", "account", "7")] = {}
    deal = a_fake_deal("1", account="1", renews_on=(NOW.date() + timedelta(days=100)).isoformat(), net_days="Net 10")
    company = {**deal.records["Company"], "payer": "7", "payer_name": "Holding"}
    payer = RecordRef("fake", "account", "7")
    world.crm.has(replace(deal, records={**deal.records, "Company": company}, payer=payer))
    bill_deal(str(deal.ref), world.services)
    with world.services.store.begin() as work:
        billing = work.links.billing_of(deal.ref)
    assert billing is not None
    settle(world, billing.customer)
    world.clock.forward(days=60)
    settle(world, billing.customer)
    assert shows(world, ACCOUNT, "late_payer") is True
    assert str(shows(world, ACCOUNT, "health_reason")).startswith("Paid for by Holding. ")


def test_the_nightly_run_flags_just_as_a_look_at_one_account_does(world: World) -> None:
    customer = billed(world)
    settle(world, customer)
    world.clock.forward(days=60)
    assess_accounts("all", world.services)
    follow(world)
    assert shows(world, ACCOUNT, "late_payer") is True
    assert len(world.crm.tasks) == 1
    with world.services.store.begin() as work:
        by_night = work.accounts.flag(ACCOUNT)
    assess_account(str(customer), world.services)
    with world.services.store.begin() as work:
        assert work.accounts.flag(ACCOUNT) == by_night


def test_a_renewal_that_has_passed_clears_the_flag(world: World) -> None:
    customer = billed(world, renews_in=61)
    settle(world, customer)
    world.clock.forward(days=60)
    settle(world, customer)
    assert shows(world, ACCOUNT, "late_payer") is True
    # The period's end, which comes up every month, would be the next renewal: this CRM goes by its own dates alone.
    world = replace(world, services=replace(world.services, mappings={"fake": only_by_field(RENEWING)}))
    world.clock.forward(days=2)
    settle(world, customer)
    assert shows(world, ACCOUNT, "late_payer") is False
    assert list(world.crm.closed_tasks.values()) == ["No longer flagged: the renewal of 2027-01-21 has passed."]


def test_an_account_that_is_billed_no_more_loses_its_flag_and_its_tasks(world: World) -> None:
    late_near_renewal(world)
    with world.services.store.begin() as work:
        work.links.follow(ACCOUNT, RecordRef("fake", "account", "2"))  # as a merge does
    flag_late_payers(str(ACCOUNT), world.services)
    assert list(world.crm.closed_tasks.values()) == ["No longer flagged: the account is not billed any more."]
    with world.services.store.begin() as work:
        assert work.renewals.due(world.clock().date() + timedelta(days=99), ["fake"], 10) == []
        assert work.renewals.upcoming(world.clock().date() + timedelta(days=99), 10) == []
