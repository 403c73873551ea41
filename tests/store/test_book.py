"""The book: customers in sets, each with the very facts that are read of one alone."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from connector.domain.account_facts import AccountFacts
from connector.domain.billing import BillingAccount, Customer
from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.ports import UnitOfWork
from connector.store import PostgresStore, book
from connector.targets import Target, TargetKind
from tests.factories import NOW, TODAY
from tests.random_book import fill_book


def customers(store: PostgresStore, *names: str) -> list[RecordRef]:
    refs = [RecordRef("stripe", "customer", name) for name in names]
    with store.begin() as work:
        for ref in refs:
            work.ledger.save(BillingAccount(Customer(ref)), NOW)
    return refs


def facts_of_one(customer: RecordRef, work: UnitOfWork) -> AccountFacts:
    """As a refresh of this one account reads them. Invoices are without lines, which no value needs."""
    account = work.ledger.account(customer)
    assert account is not None
    billed_by: dict[RecordRef, list[RecordRef]] = {}
    for made in work.links.deals_of(customer):
        billed_by.setdefault(made.deal, []).append(made.target)
    owners = [key.owner for key in work.links.owners(customer) if key.role == CUSTOMER]
    return AccountFacts(account, owners, billed_by)


@pytest.mark.parametrize("at_once", [20_000, 25])
def test_the_facts_of_many_are_those_of_each(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Also when memory holds only a few invoices at a time, and in the order asked for."""
    monkeypatch.setattr(book, "_MOST_INVOICES", at_once)
    refs = fill_book(store, Random(1), 40, TODAY)
    refs.reverse()
    with store.begin() as work:
        read = list(work.book.facts(refs))
        alone = [facts_of_one(ref, work) for ref in refs]
    assert [facts.account for facts in read] == [facts.account for facts in alone]
    assert [list(facts.owners) for facts in read] == [facts.owners for facts in alone]
    assert [dict(facts.billed_by) for facts in read] == [facts.billed_by for facts in alone]
    assert any(facts.billed_by for facts in read)


def test_a_customer_that_is_not_mirrored_is_left_out(store: PostgresStore) -> None:
    (known,) = customers(store, "a")
    with store.begin() as work:
        read = list(work.book.facts([RecordRef("stripe", "customer", "other"), known]))
    assert [facts.account.customer.ref for facts in read] == [known]


def test_nobody_is_read_of_nobody(store: PostgresStore) -> None:
    with store.begin() as work:
        assert list(work.book.facts([])) == []
        assert work.book.hold([], NOW) == []


def test_moments_come_out_in_utc(store: PostgresStore) -> None:
    """Their day is what counts, and the session's time zone decides it for rows straight from the driver."""
    refs = fill_book(store, Random(2), 10, TODAY)
    with store.begin() as work:
        moments = [i.created_at for facts in work.book.facts(refs) for i in facts.account.invoices]
    assert moments
    assert {moment.utcoffset() for moment in moments} == {timedelta(0)}


def test_customers_not_assessed_come_in_order_page_by_page(store: PostgresStore) -> None:
    """Those assessed since are left out; one assessed in the very moment counts as assessed."""
    a, b, c, d = customers(store, "a", "b", "c", "d")
    with store.begin() as work:
        work.book.assessed([a], NOW - timedelta(seconds=1))
        work.book.assessed([b], NOW)
        assert work.book.unassessed(NOW, None, 2) == [a, c]
        assert work.book.unassessed(NOW, c, 2) == [d]
        assert work.book.unassessed(NOW, d, 2) == []
        assert work.book.unassessed(NOW, None, 2, downwards=True) == [d, c]
        assert work.book.unassessed(NOW, c, 2, downwards=True) == [a]


def test_customers_that_are_worked_on_or_parked_are_not_named(store: PostgresStore) -> None:
    """Their own Target is at it, or waits for a person; any other Target of theirs is no reason."""
    *_, free, done = customers(store, "busy", "parked", "refreshed", "zdone")
    with store.begin() as work:
        health = {name: Target(TargetKind.HEALTH, f"stripe:customer:{name}") for name in ("busy", "parked", "zdone")}
        work.targets.mark_all([*health.values(), Target(TargetKind.ACCOUNT, str(free))])
        work.targets.start(health["parked"])
        work.targets.fail(health["parked"], "no", retry_in=None)
        work.targets.finish(health["zdone"], work.targets.start(health["zdone"]) or 0)
    with store.begin() as work:
        assert work.book.unassessed(NOW, None, 10) == [free, done]


def test_a_customer_that_somebody_holds_is_passed_over(store: PostgresStore) -> None:
    """Nobody waits, and whoever was assessed since the list was read is not done twice."""
    a, b, c = customers(store, "a", "b", "c")
    with store.begin() as other, store.begin() as work:
        assert other.ledger.hold(b)
        other.book.assessed([b], NOW)
        assert work.book.hold([c, b, a], NOW) == [a, c]
    with store.begin() as work:
        assert work.book.hold([a, b, c], NOW) == [a, c]


def test_a_customer_that_is_not_mirrored_cannot_be_held(store: PostgresStore) -> None:
    with store.begin() as work:
        assert not work.ledger.hold(RecordRef("stripe", "customer", "other"))
