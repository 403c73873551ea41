"""Queries over HTTP through simple-salesforce: what comes back, in which shape, page by page."""

from decimal import Decimal
from typing import Any

import pytest
from simple_salesforce.format import format_soql

from tests.sandbox.salesforce_org import ServedOrg, code_of, refusal


def names(org: ServedOrg, clause: str, source: str = "Account") -> list[Any]:
    found = org.sf.query(" ".join(("SELECT Name FROM", source, clause)))
    return [row["Name"] for row in found["records"]]


def test_one_query_brings_a_deal_with_all_that_hangs_on_it(org: ServedOrg) -> None:
    deal = org.deal(
        account={"Name": "Acme", "BillingCity": "Oslo", "BillingCountry": "NO"},
        contact={"LastName": "Doe", "Email": "ap@acme.example"},
        lines=[
            {"product_code": "PLATFORM", "Quantity": 1},
            {"product_code": "SEAT-TEAM", "Quantity": 10, "Discount": 10},
        ],
    )

    found = org.sf.query(
        format_soql(
            "SELECT Id, Amount, IsWon, CloseDate, Account.Name, Account.BillingAddress, Account.Owner.Email, "
            "(SELECT Product2.ProductCode, Quantity, TotalPrice FROM OpportunityLineItems ORDER BY TotalPrice DESC), "
            "(SELECT Contact.Email, Role FROM OpportunityContactRoles), (SELECT Id FROM Tasks) "
            "FROM Opportunity WHERE Id = {}",
            deal["opportunity_id"][:15],
        )
    )

    assert (found["totalSize"], found["done"]) == (1, True)
    record = found["records"][0]
    path = f"/services/data/v66.0/sobjects/Opportunity/{deal['opportunity_id']}"
    assert record["attributes"] == {"type": "Opportunity", "url": path}
    assert record["Id"] == deal["opportunity_id"]
    assert record["Amount"] == Decimal("1011.0")  # 750 + 10 x 29 less 10 %
    assert (record["IsWon"], record["CloseDate"]) == (True, "2026-11-20")
    assert record["Account"]["attributes"]["type"] == "Account"
    assert record["Account"]["BillingAddress"]["city"] == "Oslo"
    assert record["Account"]["Owner"]["Email"] == "nadia.osei@northwind.example"
    lines = record["OpportunityLineItems"]
    assert (lines["totalSize"], lines["done"]) == (2, True)
    shown = [(line["Product2"]["ProductCode"], line["Quantity"], line["TotalPrice"]) for line in lines["records"]]
    assert shown == [("PLATFORM", Decimal(1), Decimal(750)), ("SEAT-TEAM", Decimal(10), Decimal(261))]
    assert record["OpportunityContactRoles"]["records"][0]["Contact"]["Email"] == "ap@acme.example"
    assert record["Tasks"] is None  # an empty sub-select is null


def test_numbers_are_doubles_in_javas_spelling_and_times_in_salesforces(org: ServedOrg) -> None:
    org.account("Small", AnnualRevenue=5, NumberOfEmployees=7)
    org.account("Big", AnnualRevenue=12_500_000)

    text = org.ask(
        "GET", "query", params={"q": "SELECT AnnualRevenue, NumberOfEmployees, CreatedDate FROM Account"}
    ).text

    assert '"AnnualRevenue":5.0' in text
    assert '"AnnualRevenue":1.25E7' in text
    assert '"NumberOfEmployees":7,' in text
    assert f'"CreatedDate":"{org.org.now():%Y-%m-%dT%H:%M}' in text
    assert '.000+0000"' in text


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("WHERE Name = 'ALPHA'", {"Alpha"}),  # texts compare without case
        ("WHERE Name != 'alpha'", {"Beta", "Gamma 50%"}),
        ("WHERE Name LIKE '%a'", {"Alpha", "Beta"}),
        (r"WHERE Name LIKE '%50\%'", {"Gamma 50%"}),
        ("WHERE Name IN ('beta', 'x')", {"Beta"}),
        ("WHERE Name NOT IN ('beta', 'x')", {"Alpha", "Gamma 50%"}),
        ("WHERE Industry = null", {"Gamma 50%"}),
        ("WHERE Industry != null", {"Alpha", "Beta"}),
        ("WHERE Industry != 'Energy'", {"Beta", "Gamma 50%"}),  # null differs from every text
        ("WHERE Industry NOT IN ('Energy')", {"Beta", "Gamma 50%"}),
        ("WHERE NumberOfEmployees > 10", {"Beta"}),
        ("WHERE NumberOfEmployees <= 10", {"Alpha"}),  # null is never smaller
        ("WHERE NumberOfEmployees >= 10 AND (Name = 'Beta' OR Industry = 'Energy')", {"Alpha", "Beta"}),
        ("WHERE NOT (NumberOfEmployees = 10)", {"Beta", "Gamma 50%"}),
        ("WHERE CreatedDate = TODAY", {"Alpha", "Beta", "Gamma 50%"}),
        ("WHERE CreatedDate > TODAY", set()),
        ("WHERE CreatedDate = LAST_N_DAYS:2 AND CreatedDate < TOMORROW", {"Alpha", "Beta", "Gamma 50%"}),
        ("WHERE CreatedDate < 2013-05-08T21:20:00Z", set()),
        ("WHERE IsDeleted = false AND Owner.IsActive = true", {"Alpha", "Beta", "Gamma 50%"}),
        ("WHERE Parent.Name = 'Alpha'", {"Beta"}),
        ("WHERE Id IN (SELECT AccountId FROM Opportunity WHERE IsWon = true)", {"Alpha"}),
        ("WHERE Id NOT IN (SELECT AccountId FROM Opportunity)", {"Beta", "Gamma 50%"}),
        ("WHERE Account.Name = 'Beta'", {"Beta"}),
        ("a WHERE a.Name = 'Beta'", {"Beta"}),
    ],
)
def test_a_condition_finds_what_it_should(org: ServedOrg, clause: str, expected: set[str]) -> None:
    alpha = org.account("Alpha", Industry="Energy", NumberOfEmployees=10)
    org.account("Beta", Industry="Banking", NumberOfEmployees=11, ParentId=alpha)
    org.account("Gamma 50%")
    org.deal(account_id=alpha, account=None)

    assert set(names(org, clause)) == expected


