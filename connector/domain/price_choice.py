"""Which price each line is billed by, in the order an admin set: pure, before the plan is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from connector.domain.billing_plan import Catalogue
from connector.domain.deal import Deal, LineItem, Product
from connector.errors import CannotBill
from mappings.model import PriceRules
from mappings.sentences import NO_PRICE

_SOURCE_NAMES: Mapping[str, str] = {
    "price_id": "a price id on the product",
    "lookup_key": "a price whose lookup key is the product's code",
    "product_table": "an entry in the mapping's product table",
}


def prices_asked(deal: Deal, rules: PriceRules) -> tuple[list[str], list[str]]:
    """The price ids and the lookup keys that billing must be asked for: only those that may be used."""
    ids: set[str] = set()
    keys: set[str] = set()
    for line in deal.line_items:
        for source in rules.order:
            candidate = _candidate(line.product, source, rules)
            if candidate and source == "lookup_key":
                keys.add(candidate)
            elif candidate:
                ids.add(candidate)
            if source == "inline" or (candidate and source != "lookup_key"):
                break  # taken as it is: nothing after it is asked
    return sorted(ids), sorted(keys)


def choose_prices(deal: Deal, catalogue: Catalogue, rules: PriceRules) -> Deal:
    """The deal with each product's ``price_id`` set to what it is billed by, or empty where it is not a price id.

    A price that is found by its lookup key stays with the product's code; one that may not be found that way is not
    in the catalogue (``prices_asked``).

    Raises:
        CannotBill: a line finds no price, and the order does not end in a price of its own.
    """
    return replace(deal, line_items=tuple(_priced(line, catalogue, rules) for line in deal.line_items))


def _priced(line: LineItem, catalogue: Catalogue, rules: PriceRules) -> LineItem:
    for source in rules.order:
        candidate = _candidate(line.product, source, rules)
        if source == "inline" or (source == "lookup_key" and candidate in catalogue.by_lookup_key):
            return replace(line, product=replace(line.product, price_id=""))
        if candidate and source != "lookup_key":
            return replace(line, product=replace(line.product, price_id=candidate))
    raise CannotBill.because(
        NO_PRICE,
        ref=line.ref,
        line=line.product.name or line.ref.id,
        sources=" or ".join(_SOURCE_NAMES[source] for source in rules.order),
    )


def _candidate(product: Product, source: str, rules: PriceRules) -> str:
    """What a source has for the product: a price id, or a lookup key."""
    match source:
        case "price_id":
            return product.price_id
        case "lookup_key":
            return product.code
        case "product_table":
            return rules.products.get(product.code, "") if product.code else ""
        case _:
            return ""
