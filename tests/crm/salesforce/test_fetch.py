"""A deal, read in one query, in the shape our port promises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.crm.salesforce.client import SalesforceClient
from connector.crm.salesforce.settings import SalesforceSettings
from connector.domain.refs import RecordRef
from connector.errors import AccessLost, Gone, NotFound, Rejected, Unsupported
from connector.ports import FieldInfo
from mappings.apply import read
from mappings.model import FieldMapping
from tests.crm.salesforce.conftest import BASE, StubOrg, Turnstile, Wall, a_field, some_settings

DEAL = RecordRef("salesforce", "deal", "0067F000003pmdWQAQ")


def an_opportunity(**changes: Any) -> dict[str, Any]:
    """As a query answers."""
    return {
        "attributes": {"type": "Opportunity", "url": "/services/data/v66.0/sobjects/Opportunity/0067F000003pmdWQAQ"},
        "Id": DEAL.id,
        "IsWon": True,
        "IsClosed": True,
        "AccountId": "0017F000007ydJmQAI",
        "OwnerId": "0057F000001abcdQAA",
        "Name": "Express Logistics SLA",
        "Amount": 120000.0,
        "CloseDate": "2026-11-20",
        "Account": {"attributes": {"type": "Account"}, "Name": "Express Logistics", "BillingCity": None},
        "OpportunityLineItems": some_rows(a_line()),
        "OpportunityContactRoles": None,
    } | changes


def a_line(**changes: Any) -> dict[str, Any]:
    return {
        "attributes": {"type": "OpportunityLineItem"},
        "Id": "00k7F000003pmdWQAQ",
        "Product2Id": "01t7F000003pmdWQAQ",
        "Quantity": 5,
        "UnitPrice": 24000.1,
        "Product2": {"attributes": {"type": "Product2"}, "Name": "Seat", "ProductCode": "SEAT"},
    } | changes


def a_role(contact: str, role: str | None = None, *, primary: bool = False) -> dict[str, Any]:
    return {
        "attributes": {"type": "OpportunityContactRole"},
        "ContactId": f"0037F000003{contact:0>4}QAQ",
        "Role": role,
        "IsPrimary": primary,
        "Contact": {"attributes": {"type": "Contact"}, "Name": contact, "Email": f"{contact}@acme.com"},
    }


def some_rows(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"totalSize": len(rows), "done": True, "records": list(rows)}


def test_a_deal_is_one_query(client: SalesforceClient, org: StubOrg, mapping: FieldMapping) -> None:
    """After the org was described once, an open deal costs a single call, a won one another for merged accounts."""
    still_open = an_opportunity(IsWon=False, IsClosed=False)
    org.answers_query([still_open], [still_open], [an_opportunity()])
    client.fetch_deal(DEAL, mapping)
    for deal_costs in (1, 2):
        before = len(org.wire.calls)
        client.fetch_deal(DEAL, mapping)
        assert len(org.wire.calls) == before + deal_costs


def test_a_deal_arrives_in_salesforces_names_and_our_types(
    client: SalesforceClient, org: StubOrg, mapping: FieldMapping
) -> None:
    """Relations nested, numbers Decimal, no envelope left."""
    org.answers_query([an_opportunity()])

    deal = client.fetch_deal(RecordRef("salesforce", "deal", DEAL.id[:15]), mapping)

    assert deal.ref == DEAL
    assert deal.won
    assert deal.closed
    assert deal.account == RecordRef("salesforce", "account", "0017F000007ydJmQAI")
    assert deal.owner == RecordRef("salesforce", "owner", "0057F000001abcdQAA")
    assert deal.contact is None
    assert deal.problem == ""
    assert deal.records["Opportunity"]["Amount"] == Decimal("120000.0")
    assert deal.records["Opportunity"]["Account"] == {"Name": "Express Logistics", "BillingCity": None}
    assert deal.records["Account"]["Name"] == "Express Logistics"
    assert "OpportunityLineItems" not in deal.records["Opportunity"]
    [line] = deal.lines
    assert line.ref == RecordRef("salesforce", "line_item", "00k7F000003pmdWQAQ")
    assert line.product == RecordRef("salesforce", "product", "01t7F000003pmdWQAQ")
    quantity = line.records["OpportunityLineItem"]["Quantity"]
    assert (quantity, type(quantity)) == (Decimal(5), Decimal)
    assert line.records["OpportunityLineItem"]["UnitPrice"] == Decimal("24000.1")
    assert line.records["OpportunityLineItem"]["Product2"] == {"Name": "Seat", "ProductCode": "SEAT"}


def test_the_mapping_we_ship_reads_it(client: SalesforceClient, org: StubOrg, mapping: FieldMapping) -> None:
    """What comes out of the adapter goes into the mapping; an absent frequency stays absent."""
    org.answers_query([an_opportunity(OpportunityContactRoles=some_rows(a_role("ann", "Billing")))])
    deal = client.fetch_deal(DEAL, mapping)
    values = read(mapping.deal, deal.records)
    line = read(mapping.line_item, deal.lines[0].records)
    assert values["account.name"] == "Express Logistics"
    assert values["contact.email"] == "ann@acme.com"
    assert (line["line.quantity"], line["product.code"]) == (Decimal(5), "SEAT")
    assert "line.interval" not in line


def test_fields_that_the_org_lacks_are_not_asked_for(
    client: SalesforceClient, org: StubOrg, mapping: FieldMapping
) -> None:
    """Our optional fields before set-up, a second currency, state and country picklists."""
    org.answers_query([an_opportunity()])
    client.fetch_deal(DEAL, mapping)
    [soql] = org.queries
    for name in ("CurrencyIsoCode", "Billing_Start__c", "BillingCountryCode", "Stripe_Price_Id__c"):
        assert name not in soql
    assert "Account.BillingCity" in soql
    assert "Product2.ProductCode" in soql


def test_fields_that_the_org_has_are_asked_for(client: SalesforceClient, org: StubOrg, mapping: FieldMapping) -> None:
    """After set-up, or in an org with several currencies."""
    org.fields["Opportunity"] += [a_field("CurrencyIsoCode", "picklist"), a_field("Billing_Start__c", "date")]
    org.answers_query([an_opportunity(CurrencyIsoCode="EUR")])
    deal = client.fetch_deal(DEAL, mapping)
    assert "CurrencyIsoCode" in org.queries[0]
    assert "Billing_Start__c" in org.queries[0]
    assert deal.records["Opportunity"]["CurrencyIsoCode"] == "EUR"


def test_the_orgs_one_currency_stands_in(org: StubOrg, throttle: Turnstile, clock: Wall, mapping: FieldMapping) -> None:
    """Where records carry none; it is also described, so that a mapping that reads it passes its check."""
    client = SalesforceClient(some_settings(currency="usd"), throttle, clock)
    org.answers_query([an_opportunity()])
    deal = client.fetch_deal(DEAL, mapping)
    assert read(mapping.deal, deal.records)["deal.currency"] == "usd"
    assert client.describe("deal").fields["CurrencyIsoCode"].writable is False
    assert "CurrencyIsoCode" not in client.describe("account").fields


def test_a_field_that_went_away_is_noticed(client: SalesforceClient, org: StubOrg, mapping: FieldMapping) -> None:
    """Described an hour ago, deleted since: ask again, then go without."""
    org.fields["Opportunity"].append(a_field("Billing_Start__c", "date"))
    org.answers_query([an_opportunity()])
    client.fetch_deal(DEAL, mapping)
    org.fields["Opportunity"].pop()
    org.answers_query((400, [{"errorCode": "INVALID_FIELD", "message": "gone"}]), [an_opportunity()])
    assert client.fetch_deal(DEAL, mapping).won
    assert "Billing_Start__c" in org.queries[1]
    assert "Billing_Start__c" not in org.queries[2]


def test_a_query_that_stays_wrong_is_told(client: SalesforceClient, org: StubOrg, mapping: FieldMapping) -> None:
    """Asked once more and no oftener; other refusals not even that."""
    wrong = (400, [{"errorCode": "INVALID_FIELD", "message": "gone"}])
    org.answers_query(wrong, wrong, (400, [{"errorCode": "MALFORMED_QUERY", "message": "?"}]))
    for _ in range(2):
        with pytest.raises(Rejected):
            client.fetch_deal(DEAL, mapping)
    assert len(org.queries) == 3


def test_descriptions_are_kept_for_an_hour(
    client: SalesforceClient, org: StubOrg, clock: Wall, mapping: FieldMapping
) -> None:
    """Then asked for again, so that a new field is found without a restart."""
    org.answers_query(*[[an_opportunity()]] * 3)
    client.fetch_deal(DEAL, mapping)
    clock.pass_time(timedelta(minutes=59))
    client.fetch_deal(DEAL, mapping)
    assert sorted(org.described) == ["Account", "Contact", "Opportunity", "OpportunityLineItem", "Product2"]
    clock.pass_time(timedelta(minutes=2))
    client.fetch_deal(DEAL, mapping)
    assert org.described.count("Opportunity") == 2


@pytest.mark.parametrize(("in_the_bin", "error"), [([{"Id": DEAL.id}], Gone), ([], NotFound)])
def test_a_deal_that_is_gone_is_told_from_one_we_may_not_see(
    client: SalesforceClient,
    org: StubOrg,
    mapping: FieldMapping,
    in_the_bin: list[dict[str, Any]],
    error: type[NotFound],
) -> None:
    """What is in the recycle bin was deleted; what is nowhere may only be hidden from us."""
    org.answers_query([])
    org.deleted = in_the_bin
    with pytest.raises(NotFound) as caught:
        client.fetch_deal(DEAL, mapping)
    assert (type(caught.value), caught.value.ref) == (error, DEAL)


@pytest.mark.parametrize(
    "ref", [RecordRef("salesforce", "deal", "x' OR Id != null"), RecordRef("salesforce", "account", DEAL.id)]
)
def test_what_is_no_deal_is_not_asked_for(
    client: SalesforceClient, org: StubOrg, mapping: FieldMapping, ref: RecordRef
) -> None:
    """A made-up id costs no call."""
    with pytest.raises(NotFound):
        client.fetch_deal(ref, mapping)
    assert len(org.wire.calls) == 0


def test_a_deal_without_account_or_lines_is_still_a_deal(
    client: SalesforceClient, org: StubOrg, mapping: FieldMapping
) -> None:
    """What it lacks is for the planner to say."""
    bare = an_opportunity(AccountId=None, Account=None, OpportunityLineItems=None, OwnerId=None, IsWon=False)
    org.answers_query([bare])
    deal = client.fetch_deal(DEAL, mapping)
    assert (deal.account, deal.owner, deal.lines, deal.won) == (None, None, (), False)
    assert deal.records["Account"] == {}


def test_many_lines_come_in_pages(client: SalesforceClient, org: StubOrg, mapping: FieldMapping) -> None:
    """A sub-select has its own cursor; no line is lost."""
    page = {
        "totalSize": 2,
        "done": False,
        "nextRecordsUrl": "/services/data/v66.0/query/01gLINES-1",
        "records": [a_line()],
    }
    org.answers_query([an_opportunity(OpportunityLineItems=page)])
    org.on("GET", "query/01gLINES-1", some_rows(a_line(Id="00k7F000003pmdXQAQ")))
    assert len(client.fetch_deal(DEAL, mapping).lines) == 2


@pytest.mark.parametrize(
    ("roles", "chosen"),
    [
        ((), None),
        ((a_role("ann"),), None),
        ((a_role("ann", primary=True), a_role("bob")), "ann"),
        ((a_role("ann", primary=True), a_role("bob", "billing")), "bob"),
        ((a_role("ann", "Billing"), a_role("bob", "Billing", primary=True)), "bob"),
        ((a_role("ann", "Billing"), a_role("ann", "Billing")), "ann"),
        ((a_role("b", "Billing", primary=True), a_role("b", "Billing", primary=True), a_role("a", "Billing")), "b"),
        ((a_role("ann", "Decision Maker", primary=True),), "ann"),
    ],
)
def test_the_billing_contact_is_the_billing_role_or_the_primary_one(
    client: SalesforceClient, org: StubOrg, mapping: FieldMapping, roles: tuple[Any, ...], chosen: str | None
) -> None:
    """In that order; nobody is guessed."""
    org.answers_query([an_opportunity(OpportunityContactRoles=some_rows(*roles) if roles else None)])
    deal = client.fetch_deal(DEAL, mapping)
    assert deal.problem == ""
    assert deal.records["Contact"].get("Name") == chosen
    assert (deal.contact is None) == (chosen is None)


@pytest.mark.parametrize("primary", [True, False])
def test_two_billing_contacts_are_a_problem(
    client: SalesforceClient, org: StubOrg, mapping: FieldMapping, primary: bool
) -> None:
    """An invoice goes to one person: which, a person must say."""
    roles = some_rows(*(a_role(name, "Billing", primary=primary) for name in ("a", "b")))
    org.answers_query([an_opportunity(OpportunityContactRoles=roles)])
    deal = client.fetch_deal(DEAL, mapping)
    assert "several contacts" in deal.problem
    assert deal.contact is None


def test_the_role_is_a_setting(org: StubOrg, throttle: Turnstile, clock: Wall, mapping: FieldMapping) -> None:
    """Orgs rename their roles."""
    settings: SalesforceSettings = some_settings(billing_contact_role="Rechnung")
    org.answers_query(
        [an_opportunity(OpportunityContactRoles=some_rows(a_role("ann", "Billing"), a_role("bob", "Rechnung")))]
    )
    deal = SalesforceClient(settings, throttle, clock).fetch_deal(DEAL, mapping)
    assert deal.records["Contact"]["Name"] == "bob"


# --- won_since ------------------------------------------------------------------------------------------------------

SINCE = datetime(2026, 11, 21, 11, 55, tzinfo=UTC)


def a_won_row(number: int) -> dict[str, Any]:
    return {"attributes": {}, "Id": f"0067F00000{number:05d}QAQ"}


def a_page(*numbers: int, more: str = "") -> dict[str, Any]:
    page: dict[str, Any] = {"totalSize": 3, "done": not more, "records": [a_won_row(number) for number in numbers]}
    return page | ({"nextRecordsUrl": f"/services/data/v66.0/query/{more}"} if more else {})


def test_won_deals_come_page_by_page(client: SalesforceClient, org: StubOrg) -> None:
    """By the cursor that Salesforce gives, to the end."""
    org.answers_query(a_page(1, 2, more="01gWON-2"))
    org.on("GET", "query/01gWON-2", a_page(3))
    found = list(client.won_since(SINCE))
    assert found == [RecordRef("salesforce", "deal", a_won_row(n)["Id"]) for n in (1, 2, 3)]
    assert "SystemModstamp >= 2026-11-21T11:55:00.000Z" in org.queries[0]


def test_the_next_page_is_fetched_only_when_wanted(client: SalesforceClient, org: StubOrg) -> None:
    """Whoever stops early saves the call: nothing answers the cursor here."""
    org.answers_query(a_page(1, more="01gWON-2"))
    assert next(client.won_since(SINCE)).id == a_won_row(1)["Id"]


# --- describe -------------------------------------------------------------------------------------------------------


def test_a_real_description_becomes_a_catalog(client: SalesforceClient) -> None:
    """Recorded from an org: types, lengths, choices, what may be written."""
    fields = client.describe("deal").fields
    assert fields["Name"] == FieldInfo("Name", "Name", "text", required=True, length=120)
    assert (fields["Amount"].type, fields["Amount"].scale) == ("money", 2)
    assert fields["IsWon"].type == "checkbox"
    assert not fields["IsWon"].writable
    assert fields["StageName"].type == "choice"
    assert "Closed Won" in fields["StageName"].choices
    assert fields["AccountId"].references == ("Account",)
    assert fields["CloseDate"].required
    assert client.describe("account").fields["BillingAddress"].type == "other"
    assert client.describe("line_item").object == "OpportunityLineItem"


def test_a_kind_that_salesforce_does_not_have_is_unsupported(client: SalesforceClient) -> None:
    """Invoices live in billing."""
    with pytest.raises(Unsupported):
        client.describe("invoice")


def test_an_object_that_we_cannot_see_is_said_to_be_so(
    client: SalesforceClient, org: StubOrg, mapping: FieldMapping
) -> None:
    """Its fields are left out of the query, and whoever asks outright hears it."""
    org.wire.replace("GET", f"{BASE}/sobjects/Product2/describe", json=[{"errorCode": "NOT_FOUND"}], status=404)
    org.answers_query([an_opportunity()])
    client.fetch_deal(DEAL, mapping)
    assert "Product2.Name" not in org.queries[0]
    with pytest.raises((NotFound, AccessLost)):
        client.describe("product")
