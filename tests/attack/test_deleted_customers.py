"""A customer deleted in billing bars its account's next deals only until a person has decided."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.domain.billing import BillingAccount, Customer
from connector.domain.billing_plan import MakeCustomer, StepKey
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from tests.fakes import a_fake_deal
from tests.sync.conftest import World
from tests.sync.test_bill_deal import bill

ACCOUNT = RecordRef("fake", "account", "1")


def a_deal_of(world: World, number: str, customer_id: str) -> RecordRef:
    deal = a_fake_deal(number)
    company = {"name": "Acme", "customer_id": customer_id}
    return world.crm.has(replace(deal, records={**deal.records, "Company": company}))


@pytest.fixture
def gone(world: World) -> RecordRef:
    """The account was billed as this customer, which has been deleted since."""
    bill(world, a_deal_of(world, "1", ""))
    customer = RecordRef("stripe", "customer", next(iter(world.billing.customers)))
    del world.billing.customers[customer.id]
    world.billing.keys = {key: made for key, made in world.billing.keys.items() if made[1] != customer}
    with world.services.store.begin() as work:
        work.ledger.save(BillingAccount(Customer(customer, deleted=True)), world.clock())
    return customer


def billed_as(world: World, deal: RecordRef) -> str:
    with world.services.store.begin() as work:
        billing = work.links.billing_of(deal)
    assert billing is not None
    return billing.customer.id


def test_the_deal_says_what_to_do(world: World, gone: RecordRef) -> None:
    deal = a_deal_of(world, "2", gone.id)  # as our own write-back left it
    with pytest.raises(CannotBill, match="deleted") as refusal:
        bill(world, deal)
    assert refusal.value.field == "account.customer_id"
    assert len(world.billing.subscriptions) == 1


def test_an_emptied_field_has_a_new_customer_made(world: World, gone: RecordRef) -> None:
    deal = a_deal_of(world, "2", "")
    bill(world, deal)
    assert billed_as(world, deal) != gone.id
    assert list(world.billing.customers) == [billed_as(world, deal)]
    third = a_deal_of(world, "3", "")
    bill(world, third)
    assert billed_as(world, third) == billed_as(world, deal)


def test_another_customer_that_the_account_names_is_billed_from_now_on(world: World, gone: RecordRef) -> None:
    world.billing.customers["cus_77"] = MakeCustomer(StepKey(RecordRef("fake", "account", "77"), "customer"), "Acme")
    deal = a_deal_of(world, "2", "cus_77")
    bill(world, deal)
    assert billed_as(world, deal) == "cus_77"
    assert billed_as(world, RecordRef("fake", "deal", "1")) == gone.id


def test_the_change_is_on_record(world: World, gone: RecordRef) -> None:
    bill(world, a_deal_of(world, "2", ""))
    with world.services.store.begin() as work:
        told = [(line["what"], line["subject"]) for line in work.audit.recent()]
    assert ("customer given up", str(ACCOUNT)) in told
