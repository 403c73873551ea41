"""The nightly run over all accounts: what each alone would show, changed values only, no one's fault is another's."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module
from random import Random
from threading import Event
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from connector import targets
from connector.domain.billing import BillingAccount, Customer
from connector.domain.billing_plan import StepKey
from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.errors import RetryLater, Unreachable
from connector.ports import Link
from connector.sync.assess_account import assess_account
from connector.sync.assess_accounts import assess_accounts
from connector.sync.bill_deal import bill_deal
from connector.sync.refresh_account import refresh_account
from connector.targets import Target, TargetKind
from tests.factories import NOW, TODAY, an_invoice
from tests.fakes import a_fake_deal
from tests.random_book import fill_book
from tests.sync.conftest import World

module = import_module("connector.sync.assess_accounts")

DESIRED = "select ref, desired - 'health_as_of', written, differs from crm_record order by ref"
FLAGS = "select to_jsonb(account_flag) from account_flag order by account"
MARKED = "select kind, ref from target where kind <> 'health' order by kind, ref"
VERSIONS = "select ref, xmin::text || ctid::text from crm_record"


@pytest.fixture
def database(database_url: str) -> psycopg.Connection[Any]:
    """A look from outside, each statement by itself."""
    return psycopg.connect(database_url, autocommit=True)


def billed_as(world: World, *names: str, overdue_since: int = 10) -> list[RecordRef]:
    """Customers with a CRM account each, of the same name, and one invoice overdue for so many days."""
    customers = []
    for number, name in enumerate(names):
        customer = RecordRef("stripe", "customer", name)
        invoice = an_invoice(
            number,
            ref=RecordRef("stripe", "invoice", f"in_{name}"),
            customer=customer,
            due=TODAY - timedelta(days=overdue_since),
        )
        with world.services.store.begin() as work:
            work.ledger.save(BillingAccount(Customer(customer), invoices=(invoice,)), NOW)
            work.links.remember(Link(StepKey(RecordRef("fake", "account", name), CUSTOMER), customer))
        customers.append(customer)
    return customers


def shown(world: World, name: str) -> dict[str, Any]:
    with world.services.store.begin() as work:
        state = work.records.get(RecordRef("fake", "account", name))
    return dict(state.desired) if state else {}


def assessed_at(database: psycopg.Connection[Any]) -> dict[str, datetime | None]:
    return dict(database.execute("select ref, assessed_at from customer").fetchall())


def health_targets(database: psycopg.Connection[Any]) -> list[str]:
    query = "select ref from target where kind = 'health' and seq > done_seq order by ref"
    return [ref for (ref,) in database.execute(query)]


def run(world: World) -> None:
    assess_accounts(targets.UPWARDS, world.services)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_record_shows_what_its_account_alone_would_show(
    world: World, database: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """On a book of accounts as chance makes it, the day it is new and again weeks later.

    But for the day of the last look, where nothing else is new.
    """
    monkeypatch.setattr(module, "_AT_ONCE", 17)
    customers = fill_book(world.services.store, Random(seed), 60, TODAY)
    for days in (0, 20):
        world.clock.forward(days=days)
        database.execute("truncate target")
        database.execute("create table records as select * from crm_record")
        database.execute("create table flags as select * from account_flag")
        for customer in customers:
            assess_account(str(customer), world.services)
        alone = [database.execute(query).fetchall() for query in (DESIRED, FLAGS, MARKED)]
        database.execute("truncate crm_record, account_flag, target; update customer set assessed_at = null")
        database.execute("insert into crm_record select * from records; insert into account_flag select * from flags")
        database.execute("drop table records, flags")
        run(world)
        assert [database.execute(query).fetchall() for query in (DESIRED, FLAGS, MARKED)] == alone
        assert all(len(rows) > least for rows, least in zip(alone, (100, 30, 0), strict=True))


def test_the_next_day_only_changed_records_are_touched(world: World, database: psycopg.Connection[Any]) -> None:
    """A new day alone is no change: not for an account that owes nothing, and says so."""
    billed_as(world, "late")
    with world.services.store.begin() as work:
        quiet = RecordRef("stripe", "customer", "quiet")
        work.ledger.save(BillingAccount(Customer(quiet)), NOW)
        work.links.remember(Link(StepKey(RecordRef("fake", "account", "quiet"), CUSTOMER), quiet))
    run(world)
    before = dict(database.execute(VERSIONS).fetchall())
    world.clock.forward(days=1)
    run(world)
    after = dict(database.execute(VERSIONS).fetchall())
    assert [ref for ref in before if before[ref] != after[ref]] == ["fake:account:late"]
    assert shown(world, "late")["days_past_due"] == 11
    assert set(assessed_at(database).values()) == {world.clock()}


def test_who_was_assessed_today_is_not_assessed_again(world: World, database: psycopg.Connection[Any]) -> None:
    """By a refresh an hour ago, say: the run has nothing to do, and marks nothing."""
    billed_as(world, "a")
    run(world)
    world.clock.forward(hours=5)
    run(world)
    assert set(assessed_at(database).values()) == {NOW}


def test_the_crm_is_marked_only_when_a_record_differs(world: World) -> None:
    billed_as(world, "a")
    run(world)
    assert world.dirty(targets.for_crm("fake"))
    with world.services.store.begin() as work:
        (state,) = work.records.waiting("fake", 10)
        work.records.written(state.ref, state.desired, NOW)
        work.targets.finish(targets.for_crm("fake"), work.targets.start(targets.for_crm("fake")) or 0)
        work.ledger.assessed(RecordRef("stripe", "customer", "a"), NOW - timedelta(days=1))
    run(world)
    assert not world.dirty(targets.for_crm("fake"))


def test_a_crm_that_is_not_connected_is_not_marked(world: World) -> None:
    """Its values wait until it is back."""
    billed_as(world, "a")
    assess_accounts(targets.UPWARDS, replace(world.services, crms={}))
    assert not world.dirty(targets.for_crm("fake"))
    assert shown(world, "a")["days_past_due"] == 10


def test_a_run_that_is_cut_off_goes_on_where_it_ended(
    world: World, database: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done is kept, what was under way is not half done, and the next run does the rest."""
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    billed_as(world, "a", "b", "c", "d", "e")
    calls = iter([NOW, NOW, NOW])  # the run's beginning, the rules for the first two customers, and they

    def clock() -> datetime:
        moment = next(calls, None)
        if moment is None:
            raise Unreachable("Away.")
        return moment

    with pytest.raises(Unreachable):
        assess_accounts(targets.UPWARDS, replace(world.services, clock=clock))
    done = assessed_at(database)
    assert [ref[-1] for ref in sorted(done) if done[ref] is not None] == ["a", "b"]
    assert [ref for ref, *_ in database.execute(DESIRED)] == ["fake:account:a", "fake:account:b"]
    world.clock.forward(hours=1)
    run(world)
    done = assessed_at(database)
    assert [done[ref] for ref in sorted(done)] == [NOW, NOW, *[NOW + timedelta(hours=1)] * 3]


