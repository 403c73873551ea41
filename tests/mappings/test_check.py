"""A mapping held against a CRM's fields: each kind of mistake is found, and nothing is found in a sound one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from mappings.check import Finding, check
from mappings.model import FieldMapping, FieldRule


@dataclass(frozen=True)
class Known:
    name: str
    type: str = "text"
    writable: bool = True
    choices: tuple[str, ...] = ()


def fields(*known: Known) -> dict[str, Known]:
    return {field.name: field for field in known}


CATALOG = {
    "deal": fields(
        Known("dealname"),
        Known("company_name"),
        Known("amount", "money"),
        Known("terms", "choice", choices=("Net 30", "Net 60")),
        Known("closed", "checkbox"),
        Known("closedate", "datetime"),
    ),
    "company": fields(Known("billing_mrr", "money"), Known("billing_health"), Known("days_to_close", writable=False)),
}
DEAL = (FieldRule("deal.name", "deal.dealname"), FieldRule("account.name", "deal.company_name"))
LINES = (
    FieldRule("line.quantity", "line_item.quantity", "decimal"),
    FieldRule("line.unit_price", "line_item.price", "decimal"),
    FieldRule("product.name", "line_item.name"),
)


def findings(
    *rules: FieldRule, write_back: Mapping[str, Mapping[str, str]] | None = None, **changes: Any
) -> list[Finding]:
    values: dict[str, Any] = {
        "crm": "hubspot",
        "version": 1,
        "objects": {"deal": "deal", "account": "company"},
        "deal": (*DEAL, *rules),
        "line_item": LINES,
        "write_back": write_back or {},
    }
    return check(FieldMapping(**{**values, **changes}), CATALOG)


def test_a_sound_mapping_has_no_findings() -> None:
    sound = [
        FieldRule("deal.amount", "deal.amount", "decimal"),
        FieldRule("deal.close_date", "deal.closedate", "date"),
        FieldRule("terms.net_days", "deal.terms", "net_days"),
        FieldRule("terms.net_days", "", "constant", {"value": 30, "then": "whole_number"}),
        FieldRule("account.phone", "deal.owner.phone"),
        FieldRule("metadata.anything", "deal.closed", "boolean"),
    ]

    assert findings(*sound, write_back={"account": {"mrr": "billing_mrr"}}) == []


@pytest.mark.parametrize(
    ("rule", "id_", "says"),
    [
        (FieldRule("deal.currency", "deal.dealnam", "currency"), "field", "did you mean dealname?"),
        (FieldRule("deal.currency", "deal.zzz", "currency"), "field", "deal has no field zzz"),
        (FieldRule("deal.amount", "deal.closed", "decimal"), "type", "a checkbox, which decimal cannot read"),
        (FieldRule("deal.amount", "deal.amount"), "kind", "holds a decimal, but text makes a text"),
        (FieldRule("deal.amuont", "deal.amount", "decimal"), "canonical", "did you mean deal.amount?"),
        (FieldRule("line.quantity", "deal.amount", "decimal"), "canonical", "no canonical value line.quantity"),
        (FieldRule("deal.amount", "deal.amount", "dezimal"), "conversion", "did you mean decimal?"),
        (FieldRule("deal.amount", "", "decimal"), "conversion", "needs a field"),
        (
            FieldRule("terms.collection", "deal.terms", "enum", {"table": {"net 30": "send_invoice"}}),
            "choice",
            "'Net 60', which has no translation",
        ),
        (
            FieldRule("terms.start", "deal.closedate", "first_of", {"fields": ["deal.strat"], "then": "date"}),
            "field",
            "deal has no field strat",
        ),
        (
            FieldRule("terms.start", "", "constant", {"value": "2026-01-01"}),
            "kind",
            "holds a date, but constant makes a text",
        ),
    ],
)
def test_each_mistake_of_a_rule_is_found_and_nothing_else(rule: FieldRule, id_: str, says: str) -> None:
    (finding,) = findings(rule)

    assert finding.id == id_
    assert says in finding.sentence


def test_every_choice_counts_as_translated_once_the_rule_says_what_the_others_mean() -> None:
    table = {"table": {"Net 30": "send_invoice"}, "other": "charge_automatically"}

    assert findings(FieldRule("terms.collection", "deal.terms", "enum", table)) == []


def test_a_needed_value_that_no_rule_feeds_is_found() -> None:
    found = findings(deal=DEAL[:1], line_item=LINES[1:])

    assert [(finding.id, finding.where) for finding in found] == [
        ("needed", "account.name"),
        ("needed", "line.quantity"),
    ]


@pytest.mark.parametrize(
    ("targets", "id_", "says"),
    [
        ({"mrr": "billing_mmr"}, "target", "did you mean billing_mrr?"),
        ({"mrr": "days_to_close"}, "read_only", "cannot be written"),
    ],
)
def test_a_target_that_cannot_be_written_is_found(targets: dict[str, str], id_: str, says: str) -> None:
    (finding,) = findings(write_back={"account": targets})

    assert finding.id == id_
    assert says in finding.sentence


def test_a_write_back_to_a_kind_without_an_object_is_found() -> None:
    (finding,) = findings(write_back={"contact": {"mrr": "x"}})

    assert finding.id == "object"


def test_objects_that_were_not_described_are_not_judged() -> None:
    assert findings(FieldRule("contact.email", "contact.emial", "email"), objects={"account": "Unseen"}) == []
