"""Single records over REST: made, read, changed, upserted and deleted, with Salesforce's checks and sums."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.sandbox.salesforce.custom_fields import add_field
from connector.sandbox.salesforce.features import use_currencies, use_person_accounts, use_state_country_picklists
from connector.sandbox.salesforce.grants import grant_field
from connector.sandbox.salesforce.ids import checksum
from connector.sandbox.salesforce.settings import DuplicateRule, ValidationRule
from tests.sandbox.salesforce_org import ServedOrg, code_of, refusal


def opportunity(org: ServedOrg, record_id: str) -> Any:
    return org.rest("GET", f"sobjects/Opportunity/{record_id}")


def test_a_record_is_made_read_changed_and_deleted(org: ServedOrg) -> None:
    made = org.rest("POST", "sobjects/Account/", {"Name": "Acme", "BillingCity": "Oslo"})
    assert made == {"id": made["id"], "success": True, "errors": []}

    assert org.rest("PATCH", f"sobjects/Account/{made['id']}", {"BillingCity": "Bergen"}) is None
    found = org.rest("GET", f"sobjects/Account/{made['id'][:15]}")
    assert (found["Id"], found["Name"], found["BillingCity"]) == (made["id"], "Acme", "Bergen")
    assert found["CreatedById"] == found["OwnerId"] == org.people.seeded.integration_user
    fewer = org.ask("GET", f"sobjects/Account/{made['id']}", params={"fields": "Name,Phone"}).json()
    assert set(fewer) == {"attributes", "Name", "Phone"}

    assert org.rest("DELETE", f"sobjects/Account/{made['id']}") is None
    for call in ("GET", "DELETE"):
        path = f"sobjects/Account/{made['id']}"
        assert refusal(lambda call=call, path=path: org.rest(call, path))[:2] == (404, "ENTITY_IS_DELETED")  # type: ignore[misc]  # bound now


def test_ids_have_a_checksum_and_both_lengths_are_one_record() -> None:
    """The pairs stand in Salesforce's own messages and in CumulusCI's recordings."""
    for eighteen in ("00D7F00000000XsUAI", "0067F000003pmdWQAQ", "0015500001QdZPKAA3", "0035500001H9ka4AAB"):
        assert eighteen[:15] + checksum(eighteen[:15]) == eighteen


def test_a_wrong_checksum_is_a_malformed_id(org: ServedOrg) -> None:
    record_id = org.account()
    assert code_of(lambda: org.rest("GET", f"sobjects/Account/{record_id[:15]}ZZZ")) == "MALFORMED_ID"
    assert refusal(lambda: org.rest("GET", "sobjects/Account/001000000000000AAA"))[:2] == (404, "NOT_FOUND")


def test_writes_are_stamped_at_the_sandbox_clock(org: ServedOrg) -> None:
    record_id = org.account()
    before = org.rest("GET", f"sobjects/Account/{record_id}")
    org.advance(days=3)

    org.rest("PATCH", f"sobjects/Account/{record_id}", {"Phone": "1"})

    after = org.rest("GET", f"sobjects/Account/{record_id}")
    assert before["SystemModstamp"] == before["LastModifiedDate"] == before["CreatedDate"]
    assert after["CreatedDate"] == before["CreatedDate"]
    assert after["SystemModstamp"] == after["LastModifiedDate"] == f"{org.org.now():%Y-%m-%dT%H:%M:%S}.000+0000"
    assert after["LastModifiedById"] == org.people.seeded.integration_user
    assert before["LastModifiedById"] == org.people.seeded.owners[0]


@pytest.mark.parametrize(
    ("name", "body", "code", "words"),
    [
        ("Account", {}, "REQUIRED_FIELD_MISSING", "[Name]"),
        ("Account", {"Name": None}, "REQUIRED_FIELD_MISSING", "[Name]"),
        ("Account", {"Name": "a", "Nope": 1}, "INVALID_FIELD", "No such column 'Nope' on sobject of type Account"),
        ("Account", {"Name": "a", "CurrencyIsoCode": "USD"}, "INVALID_FIELD", "'CurrencyIsoCode'"),
        ("Account", {"Name": "a" * 256}, "STRING_TOO_LONG", "(max length=255)"),
        ("Account", {"Name": 5}, "JSON_PARSER_ERROR", "string from VALUE_NUMBER_INT value 5"),
        ("Account", {"Name": "a", "NumberOfEmployees": "5"}, "JSON_PARSER_ERROR", "int from VALUE_STRING value 5"),
        ("Account", {"Name": "a", "NumberOfEmployees": 1.5}, "JSON_PARSER_ERROR", "VALUE_NUMBER_FLOAT value 1.5"),
        ("Account", {"Name": "a", "NumberOfEmployees": 3_000_000_000}, "NUMBER_OUTSIDE_VALID_RANGE", "Employees"),
        ("Account", {"Name": "a", "AnnualRevenue": 10**19}, "NUMBER_OUTSIDE_VALID_RANGE", "Annual Revenue"),
        ("Account", {"Name": "a", "AnnualRevenue": "many"}, "JSON_PARSER_ERROR", "currency from VALUE_STRING"),
        ("Account", {"Name": "a", "AnnualRevenue": True}, "JSON_PARSER_ERROR", "VALUE_TRUE value true"),
        ("Account", {"Name": {"x": 1}}, "JSON_PARSER_ERROR", "START_OBJECT"),
        ("Account", {"Name": "a", "ParentId": "abc"}, "MALFORMED_ID", "id value of incorrect type: abc"),
        ("Account", {"Name": "a", "ParentId": 7}, "JSON_PARSER_ERROR", "ID from VALUE_NUMBER_INT"),
        ("Account", {"Name": "a", "ParentId": "0035500001H9ka4AAB"}, "MALFORMED_ID", "incorrect type"),
        ("Account", {"Name": "a", "ParentId": "0015500001QdZPKAA3"}, "INVALID_CROSS_REFERENCE_KEY", "invalid cross"),
        ("Account", {"Name": "a", "RecordTypeId": "0125500001QdZPK"}, "INVALID_CROSS_REFERENCE_KEY", "invalid"),
        ("Account", {"Name": "a", "CleanStatus": "Odd"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value"),
        ("Account", {"Name": "a", "CreatedDate": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "Created"),
        ("Account", {"Name": "a", "BillingAddress": "x"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "BillingAddress"),
        ("Opportunity", {"Name": "o", "StageName": "x"}, "REQUIRED_FIELD_MISSING", "[CloseDate]"),
        ("Opportunity", {"Name": "o", "IsWon": True}, "INVALID_FIELD_FOR_INSERT_UPDATE", "IsWon"),
        ("Opportunity", {"CloseDate": "2026-02-30"}, "JSON_PARSER_ERROR", "date from VALUE_STRING value 2026-02-30"),
        ("Opportunity", {"CloseDate": "20260230"}, "JSON_PARSER_ERROR", "date from VALUE_STRING"),
        ("Opportunity", {"IsPrivate": "no"}, "JSON_PARSER_ERROR", "boolean from VALUE_STRING value no"),
        ("Task", {"ReminderDateTime": "2026-04-06 09:56:23"}, "JSON_PARSER_ERROR", "datetime from VALUE_STRING"),
        ("Contact", {"LastName": "D", "Email": "no address"}, "INVALID_EMAIL_ADDRESS", "invalid email address"),
        ("User", {"LastName": "D"}, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "User"),
    ],
)
def test_a_wrong_record_is_refused(org: ServedOrg, name: str, body: dict[str, object], code: str, words: str) -> None:
    status, found, message = refusal(lambda: org.rest("POST", f"sobjects/{name}", body))

    assert (status, found) == (400, code)
    assert words in message
    assert org.log.refused()[-1].reason.startswith(code)
    assert not org.people.read_all("Account")
    assert not org.people.read_all("Opportunity")


def test_surplus_decimals_are_rounded_half_up_without_a_word(org: ServedOrg) -> None:
    deal = org.deal()
    org.rest("PATCH", f"sobjects/Opportunity/{deal['opportunity_id']}", {"Amount": 10.125})
    assert opportunity(org, deal["opportunity_id"])["Amount"] == Decimal("10.13")


def test_empty_text_becomes_null(org: ServedOrg) -> None:
    record_id = org.account(Phone="1")
    org.rest("PATCH", f"sobjects/Account/{record_id}", {"Phone": ""})
    assert org.rest("GET", f"sobjects/Account/{record_id}")["Phone"] is None


def test_the_owner_must_be_active(org: ServedOrg) -> None:
    left = org.people.seeded.owners[1]
    org.people.update("User", left, {"IsActive": False})
    assert code_of(lambda: org.rest("POST", "sobjects/Account", {"Name": "a", "OwnerId": left})) == (
        "INACTIVE_OWNER_OR_USER"
    )


def test_a_reference_to_a_deleted_record_is_refused(org: ServedOrg) -> None:
    parent = org.account()
    org.people.delete("Account", parent)
    body = {"Name": "child", "ParentId": parent}
    assert code_of(lambda: org.rest("POST", "sobjects/Account", body)) == "ENTITY_IS_DELETED"


# -- opportunities and their products


def test_the_stage_says_whether_a_deal_is_won_whatever_its_name(org: ServedOrg) -> None:
    won = org.deal(opportunity={"StageName": "Signed and Countersigned"})
    lost = org.deal(opportunity={"StageName": "Closed Lost"})
    open_ = org.deal(opportunity={"StageName": "Negotiation/Review"})

    def state(deal: dict[str, Any]) -> tuple[object, ...]:
        found = opportunity(org, deal["opportunity_id"])
        return found["IsClosed"], found["IsWon"], found["Probability"], found["ForecastCategoryName"]

    assert state(won) == (True, True, 100, "Closed")
    assert state(lost) == (True, False, 0, "Omitted")
    assert state(open_) == (False, False, 90, "Commit")

    org.advance(hours=1)
    org.rest("PATCH", f"sobjects/Opportunity/{won['opportunity_id']}", {"StageName": "Prospecting"})
    assert state(won) == (False, False, 10, "Pipeline")
    moved = opportunity(org, won["opportunity_id"])["LastStageChangeDate"]
    assert moved == f"{org.org.now():%Y-%m-%dT%H:%M:%S}.000+0000"


def test_the_amount_is_the_sum_of_the_lines_and_cannot_be_written_over(org: ServedOrg) -> None:
    deal = org.deal(
        opportunity={"Amount": 1},
        lines=[
            {"product_code": "SEAT-TEAM", "Quantity": 3, "UnitPrice": 33.33},
            {"product_code": "PLATFORM", "Quantity": 2, "UnitPrice": 100, "Discount": 12.5},
        ],
    )
    found = opportunity(org, deal["opportunity_id"])
    assert (found["Amount"], found["HasOpportunityLineItem"]) == (Decimal("274.99"), True)  # 99.99 + 175
    assert found["ExpectedRevenue"] == Decimal("274.99")
    assert found["Pricebook2Id"] == org.people.seeded.standard_price_book

    org.rest("PATCH", f"sobjects/Opportunity/{deal['opportunity_id']}", {"Amount": 5})  # ignored, no error
    assert opportunity(org, deal["opportunity_id"])["Amount"] == Decimal("274.99")

    org.rest("DELETE", f"sobjects/OpportunityLineItem/{deal['line_ids'][0]}")
    assert opportunity(org, deal["opportunity_id"])["Amount"] == 175
    org.rest("DELETE", f"sobjects/OpportunityLineItem/{deal['line_ids'][1]}")
    last = opportunity(org, deal["opportunity_id"])
    assert (last["Amount"], last["HasOpportunityLineItem"]) == (175, False)  # the amount stays when the last line goes


def test_a_line_has_the_products_facts_and_its_own_total(org: ServedOrg) -> None:
    deal = org.deal(lines=[{"product_code": "SEAT-BUSINESS", "Quantity": 7, "Discount": 10}])
    line = org.rest("GET", f"sobjects/OpportunityLineItem/{deal['line_ids'][0]}")
    assert (line["ProductCode"], line["ListPrice"], line["UnitPrice"]) == ("SEAT-BUSINESS", 59, 59)
    assert (line["Subtotal"], line["TotalPrice"]) == (413, Decimal("371.70"))
    assert line["Name"] == "Acme 2026 Business seat"

    org.rest("PATCH", f"sobjects/OpportunityLineItem/{line['Id']}", {"Quantity": 10})
    assert org.rest("GET", f"sobjects/OpportunityLineItem/{line['Id']}")["TotalPrice"] == 531


def test_a_total_may_be_given_instead_of_the_price_but_not_beside_it(org: ServedOrg) -> None:
    deal = org.deal(lines=[{"product_code": "SSO", "Quantity": 3, "TotalPrice": 100}])
    line = org.rest("GET", f"sobjects/OpportunityLineItem/{deal['line_ids'][0]}")
    assert (line["TotalPrice"], line["UnitPrice"]) == (100, Decimal("33.33"))

    both = {"UnitPrice": 1, "TotalPrice": 3}
    assert code_of(lambda: org.rest("PATCH", f"sobjects/OpportunityLineItem/{line['Id']}", both)) == (
        "FIELD_INTEGRITY_EXCEPTION"
    )


def test_lines_that_salesforce_would_not_take_are_refused(org: ServedOrg) -> None:
    deal = org.deal(lines=[{"product_code": "SSO", "Quantity": 1}])
    line = org.rest("GET", f"sobjects/OpportunityLineItem/{deal['line_ids'][0]}")
    base = {"OpportunityId": deal["opportunity_id"], "PricebookEntryId": line["PricebookEntryId"]}

    def refused(body: dict[str, object]) -> str:
        return code_of(lambda: org.rest("POST", "sobjects/OpportunityLineItem", body))

    assert refused({**base, "Quantity": 0, "UnitPrice": 1}) == "FIELD_INTEGRITY_EXCEPTION"
    assert refused({**base, "Quantity": 1}) == "REQUIRED_FIELD_MISSING"
    assert refused({"OpportunityId": deal["opportunity_id"], "Quantity": 1, "UnitPrice": 1}) == (
        "REQUIRED_FIELD_MISSING"
    )
    book = org.people.create("Pricebook2", {"Name": "Partners", "IsActive": True})
    other = {"Pricebook2Id": book, "Product2Id": line["Product2Id"], "UnitPrice": 1, "IsActive": True}
    entry = org.rest("POST", "sobjects/PricebookEntry", other)["id"]
    assert refused({**base, "PricebookEntryId": entry, "Quantity": 1, "UnitPrice": 1}) == "FIELD_INTEGRITY_EXCEPTION"
    assert refused({**base, "Quantity": 1, "UnitPrice": 1, "ListPrice": 1}) == "INVALID_FIELD_FOR_INSERT_UPDATE"
    path = f"sobjects/Opportunity/{deal['opportunity_id']}"
    assert code_of(lambda: org.rest("PATCH", path, {"Pricebook2Id": book})) == "FIELD_INTEGRITY_EXCEPTION"
    assert code_of(lambda: org.rest("DELETE", f"sobjects/Product2/{line['Product2Id']}")) == "DELETE_FAILED"


def test_a_price_needs_a_standard_price_first_and_stands_once_in_a_book(org: ServedOrg) -> None:
    product = org.rest("POST", "sobjects/Product2", {"Name": "New", "IsActive": True})["id"]
    book = org.people.create("Pricebook2", {"Name": "Partners", "IsActive": True})
    entry = {"Pricebook2Id": book, "Product2Id": product, "UnitPrice": 5, "IsActive": True}
    standard = {**entry, "Pricebook2Id": org.people.seeded.standard_price_book}

    assert code_of(lambda: org.rest("POST", "sobjects/PricebookEntry", entry)) == "STANDARD_PRICE_NOT_DEFINED"
    org.rest("POST", "sobjects/PricebookEntry", standard)
    org.rest("POST", "sobjects/PricebookEntry", entry)
    assert code_of(lambda: org.rest("POST", "sobjects/PricebookEntry", entry)) == "DUPLICATE_VALUE"


def test_an_org_with_more_decimals_keeps_them(org: ServedOrg) -> None:
    org.org.schema.override("OpportunityLineItem.UnitPrice", scale=4)
    deal = org.deal(lines=[{"product_code": "SSO", "Quantity": 1000, "UnitPrice": 0.0125}])
    line = org.rest("GET", f"sobjects/OpportunityLineItem/{deal['line_ids'][0]}")
    assert (line["UnitPrice"], line["TotalPrice"]) == (Decimal("0.0125"), Decimal("12.5"))


def test_one_contact_role_is_primary(org: ServedOrg) -> None:
    deal = org.deal(contact={"LastName": "First"})
    second = org.people.create("Contact", {"LastName": "Second", "AccountId": deal["account_id"]})
    role = {"OpportunityId": deal["opportunity_id"], "ContactId": second, "IsPrimary": True, "Role": "Billing"}
    org.rest("POST", "sobjects/OpportunityContactRole", role)

    soql = "SELECT Contact.Name, IsPrimary FROM OpportunityContactRole ORDER BY Contact.Name"
    found = org.sf.query(soql)["records"]
    assert [(one["Contact"]["Name"], one["IsPrimary"]) for one in found] == [("First", False), ("Second", True)]
    assert opportunity(org, deal["opportunity_id"])["ContactId"] == second


def test_a_contact_given_with_a_new_deal_is_its_primary_role(org: ServedOrg) -> None:
    use_currencies(org.org, on=True)
    person = org.people.create("Contact", {"LastName": "Doe"})
    body = {"Name": "o", "StageName": "Prospecting", "CloseDate": "2026-12-31", "ContactId": person}
    made = org.rest("POST", "sobjects/Opportunity", {**body, "CurrencyIsoCode": "EUR"})

    soql = "SELECT ContactId, IsPrimary, OpportunityId, CurrencyIsoCode FROM OpportunityContactRole"
    role = org.sf.query(soql)["records"][0]
    assert (role["ContactId"], role["IsPrimary"], role["OpportunityId"]) == (person, True, made["id"])
    assert role["CurrencyIsoCode"] == "EUR"
    again = {"ContactId": person}
    path = f"sobjects/Opportunity/{made['id']}"
    assert code_of(lambda: org.rest("PATCH", path, again)) == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_a_forecast_and_a_probability_of_ones_own_stay(org: ServedOrg) -> None:
    deal = org.deal(opportunity={"StageName": "Qualification", "Amount": 1000})
    body = {"StageName": "Needs Analysis", "ForecastCategoryName": "Best Case", "Probability": 35}
    org.rest("PATCH", f"sobjects/Opportunity/{deal['opportunity_id']}", body)

    found = opportunity(org, deal["opportunity_id"])
    assert (found["ForecastCategoryName"], found["ForecastCategory"]) == ("Best Case", "BestCase")
    assert (found["Probability"], found["ExpectedRevenue"]) == (35, 350)
    assert (found["FiscalYear"], found["FiscalQuarter"], found["Fiscal"]) == (2026, 4, "2026 4")


def test_a_line_by_product_finds_its_price_and_an_inactive_price_is_refused(org: ServedOrg) -> None:
    deal = org.deal(lines=[{"product_code": "SSO", "Quantity": 1}])
    entries = {one["ProductCode"]: one for one in org.people.read_all("PricebookEntry")}
    body = {"OpportunityId": deal["opportunity_id"], "Quantity": 1, "UnitPrice": 7}
    platform = entries["PLATFORM"]

    made = org.rest("POST", "sobjects/OpportunityLineItem", {**body, "Product2Id": platform["Product2Id"]})
    line = org.rest("GET", f"sobjects/OpportunityLineItem/{made['id']}")
    assert (line["PricebookEntryId"], line["UnitPrice"], line["ListPrice"]) == (platform["Id"], 7, 750)

    org.rest("PATCH", f"sobjects/PricebookEntry/{platform['Id']}", {"IsActive": False})
    by_entry = {**body, "PricebookEntryId": platform["Id"]}
    assert code_of(lambda: org.rest("POST", "sobjects/OpportunityLineItem", by_entry)) == "STANDARD_PRICE_NOT_DEFINED"


def test_an_account_is_not_its_own_parent(org: ServedOrg) -> None:
    record_id = org.account()
    body = {"ParentId": record_id}
    assert code_of(lambda: org.rest("PATCH", f"sobjects/Account/{record_id}", body)) == "CIRCULAR_DEPENDENCY"


def test_a_completed_task_is_closed(org: ServedOrg) -> None:
    deal = org.deal()
    body = {"Subject": "Call", "WhatId": deal["opportunity_id"], "Priority": "High", "ActivityDate": "2026-12-01"}
    made = org.rest("POST", "sobjects/Task", body)
    task = org.rest("GET", f"sobjects/Task/{made['id']}")
    assert (task["Status"], task["IsClosed"], task["IsHighPriority"]) == ("Not Started", False, True)
    assert task["AccountId"] == deal["account_id"]

    org.rest("PATCH", f"sobjects/Task/{made['id']}", {"Status": "Completed"})
    assert org.rest("GET", f"sobjects/Task/{made['id']}")["IsClosed"] is True


def test_deleting_an_account_takes_its_deals_along(org: ServedOrg) -> None:
    deal = org.deal(lines=[{"product_code": "SSO", "Quantity": 1}])
    org.rest("DELETE", f"sobjects/Account/{deal['account_id']}")
    assert code_of(lambda: opportunity(org, deal["opportunity_id"])) == "ENTITY_IS_DELETED"
    assert not org.people.read_all("OpportunityLineItem")


# -- several currencies, person accounts, rules of the org


def test_currency_exists_in_an_org_with_several_only(org: ServedOrg) -> None:
    before = org.deal(lines=[{"product_code": "SSO", "Quantity": 1}])

    use_currencies(org.org, on=True)

    assert opportunity(org, before["opportunity_id"])["CurrencyIsoCode"] == "USD"
    assert org.rest("POST", "sobjects/Account", {"Name": "b", "CurrencyIsoCode": "EUR"})["success"]
    body = {"Name": "b", "CurrencyIsoCode": "XXX"}
    assert code_of(lambda: org.rest("POST", "sobjects/Account", body)) == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    path = f"sobjects/Opportunity/{before['opportunity_id']}"
    assert code_of(lambda: org.rest("PATCH", path, {"CurrencyIsoCode": "EUR"})) == "FIELD_INTEGRITY_EXCEPTION"
    line = f"sobjects/OpportunityLineItem/{before['line_ids'][0]}"
    assert org.rest("GET", line)["CurrencyIsoCode"] == "USD"
    codes = org.sf.query("SELECT IsoCode FROM CurrencyType ORDER BY IsoCode")["records"]
    assert [one["IsoCode"] for one in codes] == ["EUR", "GBP", "JPY", "USD"]

    use_currencies(org.org, on=False)
    assert code_of(lambda: org.sf.query("SELECT CurrencyIsoCode FROM Account")) == "INVALID_FIELD"


def test_person_accounts_have_a_first_and_a_last_name(org: ServedOrg) -> None:

    org.account("Acme")
    use_person_accounts(org.org, on=True)
    org.rest("POST", "sobjects/Account", {"Name": "ignored", "FirstName": "Jo", "LastName": "Doe"})

    found = org.sf.query("SELECT Name, IsPersonAccount FROM Account ORDER BY Name")["records"]
    assert [(one["Name"], one["IsPersonAccount"]) for one in found] == [("Acme", False), ("Jo Doe", True)]


def test_a_deal_in_another_currency_has_prices_of_that_currency(org: ServedOrg) -> None:
    use_currencies(org.org, on=True)
    deal = org.deal(
        opportunity={"CurrencyIsoCode": "JPY"}, lines=[{"product_code": "SSO", "Quantity": 2, "UnitPrice": 30_000}]
    )
    line = org.rest("GET", f"sobjects/OpportunityLineItem/{deal['line_ids'][0]}")
    assert (line["CurrencyIsoCode"], line["TotalPrice"], line["ProductCode"]) == ("JPY", 60_000, "SSO")
    codes = [one["ProductCode"] for one in org.people.read_all("Product2")]
    assert codes.count("SSO") == 1  # one product with two prices
    other = org.deal(opportunity={"CurrencyIsoCode": "EUR"})
    body = {"OpportunityId": other["opportunity_id"], "PricebookEntryId": line["PricebookEntryId"]}
    assert code_of(
        lambda: org.rest("POST", "sobjects/OpportunityLineItem", {**body, "Quantity": 1, "UnitPrice": 1})
    ) == ("FIELD_INTEGRITY_EXCEPTION")


def test_countries_have_codes_in_an_org_that_keeps_them(org: ServedOrg) -> None:
    assert code_of(lambda: org.sf.query("SELECT BillingCountryCode FROM Account")) == "INVALID_FIELD"
    use_state_country_picklists(org.org, on=True)

    by_name = org.rest("POST", "sobjects/Account", {"Name": "a", "BillingCountry": "norway"})["id"]
    by_code = org.rest("POST", "sobjects/Account", {"Name": "b", "BillingCountryCode": "DE"})["id"]
    soql = "SELECT BillingCountry, BillingCountryCode, BillingAddress FROM Account ORDER BY Name"
    found = org.sf.query(soql)["records"]
    assert [(one["BillingCountry"], one["BillingCountryCode"]) for one in found] == [
        ("Norway", "NO"),
        ("Germany", "DE"),
    ]
    assert found[0]["BillingAddress"]["countryCode"] == "NO"

    org.rest("PATCH", f"sobjects/Account/{by_code}", {"BillingCountryCode": None})
    assert org.rest("GET", f"sobjects/Account/{by_code}")["BillingCountry"] is None
    org.rest("PATCH", f"sobjects/Account/{by_name}", {"BillingCountry": None})
    assert org.rest("GET", f"sobjects/Account/{by_name}")["BillingCountryCode"] is None
    unknown = {"LastName": "Doe", "MailingCountry": "Atlantis"}
    assert code_of(lambda: org.rest("POST", "sobjects/Contact", unknown)) == "FIELD_INTEGRITY_EXCEPTION"
    wrong = {"Name": "c", "BillingCountryCode": "ZZ"}
    assert code_of(lambda: org.rest("POST", "sobjects/Account", wrong)) == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_a_validation_rule_refuses_and_undoes(org: ServedOrg) -> None:
    org.org.settings.validation_rules = [
        ValidationRule("Opportunity", "IsWon = true AND Amount = null", "A won deal needs an amount", "Amount")
    ]
    deal = org.deal(opportunity={"StageName": "Prospecting"})
    path = f"sobjects/Opportunity/{deal['opportunity_id']}"

    _, code, message = refusal(lambda: org.rest("PATCH", path, {"StageName": "Closed Won"}))

    assert (code, message) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "A won deal needs an amount")
    assert opportunity(org, deal["opportunity_id"])["StageName"] == "Prospecting"


def test_a_duplicate_rule_may_be_overruled_when_it_only_alerts(org: ServedOrg) -> None:
    org.account("Acme", BillingCity="Oslo")
    rule = DuplicateRule("Account", ("Name", "BillingCity"))
    org.org.settings.duplicate_rules = [rule]
    body = {"Name": "acme", "BillingCity": "Oslo"}

    def create(headers: dict[str, str]) -> Any:
        return org.ask("POST", "sobjects/Account", json=body, headers=headers).json()

    assert create({})[0]["errorCode"] == "DUPLICATES_DETECTED"
    assert create({"Sforce-Duplicate-Rule-Header": "allowSave=true"})["success"] is True
    rule.action = "block"
    assert create({"Sforce-Duplicate-Rule-Header": "allowSave=true"})[0]["errorCode"] == "DUPLICATES_DETECTED"
    assert org.rest("POST", "sobjects/Account", {"Name": "acme"})["success"]  # no city: nothing to compare


# -- external ids and updated/


def with_key(org: ServedOrg, *, unique: bool = True) -> None:

    meta: dict[str, object] = {"type": "Text", "label": "Stripe", "length": 255, "externalId": True}
    if unique:
        meta |= {"unique": True, "caseSensitive": True}
    add_field(org.org, "Account.Stripe_Id__c", meta)
    grant_field(org.org, org.people.seeded, "Account", "Stripe_Id__c")


def test_an_upsert_creates_once_and_changes_then(org: ServedOrg) -> None:
    with_key(org)
    path = "sobjects/Account/Stripe_Id__c/cus%2F1"

    first = org.ask("PATCH", path, json={"Name": "Acme"})
    second = org.ask("PATCH", path, json={"Name": "Acme AS"})

    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (second.status_code, second.json()["created"]) == (200, False)
    assert first.json()["id"] == second.json()["id"]
    found = org.rest("GET", path)
    assert (found["Name"], found["Stripe_Id__c"]) == ("Acme AS", "cus/1")


def test_a_key_with_several_records_gives_300_with_their_addresses(org: ServedOrg) -> None:
    with_key(org, unique=False)
    ids = {org.account("a", Stripe_Id__c="x"), org.account("b", Stripe_Id__c="X")}

    for answer in (
        org.ask("GET", "sobjects/Account/Stripe_Id__c/x"),
        org.ask("PATCH", "sobjects/Account/Stripe_Id__c/x", json={"Phone": "1"}),
    ):
        assert answer.status_code == 300
        assert set(answer.json()) == {f"/services/data/v66.0/sobjects/Account/{one}" for one in ids}


def test_a_unique_key_stands_on_one_record_and_minds_case(org: ServedOrg) -> None:
    with_key(org)
    first = org.account("a", Stripe_Id__c="cus_a")

    _, code, message = refusal(lambda: org.rest("POST", "sobjects/Account", {"Name": "b", "Stripe_Id__c": "cus_a"}))

    assert code == "DUPLICATE_VALUE"
    assert message == f"duplicate value found: Stripe_Id__c duplicates value on record with id: {first[:15]}"
    assert org.rest("POST", "sobjects/Account", {"Name": "b", "Stripe_Id__c": "CUS_A"})["success"]


def test_only_a_key_field_may_stand_in_an_address(org: ServedOrg) -> None:
    with_key(org)
    assert code_of(lambda: org.rest("PATCH", "sobjects/Account/Phone/1", {"Name": "a"})) == "NOT_FOUND"
    assert code_of(lambda: org.rest("GET", "sobjects/Account/Stripe_Id__c/none")) == "NOT_FOUND"
    again = {"Name": "a", "Stripe_Id__c": "x"}
    assert code_of(lambda: org.rest("PATCH", "sobjects/Account/Stripe_Id__c/x", again)) == "INVALID_FIELD"


def test_updated_lists_what_changed_in_a_span(org: ServedOrg) -> None:
    old = org.account("old")
    org.advance(hours=2)
    new = org.account("new")
    now = org.org.now()

    def updated(start: str, end: str) -> Any:
        return org.ask("GET", "sobjects/Account/updated/", params={"start": start, "end": end}).json()

    later, earlier = ((now + timedelta(minutes=minutes)).isoformat() for minutes in (5, -5))
    found = updated(earlier, later)
    assert new in found["ids"]
    assert old not in found["ids"]
    assert found["latestDateCovered"] == f"{now + timedelta(minutes=5):%Y-%m-%dT%H:%M}:00.000+0000"
    assert updated(later, earlier)[0]["errorCode"] == "INVALID_REPLICATION_DATE"
    assert updated("2020-01-01T00:00:00Z", later)[0]["errorCode"] == "INVALID_REPLICATION_DATE"
    assert updated("yesterday", later)[0]["errorCode"] == "MALFORMED_QUERY"
