"""Mappings held against Salesforce's real describe answers, person accounts and an org with hundreds of fields."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import pytest

from connector.ports import FieldInfo
from mappings.check import Finding, check
from mappings.load import default_mapping
from mappings.model import FieldMapping, FieldRule
from tests.mappings.real_org import FIXTURES, real_org


@pytest.fixture
def catalog() -> dict[str, Mapping[str, FieldInfo]]:
    return real_org()


def with_rule(rule: FieldRule) -> FieldMapping:
    """The shipped mapping, in which an admin has changed how one value is read."""
    shipped = default_mapping("salesforce")
    others = tuple(each for each in shipped.deal if each.canonical != rule.canonical)
    return replace(shipped, deal=(*others, rule))


def judged(mapping: FieldMapping, catalog: Mapping[str, Mapping[str, FieldInfo]]) -> list[Finding]:
    """The findings that concern what we look at: the shipped mapping's optional fields are left out."""
    shipped = default_mapping("salesforce")
    optional = {*shipped.paths("deal"), *shipped.paths("line_item")}
    optional |= {f"{shipped.objects[kind]}.{name}" for kind, to in shipped.write_back.items() for name in to.values()}
    return [finding for finding in check(mapping, catalog, None, optional) if finding.serious]


def test_the_shipped_mapping_fits_a_real_org_before_anything_was_set_up(
    catalog: dict[str, Mapping[str, FieldInfo]],
) -> None:
    """What the org lacks is told in one sentence; nothing in it is a mistake."""
    assert judged(default_mapping("salesforce"), catalog) == []


@pytest.mark.parametrize(
    "rule",
    [
        FieldRule("account.billing_email", "Opportunity.Account.PersonEmail", "email"),
        FieldRule("account.address.line1", "Opportunity.Account.PersonMailingStreet"),
        FieldRule(
            "account.name",
            "",
            "template",
            {"template": "{Opportunity.Account.FirstName} {Opportunity.Account.LastName}", "missing": ""},
        ),
        FieldRule("metadata.vip", "Opportunity.Account.VIP__pc", "boolean"),
        FieldRule("payer.name", "Opportunity.Account.Parent.Name"),
        FieldRule("terms.po_number", "Opportunity.Custom_0__c"),
    ],
)
def test_a_rule_on_real_fields_is_sound(rule: FieldRule, catalog: dict[str, Mapping[str, FieldInfo]]) -> None:
    assert judged(with_rule(rule), catalog) == []


@pytest.mark.parametrize(
    ("rule", "id_", "says"),
    [
        (
            FieldRule("account.billing_email", "Opportunity.Account.PersonEmial", "email"),
            "mapping-unknown-field",
            "Account has no field PersonEmial that we can see, did you mean PersonEmail?",
        ),
        (
            FieldRule("account.phone", "Opportunity.AccountId.Phone"),
            "mapping-unknown-relation",
            "Opportunity has no relation AccountId, did you mean Account?",
        ),
        (
            FieldRule("account.name", "Opportunity.Account.Parnet.Name", required=True),
            "mapping-unknown-relation",
            "Account has no relation Parnet, did you mean Parent?",
        ),
        (
            FieldRule("deal.amount", "Opportunity.Custom_3__c", "decimal"),
            "mapping-wrong-type",
            "Opportunity.Custom_3__c is a checkbox field, which decimal cannot read.",
        ),
        (
            FieldRule("terms.start", "Opportunity.Account.PersonContactId", "date"),
            "mapping-wrong-type",
            "Opportunity.Account.PersonContactId is a reference field, which date cannot read.",
        ),
        (
            FieldRule("deal.currency", "Opprtunity.CurrencyIsoCode", "currency"),
            "mapping-unreachable-object",
            "deal rules cannot read Opprtunity, did you mean Opportunity?",
        ),
    ],
)
def test_each_mistake_is_found_among_hundreds_of_fields(
    rule: FieldRule, id_: str, says: str, catalog: dict[str, Mapping[str, FieldInfo]]
) -> None:
    (finding,) = judged(with_rule(rule), catalog)

    assert finding.id == id_
    assert says in finding.sentence


def test_every_value_of_a_real_picklist_is_tried(catalog: dict[str, Mapping[str, FieldInfo]]) -> None:
    """A standard org's Opportunity.Type speaks of new and existing customers; LeadSource of neither."""
    sound = with_rule(FieldRule("terms.kind", "Opportunity.Type", "deal_kind"))
    choices = catalog["Opportunity"]["LeadSource"].choices

    assert judged(sound, catalog) == []
    found = judged(with_rule(FieldRule("terms.kind", "Opportunity.LeadSource", "deal_kind")), catalog)
    assert len(found) == len(choices) > 1
    assert {finding.id for finding in found} == {"mapping-untranslated-choice"}


@pytest.mark.parametrize("target", ["IsDeleted", "LastModifiedDate", "PhotoUrl", "IsPersonAccount", "BillingAddress"])
def test_a_system_field_is_no_target(target: str, catalog: dict[str, Mapping[str, FieldInfo]]) -> None:
    mapping = replace(default_mapping("salesforce"), write_back={"account": {"synced_at": target}})

    (finding,) = judged(mapping, catalog)

    assert finding.sentence == f"Account.{target} cannot be written, so synced_at cannot show."


def test_a_check_of_many_mistakes_on_a_large_org_takes_no_noticeable_time(
    catalog: dict[str, Mapping[str, FieldInfo]],
) -> None:
    """Every path is wrong, so that every did-you-mean is looked for among all fields."""
    shipped = default_mapping("salesforce")
    wrong = tuple(replace(rule, field=f"{rule.field}x" if rule.field else "") for rule in shipped.deal)

    began = time.perf_counter()
    found = check(replace(shipped, deal=wrong), catalog)

    assert len(found) > len(wrong) // 2
    assert time.perf_counter() - began < 10


def test_the_fixtures_keep_their_licence_notice() -> None:
    notice = (FIXTURES / "NOTICE.md").read_text()

    assert "describe__account.json" in notice
    assert "BSD-3-Clause" in notice
