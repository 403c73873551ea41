"""A mapping written as a file is the same mapping again, and two mappings differ in sentences."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.diff import mapping_differences, rule_says, same
from mappings.dump import as_toml
from mappings.load import as_body, default_mapping, default_names, from_body, load
from mappings.model import FieldMapping, FieldRule, PriceRules


@pytest.mark.parametrize("name", default_names())
def test_each_mapping_we_ship_survives_export_and_import(name: str) -> None:
    shipped = default_mapping(name)

    again = load(as_toml(shipped))

    assert again == shipped
    assert as_toml(again) == as_toml(shipped)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
_NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)


@settings(max_examples=100, deadline=None)
@given(
    default=st.one_of(_TEXT, st.integers(-(10**6), 10**6), st.booleans()),
    table=st.dictionaries(_TEXT, st.one_of(_TEXT, st.integers(-9, 9)), max_size=3),
    label=st.text(st.characters(exclude_characters="[]{}", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9),
    codes=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9).filter(str.strip),
        st.from_regex(r"price_[A-Za-z0-9]{1,9}", fullmatch=True),
        max_size=3,
    ),
    target=_NAME,
)
def test_whatever_stands_in_a_mapping_survives_export_and_import(
    default: Any, table: dict[str, Any], label: str, codes: dict[str, str], target: str
) -> None:
    """Quotes, control characters, emoji and signs that mean something in TOML."""
    body = {
        "crm": "hubspot",
        "version": 7,
        "objects": {"deal": "deal"},
        "deal": [
            {"canonical": "deal.name", "field": f"company[{label}].name", "args": {"default": default, "table": table}}
        ],
        "line_item": [],
        "write_back": {"deal": {"mrr": target}},
        "prices": {"order": ["product_table", "inline"], "products": codes},
    }
    mapping = from_body(body)

    assert load(as_toml(mapping)) == mapping
    assert from_body(json.loads(json.dumps(as_body(mapping)))) == mapping


A = FieldMapping(
    "hubspot",
    1,
    {"deal": "deal"},
    deal=(FieldRule("deal.name", "deal.dealname", required=True), FieldRule("terms.po_number", "deal.po")),
    line_item=(FieldRule("line.quantity", "line_item.quantity", "decimal"),),
    write_back={"deal": {"mrr": "billing_mrr", "health": "billing_health"}},
)


def test_a_mapping_does_not_differ_from_itself_under_another_number() -> None:
    assert mapping_differences(A, replace(A, version=9)) == []
    assert same(A, replace(A, version=9))


def test_every_difference_is_a_sentence() -> None:
    b = replace(
        A,
        objects={"deal": "deal", "account": "company"},
        deal=(
            FieldRule("deal.name", "deal.title", required=True),
            FieldRule("terms.net_days", "deal.terms", "net_days", {"default": "30", "table": {"sofort": "0"}}),
        ),
        prices=PriceRules(("lookup_key",), {"SEAT": "price_1"}),
        write_back={"deal": {"mrr": "monthly"}, "account": {"mrr": "billing_mrr"}},
    )

    assert mapping_differences(A, b) == [
        "deal.name is read from deal.title, required (was deal.dealname, required).",
        "terms.po_number is no longer read (was deal.po).",
        "terms.net_days is now read from deal.terms as net_days (default 30, table {sofort = 0}).",
        "prices: order is lookup_key (was price_id, lookup_key, product_table, inline).",
        "product table: SEAT has the price price_1.",
        "deal: mrr is written to monthly (was billing_mrr).",
        "deal: health is gone (was billing_health).",
        "account: mrr is written to billing_mrr.",
        "objects: account is company.",
    ]
    assert not same(A, b)


def test_the_order_in_which_rules_are_asked_is_a_difference() -> None:
    first, second = FieldRule("deal.name", "deal.a"), FieldRule("deal.name", "deal.b")

    assert mapping_differences(replace(A, deal=(first, second)), replace(A, deal=(second, first))) == [
        "deal.name is read from deal.b, else deal.a (was deal.a, else deal.b)."
    ]


def test_a_rule_says_what_it_does() -> None:
    rule = FieldRule("deal.amount", "", "first_of", {"fields": ["deal.a", "deal.b"], "then": "decimal"})

    assert rule_says(rule) == "the mapping itself as first_of (fields deal.a, deal.b, then decimal)"


def test_a_decimal_in_a_rule_is_written_as_its_text() -> None:
    mapping = replace(A, deal=(*A.deal, FieldRule("deal.amount", "deal.a", "decimal", {"default": Decimal("1.50")})))

    assert 'default = "1.50"' in as_toml(mapping)
    assert load(as_toml(mapping)).deal[-1].args == {"default": "1.50"}
