"""Before a renewal, late payers are flagged on account and renewal deal; their owner is told once per window."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from connector.errors import AccessLost, NotFound, Rejected, Unreachable
from connector.sync.bill_deal import bill_deal
from connector.sync.flag_late_payers import flag_late_payers
from connector.sync.write_back import write_back
from tests.factories import NOW
from tests.fakes import a_fake_deal
from tests.sync.conftest import World
from tests.sync.renewal_world import (
    ACCOUNT,
    ADA,
    BOB,
    RENEWAL,
    RENEWING,
    a_renewal_deal,
    billed,
    follow,
    late_near_renewal,
    pays_all,
    renewing,
    settle,
    shows,
    slipped_near_renewal,
)


@pytest.fixture
def world(world: World) -> World:
    return renewing(world)


def test_a_late_payer_is_flagged_inside_the_window_and_not_before_it(world: World) -> None:
    customer = late_near_renewal(world, renews_in=200, days=60)
    assert (shows(world, ACCOUNT, "health"), shows(world, ACCOUNT, "late_payer")) == ("late", False)
    assert world.crm.tasks == {}
    world.clock.forward(days=50)
    settle(world, customer)
    assert shows(world, ACCOUNT, "late_payer") is True
    assert len(world.crm.tasks) == 1


def test_the_open_renewal_deal_carries_the_flag_with_its_reason(world: World) -> None:
    a_renewal_deal(world)
    late_near_renewal(world)
    assert shows(world, RENEWAL, "late_payer") is True
    assert shows(world, RENEWAL, "health") == "severe" or shows(world, RENEWAL, "health") == "late"
    assert shows(world, RENEWAL, "health_reason") == shows(world, ACCOUNT, "health_reason")
    assert "Renews on 2027-03-01, its date in the CRM." in str(shows(world, RENEWAL, "health_reason"))
    assert shows(world, RENEWAL, "sync_status") is None  # it is not billed, and says nothing of billing


def test_the_renewal_deals_owner_gets_the_task_with_who_how_much_why_and_when(world: World) -> None:
    a_renewal_deal(world, owner=BOB)
    late_near_renewal(world)
    (task,) = world.crm.tasks.values()
    assert (task.owner, task.record) == (BOB, RENEWAL)
    assert "2027-03-01" in task.subject
    assert "Company 1" in task.subject
    for said in ("EUR 100.00", "1 invoice", "days late", "Deal 9, EUR 48,000", "Why: "):
        assert said in task.body
    assert world.clock().date() <= task.due <= world.clock().date() + timedelta(days=7)


def test_without_a_renewal_deal_the_accounts_owner_gets_it(world: World) -> None:
    late_near_renewal(world)
    (task,) = world.crm.tasks.values()
    assert (task.owner, task.record) == (ADA, ACCOUNT)


def test_one_task_per_window_and_never_two(world: World) -> None:
    customer = late_near_renewal(world, renews_in=140, days=60)  # 80 days before: the widest window
    for _ in range(70):
        world.clock.forward(days=1)
        settle(world, customer)
    assert len({task.subject for task in world.crm.tasks.values()}) == 3
    assert len(world.crm.tasks) == 3


def test_an_account_first_seen_late_gets_one_task_for_the_innermost_window_it_is_in(world: World) -> None:
    late_near_renewal(world, renews_in=100, days=60)  # 40 days before
    (task,) = world.crm.tasks.values()
    assert "60-day" in task.subject


def test_a_monthly_period_is_no_talk_to_be_had_anew_each_month(world: World) -> None:
    deal = world.crm.has(a_fake_deal("1", net_days="Net 10"))  # no contract end and no date in the CRM: it runs on
    bill_deal(str(deal), world.services)
    with world.services.store.begin() as work:
        (customer,) = work.accounts.customers_of(ACCOUNT)
    for _ in range(13):
        world.clock.forward(days=10)
        settle(world, customer)
    assert shows(world, ACCOUNT, "late_payer") is True
    assert len(world.crm.tasks) == 2  # a first one, and one more after three months


def test_nothing_is_asked_of_the_crm_while_nothing_changes(world: World) -> None:
    customer = late_near_renewal(world)
    world.crm.calls.clear()
    settle(world, customer)
    flag_late_payers(str(ACCOUNT), world.services)
    assert "create_task" not in world.crm.calls
    assert "write" not in world.crm.calls


def test_after_a_lost_answer_the_task_is_looked_for_before_it_is_made_again(world: World) -> None:
    def lost(operation: str) -> None:
        if operation == "after create_task":
            raise Unreachable("The answer was lost.")

    customer = billed(world)
    settle(world, customer)
    world.clock.forward(days=60)
    world.crm.trouble = lost
    with pytest.raises(Unreachable):
        settle(world, customer)
    world.crm.trouble = lambda operation: None
    settle(world, customer)
    assert len(world.crm.tasks) == 1
    with world.services.store.begin() as work:
        (kept,) = work.renewals.open_tasks(ACCOUNT)
    assert kept.task in world.crm.tasks


def test_a_crash_before_the_task_was_made_makes_it_the_next_time(world: World) -> None:
    def down(operation: str) -> None:
        if operation == "create_task":
            raise Unreachable("The CRM is away.")

    customer = billed(world)
    settle(world, customer)
    world.clock.forward(days=60)
    world.crm.trouble = down
    with pytest.raises(Unreachable):
        settle(world, customer)
    world.crm.trouble = lambda operation: None
    settle(world, customer)
    assert len(world.crm.tasks) == 1


def test_a_missing_permission_for_tasks_leaves_the_flag_standing_and_parks_the_task(world: World) -> None:
    def refused(operation: str) -> None:
        if operation == "create_task":
            raise AccessLost("We may not make tasks.", hint="Grant it.")

    a_renewal_deal(world)
    customer = billed(world)
    settle(world, customer)
    world.clock.forward(days=60)
    world.crm.trouble = refused
    with pytest.raises(AccessLost):
        settle(world, customer)
    world.crm.trouble = lambda operation: None
    write_back("fake", world.services)
    assert (shows(world, ACCOUNT, "late_payer"), shows(world, RENEWAL, "late_payer")) == (True, True)
    with world.services.store.begin() as work:
        assert [str(each.target) for each in work.targets.parked()] == [f"renewal/{ACCOUNT}"]


def test_payment_clears_the_flag_everywhere_says_so_and_closes_the_task(world: World) -> None:
    a_renewal_deal(world)
    customer = slipped_near_renewal(world)
    assert shows(world, RENEWAL, "late_payer") is True
    world.clock.forward(days=1)
    pays_all(world)
    settle(world, customer)
    paid = world.clock().date().isoformat()
    for ref in (ACCOUNT, RENEWAL):
        assert shows(world, ref, "late_payer") is False
        assert f"No longer flagged: paid on {paid}." in str(shows(world, ref, "health_reason"))
    ((task, note),) = world.crm.closed_tasks.items()
    assert task in world.crm.tasks
    assert note == f"No longer flagged: paid on {paid}."
    with world.services.store.begin() as work:
        assert work.renewals.flagged(ACCOUNT) == []
        assert work.renewals.open_tasks(ACCOUNT) == []


def test_a_task_whose_making_was_never_heard_of_is_closed_too(world: World) -> None:
    def lost(operation: str) -> None:
        if operation == "after create_task":
            raise Unreachable("The answer was lost.")

    world.crm.trouble = lost
    with pytest.raises(Unreachable):
        slipped_near_renewal(world)
    world.crm.trouble = lambda operation: None
    with world.services.store.begin() as work:
        (customer,) = work.accounts.customers_of(ACCOUNT)
    pays_all(world)
    settle(world, customer)
    assert len(world.crm.closed_tasks) == 1


def test_a_renewal_deal_that_is_opened_later_carries_the_flag_once_it_is_noticed(world: World) -> None:
    late_near_renewal(world)
    deal = a_renewal_deal(world)
    bill_deal(str(deal), world.services)  # as its doorbell asks for
    follow(world)
    assert shows(world, deal, "late_payer") is True


def test_a_renewal_deal_that_was_lost_carries_the_flag_no_more(world: World) -> None:
    deal = a_renewal_deal(world)
    late_near_renewal(world)
    world.crm.has(replace(world.crm.deals[deal], closed=True))
    bill_deal(str(deal), world.services)
    follow(world)
    assert shows(world, deal, "late_payer") is False
    assert shows(world, ACCOUNT, "late_payer") is True


def test_a_deal_of_another_kind_is_left_alone(world: World) -> None:
    other = world.crm.has(a_fake_deal("8", won=False, kind="new"))
    late_near_renewal(world)
    assert shows(world, other, "late_payer") is None


def test_a_deal_that_cannot_be_read_keeps_nobody_from_being_told(world: World) -> None:
    a_renewal_deal(world)
    hidden = world.crm.has(a_fake_deal("8", won=False, kind="renewal"))
    world.crm.hidden.add(hidden)
    late_near_renewal(world)
    assert shows(world, RENEWAL, "late_payer") is True
    assert len(world.crm.tasks) == 1


def test_a_mapping_that_reads_no_kind_of_deal_spends_no_call_on_deals(world: World) -> None:
    plain = tuple(rule for rule in RENEWING.deal if rule.canonical != "terms.kind")
    world = replace(world, services=replace(world.services, mappings={"fake": replace(RENEWING, deal=plain)}))
    late_near_renewal(world)
    assert "open_deals" not in world.crm.calls
    assert len(world.crm.tasks) == 1


def test_access_to_deals_that_is_lost_is_nothing_to_pass_over(world: World) -> None:
    def refused(operation: str) -> None:
        if operation == "fetch_deal" and deal in world.crm.deals and world.clock() > NOW:
            raise AccessLost("We may not read deals.", hint="Grant it.")

    deal = a_renewal_deal(world)
    world.crm.trouble = refused
    with pytest.raises(AccessLost):
        late_near_renewal(world)


def test_a_renewal_deal_that_is_gone_meanwhile_leaves_the_task_to_the_accounts_owner(world: World) -> None:
    def gone(operation: str) -> None:
        if operation == "owner_of" and not world.crm.owners.get(RENEWAL):
            world.crm.owners[RENEWAL] = BOB
            raise NotFound("The record is gone.")

    a_renewal_deal(world, owner=None)
    world.crm.trouble = gone
    late_near_renewal(world)
    (task,) = world.crm.tasks.values()
    assert task.owner == ADA


def test_an_owner_who_left_is_not_given_the_task(world: World) -> None:
    a_renewal_deal(world, owner=BOB)
    world.crm.inactive.add(BOB)
    late_near_renewal(world)
    (task,) = world.crm.tasks.values()
    assert task.owner == ADA


def test_the_next_windows_task_goes_to_whoever_owns_the_renewal_then(world: World) -> None:
    a_renewal_deal(world, owner=BOB)
    customer = late_near_renewal(world, renews_in=140, days=60)
    world.crm.owners[RENEWAL] = ADA
    world.clock.forward(days=25)
    settle(world, customer)
    assert [task.owner for task in world.crm.tasks.values()] == [BOB, ADA]


def test_without_any_owner_there_is_no_task_until_somebody_owns_it(world: World) -> None:
    del world.crm.owners[ACCOUNT]
    late_near_renewal(world)
    assert world.crm.tasks == {}
    assert shows(world, ACCOUNT, "late_payer") is True
    world.crm.owners[ACCOUNT] = ADA
    flag_late_payers(str(ACCOUNT), world.services)
    assert len(world.crm.tasks) == 1


def test_a_task_that_the_crm_refuses_is_raised_for_a_person(world: World) -> None:
    def refused(operation: str) -> None:
        if operation == "create_task":
            raise Rejected("A validation rule refused it.")

    customer = billed(world)
    settle(world, customer)
    world.clock.forward(days=60)
    world.crm.trouble = refused
    with pytest.raises(Rejected):
        settle(world, customer)


def test_an_account_that_is_in_no_crm_of_ours_costs_no_call(world: World) -> None:
    flag_late_payers("other:account:1", world.services)
    flag_late_payers("fake:account:unknown", world.services)
    assert world.crm.calls == []


def test_a_date_is_read_from_the_deal_and_shown_on_the_account(world: World) -> None:
    customer = billed(world, renews_in=100)
    settle(world, customer)
    assert shows(world, ACCOUNT, "renewal_date") == date(2027, 3, 1)
