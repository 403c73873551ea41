"""A world in which contracts come up for renewal, for the tests of flags and tasks before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from connector.domain.refs import RecordRef
from connector.sync.bill_deal import bill_deal
from connector.sync.refresh_account import refresh_account
from connector.sync.write_back import write_back
from connector.targets import TargetKind, for_record
from mappings.model import FieldMapping, FieldRule
from tests.factories import an_invoice
from tests.fakes import MAPPING, a_fake_deal
from tests.sync.conftest import World

ADA, BOB = RecordRef("fake", "owner", "ada"), RecordRef("fake", "owner", "bob")
ACCOUNT = RecordRef("fake", "account", "1")
RENEWAL = RecordRef("fake", "deal", "9")
SHOWN = ("late_payer", "health", "health_reason", "renewal_date", "sync_status")

RENEWING = replace(
    MAPPING,
    deal=(
        *MAPPING.deal,
        FieldRule("terms.kind", "Deal.kind", "deal_kind"),
        FieldRule("deal.amount", "Deal.amount", "decimal"),
        FieldRule("terms.renewal_date", "Deal.renews_on", "date"),
        FieldRule("account.owner", "Company.owner"),
        FieldRule("account.parent", "Company.parent"),
        FieldRule("payer.id", "Company.payer"),
        FieldRule("payer.name", "Company.payer_name"),
    ),
    write_back={
        kind: {**fields, **{name: f"billing_{name}" for name in SHOWN}} for kind, fields in MAPPING.write_back.items()
    },
)


def renewing(world: World) -> World:
    """A world whose CRM says when contracts renew, and in which Ada owns the account."""
    world.crm.owners[ACCOUNT] = ADA
    return replace(world, services=replace(world.services, mappings={"fake": RENEWING}))


def billed(world: World, *, renews_in: int = 100, number: str = "1", account: str = "1", **company: str) -> RecordRef:
    """A billed deal that comes up for renewal so many days from now; gives its customer."""
    renews_on = (world.clock().date() + timedelta(days=renews_in)).isoformat()
    deal = a_fake_deal(number, account=account, renews_on=renews_on, net_days="Net 10")
    deal = replace(deal, records={**deal.records, "Company": {**deal.records["Company"], **company}})
    world.crm.has(deal)
    bill_deal(str(deal.ref), world.services)
    with world.services.store.begin() as work:
        billing = work.links.billing_of(deal.ref)
    assert billing is not None
    return billing.customer


def a_renewal_deal(world: World, *, owner: RecordRef | None = BOB) -> RecordRef:
    deal = a_fake_deal("9", won=False, kind="renewal", amount="48000")
    return world.crm.has(replace(deal, owner=owner))


def settle(world: World, customer: RecordRef) -> None:
    """One round of everything a worker would do for the customer."""
    world.run(for_record(TargetKind.HEALTH, customer))
    refresh_account(str(customer), world.services)
    follow(world)


def follow(world: World) -> None:
    for target in [for_record(TargetKind.RENEWAL, ref) for ref in list(world.crm.shown) if ref.kind == "account"]:
        world.run(target)
    write_back("fake", world.services)


def late_near_renewal(world: World, *, renews_in: int = 100, days: int = 60) -> RecordRef:
    """An account whose invoice is long overdue, so many days before its renewal less."""
    customer = billed(world, renews_in=renews_in)
    settle(world, customer)
    world.clock.forward(days=days)
    settle(world, customer)
    return customer


def slipped_near_renewal(world: World) -> RecordRef:
    """An account that always paid in time, and now has an invoice that is 66 days late, 24 days before its renewal."""
    customer = billed(world, renews_in=100)
    for number in range(6):
        due = world.clock().date() - timedelta(days=10 + 30 * number)
        invoice = an_invoice(100 + number, due=due, paid=due, customer=customer)
        world.billing.invoices[invoice.ref.id] = invoice
    settle(world, customer)
    world.clock.forward(days=76)
    settle(world, customer)
    return customer


def pays_all(world: World) -> None:
    for name, invoice in list(world.billing.invoices.items()):
        if invoice.amount_remaining:
            world.billing.pays(name)


def shows(world: World, ref: RecordRef, name: str) -> object:
    return world.crm.shown[ref].get(f"billing_{name}")


def with_roll_up(world: World, roll_up: str) -> World:
    with world.services.store.begin() as work:
        work.settings.put("health_policy", {"roll_up": roll_up}, by="test")
    return world


def only_by_field(mapping: FieldMapping) -> FieldMapping:
    return replace(mapping, renewal_from=("crm_field",))
