"""A deal that changes, renews or ends a running contract does so once, whatever happens on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connector.domain.refs import RecordRef
from connector.errors import NeedsHuman, Unreachable
from connector.ports import AgreedChange, PlanState
from connector.store import agreed_changes
from connector.sync.bill_deal import bill_deal
from connector.sync.plan_deal import plan_deal
from mappings.model import FieldRule
from tests.fakes import MAPPING, a_fake_deal
from tests.sync.conftest import World
from tests.sync.test_approval import ALWAYS, approve
from tests.sync.test_bill_deal import message_on, once

SEATS = {"name": "Seats", "quantity": 5, "price": "20.00", "interval": "monthly"}
CHANGES = (
    FieldRule("terms.kind", "Deal.kind", "deal_kind"),
    FieldRule("terms.amends", "Deal.amends"),
    FieldRule("terms.with_credit", "Deal.with_credit", "boolean"),
)


@pytest.fixture
def world(world: World) -> World:
    """A connector whose CRM can tell what a deal does to an earlier one; one deal of five seats is billed."""
    mapping = replace(MAPPING, deal=(*MAPPING.deal, *CHANGES))
    world.services = replace(world.services, mappings={"fake": mapping})
    world.crm.has(a_fake_deal(lines=(SEATS,)))
    bill_deal("fake:deal:1", world.services)
    world.clock.forward(days=10)
    return world


def sell(world: World, kind: str = "amendment", quantity: int = 2, **deal: Any) -> RecordRef:
    lines = () if kind == "cancellation" else ({**SEATS, "quantity": quantity},)
    return world.crm.has(a_fake_deal("2", lines=lines, kind=kind, amends="1", **deal))


def bill(world: World, ref: RecordRef) -> None:
    bill_deal(str(ref), world.services)


def running(world: World) -> list[tuple[str, int]]:
    return [(one.status, one.items[0].quantity) for one in world.billing.subscriptions.values()]


def totals(world: World) -> list[int]:
    return [invoice.total for invoice in world.billing.invoices.values()]


def test_an_upsell_changes_the_contract_and_bills_the_rest_of_the_period(world: World) -> None:
    """Ten of thirty days are over: two seats at 20.00 for twenty days are 26.67."""
    ref = sell(world)
    bill(world, ref)
    bill(world, ref)

    assert running(world) == [("active", 7)]
    assert totals(world) == [10_000, 2_667]
    assert message_on(world, ref)[0] == "billed"


@pytest.mark.parametrize("step", ["change", "proration"])
@pytest.mark.parametrize("moment", ["run", "after run"])
def test_an_outage_in_the_middle_of_an_upsell_doubles_and_loses_nothing(world: World, step: str, moment: str) -> None:
    ref = sell(world)
    world.billing.trouble = once(f"{moment} {step}", Unreachable("No answer came."))
    with pytest.raises(Unreachable):
        bill(world, ref)
    bill(world, ref)

    assert running(world) == [("active", 7)]
    assert totals(world) == [10_000, 2_667]
    assert message_on(world, ref)[0] == "billed"


def test_an_upsell_that_was_begun_goes_on_as_agreed_though_the_deal_was_edited(world: World) -> None:
    """The edit is a change of its own: it is asked about when the deal is looked at again."""
    world.services = replace(world.services, approval_policy=ALWAYS)
    ref = sell(world)
    bill(world, ref)
    approve(world, ref)
    world.billing.trouble = once("after run change", Unreachable("The answer was lost."))
    with pytest.raises(Unreachable):
        bill(world, ref)
    sell(world, quantity=3)
    bill(world, ref)

    assert running(world) == [("active", 7)]
    assert totals(world) == [10_000, 2_667]
    bill(world, ref)
    assert message_on(world, ref)[0] == "awaiting_approval"
    assert running(world) == [("active", 7)]


def test_an_approved_upsell_whose_contract_changed_before_it_was_begun_asks_again(world: World) -> None:
    """What was agreed to was two more on five."""
    world.services = replace(world.services, approval_policy=ALWAYS)
    ref = sell(world)
    bill(world, ref)
    approve(world, ref)
    other = world.crm.has(a_fake_deal("3", lines=(SEATS,), kind="amendment", amends="1"))
    bill(world, other)
    approve(world, other)
    bill(world, other)
    bill(world, ref)

    assert running(world) == [("active", 10)]
    assert message_on(world, ref)[0] == "awaiting_approval"


def test_a_cancellation_ends_the_contract_and_makes_nothing(world: World) -> None:
    ref = sell(world, "cancellation")
    bill(world, ref)
    bill(world, ref)

    assert world.billing.contract(RecordRef("stripe", "subscription", next(iter(world.billing.subscriptions)))).ends
    assert totals(world) == [10_000]
    assert message_on(world, ref)[0] == "billed"
    assert len(world.billing.customers) == 1


def test_a_cancellation_of_what_has_ended_is_done_at_once(world: World) -> None:
    """Nothing is left to do; the deal says so."""
    first = sell(world, "cancellation")
    bill(world, first)
    again = world.crm.has(a_fake_deal("3", lines=(), kind="cancellation", amends="1"))
    bill(world, again)

    assert message_on(world, again)[0] == "billed"
    with world.services.store.begin() as work:
        latest = work.plans.latest(again)
    assert latest is not None
    assert latest.state is PlanState.DONE


@pytest.mark.parametrize("quantity", [-6, 0])
def test_what_the_contract_cannot_do_is_refused_and_healed_by_the_deal(world: World, quantity: int) -> None:
    ref = sell(world, quantity=quantity)
    with pytest.raises(NeedsHuman):
        bill(world, ref)
    assert message_on(world, ref)[0] == "needs_attention"
    bill(world, sell(world))

    assert running(world) == [("active", 7)]
    assert message_on(world, ref)[0] == "billed"


@pytest.mark.parametrize("kind", ["amendment", "renewal", "cancellation"])
def test_an_agreed_change_is_kept_step_by_step(world: World, kind: str) -> None:
    """What comes back from the store is what was agreed to."""
    ref = sell(world, kind)
    records = world.crm.fetch_deal(ref, world.services.mappings["fake"])
    planned = plan_deal(records, world.services)
    assert planned.contract is not None
    agreed = AgreedChange(planned.plan, planned.contract.customer)

    assert planned.plan.billing_steps()
    assert agreed_changes.from_json(agreed_changes.to_json(agreed), ref) == agreed
