"""Many records in one call: results in order, row by row or all or none; and composite requests."""

from typing import Any

import pytest

from connector.sandbox.faults import Fault
from connector.sandbox.salesforce.custom_fields import add_field
from connector.sandbox.salesforce.grants import grant_field
from tests.sandbox.salesforce_org import ServedOrg, code_of, refusal

COLLECTION = "composite/sobjects"


def account(**fields: object) -> dict[str, object]:
    return {"attributes": {"type": "Account"}, **fields}


def codes(results: list[dict[str, Any]]) -> list[str]:
    return ["ok" if one["success"] else one["errors"][0]["statusCode"] for one in results]


def test_rows_succeed_and_fail_one_by_one_in_order(org: ServedOrg) -> None:
    good, gone = org.account("good"), org.account("gone")
    deal = org.deal()
    org.people.delete("Account", gone)

    results = org.rest(
        "PATCH",
        COLLECTION,
        {
            "allOrNone": False,
            "records": [
                account(id=good, Phone="1"),
                account(id=gone, Phone="1"),
                account(id=org.account("x"), Nope="1"),
                account(id=org.account("y"), Phone="9" * 41),
                account(id=org.account("z"), Name=None),
                account(id="001000000000000AAA", Phone="1"),
                account(id="nonsense", Phone="1"),
                account(Phone="1"),
                {"attributes": {"type": "Opportunity"}, "id": deal["opportunity_id"], "IsWon": True},
                {"attributes": {"type": "Opportunity"}, "id": deal["opportunity_id"][:-1] + "x", "NextStep": "a"},
                {"attributes": {"type": "Nothing"}, "id": "0015500001QdZPKAA3"},
            ],
        },
    )

    assert results[0] == {"id": good, "success": True, "errors": []}
    assert codes(results) == [
        "ok",
        "ENTITY_IS_DELETED",
        "INVALID_FIELD",
        "STRING_TOO_LONG",
        "REQUIRED_FIELD_MISSING",
        "INVALID_CROSS_REFERENCE_KEY",
        "MALFORMED_ID",
        "MISSING_ARGUMENT",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "MALFORMED_ID",
        "INVALID_TYPE",
    ]
    assert results[3] == {
        "success": False,
        "errors": [
            {
                "statusCode": "STRING_TOO_LONG",
                "message": f"Account Phone: data value too large: {'9' * 41} (max length=40)",
                "fields": ["Phone"],
            }
        ],
    }
    assert org.people.read("Account", good)["Phone"] == "1"
    refused = org.log.refused()[-1]
    assert refused.status == 200
    assert "row 2: INVALID_FIELD" in refused.reason
    assert "ENTITY_IS_DELETED" not in refused.reason  # the world's fault, not the request's


def test_all_or_none_undoes_the_good_rows_too(org: ServedOrg) -> None:
    first, second = org.account("a"), org.account("b")
    rows = [account(id=first, Phone="1"), account(id=second, Phone="9" * 41)]

    results = org.rest("PATCH", COLLECTION, {"allOrNone": True, "records": rows})

    assert codes(results) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "STRING_TOO_LONG"]
    assert org.people.read("Account", first)["Phone"] is None


def test_new_records_come_back_with_their_ids_in_order(org: ServedOrg) -> None:
    results = org.rest("POST", COLLECTION, {"records": [account(Name="a"), account(Phone="1"), account(Name="c")]})

    assert codes(results) == ["ok", "REQUIRED_FIELD_MISSING", "ok"]
    assert [org.people.read("Account", results[n]["id"])["Name"] for n in (0, 2)] == ["a", "c"]


def test_one_record_stands_once_in_a_collection(org: ServedOrg) -> None:
    record_id = org.account()
    rows = [account(id=record_id, Phone="1"), account(id=record_id[:15], Phone="2")]
    assert codes(org.rest("PATCH", COLLECTION, {"records": rows})) == ["DUPLICATE_VALUE", "DUPLICATE_VALUE"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"records": []}, "INVALID_INPUT"),
        ({"records": "all"}, "INVALID_INPUT"),
        ({"allOrNone": False}, "INVALID_INPUT"),
        ({"records": [account(Name="a")] * 201}, "LIMIT_EXCEEDED"),
        ({"records": [account(Name="a")], "allOrNothing": True}, "JSON_PARSER_ERROR"),
        ({"records": [account(Name="a")], "allOrNone": "yes"}, "JSON_PARSER_ERROR"),
        ({"records": [account(Name=5)]}, "JSON_PARSER_ERROR"),
        ([account(Name="a")], "JSON_PARSER_ERROR"),
        (
            {"records": [account(Name="a"), {"attributes": {"type": "Contact"}, "LastName": "b"}] * 6},
            "LIMIT_EXCEEDED",
        ),
    ],
)
def test_a_wrong_collection_is_refused_as_a_whole(org: ServedOrg, body: Any, code: str) -> None:
    assert refusal(lambda: org.rest("POST", COLLECTION, body))[:2] == (400, code)
    assert not org.people.read_all("Account")
    assert org.log.refused()[-1].status == 400


