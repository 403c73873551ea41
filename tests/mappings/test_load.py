"""A mapping file is read whole or refused in sentences, however broken or hostile it is."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.canonical import NEEDED
from mappings.load import (
    LARGEST_FILE,
    BrokenMapping,
    as_body,
    default_mapping,
    default_names,
    default_text,
    from_body,
    load,
)
from mappings.model import FieldRule, PriceRules

GOOD = """
crm = "hubspot"
version = 3

[objects]
deal = "deal"
account = "company"

[[deal]]
canonical = "deal.name"
field = "deal.dealname"
required = true

[[deal]]
canonical = "terms.net_days"
field = "deal.payment_terms"
transform = "net_days"
args = { default = "30", table = { "sofort" = "0" } }

[[line_item]]
canonical = "line.quantity"
field = "line_item.quantity"
transform = "decimal"

[write_back.account]
open_balance = "billing_open_balance"
"""
RULE = '[objects]\ndeal = "deal"\n[[deal]]\n'


def sentences(text: str | bytes) -> tuple[str, ...]:
    with pytest.raises(BrokenMapping) as caught:
        load(text)
    return caught.value.sentences


def test_a_good_file_becomes_the_mapping_it_describes() -> None:
    mapping = load(GOOD.encode())

    assert (mapping.crm, mapping.version, mapping.objects) == ("hubspot", 3, {"deal": "deal", "account": "company"})
    assert mapping.deal == (
        FieldRule("deal.name", "deal.dealname", required=True),
        FieldRule("terms.net_days", "deal.payment_terms", "net_days", {"default": "30", "table": {"sofort": "0"}}),
    )
    assert mapping.line_item == (FieldRule("line.quantity", "line_item.quantity", "decimal"),)
    assert mapping.write_back == {"account": {"open_balance": "billing_open_balance"}}


def test_a_mapping_survives_json_and_back() -> None:
    mapping = load(GOOD)

    assert from_body(json.loads(json.dumps(as_body(mapping)))) == mapping


def test_a_decimal_argument_survives_json_as_its_text() -> None:
    body = as_body(load(GOOD.replace('args = { default = "30"', "args = { default = 30.5")))

    assert body["deal"][1]["args"]["default"] == "30.5"
    assert load(GOOD.replace('default = "30"', "default = 30.5")).deal[1].args["default"] == Decimal("30.5")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (RULE + 'canonical = "deal.name"\nfield = "deal.x"', "crm is missing."),
        ('crm = "x"\n' + RULE + 'feld = "deal.x"', "deal number 1 feld is not a setting of a mapping."),
        ('crm = "x"\n' + RULE + 'field = "deal.x"', "deal number 1 canonical is missing."),
        (
            'crm = "x"\n' + RULE + 'canonical = "deal.name"\nfield = "dealname"',
            "deal number 1 field is not a name or path that can be used here.",
        ),
        (
            'crm = "x"\n' + RULE + 'canonical = "deal.nmae"\nfield = "deal.x"',
            "[[deal]] number 1 (deal.nmae): there is no such canonical value, did you mean deal.name?",
        ),
        (
            'crm = "x"\n' + RULE + 'canonical = "line.quantity"\nfield = "deal.x"',
            "[[deal]] number 1 (line.quantity): there is no such canonical value.",
        ),
        (
            'crm = "x"\n' + RULE + 'canonical = "deal.name"\nfield = "deal.x"\ntransform = "txt"',
            "[[deal]] number 1 (deal.name): there is no conversion called 'txt', did you mean text?",
        ),
        (
            'crm = "x"\n' + RULE + 'canonical = "deal.name"',
            "[[deal]] number 1 (deal.name): text needs a field to read.",
        ),
        (
            'crm = "x"\n' + RULE + 'canonical = "deal.name"\nfield = "deal.x"\ntransform = "enum"',
            "[[deal]] number 1 (deal.name): enum needs the argument table.",
        ),
        (
            'crm = "x"\n' + RULE + 'canonical = "deal.name"\nfield = "deal.x"\nargs = { defalt = "x" }',
            "[[deal]] number 1 (deal.name): text takes no argument 'defalt', did you mean default?",
        ),
        (
            'crm = "x"\n' + RULE + 'canonical = "deal.name"\nfield = "deal.x"\nargs = { default = [] }',
            "[[deal]] number 1 (deal.name): the argument default has the wrong type.",
        ),
        (
            'crm = "x"\n'
            + RULE
            + 'canonical = "deal.name"\nfield = "deal.x"\ntransform = "regex"\nargs = { pattern = "(a+)+" }',
            "[[deal]] number 1 (deal.name): the pattern repeats a group, which can take for ever to match.",
        ),
        (
            'crm = "x"\n'
            + RULE
            + 'canonical = "deal.name"\ntransform = "constant"\nargs = { value = 1, then = "enum" }',
            "[[deal]] number 1 (deal.name): 'enum' cannot follow another conversion.",
        ),
        (
            'crm = "x"\n'
            + RULE
            + 'canonical = "deal.amount"\nfield = "deal.x"\ntransform = "decimal"\nargs = { decimal_mark = ";" }',
            "[[deal]] number 1 (deal.amount): decimal_mark is either a point or a comma.",
        ),
        (
            'crm = "x"\n'
            + RULE
            + 'canonical = "terms.start"\nfield = "deal.x"\ntransform = "date"\nargs = { timezone = "../x" }',
            "[[deal]] number 1 (terms.start): there is no time zone '../x'.",
        ),
        (
            'crm = "x"\n' + RULE + 'canonical = "deal.name"\ntransform = "first_of"\nargs = { fields = ["x"] }',
            "[[deal]] number 1 (deal.name): fields is a list of CRM paths, such as Opportunity.Amount.",
        ),
        (
            'crm = "x"\n' + RULE + 'canonical = "deal.name"\nfield = "deal.x"\nargs = { table = { a = [] } }',
            "[[deal]] number 1 (deal.name): table holds plain values only.",
        ),
        (
            'crm = "x"\n' + RULE + 'canonical = "deal.name"\ntransform = "template"\nargs = { template = "hello" }',
            (
                "[[deal]] number 1 (deal.name): "
                "template is a short text with CRM paths in braces, such as {Opportunity.Name}."
            ),
        ),
        ("crm = 'x'\n[objects]\n", "deal is missing."),
        ("crm = 'x'\ndeal = []\n[objects]", "deal: list should have at least 1 item after validation, not 0."),
        (b"\xff\xfe", "The file is not UTF-8 text (byte 0)."),
        ("x" * (LARGEST_FILE + 1), "The file is larger than 256 KiB."),
        ("a = " + "[" * 20 + "]" * 20, "The file is nested deeper than 8 levels."),
        (
            "a = " + "[" * 100_000,
            "The file holds a value that cannot be read: nested too deep, or a number too long.",
        ),
        (
            "a = " + "9" * 10_000,
            "The file holds a value that cannot be read: nested too deep, or a number too long.",
        ),
    ],
)
def test_each_kind_of_mistake_has_its_sentence(text: str | bytes, sentence: str) -> None:
    assert sentence in sentences(text)


def test_a_file_that_is_not_toml_is_told_with_its_place() -> None:
    (sentence,) = sentences("crm = = 1")
    assert sentence.startswith("The file is not TOML: ")
    assert "line 1" in sentence


def test_every_mistake_of_a_file_is_told_at_once() -> None:
    text = 'crm = "x"\n' + RULE + 'canonical = "deal.nope"\ntransform = "txt"\n[[deal]]\ncanonical = "deal.name"'

    assert len(sentences(text)) == 3


@settings(max_examples=150)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300), st.text("[]{}=\"'\n.,#abc1:", max_size=120)))
def test_no_content_whatever_ends_in_a_traceback(content: str | bytes) -> None:
    with pytest.raises(BrokenMapping):
        load(content)


@settings(max_examples=100)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.sampled_from(["crm", "deal", "objects", "canonical", "field", "args", "x"]), inner),
        ),
    )
)
def test_no_stored_body_whatever_ends_in_a_traceback(body: object) -> None:
    with pytest.raises(BrokenMapping):
        from_body({"crm": "x", "deal": body, "objects": body})


@pytest.mark.parametrize("crm", ["pipedrive", "../load", "", "a.b"])
def test_a_crm_without_a_default_mapping_is_told_so(crm: str) -> None:
    with pytest.raises(BrokenMapping, match="There is no default mapping"):
        default_mapping(crm)


@pytest.mark.parametrize("crm", default_names())
def test_every_mapping_we_ship_can_be_loaded_and_feeds_all_that_billing_needs(crm: str) -> None:
    mapping = default_mapping(crm)

    assert mapping.crm == crm or crm.startswith(mapping.crm)
    assert {rule.canonical for rule in mapping.deal} >= NEEDED["deal"]
    assert {rule.canonical for rule in mapping.line_item} >= NEEDED["line_item"]
    assert set(mapping.write_back) <= set(mapping.objects)


def test_a_mapping_we_ship_is_version_0_and_a_variant_belongs_to_its_crm() -> None:
    """Saved versions count from 1, so that a Link never mistakes the one for the other."""
    assert {default_mapping(name).version for name in default_names()} == {0}
    assert default_names("salesforce") == ("salesforce", "salesforce-cpq")
    assert default_mapping("salesforce-cpq").crm == "salesforce"
    assert "# " in default_text("hubspot")


def test_the_order_of_prices_and_the_product_table_are_read() -> None:
    text = GOOD + '\n[prices]\norder = ["product_table", "lookup_key"]\n[prices.products]\n"SKU 1/a" = "price_1Ab"\n'

    mapping = load(text)

    assert mapping.prices == PriceRules(("product_table", "lookup_key"), {"SKU 1/a": "price_1Ab"})
    assert from_body(json.loads(json.dumps(as_body(mapping)))) == mapping
    assert load(GOOD).prices == PriceRules()


@pytest.mark.parametrize(
    ("prices", "says"),
    [
        ('order = ["lookup_keys"]', "no price source called 'lookup_keys', did you mean lookup_key?"),
        ('order = ["inline", "inline"]', "prices order names a source twice."),
        ("order = []", "prices order"),
        ("order = 3", "prices order"),
        ('odrer = ["inline"]', "prices odrer is not a setting of a mapping."),
        ("products = { A = 1 }", "prices products A"),
        ('products = { A = "price 1" }', "prices products A is not a name or path that can be used here."),
        ('products = { "\\u0000" = "price_1" }', "prices products"),
    ],
)
def test_a_mistake_in_the_prices_has_its_sentence(prices: str, says: str) -> None:
    assert any(says in sentence for sentence in sentences(f"{GOOD}\n[prices]\n{prices}\n"))


@pytest.mark.parametrize(
    "path",
    [
        "company[Bill To].name",
        "company[Zahlt für: 100%].name",
        "Opportunity.Account.Owner.Email",
        "contact[Acc. Payable].email",
    ],
)
def test_a_path_may_go_through_relations_or_name_a_label(path: str) -> None:
    mapping = load(GOOD.replace("deal.dealname", path))

    assert mapping.paths("deal")[0] == path


@pytest.mark.parametrize(
    "path",
    [
        "company[].name",
        "company[Bill To]",
        "company[a[b]].name",
        "company.name[Bill To]",
        "company[{x}].name",
        "company[a\\nb].name",
        "../../etc/passwd",
        "company..name",
        ".name",
        "company. name",
        "company.näme",
        "company.name; DROP TABLE link",
        "x." + "y" * 400,
        f"company[{'l' * 200}].name",
    ],
)
def test_what_is_no_path_is_refused_in_a_sentence(path: str) -> None:
    (sentence,) = sentences(GOOD.replace("deal.dealname", path))

    assert sentence.startswith("deal number 1 field")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("metadata.crm_deal", "crm_deal is a name that the connector itself uses."),
        ("metadata.crm_anything", "crm_anything is a name that the connector itself uses."),
        ("metadata.contract_end", "contract_end is a name that the connector itself uses."),
        ("metadata.changed_by", "changed_by is a name that the connector itself uses."),
        (f"metadata.{'m' * 41}", "the name has more than 40 characters."),
    ],
)
def test_a_free_value_cannot_speak_in_the_connectors_place(name: str, says: str) -> None:
    """The metadata by which we find what we made decides whether a deal is billed twice."""
    (sentence,) = sentences(GOOD.replace('"deal.name"', f'"{name}"'))

    assert sentence == f"[[deal]] number 1 ({name}): {says}"


@pytest.mark.parametrize(
    "text",
    [
        GOOD + "[write_back.deal]\n" + "".join(f"a{n} = 'b'\n" for n in range(20_000)),
        GOOD + "[prices.products]\n" + "".join(f"a{n} = 'b'\n" for n in range(10_000)),
        GOOD + "[[deal]]\ncanonical = 'deal.amount'\n" * 2_000,
        GOOD + "[write_back." + ".".join("a" * 3 for _ in range(2_000)) + "]\nx = 'y'",
        GOOD + "x = " + "{a=" * 5_000 + "1" + "}" * 5_000,
        GOOD + "\n".join(f"[objects{n}]" for n in range(5_000)),
        GOOD + '[[deal]]\ncanonical = "deal.amount"\nfield = "deal.x"\nargs = { default = 1e999999999 }',
        GOOD + '[[deal]]\ncanonical = "deal.amount"\nfield = "deal.x"\nargs = { default = nan }',
        GOOD + '[[deal]]\ncanonical = "deal.name"\nfield = "deal.x"\nargs = { default = 1979-05-27T07:32:00Z }',
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r"),
        GOOD.replace("hubspot", "hub\x00spot"),
        GOOD.replace("version = 3", "version = 99999999999"),
        GOOD.replace("version = 3", "version = '3'"),
        GOOD.replace("version = 3", "version = true"),
        GOOD.replace('deal = "deal"', 'deal = "../deal"'),
    ],
    ids=range(16),
)
def test_a_hostile_file_is_refused_in_few_words(text: str) -> None:
    """Whatever its size or depth, and without taking long."""
    found = sentences(text.encode())

    assert found
    assert all(len(sentence) < 600 for sentence in found)
