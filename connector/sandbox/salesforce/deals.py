"""A whole deal in one step: account, contact, opportunity, lines, and the prices it needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.records import Writer
from connector.sandbox.salesforce.values import Record

_OPEN = "Prospecting"


@dataclass(frozen=True)
class DealMaker:
    """Makes deals as one person; prices that are missing are added to the standard price book."""

    org: Org
    writer: Writer
    price_book: str

    def make(self, deal: Mapping[str, object]) -> dict[str, object]:
        """The ids of everything made. The opportunity gets its stage last, so that whoever hears of it sees its lines.

        `deal` may hold `account` (fields) or `account_id`; `contact` (fields) or `contact_id`, with `role`;
        `opportunity` (fields); `lines`, each with `product_code` or `product` (fields) and the line's own fields.
        Raises TypeError for another shape and errors.Refused for what Salesforce would not take.
        """
        account = self._given_or_new("Account", deal.get("account_id"), _fields(deal.get("account")))
        contact_values = _fields(deal.get("contact"))
        if contact_values:
            contact_values.setdefault("AccountId", account)
        contact = self._given_or_new("Contact", deal.get("contact_id"), contact_values)
        values = _fields(deal.get("opportunity"))
        values.setdefault("AccountId", account)
        stage = values.get("StageName", _OPEN)
        opportunity = self._create("Opportunity", {**values, "StageName": _OPEN})
        if contact:
            role = {"OpportunityId": opportunity, "ContactId": contact, "Role": deal.get("role", "Billing")}
            self._create("OpportunityContactRole", {**role, "IsPrimary": True})
        lines = [self._add_line(opportunity, _fields(line)) for line in _list(deal.get("lines"))]
        if stage != _OPEN:
            self.writer.update(self.org.schema.get("Opportunity"), opportunity, {"StageName": stage})
        return {"account_id": account, "contact_id": contact, "opportunity_id": opportunity, "line_ids": lines}

    def _add_line(self, opportunity: str, line: dict[str, object]) -> str:
        product = _fields(line.pop("product", None))
        code = str(line.pop("product_code", product.get("ProductCode", "")))
        found = self._product(code) or self._create("Product2", {**_new_product(code), **product})
        currency = (self.org.row("Opportunity", opportunity) or {}).get("CurrencyIsoCode")
        entry = self._price(found, currency) or self._add_price(found, currency, line)
        if "UnitPrice" not in line and "TotalPrice" not in line:
            line["UnitPrice"] = entry["UnitPrice"]
        values = {"Quantity": 1, **line, "OpportunityId": opportunity, "PricebookEntryId": entry["Id"]}
        return self._create("OpportunityLineItem", values)

    def _product(self, code: str) -> str | None:
        return next((str(row["Id"]) for row in self.org.rows("Product2") if row["ProductCode"] == code), None)

    def _price(self, product: str, currency: object) -> Record | None:
        for row in self.org.children("PricebookEntry", "Product2Id", product):
            if row["Pricebook2Id"] == self.price_book and row.get("CurrencyIsoCode") == currency:
                return row
        return None

    def _add_price(self, product: str, currency: object, line: dict[str, object]) -> Record:
        price = line.get("UnitPrice", Decimal(0))
        values = {"Pricebook2Id": self.price_book, "Product2Id": product, "UnitPrice": price, "IsActive": True}
        if currency is not None:
            values["CurrencyIsoCode"] = currency
        return self.org.row("PricebookEntry", self._create("PricebookEntry", values)) or {}

    def _given_or_new(self, name: str, given: object, values: dict[str, object]) -> str | None:
        if given is not None:
            return str(given)
        return self._create(name, values) if values else None

    def _create(self, name: str, values: Mapping[str, object]) -> str:
        return self.writer.create(self.org.schema.get(name), values)


def _new_product(code: str) -> dict[str, object]:
    return {"Name": code, "ProductCode": code, "IsActive": True}


def _fields(value: object) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError("Fields are given as an object of names and values")
    return dict(value)


def _list(value: object) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise TypeError("Lines are given as a list")
    return value
