"""Records of a plausible deal as each CRM gives them, for every mapping that we ship."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connector.domain.refs import RecordRef
from connector.ports import DealRecords, LineRecords


def _changed(record: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, **changes}


SALESFORCE_ACCOUNT: Mapping[str, Any] = {
    "Name": "Acme GmbH",
    "Phone": "+49 30 1234",
    "Website": "https://acme.example",
    "BillingStreet": "Hauptstr. 1",
    "BillingCity": "Berlin",
    "BillingPostalCode": "10115",
    "BillingCountry": "Germany",
    "BillingCountryCode": "DE",
    "Billing_Tax_Id__c": "DE123456789",
    "Billing_Tax_Status__c": "Reverse charge",
}
SALESFORCE_DEAL: Mapping[str, Any] = {
    "Name": "Acme, 5 seats",
    "CurrencyIsoCode": "EUR",
    "Amount": Decimal("1200.0"),
    "CloseDate": "2026-11-20",
    "Type": "New Customer",
    "Account": SALESFORCE_ACCOUNT,
}
SALESFORCE_LINE: Mapping[str, Any] = {
    "Quantity": Decimal("5.0"),
    "UnitPrice": Decimal("20.0"),
    "TotalPrice": Decimal("100.0"),
    "Billing_Frequency__c": "Monthly",
    "Product2": {"Name": "Seats", "ProductCode": "SEAT"},
}
HUBSPOT_DEAL: Mapping[str, Any] = {
    "dealname": "Acme, 5 seats",
    "deal_currency_code": "EUR",
    "amount": Decimal(1200),
    "closedate": "2026-11-20T10:00:00Z",
    "dealtype": "newbusiness",
}
HUBSPOT_COMPANY: Mapping[str, Any] = {
    "name": "Acme GmbH",
    "phone": "+49 30 1234",
    "domain": "acme.example",
    "address": "Hauptstr. 1",
    "city": "Berlin",
    "zip": "10115",
    "country": "Germany",
    "hs_country_code": "DE",
    "billing_tax_id": "DE123456789",
    "billing_tax_status": "reverse",
}
HUBSPOT_LINE: Mapping[str, Any] = {
    "name": "Seats",
    "quantity": Decimal(5),
    "price": Decimal("20.00"),
    "amount": Decimal("100.00"),
    "recurringbillingfrequency": "monthly",
}


def a_salesforce_deal(
    *,
    lines: tuple[Mapping[str, Any], ...] = ({},),
    account: Mapping[str, Any] | None = None,
    number: str = "006A1",
    **deal: Any,
) -> DealRecords:
    """A won opportunity with its products; ``lines`` change a line of five seats each."""
    record = _changed(SALESFORCE_DEAL, {"Account": _changed(SALESFORCE_ACCOUNT, account or {}), **deal})
    return DealRecords(
        ref=RecordRef("salesforce", "deal", number),
        won=True,
        closed=True,
        account=RecordRef("salesforce", "account", "001A1"),
        contact=RecordRef("salesforce", "contact", "003A1"),
        owner=None,
        records={"Opportunity": record, "Contact": {"Name": "Ada", "Email": "ada@acme.example"}},
        lines=tuple(
            LineRecords(
                RecordRef("salesforce", "line_item", f"00k{number}{index}"),
                RecordRef("salesforce", "product", f"01t{index}"),
                {"OpportunityLineItem": _changed(SALESFORCE_LINE, line)},
            )
            for index, line in enumerate(lines)
        ),
    )


def a_hubspot_deal(
    *,
    lines: tuple[Mapping[str, Any], ...] = ({},),
    product: Mapping[str, Any] | None = None,
    payer: Mapping[str, Any] | None = None,
    number: str = "77",
    **deal: Any,
) -> DealRecords:
    """A won deal with its line items; ``payer`` is the company under the label "Bill To"."""
    records: dict[str, Mapping[str, Any]] = {
        "deal": _changed(HUBSPOT_DEAL, deal),
        "company": HUBSPOT_COMPANY,
        "contact": {"firstname": "Ada", "lastname": "Lovelace", "email": "ada@acme.example"},
    }
    if payer:
        records["company[Bill To]"] = payer
    return DealRecords(
        ref=RecordRef("hubspot", "deal", number),
        won=True,
        closed=True,
        account=RecordRef("hubspot", "account", "501"),
        contact=RecordRef("hubspot", "contact", "601"),
        owner=None,
        records=records,
        lines=tuple(
            LineRecords(
                RecordRef("hubspot", "line_item", f"{number}{index}"),
                RecordRef("hubspot", "product", f"9{index}"),
                {"line_item": _changed(HUBSPOT_LINE, line), "product": product or {}},
            )
            for index, line in enumerate(lines)
        ),
    )
