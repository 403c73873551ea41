"""Set-up and checks where the sandbox cannot lead: refusals halfway, odd answers, settings that need a word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connector.crm.salesforce.client import SalesforceClient
from connector.crm.salesforce.fields import wanted_fields
from connector.errors import AccessLost, NotFound, Rejected
from connector.ports import Check, CheckStatus, SetupAction
from mappings.model import FieldMapping
from tests.crm.salesforce.conftest import BASE, ORG_ID, URL, StubOrg, Turnstile, Wall, a_field, some_settings


@pytest.fixture
def bare(mapping: FieldMapping) -> FieldMapping:
    """A mapping that writes one field."""
    return replace(mapping, deal=(), line_item=(), write_back={"account": {"health": "Billing_Health__c"}})


def actions(client: SalesforceClient, org: StubOrg, mapping: FieldMapping) -> dict[str, SetupAction]:
    """The plan in an org that has nothing: four queries answer with nothing."""
    org.on("GET", "tooling/query", {"done": True, "records": []})
    org.answers_query([], [], [])
    return {action.id: action for action in client.setup(mapping)}


def apply(action: SetupAction) -> None:
    assert action.apply is not None
    action.apply()


def test_a_plan_reads_only(client: SalesforceClient, org: StubOrg, bare: FieldMapping) -> None:
    """What would be made, in order, and not a single POST but the sign-in."""
    plan = actions(client, org, bare)
    assert list(plan) == [
        "field Account.Billing_Health__c",
        "permission set Billing_Connector",
        "permissions of Billing_Connector",
        "assignment of Billing_Connector",
        "fields visible",
    ]
    assert not any(action.done for action in plan.values())
    posts = [call.request.url for call in org.wire.calls if call.request.method == "POST"]
    assert posts == [f"{URL}/services/oauth2/token"]


def test_only_fields_that_we_know_how_to_make_are_made(mapping: FieldMapping) -> None:
    """A standard field, an unknown canonical name or an unknown kind in the mapping makes none."""
    changed = replace(
        mapping,
        deal=(),
        line_item=(),
        write_back={"account": {"health": "Rating", "made_up": "Made_Up__c"}, "invoice": {"health": "X__c"}},
    )
    assert wanted_fields(changed) == []


def test_a_mapping_that_writes_nothing_needs_no_fields(
    client: SalesforceClient, org: StubOrg, bare: FieldMapping
) -> None:
    """Nor a Tooling call."""
    org.answers_query([], [], [])
    plan = client.setup(replace(bare, write_back={}))
    assert [action.id for action in plan if action.id.startswith("field ")] == []


def test_a_field_on_a_hidden_object_is_not_visible(client: SalesforceClient, org: StubOrg, bare: FieldMapping) -> None:
    """The last step says so, instead of falling."""
    missing = [{"errorCode": "NOT_FOUND", "message": ""}]
    org.wire.replace("GET", f"{BASE}/sobjects/Account/describe", json=missing, status=404)
    plan = actions(client, org, bare)
    with pytest.raises(AccessLost, match=r"Account\.Billing_Health__c"):
        apply(plan["fields visible"])


def test_labels_fit_salesforce(mapping: FieldMapping) -> None:
    """Forty characters for a label or a name, 255 for help; names that Salesforce accepts."""
    for field in wanted_fields(mapping):
        assert len(field.metadata["label"]) <= 40
        assert len(field.name.removesuffix("__c")) <= 40
        assert len(field.metadata.get("inlineHelpText", "")) <= 510
        assert "__" not in field.name.removesuffix("__c")


@pytest.mark.parametrize("code", ["DUPLICATE_DEVELOPER_NAME", "DUPLICATE_VALUE"])
def test_a_field_that_is_there_already_is_made(
    client: SalesforceClient, org: StubOrg, bare: FieldMapping, code: str
) -> None:
    """By an attempt whose answer was lost."""
    plan = actions(client, org, bare)
    org.on("POST", "tooling/sobjects/CustomField", [{"errorCode": code, "message": "already"}], status=400)
    apply(plan["field Account.Billing_Health__c"])
    assert len(org.calls("POST", "tooling/sobjects/CustomField")) == 1


def test_a_field_that_cannot_be_made_is_told(client: SalesforceClient, org: StubOrg, bare: FieldMapping) -> None:
    """The org has too many, or we lack the permission."""
    plan = actions(client, org, bare)
    org.on("POST", "tooling/sobjects/CustomField", [{"errorCode": "LIMIT_EXCEEDED", "message": "no"}], status=400)
    with pytest.raises(Rejected, match="LIMIT_EXCEEDED"):
        apply(plan["field Account.Billing_Health__c"])


def test_permissions_need_their_set(client: SalesforceClient, org: StubOrg, bare: FieldMapping) -> None:
    """When an earlier step was skipped."""
    plan = actions(client, org, bare)
    org.answers_query([], [])
    with pytest.raises(NotFound, match="permission set"):
        apply(plan["permissions of Billing_Connector"])


def test_a_grant_that_is_refused_names_its_field(client: SalesforceClient, org: StubOrg, bare: FieldMapping) -> None:
    """So that a person can grant it by hand."""
    plan = actions(client, org, bare)
    org.answers_query([], [{"Id": "0PS7F000000abcdQAA"}])
    refusal = {"success": False, "errors": [{"statusCode": "FIELD_INTEGRITY_EXCEPTION", "message": "", "fields": []}]}
    org.on("POST", "composite/sobjects", [refusal])
    with pytest.raises(Rejected, match=r"Account\.Billing_Health__c"):
        apply(plan["permissions of Billing_Connector"])


def test_a_narrower_grant_of_the_customers_stays(client: SalesforceClient, org: StubOrg, bare: FieldMapping) -> None:
    """Read-only by somebody's decision: shown as not done, never widened by us."""
    org.on("GET", "tooling/query", {"done": True, "records": []})
    narrow = [{"Field": "Account.Billing_Health__c", "PermissionsEdit": False}]
    org.answers_query(narrow, [{"Id": "0PS7F000000abcdQAA"}], [])
    plan = {action.id: action for action in client.setup(bare)}
    assert not plan["permissions of Billing_Connector"].done
    org.answers_query(narrow, [{"Id": "0PS7F000000abcdQAA"}])
    apply(plan["permissions of Billing_Connector"])
    assert org.calls("POST", "composite/sobjects") == []


