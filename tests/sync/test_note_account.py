"""What a deal says of its account beside what it bills is kept, and has health looked at anew; it bills nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from connector.domain.account_profile import AccountProfile
from connector.domain.excuses import Excuses
from connector.domain.health_policy import HealthPolicy, RollUp
from connector.domain.health_word import Health
from connector.domain.refs import RecordRef
from connector.domain.renewal_flag import Flag
from connector.domain.renewals import Renewal, RenewalSource
from connector.errors import Misconfigured, NeedsHuman
from connector.jobs.schedule import mark_renewals
from connector.ports import PlanState
from connector.sync.bill_deal import bill_deal
from connector.sync.note_account import note_account, notice_renewal
from connector.sync.read_deal import read_deal
from connector.sync.rules_in_force import rules_in_force
from connector.sync.set_health_policy import health_policy, set_health_policy
from connector.targets import TargetKind, for_record
from mappings.model import FieldMapping, FieldRule
from tests.fakes import MAPPING, a_fake_deal
from tests.sync.conftest import World

ACCOUNT, DEAL = RecordRef("fake", "account", "1"), RecordRef("fake", "deal", "1")

TELLING = replace(
    MAPPING,
    deal=(
        *MAPPING.deal,
        FieldRule("account.owner", "Company.owner"),
        FieldRule("account.parent", "Company.parent"),
        FieldRule("account.size", "Company.employees"),
        FieldRule("account.plan", "Company.plan"),
        FieldRule("account.address.country", "Company.country"),
        FieldRule("terms.renewal_date", "Deal.renews_on", "date"),
    ),
    renewal_from=("contract_end", "crm_field"),
)


@pytest.fixture
def world(world: World) -> World:
    return replace(world, services=replace(world.services, mappings={"fake": TELLING}))


def says(world: World, **company: str) -> None:
    """The deal and its account say so; then the deal is looked at, as a doorbell asks for."""
    deal = a_fake_deal(renews_on=company.pop("renews_on", ""))
    records = {**deal.records, "Company": {**deal.records["Company"], **company}}
    world.crm.has(replace(deal, records=records))
    bill_deal(str(DEAL), world.services)


def customer(world: World) -> RecordRef:
    with world.services.store.begin() as work:
        (found,) = work.accounts.customers_of(ACCOUNT)
    return found


def test_a_billed_deals_account_is_known_by_whose_it_is_and_what_it_is(world: World) -> None:
    says(world, owner="ada", parent="9", employees="120", plan="gold", country="DE")
    with world.services.store.begin() as work:
        known = work.accounts.profile(ACCOUNT)
    owner, parent = RecordRef("fake", "owner", "ada"), RecordRef("fake", "account", "9")
    assert known == AccountProfile(ACCOUNT, parent, owner, "medium", "DE", "gold")


def test_an_account_is_not_above_itself(world: World) -> None:
    says(world, parent="1")
    with world.services.store.begin() as work:
        assert work.accounts.profile(ACCOUNT) == AccountProfile(ACCOUNT)


def test_another_owner_or_renewal_date_is_noticed_and_proposes_no_change_of_billing(world: World) -> None:
    says(world, owner="ada")
    says(world)  # a second look, since nothing had said that its first was over
    health = for_record(TargetKind.HEALTH, customer(world))
    world.run(health)
    assert not world.dirty(health)
    says(world, owner="bob", renews_on="2027-05-01")
    assert world.dirty(health)
    with world.services.store.begin() as work:
        known = work.accounts.profile(ACCOUNT)
        background = work.accounts.background([customer(world)])
        plan = work.plans.latest(DEAL)
    assert known is not None
    assert known.owner == RecordRef("fake", "owner", "bob")
    assert background[customer(world)].crm_renewals == {DEAL: date(2027, 5, 1)}
    assert plan is not None
    assert plan.state is PlanState.DONE


def test_the_rules_are_the_companys_own(world: World) -> None:
    assert rules_in_force(world.services).policy == HealthPolicy()
    set_health_policy({"flag_below": 55, "roll_up": "payer"}, world.services, by="Grace")
    rules = rules_in_force(world.services)
    assert (rules.policy.flag_below, rules.policy.roll_up) == (55.0, RollUp.PAYER)
    assert rules.renewal_from == {"fake": ("contract_end", "crm_field")}
    assert health_policy(world.services) == rules.policy


def test_a_mapping_that_cannot_be_used_leaves_renewal_dates_to_the_default_order(world: World) -> None:
    class Broken(dict[str, FieldMapping]):
        def __getitem__(self, crm: str) -> FieldMapping:
            raise NeedsHuman("Version 3 cannot be used.")

    services = replace(world.services, mappings=Broken())
    assert rules_in_force(services).renewal_from == {}


def test_a_deal_without_an_account_says_nothing_of_one(world: World) -> None:
    orphan = replace(a_fake_deal(won=False), account=None)
    note_account(read_deal(orphan, TELLING), world.services)
    notice_renewal(orphan, world.services)
    with world.services.store.begin() as work:
        assert work.targets.counts().dirty == 0


def test_a_policy_that_cannot_be_changes_nothing(world: World) -> None:
    with pytest.raises(Misconfigured):
        set_health_policy({"flag_below": "low"}, world.services, by="Grace")
    assert rules_in_force(world.services).policy == HealthPolicy()


def test_the_policy_of_the_documentation_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "payment-health.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```json\n(.+?)```", page, re.DOTALL)
    policy = HealthPolicy.parse(json.loads(example))
    assert policy.roll_up is RollUp.WORST_CHILD
    assert [segment.size for segment in policy.segments] == ["large", "", ""]


def test_flagged_accounts_are_looked_at_once_a_week(world: World) -> None:
    today = world.clock().date()
    renewal = Renewal(today + timedelta(days=40), RenewalSource.CONTRACT_END)
    excuses = Excuses(today, frozenset(), frozenset())
    flag = Flag(ACCOUNT, True, 60, renewal, Health.LATE, Health.LATE, "", today, excuses)
    with world.services.store.begin() as work:
        work.accounts.keep_flags([flag, replace(flag, account=RecordRef("gone", "account", "1"))])
    assert mark_renewals(world.services) == 1
    with world.services.store.begin() as work:
        work.renewals.seen(ACCOUNT, today)
    world.run(for_record(TargetKind.RENEWAL, ACCOUNT))
    with world.services.store.begin() as work:
        work.accounts.keep_flags([flag])
    assert mark_renewals(world.services) == 0
    world.clock.forward(days=7)
    assert mark_renewals(world.services) == 1
