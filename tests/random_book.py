"""A book of accounts as chance makes it: prompt and late payers, disputes, three currencies, several CRM records."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random

from connector.domain.billing import (
    BillingAccount,
    CreditNote,
    Customer,
    Dispute,
    Invoice,
    InvoiceStatus,
    PaymentMethod,
    Subscription,
)
from connector.domain.billing_plan import StepKey
from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.ports import DealBilling, Link, Store, UnitOfWork
from tests.factories import MONTHLY, YEARLY, a_payment, a_subscription, an_invoice, at


def fill_book(store: Store, chance: Random, accounts: int, today: date, crm: str = "fake") -> list[RecordRef]:
    """Mirror so many customers, each billed for up to two CRM accounts and three deals. Gives them in order."""
    customers = []
    for number in range(accounts):
        account = random_account(chance, f"{number:04}", today)
        with store.begin() as work:
            work.ledger.save(account, at(today) - timedelta(hours=chance.randrange(100)))
            _bill(account, number, chance, work, crm)
        customers.append(account.customer.ref)
    return customers


def random_account(chance: Random, name: str, today: date) -> BillingAccount:
    """One customer with up to 15 invoices and whatever came of them."""
    customer = RecordRef("stripe", "customer", f"cus_{name}")
    subscriptions = tuple(
        a_subscription(
            f"sub_{name}_{number}",
            customer=customer,
            unit_amount=chance.randrange(100, 90_000),
            interval=chance.choice([MONTHLY, YEARLY]),
            status=chance.choice(["active", "active", "past_due", "canceled"]),
            currency=chance.choice(["eur", "eur", "jpy"]),
            deal=chance.choice([None, RecordRef("fake", "deal", f"{name}-0")]),
            contract_end=chance.choice([None, today + timedelta(days=chance.randrange(200))]),
        )
        for number in range(chance.randrange(3))
    )
    invoices = tuple(_invoice(chance, name, number, customer, today) for number in range(chance.randrange(16)))
    paid = [each for each in invoices if each.paid_at is not None]
    return BillingAccount(
        Customer(customer, f"Customer {name}", currency="eur", payment_method=chance.choice(list(PaymentMethod))),
        subscriptions=subscriptions,
        invoices=invoices,
        payments=tuple(a_payment(each, each.paid_at.date()) for each in paid if each.paid_at is not None),
        credit_notes=tuple(
            CreditNote(
                RecordRef("stripe", "credit_note", f"cn_{each.number}"), each.ref, 100, "eur", "issued", at(today)
            )
            for each in paid[:1]
        ),
        disputes=tuple(
            Dispute(RecordRef("stripe", "dispute", f"dp_{each.number}"), "ch_1", 100, "eur", "open", at(today), "fraud")
            for each in paid[:1]
            if chance.random() < 0.2
        ),
    )


def _invoice(chance: Random, name: str, number: int, customer: RecordRef, today: date) -> Invoice:
    due = today - timedelta(days=chance.randrange(-40, 500))
    paid = due + timedelta(days=chance.choice([-3, 0, 0, 2, 12, 45]))
    status = chance.choices(list(InvoiceStatus), [1, 3, 12, 1, 1, 1])[0]
    settled = status is InvoiceStatus.PAID
    return an_invoice(
        int(name) * 100 + number,
        due=due,
        paid=min(paid, today) if settled else None,
        total=chance.choice([0, 999, 10_000, 123_456]),
        currency=chance.choice(["eur", "eur", "eur", "usd", "jpy"]),
        status=status,
        ref=RecordRef("stripe", "invoice", f"in_{name}_{number}"),
        customer=customer,
        subscription=chance.choice([None, RecordRef("stripe", "subscription", f"sub_{name}_0")]),
        attempt_count=chance.randrange(3),
        disputed=chance.random() < 0.05,
        processing=chance.random() < 0.05,
        created_at=_moment(chance, due),
    )


def _moment(chance: Random, due: date) -> datetime:
    """A month before the due date; now and then two invoices are made in the same moment."""
    return at(due - timedelta(days=30)) + timedelta(minutes=chance.choice([0, 0, 1, 2]))


def _bill(account: BillingAccount, number: int, chance: Random, work: UnitOfWork, crm: str) -> None:
    customer = account.customer.ref
    owners = [RecordRef(crm, "account", f"{number:04}-{each}") for each in range(chance.choice([0, 1, 1, 1, 2]))]
    for owner in owners:
        work.links.remember(Link(StepKey(owner, CUSTOMER), customer))
    made: list[Subscription | Invoice] = [*account.subscriptions, *account.invoices[:2]]
    for place in range(chance.randrange(4) if owners else 0):
        deal = RecordRef(crm, "deal", f"{number:04}-{place}")
        work.links.bill_to(deal, DealBilling(customer, owners[0]))
        work.links.remember(Link(StepKey(deal, "schedule"), RecordRef("stripe", "schedule", f"sched_{number}_{place}")))
        for each in chance.sample(made, min(len(made), 2)):
            work.links.remember(Link(StepKey(deal, each.ref.kind + each.ref.id), each.ref))
