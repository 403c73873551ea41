"""Mapping versions in the store: what is in force, at once and for everybody, and which deals others have billed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.domain.billing_plan import StepKey
from connector.domain.refs import RecordRef
from connector.ports import DealBilling, Link
from connector.store import PostgresStore

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CUSTOMER = RecordRef("stripe", "customer", "cus_1")


def deal(number: int, crm: str = "hubspot") -> RecordRef:
    return RecordRef(crm, "deal", f"{number:03}")


def bill(store: PostgresStore, ref: RecordRef, *versions: int) -> None:
    with store.begin() as work:
        for number, version in enumerate(versions):
            target = RecordRef("stripe", "subscription", f"sub_{ref.provider}_{ref.id}_{number}")
            work.links.remember(Link(StepKey(ref, f"role-{number}"), target, mapping_version=version, created_at=NOW))
        work.links.bill_to(ref, DealBilling(CUSTOMER, RecordRef(ref.provider, "account", "1"), None, ()))


def test_nothing_saved_means_the_shipped_mapping(store: PostgresStore) -> None:
    with store.begin() as work:
        assert work.mappings.active_version("hubspot") == 0
        assert work.mappings.get("hubspot", 1) is None
        work.mappings.save("hubspot", {"deal": []}, author="ada", why="first")
        assert work.mappings.active_version("hubspot") == 0


def test_activating_0_goes_back_to_the_shipped_mapping(store: PostgresStore) -> None:
    """And the version stays, to be used again."""
    with store.begin() as work:
        work.mappings.save("hubspot", {"deal": []}, author="ada", why="first")
        work.mappings.activate("hubspot", 1)
        assert work.mappings.active_version("hubspot") == 1
        work.mappings.activate("hubspot", 0)
        assert work.mappings.active_version("hubspot") == 0
        assert work.mappings.active("hubspot") is None
        kept = work.mappings.get("hubspot", 1)
    assert kept is not None
    assert (kept.why, kept.active) == ("first", False)


def test_what_is_activated_is_seen_by_the_next_transaction_of_anybody(store: PostgresStore) -> None:
    """And not before the one that activates it is committed."""
    with store.begin() as work:
        work.mappings.save("hubspot", {}, author="ada", why="")
    with store.begin() as work:
        work.mappings.activate("hubspot", 1)
        with store.begin() as other:
            assert other.mappings.active_version("hubspot") == 0
    with store.begin() as work:
        assert work.mappings.active_version("hubspot") == 1
        assert work.mappings.active_version("salesforce") == 0


def test_deals_that_another_version_has_billed_are_listed_by_name(store: PostgresStore) -> None:
    """Whatever a deal was billed by last counts as long as one of its links is of this version."""
    bill(store, deal(1), 0)
    bill(store, deal(2), 2)
    bill(store, deal(3), 1, 2)
    bill(store, deal(4), 1)
    bill(store, deal(5, "salesforce"), 0)
    with store.begin() as work:
        found = work.mappings.billed_by_others("hubspot", 2, None, 10)
        rest = work.mappings.billed_by_others("hubspot", 2, found[0], 10)
        first = work.mappings.billed_by_others("hubspot", 2, None, 1)
        other_crm = work.mappings.billed_by_others("salesforce", 2, None, 10)
    assert found == [deal(1), deal(4)]
    assert (rest, first) == ([deal(4)], [deal(1)])
    assert other_crm == [deal(5, "salesforce")]


def test_a_deal_that_is_linked_but_not_billed_is_not_listed(store: PostgresStore) -> None:
    """Its customer was made, and then something went wrong: it is tried again by itself."""
    with store.begin() as work:
        work.links.remember(Link(StepKey(deal(1), "customer"), CUSTOMER, mapping_version=1, created_at=NOW))
        assert work.mappings.billed_by_others("hubspot", 2, None, 10) == []


@pytest.mark.parametrize("crm", ["hub%", "hub_pot", "hubspot:deal"])
def test_a_crms_name_is_no_pattern(store: PostgresStore, crm: str) -> None:
    bill(store, deal(1), 0)
    with store.begin() as work:
        assert work.mappings.billed_by_others(crm, 2, None, 10) == []
