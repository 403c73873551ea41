"""Attacks on flags and tasks before a renewal: dates that move, deals that go elsewhere, work that is cut off."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest

from connector.domain.billing_plan import StepKey
from connector.domain.health_word import Health
from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.errors import RateLimited, Unreachable
from connector.jobs import schedule
from connector.ports import Link, NewOverride, Unlimited
from connector.sync.bill_deal import bill_deal
from connector.sync.flag_late_payers import flag_late_payers
from connector.sync.override_health import override_health
from connector.sync.refresh_account import refresh_account
from connector.sync.set_health_policy import set_health_policy
from connector.sync.write_back import write_back
from connector.targets import TargetKind, for_record
from tests.fakes import a_fake_deal, no_trouble
from tests.sync.conftest import World
from tests.sync.renewal_world import (
    ACCOUNT,
    RENEWAL,
    RENEWING,
    a_renewal_deal,
    billed,
    follow,
    late_near_renewal,
    renewing,
    settle,
    shows,
)

OTHER = RecordRef("fake", "account", "2")
SOLD = RecordRef("fake", "deal", "1")


@pytest.fixture
def world(world: World) -> World:
    return renewing(world)


def moves_renewal(world: World, customer: RecordRef, *, days: int) -> None:
    """Somebody changes the renewal date on the deal that was billed."""
    deal = world.crm.deals[SOLD]
    on = (world.clock().date() + timedelta(days=days)).isoformat()
    world.crm.has(replace(deal, records={**deal.records, "Deal": {**deal.records["Deal"], "renews_on": on}}))
    bill_deal(str(SOLD), world.services)
    settle(world, customer)


def open_tasks(world: World) -> list[str]:
    return [task.subject for ref, task in world.crm.tasks.items() if ref not in world.crm.closed_tasks]


def test_a_renewal_date_that_moves_by_a_few_days_asks_nobody_twice(world: World) -> None:
    customer = late_near_renewal(world)
    assert len(open_tasks(world)) == 1
    for days in (44, 36, 45, 40):
        moves_renewal(world, customer, days=days)
    assert len(world.crm.tasks) == 1, open_tasks(world)


def test_every_record_of_one_company_shows_the_one_day_on_which_it_renews(world: World) -> None:
    """Billed from one CRM, known in another: there, too, no end of a month is taken for the renewal."""
    customer = billed(world)
    world.crm.shown[OTHER] = {}
    with world.services.store.begin() as work:
        work.links.remember(Link(StepKey(OTHER, CUSTOMER), customer))
    settle(world, customer)
    assert shows(world, OTHER, "renewal_date") == shows(world, ACCOUNT, "renewal_date") is not None


def test_next_years_renewal_is_talked_about_anew_also_where_a_window_is_never_left(world: World) -> None:
    set_health_policy({"renewal_windows": [730]}, world.services, by="test")
    customer = late_near_renewal(world)
    assert len(open_tasks(world)) == 1
    world.clock.forward(days=30)
    moves_renewal(world, customer, days=375)
    assert len(world.crm.tasks) == 2


def test_a_renewal_deal_that_moves_to_another_account_leaves_the_flag_behind(world: World) -> None:
    a_renewal_deal(world)
    late_near_renewal(world)
    assert shows(world, RENEWAL, "late_payer") is True
    world.crm.has(replace(world.crm.deals[RENEWAL], account=OTHER))
    bill_deal(str(RENEWAL), world.services)
    follow(world)
    assert shows(world, RENEWAL, "late_payer") is False
    assert shows(world, RENEWAL, "health") in ("unknown", None)
    assert not shows(world, RENEWAL, "health_reason")


def test_a_renewal_deal_that_was_deleted_leaves_nothing_behind_that_waits_for_a_person(world: World) -> None:
    a_renewal_deal(world)
    customer = late_near_renewal(world)
    del world.crm.deals[RENEWAL]
    del world.crm.shown[RENEWAL]
    bill_deal(str(RENEWAL), world.services)
    world.clock.forward(days=8)
    schedule.mark_renewals(world.services)
    settle(world, customer)
    with world.services.store.begin() as work:
        assert work.records.parked() == []


def test_an_account_flagged_again_in_a_window_whose_task_was_never_made_gets_it(world: World) -> None:
    customer = late_near_renewal_unheard(world)
    override_health(NewOverride(ACCOUNT, Health.GOOD, "ada", "they called", world.services.today()), world.services)
    world.crm.trouble = no_trouble
    settle(world, customer)
    assert shows(world, ACCOUNT, "late_payer") is False
    assert world.crm.tasks == {}
    world.clock.forward(days=1)
    settle(world, customer)
    assert shows(world, ACCOUNT, "late_payer") is True
    assert len(open_tasks(world)) == 1


def test_a_task_that_no_crm_ever_got_keeps_nobody_from_being_asked_at_the_next_end_of_a_month(world: World) -> None:
    customer = late_near_renewal_unheard(world, by_field=False)
    world.clock.forward(days=31)
    world.crm.trouble = no_trouble
    settle(world, customer)
    assert len(open_tasks(world)) == 1


def test_reading_deals_before_a_renewal_stands_back_when_the_days_calls_are_nearly_used(world: World) -> None:
    class Scarce(Unlimited):
        def wait(self, name: str) -> None:
            if name == "fake:optional":
                raise RateLimited("The day's calls are nearly used.")

    a_renewal_deal(world)
    world.services = replace(world.services, throttle=Scarce())
    with pytest.raises(RateLimited):
        late_near_renewal(world)
    assert not {"open_deals", "create_task", "owner_of"} & set(world.crm.calls)
    write_back("fake", world.services)
    assert shows(world, ACCOUNT, "late_payer") is True


def late_near_renewal_unheard(world: World, *, by_field: bool = True) -> RecordRef:
    """A late payer near its renewal, in a CRM that makes no tasks just now."""

    def refuses(operation: str) -> None:
        if operation == "create_task":
            raise Unreachable("The CRM is unwell.")

    customer = billed(world) if by_field else billed_by_the_month(world)
    settle(world, customer)
    world.clock.forward(days=60)
    world.crm.trouble = refuses
    with pytest.raises(Unreachable):
        settle(world, customer)
    return customer


def billed_by_the_month(world: World) -> RecordRef:
    """A billed deal of which no field says when it renews."""
    deal = a_fake_deal("1", net_days="Net 10")
    world.crm.has(deal)
    bill_deal(str(deal.ref), world.services)
    with world.services.store.begin() as work:
        billing = work.links.billing_of(deal.ref)
    assert billing is not None
    return billing.customer


def test_a_deal_that_an_older_mapping_billed_makes_nobody_forget_whose_child_the_account_is(world: World) -> None:
    """The mapping that billed it reads no parent: it does not say that there is none."""
    billed(world, parent="77")
    with world.services.store.begin() as work:
        before = work.accounts.profile(ACCOUNT)
    assert before is not None
    assert before.parent == RecordRef("fake", "account", "77")
    rules = tuple(rule for rule in RENEWING.deal if rule.canonical not in ("account.parent", "account.owner"))
    older = replace(world.services, mappings={"fake": replace(RENEWING, deal=rules)})
    world.crm.has(a_fake_deal("2", net_days="Net 10"))
    bill_deal("fake:deal:2", older)
    with world.services.store.begin() as work:
        assert work.accounts.profile(ACCOUNT) == before


def test_accounts_of_a_crm_that_is_not_connected_keep_nobody_elses_renewals_from_being_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "_BATCH", 1)
    late_near_renewal(world)
    with world.services.store.begin() as work:
        flag = work.accounts.flag(ACCOUNT)
        assert flag is not None
        work.accounts.keep_flags([replace(flag, account=RecordRef("absent", "account", "1"))])
    world.clock.forward(days=8)
    assert schedule.mark_renewals(world.services) == 1
    assert world.dirty(for_record(TargetKind.RENEWAL, ACCOUNT))


def test_tasks_are_closed_once_a_crm_that_was_away_when_the_flag_went_is_back(world: World) -> None:
    customer = late_near_renewal(world)
    connected = world.services
    world.services = replace(connected, crms={})
    override_health(NewOverride(ACCOUNT, Health.GOOD, "ada", "paid by wire", connected.today()), world.services)
    world.run(for_record(TargetKind.HEALTH, customer))
    world.services = replace(connected, clock=world.clock)
    with connected.store.begin() as work:
        flag = work.accounts.flag(ACCOUNT)
    assert flag is not None
    assert not flag.late_payer
    override_health(NewOverride(ACCOUNT, Health.GOOD, "ada", "still", connected.today() + timedelta(days=9)), connected)
    world.clock.forward(days=8)
    schedule.mark_renewals(world.services)
    follow(world)
    assert open_tasks(world) == []


def test_a_worker_that_was_given_up_for_dead_and_comes_back_makes_no_second_task(world: World) -> None:
    """Its lane was freed while it waited for the CRM, and another one took over its work."""
    making, again, go_on = Event(), Event(), Event()

    def slowly(operation: str) -> None:
        if operation == "create_task":
            (again if making.is_set() else making).set()
            assert go_on.wait(10)

    customer = billed(world)
    settle(world, customer)
    world.clock.forward(days=60)
    world.run(for_record(TargetKind.HEALTH, customer))
    refresh_account(str(customer), world.services)
    world.crm.trouble = slowly
    with ThreadPoolExecutor(2) as workers:
        first = workers.submit(flag_late_payers, str(ACCOUNT), world.services)
        assert making.wait(10)
        second = workers.submit(flag_late_payers, str(ACCOUNT), world.services)
        again.wait(0.5)  # as long as nobody does, there is nothing to wait for
        go_on.set()
        first.result(10)
        second.result(10)
    assert len(world.crm.tasks) == 1
