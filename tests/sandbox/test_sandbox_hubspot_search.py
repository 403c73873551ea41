"""Search: operators, groups, sorting, paging, and an index that can lag."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hubspot.crm.deals import Filter, FilterGroup, PublicObjectSearchRequest

from tests.sandbox.hubspot_served import Served, served

DEALS: dict[str, dict[str, str]] = {
    "a": {"dealname": "Alpha seats", "amount": "100", "closedate": "2026-01-10"},
    "b": {"dealname": "Beta seats", "amount": "20.5", "closedate": "2026-02-10"},
    "c": {"dealname": "Gamma", "amount": "1000", "dealtype": "newbusiness"},
    "d": {"dealname": "Delta", "dealtype": "existingbusiness"},
}


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Served]:
    with served() as one:
        for values in DEALS.values():
            one.vendor.people.create("deals", values)
        yield one


def search(hubspot: Served, *groups: list[dict[str, Any]], **more: Any) -> Any:
    request = PublicObjectSearchRequest(
        filter_groups=[FilterGroup(filters=[Filter(**one) for one in group]) for group in groups],
        **{"properties": ["dealname"], **more},
    )
    return hubspot.client().crm.deals.search_api.do_search(request)


def names(answer: Any) -> list[str]:
    found = [one.properties["dealname"] for one in answer.results]
    return [key for name in found for key, values in DEALS.items() if values["dealname"] == name]


def one_filter(name: str, operator: str, **more: Any) -> list[dict[str, Any]]:
    return [{"property_name": name, "operator": operator, **more}]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (one_filter("amount", "EQ", value="100.0"), "a"),
        (one_filter("amount", "NEQ", value="100"), "bc"),
        (one_filter("amount", "LT", value="100"), "b"),
        (one_filter("amount", "LTE", value="100"), "ab"),
        (one_filter("amount", "GT", value="100"), "c"),
        (one_filter("amount", "GTE", value="100"), "ac"),
        (one_filter("amount", "BETWEEN", value="20", high_value="100"), "ab"),
        (one_filter("dealname", "IN", values=["gamma", "Delta"]), "cd"),
        (one_filter("dealtype", "NOT_IN", values=["newbusiness"]), "d"),
        (one_filter("amount", "HAS_PROPERTY"), "abc"),
        (one_filter("amount", "NOT_HAS_PROPERTY"), "d"),
        (one_filter("dealname", "CONTAINS_TOKEN", value="*seats"), "ab"),
        (one_filter("dealname", "NOT_CONTAINS_TOKEN", value="seats"), "cd"),
        (one_filter("closedate", "GTE", value="2026-02-01"), "b"),
        (one_filter("closedate", "LT", value="1769904000000"), "a"),
    ],
)
def test_each_operator(hubspot: Served, wanted: list[dict[str, Any]], expected: str) -> None:
    """Numbers compare as numbers, moments as moments, words without case; a record without the property fits none."""
    assert names(search(hubspot, wanted)) == list(expected)


def test_filters_in_a_group_are_and_groups_are_or(hubspot: Served) -> None:
    """Both of the first group, or the second."""
    both = one_filter("amount", "GT", value="50") + one_filter("dealname", "CONTAINS_TOKEN", value="seats")

    assert names(search(hubspot, both, one_filter("dealtype", "EQ", value="existingbusiness"))) == ["a", "d"]


def test_no_filter_finds_everything_and_a_query_narrows(hubspot: Served) -> None:
    """The query looks at every value."""
    assert search(hubspot).total == 4
    assert names(search(hubspot, query="seats")) == ["a", "b"]


def test_sorting_puts_records_without_the_value_last(hubspot: Served) -> None:
    """Ascending, and descending with a minus."""
    assert names(search(hubspot, sorts=["amount"])) == list("bacd")
    assert names(search(hubspot, sorts=["-amount"])) == list("cabd")


def test_paging_reaches_each_record_once(hubspot: Served) -> None:
    """Total stays the same, `after` leads on, the last page has no paging."""
    first = search(hubspot, limit=3)
    second = search(hubspot, limit=3, after=first.paging.next.after)

    assert (first.total, second.total) == (4, 4)
    assert names(first) + names(second) == list("abcd")
    assert second.paging is None


def test_associated_records_can_be_asked_for(hubspot: Served) -> None:
    """associations.company finds the deals of a company."""
    made = hubspot.vendor.people.deal({"dealname": "With company"}, company={"name": "Acme"})
    try:
        found = search(hubspot, one_filter("associations.company", "EQ", value=made["company"]))
        assert [one.id for one in found.results] == [made["deal"]]
    finally:
        hubspot.vendor.people.delete("deals", made["deal"])


def test_a_lagging_index_sees_the_past(hubspot: Served) -> None:
    """A fresh record is not found yet, an edited one still has its old value; later both are up to date."""
    with served() as own:
        people = own.vendor.people
        old = people.create("deals", {"dealname": "Old name", "amount": "1"}).id
        own.clock.advance(timedelta(seconds=60))
        own.control("PUT", "/limits", {"search_lag": 30})
        people.edit("deals", old, {"amount": "2"})
        people.create("deals", {"dealname": "Fresh"})

        before = [one.properties["amount"] for one in search(own, properties=["amount"]).results]
        own.clock.advance(timedelta(seconds=31))
        after = [one.properties["amount"] for one in search(own, properties=["amount"]).results]

    assert (before, after) == (["1"], ["2", None])


def test_a_search_tells_no_limits(hubspot: Served) -> None:
    """Other calls do."""
    found = hubspot.raw("POST", "/crm/v3/objects/deals/search", {})
    read = hubspot.raw("GET", "/crm/v3/objects/deals")

    assert not any(name.startswith("X-HubSpot-RateLimit") for name in found.headers)
    assert read.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
