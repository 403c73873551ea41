"""Attacks on terms by payment record: what somebody agreed to is billed so, and what was there before is not held."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.errors import Unreachable
from connector.ports import PlanState
from connector.sync.allow_terms import end_exception
from connector.sync.bill_deal import bill_deal
from connector.sync.decide_plan import approve_plan
from connector.sync.refresh_account import refresh_account
from connector.targets import TargetKind, for_record
from tests.fakes import a_fake_deal, no_trouble
from tests.sync.conftest import World
from tests.sync.test_terms_advice import (
    allow,
    bill,
    customer,
    due_in,
    latest,
    opened,
    owes_for_long,
    pays_late,
    pays_well,
)


@pytest.fixture
def known(world: World) -> World:
    """A connector that has billed the account before."""
    bill(world, world.crm.has(a_fake_deal("before")))
    return world


def fails(operation: str) -> None:
    if operation not in ("prices", "account"):
        raise Unreachable("Billing is unwell.")


def test_an_exception_that_ends_while_billing_is_away_still_bills_what_it_let_go(known: World) -> None:
    pays_late(known)
    deal = known.crm.has(a_fake_deal("new", net_days="Net 60"))
    bill(known, deal)
    assert latest(known, deal).state is PlanState.WAITING
    given = allow(known, 60)
    known.billing.trouble = fails
    with pytest.raises(Unreachable):
        bill(known, deal)
    assert latest(known, deal).state is PlanState.APPROVED
    end_exception(given.id, known.services, by="fin", why="changed our mind")
    owes_for_long(known)
    known.clock.forward(days=20)
    known.billing.trouble = no_trouble
    bill(known, deal)
    assert (latest(known, deal).state, due_in(known, deal)) == (PlanState.DONE, 60)


def test_an_approval_outlives_failures_and_days_in_which_the_record_grows_worse(known: World) -> None:
    pays_late(known)
    deal = known.crm.has(a_fake_deal("new", net_days="Net 60"))
    bill(known, deal)
    approve_plan(deal, known.services, by="fin", seen=latest(known, deal).hash)
    for _ in range(3):
        known.billing.trouble = fails
        with pytest.raises(Unreachable):
            bill(known, deal)
        owes_for_long(known)
        known.clock.forward(days=5)
    known.billing.trouble = no_trouble
    bill(known, deal)
    assert (latest(known, deal).state, due_in(known, deal)) == (PlanState.DONE, 60)


def test_a_plan_of_a_version_that_knew_no_terms_is_billed_as_it_was_let_go(known: World) -> None:
    """Half billed when the connector was upgraded: the payer's record has no say any more."""
    pays_well(known)
    deal = known.crm.has(a_fake_deal("new", net_days="Net 60"))
    known.billing.trouble = fails
    with pytest.raises(Unreachable):
        bill(known, deal)
    with known.services.store.begin() as work:
        work.plans.keep(replace(latest(known, deal), terms=None))
    owes_for_long(known)
    known.billing.trouble = no_trouble
    bill(known, deal)
    assert (latest(known, deal).state, due_in(known, deal)) == (PlanState.DONE, 60)


def test_a_deal_that_names_no_days_and_waits_is_billed_as_approved_however_the_payer_pays_by_then(known: World) -> None:
    owes_for_long(known)
    deal = known.crm.has(a_fake_deal("new"))
    bill(known, deal)
    seen = latest(known, deal)
    assert seen.state is PlanState.WAITING
    approve_plan(deal, known.services, by="fin", seen=seen.hash)
    pays_well(known)
    known.clock.forward(days=2)
    bill(known, deal)
    assert (latest(known, deal).state, latest(known, deal).hash) == (PlanState.DONE, seen.hash)


def test_a_deal_that_was_held_and_opened_and_won_again_is_judged_anew(known: World) -> None:
    pays_late(known)
    won = a_fake_deal("new", net_days="Net 60")
    deal = known.crm.has(won)
    bill(known, deal)
    known.crm.has(opened(won))
    bill(known, deal)
    pays_well(known)
    known.crm.has(won)
    bill(known, deal)
    assert (latest(known, deal).state, due_in(known, deal)) == (PlanState.DONE, 60)


def test_a_refresh_after_payment_has_a_held_deal_looked_at_and_billed(known: World) -> None:
    pays_late(known)
    deal = known.crm.has(a_fake_deal("new", net_days="Net 20"))
    bill(known, deal)
    assert latest(known, deal).state is PlanState.WAITING
    for invoice in known.billing.invoices.values():
        assert invoice.customer == customer(known)
    known.clock.forward(seconds=5)
    refresh_account(str(customer(known)), known.services)
    known.run(for_record(TargetKind.DEAL, deal))
    bill_deal(str(deal), known.services)
    assert latest(known, deal).state is PlanState.DONE
