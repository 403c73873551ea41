"""read and write follow the table: first value wins, a needed value that is missing names its field."""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType

import pytest

from mappings.apply import read, read_all, value_at, write
from mappings.model import FieldMapping, FieldRule, MappingProblem

RECORDS = {
    "Opportunity": {
        "Name": "Acme, 5 seats",
        "Amount": Decimal("1200.00"),
        "Account": {"Name": "Acme GmbH", "Owner": {"Email": "olga@example.com"}, "Parent": None},
        "Terms__c": " ",
        "Legacy_Terms__c": "Net 45",
    }
}


def rule(canonical: str, field: str, transform: str = "text", **others: object) -> FieldRule:
    return FieldRule(canonical, f"Opportunity.{field}" if field else "", transform, **others)  # type: ignore[arg-type]


def test_values_are_read_along_paths_through_relations() -> None:
    rules = [
        rule("deal.name", "Name"),
        rule("account.name", "Account.Name"),
        rule("contact.email", "Account.Owner.Email"),
    ]

    assert read(rules, RECORDS) == {
        "deal.name": "Acme, 5 seats",
        "account.name": "Acme GmbH",
        "contact.email": "olga@example.com",
    }


def test_what_the_crm_does_not_say_is_left_out() -> None:
    rules = [rule("account.name", "Account.Parent.Name"), rule("deal.name", "Nothing"), FieldRule("a.b", "Quote.Name")]

    assert read(rules, RECORDS) == {}


def test_the_first_rule_that_yields_a_value_wins() -> None:
    rules = [
        rule("terms.net_days", "Terms__c", "net_days"),
        rule("terms.net_days", "Legacy_Terms__c", "net_days"),
        rule("terms.net_days", "", "constant", args={"value": 30, "then": "whole_number"}),
    ]

    assert read(rules, RECORDS) == {"terms.net_days": 45}
    assert read(rules[::2], RECORDS) == {"terms.net_days": 30}


def test_a_value_that_cannot_be_read_is_a_problem_although_a_later_rule_could_stand_in() -> None:
    """Falling back in silence would bill on terms that nobody agreed to."""
    rules = [rule("terms.net_days", "Name", "net_days"), rule("terms.net_days", "Legacy_Terms__c", "net_days")]

    with pytest.raises(MappingProblem, match=r"Opportunity\.Name"):
        read(rules, RECORDS)


def test_a_needed_value_that_is_missing_names_the_crm_fields_and_the_canonical_value() -> None:
    rules = [rule("terms.po_number", "PO__c", required=True), rule("terms.po_number", "Account.PO__c")]

    with pytest.raises(MappingProblem) as caught:
        read(rules, RECORDS)

    problem = caught.value
    assert problem.message == "Opportunity.PO__c or Opportunity.Account.PO__c is empty, but terms.po_number is needed."
    assert (problem.canonical, problem.field) == ("terms.po_number", "Opportunity.PO__c")
    assert "Opportunity.PO__c" in problem.hint


def test_every_problem_is_told_at_once_beside_what_could_be_read() -> None:
    rules = [
        rule("deal.name", "Name"),
        rule("deal.currency", "Name", "currency"),
        rule("terms.po_number", "PO__c", required=True),
    ]

    reading = read_all(rules, RECORDS)

    assert reading.values == {"deal.name": "Acme, 5 seats"}
    assert [problem.canonical for problem in reading.problems] == ["deal.currency", "terms.po_number"]


def test_a_path_through_a_plain_value_is_a_problem_that_says_so() -> None:
    with pytest.raises(MappingProblem, match=r"Opportunity\.Name is a value, not a related record") as caught:
        read([rule("deal.name", "Name.First")], RECORDS)
    assert caught.value.canonical == "deal.name"


def test_a_relation_is_not_a_value() -> None:
    with pytest.raises(MappingProblem, match="not a single value"):
        read([rule("account.name", "Account")], RECORDS)
    assert value_at(RECORDS, "Opportunity.Account") == RECORDS["Opportunity"]["Account"]


def test_other_fields_are_read_by_rules_that_name_them() -> None:
    rules = [
        rule("terms.po_number", "PO__c", "first_of", args={"fields": ["Opportunity.Legacy_Terms__c"]}),
        rule("metadata.label", "", "template", args={"template": "{Opportunity.Account.Name}: {Opportunity.Amount}"}),
    ]

    assert read(rules, RECORDS) == {"terms.po_number": "Net 45", "metadata.label": "Acme GmbH: 1200.00"}


def test_a_mapping_knows_every_path_it_reads_so_that_one_call_can_fetch_them() -> None:
    mapping = FieldMapping(
        "salesforce",
        1,
        {},
        deal=(
            rule("deal.name", "Name"),
            rule("terms.po_number", "PO__c", "first_of", args={"fields": ["Opportunity.Account.PO__c"]}),
            rule("metadata.x", "", "template", args={"template": "{Opportunity.Name} {Opportunity.Owner.Name} {odd}"}),
            rule("metadata.y", "", "constant", args={"value": "x"}),
        ),
        line_item=(FieldRule("line.quantity", "OpportunityLineItem.Quantity", "decimal"),),
    )

    assert mapping.paths("deal") == (
        "Opportunity.Name",
        "Opportunity.PO__c",
        "Opportunity.Account.PO__c",
        "Opportunity.Owner.Name",
    )
    assert mapping.paths("line_item") == ("OpportunityLineItem.Quantity",)


