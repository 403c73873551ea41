"""Batches: what a value becomes, what a row is refused for, and what an outage in the middle leaves known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.salesforce.client import SalesforceClient
from connector.crm.salesforce.translate import outgoing
from connector.domain.refs import RecordRef
from connector.domain.write_back import Value
from connector.errors import AccessLost, NotFound, RateLimited, Rejected, RetryLater, Unreachable, Unsupported
from connector.ports import CrmWrite
from mappings.model import FieldMapping
from tests.crm.salesforce.conftest import StubOrg, a_field

RECORD = RecordRef("salesforce", "account", "0017F000007ydJmQAI")
PATH = "composite/sobjects"


def an_account(number: int) -> RecordRef:
    return RecordRef("salesforce", "account", f"0017F0000{number:06d}QAI")


def a_write(number: int, value: Value = "good") -> CrmWrite:
    return CrmWrite(an_account(number), {"Billing_Health__c": value})


def done(count: int) -> list[dict[str, Any]]:
    return [{"id": "x", "success": True, "errors": []} for _ in range(count)]


def failed(*codes: str, fields: tuple[str, ...] = ()) -> dict[str, Any]:
    errors = [{"statusCode": code, "message": "Secret Corp owes 5", "fields": list(fields)} for code in codes]
    return {"success": False, "errors": errors}


@pytest.fixture
def org(org: StubOrg, mapping: FieldMapping) -> StubOrg:
    org.add_custom_fields(mapping)
    return org


# --- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "sent"),
    [
        ("currency", Decimal("1234.56"), 1234.56),
        ("currency", Decimal("1200.00"), 1200),
        ("double", 3, 3),
        ("percent", Decimal("66.67"), 66.67),
        ("int", Decimal(7), 7),
        ("boolean", True, True),
        ("boolean", None, False),
        ("string", None, None),
        ("currency", None, None),
        ("date", date(2026, 11, 21), "2026-11-21"),
        ("date", datetime(2026, 11, 21, 0, 30, tzinfo=timezone(timedelta(hours=1))), "2026-11-20"),
        ("datetime", datetime(2026, 11, 21, 1, 0, tzinfo=timezone(timedelta(hours=1))), "2026-11-21T00:00:00.000Z"),
        ("datetime", date(2026, 11, 21), "2026-11-21T00:00:00.000Z"),
        ("string", "usd", "usd"),
        ("picklist", "good", "good"),
        ("string", Decimal("1E+2"), "100"),
        ("string", True, "true"),
        ("string", False, "false"),
        ("string", 5, "5"),
        ("string", date(2026, 11, 21), "2026-11-21"),
        ("string", datetime(2026, 11, 21, tzinfo=UTC), "2026-11-21T00:00:00+00:00"),
    ],
)
def test_a_value_becomes_what_its_field_holds(kind: str, value: Value, sent: object) -> None:
    """By the field's type; an empty checkbox is an unticked one."""
    given_back = outgoing("F__c", value, a_field("F__c", kind), RECORD)
    assert (given_back, type(given_back)) == (sent, type(sent))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("currency", "12"),
        ("currency", True),
        ("double", Decimal("NaN")),
        ("double", Decimal("0.12345678901234567891")),
        ("double", Decimal(2**63) + Decimal("0.5")),
        ("double", Decimal(2**60 + 1)),
        ("int", Decimal("1.5")),
        ("boolean", "perhaps"),
        ("boolean", 1),
        ("date", "2026-11-21"),
        ("datetime", 5),
        ("string", "x" * 256),
        ("string", "half \ud83d"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(kind: str, value: Value) -> None:
    """Never rounded, cut or guessed; the value itself stays out of the sentence."""
    with pytest.raises(Rejected, match=r"Account\.F__c") as caught:
        outgoing("F__c", value, a_field("F__c", kind), RECORD)
    assert str(value) not in str(caught.value)
    assert caught.value.ref == RECORD


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_money_survives_the_trip(amount: Decimal) -> None:
    """Every amount in cents that a person could owe."""
    sent = outgoing("F__c", amount, a_field("F__c", "currency"), RECORD)
    assert Decimal(repr(sent)) == amount


def test_a_long_sentence_loses_its_end() -> None:
    """Text for people fits its area, and shows that it was cut."""
    sent = outgoing("F__c", "x" * 300, a_field("F__c", "textarea", length=256), RECORD)
    assert isinstance(sent, str)
    assert (len(sent), sent[-1]) == (256, "…")


# --- batches --------------------------------------------------------------------------------------------------------


def test_nothing_to_write_is_no_call(client: SalesforceClient, org: StubOrg) -> None:
    """Not even a sign-in."""
    assert client.write([]) == []
    assert len(org.wire.calls) == 0


def test_a_row_names_its_object_and_id(client: SalesforceClient, org: StubOrg) -> None:
    """And rows of one object stand together, whatever order they came in."""
    org.on("PATCH", PATH, done(3))
    deal = CrmWrite(RecordRef("salesforce", "deal", "0067F000003pmdWQAQ"), {"Billing_Mrr__c": "5"})
    results = client.write([deal, a_write(1), a_write(2)])
    [body] = org.calls("PATCH", PATH)
    assert body["allOrNone"] is False
    assert [row["attributes"]["type"] for row in body["records"]] == ["Account", "Account", "Opportunity"]
    assert body["records"][0] == {
        "attributes": {"type": "Account"},
        "id": an_account(1).id,
        "Billing_Health__c": "good",
    }
    assert [result.ref for result in results] == [deal.ref, an_account(1), an_account(2)]
    assert {result.error for result in results} == {None}


def test_a_record_stands_in_a_batch_once(client: SalesforceClient, org: StubOrg) -> None:
    """Salesforce refuses it twice: its writes become one row, in which the last value counts."""
    org.on("PATCH", PATH, done(2))
    more = CrmWrite(an_account(1), {"Billing_Health__c": "good", "Billing_Currency__c": "usd"})
    results = client.write([a_write(1, "late"), a_write(2), more])
    [body] = org.calls("PATCH", PATH)
    assert [row["id"] for row in body["records"]] == [an_account(1).id, an_account(2).id]
    assert body["records"][0]["Billing_Health__c"] == "good"
    assert body["records"][0]["Billing_Currency__c"] == "usd"
    assert [(result.ref, result.error) for result in results] == [
        (an_account(1), None),
        (an_account(2), None),
        (an_account(1), None),
    ]


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (("UNABLE_TO_LOCK_ROW",), RetryLater),
        (("SERVER_UNAVAILABLE",), Unreachable),
        (("REQUEST_LIMIT_EXCEEDED",), RateLimited),
        (("FIELD_CUSTOM_VALIDATION_EXCEPTION",), Rejected),
        (("INSUFFICIENT_ACCESS_OR_READONLY",), AccessLost),
        (("ENTITY_IS_DELETED",), NotFound),
        (("INVALID_CROSS_REFERENCE_KEY",), NotFound),
        (("SOMETHING_NEW",), Rejected),
        (("UNABLE_TO_LOCK_ROW", "REQUIRED_FIELD_MISSING"), Rejected),
        ((), Rejected),
    ],
)
def test_a_row_is_told_what_becomes_of_it(
    client: SalesforceClient, org: StubOrg, codes: tuple[str, ...], kind: type[Exception]
) -> None:
    """Tried again only if nothing stands in the way that a person must clear."""
    org.on("PATCH", PATH, [failed(*codes, fields=("Billing_Health__c",)), *done(1)])
    bad, good = client.write([a_write(1), a_write(2)])
    assert type(bad.error) is kind
    assert good.error is None
    assert "Secret Corp" not in str(bad.error)
    if codes:
        assert "Billing_Health__c" in str(bad.error)