def test_an_account_that_cannot_be_assessed_stops_no_other(world: World, database: psycopg.Connection[Any]) -> None:
    """It gets work of its own, which fails with the reason; the run leaves it out from then on."""
    billed_as(world, *"abcdefg")
    database.execute(
        "update invoice set status = 'nonsense' where ref in ('stripe:invoice:in_c', 'stripe:invoice:in_g')"
    )
    with capture_logs() as logs:
        run(world)
    assert health_targets(database) == ["stripe:customer:c", "stripe:customer:g"]
    assert [name for name in "abcdefg" if shown(world, name)] == ["a", "b", "d", "e", "f"]
    assert logs[-1]["mishaps"] == 2
    assert logs[-1]["assessed"] == 5
    bad = targets.for_record(TargetKind.HEALTH, RecordRef("stripe", "customer", "c"))
    with pytest.raises(ValueError, match="nonsense"):
        world.run(bad)
    with capture_logs() as logs:
        run(world)
    assert (logs[-1]["assessed"], logs[-1]["mishaps"]) == (0, 0)


def test_when_all_goes_wrong_the_run_itself_fails(
    world: World, database: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours is told once, on the run, not a hundred thousand times."""
    monkeypatch.setattr(module, "_MOST_MISHAPS", 3)
    billed_as(world, *"abcdefg")
    database.execute("update invoice set status = 'nonsense'")
    with pytest.raises(ValueError, match="nonsense"):
        run(world)
    assert len(health_targets(database)) == 3


def test_logs_name_nobody(world: World, monkeypatch: pytest.MonkeyPatch, database: psycopg.Connection[Any]) -> None:
    """Counts, every so many sets and at the end."""
    monkeypatch.setattr(module, "_AT_ONCE", 1)
    monkeypatch.setattr(module, "_TELL_EVERY", 2)
    billed_as(world, "cus_a", "cus_b", "cus_c")
    database.execute("update invoice set status = 'nonsense' where ref = 'stripe:invoice:in_cus_c'")
    with capture_logs() as logs:
        run(world)
    assert [line.get("assessed") for line in logs] == [2, None, 2]
    assert "cus_" not in str(logs)
    assert "nonsense" not in str(logs)


def test_a_locked_customer_is_passed_over_and_done_next_time(world: World, database: psycopg.Connection[Any]) -> None:
    """Whoever holds it shows it; the run waits for nobody."""
    _, busy, _ = billed_as(world, "a", "b", "c")
    with world.services.store.begin() as holder:
        holder.ledger.hold(busy)
        run(world)
    assert [ref for ref, at in assessed_at(database).items() if at is None] == [str(busy)]
    run(world)
    assert shown(world, "b")["days_past_due"] == 10


def test_a_refresh_at_the_same_time_never_loses(world: World, database: psycopg.Connection[Any]) -> None:
    """It waits for the set that holds its customer, and has the last word although it began first."""
    deal = a_fake_deal("1", account="1")
    world.crm.has(deal)
    bill_deal(str(deal.ref), world.services)
    ((customer,),) = database.execute("select target from link where role = 'customer'").fetchall()
    refresh_account(customer, world.services)
    world.run(targets.for_record(TargetKind.HEALTH, RecordRef.parse(customer)))  # else the run leaves it to that
    world.clock.forward(days=60)
    world.billing.pays(next(iter(world.billing.invoices)))
    holds, may_go_on = Event(), Event()
    with ThreadPoolExecutor(2) as beside:
        clock = _pausing(world.clock(), holds, may_go_on)
        nightly = beside.submit(assess_accounts, targets.UPWARDS, replace(world.services, clock=clock))
        assert holds.wait(10)
        refresh = beside.submit(refresh_account, customer, world.services)
        _wait_for_a_waiter(database, refresh.done)
        may_go_on.set()
        nightly.result(10)
        assert shown(world, "1")["open_balance"] == 100
        refresh.result(10)
    assert shown(world, "1")["open_balance"] == 0


def test_one_account_alone_waits_for_the_run(world: World, database: psycopg.Connection[Any]) -> None:
    """Else it could show what it read before the run, after the run."""
    (customer,) = billed_as(world, "a")
    with ThreadPoolExecutor(1) as beside:
        with world.services.store.begin() as holder:
            holder.book.hold([customer], NOW)
            alone = beside.submit(assess_account, str(customer), world.services)
            _wait_for_a_waiter(database, alone.done)
            assert database.execute(DESIRED).fetchall() == []
        alone.result(10)
    assert shown(world, "a")["days_past_due"] == 10


def test_a_database_that_is_away_is_tried_again_as_a_whole(world: World, database: psycopg.Connection[Any]) -> None:
    """It is no fault of any account's."""
    billed_as(world, "a", "b")

    def away() -> datetime:
        raise RetryLater("Away.")

    with pytest.raises(RetryLater):
        assess_accounts(targets.UPWARDS, replace(world.services, clock=away))
    assert health_targets(database) == []


def test_two_runs_share_the_book_from_both_ends(
    world: World, database: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One waits with the first set in its hands; the other does all the rest, and neither waits for the other."""
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    billed_as(world, *"abcdefg")
    holds, may_go_on = Event(), Event()
    with ThreadPoolExecutor(1) as beside:
        services = replace(world.services, clock=_pausing(NOW, holds, may_go_on))
        upwards = beside.submit(assess_accounts, targets.UPWARDS, services)
        assert holds.wait(10)
        with capture_logs() as logs:
            assess_accounts(targets.DOWNWARDS, world.services)
        assert [ref[-1] for ref, at in sorted(assessed_at(database).items()) if at is None] == ["a", "b"]
        assert (logs[-1]["assessed"], logs[-1]["passed_over"]) == (5, 2)
        may_go_on.set()
        upwards.result(10)
    assert set(assessed_at(database).values()) == {NOW}


@pytest.mark.parametrize("target", targets.for_everybody(), ids=str)
def test_either_run_alone_does_everybody(world: World, monkeypatch: pytest.MonkeyPatch, target: Target) -> None:
    """Each in a lane of its own."""
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    billed_as(world, *"abc")
    with world.services.store.begin() as work:
        work.targets.mark_dirty(target)
    world.run(target)
    assert [shown(world, name)["days_past_due"] for name in "abc"] == [10, 10, 10]
    assert target.lane == f"nightly:{target.ref}"


def _pausing(moment: datetime, holds: Event, may_go_on: Event) -> Callable[[], datetime]:
    """A clock that is asked at the beginning, for the rules, and when the customers' rows are held: there it waits."""
    calls = iter([False, False, True])

    def clock() -> datetime:
        if next(calls, False):
            holds.set()
            assert may_go_on.wait(10)
        return moment

    return clock


def _wait_for_a_waiter(database: psycopg.Connection[Any], ended: Callable[[], bool]) -> None:
    """Until somebody waits for a row."""
    while not database.execute("select 1 from pg_locks where not granted").fetchone():
        assert not ended()