def test_an_unknown_user_must_be_assigned_by_hand(client: SalesforceClient, org: StubOrg, bare: FieldMapping) -> None:
    """When the token's answer did not say who we are."""
    org.wire.replace("POST", f"{URL}/services/oauth2/token", json={"access_token": "t"})
    plan = actions(client, org, bare)
    with pytest.raises(AccessLost, match="which user"):
        apply(plan["assignment of Billing_Connector"])


# --- checks ---------------------------------------------------------------------------------------------------------


def checks(
    org: StubOrg, mapping: FieldMapping, organization: list[dict[str, Any]] | None = None, **settings: Any
) -> dict[str, Check]:
    """The findings, by id."""
    row = {"Id": ORG_ID, "OrganizationType": "Enterprise Edition", "IsSandbox": False}
    org.answers_query([row] if organization is None else organization)
    client = SalesforceClient(some_settings(**settings), Turnstile(), Wall())
    return {check.id: check for check in client.check(mapping)}


def test_every_finding_that_is_not_fine_has_a_hint(org: StubOrg, mapping: FieldMapping) -> None:
    """A doctor who only frowns helps nobody."""
    found = checks(org, mapping, webhook_token="short")
    for check in found.values():
        assert check.status is CheckStatus.OK or check.hint, check.id
    assert found["salesforce.currency"].status is CheckStatus.FAIL
    assert found["salesforce.webhook_token"].status is CheckStatus.WARN
    assert found["salesforce.webhooks"].status is CheckStatus.WARN


