"""A contract that runs is changed, renewed and ended once, as it was agreed to, and never somebody else's."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from threading import Thread
from typing import Any

import pytest

from connector.domain.dates import add_intervals
from connector.domain.deal import Interval
from connector.domain.refs import RecordRef
from connector.errors import NeedsHuman, RetryLater, Unreachable
from connector.sync.bill_deal import bill_deal
from connector.sync.decide_plan import approve_plan, decline_plan
from connector.targets import TargetKind, for_record
from mappings.model import FieldRule
from tests.fakes import MAPPING, a_fake_deal
from tests.sync.conftest import World
from tests.sync.test_approval import ALWAYS, approve
from tests.sync.test_bill_deal import message_on, once

SEATS = {"name": "Seats", "quantity": 5, "price": "20.00", "interval": "monthly"}
CLEANING = {"name": "Cleaning", "quantity": 1, "price": "10.00", "interval": "weekly"}
CHANGES = (
    FieldRule("terms.kind", "Deal.kind", "deal_kind"),
    FieldRule("terms.amends", "Deal.amends"),
    FieldRule("terms.ends_on", "Deal.ends_on", "date"),
    FieldRule("terms.with_credit", "Deal.with_credit", "boolean"),
)

BILL_ON = FieldRule("line.bill_on", "Line.bill_on", "date")


@pytest.fixture
def world(world: World) -> World:
    """A connector whose CRM can tell what a deal does to an earlier one; five seats are billed from 21 November."""
    world.services = replace(
        world.services,
        mappings={"fake": replace(MAPPING, deal=(*MAPPING.deal, *CHANGES), line_item=(*MAPPING.line_item, BILL_ON))},
    )
    bill(world, world.crm.has(a_fake_deal(lines=(SEATS,))))
    world.clock.forward(days=10)
    return world


def bill(world: World, ref: RecordRef) -> None:
    bill_deal(str(ref), world.services)


def sell(world: World, number: str, kind: str = "amendment", quantity: int = 2, **deal: Any) -> RecordRef:
    lines = () if kind == "cancellation" else ({**SEATS, "quantity": quantity},)
    return world.crm.has(a_fake_deal(number, lines=lines, **{"kind": kind, "amends": "1", **deal}))


def running(world: World) -> list[tuple[str, int]]:
    return [(one.status, sum(item.quantity for item in one.items)) for one in world.billing.subscriptions.values()]


def totals(world: World) -> list[int]:
    return [invoice.total for invoice in world.billing.invoices.values()]


def a_period_passes(world: World) -> None:
    """Each contract has begun its next month, as billing does by itself; the clock is three days into it."""
    month = Interval("month")
    for ident, contract in world.billing.contracts.by_id.items():
        items = tuple(
            replace(item, period_start=item.period_end, period_end=add_intervals(item.period_end, month))
            for item in contract.items
        )
        world.billing.contracts.by_id[ident] = replace(contract, items=items)
    end = next(iter(world.billing.contracts.by_id.values())).items[0].period_start
    world.clock.moment = world.clock.moment.replace(year=end.year, month=end.month, day=end.day + 3)


# What waits for a person while the contract's next period begins


def test_an_upsell_from_the_next_period_that_is_approved_too_late_does_not_lose_that_period(world: World) -> None:
    """What was agreed to was a change before the period was invoiced: the rest of it would never be billed."""
    world.services = replace(world.services, approval_policy=ALWAYS)
    ref = sell(world, "2", start="2026-12-21")
    bill(world, ref)
    approve(world, ref)
    a_period_passes(world)
    bill(world, ref)
    assert message_on(world, ref)[0] == "awaiting_approval"
    assert running(world) == [("active", 5)]
    approve(world, ref)
    bill(world, ref)

    assert running(world) == [("active", 7)]
    assert totals(world) == [10_000, 4_000]


def test_an_upsell_that_is_approved_in_the_next_period_is_asked_about_as_of_then(world: World) -> None:
    """It names no start, so it begins on the day that it is seen; one in a period that is over helps nobody."""
    world.services = replace(world.services, approval_policy=ALWAYS)
    ref = sell(world, "2")
    bill(world, ref)
    approve(world, ref)
    a_period_passes(world)
    bill(world, ref)

    assert message_on(world, ref)[0] == "awaiting_approval"
    approve(world, ref)
    bill(world, ref)
    assert running(world) == [("active", 7)]
    assert totals(world) == [10_000, 3_613]  # 28 of 31 days


def test_an_edit_that_is_approved_in_the_next_period_is_asked_about_as_of_then(world: World) -> None:
    ref = world.crm.has(a_fake_deal(lines=({**SEATS, "quantity": 7},)))
    bill(world, ref)
    approve(world, ref)
    a_period_passes(world)
    bill(world, ref)

    assert message_on(world, ref)[0] == "awaiting_approval"
    approve(world, ref)
    bill(world, ref)
    assert running(world) == [("active", 7)]
    assert totals(world) == [10_000, 3_613]


def test_a_renewal_that_is_approved_after_its_predecessor_billed_on_bills_no_period_twice(world: World) -> None:
    """The new contract would begin on 21 December, for which the old one has sent its invoice."""
    world.services = replace(world.services, approval_policy=ALWAYS)
    for ident, contract in world.billing.contracts.by_id.items():
        world.billing.contracts.by_id[ident] = replace(contract, contract_end=date(2026, 12, 20))
    ref = sell(world, "2", "renewal")
    bill(world, ref)
    approve(world, ref)
    a_period_passes(world)
    bill(world, ref)

    assert message_on(world, ref)[0] == "awaiting_approval"
    assert len(world.billing.contracts.by_id) == 1
    approve(world, ref)
    bill(world, ref)
    started = [each.started for each in world.billing.contracts.by_id.values()]
    assert started[1] == date(2027, 1, 21)


# Two changes of one contract, one of which stopped half-way


def test_a_change_that_never_reached_billing_does_not_undo_the_one_that_came_between(world: World) -> None:
    """It was agreed as seven seats; three more have been sold since."""
    first = sell(world, "2")
    world.billing.trouble = once("run change", Unreachable("No answer came."))
    with pytest.raises(RetryLater):
        bill(world, first)
    bill(world, sell(world, "3", quantity=3))
    bill(world, first)

    assert running(world) == [("active", 10)]
    assert totals(world) == [10_000, 4_000, 2_667]


def test_an_edit_that_never_reached_billing_does_not_undo_the_amendment_that_came_between(world: World) -> None:
    ref = world.crm.has(a_fake_deal(lines=({**SEATS, "quantity": 7},)))
    bill(world, ref)
    approve(world, ref)
    world.billing.trouble = once("run change-2", Unreachable("No answer came."))
    with pytest.raises(RetryLater):
        bill(world, ref)
    bill(world, sell(world, "3", quantity=3))
    bill(world, ref)

    assert running(world) == [("active", 8)]
    assert message_on(world, ref)[0] == "needs_attention"


@pytest.mark.parametrize("moment", ["after run change", "run proration", "after run proration"])
def test_a_change_that_was_begun_is_finished_although_the_deal_is_open_again(world: World, moment: str) -> None:
    """Half of it stands in billing already; forgotten, it would be counted a second time when the deal is won."""
    ref = sell(world, "2")
    world.billing.trouble = once(moment, Unreachable("No answer came."))
    with pytest.raises(RetryLater):
        bill(world, ref)
    world.crm.deals[ref] = replace(world.crm.deals[ref], won=False, closed=False)
    bill(world, ref)
    world.crm.deals[ref] = replace(world.crm.deals[ref], won=True, closed=True)
    world.run(for_record(TargetKind.DEAL, ref))
    bill(world, ref)

    assert running(world) == [("active", 7)]
    assert totals(world) == [10_000, 2_667]
    assert message_on(world, ref)[0] == "billed"


# Whose contract it is


def test_an_account_that_was_never_billed_cannot_change_anothers_contract(world: World) -> None:
    """The wrong deal was named: its company would pay, and the two would be one customer from then on."""
    stranger = sell(world, "2", account="2")
    with pytest.raises(NeedsHuman) as refused:
        bill(world, stranger)

    assert refused.value.sentence_id == "contract-of-another-customer"
    assert running(world) == [("active", 5)]
    assert totals(world) == [10_000]


def by_hand(world: World) -> RecordRef:
    """A contract that somebody made in billing, for a customer that no account stands for."""
    contract = next(iter(world.billing.contracts.by_id.values()))
    customer, subscription = (
        RecordRef("stripe", "customer", "cus_hand"),
        RecordRef("stripe", "subscription", "sub_hand"),
    )
    world.billing.customers["cus_hand"] = next(iter(world.billing.customers.values()))
    world.billing.contracts.by_id["sub_hand"] = replace(
        contract, customer=customer, subscription=subscription, deal=None
    )
    return subscription


def test_a_renewal_of_a_contract_made_by_hand_bills_the_customer_who_has_it(world: World) -> None:
    made = by_hand(world)
    bill(world, sell(world, "2", "renewal", amends=made.id, account="2", email="other@x.example"))

    assert [each.customer.id for each in world.billing.contracts.by_id.values()][1:] == ["cus_hand", "cus_hand"]


@pytest.mark.parametrize("kind", ["renewal", "cancellation", "amendment"])
def test_an_account_that_names_its_customer_changes_no_other_customers_contract(world: World, kind: str) -> None:
    made = by_hand(world)
    ref = sell(world, "2", kind, amends=made.id, account="2")
    records = world.crm.deals[ref]
    company = {**records.records["Company"], "customer_id": "cus_other"}
    world.crm.deals[ref] = replace(records, records={**records.records, "Company": company})
    with pytest.raises(NeedsHuman):
        bill(world, ref)

    assert world.billing.contracts.by_id["sub_hand"].ends is None
    assert world.billing.contracts.by_id["sub_hand"].status == "active"


def test_an_amendment_that_is_lost_does_not_end_the_contract_that_it_amended(world: World) -> None:
    ref = sell(world, "2")
    bill(world, ref)
    world.crm.deals[ref] = replace(world.crm.deals[ref], won=False, closed=True)
    bill(world, ref)
    approve_plan(ref, world.services, by="Fin")
    bill(world, ref)

    assert running(world) == [("active", 7)]


def test_an_amendment_that_calls_itself_new_does_not_take_the_contract_over(world: World) -> None:
    ref = sell(world, "2")
    bill(world, ref)
    sell(world, "2", kind="new")
    bill(world, ref)
    approve_plan(ref, world.services, by="Fin")
    bill(world, ref)

    assert running(world) == [("active", 7)]


@pytest.mark.parametrize("kind", ["cancellation", "renewal"])
def test_a_deal_billed_by_two_subscriptions_is_not_ended_by_half(world: World, kind: str) -> None:
    """The other one would go on billing, and nobody would be told."""
    bill(world, world.crm.has(a_fake_deal("5", lines=(SEATS, CLEANING), account="5")))
    ref = sell(world, "6", kind, amends="5", account="5")
    with pytest.raises(NeedsHuman) as refused:
        bill(world, ref)

    assert refused.value.sentence_id == "which-contract"
    assert [status for status, _ in running(world)] == ["active"] * 3


def test_a_lost_deal_that_two_subscriptions_bill_is_not_ended_by_half(world: World) -> None:
    ref = world.crm.has(a_fake_deal("5", lines=(SEATS, CLEANING), account="5"))
    bill(world, ref)
    world.crm.deals[ref] = replace(world.crm.deals[ref], won=False, closed=True)
    bill(world, ref)

    status, message = message_on(world, ref)
    assert status == "awaiting_approval"
    assert sum(1 for ident in world.billing.subscriptions if ident in str(message)) == 2
    approve_plan(ref, world.services, by="Fin")
    bill(world, ref)
    assert [status for status, _ in running(world)] == ["active"] * 3


# What has ended


def test_a_deal_that_was_ended_and_is_won_again_does_not_claim_to_be_billed(world: World) -> None:
    ref = RecordRef("fake", "deal", "1")
    world.crm.deals[ref] = replace(world.crm.deals[ref], won=False, closed=True)
    bill(world, ref)
    approve_plan(ref, world.services, by="Fin")
    bill(world, ref)
    assert [status for status, _ in running(world)] == ["canceled"]
    world.crm.deals[ref] = replace(world.crm.deals[ref], won=True, closed=True)
    bill(world, ref)

    status, message = message_on(world, ref)
    assert status == "needs_attention"
    assert "ended" in str(message)


# Decisions


def test_an_approval_that_comes_while_the_deal_is_looked_at_is_not_lost(world: World) -> None:
    world.services = replace(world.services, approval_policy=ALWAYS)
    ref = sell(world, "2")
    bill(world, ref)
    planning = [True]

    def approve_meanwhile(operation: str) -> None:
        if operation == "contract" and planning:
            planning.clear()
            approve(world, ref)

    world.billing.trouble = approve_meanwhile
    bill(world, ref)
    bill(world, ref)

    assert running(world) == [("active", 7)]


def test_of_two_who_decide_at_once_the_second_hears_that_nothing_waits_any_more(world: World) -> None:
    """Else the deal would say that it was declined, and be billed."""
    world.services = replace(world.services, approval_policy=ALWAYS)
    ref = sell(world, "2")
    bill(world, ref)
    heard: list[str] = []

    def decline() -> None:
        try:
            decline_plan(ref, world.services, by="Ann", why="no order form")
        except NeedsHuman as error:
            heard.append(error.sentence_id)

    other = Thread(target=decline)

    def clock() -> datetime:
        """Read between what waits and what is said of it."""
        if not other.ident:
            other.start()
            other.join(timeout=0.5)
        return world.clock()

    approve_plan(ref, replace(world.services, clock=clock), by="Fin")
    other.join()

    assert heard == ["nothing-to-approve"]
    bill(world, ref)
    assert running(world) == [("active", 7)]


# What billing holds, told on the deal


SETUP = {"name": "Setup", "quantity": 1, "price": "500.00", "interval": "one-time"}


def test_what_is_sold_once_and_added_to_a_billed_deal_is_billed_once_it_is_approved(world: World) -> None:
    """The approver read that it is new, and its price."""
    ref = world.crm.has(a_fake_deal(lines=(SEATS, SETUP)))
    bill(world, ref)
    approve(world, ref)
    bill(world, ref)
    assert totals(world) == [10_000, 50_000]
    world.crm.has(a_fake_deal(lines=({**SEATS, "quantity": 6}, SETUP)))
    bill(world, ref)
    approve(world, ref)
    bill(world, ref)

    assert totals(world) == [10_000, 50_000, 1_333]


def test_an_amendment_that_takes_all_away_is_refused_with_what_to_do(world: World) -> None:
    with pytest.raises(NeedsHuman) as refused:
        bill(world, sell(world, "2", quantity=-5))

    assert refused.value.sentence_id == "amendment-takes-all"


def test_a_second_renewal_of_one_contract_waits_for_a_person(world: World) -> None:
    """Two deals for one renewal would bill every period twice."""
    bill(world, sell(world, "2", "renewal"))
    second = sell(world, "3", "renewal")
    bill(world, second)

    status, message = message_on(world, second)
    assert status == "awaiting_approval"
    assert "another contract" in str(message)
    assert len(world.billing.contracts.by_id) == 2


def test_a_lost_deal_says_which_invoices_of_its_are_still_to_come(world: World) -> None:
    later = {**SETUP, "bill_on": "2027-03-01"}
    ref = world.crm.has(a_fake_deal("7", lines=(SEATS, later), account="7"))
    bill(world, ref)
    world.crm.deals[ref] = replace(world.crm.deals[ref], won=False, closed=True)
    bill(world, ref)

    assert "2027-03-01" in str(message_on(world, ref)[1])