def test_what_is_no_salesforce_record_is_refused_alone(client: SalesforceClient, org: StubOrg) -> None:
    """A kind that Salesforce has no object for, or another CRM's record."""
    org.on("PATCH", PATH, done(1))
    strange = CrmWrite(RecordRef("salesforce", "invoice", "x"), {"a": 1})
    foreign = CrmWrite(RecordRef("hubspot", "account", "1"), {"Billing_Health__c": "good"})
    results = client.write([strange, foreign, a_write(1)])
    assert [type(result.error) for result in results] == [Unsupported, Unsupported, type(None)]


def test_an_outage_before_the_first_batch_is_an_exception(client: SalesforceClient, org: StubOrg) -> None:
    """Nothing is known of any row."""
    org.on("PATCH", PATH, [{"errorCode": "SERVER_UNAVAILABLE", "message": ""}], status=503)
    with pytest.raises(Unreachable):
        client.write([a_write(1)])


def test_an_outage_after_a_batch_is_told_row_by_row(client: SalesforceClient, org: StubOrg) -> None:
    """What went through is known; the rest comes later, without another call for each batch."""
    org.on("PATCH", PATH, done(200))
    org.on("PATCH", PATH, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": ""}], status=403)
    results = client.write([a_write(number) for number in range(500)])
    assert {type(result.error) for result in results[:200]} == {type(None)}
    assert {type(result.error) for result in results[200:]} == {RateLimited}
    assert len(org.calls("PATCH", PATH)) == 2


@pytest.mark.parametrize("answer", [done(1), {"odd": True}])
def test_an_answer_for_other_rows_is_not_believed(client: SalesforceClient, org: StubOrg, answer: object) -> None:
    """Each row is tried again: writing the same twice is harmless, taking one for another is not."""
    org.on("PATCH", PATH, answer)
    assert {type(result.error) for result in client.write([a_write(1), a_write(2)])} == {RetryLater}


def test_a_field_that_went_away_is_one_sentence_too(client: SalesforceClient, org: StubOrg) -> None:
    """Described before, refused on every row now: told once, so that no row is parked for it."""
    org.on("PATCH", PATH, done(1))
    org.on("PATCH", PATH, [failed("INVALID_FIELD"), failed("INVALID_FIELD")])
    client.write([a_write(1)])
    org.fields["Account"] = [field for field in org.fields["Account"] if field["name"] != "Billing_Health__c"]
    with pytest.raises(Rejected, match=r"Account\.Billing_Health__c"):
        client.write([a_write(1), a_write(2)])


def test_a_refused_field_that_is_there_parks_its_row(client: SalesforceClient, org: StubOrg) -> None:
    """Asked again, the org still shows it: then the row needs a person."""
    org.on("PATCH", PATH, [failed("INVALID_FIELD"), *done(1)])
    bad, good = client.write([a_write(1), a_write(2)])
    assert type(bad.error) is Rejected
    assert good.error is None
    assert org.described.count("Account") == 2


def test_our_writes_alert_nobody_and_move_nothing(client: SalesforceClient, org: StubOrg) -> None:
    """Duplicate alerts are for people, and a payment status is no reason to reassign an account."""
    org.on("PATCH", PATH, done(1))
    client.write([a_write(1)])
    headers = org.wire.calls[-1].request.headers
    assert headers["Sforce-Duplicate-Rule-Header"] == "allowSave=true"
    assert headers["Sforce-Auto-Assign"] == "FALSE"


def test_many_missing_fields_are_one_short_sentence(client: SalesforceClient, org: StubOrg) -> None:
    """The first five by name, read-only ones among them."""
    org.fields["Account"].append(a_field("Formula__c", updateable=False))
    fields: dict[str, Value] = {f"F{number}__c": 1 for number in range(6)}
    with pytest.raises(Rejected, match=r"Account\.Formula__c, .* and 2 more"):
        client.write([CrmWrite(an_account(number), {"Formula__c": 1} | fields) for number in (1, 2)])
    assert org.calls("PATCH", PATH) == []


def test_one_row_with_a_missing_field_is_told_itself(client: SalesforceClient, org: StubOrg) -> None:
    """A field that hardly any record sets must not hold up all the others."""
    org.on("PATCH", PATH, done(1))
    odd, good = client.write([CrmWrite(an_account(1), {"Nope__c": 1}), a_write(2)])
    assert type(odd.error) is Rejected
    assert "Account.Nope__c" in str(odd.error)
    assert good.error is None
