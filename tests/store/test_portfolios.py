"""The portfolio's versions, and the ledger's payment histories: what Postgres reads of all is what one invoice says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from connector.domain.billing import BillingAccount, Customer, Dispute, Invoice, InvoiceStatus, Payment
from connector.domain.invoice_standing import contested_by, days_of_arrival, standing
from connector.domain.past_invoice import outcomes_on
from connector.domain.portfolio import Portfolio
from connector.domain.refs import RecordRef
from connector.store import PostgresStore

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TODAY = NOW.date()


def any_invoice(customer: RecordRef, number: int, source: Random) -> Invoice:
    """An invoice of any kind there is: drafts, voids, credits, disputes and half-paid ones among them."""
    issued = NOW - timedelta(days=source.randrange(1, 400), hours=source.randrange(24))
    total = source.choice((0, -500, 1000, 1000, 1000, 1000, 2500))
    paid = source.choice((0, 0, total // 2, total, total))
    status = source.choice([*InvoiceStatus, InvoiceStatus.PAID, InvoiceStatus.OPEN])
    return Invoice(
        ref=RecordRef("stripe", "invoice", f"{customer.id}-{number}"),
        customer=customer,
        status=status,
        currency=source.choice(("eur", "usd")),
        total=total,
        amount_due=source.choice((total, total, 0)),
        amount_paid=paid,
        amount_remaining=0 if status is InvoiceStatus.PAID else max(0, total - paid),
        created_at=issued,
        finalized_at=source.choice((None, issued + timedelta(hours=1))),
        due_date=source.choice((None, *[issued.date() + timedelta(days=30)] * 5)),
        paid_at=source.choice((None, *[issued + timedelta(days=source.randrange(90), hours=source.randrange(24))] * 5))
        if status is InvoiceStatus.PAID
        else None,
        replaced_by=source.choice((None,) * 8 + (RecordRef("stripe", "invoice", "in_later"),)),
        credited=source.choice((0, 0, 0, 100)),
        disputed=source.random() < 0.1,
        processing=source.random() < 0.1,
    )


def any_account(name: str, source: Random) -> BillingAccount:
    """A customer with invoices of all kinds, payments for some and disputes about some."""
    customer = RecordRef("stripe", "customer", name)
    invoices = tuple(any_invoice(customer, number, source) for number in range(source.randrange(1, 9)))
    payments = tuple(
        Payment(
            ref=RecordRef("stripe", "payment", f"{name}-{number}"),
            invoice=source.choice(invoices).ref,
            amount=source.choice((500, 1000, 2500)),
            currency="eur",
            status=source.choice(("paid", "paid", "open")),
            paid_at=source.choice((None, NOW - timedelta(days=source.randrange(300), hours=source.randrange(24)))),
        )
        for number in range(source.randrange(6))
    )
    disputes = tuple(
        Dispute(
            ref=RecordRef("stripe", "dispute", f"{name}-{number}"),
            charge="ch_1",
            amount=500,
            currency="eur",
            status=source.choice(("won", "lost", "needs_response", "prevented", "warning_closed")),
            created_at=NOW,
            invoice=source.choice((None, source.choice(invoices).ref)),
        )
        for number in range(source.randrange(2))
    )
    return BillingAccount(Customer(customer), invoices=invoices, payments=payments, disputes=disputes)


def test_the_histories_of_a_random_ledger_say_what_each_invoice_says(store: PostgresStore) -> None:
    """Postgres decides for all at once what ``invoice_standing`` decides for one: they must never differ."""
    source = Random(4)
    accounts = [any_account(f"cus_{number:03}", source) for number in range(300)]
    expected = {}
    with store.begin() as work:
        for account in accounts:
            work.ledger.save(account, NOW)
            arrived, contested = days_of_arrival(account.payments, account.invoices), contested_by(account.disputes)
            found = [standing(invoice, TODAY, arrived, contested) for invoice in account.invoices]
            expected[str(account.customer.ref)] = sorted(each.outcome for each in found if each and each.outcome)

    with store.begin() as work:
        histories = list(work.portfolios.histories())

    said = {history[0].customer: sorted(outcomes_on(history, TODAY)) for history in histories}
    assert sum(map(len, expected.values())) > 200
    assert said == {customer: outcomes for customer, outcomes in expected.items() if customer in said}
    assert {customer for customer, outcomes in expected.items() if outcomes} <= said.keys()


def test_an_invoice_is_known_from_the_day_it_was_finalised(store: PostgresStore) -> None:
    """A draft that lay for a week was nobody's debt meanwhile; the day is UTC's."""
    ref = RecordRef("stripe", "customer", "cus_1")
    late_at_night = datetime(2026, 9, 30, 23, 30, tzinfo=UTC)
    invoice = Invoice(
        ref=RecordRef("stripe", "invoice", "in_1"),
        customer=ref,
        status=InvoiceStatus.OPEN,
        currency="eur",
        total=1000,
        amount_due=1000,
        amount_paid=0,
        amount_remaining=1000,
        created_at=late_at_night - timedelta(days=7),
        finalized_at=late_at_night,
        due_date=date(2026, 10, 30),
    )
    with store.begin() as work:
        work.ledger.save(BillingAccount(Customer(ref), invoices=(invoice,)), NOW)
        [[history]] = list(work.portfolios.histories())

    assert (history.issued, history.due, history.paid) == (date(2026, 9, 30), date(2026, 10, 30), None)
    assert (history.amount, history.currency, history.customer) == (1000, "eur", str(ref))


def test_a_version_counts_from_the_day_after_it_was_fitted_and_comes_back_as_it_was_saved(store: PostgresStore) -> None:
    with store.begin() as work:
        assert work.portfolios.newest() == Portfolio()
        week_ago = Portfolio(0.1, 0.2, 0.05, 40, 400, TODAY - timedelta(days=7))
        first = work.portfolios.save(week_ago, NOW)
        second = work.portfolios.save(Portfolio(1 / 3, 0.25, 0.06, 41, 410, TODAY), NOW)

    with store.begin() as work:
        fitted = Portfolio(1 / 3, 0.25, 0.06, 41, 410, TODAY, version=second)
        assert (work.portfolios.newest(), work.portfolios.in_use(TODAY + timedelta(days=1))) == (fitted, fitted)
        assert work.portfolios.in_use(TODAY) == replace(week_ago, version=first)
        assert work.portfolios.in_use(TODAY - timedelta(days=7)) == Portfolio()
    assert second > first > 0