def test_an_org_may_refuse_the_whole_collection_for_an_unknown_field(org: ServedOrg) -> None:
    org.org.settings.unknown_field_stops_request = True
    body = {"records": [account(Name="a"), account(Name="b", Nope=1)]}

    assert refusal(lambda: org.rest("POST", COLLECTION, body))[:2] == (400, "INVALID_FIELD")
    assert not org.people.read_all("Account")


def test_two_hundred_rows_are_one_api_call(org: ServedOrg) -> None:
    before = org.sf.limits()["DailyApiRequests"]["Remaining"]
    results = org.rest("POST", COLLECTION, {"records": [account(Name=f"a{n}") for n in range(200)]})
    assert codes(results) == ["ok"] * 200
    assert org.sf.limits()["DailyApiRequests"]["Remaining"] == before - 2  # the collection, and this question


def test_a_row_fault_hits_one_row_of_the_next_write(org: ServedOrg) -> None:
    ids = [org.account(name) for name in ("a", "b")]
    org.faults.add(Fault("salesforce", "row_error", detail="UNABLE_TO_LOCK_ROW"))
    org.sf.query("SELECT Id FROM Account")  # reads have no rows to lose
    body = {"records": [account(id=one, Phone="1") for one in ids]}

    assert codes(org.rest("PATCH", COLLECTION, body)) == ["UNABLE_TO_LOCK_ROW", "ok"]
    assert codes(org.rest("PATCH", COLLECTION, body)) == ["ok", "ok"]
    assert org.log.refused() == []

    org.faults.add(Fault("salesforce", "row_error", detail="FIELD_CUSTOM_VALIDATION_EXCEPTION"))
    assert code_of(lambda: org.rest("PATCH", f"sobjects/Account/{ids[0]}", {"Phone": "2"})) == (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    )


def test_upserting_many_by_key(org: ServedOrg) -> None:
    add_field(
        org.org, "Account.Key__c", {"type": "Text", "label": "Key", "length": 20, "externalId": True, "unique": True}
    )
    grant_field(org.org, org.people.seeded, "Account", "Key__c")
    known = org.account("known", Key__c="k1")
    path = f"{COLLECTION}/Account/Key__c"

    results = org.rest(
        "PATCH",
        path,
        {
            "records": [
                account(Key__c="k1", Phone="1"),
                account(Key__c="k2", Name="new"),
                account(Name="no key"),
                account(Key__c="k3", Id=known, Name="with id"),
                account(Key__c="k4", Name="twice"),
                account(Key__c="k4", Name="twice"),
                {"attributes": {"type": "Contact"}, "Key__c": "k5", "LastName": "x"},
            ]
        },
    )

    assert results[0] == {"id": known, "success": True, "errors": [], "created": False}
    assert results[1]["created"] is True
    assert codes(results)[2:] == [
        "MISSING_ARGUMENT",
        "INVALID_FIELD",
        "DUPLICATE_VALUE",
        "DUPLICATE_VALUE",
        "INVALID_TYPE",
    ]
    assert code_of(lambda: org.rest("PATCH", f"{COLLECTION}/Account/Phone", {"records": [account()]})) == "NOT_FOUND"


def test_a_key_with_several_records_fails_its_row(org: ServedOrg) -> None:
    for name in ("a", "b"):
        org.people.create("Contact", {"LastName": name, "Email": "same@x.example"})
    row = {"attributes": {"type": "Contact"}, "Email": "same@x.example", "LastName": "c"}
    assert codes(org.rest("PATCH", f"{COLLECTION}/Contact/Email", {"records": [row]})) == ["DUPLICATE_EXTERNAL_ID"]


