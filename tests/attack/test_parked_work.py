"""Work that gives up is never silent: the CRM record says so, and it comes back once the cause is gone."""

from __future__ import annotations

import psycopg

from connector.domain.refs import RecordRef
from connector.errors import AccessLost, Unreachable
from connector.jobs.run_target import run_target
from connector.jobs.schedule import knock_again
from connector.sync import USE_CASES
from connector.sync.write_back import write_back
from connector.targets import Target, TargetKind, for_record
from tests.fakes import a_fake_deal
from tests.sync.conftest import World


def work_on(world: World, target: Target, times: int = 1) -> None:
    """As a worker does, and as if every wait were over at once."""
    for _ in range(times):
        with world.services.store.begin() as work:
            work.targets.mark_dirty(target)
        run_target(target, world.services, USE_CASES)


def hurry(url: str) -> None:
    """Whatever waits for its retry may be tried now."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("update target set not_before = now()")


def shown(world: World, ref: RecordRef) -> tuple[object, object]:
    write_back("fake", world.services)
    there = world.crm.shown[ref]
    return there.get("billing_sync_status"), there.get("billing_sync_message")


def test_a_deal_that_meets_a_bug_says_so_once_it_is_given_up(world: World, database_url: str) -> None:
    ref = world.crm.has(a_fake_deal())
    target = for_record(TargetKind.DEAL, ref)

    def bug(_operation: str) -> None:
        raise KeyError("ada@example.com")

    world.crm.trouble = lambda operation: bug(operation) if operation == "fetch_deal" else None
    work_on(world, target)
    assert shown(world, ref) == (None, None)  # tried again by itself: nobody need worry yet
    for _ in range(2):
        hurry(database_url)
        run_target(target, world.services, USE_CASES)

    status, message = shown(world, ref)
    assert status == "needs_attention"
    assert "bug in the connector" in str(message)
    assert "ada@example.com" not in str(message)


def test_a_deal_whose_bug_is_mended_says_that_it_is_billed(world: World, database_url: str) -> None:
    test_a_deal_that_meets_a_bug_says_so_once_it_is_given_up(world, database_url)
    ref = RecordRef("fake", "deal", "1")
    world.crm.trouble = lambda _operation: None
    work_on(world, for_record(TargetKind.DEAL, ref))
    assert shown(world, ref) == ("billed", "")


def test_a_deal_whose_vendor_never_comes_back_says_so_after_three_days(world: World, database_url: str) -> None:
    ref = world.crm.has(a_fake_deal())
    target = for_record(TargetKind.DEAL, ref)

    def away(operation: str) -> None:
        if operation == "prices":
            raise Unreachable("Billing is away.")

    world.billing.trouble = away
    work_on(world, target)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update target set not_before = now(), failing_since = now() - interval '73 hours'")
    run_target(target, world.services, USE_CASES)
    status, message = shown(world, ref)
    assert status == "needs_attention"
    assert "three days" in str(message)


def test_an_account_whose_refresh_is_parked_does_not_pretend_to_be_up_to_date(world: World) -> None:
    ref = world.crm.has(a_fake_deal())
    work_on(world, for_record(TargetKind.DEAL, ref))
    customer = RecordRef("stripe", "customer", next(iter(world.billing.customers)))
    account = for_record(TargetKind.ACCOUNT, customer)
    work_on(world, account)

    def revoked(operation: str) -> None:
        if operation == "account":
            raise AccessLost("Billing does not accept our key.")

    world.billing.trouble = revoked
    work_on(world, account)
    with world.services.store.begin() as work:
        state = work.records.get(RecordRef("fake", "account", "1"))
    assert state is not None
    assert (state.desired["sync_status"], state.desired["sync_message"]) == (
        "needs_attention",
        "Billing does not accept our key.",
    )

    world.billing.trouble = lambda _operation: None
    work_on(world, account)
    with world.services.store.begin() as work:
        state = work.records.get(RecordRef("fake", "account", "1"))
    assert state is not None
    assert (state.desired["sync_status"], state.desired["sync_message"]) == ("billed", "")


def test_a_target_that_names_no_record_is_parked_all_the_same(world: World, database_url: str) -> None:
    target = Target(TargetKind.DEAL, "nonsense")
    work_on(world, target)
    for _ in range(2):
        hurry(database_url)
        run_target(target, world.services, USE_CASES)
    with world.services.store.begin() as work:
        assert [parked.target for parked in work.targets.parked()] == [target]


def test_a_deal_we_may_not_see_is_parked_and_billed_once_we_may(world: World) -> None:
    """A sharing rule hides it: were it taken for deleted, nobody would ever bill it."""
    ref = world.crm.has(a_fake_deal())
    target = for_record(TargetKind.DEAL, ref)
    world.crm.hidden.add(ref)
    work_on(world, target)
    with world.services.store.begin() as work:
        assert [parked.target for parked in work.targets.parked()] == [target]
    world.crm.hidden.clear()
    knock_again(world.services)
    run_target(target, world.services, USE_CASES)
    assert shown(world, ref) == ("billed", "")
