"""Puts the book into the two CRMs, and closes its deals as sales people do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar, Protocol

from connector.cli.demo.book import Line, Sale, Scene
from connector.cli.demo.control import Control
from connector.domain.dates import add_months
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

    def change_term(self, placed: Placed, months: int) -> None:
        """Change how long the contract runs."""
        ...

    def shown(self, record: RecordRef) -> Mapping[str, Any]:
        """Every field of a record, as the CRM has it."""
        ...

    def tasks(self, record: RecordRef) -> list[Mapping[str, Any]]:
        """The tasks about a record, as its page shows them."""
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
        today = self._control.now().date()
        opportunity = {
            "Name": sale.name,
            "CloseDate": today.isoformat(),
            "StageName": "Negotiation/Review",
            "Billing_Net_Days__c": sale.net_days,
            **({"Billing_PO_Number__c": sale.po_number} if sale.po_number else {}),
            **({"Billing_Term_Months__c": sale.term_months} if sale.term_months else {}),
            **({"Billing_Start__c": today.isoformat(), "Billing_Auto_Renew__c": "no"} if is_ramp(sale) else {}),
            **({"Billing_Kind__c": kind, "Billing_Amends__c": at.deal.id} if at and (kind := follows_as(sale)) else {}),
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
        lines = [self._line(line, today) for line in sale.lines]
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

    def change_term(self, placed: Placed, months: int) -> None:
        """Type another number into the field."""
        fields = {"Billing_Term_Months__c": months}
        self._control.patch(f"/salesforce/records/Opportunity/{placed.deal.id}", fields)

    def shown(self, record: RecordRef) -> Mapping[str, Any]:
        """Every field of a record."""
        fields: Mapping[str, Any] = self._control.get(f"/salesforce/records/{self._OBJECTS[record.kind]}/{record.id}")
        return fields

    def tasks(self, record: RecordRef) -> list[Mapping[str, Any]]:
        """The tasks about a record, as its page shows them."""
        found: list[Mapping[str, Any]] = self._control.get(f"/salesforce/tasks/{record.id}")["tasks"]
        return found

    def _line(self, line: Line, start: date) -> dict[str, Any]:
        first, last = days_served(line, start)
        return {
            "product": {"Name": line.product, "ProductCode": product_code(line.product)},
            "Quantity": line.quantity,
            "UnitPrice": float(line.price),  # JSON knows no other number, nor does Salesforce
            "Billing_Frequency__c": self._FREQUENCY[line.frequency],
            **({"ServiceDate": first.isoformat(), "Billing_End__c": last.isoformat()} if first and last else {}),
        }


class HubSpotDesk:
    """Deals with a primary company, a contact and line items."""

    _TYPES: ClassVar = {"deal": "deals", "account": "companies", "contact": "contacts"}
    _FREQUENCY: ClassVar = {"monthly": "monthly", "quarterly": "quarterly", "yearly": "annually", "once": ""}
    _OWNER: ClassVar = "71204411"  #: one of the portal's three people; Salesforce gives every record an owner by itself

    def __init__(self, control: Control) -> None:
        self._control = control
        self._products: dict[str, str] = {}

    def place(self, sale: Sale, at: Placed | None) -> Placed:
        """Enter an open deal."""
        now = self._control.now()
        deal = {
            "dealname": sale.name,
            "pipeline": "default",
            "dealstage": "contractsent",
            "deal_currency_code": sale.currency,
            "hubspot_owner_id": self._OWNER,
            "closedate": now.isoformat(),
            "billing_net_days": str(sale.net_days),
            **({"billing_po_number": sale.po_number} if sale.po_number else {}),
            **({"billing_term_months": str(sale.term_months)} if sale.term_months else {}),
            **({"billing_start": now.date().isoformat(), "billing_auto_renew": "no"} if is_ramp(sale) else {}),
            **({"billing_kind": kind, "billing_amends": at.deal.id} if at and (kind := follows_as(sale)) else {}),
        }
        who: dict[str, Any] = (
            {"company": at.account.id, "contact": at.contact.id}
            if at
            else {
                "company": {
                    "name": sale.account,
                    "city": sale.city,
                    "country": sale.country,
                    "hubspot_owner_id": self._OWNER,
                },
                "contact": {
                    "lastname": "Accounts Payable",
                    **({} if sale.email_missing else {"email": sale.email}),
                },
            }
        )
        lines = [self._line(line, now.date()) for line in sale.lines]
        made = self._control.post("/hubspot/deals", {**who, "deal": deal, "line_items": lines})
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

    def change_term(self, placed: Placed, months: int) -> None:
        """Type another number into the property."""
        self._edit(placed.deal, {"billing_term_months": str(months)})

    def shown(self, record: RecordRef) -> Mapping[str, Any]:
        """Every property of a record."""
        found = self._control.get(f"/hubspot/objects/{self._TYPES[record.kind]}/{record.id}")
        properties: Mapping[str, Any] = found["properties"]
        return properties

    def tasks(self, record: RecordRef) -> list[Mapping[str, Any]]:
        """The tasks about a record, as its page shows them."""
        found: list[Mapping[str, Any]] = self._control.get(f"/hubspot/tasks/{self._TYPES[record.kind]}/{record.id}")[
            "tasks"
        ]
        return found

    def _edit(self, record: RecordRef, properties: Mapping[str, str]) -> None:
        self._control.patch(f"/hubspot/objects/{self._TYPES[record.kind]}/{record.id}", {"properties": properties})

    def _line(self, line: Line, start: date) -> dict[str, str]:
        frequency = self._FREQUENCY[line.frequency]
        first, last = days_served(line, start)
        span = (
            {"hs_recurring_billing_start_date": first.isoformat(), "billing_end": last.isoformat()}
            if first and last
            else {}
        )
        return {
            "name": line.product,
            "quantity": str(line.quantity),
            "price": str(line.price),
            "hs_product_id": self._product(line.product),
            **({"recurringbillingfrequency": frequency} if frequency else {}),
            **span,
        }

    def _product(self, name: str) -> str:
        """The product library's own record of it, made the first time it is sold."""
        if name not in self._products:
            properties = {"name": name, "hs_sku": product_code(name)}
            made = self._control.post("/hubspot/objects/products", {"properties": properties})
            self._products[name] = str(made["id"])
        return self._products[name]


