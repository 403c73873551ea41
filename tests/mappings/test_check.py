"""A mapping held against a CRM's fields: each kind of mistake is found, and nothing is found in a sound one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from mappings.check import Finding, Written, check
from mappings.model import FieldMapping, FieldRule, PriceRules


@dataclass(frozen=True)
class Known:
    name: str
    type: str = "text"
    writable: bool = True
    choices: tuple[str, ...] = ()
    length: int | None = None
    scale: int | None = None
    references: tuple[str, ...] = ()
    relation: str = ""


def fields(*known: Known) -> dict[str, Known]:
    return {field.name: field for field in known}


CATALOG = {
    "deal": fields(
        Known("dealname"),
        Known("company_name"),
        Known("amount", "money", scale=2),
        Known("terms", "choice", choices=("Net 30", "Net 60")),
        Known("frequency", "choice", choices=("Monthly", "Every other Tuesday")),
        Known("type", "choice", choices=("New Business", "Existing Business", "Renewal")),
        Known("months", "number", scale=0),
        Known("odd_months", "number", scale=2),
        Known("notes", "long_text", length=32_000),
        Known("closed", "checkbox"),
        Known("closedate", "datetime"),
        Known("owner_id", "reference", references=("owner", "queue"), relation="owner"),
        Known("parent_id", "reference", references=("deal",), relation="parent"),
        Known("campaign_id", "reference", references=("campaign",), relation="campaign"),
    ),
    "company": fields(
        Known("name", length=255),
        Known("billing_mrr", "money", scale=2),
        Known("billing_health"),
        Known("days_to_close", writable=False),
        Known("rounded", "money", scale=0),
        Known("short", length=10),
        Known("colour", "choice", choices=("red", "blue")),
    ),
    "owner": fields(Known("email"), Known("phone")),
    "contact": fields(Known("email")),
}
OBJECTS = {"deal": "deal", "account": "company", "contact": "contact", "line_item": "line_item", "product": "product"}
DEAL = (FieldRule("deal.name", "deal.dealname"), FieldRule("account.name", "deal.company_name"))
LINES = (
    FieldRule("line.quantity", "line_item.quantity", "decimal"),
    FieldRule("line.unit_price", "line_item.price", "decimal"),
    FieldRule("product.name", "line_item.name"),
)
BOTH = frozenset({"account", "deal"})
WRITTEN = {
    "mrr": Written("money", BOTH, decimals=2),
    "health": Written("choice", BOTH, choices=("good", "late")),
    "customer_id": Written("text", BOTH, characters=40),
    "synced_at": Written("datetime", BOTH),
    "credit_hold": Written("checkbox", frozenset({"account"})),
}


def findings(
    *rules: FieldRule,
    write_back: Mapping[str, Mapping[str, str]] | None = None,
    optional: tuple[str, ...] = (),
    **changes: Any,
) -> list[Finding]:
    values: dict[str, Any] = {
        "crm": "hubspot",
        "version": 1,
        "objects": OBJECTS,
        "deal": (*DEAL, *rules),
        "line_item": LINES,
        "write_back": write_back or {},
    }
    return check(FieldMapping(**{**values, **changes}), CATALOG, WRITTEN, optional)


def test_a_sound_mapping_has_no_findings() -> None:
    sound = [
        FieldRule("deal.amount", "deal.amount", "decimal"),
        FieldRule("deal.close_date", "deal.closedate", "date"),
        FieldRule("terms.net_days", "deal.terms", "net_days"),
        FieldRule("terms.net_days", "", "constant", {"value": 30, "then": "whole_number"}),
        FieldRule("terms.kind", "deal.type", "deal_kind"),
        FieldRule("terms.months", "deal.months", "months", {"default": "12"}),
        FieldRule("terms.collection", "", "constant", {"value": "send_invoice"}),
        FieldRule("account.phone", "deal.owner.phone"),
        FieldRule("account.domain", "deal.parent.parent.dealname"),
        FieldRule("contact.email", "contact[Billing].email", "email"),
        FieldRule("terms.auto_renew", "deal.type", "enum", {"table": {"Renewal": True}, "other": False}),
        FieldRule("metadata.anything", "deal.closed", "boolean"),
    ]
    targets = {
        "mrr": "billing_mrr",
        "health": "billing_health",
        "synced_at": "name",
    }

    assert findings(*sound, write_back={"account": targets}) == []


@pytest.mark.parametrize(
    ("rule", "id_", "says"),
    [
        (FieldRule("deal.currency", "deal.dealnam", "currency"), "unknown-field", "did you mean dealname?"),
        (FieldRule("deal.currency", "deal.zzz", "currency"), "unknown-field", "deal has no field zzz that we can see."),
        (FieldRule("account.phone", "deal.owner"), "unknown-field", "leads to another record"),
        (
            FieldRule("account.phone", "deal.owner.phones"),
            "unknown-field",
            "owner has no field phones that we can see, did",
        ),
        (FieldRule("account.phone", "deal.ownr.phone"), "unknown-relation", "no relation ownr, did you mean owner?"),
        (FieldRule("account.phone", "deal.dealname.phone"), "unknown-relation", "deal has no relation dealname."),
        (FieldRule("contact.email", "kontact.email", "email"), "unreachable-object", "kontact, did you mean contact?"),
        (FieldRule("contact.email", "line_item.email"), "unreachable-object", "deal rules cannot read line_item"),
        (FieldRule("contact.email", "contact[Billing].e_mail", "email"), "unknown-field", "did you mean email?"),
        (
            FieldRule("deal.amount", "deal.closed", "decimal"),
            "wrong-type",
            "a checkbox field, which decimal cannot read",
        ),
        (FieldRule("deal.amount", "deal.amount"), "wrong-kind", "holds a decimal, but text makes a text"),
        (FieldRule("terms.kind", "deal.dealname"), "wrong-kind", "holds one of amendment, cancellation, new, renewal"),
        (FieldRule("deal.amuont", "deal.amount", "decimal"), "unknown-name", "did you mean deal.amount?"),
        (FieldRule("line.quantity", "deal.amount", "decimal"), "unknown-name", "no canonical value line.quantity"),
        (FieldRule("metadata.crm_deal", "deal.dealname"), "metadata-name", "the connector itself uses"),
        (FieldRule(f"metadata.{'x' * 41}", "deal.dealname"), "metadata-name", "more than 40 characters"),
        (FieldRule("deal.amount", "deal.amount", "dezimal"), "conversion", "did you mean decimal?"),
        (FieldRule("deal.amount", "", "decimal"), "conversion", "needs a field"),
        (
            FieldRule("terms.net_days", "deal.terms", "net_days", {"default": "soon"}),
            "conversion",
            "'soon' does not say in how many days",
        ),
        (
            FieldRule("terms.collection", "deal.terms", "enum", {"table": {"net 30": "send_invoice"}}),
            "untranslated-choice",
            "'Net 60', which enum cannot translate",
        ),
        (
            FieldRule("terms.kind", "deal.frequency", "interval"),
            "wrong-kind",
            "but interval makes an interval",
        ),
        (
            FieldRule("terms.collection", "deal.terms", "enum", {"table": {"Net 30": "invoice", "Net 60": "sent"}}),
            "untranslated-choice",
            "'Net 30', which enum cannot translate",
        ),
        (
            FieldRule("terms.collection", "deal.closed", "enum", {"table": {"true": "send"}, "other": "send_invoice"}),
            "table-value",
            "the rule gives 'send', which is not one of charge_automatically, send_invoice",
        ),
        (
            FieldRule("terms.start", "deal.closedate", "first_of", {"fields": ["deal.strat"], "then": "date"}),
            "unknown-field",
            "deal has no field strat",
        ),
        (
            FieldRule("terms.start", "deal.closedate", "first_of", {"fields": ["deal.closed"], "then": "date"}),
            "wrong-type",
            "deal.closed is a checkbox field, which date cannot read",
        ),
        (
            FieldRule("terms.start", "", "constant", {"value": "2026-01-01"}),
            "wrong-kind",
            "holds a date, but constant makes a text",
        ),
        (
            FieldRule("terms.collection", "", "constant", {"value": "post"}),
            "table-value",
            "'post', which is not one of",
        ),
    ],
)
def test_each_mistake_of_a_rule_is_found(rule: FieldRule, id_: str, says: str) -> None:
    """And is serious: a deal would wait for a person, or be billed without what the rule should read."""
    found = [finding for finding in findings(rule) if finding.id == f"mapping-{id_}"]

    assert says in found[0].sentence
    assert found[0].serious
    assert found[0].hint


@pytest.mark.parametrize(
    ("rule", "id_", "says"),
    [
        (FieldRule("terms.months", "deal.odd_months", "months"), "lost-decimals", "2 decimals, which months"),
        (FieldRule("terms.po_number", "deal.notes"), "lost-text", "32000 characters, but terms.po_number takes 140"),
        (FieldRule("metadata.note", "deal.notes"), "lost-text", "metadata.note takes 500"),
    ],
)
def test_what_would_lose_precision_is_told_and_may_be_meant(rule: FieldRule, id_: str, says: str) -> None:
    (finding,) = findings(rule)

    assert (finding.id, finding.serious) == (f"mapping-{id_}", False)
    assert says in finding.sentence


def test_each_picklist_value_that_a_conversion_cannot_read_is_named() -> None:
    lines = (*LINES, FieldRule("line.interval", "line_item.frequency", "interval"))
    catalog = {
        **CATALOG,
        "line_item": fields(Known("quantity"), Known("price"), Known("name"), CATALOG["deal"]["frequency"]),
    }
    mapping = FieldMapping("hubspot", 1, OBJECTS, DEAL, lines)

    (finding,) = check(mapping, catalog)

    assert finding.sentence == "line_item.frequency may be 'Every other Tuesday', which interval cannot translate."


def test_every_choice_counts_as_translated_once_the_rule_says_what_the_others_mean() -> None:
    table = {"table": {"Net 30": "send_invoice"}, "other": "charge_automatically"}

    assert findings(FieldRule("terms.collection", "deal.terms", "enum", table)) == []


def test_a_missing_field_beside_another_rule_for_the_same_value_is_no_serious_mistake() -> None:
    """The next rule is asked; a field that is required, or stands alone, is one."""
    alone = FieldRule("terms.po_number", "deal.po_number")
    spare = FieldRule("terms.po_number", "deal.dealname")
    required = FieldRule("terms.po_number", "deal.po_number", required=True)

    assert [finding.serious for finding in findings(alone)] == [True]
    assert [finding.serious for finding in findings(alone, spare)] == [False]
    assert [finding.serious for finding in findings(required, spare)] == [True]


def test_optional_fields_that_are_not_there_are_told_in_one_sentence() -> None:
    rules = (FieldRule("terms.po_number", "deal.billing_po"), FieldRule("terms.amends", "deal.billing_amends"))

    (finding,) = findings(*rules, optional=("deal.billing_po", "deal.billing_amends"))

    assert finding.sentence.startswith("2 optional fields of the shipped mapping are not there")
    assert not finding.serious


def test_a_needed_value_that_no_rule_feeds_is_found() -> None:
    found = findings(deal=DEAL[:1], line_item=LINES[1:])

    assert [(finding.id, finding.where) for finding in found] == [
        ("mapping-no-rule", "account.name"),
        ("mapping-no-rule", "line.quantity"),
    ]


@pytest.mark.parametrize(
    ("targets", "id_", "says"),
    [
        (
            {"mrr": "billing_mmr"},
            "unknown-target",
            "company.billing_mmr, which does not exist, did you mean billing_mrr?",
        ),
        ({"mrr": "days_to_close"}, "read-only-target", "company.days_to_close cannot be written, so mrr cannot show."),
        ({"helth": "name"}, "unknown-written", "no value helth that a record of the kind account shows, did you mean"),
        ({"synced_at": "billing_mrr"}, "target-type", "is a money field, which cannot hold synced_at (a datetime)"),
        ({"mrr": "rounded"}, "target-decimals", "company.rounded keeps 0 decimals, but mrr has 2."),
        ({"customer_id": "short"}, "target-short", "company.short holds 10 characters, too few for customer_id."),
        ({"health": "colour"}, "target-choice", "company.colour does not offer good, which health may be."),
        ({"mrr": "name", "customer_id": "name"}, "shared-target", "company.name is to show both mrr and customer_id."),
    ],
)
def test_a_target_that_cannot_hold_what_is_written_is_found(targets: dict[str, str], id_: str, says: str) -> None:
    found = findings(write_back={"account": targets})

    assert found[0].id == f"mapping-{id_}"
    assert says in found[0].sentence
    assert found[0].hint


def test_a_value_that_only_accounts_show_cannot_be_written_to_deals() -> None:
    (finding,) = findings(write_back={"deal": {"credit_hold": "closed"}})

    assert finding.id == "mapping-unknown-written"


def test_a_write_back_to_a_kind_without_an_object_is_found() -> None:
    (finding,) = findings(write_back={"accuont": {"mrr": "x"}})

    assert finding.id == "mapping-no-object"
    assert "did you mean account?" in finding.sentence


def test_objects_that_were_not_described_are_not_judged() -> None:
    rule = FieldRule("contact.phone", "deal.campaign.whatever")

    assert findings(rule, objects={**OBJECTS, "account": "Unseen"}, write_back={"account": {"mrr": "x"}}) == []


@pytest.mark.parametrize(
    ("prices", "id_"),
    [
        (PriceRules(("price_id", "inline"), {"SEAT": "price_1"}), "mapping-prices-unused"),
        (PriceRules(("price_id",)), "mapping-prices-unfed"),
        (PriceRules(("lookup_key", "product_table"), {"SEAT": "price_1"}), "mapping-prices-unfed"),
    ],
)
def test_an_order_of_prices_that_no_line_could_follow_is_found(prices: PriceRules, id_: str) -> None:
    assert [finding.id for finding in findings(prices=prices)] == [id_]


def test_an_order_of_prices_that_rules_feed_is_sound() -> None:
    lines = (*LINES, FieldRule("product.code", "product.sku"), FieldRule("product.price_id", "product.price"))

    assert findings(line_item=lines, prices=PriceRules(("price_id",))) == []
    assert findings(line_item=lines, prices=PriceRules(("lookup_key",))) == []
    assert findings(line_item=lines, prices=PriceRules(("product_table",), {"SEAT": "price_1"})) == []


def test_more_free_values_than_billing_takes_are_found() -> None:
    rules = [FieldRule(f"metadata.m{number}", "deal.dealname") for number in range(41)]

    (finding,) = findings(*rules)

    assert "there are 41 free values, and billing takes 40" in finding.sentence