def test_many_are_read_and_deleted_by_id(org: ServedOrg) -> None:
    ids = [org.account("a"), org.account("b")]
    body = {"ids": [*ids, "001000000000000AAA"], "fields": ["Name"]}
    found = org.rest("POST", f"{COLLECTION}/Account", body)
    assert [one and one["Name"] for one in found] == ["a", "b", None]
    same = org.ask("GET", f"{COLLECTION}/Account", params={"ids": ",".join(ids), "fields": "Name"}).json()
    assert [one["Name"] for one in same] == ["a", "b"]
    assert code_of(lambda: org.rest("POST", f"{COLLECTION}/Account", {"ids": ids})) == "MISSING_ARGUMENT"

    answer = org.ask("DELETE", COLLECTION, params={"ids": f"{ids[0]},001000000000000AAA,zzz"}).json()
    assert codes(answer) == ["ok", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"]
    assert [row["Name"] for row in org.people.read_all("Account")] == ["b"]
    assert org.ask("DELETE", COLLECTION).json()[0]["errorCode"] == "INVALID_INPUT"


# -- composite


def part(name: str, method: str, path: str, body: object = None) -> dict[str, object]:
    return {
        "referenceId": name,
        "method": method,
        "url": f"/services/data/v66.0/{path}",
        **({} if body is None else {"body": body}),
    }


def composite(org: ServedOrg, *parts: dict[str, object], **more: object) -> list[dict[str, Any]]:
    answer: dict[str, Any] = org.rest("POST", "composite", {"compositeRequest": list(parts), **more})
    return list(answer["compositeResponse"])


def test_a_composite_passes_ids_from_one_part_to_the_next(org: ServedOrg) -> None:
    answers = composite(
        org,
        part("account", "POST", "sobjects/Account", {"Name": "Acme"}),
        part("contact", "POST", "sobjects/Contact", {"LastName": "Doe", "AccountId": "@{account.id}"}),
        part("found", "GET", "query?q=SELECT+Account.Name+FROM+Contact+WHERE+Id='@{contact.id}'"),
        part("name", "GET", "sobjects/Account/@{found.records[0].Nope.Id}"),
    )

    assert [one["referenceId"] for one in answers] == ["account", "contact", "found", "name"]
    assert [one["httpStatusCode"] for one in answers] == [201, 201, 200, 400]
    assert answers[0]["httpHeaders"]["Location"].endswith(answers[0]["body"]["id"])
    assert answers[2]["body"]["records"][0]["Account"]["Name"] == "Acme"
    assert answers[3]["body"][0]["errorCode"] == "PROCESSING_HALTED"


def test_a_composite_may_be_all_or_none(org: ServedOrg) -> None:
    parts = (
        part("good", "POST", "sobjects/Account", {"Name": "Acme"}),
        part("bad", "POST", "sobjects/Account", {"Phone": "1"}),
    )

    answers = composite(org, *parts, allOrNone=True)
    assert [one["body"][0]["errorCode"] for one in answers] == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
    assert not org.people.read_all("Account")

    answers = composite(org, *parts)
    assert [one["httpStatusCode"] for one in answers] == [201, 400]
    assert len(org.people.read_all("Account")) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"compositeRequest": []}, "INVALID_INPUT"),
        ({"compositeRequest": [part(f"p{n}", "GET", "limits") for n in range(26)]}, "INVALID_INPUT"),
        ({"compositeRequest": [part("a", "GET", "limits")] * 2}, "INVALID_INPUT"),
        ({"compositeRequest": [part("a b", "GET", "limits")]}, "INVALID_INPUT"),
        ({"compositeRequest": [{**part("a", "GET", "limits"), "verb": "GET"}]}, "JSON_PARSER_ERROR"),
        ({"compositeRequest": [part("a", "GET", "limits")], "graphs": []}, "JSON_PARSER_ERROR"),
    ],
)
def test_a_wrong_composite_is_refused(org: ServedOrg, body: dict[str, object], code: str) -> None:
    assert refusal(lambda: org.rest("POST", "composite", body))[:2] == (400, code)


def test_a_composite_is_one_api_call_and_its_parts_may_fail_alone(org: ServedOrg) -> None:
    before = org.sf.limits()["DailyApiRequests"]["Remaining"]

    answers = composite(
        org,
        part("limits", "GET", "limits"),
        {"referenceId": "elsewhere", "method": "GET", "url": "/services/data/v99.0/limits"},
        part("odd", "GET", "limits?verbose=1"),
        part("put", "PUT", "limits"),
    )

    assert answers[0]["body"]["DailyApiRequests"]["Remaining"] == before - 1
    assert [one["httpStatusCode"] for one in answers] == [200, 404, 400, 405]
