"""What all accounts together say is learnt from the ledger, and kept only when it has moved."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from connector import targets
from connector.domain.billing import BillingAccount, Customer, Invoice, InvoiceStatus
from connector.domain.portfolio import ENOUGH_ACCOUNTS, Portfolio
from connector.domain.refs import RecordRef
from connector.sync.refit_portfolio import PORTFOLIO_FITTED
from tests.factories import NOW
from tests.sync.conftest import World

TODAY = NOW.date()


def paid(customer: RecordRef, number: int, *, due: date, days_late: int) -> Invoice:
    """An invoice of ten euros, paid so many days after it was due."""
    issued = datetime(due.year, due.month, due.day, tzinfo=NOW.tzinfo) - timedelta(days=30)
    return Invoice(
        ref=RecordRef("stripe", "invoice", f"{customer.id}-{number}"),
        customer=customer,
        status=InvoiceStatus.PAID,
        currency="eur",
        total=1000,
        amount_due=1000,
        amount_paid=1000,
        amount_remaining=0,
        created_at=issued,
        finalized_at=issued,
        due_date=due,
        paid_at=issued + timedelta(days=30 + days_late),
    )


def customers(world: World, count: int, days_late: int, prefix: str = "cus") -> None:
    """So many customers, each with two invoices that were paid so many days late."""
    with world.services.store.begin() as work:
        for number in range(count):
            ref = RecordRef("stripe", "customer", f"{prefix}_{number}")
            due = TODAY - timedelta(days=100)
            invoices = tuple(paid(ref, each, due=due, days_late=days_late) for each in range(2))
            work.ledger.save(BillingAccount(Customer(ref), invoices=invoices), NOW)


def refit(world: World) -> None:
    with world.services.store.begin() as work:
        work.targets.mark_dirty(targets.PORTFOLIO)
    world.run(targets.PORTFOLIO)


def newest(world: World) -> Portfolio:
    with world.services.store.begin() as work:
        return work.portfolios.newest()


def test_a_ledger_of_enough_accounts_speaks_for_itself(world: World) -> None:
    customers(world, ENOUGH_ACCOUNTS // 2, days_late=0)
    customers(world, ENOUGH_ACCOUNTS // 2, days_late=60, prefix="late")

    refit(world)

    fitted = newest(world)
    assert (fitted.mean_lateness, fitted.late_rate, fitted.serious_rate) == pytest.approx((0.5, 0.5, 0.5))
    assert (fitted.accounts, fitted.invoices) == (ENOUGH_ACCOUNTS, 2 * ENOUGH_ACCOUNTS)
    assert (fitted.version, fitted.as_of) == (1, TODAY)


def test_an_empty_ledger_leaves_the_figures_that_we_ship(world: World) -> None:
    refit(world)

    assert newest(world) == Portfolio()


def test_a_new_version_is_kept_only_when_the_figures_have_moved(world: World) -> None:
    customers(world, ENOUGH_ACCOUNTS, days_late=3)
    refit(world)
    first = newest(world)

    world.clock.forward(days=7)
    refit(world)
    assert newest(world) == first

    customers(world, ENOUGH_ACCOUNTS, days_late=40, prefix="worse")
    refit(world)
    second = newest(world)
    assert second.version == first.version + 1
    assert second.late_rate == first.late_rate == 1
    assert second.serious_rate == pytest.approx(0.5)


def test_it_is_noted_when_the_ledger_was_looked_at_even_if_nothing_came_of_it(world: World) -> None:
    refit(world)

    with world.services.store.begin() as work:
        assert work.settings.watermark(PORTFOLIO_FITTED) == NOW
