"""Puts the book into the two CRMs, and closes its deals as sales people do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from connector.cli.demo.book import Line, Sale
from connector.cli.demo.control import Control
from connector.domain.refs import RecordRef


@dataclass(frozen=True)
class Placed:
    """A sale with the records it became in its CRM."""

    sale: Sale
    deal: RecordRef
    account: RecordRef
    contact: RecordRef


class Desk(Protocol):
    """A sales desk: what people do in one CRM."""

    def place(self, sale: Sale, at: Placed | None) -> Placed:
        """Enter an open deal; ``at`` is the first deal of the same account, if there is one."""
        ...

    def win(self, placed: Placed) -> None:
        """Set the deal to a stage that means won."""
        ...

    def add_email(self, placed: Placed) -> None:
        """Fill in the billing contact's address."""
        ...

    def shown(self, record: RecordRef) -> Mapping[str, Any]:
        """Every field of a record, as the CRM has it."""
        ...


class SalesforceDesk:
    """Opportunities, with their products and a billing contact role."""

    _OBJECTS: ClassVar = {"deal": "Opportunity", "account": "Account", "contact": "Contact"}
    _FREQUENCY: ClassVar = {"monthly": "Monthly", "quarterly": "Quarterly", "yearly": "Annual", "once": "One-time"}
    _WON: ClassVar = ("Closed Won", "Signed and Countersigned")  #: both are won; only one is called so

    def __init__(self, control: Control) -> None:
        self._control = control

    def place(self, sale: Sale, at: Placed | None) -> Placed:
        """Enter an open opportunity."""
        opportunity = {
            "Name": sale.name,
            "CloseDate": self._control.now().date().isoformat(),
            "StageName": "Negotiation/Review",
            "Billing_Net_Days__c": sale.net_days,
            **({"Billing_PO_Number__c": sale.po_number} if sale.po_number else {}),
            **({"Billing_Term_Months__c": sale.term_months} if sale.term_months else {}),
        }
        who: dict[str, Any] = (
            {"account_id": at.account.id, "contact_id": at.contact.id}
            if at
            else {
                "account": {"Name": sale.account, "BillingCity": sale.city, "BillingCountry": sale.country},
                "contact": {
                    "LastName": "Accounts Payable",
                    **({} if sale.email_missing else {"Email": sale.email}),
                },
            }
        )
        lines = [self._line(line) for line in sale.lines]
        made = self._control.post("/salesforce/deals", {**who, "opportunity": opportunity, "lines": lines})
        return Placed(
            sale,
            RecordRef("salesforce", "deal", made["opportunity_id"]),
            RecordRef("salesforce", "account", made["account_id"]),
            RecordRef("salesforce", "contact", made["contact_id"]),
        )

    def win(self, placed: Placed) -> None:
        """Close it as won."""
        stage = self._WON[len(placed.sale.account) % 2]
        self._control.patch(f"/salesforce/records/Opportunity/{placed.deal.id}", {"StageName": stage})

    def add_email(self, placed: Placed) -> None:
        """Fill in the address, then touch the opportunity, as a flow on contacts would."""
        self._control.patch(f"/salesforce/records/Contact/{placed.contact.id}", {"Email": placed.sale.email})
        self._control.patch(f"/salesforce/records/Opportunity/{placed.deal.id}", {"NextStep": "Billing contact added"})

    def shown(self, record: RecordRef) -> Mapping[str, Any]:
        """Every field of a record."""
        fields: Mapping[str, Any] = self._control.get(f"/salesforce/records/{self._OBJECTS[record.kind]}/{record.id}")
        return fields

    def _line(self, line: Line) -> dict[str, Any]:
        return {
            "product": {"Name": line.product},
            "Quantity": line.quantity,
            "UnitPrice": float(line.price),  # JSON knows no other number, nor does Salesforce
            "Billing_Frequency__c": self._FREQUENCY[line.frequency],
        }


class HubSpotDesk:
    """Deals with a primary company, a contact and line items."""

    _TYPES: ClassVar = {"deal": "deals", "account": "companies", "contact": "contacts"}
    _FREQUENCY: ClassVar = {"monthly": "monthly", "quarterly": "quarterly", "yearly": "annually", "once": ""}

    def __init__(self, control: Control) -> None:
        self._control = control

    def place(self, sale: Sale, at: Placed | None) -> Placed:
        """Enter an open deal."""
        deal = {
            "dealname": sale.name,
            "pipeline": "default",
            "dealstage": "contractsent",
            "deal_currency_code": sale.currency,
            "closedate": self._control.now().isoformat(),
            "billing_net_days": str(sale.net_days),
            **({"billing_po_number": sale.po_number} if sale.po_number else {}),
            **({"billing_term_months": str(sale.term_months)} if sale.term_months else {}),
        }
        who: dict[str, Any] = (
            {"company": at.account.id, "contact": at.contact.id}
            if at
            else {
                "company": {"name": sale.account, "city": sale.city, "country": sale.country},
                "contact": {
                    "lastname": "Accounts Payable",
                    **({} if sale.email_missing else {"email": sale.email}),
                },
            }
        )
        made = self._control.post(
            "/hubspot/deals", {**who, "deal": deal, "line_items": [self._line(line) for line in sale.lines]}
        )
        return Placed(
            sale,
            RecordRef("hubspot", "deal", made["deal"]),
            RecordRef("hubspot", "account", made["company"]),
            RecordRef("hubspot", "contact", made["contact"]),
        )

    def win(self, placed: Placed) -> None:
        """Close it as won."""
        self._edit(placed.deal, {"dealstage": "closedwon"})

    def add_email(self, placed: Placed) -> None:
        """Fill in the address, then note it on the deal."""
        self._edit(placed.contact, {"email": placed.sale.email})
        self._edit(placed.deal, {"hs_next_step": "Billing contact added"})

    def shown(self, record: RecordRef) -> Mapping[str, Any]:
        """Every property of a record."""
        found = self._control.get(f"/hubspot/objects/{self._TYPES[record.kind]}/{record.id}")
        properties: Mapping[str, Any] = found["properties"]
        return properties

    def _edit(self, record: RecordRef, properties: Mapping[str, str]) -> None:
        self._control.patch(f"/hubspot/objects/{self._TYPES[record.kind]}/{record.id}", {"properties": properties})

    def _line(self, line: Line) -> dict[str, str]:
        frequency = self._FREQUENCY[line.frequency]
        return {
            "name": line.product,
            "quantity": str(line.quantity),
            "price": str(line.price),
            **({"recurringbillingfrequency": frequency} if frequency else {}),
        }


def desks(control: Control) -> dict[str, Desk]:
    """The two sales desks, by CRM."""
    return {"salesforce": SalesforceDesk(control), "hubspot": HubSpotDesk(control)}


def place_all(book: tuple[Sale, ...], at: Mapping[str, Desk]) -> list[Placed]:
    """Enter the whole book; a second deal of an account joins the first one's records."""
    placed: dict[str, Placed] = {}
    every: list[Placed] = []
    for sale in book:
        made = at[sale.crm].place(sale, placed.get(sale.account))
        placed.setdefault(sale.account, made)
        every.append(made)
    return every