def test_order_limit_and_offset_choose_rows(org: ServedOrg) -> None:
    for name, staff in (("a", 3), ("b", None), ("c", 1), ("d", 3)):
        org.account(name, NumberOfEmployees=staff)

    assert names(org, "ORDER BY NumberOfEmployees, Name") == ["b", "c", "a", "d"]  # nulls first
    assert names(org, "ORDER BY NumberOfEmployees DESC NULLS LAST, Name DESC") == ["d", "a", "c", "b"]
    assert names(org, "ORDER BY Name LIMIT 2 OFFSET 1") == ["b", "c"]
    assert names(org, "LIMIT 0") == []


def test_no_order_is_promised_without_order_by(org: ServedOrg) -> None:
    """Rows come in an order that is neither that of creation nor of names, so that nobody relies on one."""
    created = [f"account {n:02}" for n in range(20)]
    for name in created:
        org.account(name)

    found = names(org, "")
    assert sorted(found) == created
    assert found not in (created, created[::-1])


def test_count_gives_a_number_and_no_records(org: ServedOrg) -> None:
    org.account("a")
    org.account("b")

    assert org.sf.query("SELECT COUNT() FROM Account WHERE Name = 'a'") == {
        "totalSize": 1,
        "done": True,
        "records": [],
    }


def test_deleted_records_appear_in_query_all_only(org: ServedOrg) -> None:
    gone = org.account("Gone")
    org.people.delete("Account", gone)

    assert names(org, "WHERE Name = 'Gone'") == []
    found = org.sf.query("SELECT Id FROM Account WHERE IsDeleted = true", include_deleted=True)
    assert [row["Id"] for row in found["records"]] == [gone]


def test_what_and_who_lead_to_records_of_any_kind(org: ServedOrg) -> None:
    deal = org.deal(contact={"LastName": "Doe"})
    org.people.create("Task", {"Subject": "Call", "WhatId": deal["opportunity_id"], "WhoId": deal["contact_id"]})

    task = org.sf.query("SELECT What.Name, What.Type, Who.Name, Account.Name FROM Task")["records"][0]

    assert (task["What"]["Name"], task["What"]["Type"]) == ("Acme 2026", "Opportunity")
    assert task["What"]["attributes"]["type"] == "Opportunity"
    assert (task["Who"]["Name"], task["Account"]["Name"]) == ("Doe", "Acme")


def test_a_missing_parent_is_null(org: ServedOrg) -> None:
    org.account("Alone")

    record = org.sf.query("SELECT Parent.Owner.Name FROM Account")["records"][0]

    assert record["Parent"] is None


def test_a_long_answer_comes_in_batches(org: ServedOrg) -> None:
    org.org.settings.query_batch = 4
    for n in range(10):
        org.account(f"account {n}")

    first = org.sf.query("SELECT Name FROM Account ORDER BY Name")

    assert (first["totalSize"], first["done"], len(first["records"])) == (10, False, 4)
    locator = first["nextRecordsUrl"].rsplit("/", 1)[1]
    second = org.sf.query_more(locator)
    assert second["totalSize"] == 10
    third = org.sf.query_more(second["nextRecordsUrl"].rsplit("/", 1)[1])
    assert (third["done"], "nextRecordsUrl" in third) == (True, False)
    found = [row["Name"] for page in (first, second, third) for row in page["records"]]
    assert found == [f"account {n}" for n in range(10)]
    assert code_of(lambda: org.sf.query_more("01g000000000000AAA-4")) == "INVALID_QUERY_LOCATOR"