def test_a_well_kept_org_is_all_green(org: StubOrg, mapping: FieldMapping) -> None:
    """Fields in place, a long token, an allow-list, a currency of its own for each deal."""
    org.add_custom_fields(mapping)
    org.fields["Opportunity"].append(a_field("CurrencyIsoCode", "picklist"))
    only_written = replace(mapping, deal=(), line_item=())
    found = checks(org, only_written, webhook_token="x" * 24, organization_ids=ORG_ID)
    assert {check.id for check in found.values() if check.status is not CheckStatus.OK} == set()
    assert "production" in found["salesforce.organization"].sentence


def test_a_field_of_another_type_fails_its_check(org: StubOrg, mapping: FieldMapping) -> None:
    """Else every row would be refused on its own; text holds anything."""
    write_back = {"account": {"health": "Score__c", "mrr": "Note__c", "late_payer": "Flag__c", "own": "Flag__c"}}
    org.fields["Account"] += [a_field("Score__c", "double"), a_field("Note__c"), a_field("Flag__c", "boolean")]
    found = checks(org, replace(mapping, deal=(), line_item=(), write_back=write_back))
    assert found["salesforce.fields.write.account"].status is CheckStatus.FAIL
    assert found["salesforce.fields.write.account"].sentence.endswith(": Score__c.")


def test_a_sandbox_org_is_called_one(org: StubOrg, mapping: FieldMapping) -> None:
    """Test and live are told apart."""
    row = {"Id": ORG_ID, "OrganizationType": "Developer Edition", "IsSandbox": True}
    assert "a sandbox" in checks(org, mapping, [row])["salesforce.organization"].sentence


def test_an_org_outside_the_allow_list_fails(org: StubOrg, mapping: FieldMapping) -> None:
    """Its webhooks would be refused while we bill from it."""
    found = checks(org, mapping, organization_ids="00D000000000001EAA")
    assert found["salesforce.organization"].status is CheckStatus.FAIL


def test_a_silent_org_is_a_warning(org: StubOrg, mapping: FieldMapping) -> None:
    """No permission to read Organization is no reason to stop."""
    assert checks(org, mapping, [])["salesforce.organization"].status is CheckStatus.WARN


def test_the_one_currency_covers_the_mapping(org: StubOrg, mapping: FieldMapping) -> None:
    """CurrencyIsoCode then counts as there."""
    found = checks(org, mapping, currency="EUR")
    assert found["salesforce.currency"].status is CheckStatus.OK
    assert "CurrencyIsoCode" not in found["salesforce.fields.read"].sentence


@pytest.mark.parametrize(("used", "status"), [(799, CheckStatus.OK), (800, CheckStatus.WARN), (0, CheckStatus.WARN)])
def test_a_low_allowance_is_a_warning(org: StubOrg, mapping: FieldMapping, used: int, status: CheckStatus) -> None:
    """From eighty percent on, or when Salesforce does not say."""
    header = {"Sforce-Limit-Info": f"api-usage={used}/1000"} if used else {}
    for name in org.fields:
        answer = {"name": name, "fields": org.fields[name]}
        org.wire.replace("GET", f"{BASE}/sobjects/{name}/describe", json=answer, headers=header)
    assert checks(org, mapping)["salesforce.allowance"].status is status


def test_an_object_that_is_hidden_fails_its_check(org: StubOrg, mapping: FieldMapping) -> None:
    """Accounts that we cannot see cannot be written."""
    missing = [{"errorCode": "NOT_FOUND", "message": ""}]
    org.wire.replace("GET", f"{BASE}/sobjects/Account/describe", json=missing, status=404)
    found = checks(org, replace(mapping, write_back=dict(mapping.write_back) | {"invoice": {"health": "X__c"}}))
    assert found["salesforce.fields.write.account"].status is CheckStatus.FAIL
    assert found["salesforce.fields.write.invoice"].status is CheckStatus.FAIL
