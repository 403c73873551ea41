"""Contract against invoice: a draft that is not what was agreed is held, says why, and waits for a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.billing import Invoice, InvoiceLine, InvoiceStatus
from connector.domain.dates import add_months
from connector.domain.refs import RecordRef
from connector.sync.bill_deal import bill_deal
from connector.sync.check_drafts import release_draft
from connector.sync.refresh_account import refresh_account
from tests.fakes import a_fake_deal
from tests.sync.conftest import World
from tests.sync.test_bill_deal import message_on

SECOND = RecordRef("stripe", "invoice", "in_second")


@pytest.fixture
def ref(world: World) -> RecordRef:
    """A deal of five seats at 20.00 a month, billed, a month later."""
    ref = world.crm.has(a_fake_deal())
    bill_deal(str(ref), world.services)
    world.clock.moment = world.clock().replace(
        month=add_months(world.clock().date(), 1).month, day=add_months(world.clock().date(), 1).day
    )
    return ref


def drafts(world: World, *amounts: int) -> None:
    """Billing has drawn up the second month's invoice, with these lines."""
    [first] = [one for one in world.billing.invoices.values() if one.ref != SECOND]
    total = sum(amounts)
    world.billing.invoices[SECOND.id] = replace(
        first,
        ref=SECOND,
        status=InvoiceStatus.DRAFT,
        total=total,
        amount_due=total,
        amount_remaining=total,
        created_at=world.clock(),
        lines=tuple(InvoiceLine(f"il_{n}", f"Line {n}", amount) for n, amount in enumerate(amounts)),
    )
    refresh_account(str(first.customer), world.services)


def held(world: World) -> int:
    return sum(1 for call in world.billing.calls if call == "hold")


def test_a_draft_that_is_as_agreed_goes_its_way(world: World, ref: RecordRef) -> None:
    drafts(world, 10_000)

    assert held(world) == 0
    assert message_on(world, ref) == ("billed", "")


def test_a_draft_that_differs_is_held_and_the_deal_says_both_amounts(world: World, ref: RecordRef) -> None:
    drafts(world, 10_000, 500)

    status, message = message_on(world, ref)
    assert held(world) == 1
    assert status == "needs_attention"
    assert "EUR 105.00" in str(message)
    assert "EUR 100.00" in str(message)
    assert SECOND.id in str(message)


@pytest.mark.parametrize(("extra", "holds"), [(99, 0), (100, 0), (101, 1), (-101, 1)])
def test_the_tolerance_is_in_minor_units_and_holds_both_ways(
    world: World, ref: RecordRef, extra: int, holds: int
) -> None:
    world.services = replace(world.services, hold_tolerance=100)
    drafts(world, 10_000 + extra)

    assert held(world) == holds


def test_a_draft_that_is_mended_in_billing_clears_the_message(world: World, ref: RecordRef) -> None:
    drafts(world, 10_000, 500)
    drafts(world, 10_000)

    assert message_on(world, ref) == ("billed", "")


def test_a_draft_that_a_person_lets_go_is_not_held_again(world: World, ref: RecordRef) -> None:
    drafts(world, 10_000, 500)
    release_draft(SECOND, world.services, by="Fin", why="agreed by mail")
    drafts(world, 10_000, 500)

    assert held(world) == 1
    assert "let_go" in world.billing.calls
    assert message_on(world, ref) == ("billed", "")


def test_an_invoice_that_is_out_is_not_held(world: World, ref: RecordRef) -> None:
    drafts(world, 10_000)
    out: Invoice = replace(world.billing.invoices[SECOND.id], status=InvoiceStatus.OPEN, total=99, lines=())
    world.billing.invoices[SECOND.id] = out
    refresh_account(str(out.customer), world.services)

    assert held(world) == 0


def test_a_contract_that_no_deal_of_ours_made_is_left_alone(world: World, ref: RecordRef) -> None:
    [first] = list(world.billing.invoices.values())
    other = RecordRef("stripe", "subscription", "sub_by_hand")
    world.billing.invoices[SECOND.id] = replace(
        first,
        ref=SECOND,
        status=InvoiceStatus.DRAFT,
        subscription=other,
        created_at=world.clock() + timedelta(days=1),
        lines=(InvoiceLine("il_1", "By hand", 77),),
    )
    refresh_account(str(first.customer), world.services)

    assert held(world) == 0