def test_a_long_sub_select_has_an_address_for_its_rest(org: ServedOrg) -> None:
    org.org.settings.query_batch = 2
    deal = org.deal(lines=[{"product_code": "SSO", "Quantity": n} for n in (1, 2, 3)])

    found = org.sf.query("SELECT Id, (SELECT Quantity FROM OpportunityLineItems ORDER BY Quantity) FROM Opportunity")

    lines = found["records"][0]["OpportunityLineItems"]
    assert (lines["totalSize"], lines["done"], len(lines["records"])) == (3, False, 2)
    rest = org.sf.query_more(lines["nextRecordsUrl"].rsplit("/", 1)[1])
    assert [row["Quantity"] for row in rest["records"]] == [3]
    assert deal["opportunity_id"] == found["records"][0]["Id"]


def test_the_batch_size_header_is_heard_within_its_bounds(org: ServedOrg) -> None:
    for n in range(201):
        org.account(f"account {n}")

    def size(asked: int) -> int:
        headers = {"Sforce-Query-Options": f"batchSize={asked}"}
        answer = org.ask("GET", "query", params={"q": "SELECT Id FROM Account"}, headers=headers)
        return len(answer.json()["records"])

    assert (size(10), size(201), size(5000)) == (200, 201, 201)


@pytest.mark.parametrize(
    ("soql", "code", "words"),
    [
        ("SELECT Nope FROM Account", "INVALID_FIELD", "No such column 'Nope' on entity 'Account'"),
        ("SELECT Owner.Nope FROM Account", "INVALID_FIELD", "No such column 'Nope' on entity 'User'"),
        ("SELECT Boss.Name FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Boss' in field path"),
        ("SELECT Id FROM Acount", "INVALID_TYPE", "sObject type 'Acount' is not supported"),
        ("SELECT Id FROM CustomField", "INVALID_TYPE", "sObject type 'CustomField' is not supported"),
        ("SELECT Id, (SELECT Id FROM Lines) FROM Account", "INVALID_TYPE", "Didn't understand relationship 'Lines'"),
        ("SELECT Id, id FROM Account", "INVALID_FIELD", "duplicate field selected: id"),
        ("SELECT CurrencyIsoCode FROM Opportunity", "INVALID_FIELD", "No such column 'CurrencyIsoCode'"),
        ("SELECT IsPersonAccount FROM Account", "INVALID_FIELD", "No such column 'IsPersonAccount'"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD", "must be of type string and should be enclosed"),
        ("SELECT Id FROM Opportunity WHERE Amount = '5'", "INVALID_FIELD", "must be of type double and should not be"),
        ("SELECT Id FROM Opportunity WHERE IsWon = 'true'", "INVALID_FIELD", "must be of type boolean and should not"),
        ("SELECT Id FROM Opportunity WHERE IsWon > false", "INVALID_QUERY_FILTER_OPERATOR", "boolean field"),
        ("SELECT Id FROM Opportunity WHERE CloseDate = 2026-01-01T00:00:00Z", "INVALID_FIELD", "must be of type date"),
        ("SELECT Id FROM Account WHERE SystemModstamp > 2026-01-01", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Id FROM Account WHERE Name = TODAY", "INVALID_FIELD", "must be of type string"),
        ("SELECT Id FROM Account WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: abc"),
        (
            "SELECT Id FROM Account WHERE Id LIKE '001%'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator on id field",
        ),
        ("SELECT Id FROM Account WHERE NumberOfEmployees < null", "INVALID_QUERY_FILTER_OPERATOR", "null"),
        ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD", "'Description' can not be filtered"),
        ("SELECT Id FROM Account ORDER BY Description", "INVALID_FIELD", "'Description' can not be sorted"),
        ("SELECT Id FROM Account WHERE BillingAddress = 'x'", "INVALID_FIELD", "'BillingAddress' can not be filtered"),
        ("SELECT Id FROM Account WHERE Name IN (SELECT Name FROM Contact)", "INVALID_FIELD", "must be an id"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT Id, Name FROM Contact)", "MALFORMED_QUERY", "exactly one field"),
        ("SELECT Parent.Parent.Parent.Parent.Parent.Parent.Name FROM Account", "INVALID_FIELD", "at most 5 parents"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "unexpected token: <EOF>"),
    ],
)
def test_a_wrong_query_is_refused_in_salesforces_words(org: ServedOrg, soql: str, code: str, words: str) -> None:
    status, found, message = refusal(lambda: org.sf.query(soql))

    assert (status, found) == (400, code)
    assert words in message
    assert "\nERROR at Row:1:Column:" in message
    assert org.log.refused()[-1].reason.startswith(code)
