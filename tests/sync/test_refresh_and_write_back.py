"""What billing says reaches the CRM record: once, in batches, and only what differs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from connector.domain.inbox import EventKind, InboxEvent
from connector.domain.refs import RecordRef
from connector.errors import NeedsHuman, RateLimited, Rejected, RetryLater, Unreachable
from connector.sync.assess_account import assess_account
from connector.sync.bill_deal import bill_deal
from connector.sync.reconcile import reconcile
from connector.sync.refresh_account import refresh_account
from connector.sync.trace_record import trace_record
from connector.sync.write_back import write_back
from connector.targets import TargetKind, for_record
from tests.factories import NOW
from tests.fakes import a_fake_deal
from tests.sync.conftest import World


def billed(world: World, number: str = "1", account: str = "1") -> tuple[RecordRef, RecordRef, RecordRef]:
    """A billed deal: its ref, its account's and its customer's."""
    deal = a_fake_deal(number, account=account)
    world.crm.has(deal)
    bill_deal(str(deal.ref), world.services)
    with world.services.store.begin() as work:
        billing = work.links.billing_of(deal.ref)
    assert billing is not None
    return deal.ref, billing.account, billing.customer


def test_a_payment_shows_on_account_and_deal(world: World) -> None:
    deal, account, customer = billed(world)
    refresh_account(str(customer), world.services)
    write_back("fake", world.services)
    assert world.crm.shown[deal]["billing_open_balance"] == Decimal("100.00")

    world.billing.pays(next(iter(world.billing.invoices)))
    refresh_account(str(customer), world.services)
    write_back("fake", world.services)
    assert world.crm.shown[deal]["billing_open_balance"] == Decimal("0.00")
    assert world.crm.shown[account]["billing_open_balance"] == Decimal("0.00")


def test_an_unpaid_invoice_turns_the_account_late_as_time_passes(world: World) -> None:
    _, account, customer = billed(world)
    world.clock.forward(days=60)
    refresh_account(str(customer), world.services)
    write_back("fake", world.services)
    assert world.crm.shown[account]["billing_health"] == "late"
    assert world.crm.shown[account]["billing_late_payer"] is True


def test_a_refresh_that_changes_nothing_writes_nothing(world: World) -> None:
    _, _, customer = billed(world)
    refresh_account(str(customer), world.services)
    write_back("fake", world.services)
    world.crm.calls.clear()
    refresh_account(str(customer), world.services)
    write_back("fake", world.services)
    assert world.crm.calls == []


def test_a_customer_that_no_record_was_billed_as_costs_no_call(world: World) -> None:
    refresh_account("stripe:customer:cus_other", world.services)
    assert world.billing.calls == []


def test_a_customer_that_billing_forgot_stops_nothing(world: World) -> None:
    _, _, customer = billed(world)
    world.billing.customers.clear()
    refresh_account(str(customer), world.services)
    with world.services.store.begin() as work:
        assert work.links.owners(customer)


def test_the_ledger_holds_what_billing_said(world: World) -> None:
    _, _, customer = billed(world)
    refresh_account(str(customer), world.services)
    with world.services.store.begin() as work:
        assert work.ledger.account(customer) == world.billing.account(customer)


def test_two_hundred_changed_accounts_are_one_call(world: World) -> None:
    accounts = [RecordRef("fake", "account", str(n)) for n in range(200)]
    with world.services.store.begin() as work:
        for account in accounts:
            world.crm.shown[account] = {}
            work.records.desire(account, {"health": "good"})
    write_back("fake", world.services)
    assert world.crm.calls == ["write"]
    assert all(world.crm.shown[account]["billing_health"] == "good" for account in accounts)


def test_a_refused_row_is_parked_alone_and_the_others_are_written(world: World) -> None:
    good, bad = RecordRef("fake", "account", "1"), RecordRef("fake", "account", "2")
    world.crm.shown = {good: {}, bad: {}}
    world.crm.refusals[bad] = Rejected("A validation rule refused it.", hint="Relax the rule.")
    with world.services.store.begin() as work:
        for account in (good, bad):
            work.records.desire(account, {"health": "good"})
    write_back("fake", world.services)
    assert world.crm.shown[good]["billing_health"] == "good"
    with world.services.store.begin() as work:
        assert work.records.parked() == [(bad, "A validation rule refused it. Relax the rule.")]


def test_a_parked_row_is_tried_again_when_its_values_change(world: World) -> None:
    account = RecordRef("fake", "account", "1")
    world.crm.shown = {account: {}}
    world.crm.refusals[account] = Rejected("No.")
    with world.services.store.begin() as work:
        work.records.desire(account, {"health": "good"})
    write_back("fake", world.services)
    world.crm.refusals.clear()
    with world.services.store.begin() as work:
        assert work.records.desire(account, {"health": "late"})
    write_back("fake", world.services)
    assert world.crm.shown[account]["billing_health"] == "late"


def test_a_busy_row_comes_back_later(world: World) -> None:
    account = RecordRef("fake", "account", "1")
    world.crm.shown = {account: {}}
    world.crm.refusals[account] = RetryLater("Locked.", retry_after=60)
    with world.services.store.begin() as work:
        work.records.desire(account, {"health": "good"})
    write_back("fake", world.services)
    write_back("fake", world.services)
    assert world.crm.calls == ["write"]
    with world.services.store.begin() as work:
        assert work.records.parked() == []


def test_an_outage_of_the_crm_keeps_everything_waiting(world: World) -> None:
    account = RecordRef("fake", "account", "1")
    world.crm.shown = {account: {}}
    with world.services.store.begin() as work:
        work.records.desire(account, {"health": "good"})

    def away(operation: str) -> None:
        raise Unreachable("The CRM is away.")

    world.crm.trouble = away
    with pytest.raises(Unreachable):
        write_back("fake", world.services)
    with world.services.store.begin() as work:
        assert [state.ref for state in work.records.waiting("fake", 10)] == [account]


def test_a_bug_in_an_adapter_is_not_taken_for_a_refusal(world: World) -> None:
    account = RecordRef("fake", "account", "1")
    world.crm.shown = {account: {}}
    world.crm.refusals[account] = ZeroDivisionError()  # type: ignore[assignment]
    with world.services.store.begin() as work:
        work.records.desire(account, {"health": "good"})
    with pytest.raises(ZeroDivisionError):
        write_back("fake", world.services)


def test_values_that_the_mapping_shows_nowhere_cost_no_call(world: World) -> None:
    with world.services.store.begin() as work:
        work.records.desire(RecordRef("fake", "account", "1"), {"collection_stage": "none"})
    write_back("fake", world.services)
    assert world.crm.calls == []
    with world.services.store.begin() as work:
        assert work.records.waiting("fake", 10) == []


def test_a_crm_that_was_disconnected_keeps_its_values_waiting(world: World) -> None:
    write_back("pipedrive", world.services)
    assert world.crm.calls == []


def test_an_event_without_a_customer_finds_its_account(world: World) -> None:
    _, _, customer = billed(world)
    target = for_record(TargetKind.ACCOUNT, customer)
    world.run(target)
    assert not world.dirty(target)
    trace_record(f"stripe:invoice:{next(iter(world.billing.invoices))}", world.services)
    assert world.dirty(target)


def test_the_ledger_answers_before_billing_is_asked(world: World) -> None:
    _, _, customer = billed(world)
    refresh_account(str(customer), world.services)
    world.billing.calls.clear()
    trace_record(f"stripe:invoice:{next(iter(world.billing.invoices))}", world.services)
    assert world.billing.calls == []


def test_an_event_about_nothing_we_know_asks_for_nothing(world: World) -> None:
    trace_record("stripe:charge:ch_unknown", world.services)
    assert world.billing.calls == ["customer_of"]


def test_polling_finds_the_deal_that_no_doorbell_rang_for(world: World) -> None:
    ref = world.crm.has(a_fake_deal(), at=NOW - timedelta(minutes=3))
    reconcile("fake", world.services)
    assert world.dirty(for_record(TargetKind.DEAL, ref))


def test_polling_leaves_billed_and_old_deals_alone(world: World) -> None:
    ref, _, _ = billed(world)
    world.run(for_record(TargetKind.DEAL, ref))
    world.crm.changed_at[ref] = NOW
    old = world.crm.has(a_fake_deal("2"), at=NOW - timedelta(days=3))
    reconcile("fake", world.services)
    assert not world.dirty(for_record(TargetKind.DEAL, ref))
    assert not world.dirty(for_record(TargetKind.DEAL, old))


def test_after_an_outage_polling_starts_where_it_ended(world: World) -> None:
    reconcile("fake", world.services)
    world.clock.forward(days=3)
    ref = world.crm.has(a_fake_deal(), at=NOW + timedelta(hours=1))

    def away(operation: str) -> None:
        raise Unreachable("The CRM is away.")

    world.crm.trouble = away
    with pytest.raises(Unreachable):
        reconcile("fake", world.services)
    world.crm.trouble = lambda _operation: None
    reconcile("fake", world.services)
    assert world.dirty(for_record(TargetKind.DEAL, ref))


def test_billings_own_log_brings_what_its_webhooks_missed_once(world: World) -> None:
    customer = RecordRef("stripe", "customer", "cus_1")
    world.billing.events = [
        InboxEvent("stripe", "evt_1", EventKind.BILLING_CHANGED, "invoice.paid", customer, NOW, "{}")
    ]
    target = for_record(TargetKind.ACCOUNT, customer)
    reconcile("stripe", world.services)
    assert world.dirty(target)
    world.run(target)
    reconcile("stripe", world.services)
    assert not world.dirty(target)


def test_a_complaint_is_written_even_though_the_work_is_parked(world: World) -> None:
    ref = world.crm.has(a_fake_deal(email=""))
    target = for_record(TargetKind.DEAL, ref)
    with world.services.store.begin() as work:
        work.targets.mark_dirty(target)
    with pytest.raises(NeedsHuman):
        world.run(target)
    write_back("fake", world.services)
    assert world.crm.shown[ref]["billing_sync_status"] == "needs_attention"
    with world.services.store.begin() as work:
        assert [parked.target for parked in work.targets.parked()] == [target]


def test_polling_stands_back_when_the_days_calls_are_nearly_used(world: World) -> None:
    class Scarce:
        def wait(self, name: str) -> None:
            assert name == "fake:optional"
            raise RateLimited("Nearly used.", retry_after=3600)

        def budget(self, name: str, used: int, allowed: int) -> None: ...

    with pytest.raises(RateLimited):
        reconcile("fake", replace(world.services, throttle=Scarce()))
    assert world.crm.calls == []


def test_a_day_that_passes_is_worked_out_from_the_ledger_without_a_call(world: World) -> None:
    _, account, customer = billed(world)
    refresh_account(str(customer), world.services)
    world.billing.calls.clear()
    world.clock.forward(days=60)
    assess_account(str(customer), world.services)
    write_back("fake", world.services)
    assert world.billing.calls == []
    assert world.crm.shown[account]["billing_health"] == "late"


def test_a_customer_the_ledger_does_not_know_is_not_assessed(world: World) -> None:
    assess_account("stripe:customer:cus_other", world.services)
    assert world.crm.calls == []


def test_both_kinds_of_work_on_an_account_share_its_lane() -> None:
    customer = RecordRef("stripe", "customer", "cus_1")
    assert for_record(TargetKind.HEALTH, customer).lane == for_record(TargetKind.ACCOUNT, customer).lane
