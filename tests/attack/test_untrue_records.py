"""A CRM record never goes on showing what is not true any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from connector.domain.refs import RecordRef
from connector.errors import RetryLater
from connector.ports import CrmWrite, RowResult
from connector.sync.assess_account import assess_account
from connector.sync.bill_deal import bill_deal
from connector.sync.refresh_account import refresh_account
from connector.sync.write_back import write_back
from tests.fakes import MAPPING, a_fake_deal
from tests.sync.conftest import World

OPEN_BALANCE = MAPPING.write_back["account"]["open_balance"]


def a_billed_deal(world: World) -> tuple[RecordRef, RecordRef]:
    """The deal's account, and the customer it was billed as."""
    deal = a_fake_deal()
    bill_deal(str(world.crm.has(deal)), world.services)
    assert deal.account is not None
    return deal.account, RecordRef("stripe", "customer", next(iter(world.billing.customers)))


def desired(world: World, ref: RecordRef, name: str) -> object:
    with world.services.store.begin() as work:
        state = work.records.get(ref)
    return None if state is None else state.desired.get(name)


def test_an_answer_refused_as_old_is_asked_for_again(world: World) -> None:
    """Another machine's clock was ahead: its answer must not stand for ever over what happened since."""
    account, customer = a_billed_deal(world)
    world.clock.forward(minutes=2)
    refresh_account(str(customer), world.services)
    world.billing.pays(next(iter(world.billing.invoices)))
    world.clock.moment -= timedelta(minutes=1)
    with pytest.raises(RetryLater):
        refresh_account(str(customer), world.services)
    world.clock.forward(minutes=2)
    refresh_account(str(customer), world.services)
    assess_account(str(customer), world.services)
    assert desired(world, account, "open_balance") == 0


def test_a_deleted_customers_record_shows_the_same_whoever_works_it_out(world: World) -> None:
    """Billing answers with nothing for a deleted customer, although what is owed is still owed."""
    account, customer = a_billed_deal(world)
    refresh_account(str(customer), world.services)
    owed = desired(world, account, "open_balance")
    real = world.billing.account

    def deleted(ref: RecordRef) -> object:
        there = real(ref)
        return type(there)(replace(there.customer, deleted=True))

    world.billing.account = deleted  # type: ignore[assignment, method-assign]  # billing after a deletion
    refresh_account(str(customer), world.services)
    after_refresh = desired(world, account, "open_balance")
    assess_account(str(customer), world.services)
    assert (after_refresh, desired(world, account, "open_balance")) == (owed, owed)


def test_a_write_whose_answer_was_lost_is_not_the_last_word(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing owed, an invoice, paid: the middle one arrived although nobody heard of it, and must not stay."""
    account, _ = a_billed_deal(world)
    really = world.crm.write

    def arrives_unheard(writes: Sequence[CrmWrite]) -> list[RowResult]:
        really(writes)
        raise RetryLater("The CRM did not answer in time.")

    shows(world, account, Decimal(0))
    write_back("fake", world.services)
    shows(world, account, Decimal(145))
    with monkeypatch.context() as lost:
        lost.setattr(world.crm, "write", arrives_unheard)
        with pytest.raises(RetryLater):
            write_back("fake", world.services)
    assert world.crm.shown[account][OPEN_BALANCE] == 145
    shows(world, account, Decimal(0))
    write_back("fake", world.services)

    assert world.crm.shown[account][OPEN_BALANCE] == 0


def shows(world: World, ref: RecordRef, open_balance: Decimal) -> None:
    with world.services.store.begin() as work:
        work.records.desire(ref, {"open_balance": open_balance})
