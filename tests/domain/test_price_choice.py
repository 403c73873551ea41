"""A line is billed by the first price that the admin's order finds, or its deal waits; no line is ever dropped."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from connector.domain.billing import Price
from connector.domain.billing_plan import Catalogue
from connector.domain.deal import Deal, Product
from connector.domain.price_choice import choose_prices, prices_asked
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from mappings.model import PriceRules
from tests.factories import MONTHLY, a_deal, a_line, ref

TABLE = {"SEAT": "price_table"}


def sold(price_id: str = "", code: str = "") -> Deal:
    return a_deal(line_items=(a_line(product=Product(ref("product"), "Seats", code=code, price_id=price_id)),))


def having(*lookup_keys: str) -> Catalogue:
    price = Price(RecordRef("stripe", "price", "price_key"), "prod_1", "eur", Decimal(2000), MONTHLY)
    return Catalogue(by_lookup_key={key: replace(price, lookup_key=key) for key in lookup_keys})


def chosen(deal: Deal, rules: PriceRules, catalogue: Catalogue) -> str:
    (line,) = choose_prices(deal, catalogue, rules).line_items
    assert line.product.code == deal.line_items[0].product.code
    return line.product.price_id


@pytest.mark.parametrize(
    ("order", "price_id", "code", "lookup", "expected"),
    [
        (("price_id", "lookup_key", "inline"), "price_own", "SEAT", True, "price_own"),
        (("lookup_key", "price_id", "inline"), "price_own", "SEAT", True, ""),
        (("lookup_key", "price_id", "inline"), "price_own", "SEAT", False, "price_own"),
        (("product_table", "price_id", "inline"), "price_own", "SEAT", False, "price_table"),
        (("lookup_key", "product_table"), "", "SEAT", False, "price_table"),
        (("lookup_key", "product_table"), "", "SEAT", True, ""),
        (("inline",), "price_own", "SEAT", True, ""),
        (("product_table", "inline"), "price_own", "OTHER", False, ""),
        (("price_id", "inline"), "", "", False, ""),
    ],
)
def test_the_first_source_that_has_a_price_wins(
    order: tuple[str, ...], price_id: str, code: str, lookup: bool, expected: str
) -> None:
    """An empty id means: by the code, where the catalogue has it, else the deal's own price."""
    catalogue = having(*(["SEAT"] if lookup else []))

    assert chosen(sold(price_id, code), PriceRules(order, TABLE), catalogue) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (("price_id", "lookup_key", "product_table", "inline"), (["price_own"], [])),
        (("lookup_key", "price_id", "inline"), (["price_own"], ["SEAT"])),
        (("product_table", "lookup_key", "inline"), (["price_table"], [])),
        (("lookup_key", "inline", "price_id"), ([], ["SEAT"])),
        (("inline",), ([], [])),
        (("price_id",), (["price_own"], [])),
    ],
)
def test_billing_is_asked_only_for_prices_that_may_be_used(
    order: tuple[str, ...], expected: tuple[list[str], list[str]]
) -> None:
    """A price that may not be found by its lookup key is never in the catalogue, and so is never found."""
    assert prices_asked(sold("price_own", "SEAT"), PriceRules(order, TABLE)) == expected


def test_each_price_is_asked_for_once() -> None:
    lines = (*sold("price_own", "SEAT").line_items * 3, *sold(code="SEAT").line_items * 2)

    assert prices_asked(a_deal(line_items=lines), PriceRules()) == (["price_own"], ["SEAT"])


@pytest.mark.parametrize(
    "order", [("price_id",), ("lookup_key",), ("product_table",), ("price_id", "lookup_key", "product_table")]
)
def test_a_product_without_a_price_parks_the_deal_and_is_not_dropped(order: tuple[str, ...]) -> None:
    deal = sold(code="UNKNOWN")

    with pytest.raises(CannotBill) as caught:
        choose_prices(deal, Catalogue(), PriceRules(order, TABLE))

    error = caught.value
    assert error.sentence_id == "product-without-price"
    assert (error.field, error.ref) == ("product.price_id", deal.line_items[0].ref)
    assert "“Seats” finds no price" in error.message
    assert "inline" in error.hint


def test_the_order_that_holds_without_a_word_is_the_one_of_before() -> None:
    """A price id, else the product's code, else the deal's own price on a product made once."""
    assert chosen(sold("price_own", "SEAT"), PriceRules(), having("SEAT")) == "price_own"
    assert chosen(sold("", "SEAT"), PriceRules(), having("SEAT")) == ""
    assert chosen(sold("", ""), PriceRules(), having()) == ""
