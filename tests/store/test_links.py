"""Links: what fills which role, how often a step was tried, and who is billed for a deal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.domain.billing_plan import StepKey
from connector.domain.refs import RecordRef
from connector.ports import AccountDeal, DealBilling, Link
from connector.store import PostgresStore

ACCOUNT = RecordRef("salesforce", "account", "001A")
DEAL = RecordRef("salesforce", "deal", "006A")
CUSTOMER = RecordRef("stripe", "customer", "cus_1")
SUBSCRIPTION = RecordRef("stripe", "subscription", "sub_1")
KEY = StepKey(DEAL, "subscription")


def test_a_link_is_found_from_both_sides(store: PostgresStore) -> None:
    """By its key, by its owner, and by the billing record it names."""
    with store.begin() as work:
        assert work.links.get(KEY) is None
        work.links.remember(Link(KEY, SUBSCRIPTION, mapping_version=3, created_at=datetime(2026, 1, 1, tzinfo=UTC)))
        work.links.remember(Link(StepKey(DEAL, "invoice"), RecordRef("stripe", "invoice", "in_1")))
    with store.begin() as work:
        assert work.links.get(KEY) == SUBSCRIPTION
        assert work.links.of(DEAL) == {"subscription": SUBSCRIPTION, "invoice": RecordRef("stripe", "invoice", "in_1")}
        assert work.links.owners(SUBSCRIPTION) == [KEY]
        assert work.links.of(ACCOUNT) == {}
        assert work.links.owners(CUSTOMER) == []


def test_two_accounts_may_share_a_customer(store: PostgresStore) -> None:
    """Both are owners, in a fixed order."""
    with store.begin() as work:
        for number in ("001B", "001A"):
            work.links.remember(Link(StepKey(RecordRef("salesforce", "account", number), "customer"), CUSTOMER))
        assert [key.owner.id for key in work.links.owners(CUSTOMER)] == ["001A", "001B"]


def test_a_role_is_filled_once(store: PostgresStore) -> None:
    """Saying the same again is fine; another record is refused, and the first stays."""
    with store.begin() as work:
        work.links.remember(Link(KEY, SUBSCRIPTION))
        work.links.remember(Link(KEY, SUBSCRIPTION))
        with pytest.raises(ValueError, match="sub_1"):
            work.links.remember(Link(KEY, RecordRef("stripe", "subscription", "sub_2")))
        assert work.links.get(KEY) == SUBSCRIPTION


def test_attempts_count_and_a_spent_key_gives_a_new_epoch(store: PostgresStore) -> None:
    """The idempotency key stays the same from attempt to attempt, until it is spent."""
    with store.begin() as work:
        first, second = work.links.attempt(KEY), work.links.attempt(KEY)
        work.links.new_epoch(KEY)
        third = work.links.attempt(KEY)
    assert [one.number for one in (first, second, third)] == [1, 2, 3]
    assert first.idempotency_key == second.idempotency_key != third.idempotency_key


def test_a_new_epoch_before_any_attempt_counts_too(store: PostgresStore) -> None:
    """The next attempt is the first, and its key differs from the one that was spent."""
    other = StepKey(DEAL, "invoice")
    with store.begin() as work:
        spent = work.links.attempt(KEY).epoch
        work.links.new_epoch(other)
        attempt = work.links.attempt(other)
    assert attempt.number == 1
    assert attempt.epoch > spent


def test_a_deals_billing_is_remembered_and_the_last_word_wins(store: PostgresStore) -> None:
    """A merged account moves its deals to another customer."""
    with store.begin() as work:
        assert work.links.billing_of(DEAL) is None
        work.links.bill_to(DEAL, DealBilling(CUSTOMER, ACCOUNT, 120_00, ("the PO number was cut",)))
        assert work.links.billing_of(DEAL) == DealBilling(CUSTOMER, ACCOUNT, 120_00, ("the PO number was cut",))
        moved = DealBilling(RecordRef("stripe", "customer", "cus_2"), ACCOUNT)
        work.links.bill_to(DEAL, moved)
        assert work.links.billing_of(DEAL) == moved


def test_deals_of_a_customer_come_with_what_bills_them(store: PostgresStore) -> None:
    """A deal that nothing bills yet is not among them."""
    with store.begin() as work:
        work.links.bill_to(DEAL, DealBilling(CUSTOMER, ACCOUNT))
        assert work.links.deals_of(CUSTOMER) == []
        work.links.remember(Link(KEY, SUBSCRIPTION))
        assert work.links.deals_of(CUSTOMER) == [AccountDeal(DEAL, "subscription", SUBSCRIPTION)]
        assert work.links.deals_of(RecordRef("stripe", "customer", "cus_2")) == []