def test_written_values_carry_the_crms_field_names_and_unmapped_ones_are_left_out() -> None:
    targets = {"account": MappingProxyType({"health": "Billing_Health__c", "mrr": "Billing_MRR__c", "currency": ""})}
    mapping = FieldMapping("salesforce", 1, {}, (), (), targets)

    assert write(mapping, "account", {"health": "good", "mrr": None, "currency": "eur", "late_payer": True}) == {
        "Billing_Health__c": "good",
        "Billing_MRR__c": None,
    }
    assert write(mapping, "deal", {"health": "good"}) == {}


def test_each_value_remembers_the_rule_and_the_paths_that_gave_it() -> None:
    rules = [
        rule("deal.name", "Name"),
        rule("terms.net_days", "Terms__c", "net_days"),
        rule("terms.net_days", "Legacy_Terms__c", "net_days"),
        rule("terms.po_number", "PO__c", "first_of", args={"fields": ["Opportunity.Legacy_Terms__c"]}),
        rule("metadata.label", "", "template", args={"template": "{Opportunity.Name} {Opportunity.No}", "missing": ""}),
        rule("terms.months", "Term__c", "months", args={"default": "12"}),
        rule("terms.collection", "", "constant", args={"value": "send_invoice"}),
    ]

    origins = read_all(rules, RECORDS).origins

    assert {name: origin.paths for name, origin in origins.items()} == {
        "deal.name": ("Opportunity.Name",),
        "terms.net_days": ("Opportunity.Legacy_Terms__c",),
        "terms.po_number": ("Opportunity.Legacy_Terms__c",),
        "metadata.label": ("Opportunity.Name",),
        "terms.months": (),
        "terms.collection": (),
    }
    assert origins["terms.net_days"].rule is rules[2]
    assert str(origins["terms.net_days"]) == "Opportunity.Legacy_Terms__c, as net_days"
    assert str(origins["deal.name"]) == "Opportunity.Name"
    assert str(origins["terms.months"]) == "the mapping itself, as months"


def test_a_label_in_brackets_picks_the_record_that_carries_it() -> None:
    """A label may hold blanks and dots; a template reads it, too."""
    records = {
        "company": {"name": "Child Ltd"},
        "company[Bill To]": {"name": "Parent plc"},
        "contact[Acc. Payable]": {"email": "ap@parent.example"},
    }
    rules = [
        FieldRule("account.name", "company.name"),
        FieldRule("payer.name", "company[Bill To].name"),
        FieldRule("contact.email", "contact[Acc. Payable].email", "email"),
        FieldRule("metadata.x", "", "template", {"template": "{company[Bill To].name}!"}),
        FieldRule("payer.phone", "company[Nobody].phone"),
    ]

    assert read(rules, records) == {
        "account.name": "Child Ltd",
        "payer.name": "Parent plc",
        "contact.email": "ap@parent.example",
        "metadata.x": "Parent plc!",
    }
    assert rules[3].paths() == ("company[Bill To].name",)


@pytest.mark.parametrize(
    ("rule_", "says", "sentence_id"),
    [
        (rule("terms.kind", "Name"), "is not one of amendment, cancellation, new, renewal", "mapping-value-unfit"),
        (rule("terms.start", "Name"), "is not a date, which terms.start needs", "mapping-value-unfit"),
        (rule("deal.amount", "Name"), "is not a decimal", "mapping-value-unfit"),
        (rule("terms.recipients", "Name"), "is not a text list", "mapping-value-unfit"),
        (rule("terms.auto_renew", "Amount", "decimal"), "is not a boolean", "mapping-value-unfit"),
        (rule("deal.name", "Amount", "decimal"), "is not a text", "mapping-value-unfit"),
        (
            rule("terms.free_months", "", "constant", args={"value": -1, "then": "whole_number"}),
            "less than zero",
            "mapping-value-negative",
        ),
        (
            rule("line.interval", "", "constant", args={"value": "monthly"}),
            "is not an interval",
            "mapping-value-unfit",
        ),
        (rule("deal.name", "Nothing", required=True), "is empty, but deal.name is needed", "mapping-value-missing"),
        (rule("deal.currency", "Name", "currency"), "is not a currency", "value-not-a-currency"),
        (rule("deal.name", "Name.First"), "is a value", "mapping-path-through-value"),
    ],
)
def test_a_value_that_its_name_cannot_hold_is_a_problem_of_the_catalogue(
    rule_: FieldRule, says: str, sentence_id: str
) -> None:
    """Nothing of the wrong kind ever reaches the planner, whatever conversion an admin chose."""
    (problem,) = read_all([rule_], RECORDS).problems

    assert says in problem.message
    assert problem.sentence_id == sentence_id
    assert problem.hint
    assert problem.canonical == rule_.canonical


def test_a_whole_number_will_do_where_a_decimal_is_held() -> None:
    values = read([rule("line.quantity", "", "constant", args={"value": 3, "then": "whole_number"})], RECORDS)

    assert values == {"line.quantity": Decimal(3)}
    assert isinstance(values["line.quantity"], Decimal)
