"""A mapping file is read whole or refused in sentences, however broken or hostile it is."""

from __future__ import annotations

import json
from decimal import Decimal
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.canonical import NEEDED
from mappings.load import LARGEST_FILE, BrokenMapping, as_body, default_mapping, from_body, load
from mappings.model import FieldRule

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


def shipped() -> list[str]:
    folder = resources.files("mappings").joinpath("defaults")
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


@pytest.mark.parametrize("crm", shipped())
def test_every_mapping_we_ship_can_be_loaded_and_feeds_all_that_billing_needs(crm: str) -> None:
    mapping = default_mapping(crm)

    assert mapping.crm == crm or crm.startswith(mapping.crm)
    assert {rule.canonical for rule in mapping.deal} >= NEEDED["deal"]
    assert {rule.canonical for rule in mapping.line_item} >= NEEDED["line_item"]
    assert set(mapping.write_back) <= set(mapping.objects)
