"""The mappings we ship read everything a contract may say, on both CRMs alike, and say where each value came from."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.deal import Account, BillingTerms, CollectionMethod, Deal, DealKind, Interval, TaxStatus
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.ports import DealRecords
from connector.sync.read_deal import read_deal, read_deal_with_origins
from mappings.load import default_mapping
from mappings.model import FieldRule
from tests.mappings.records import a_hubspot_deal, a_salesforce_deal


def read(records: DealRecords) -> Deal:
    return read_deal(records, default_mapping(records.ref.provider))


TERMS: dict[str, tuple[Any, str, Any]] = {
    "start": ("2026-12-01", "start", date(2026, 12, 1)),
    "end": ("2027-11-30", "end", date(2027, 11, 30)),
    "term_months": (Decimal("12.0"), "term_months", 12),
    "auto_renew": ("no", "auto_renew", False),
    "net_days": ("Net 45", "net_days", 45),
    "collection": ("charge_automatically", "collection", CollectionMethod.CHARGE_AUTOMATICALLY),
    "po_number": ("PO-1", "po_number", "PO-1"),
    "contract_number": ("C-9", "contract_number", "C-9"),
    "discount_percent": (Decimal("12.5"), "discount_percent", Decimal("12.5")),
    "discount_amount": (Decimal("50.0"), "discount_amount", Decimal(50)),
    "discount_months": (Decimal("3.0"), "discount_months", 3),
    "free_months": (Decimal("2.0"), "free_months", 2),
    "kind": ("amendment", "kind", DealKind.AMENDMENT),
    "amends": ("sub_1", "amends", "sub_1"),
    "ends_on": ("2027-01-31", "ends_on", date(2027, 1, 31)),
    "with_credit": ("yes", "with_credit", True),
}
"""End of a HubSpot property's name -> what stands in it, the term's name, and what it means."""

SALESFORCE_NAMES = {
    "start": "Billing_Start__c",
    "end": "Billing_End__c",
    "term_months": "Billing_Term_Months__c",
    "auto_renew": "Billing_Auto_Renew__c",
    "net_days": "Billing_Net_Days__c",
    "collection": "Billing_Collection__c",
    "po_number": "Billing_PO_Number__c",
    "contract_number": "Billing_Contract_Number__c",
    "discount_percent": "Billing_Discount_Percent__c",
    "discount_amount": "Billing_Discount_Amount__c",
    "discount_months": "Billing_Discount_Months__c",
    "free_months": "Billing_Free_Months__c",
    "kind": "Billing_Kind__c",
    "amends": "Billing_Amends__c",
    "ends_on": "Billing_Ends_On__c",
    "with_credit": "Billing_With_Credit__c",
}


@pytest.mark.parametrize("crm", ["salesforce", "hubspot"])
@pytest.mark.parametrize("name", TERMS)
def test_each_term_of_a_contract_is_read(crm: str, name: str) -> None:
    raw, attribute, meaning = TERMS[name]
    if crm == "salesforce":
        deal = read(a_salesforce_deal(**{SALESFORCE_NAMES[name]: raw}))
    else:
        deal = read(a_hubspot_deal(**{f"billing_{name}": raw}))

    assert getattr(deal.terms, attribute) == meaning
    assert deal.terms == replace(BillingTerms(), **{attribute: meaning})


LINES: dict[str, tuple[Any, str, Any]] = {
    "price_period": ("Annual", "price_interval", Interval("year", 1)),
    "end": ("2027-05-31", "end", date(2027, 5, 31)),
    "discount_months": (Decimal("3.0"), "discount_months", 3),
    "free_months": (Decimal("1.0"), "free_months", 1),
    "bill_on": ("2027-03-01", "bill_on", date(2027, 3, 1)),
    "credit_amount": (Decimal("500.0"), "credit_amount", Decimal(500)),
    "credit_months": (Decimal("6.0"), "credit_months", 6),
}


@pytest.mark.parametrize("crm", ["salesforce", "hubspot"])
@pytest.mark.parametrize("name", LINES)
def test_each_term_of_a_line_is_read(crm: str, name: str) -> None:
    raw, attribute, meaning = LINES[name]
    field = f"Billing_{name.title()}__c" if crm == "salesforce" else f"billing_{name}"
    make = a_salesforce_deal if crm == "salesforce" else a_hubspot_deal

    (line,) = read(make(lines=({field: raw},))).line_items
    (plain,) = read(make()).line_items

    assert getattr(line, attribute) == meaning
    assert line == replace(plain, **{attribute: meaning})


@pytest.mark.parametrize("records", [a_salesforce_deal(), a_hubspot_deal()], ids=["salesforce", "hubspot"])
def test_a_standard_deal_means_the_same_on_both_crms(records: DealRecords) -> None:
    deal = read(records)
    (line,) = deal.line_items

    assert (deal.name, deal.currency, deal.amount) == ("Acme, 5 seats", "eur", Decimal(1200))
    assert deal.account is not None
    assert (deal.account.name, deal.account.address.country) == ("Acme GmbH", "DE")
    assert (deal.account.tax_id, deal.account.tax_status) == ("DE123456789", TaxStatus.REVERSE_CHARGE)
    assert deal.payer is None
    assert deal.billing_contact is not None
    assert deal.billing_contact.email == "ada@acme.example"
    assert (line.quantity, line.unit_price, line.total) == (Decimal(5), Decimal(20), Decimal(100))
    assert (line.interval, line.price_interval, line.one_off) == (Interval("month", 1), None, False)
    assert deal.terms == BillingTerms()


def test_the_parent_pays_where_the_account_says_so() -> None:
    parent = {"Name": "Parent plc", "Website": "parent.example", "Billing_Tax_Id__c": "GB1", "BillingCity": "London"}
    records = a_salesforce_deal(account={"Billing_Payer__c": "001P", "Billing_Payer__r": parent})

    payer = read(records).payer

    assert payer is not None
    assert (payer.ref, payer.name, payer.tax_id) == (RecordRef("salesforce", "account", "001P"), "Parent plc", "GB1")
    assert (payer.domain, payer.address.city, payer.tax_status) == ("parent.example", "London", TaxStatus.TAXABLE)


def test_the_company_under_the_label_bill_to_pays() -> None:
    records = a_hubspot_deal(payer={"hs_object_id": "502", "name": "Parent plc", "zip": "EC1"})

    payer = read(records).payer

    assert isinstance(payer, Account)
    assert (payer.ref, payer.name) == (RecordRef("hubspot", "account", "502"), "Parent plc")
    assert payer.address.postal_code == "EC1"


def test_an_account_that_pays_for_itself_has_no_payer_beside_it() -> None:
    records = a_hubspot_deal(payer={"hs_object_id": "501", "name": "Acme GmbH"})

    assert read(records).payer is None


def test_the_record_the_crm_names_as_payer_stands_above_the_mapped_id() -> None:
    """The CRM knows whom a payer was merged into."""
    records = replace(
        a_hubspot_deal(payer={"hs_object_id": "502", "name": "Parent"}), payer=RecordRef("hubspot", "account", "503")
    )

    payer = read(records).payer

    assert payer is not None
    assert payer.ref.id == "503"


def test_accounts_that_were_merged_into_the_deals_own_are_known() -> None:
    former = (RecordRef("hubspot", "account", "4"),)
    account = read(replace(a_hubspot_deal(), formerly=former)).account

    assert account is not None
    assert account.formerly == former


@pytest.mark.parametrize("make", [a_salesforce_deal, a_hubspot_deal], ids=["salesforce", "hubspot"])
def test_several_recipients_are_read_from_one_field(make: Any) -> None:
    name = "Billing_Recipients__c" if make is a_salesforce_deal else "billing_recipients"

    assert read(make(**{name: "ap@acme.example; cfo@acme.example"})).recipients == (
        "ap@acme.example",
        "cfo@acme.example",
    )


@pytest.mark.parametrize(
    ("records", "kind"),
    [
        (a_salesforce_deal(Type="Renewal"), DealKind.RENEWAL),
        (a_salesforce_deal(Type="Renewal", Billing_Kind__c="new"), DealKind.NEW),
        (a_salesforce_deal(Type="Existing Customer - Upgrade"), DealKind.NEW),
        (a_salesforce_deal(Type="Partner deal"), DealKind.NEW),
        (a_hubspot_deal(dealtype="renewal"), DealKind.RENEWAL),
        (a_hubspot_deal(dealtype="existingbusiness"), DealKind.NEW),
        (a_hubspot_deal(dealtype="existingbusiness", billing_kind="amendment"), DealKind.AMENDMENT),
    ],
)
def test_the_standard_type_of_a_deal_speaks_only_where_it_is_unmistakable(records: DealRecords, kind: DealKind) -> None:
    assert read(records).terms.kind is kind


def test_where_each_value_came_from_is_known() -> None:
    records = a_salesforce_deal(Billing_Net_Days__c=Decimal("30.0"), Type="Renewal")

    reading = read_deal_with_origins(records, default_mapping("salesforce"))
    line = reading.lines[reading.deal.line_items[0].ref]

    assert reading.deal == read(records)
    assert reading.origins["terms.net_days"].paths == ("Opportunity.Billing_Net_Days__c",)
    assert reading.origins["terms.kind"].paths == ("Opportunity.Type",)
    assert reading.origins["account.address.country"].paths == ("Opportunity.Account.BillingCountryCode",)
    assert line["line.interval"].paths == ("OpportunityLineItem.Billing_Frequency__c",)
    assert line["line.interval"].rule.transform == "interval"
    assert "terms.months" not in reading.origins


def test_free_values_travel_by_name_as_short_text() -> None:
    mapping = default_mapping("salesforce")
    rules = (
        FieldRule("metadata.region", "Opportunity.Region__c"),
        FieldRule("metadata.amount", "Opportunity.Amount", "decimal"),
        FieldRule("metadata.vip", "Opportunity.Vip__c", "boolean"),
        FieldRule("metadata.who", "Opportunity.Who__c", "emails"),
        FieldRule("metadata.nothing", "Opportunity.Nothing__c"),
        FieldRule("metadata.close", "Opportunity.CloseDate", "date"),
    )
    records = a_salesforce_deal(Region__c="x" * 600, Vip__c=True, Who__c="a@b.example;c@d.example")

    found = read_deal(records, replace(mapping, deal=(*mapping.deal, *rules))).metadata

    assert found == {
        "region": "x" * 499 + "…",
        "amount": "1200.0",
        "vip": "true",
        "who": "a@b.example; c@d.example",
        "close": "2026-11-20",
    }


@pytest.mark.parametrize(
    ("records", "field", "sentence_id", "says"),
    [
        (
            replace(a_hubspot_deal(), problem="The deal has 2 companies."),
            "deal",
            "deal-records-unclear",
            "The deal has 2 companies.",
        ),
        (a_hubspot_deal(dealname=None), "deal.name", "mapping-value-missing", "deal.dealname is empty"),
        (a_hubspot_deal(billing_kind="odd"), "terms.kind", "value-not-a-deal-kind", "deal.billing_kind: 'odd'"),
        (
            a_hubspot_deal(billing_free_months=Decimal(-1)),
            "terms.free_months",
            "mapping-value-negative",
            "less than zero",
        ),
        (
            a_hubspot_deal(billing_recipients="nobody"),
            "terms.recipients",
            "value-not-an-email",
            "not one e-mail address",
        ),
        (
            a_hubspot_deal(lines=({"quantity": None},)),
            "line.quantity",
            "mapping-value-missing",
            "line_item.quantity is empty",
        ),
    ],
)
def test_what_cannot_be_read_parks_the_deal_with_the_sentence_of_the_catalogue(
    records: DealRecords, field: str, sentence_id: str, says: str
) -> None:
    with pytest.raises(CannotBill) as caught:
        read(records)

    error = caught.value
    assert (error.field, error.sentence_id) == (field, sentence_id)
    assert says in error.message
    assert error.hint
    assert error.ref is not None


@pytest.mark.parametrize(
    ("without", "missing"),
    [({"line.quantity"}, "line.quantity"), ({"line.unit_price", "line.total"}, "line.unit_price")],
)
def test_a_line_that_a_lenient_mapping_reads_only_half_is_named(without: set[str], missing: str) -> None:
    mapping = default_mapping("hubspot")
    rules = tuple(rule for rule in mapping.line_item if rule.canonical not in without)

    with pytest.raises(CannotBill, match="“Seats” has no") as caught:
        read_deal(a_hubspot_deal(), replace(mapping, line_item=rules))

    assert (caught.value.field, caught.value.sentence_id) == (missing, "line-incomplete")


def test_a_price_follows_from_the_total_where_a_mapping_reads_only_that() -> None:
    mapping = default_mapping("hubspot")
    rules = tuple(rule for rule in mapping.line_item if rule.canonical != "line.unit_price")

    (line,) = read_deal(a_hubspot_deal(), replace(mapping, line_item=rules)).line_items

    assert (line.unit_price, line.total) == (Decimal(20), Decimal(100))


def test_a_price_for_once_says_nothing_about_the_period_of_a_recurring_line() -> None:
    (line,) = read(a_hubspot_deal(lines=({"billing_price_period": "One-time"},))).line_items

    assert line.price_interval is None
    (once,) = read(
        a_hubspot_deal(lines=({"recurringbillingfrequency": None, "billing_price_period": "Annual"},))
    ).line_items
    assert (once.one_off, once.price_interval) == (True, None)