def days_served(line: Line, start: date) -> tuple[date, date] | tuple[None, None]:
    """The first and the last day of a ramp's line in a deal that starts then; none for a line of the whole term."""
    if line.months is None:
        return None, None
    first, after = (add_months(start, months) for months in line.months)
    return first, after - timedelta(days=1)


def product_code(product: str) -> str:
    """What the catalogues call it: TEAM-SEAT."""
    return product.upper().replace(" ", "-")


def is_ramp(sale: Sale) -> bool:
    """Whether its lines follow each other, from a day that the deal names."""
    return sale.scene is Scene.RAMP


def follows_as(sale: Sale) -> str:
    """What it does to the contract of the account's first deal; empty where it has nothing to do with it."""
    return {Scene.UPSELL: "amendment", Scene.RENEWAL: "renewal"}.get(sale.scene, "") if sale.scene else ""


def desks(control: Control) -> dict[str, Desk]:
    """The two sales desks, by CRM."""
    return {"salesforce": SalesforceDesk(control), "hubspot": HubSpotDesk(control)}


def place_all(book: tuple[Sale, ...], at: Mapping[str, Desk], there: Sequence[Placed] = ()) -> list[Placed]:
    """Enter the whole book; another deal of an account joins the first one's records, also of one that is ``there``."""
    placed: dict[str, Placed] = {}
    for one in there:
        placed.setdefault(one.sale.account, one)
    every: list[Placed] = []
    for sale in book:
        made = at[sale.crm].place(sale, placed.get(sale.account))
        placed.setdefault(sale.account, made)
        every.append(made)
    return every
