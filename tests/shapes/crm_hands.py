"""Hands that sell in a make-believe CRM: a contract shape is described once, in canonical words, and sold in both.

    hands = hands_for("hubspot", control)         # after `connector setup` made the fields
    acme = hands.company("Acme", {"tax_id": "DE123456789"})
    payable = hands.contact("ap@acme.example", acme)
    deal = hands.deal(
        lines=[line("Seats", 5, "20.00", Interval("month")), line("Set-up", 1, "500.00", None)],
        terms={"months": 12, "net_days": 30},
        account=acme,
        contact=payable,
    )
    hands.win(deal.ref)
    hands.shown(deal.ref)["sync_status"]

Values are canonical: Decimal, date, bool, Interval, RecordRef. Names may go without their group where it is plain:
``net_days`` for ``terms.net_days`` in ``terms``, ``quantity`` for ``line.quantity`` in a line.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar

from connector.cli.demo.control import Control
from connector.domain.deal import Interval
from connector.domain.refs import RecordRef
from mappings.load import default_mapping
from tests.shapes.crm_words import Values, Words, line_name

NOTHING: Mapping[str, Any] = MappingProxyType({})
BILLING_ROLE = "Billing"
BILL_TO = "Bill To"

CURRENCIES = ("USD", "EUR", "GBP", "JPY", "CHF", "KWD", "HUF", "ISK", "UGX", "CAD", "CUP")


@dataclass(frozen=True)
class Sold:
    """A deal as it was entered, with its records."""

    ref: RecordRef
    account: RecordRef
    contact: RecordRef
    lines: tuple[RecordRef, ...]


def line(
    product: str, quantity: Decimal | int | str, unit_price: Decimal | str, interval: Interval | None, **more: Any
) -> dict[str, Any]:
    """A line item's canonical values; ``interval`` None is paid once. ``more`` by name without its group:
    ``start``, ``end``, ``discount_percent``, ``discount_per_unit``, ``bill_on``, ``price_interval``, ``price_id``, …
    """
    return {
        "name": product,
        "quantity": Decimal(quantity),
        "unit_price": Decimal(unit_price),
        "interval": interval,
        **more,
    }


@dataclass(frozen=True)
class _Sale:
    """A deal that is about to be entered."""

    name: str
    account: RecordRef
    contact: RecordRef
    payer: RecordRef | None
    others: Mapping[str, Sequence[RecordRef]]
    terms: Values
    currency: str
    close_date: date


class Hands(ABC):
    """What people do in a CRM; what is the same in both is done here."""

    crm: ClassVar[str]
    ready_stage: ClassVar[str]  #: the id of an open stage late in the pipeline, for READINESS_STAGES

    def __init__(self, control: Control) -> None:
        self._control = control
        self._words = Words(default_mapping(self.crm))
        self._products: dict[str, str] = {}
        self._people = 0

    def deal(
        self,
        *,
        lines: Sequence[Values],
        terms: Values = NOTHING,
        account: RecordRef | None = None,
        contact: RecordRef | None = None,
        payer: RecordRef | None = None,
        others: Mapping[str, Sequence[RecordRef]] = NOTHING,
        name: str = "Deal",
        currency: str = "EUR",
        close_date: date | None = None,
    ) -> Sold:
        """Enter an open deal in an early stage. Without an account, a company and its contact are made.

        ``others`` are further contacts by role (Salesforce) or association label (HubSpot). The payer is set on the
        account (Salesforce) or on the deal (HubSpot).
        """
        account = account or self.company(f"{name} Company")
        contact = contact or self.contact(self._address(), account)
        day = close_date or self._control.now().date()
        sale = _Sale(name, account, contact, payer, others, terms, currency.upper(), day)
        ref = self._ref("deal", self._enter(sale))
        return Sold(ref, account, contact, tuple(self.add_line(ref, each) for each in lines))

    def merge(self, accounts: Sequence[RecordRef]) -> RecordRef:
        """Merge all of them into the first; gives the one that stays."""
        stays, *others = accounts
        for each in others:
            self._merge(stays, each)
        return stays

    def change(self, record: RecordRef, values: Values) -> None:
        """Change a deal, an account or a contact; names of the groups deal, terms, account, contact. None empties."""
        for fields in self._words.fields({"deal": "terms"}.get(record.kind, record.kind), values).values():
            self._edit(record, fields)

    def change_line(self, line: RecordRef, values: Values) -> None:
        """Change values of a line, but none of its product."""
        for fields in self._line_fields(values).values():
            self._edit(line, fields)

    def shown(self, record: RecordRef) -> dict[str, Any]:
        """What billing shows on a deal or an account, by canonical name; the same types on every CRM."""
        return self._words.shown(record.kind, self._record(record))

    def promise(self, deal: RecordRef) -> None:
        """Move it to ``ready_stage``."""
        self.reopen(deal)

    @abstractmethod
    def company(self, name: str, values: Values = NOTHING) -> RecordRef:
        """Make a company. ``values`` are of the group ``account``: "tax_id", "address.country", "customer_id"."""

    @abstractmethod
    def contact(self, email: str, account: RecordRef, name: str = "Accounts Payable") -> RecordRef:
        """Make a person who works there. An empty ``email`` is one that nobody has filled in yet."""

    @abstractmethod
    def win(self, deal: RecordRef) -> None:
        """Close it as won."""

    @abstractmethod
    def lose(self, deal: RecordRef) -> None:
        """Close it as lost."""

    @abstractmethod
    def reopen(self, deal: RecordRef) -> None:
        """Back to a late stage, which is open."""

    @abstractmethod
    def add_line(self, deal: RecordRef, values: Values) -> RecordRef:
        """One more line on a deal; its product is made the first time it is sold."""

    @abstractmethod
    def remove_line(self, line: RecordRef) -> None:
        """Take a line off its deal."""

    @abstractmethod
    def _enter(self, sale: _Sale) -> str:
        """Make the open deal with the people on it; gives its id."""

    @abstractmethod
    def _merge(self, stays: RecordRef, goes: RecordRef) -> None: ...

    @abstractmethod
    def _edit(self, record: RecordRef, fields: Mapping[str, Any]) -> None: ...

    @abstractmethod
    def _record(self, record: RecordRef) -> Mapping[str, Any]: ...

    def _line_fields(self, values: Values) -> dict[str, dict[str, Any]]:
        return self._words.fields("line", {line_name(name): value for name, value in values.items()})

    def _address(self) -> str:
        self._people += 1
        return f"payable{self._people}@{self.crm}.example"

    def _ref(self, kind: str, record_id: str) -> RecordRef:
        return RecordRef(self.crm, kind, record_id)


class SalesforceHands(Hands):
    """A person in Salesforce. Makes the org one with several currencies and, as orgs may have them, more decimals:
    to be made before the connector first looks, or has looked anew (``connector doctor``).
    """

    crm = "salesforce"
    ready_stage = "Negotiation/Review"
    _OBJECTS: ClassVar = {
        "deal": "Opportunity",
        "account": "Account",
        "contact": "Contact",
        "line_item": "OpportunityLineItem",
    }

    def __init__(self, control: Control) -> None:
        super().__init__(control)
        fields = {"Quantity": 4, "UnitPrice": 4, "TotalPrice": 4, "Subtotal": 4, "ListPrice": 4}
        decimals = {f"OpportunityLineItem.{name}": scale for name, scale in fields.items()}
        decimals["PricebookEntry.UnitPrice"] = 4
        settings = {"currencies": list(CURRENCIES), "multi_currency": True, "decimals": decimals}
        control.patch("/salesforce/settings", settings)
        self._book = control.get("/salesforce/organization")["standard_price_book"]
        self._prices: dict[tuple[str, str], str] = {}

    def company(self, name: str, values: Values = NOTHING) -> RecordRef:
        given = {"address.country": "DE", "address.city": "Hamburg", **values, "name": name}
        return self._ref("account", self._make("Account", self._words.fields("account", given)["Account"]))

    def contact(self, email: str, account: RecordRef, name: str = "Accounts Payable") -> RecordRef:
        fields = {"LastName": name, "Email": email or None, "AccountId": account.id}
        return self._ref("contact", self._make("Contact", fields))

    def _enter(self, sale: _Sale) -> str:
        if sale.payer is not None:
            self._edit(sale.account, {"Billing_Payer__c": sale.payer.id})
        fields = {
            "Name": sale.name,
            "AccountId": sale.account.id,
            "CloseDate": sale.close_date.isoformat(),
            "StageName": "Prospecting",
            "CurrencyIsoCode": sale.currency,
            **self._words.fields("terms", sale.terms).get("Opportunity", {}),
        }
        deal = self._make("Opportunity", fields)
        for role, people in {BILLING_ROLE: (sale.contact,), **sale.others}.items():
            for person in people:
                self._put_in(deal, person, role, primary=person == sale.contact)
        return deal

    def win(self, deal: RecordRef) -> None:
        self._edit(deal, {"StageName": "Closed Won"})

    def lose(self, deal: RecordRef) -> None:
        self._edit(deal, {"StageName": "Closed Lost"})

    def reopen(self, deal: RecordRef) -> None:
        self._edit(deal, {"StageName": self.ready_stage})

    def add_line(self, deal: RecordRef, values: Values) -> RecordRef:
        currency = self._record(deal)["CurrencyIsoCode"]
        fields = self._line_fields(values)
        product = fields.pop("Product2", {})
        entry = self._price(product, currency)
        made = self._make(
            "OpportunityLineItem",
            {"OpportunityId": deal.id, "PricebookEntryId": entry, **fields["OpportunityLineItem"]},
        )
        return self._ref("line_item", made)

    def remove_line(self, line: RecordRef) -> None:
        self._control.delete(self._path(line))

    def _merge(self, stays: RecordRef, goes: RecordRef) -> None:
        body = {"object": "Account", "master": stays.id, "losers": [goes.id]}
        self._control.post("/salesforce/merge", body)

    def _record(self, record: RecordRef) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._control.get(self._path(record))
        return found

    def _line_fields(self, values: Values) -> dict[str, dict[str, Any]]:
        """A discount per unit has no field of its own in Salesforce: sales lower the sales price."""
        given = {line_name(name): value for name, value in values.items()}
        off = given.pop("line.discount_per_unit", None)
        if off is not None:
            given["line.unit_price"] -= off
        months = given.pop("line.months", None)
        assert months is None, "Salesforce has no term on a line; say start and end"
        return self._words.fields("line", given)

    def _price(self, fields: Mapping[str, Any], currency: str) -> str:
        """The price book entry of a product, which is made once; its list price is nobody's business here."""
        key = str(sorted(fields.items()))
        if key not in self._products:
            self._products[key] = self._make("Product2", {"IsActive": True, **fields})
        found = (self._products[key], currency)
        if found not in self._prices:
            entry = {"Pricebook2Id": self._book, "Product2Id": found[0], "UnitPrice": 1, "IsActive": True}
            self._prices[found] = self._make("PricebookEntry", {**entry, "CurrencyIsoCode": currency})
        return self._prices[found]

    def _put_in(self, deal: str, contact: RecordRef, role: str, *, primary: bool = False) -> None:
        fields = {"OpportunityId": deal, "ContactId": contact.id, "Role": role, "IsPrimary": primary}
        self._make("OpportunityContactRole", fields)

    def _make(self, name: str, fields: Mapping[str, Any]) -> str:
        return str(self._control.post(f"/salesforce/records/{name}", dict(fields))["id"])

    def _edit(self, record: RecordRef, fields: Mapping[str, Any]) -> None:
        self._control.patch(self._path(record), dict(fields))

    def _path(self, record: RecordRef) -> str:
        return f"/salesforce/records/{self._OBJECTS[record.kind]}/{record.id}"


