"""A billed deal that somebody edits is noticed by polling alone, and nothing is noticed of our own writing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.refs import RecordRef
from connector.errors import RateLimited
from connector.sync import notice_edits
from connector.sync.bill_deal import bill_deal
from connector.sync.reconcile import reconcile
from connector.sync.refresh_account import refresh_account
from connector.sync.write_back import write_back
from connector.targets import Target, TargetKind, for_record
from tests.factories import NOW
from tests.fakes import MAPPING, a_fake_deal
from tests.sync.conftest import World

TEN_SEATS = ({"name": "Seats", "quantity": 10, "price": "20.00", "interval": "monthly"},)


@pytest.fixture
def unbelled(world: World) -> World:
    """No webhook rings here, and the CRM counts our writes as changes, as real ones do."""
    world.crm.clock = world.clock
    return world


def target(deal: RecordRef) -> Target:
    return for_record(TargetKind.DEAL, deal)


def a_billed_deal(world: World, number: str = "1") -> RecordRef:
    """Billed and shown so; its own daily look is done, and five quiet minutes have passed."""
    ref = world.crm.has(a_fake_deal(number, account=number), at=world.clock())
    bill_deal(str(ref), world.services)
    write_back("fake", world.services)
    poll(world, ref)
    world.clock.forward(minutes=10)
    world.crm.calls.clear()
    return ref


def poll(world: World, ref: RecordRef) -> None:
    """A poll, and the work that comes of it."""
    reconcile("fake", world.services)
    world.run(target(ref))
    write_back("fake", world.services)


def pay(world: World, ref: RecordRef) -> None:
    """A payment, which we write to the deal."""
    with world.services.store.begin() as work:
        billing = work.links.billing_of(ref)
    assert billing is not None
    world.billing.pays(next(iter(world.billing.invoices)))
    refresh_account(str(billing.customer), world.services)
    write_back("fake", world.services)
    assert world.crm.changed_at[ref] == world.clock()


def status_on(world: World, ref: RecordRef) -> object:
    return world.crm.shown[ref]["billing_sync_status"]


def test_an_edited_billed_deal_is_noticed_by_polling_alone(unbelled: World) -> None:
    ref = a_billed_deal(unbelled)
    unbelled.crm.has(a_fake_deal(lines=TEN_SEATS), at=unbelled.clock())
    poll(unbelled, ref)
    assert status_on(unbelled, ref) == "awaiting_approval"
    assert "10" in str(unbelled.crm.shown[ref]["billing_sync_message"])


def test_a_lost_billed_deal_is_noticed_by_polling_alone(unbelled: World) -> None:
    ref = a_billed_deal(unbelled)
    unbelled.crm.has(replace(a_fake_deal(won=False), closed=True), at=unbelled.clock())
    poll(unbelled, ref)
    assert status_on(unbelled, ref) == "awaiting_approval"


def test_a_reopened_billed_deal_is_noticed_by_polling_alone(unbelled: World) -> None:
    ref = a_billed_deal(unbelled)
    unbelled.crm.has(a_fake_deal(won=False), at=unbelled.clock())
    poll(unbelled, ref)
    assert status_on(unbelled, ref) == "needs_attention"


def test_a_deal_that_shows_a_status_but_is_not_billed_is_not_looked_at_for_edits(unbelled: World) -> None:
    """An open deal that waits for its PO number, say: its own way to be found is the readiness gate."""
    ref = unbelled.crm.has(a_fake_deal(won=False), at=NOW)
    unbelled.crm.shown[ref]["billing_sync_status"] = "waiting"
    reconcile("fake", unbelled.services)
    assert not unbelled.dirty(target(ref))


def test_the_echo_of_our_own_write_is_no_edit(unbelled: World) -> None:
    ref = a_billed_deal(unbelled)
    pay(unbelled, ref)
    unbelled.clock.forward(minutes=1)
    reconcile("fake", unbelled.services)
    assert not unbelled.dirty(target(ref))
    unbelled.crm.changed_at[ref] += timedelta(seconds=31)
    reconcile("fake", unbelled.services)
    assert unbelled.dirty(target(ref))


@pytest.mark.parametrize("seconds", [-90, 20], ids=["before our write, unpolled", "right after our write"])
def test_what_our_own_write_hides_is_found_within_a_day(unbelled: World, seconds: float) -> None:
    ref = a_billed_deal(unbelled)
    if seconds < 0:
        unbelled.crm.has(a_fake_deal(lines=TEN_SEATS), at=unbelled.clock())
        unbelled.clock.forward(seconds=-seconds)
        pay(unbelled, ref)
    else:
        pay(unbelled, ref)
        unbelled.clock.forward(seconds=seconds)
        unbelled.crm.has(a_fake_deal(lines=TEN_SEATS), at=unbelled.clock())
    poll(unbelled, ref)
    assert status_on(unbelled, ref) == "billed"
    unbelled.clock.forward(days=1)
    poll(unbelled, ref)
    assert status_on(unbelled, ref) == "awaiting_approval"


def test_an_edit_right_after_the_daily_look_is_found_by_the_next(unbelled: World) -> None:
    """Our write, the daily look and the edit fall within half a minute: the next look reaches behind this one."""
    ref = a_billed_deal(unbelled)
    unbelled.clock.forward(days=1)
    pay(unbelled, ref)
    unbelled.clock.forward(seconds=10)
    poll(unbelled, ref)
    assert unbelled.crm.calls.count("fetch_deal") == 1
    unbelled.clock.forward(seconds=10)
    unbelled.crm.has(a_fake_deal(lines=TEN_SEATS), at=unbelled.clock())
    poll(unbelled, ref)
    assert status_on(unbelled, ref) == "billed"
    unbelled.clock.forward(days=1)
    poll(unbelled, ref)
    assert status_on(unbelled, ref) == "awaiting_approval"


def test_days_without_news_cost_one_look_after_our_last_write_and_no_write(unbelled: World) -> None:
    """No look begets a write that begets a look."""
    ref = a_billed_deal(unbelled)
    pay(unbelled, ref)
    unbelled.crm.calls.clear()
    for _ in range(4 * 24):
        unbelled.clock.forward(hours=1)
        poll(unbelled, ref)
    assert unbelled.crm.calls.count("fetch_deal") == 1
    assert "write" not in unbelled.crm.calls


def test_a_look_at_an_unchanged_billed_deal_writes_nothing(unbelled: World) -> None:
    ref = a_billed_deal(unbelled)
    unbelled.crm.changed_at[ref] = unbelled.clock()
    poll(unbelled, ref)
    assert unbelled.crm.calls == ["won_since", "touched_since", "fetch_deal"]


def test_a_quiet_poll_costs_one_more_call(unbelled: World) -> None:
    ref = a_billed_deal(unbelled)
    poll(unbelled, ref)
    assert unbelled.crm.calls == ["won_since", "touched_since"]


def test_a_mapping_that_shows_no_status_is_not_polled_for_edits(unbelled: World) -> None:
    """Nothing would tell the deals that we dealt with from all others."""
    shown = {name: field for name, field in MAPPING.write_back["deal"].items() if name != "sync_status"}
    silent = replace(MAPPING, write_back={**MAPPING.write_back, "deal": shown})
    reconcile("fake", replace(unbelled.services, mappings={"fake": silent}))
    reconcile("fake", replace(unbelled.services, mappings={}))
    assert unbelled.crm.calls == ["won_since", "won_since"]


def test_an_edit_revives_a_parked_deal_and_the_daily_look_does_not(unbelled: World) -> None:
    """The edit may be the cure; a day that passes is none."""
    ref = a_billed_deal(unbelled)
    pay(unbelled, ref)
    unbelled.clock.forward(days=1)
    with unbelled.services.store.begin() as work:
        work.targets.mark_dirty(target(ref))
        work.targets.start(target(ref))
        work.targets.fail(target(ref), "no access", retry_in=None)
    reconcile("fake", unbelled.services)
    assert not unbelled.dirty(target(ref))
    unbelled.crm.changed_at[ref] = unbelled.clock()
    reconcile("fake", unbelled.services)
    assert unbelled.dirty(target(ref))


def test_the_daily_look_stands_back_when_the_days_calls_are_nearly_used(unbelled: World) -> None:
    """And is made up for once there are calls again."""

    class Scarce:
        def wait(self, name: str) -> None:
            raise RateLimited("Nearly used.", retry_after=3600)

        def budget(self, name: str, used: int, allowed: int) -> None: ...

    ref = a_billed_deal(unbelled)
    pay(unbelled, ref)
    unbelled.clock.forward(days=1)
    with pytest.raises(RateLimited):
        reconcile("fake", replace(unbelled.services, throttle=Scarce()))
    assert not unbelled.dirty(target(ref))
    reconcile("fake", unbelled.services)
    assert unbelled.dirty(target(ref))


def test_the_daily_look_takes_page_after_page(unbelled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deals that were written in one call share their moment, and none falls between two pages."""
    monkeypatch.setattr(notice_edits, "_BATCH", 2)
    refs = [unbelled.crm.has(a_fake_deal(number, account=number)) for number in "12345"]
    for ref in refs:
        bill_deal(str(ref), unbelled.services)
    write_back("fake", unbelled.services)
    reconcile("fake", unbelled.services)
    assert [unbelled.dirty(target(ref)) for ref in refs] == [True] * 5


def test_what_is_too_many_for_one_daily_look_has_its_turn_next(
    unbelled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notice_edits, "_BATCH", 1)
    monkeypatch.setattr(notice_edits, "_MOST_BATCHES", 2)
    refs = []
    for number in "123":
        refs.append(unbelled.crm.has(a_fake_deal(number, account=number)))
        bill_deal(str(refs[-1]), unbelled.services)
        write_back("fake", unbelled.services)
        unbelled.clock.forward(minutes=20)
    unbelled.crm.changed_at.clear()
    reconcile("fake", unbelled.services)
    assert [unbelled.dirty(target(ref)) for ref in refs] == [True, True, False]
    unbelled.clock.forward(days=1)
    reconcile("fake", unbelled.services)
    assert unbelled.dirty(target(refs[2]))
