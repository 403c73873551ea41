"""A won deal is billed exactly once, whatever happens on the way, and its record says how it went."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from connector.domain.billing import InvoiceStatus
from connector.domain.billing_plan import MakeCustomer, StepKey
from connector.domain.refs import RecordRef
from connector.errors import CannotBill, KeyUsed, NeedsHuman, Rejected, RetryLater, Unreachable
from connector.sync.bill_deal import bill_deal
from connector.sync.write_back import write_back
from connector.targets import TargetKind, for_crm, for_record
from tests.fakes import a_fake_deal
from tests.sync.conftest import World


def once(operation: str, error: Exception) -> Callable[[str], None]:
    """Trouble that happens the first time an operation runs, and never again."""
    left = [error]

    def trouble(name: str) -> None:
        if name == operation and left:
            raise left.pop()

    return trouble


def bill(world: World, ref: RecordRef) -> None:
    bill_deal(str(ref), world.services)


def message_on(world: World, ref: RecordRef) -> tuple[object, object]:
    write_back("fake", world.services)
    shown = world.crm.shown[ref]
    return shown.get("billing_sync_status"), shown.get("billing_sync_message")


def test_a_won_deal_becomes_one_customer_and_one_subscription(world: World) -> None:
    ref = world.crm.has(a_fake_deal())

    bill(world, ref)
    bill(world, ref)

    assert len(world.billing.customers) == 1
    assert [s.items[0].quantity for s in world.billing.subscriptions.values()] == [5]


def test_the_first_invoice_is_sent_at_once(world: World) -> None:
    bill(world, world.crm.has(a_fake_deal()))
    assert [i.status for i in world.billing.invoices.values()] == [InvoiceStatus.OPEN]


def test_the_deal_says_that_it_is_billed(world: World) -> None:
    ref = world.crm.has(a_fake_deal())
    bill(world, ref)
    assert message_on(world, ref) == ("billed", "")
    assert world.crm.shown[ref]["billing_customer_id"] in world.billing.customers


def test_a_billed_deal_costs_one_look_when_its_bell_rings_again(world: World) -> None:
    """Somebody may have edited it; billing is asked nothing as long as nobody has."""
    ref = world.crm.has(a_fake_deal())
    bill(world, ref)
    world.crm.calls.clear()
    world.billing.calls.clear()
    bill(world, ref)
    assert (world.crm.calls, world.billing.calls) == (["fetch_deal"], [])


def test_an_open_deal_is_not_billed(world: World) -> None:
    bill(world, world.crm.has(a_fake_deal(won=False)))
    assert world.billing.calls == []


def test_a_deleted_deal_is_not_billed_and_bothers_nobody(world: World) -> None:
    bill(world, RecordRef("fake", "deal", "gone"))
    assert world.billing.calls == []


def test_two_deals_of_one_new_account_at_the_same_moment_give_one_customer(world: World) -> None:
    refs = [world.crm.has(a_fake_deal(number)) for number in ("1", "2", "3", "4")]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda ref: bill(world, ref), refs))
    assert len(world.billing.customers) == 1
    assert len(world.billing.subscriptions) == 4


@pytest.mark.parametrize("operation", ["prices", "run customer", "run product", "run subscription"])
def test_an_outage_before_a_step_loses_and_doubles_nothing(world: World, operation: str) -> None:
    ref = world.crm.has(a_fake_deal())
    world.billing.trouble = once(operation, Unreachable("Billing is away."))
    with pytest.raises(RetryLater):
        bill(world, ref)
    bill(world, ref)
    assert len(world.billing.customers) == len(world.billing.products) == len(world.billing.subscriptions) == 1


@pytest.mark.parametrize("operation", ["after run customer", "after run product", "after run subscription"])
def test_an_answer_that_never_arrived_is_found_and_not_made_again(world: World, operation: str) -> None:
    ref = world.crm.has(a_fake_deal())
    world.billing.trouble = once(operation, Unreachable("The connection broke."))
    with pytest.raises(RetryLater):
        bill(world, ref)
    world.crm.has(replace(a_fake_deal(), records={**a_fake_deal().records, "Company": {"name": "Renamed"}}))
    bill(world, ref)
    assert len(world.billing.customers) == len(world.billing.products) == len(world.billing.subscriptions) == 1
    assert "find" in world.billing.calls


def test_a_crash_after_the_last_step_still_ends_with_a_told_deal(world: World) -> None:
    ref = world.crm.has(a_fake_deal())
    world.billing.trouble = once("release_first_invoice", Unreachable("Billing is away."))
    with pytest.raises(RetryLater):
        bill(world, ref)
    bill(world, ref)
    assert message_on(world, ref)[0] == "billed"
    assert [i.status for i in world.billing.invoices.values()] == [InvoiceStatus.OPEN]


@pytest.mark.parametrize("error", [KeyUsed("Spent."), Rejected("No.")])
def test_a_spent_key_is_never_used_again(world: World, error: Exception) -> None:
    ref = world.crm.has(a_fake_deal())
    world.billing.trouble = once("run subscription", error)
    with pytest.raises(type(error)):
        bill(world, ref)
    bill(world, ref)
    keys = [key for key in world.billing.keys if key.startswith("fake:deal:1/subscription")]
    assert keys == ["fake:deal:1/subscription#2"]


def test_a_deal_that_cannot_be_billed_says_which_field_to_fix(world: World) -> None:
    ref = world.crm.has(a_fake_deal(email=""))
    with pytest.raises(CannotBill) as refusal:
        bill(world, ref)
    assert refusal.value.field == "contact.email"
    status, message = message_on(world, ref)
    assert status == "needs_attention"
    assert "e-mail" in str(message)
    assert world.billing.customers == {}


def test_fixing_the_field_bills_the_deal_and_clears_the_message(world: World) -> None:
    ref = world.crm.has(a_fake_deal(email=""))
    with pytest.raises(NeedsHuman):
        bill(world, ref)
    world.crm.has(a_fake_deal())
    bill(world, ref)
    assert message_on(world, ref) == ("billed", "")


def test_a_deal_that_is_reopened_before_it_was_billed_loses_its_complaint(world: World) -> None:
    ref = world.crm.has(a_fake_deal(email=""))
    with pytest.raises(NeedsHuman):
        bill(world, ref)
    world.crm.has(a_fake_deal(email="", won=False))
    bill(world, ref)
    assert message_on(world, ref) == ("waiting", "")


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"name": "Seats", "price": "20", "interval": "monthly"}, "line.quantity"),
        ({"name": "Seats", "quantity": 5, "interval": "monthly"}, "line.unit_price"),
        ({"name": "Seats", "quantity": 5, "price": "20", "interval": "now and then"}, "line.interval"),
        ({"name": "Seats", "quantity": 5, "price": "20"}, "line.interval"),
    ],
)
def test_a_line_that_cannot_be_read_names_its_field(world: World, line: dict[str, object], field: str) -> None:
    ref = world.crm.has(a_fake_deal(lines=[line]))
    with pytest.raises(CannotBill) as refusal:
        bill(world, ref)
    assert refusal.value.field == field


def test_records_that_form_no_single_deal_are_a_question_to_a_person(world: World) -> None:
    ref = world.crm.has(replace(a_fake_deal(), problem="The deal has two companies, none of them primary."))
    with pytest.raises(CannotBill, match="two companies"):
        bill(world, ref)


def test_one_off_lines_alone_become_a_plain_invoice(world: World) -> None:
    lines = [{"name": "Set-up", "quantity": 1, "price": "500", "interval": "one-time"}]
    ref = world.crm.has(a_fake_deal(lines=lines))
    bill(world, ref)
    assert [i.total for i in world.billing.invoices.values()] == [50_000]
    assert world.billing.subscriptions == {}


def test_an_account_that_names_its_customer_is_billed_as_that_customer(world: World) -> None:
    deal = a_fake_deal()
    records = {**deal.records, "Company": {"name": "Acme", "customer_id": "cus_77"}}
    world.billing.customers["cus_77"] = MakeCustomer(StepKey(RecordRef("fake", "account", "77"), "customer"), "Acme")
    bill(world, world.crm.has(replace(deal, records=records)))
    assert list(world.billing.customers) == ["cus_77"]


def test_an_account_that_changes_its_customer_is_asked_about_and_never_billed_twice(world: World) -> None:
    bill(world, world.crm.has(a_fake_deal("1")))
    second = a_fake_deal("2")
    records = {**second.records, "Company": {"name": "Acme", "customer_id": "cus_77"}}
    with pytest.raises(CannotBill) as refusal:
        bill(world, world.crm.has(replace(second, records=records)))
    assert refusal.value.field == "account.customer_id"
    assert len(world.billing.customers) == 1


def test_billing_a_deal_asks_for_its_accounts_refresh_and_for_the_records_to_be_written(world: World) -> None:
    bill(world, world.crm.has(a_fake_deal()))
    customer = RecordRef("stripe", "customer", next(iter(world.billing.customers)))
    assert world.dirty(for_record(TargetKind.ACCOUNT, customer))
    assert world.dirty(for_crm("fake"))