class HubSpotHands(Hands):
    """A person in HubSpot. Every product stands in the product library."""

    crm = "hubspot"
    ready_stage = "contractsent"
    _TYPES: ClassVar = {"deal": "deals", "account": "companies", "contact": "contacts", "line_item": "line_items"}

    def company(self, name: str, values: Values = NOTHING) -> RecordRef:
        given = {"address.country": "DE", "address.city": "Hamburg", **values, "name": name}
        return self._ref("account", self._make("companies", self._words.fields("account", given)["company"]))

    def contact(self, email: str, account: RecordRef, name: str = "Accounts Payable") -> RecordRef:
        links = [{"type": "companies", "id": account.id}]
        return self._ref(
            "contact", self._make("contacts", {"lastname": name, **({"email": email} if email else {})}, links)
        )

    def _enter(self, sale: _Sale) -> str:
        properties = {
            "dealname": sale.name,
            "pipeline": "default",
            "dealstage": "appointmentscheduled",
            "deal_currency_code": sale.currency,
            "closedate": f"{sale.close_date.isoformat()}T12:00:00.000Z",
            **self._words.fields("terms", sale.terms).get("deal", {}),
        }
        links: list[Mapping[str, Any]] = [
            {"type": "companies", "id": sale.account.id, "type_id": 5},
            {"type": "contacts", "id": sale.contact.id},
        ]
        deal = self._make("deals", properties, links)
        labelled = [(label, record) for label, records in sale.others.items() for record in records]
        if sale.payer is not None:
            labelled.append((BILL_TO, sale.payer))
        for label, record in labelled:
            self._associate(self._ref("deal", deal), record, label)
        return deal

    def win(self, deal: RecordRef) -> None:
        self._edit(deal, {"dealstage": "closedwon"})

    def lose(self, deal: RecordRef) -> None:
        self._edit(deal, {"dealstage": "closedlost"})

    def reopen(self, deal: RecordRef) -> None:
        self._edit(deal, {"dealstage": self.ready_stage})

    def add_line(self, deal: RecordRef, values: Values) -> RecordRef:
        fields = self._line_fields(values)
        product = self._product(fields.pop("product"))
        properties = {"hs_product_id": product, **fields["line_item"]}
        return self._ref("line_item", self._make("line_items", properties, [{"type": "deals", "id": deal.id}]))

    def remove_line(self, line: RecordRef) -> None:
        self._control.delete(self._path(line))

    def _merge(self, stays: RecordRef, goes: RecordRef) -> None:
        self._control.post("/hubspot/objects/companies/merge", {"primary": stays.id, "other": goes.id})

    def _record(self, record: RecordRef) -> Mapping[str, Any]:
        properties: Mapping[str, Any] = self._control.get(self._path(record))["properties"]
        return properties

    def _product(self, fields: Mapping[str, Any]) -> str:
        key = str(sorted(fields.items()))
        if key not in self._products:
            self._products[key] = self._make("products", fields)
        return self._products[key]

    def _associate(self, one: RecordRef, other: RecordRef, label: str) -> None:
        here, there = ({"type": self._TYPES[each.kind], "id": each.id} for each in (one, other))
        self._control.post("/hubspot/associations", {"from": here, "to": there, "label": label})

    def _make(self, kind: str, properties: Mapping[str, Any], links: Sequence[Mapping[str, Any]] = ()) -> str:
        body = {"properties": dict(properties), "associations": list(links)}
        return str(self._control.post(f"/hubspot/objects/{kind}", body)["id"])

    def _edit(self, record: RecordRef, fields: Mapping[str, Any]) -> None:
        self._control.patch(self._path(record), {"properties": dict(fields)})

    def _path(self, record: RecordRef) -> str:
        return f"/hubspot/objects/{self._TYPES[record.kind]}/{record.id}"


def hands_for(crm: str, control: Control) -> Hands:
    """The hands of one CRM."""
    return HANDS[crm](control)


HANDS: Mapping[str, type[Hands]] = {"salesforce": SalesforceHands, "hubspot": HubSpotHands}
