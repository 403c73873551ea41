"""From HubSpot's words to ours and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot.client import HubSpotClient
from connector.crm.hubspot.translate import (
    field_catalog,
    field_info,
    names_read,
    pick_company,
    pick_contact,
    record,
    to_text,
)
from connector.domain.refs import RecordRef
from connector.errors import Unsupported
from connector.ports import FieldInfo
from tests.crm.hubspot.stub import StubHubSpot, a_property, results

CATALOG = field_catalog(
    "deal", [a_property("amount", "number"), a_property("dealname"), a_property("closedate", "date")]
)
DATE, DATETIME = FieldInfo("d", "D", "date"), FieldInfo("t", "T", "datetime")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12))
def test_a_number_written_and_read_back_is_the_same_number(number: Decimal) -> None:
    """No float anywhere: not a cent is lost."""
    text = to_text(number)

    assert "e" not in text.lower()
    assert record({"amount": text}, CATALOG)["amount"] == (number if text else None)


@given(st.text(min_size=1))
def test_text_comes_through_unchanged(text: str) -> None:
    """Both ways."""
    assert to_text(text) == text
    assert record({"dealname": text}, CATALOG)["dealname"] == text


@given(st.text())
def test_any_text_in_a_number_property_is_a_finite_decimal_or_stays_text(text: str) -> None:
    """NaN and Infinity are no amounts, and rubbish is for the rule to complain about."""
    value = record({"amount": text}, CATALOG)["amount"]

    assert value is None or isinstance(value, str) or (isinstance(value, Decimal) and value.is_finite())


@given(
    st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2999, 1, 1)),  # noqa: DTZ001 - zones are drawn apart
    st.integers(-14 * 60, 14 * 60),
)
def test_a_moment_goes_out_in_utc_to_the_millisecond(naive: datetime, offset: int) -> None:
    """Whatever zone it was given in."""
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset)))
    text = to_text(moment, DATETIME)

    assert text.endswith("Z")
    assert timedelta(0) <= moment - datetime.fromisoformat(text) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("value", "info", "text"),
    [
        (None, None, ""),
        (True, None, "true"),
        (False, None, "false"),
        (0, None, "0"),
        (Decimal("1E+3"), None, "1000"),
        (Decimal("0.10"), None, "0.10"),
        (date(2026, 3, 1), DATE, "2026-03-01"),
        (date(2026, 3, 1), DATETIME, "2026-03-01T00:00:00.000Z"),
        (datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=-2))), DATE, "2026-03-02"),
        (datetime(2026, 3, 1, 5, 0, tzinfo=UTC), None, "2026-03-01T05:00:00.000Z"),
    ],
)
def test_values_fit_the_property_they_go_to(value: Any, info: FieldInfo | None, text: str) -> None:
    """HubSpot takes text only, and a date property no time."""
    assert to_text(value, info) == text


@pytest.mark.parametrize(("raw", "read"), [(True, "true"), (7, "7"), (Decimal("1.5"), "1.5")])
def test_a_value_that_is_no_text_against_the_documents_is_made_one(raw: object, read: str) -> None:
    """HubSpot documents text; now and then a number or a boolean comes."""
    assert record({"dealname": raw}, CATALOG)["dealname"] == read


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (a_property("a"), "text"),
        (a_property("a", fieldType="textarea") | {"fieldType": "textarea"}, "long_text"),
        (a_property("a", "number"), "number"),
        (a_property("a", "number", showCurrencySymbol=True), "money"),
        (a_property("a", "date"), "date"),
        (a_property("a", "datetime"), "datetime"),
        (a_property("a", "bool"), "checkbox"),
        (a_property("a", "enumeration"), "choice"),
        (a_property("a", "enumeration", referencedObjectType="OWNER"), "reference"),
        (a_property("a", "json"), "other"),
    ],
)
def test_definitions_are_told_in_our_words(definition: dict[str, Any], expected: str) -> None:
    """The mapping editor and the checks know no HubSpot types."""
    assert field_info(definition).type == expected


def test_a_definition_says_what_may_be_written_and_chosen() -> None:
    """Computed and read-only properties are not writable; options are named by their value."""
    assert not field_info(a_property("a", "number", calculated=True)).writable
    assert not field_info(a_property("a", read_only=True)).writable
    assert field_info(a_property("a", "enumeration", choices=["x", "y"])).choices == ("x", "y")
    owner = field_info(
        a_property("a", "enumeration", choices=["1"], externalOptions=True, referencedObjectType="OWNER")
    )
    assert owner.choices == ()
    assert owner.references == ("OWNER",)
    assert field_info({"name": "bare", "type": "string"}).label == "bare"


def test_archived_properties_are_not_there() -> None:
    """Reading or writing one would be refused."""
    assert "old" not in field_catalog("deal", [a_property("old", archived=True)]).fields


def test_paths_give_the_properties_of_one_object() -> None:
    """Deeper paths belong to relations that HubSpot does not nest."""
    assert names_read(["company.city", "deal.amount", "company.city", "company.a.b", "x"], "company") == ("city",)


def test_a_deal_whose_contacts_vanished_meanwhile_has_none() -> None:
    """Two were there in the first answer, none in the second."""
    assert pick_contact([]) == ""


def test_two_primary_companies_are_as_bad_as_none() -> None:
    """HubSpot allows one; should an answer hold two, nobody is billed by guess."""
    deal = RecordRef("hubspot", "deal", "4711")
    company, refusal = pick_company([("20", [{"typeId": 5}]), ("21", [{"typeId": 5}])], deal)

    assert company == ""
    assert refusal is not None
    assert (refusal.sentence_id, refusal.ref) == ("deal-several-primary-companies", deal)
    assert "2 companies" in refusal.message


def test_each_kind_is_described_under_the_name_that_paths_begin_with(
    client: HubSpotClient, hubspot: StubHubSpot
) -> None:
    """An account is a company here."""
    hubspot.on(r"GET /crm/v3/properties/companies", results(a_property("name")))

    assert client.describe("account").object == "company"
    assert list(client.describe("account").fields) == ["name"]
    assert client.describe("line_item").object == "line_item"
    assert client.describe("product").object == "product"


def test_a_kind_we_do_not_work_with_is_unsupported(client: HubSpotClient) -> None:
    """HubSpot has tickets; we have not."""
    with pytest.raises(Unsupported):
        client.describe("ticket")
