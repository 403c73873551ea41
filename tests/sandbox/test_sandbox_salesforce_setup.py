"""Setting an org up: custom fields, what a permission set shows of them, and describe answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.salesforce_org import ServedOrg, code_of, refusal

FIXTURES = Path(__file__).parents[1] / "fixtures" / "salesforce"
TEXT = {"type": "Text", "label": "Stripe customer", "length": 255, "externalId": True, "unique": True}


def make(org: ServedOrg, full_name: str, metadata: dict[str, object]) -> Any:
    body = {"FullName": full_name, "Metadata": metadata}
    return org.sf.toolingexecute("sobjects/CustomField", method="POST", data=body)


def fields_of(org: ServedOrg, name: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in org.rest("GET", f"sobjects/{name}/describe")["fields"]}


def permission_set(org: ServedOrg) -> str:
    made = org.rest("POST", "sobjects/PermissionSet", {"Name": "Billing_Connector", "Label": "Billing connector"})
    return str(made["id"])


def grant(org: ServedOrg, set_id: str, field: str, *, edit: bool = True) -> Any:
    body = {"ParentId": set_id, "SobjectType": field.split(".")[0], "Field": field}
    return org.rest("POST", "sobjects/FieldPermissions", {**body, "PermissionsRead": True, "PermissionsEdit": edit})


def assign(org: ServedOrg, set_id: str) -> Any:
    body = {"PermissionSetId": set_id, "AssigneeId": org.people.seeded.integration_user}
    return org.rest("POST", "sobjects/PermissionSetAssignment", body)


def test_a_new_field_is_invisible_until_an_assigned_permission_set_grants_it(org: ServedOrg) -> None:
    account = org.account()
    made = make(org, "Account.Stripe_Customer__c", {**TEXT, "caseSensitive": True})
    assert (made["success"], made["errors"]) == (True, [])

    def is_hidden() -> bool:
        path = f"sobjects/Account/{account}"
        hidden = (
            "Stripe_Customer__c" not in fields_of(org, "Account"),
            "Stripe_Customer__c" not in org.rest("GET", path),
        )
        if not any(hidden):
            return False
        assert all(hidden)
        assert code_of(lambda: org.sf.query("SELECT Stripe_Customer__c FROM Account")) == "INVALID_FIELD"
        _, code, message = refusal(lambda: org.rest("PATCH", path, {"Stripe_Customer__c": "cus_1"}))
        assert (code, message) == ("INVALID_FIELD", "No such column 'Stripe_Customer__c' on sobject of type Account")
        return True

    assert is_hidden()
    set_id = permission_set(org)
    assert is_hidden()
    grant(org, set_id, "Account.Stripe_Customer__c", edit=False)
    assert is_hidden()
    assignment = assign(org, set_id)
    assert not is_hidden()
    assert org.sf.query("SELECT Stripe_Customer__c FROM Account")["totalSize"] == 1

    org.rest("DELETE", f"sobjects/PermissionSetAssignment/{assignment['id']}")
    assert is_hidden()


def test_a_field_granted_for_reading_only_cannot_be_written(org: ServedOrg) -> None:
    account = org.account()
    make(org, "Account.Stripe_Customer__c", TEXT)
    set_id = permission_set(org)
    granted = grant(org, set_id, "Account.Stripe_Customer__c", edit=False)
    assign(org, set_id)
    write = {"Stripe_Customer__c": "cus_1"}

    assert fields_of(org, "Account")["Stripe_Customer__c"]["updateable"] is False
    assert code_of(lambda: org.rest("PATCH", f"sobjects/Account/{account}", write)) == (
        "INVALID_FIELD_FOR_INSERT_UPDATE"
    )
    org.rest("PATCH", f"sobjects/FieldPermissions/{granted['id']}", {"PermissionsEdit": True})
    org.rest("PATCH", f"sobjects/Account/{account}", write)
    assert org.people.read("Account", account)["Stripe_Customer__c"] == "cus_1"


def test_describe_tells_what_a_custom_field_is(org: ServedOrg) -> None:
    set_id = permission_set(org)
    assign(org, set_id)
    wanted: dict[str, tuple[dict[str, object], dict[str, object]]] = {
        "Key": (TEXT, {"type": "string", "length": 255, "externalId": True, "unique": True, "idLookup": True}),
        "Note": (
            {"type": "LongTextArea", "label": "Note", "length": 1000, "visibleLines": 3},
            {"type": "textarea", "length": 1000, "filterable": False},
        ),
        "Mrr": (
            {"type": "Currency", "label": "MRR", "precision": 18, "scale": 2},
            {"type": "currency", "precision": 18, "scale": 2, "soapType": "xsd:double"},
        ),
        "Rate": ({"type": "Percent", "label": "Rate", "precision": 5, "scale": 1}, {"type": "percent", "scale": 1}),
        "Days": ({"type": "Number", "label": "Days", "precision": 6, "scale": 0}, {"type": "double", "scale": 0}),
        "Late": (
            {"type": "Checkbox", "label": "Late", "defaultValue": False},
            {"type": "boolean", "nillable": False, "defaultValue": False, "defaultedOnCreate": True},
        ),
        "Due": ({"type": "Date", "label": "Due"}, {"type": "date"}),
        "Synced": ({"type": "DateTime", "label": "Synced"}, {"type": "datetime", "soapType": "xsd:dateTime"}),
        "Link": ({"type": "Url", "label": "Link"}, {"type": "url", "length": 255}),
        "Payer": (
            {"type": "Lookup", "label": "Payer", "referenceTo": "Account", "relationshipName": "Payers"},
            {"type": "reference", "referenceTo": ["Account"], "relationshipName": "Payer__r"},
        ),
        "Health": (
            {
                "type": "Picklist",
                "label": "Health",
                "inlineHelpText": "How well they pay",
                "valueSet": {
                    "restricted": True,
                    "valueSetDefinition": {
                        "sorted": False,
                        "value": [
                            {"fullName": "good", "label": "Good", "default": True},
                            {"valueName": "late", "label": "Late", "default": False},
                        ],
                    },
                },
            },
            {"type": "picklist", "restrictedPicklist": True, "inlineHelpText": "How well they pay"},
        ),
    }
    for name, (metadata, _) in wanted.items():
        assert make(org, f"Account.{name}__c", metadata)["success"]
        grant(org, set_id, f"Account.{name}__c")

    found = fields_of(org, "Account")

    for name, (_, facts) in wanted.items():
        field = found[f"{name}__c"]
        assert {key: field[key] for key in facts} == facts
        assert (field["custom"], field["updateable"]) == (True, True)
    assert [one["value"] for one in found["Health__c"]["picklistValues"]] == ["good", "late"]
    payer = org.account("Payer")
    org.account("Child", Payer__c=payer)
    soql = "SELECT Payer__r.Name, Late__c, Health__c FROM Account WHERE Payer__c != null"
    record = org.sf.query(soql)["records"][0]
    assert (record["Payer__r"]["Name"], record["Late__c"], record["Health__c"]) == ("Payer", False, "good")


@pytest.mark.parametrize(
    ("full_name", "metadata", "code"),
    [
        ("Account.Phone", TEXT, "FIELD_INTEGRITY_EXCEPTION"),
        ("Account.Bad__Name__c", TEXT, "FIELD_INTEGRITY_EXCEPTION"),
        ("Account." + "x" * 41 + "__c", TEXT, "FIELD_INTEGRITY_EXCEPTION"),
        ("Nothing.Key__c", TEXT, "INVALID_CROSS_REFERENCE_KEY"),
        ("Task.Key__c", TEXT, "INVALID_CROSS_REFERENCE_KEY"),
        ("Account.Key__c", {**TEXT, "type": "Long Text Area"}, "JSON_PARSER_ERROR"),
        ("Account.Key__c", {**TEXT, "precision": 3}, "FIELD_INTEGRITY_EXCEPTION"),
        ("Account.Key__c", {**TEXT, "length": 256}, "NUMBER_OUTSIDE_VALID_RANGE"),
        ("Account.Key__c", {"type": "Text", "label": "x"}, "FIELD_INTEGRITY_EXCEPTION"),
        ("Account.Key__c", {"type": "Text", "length": 5}, "REQUIRED_FIELD_MISSING"),
        ("Account.Key__c", {**TEXT, "label": "x" * 41}, "REQUIRED_FIELD_MISSING"),
        ("Account.Key__c", {**TEXT, "unique": False, "caseSensitive": True}, "FIELD_INTEGRITY_EXCEPTION"),
        ("Account.Key__c", {"type": "LongTextArea", "label": "x", "length": 1000}, "FIELD_INTEGRITY_EXCEPTION"),
        (
            "Account.Key__c",
            {"type": "Currency", "label": "x", "precision": 19, "scale": 2},
            "NUMBER_OUTSIDE_VALID_RANGE",
        ),
        ("Account.Key__c", {"type": "Number", "label": "x", "precision": 3, "scale": 4}, "NUMBER_OUTSIDE_VALID_RANGE"),
        ("Account.Key__c", {"type": "Checkbox", "label": "x"}, "FIELD_INTEGRITY_EXCEPTION"),
        ("Account.Key__c", {"type": "Picklist", "label": "x"}, "FIELD_INTEGRITY_EXCEPTION"),
        ("Account.Key__c", {"type": "Lookup", "label": "x", "referenceTo": "Nothing"}, "FIELD_INTEGRITY_EXCEPTION"),
        ("Account.Key__c", {"type": "Url", "label": "x", "externalId": True}, "FIELD_INTEGRITY_EXCEPTION"),
    ],
)
def test_a_field_that_cannot_be_is_refused(
    org: ServedOrg, full_name: str, metadata: dict[str, object], code: str
) -> None:
    body = {"FullName": full_name, "Metadata": metadata}
    assert code_of(lambda: org.rest("POST", "tooling/sobjects/CustomField", body)) == code
    assert org.rest("GET", "tooling/query?q=SELECT+Id+FROM+CustomField")["totalSize"] == 0


def test_a_picklist_needs_distinct_named_values(org: ServedOrg) -> None:
    def refused(*values: dict[str, object]) -> str:
        meta = {"type": "Picklist", "label": "x", "valueSet": {"valueSetDefinition": {"value": list(values)}}}
        body = {"FullName": "Account.P__c", "Metadata": meta}
        return code_of(lambda: org.rest("POST", "tooling/sobjects/CustomField", body))

    assert refused({"fullName": "a"}) == "REQUIRED_FIELD_MISSING"
    assert refused({"label": "a"}) == "FIELD_INTEGRITY_EXCEPTION"
    assert refused({"fullName": "a", "label": "a"}, {"fullName": "a", "label": "b"}) == "FIELD_INTEGRITY_EXCEPTION"


def test_a_field_is_made_once_found_and_deleted(org: ServedOrg) -> None:
    made = make(org, "Opportunity.Key__c", TEXT)
    body = {"FullName": "Opportunity.Key__c", "Metadata": TEXT}
    path = f"tooling/sobjects/CustomField/{made['id']}"

    assert code_of(lambda: org.rest("POST", "tooling/sobjects/CustomField", body)) == "DUPLICATE_DEVELOPER_NAME"
    soql = "SELECT Id, DeveloperName FROM CustomField WHERE TableEnumOrId = 'Opportunity' AND NamespacePrefix = null"
    found = org.ask("GET", "tooling/query", params={"q": soql}).json()
    assert [(one["Id"], one["DeveloperName"]) for one in found["records"]] == [(made["id"], "Key")]
    assert org.rest("GET", path)["TableEnumOrId"] == "Opportunity"
    set_id = permission_set(org)
    grant(org, set_id, "Opportunity.Key__c")

    assert org.rest("DELETE", path) is None
    assert refusal(lambda: org.rest("DELETE", path))[:2] == (404, "NOT_FOUND")
    assert refusal(lambda: org.rest("GET", path))[:2] == (404, "NOT_FOUND")
    assert org.sf.query("SELECT COUNT() FROM FieldPermissions")["totalSize"] == 0
    assert make(org, "Opportunity.Key__c", TEXT)["success"]


def test_a_tasks_field_is_made_on_activity(org: ServedOrg) -> None:
    made = make(org, "Activity.Billing_Key__c", TEXT)
    set_id = permission_set(org)
    assign(org, set_id)
    grant(org, set_id, "Task.Billing_Key__c")

    org.rest("PATCH", "sobjects/Task/Billing_Key__c/acc1-90", {"Subject": "Late payer"})
    org.rest("PATCH", "sobjects/Task/Billing_Key__c/acc1-90", {"Subject": "Still late"})

    assert [one["Subject"] for one in org.people.read_all("Task")] == ["Still late"]
    org.rest("DELETE", f"tooling/sobjects/CustomField/{made['id']}")
    assert "Billing_Key__c" not in fields_of(org, "Task")


def test_definitions_are_there_to_be_queried(org: ServedOrg) -> None:
    soql = "SELECT QualifiedApiName, KeyPrefix FROM EntityDefinition WHERE QualifiedApiName IN ('Account', 'Lead')"
    found = org.ask("GET", "tooling/query", params={"q": soql}).json()["records"]
    assert [(one["QualifiedApiName"], one["KeyPrefix"]) for one in found] == [("Account", "001")]
    assert found[0]["attributes"]["url"].startswith("/services/data/v66.0/tooling/sobjects/EntityDefinition/4ie")
    soql = (
        "SELECT DataType FROM FieldDefinition WHERE EntityDefinitionId = 'Opportunity' AND QualifiedApiName = 'Amount'"
    )
    found = org.ask("GET", "tooling/query", params={"q": soql}).json()["records"]
    assert [one["DataType"] for one in found] == ["Currency(16, 2)"]


def test_grants_and_sets_that_make_no_sense_are_refused(org: ServedOrg) -> None:
    make(org, "Account.Key__c", TEXT)
    set_id = permission_set(org)
    grant(org, set_id, "Account.Key__c")
    assign(org, set_id)

    def field_permission(**more: object) -> str:
        base = {"ParentId": set_id, "SobjectType": "Account", "Field": "Account.Phone", "PermissionsRead": True}
        return code_of(lambda: org.rest("POST", "sobjects/FieldPermissions", {**base, **more}))

    assert field_permission(Field="Account.Key__c") == "DUPLICATE_VALUE"
    assert field_permission(Field="Account.Nope__c") == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert field_permission(SobjectType="Contact") == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert field_permission(Field="Account.Name") == "FIELD_INTEGRITY_EXCEPTION"
    assert field_permission(PermissionsRead=False, PermissionsEdit=True) == "FIELD_INTEGRITY_EXCEPTION"
    assert field_permission(PermissionsRead=False) == "FIELD_INTEGRITY_EXCEPTION"
    assert code_of(lambda: assign(org, set_id)) == "DUPLICATE_VALUE"
    body: dict[str, object] = {"AssigneeId": org.people.seeded.integration_user}
    assert code_of(lambda: org.rest("POST", "sobjects/PermissionSetAssignment", body)) == "REQUIRED_FIELD_MISSING"
    body = {"Name": "Billing_Connector", "Label": "again"}
    assert code_of(lambda: org.rest("POST", "sobjects/PermissionSet", body)) == "DUPLICATE_VALUE"
    body = {"Name": "two words", "Label": "x"}
    assert code_of(lambda: org.rest("POST", "sobjects/PermissionSet", body)) == "FIELD_INTEGRITY_EXCEPTION"


@pytest.mark.parametrize("name", ["Account", "Opportunity"])
def test_a_describe_answer_agrees_with_a_recorded_one(org: ServedOrg, name: str) -> None:
    """Every standard field has the same facts as at the real Salesforce, and none is made up."""
    recorded = json.loads((FIXTURES / f"describe__{name.lower()}.json").read_text(encoding="utf-8"))
    real = {one["name"]: one for one in recorded["fields"] if not one["name"].endswith("__c")}
    ours = fields_of(org, name)

    assert ours.keys() == real.keys()
    differing = {
        f"{field}.{fact}": (ours[field][fact], value)
        for field, facts in real.items()
        for fact, value in facts.items()
        if fact != "picklistValues" and ours[field][fact] != value
    }
    assert differing == {}
    for field, facts in real.items():
        values = [one["value"] for one in ours[field]["picklistValues"]]
        if field != "StageName":  # stages are this org's own
            assert values == [one["value"] for one in facts["picklistValues"]]


def test_the_global_list_names_every_object_once(org: ServedOrg) -> None:
    found = org.sf.describe()
    assert found is not None
    names = [one["name"] for one in found["sobjects"]]
    assert {"Account", "Opportunity", "OpportunityLineItem", "Task", "User"} <= set(names)
    assert "CustomField" not in names
    assert "CurrencyType" not in names
    assert org.rest("GET", "sobjects/Account")["objectDescribe"]["keyPrefix"] == "001"
    assert refusal(lambda: org.rest("GET", "sobjects/Lead/describe"))[:2] == (404, "NOT_FOUND")


def test_stages_in_describe_are_the_orgs_own(org: ServedOrg) -> None:
    values = [one["value"] for one in fields_of(org, "Opportunity")["StageName"]["picklistValues"]]
    assert "Signed and Countersigned" in values
    soql = "SELECT ApiName FROM OpportunityStage WHERE IsWon = true ORDER BY SortOrder"
    won = [one["ApiName"] for one in org.sf.query(soql)["records"]]
    assert won == ["Closed Won", "Signed and Countersigned"]
