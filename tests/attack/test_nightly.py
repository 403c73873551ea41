"""Attacks on the nightly run: two at once, accounts that several pay for, a book that was there before."""

from __future__ import annotations

import gc
from dataclasses import replace
from decimal import Decimal
from importlib import import_module

import pytest

from connector import targets
from connector.domain.mrr_history import MrrChange
from connector.domain.payment_health import assess
from connector.domain.refs import RecordRef
from connector.domain.revenue import revenue
from connector.sync.assess_accounts import assess_accounts
from connector.sync.bill_deal import bill_deal
from connector.sync.read_everybody import read_everybody
from connector.sync.refresh_account import refresh_account
from connector.sync.report_revenue import report_revenue
from tests.factories import NOW, TODAY, an_invoice
from tests.fakes import a_fake_deal
from tests.sync.conftest import World
from tests.sync.renewal_world import renewing, with_roll_up

module = import_module("connector.sync.assess_accounts")


def test_two_runs_in_one_process_never_leave_garbage_uncollected(monkeypatch: pytest.MonkeyPatch) -> None:
    """One begins while the other is inside, and goes on after it has ended."""
    first, second = module._undisturbed(), module._undisturbed()
    first.__enter__()
    disable = gc.disable

    def the_other_ends_just_before() -> None:
        first.__exit__(None, None, None)
        disable()

    monkeypatch.setattr(gc, "disable", the_other_ends_just_before)
    second.__enter__()
    second.__exit__(None, None, None)
    try:
        assert gc.isenabled()
    finally:
        gc.enable()


SUBSIDIARY = RecordRef("fake", "account", "3")


def sold_to_subsidiary(world: World, number: str, payer: str) -> RecordRef:
    """A deal of the subsidiary's that another account pays for; gives its customer."""
    deal = a_fake_deal(number, account="3", net_days="Net 10")
    company = {**deal.records["Company"], "payer": payer, "payer_name": f"Payer {payer}"}
    deal = replace(deal, payer=RecordRef("fake", "account", payer), records={**deal.records, "Company": company})
    world.crm.has(deal)
    bill_deal(str(deal.ref), world.services)
    with world.services.store.begin() as work:
        billing = work.links.billing_of(deal.ref)
    assert billing is not None
    return billing.customer


def subsidiary_shows(world: World) -> object:
    with world.services.store.begin() as work:
        state = work.records.get(SUBSIDIARY)
    assert state is not None
    return {name: value for name, value in state.desired.items() if name in ("health", "health_reason", "late_payer")}


def test_what_an_account_shows_that_two_others_pay_for_does_not_depend_on_who_was_looked_at_last(world: World) -> None:
    world = with_roll_up(renewing(world), "payer")
    one, two = sold_to_subsidiary(world, "1", "10"), sold_to_subsidiary(world, "2", "20")
    assert one != two
    refresh_account(str(one), world.services)
    refresh_account(str(two), world.services)
    for invoice in [name for name, each in world.billing.invoices.items() if each.customer == one]:
        world.billing.pays(invoice)
    world.clock.forward(days=60)
    shown = []
    for customers in ((one, two), (two, one)):
        for customer in customers:
            refresh_account(str(customer), world.services)
        shown.append(subsidiary_shows(world))
    assess_accounts(targets.UPWARDS, world.services)
    assert shown == [subsidiary_shows(world)] * 2


def test_amounts_that_come_to_nothing_stop_no_account() -> None:
    """Bad data: one invoice says that it owes what another one is owed, and both could not be charged."""
    failed = [
        an_invoice(number, amount_remaining=minor, attempt_count=2) for number, minor in enumerate((10_000, -10_000))
    ]
    health = assess(failed, (), (), TODAY)
    assert any(reason.text == "4 attempts to charge EUR 0.00 failed." for reason in health.reasons)


def test_a_ledger_that_was_filled_before_learns_its_revenue_once_everybody_is_read_again(world: World) -> None:
    """Nothing happens to the customer after the upgrade: no webhook would ever have it read."""
    deal = world.crm.has(a_fake_deal("1"))
    bill_deal(str(deal), world.services)
    with world.services.store.begin() as work:
        billing = work.links.billing_of(deal)
        assert billing is not None
        old = replace(world.billing.account(billing.customer), subscriptions=())
        assert work.ledger.save(old, world.clock())
    world.clock.forward(days=1)
    assess_accounts(targets.UPWARDS, world.services)
    assert earned(world) == []
    assert read_everybody(world.services) == 1
    world.run(targets.for_record(targets.TargetKind.ACCOUNT, billing.customer))
    assert earned(world) == [10_000]


def earned(world: World) -> list[Decimal]:
    """Monthly revenue as the command tells it, by currency."""
    with world.services.store.begin() as work:
        return [each.revenue.mrr for each in report_revenue(work, world.services.today(), 1)]


def test_a_subscription_that_comes_to_less_than_nothing_hides_nobody_elses_revenue() -> None:
    """Bad data: one row of the history must not keep the report from everybody."""

    def earns(number: int, mrr: int) -> MrrChange:
        subscription = RecordRef("stripe", "subscription", f"sub_{number}")
        return MrrChange(subscription, NOW, RecordRef("stripe", "customer", f"cus_{number}"), "eur", Decimal(mrr))

    told = revenue([earns(1, 10_000), earns(2, -500)], "eur", TODAY, 2)
    assert told.mrr == 9_500
    assert told.by_customer["stripe:customer:cus_1"] == 10_000
