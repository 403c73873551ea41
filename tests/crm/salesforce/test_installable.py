"""The folder that ``sf project deploy start`` takes: well-formed, up to date, and about the names we write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from connector.crm.salesforce import installable
from connector.crm.salesforce.fields import wanted_fields
from connector.crm.salesforce.metadata_xml import NAMESPACE
from connector.crm.salesforce.settings import SalesforceSettings
from connector.domain.write_back import BY_NAME, FIELDS, ValueType
from mappings.load import default_mapping

FOLDER = Path(__file__).parents[3] / "docs" / "salesforce"
MAIN = FOLDER / "force-app" / "main" / "default"
MAPPING = default_mapping("salesforce")
OBJECTS = {"account": "Account", "deal": "Opportunity"}
WRITTEN = [(kind, canonical, name) for kind, names in MAPPING.write_back.items() for canonical, name in names.items()]
XML = sorted(MAIN.rglob("*.xml"))
ROOTS = {
    ".field-meta.xml": "CustomField",
    ".listView-meta.xml": "ListView",
    ".report-meta.xml": "Report",
    ".reportFolder-meta.xml": "ReportFolder",
    ".permissionset-meta.xml": "PermissionSet",
}
SHAPES: dict[ValueType, dict[str, str]] = {
    ValueType.TEXT: {"type": "Text", "length": "255"},
    ValueType.LONG_TEXT: {"type": "LongTextArea", "length": "4000", "visibleLines": "3"},
    ValueType.MONEY: {"type": "Currency", "precision": "18", "scale": "2"},
    ValueType.NUMBER: {"type": "Number", "precision": "18"},
    ValueType.PERCENT: {"type": "Percent", "precision": "5", "scale": "2"},
    ValueType.DATE: {"type": "Date"},
    ValueType.DATETIME: {"type": "DateTime"},
    ValueType.CHECKBOX: {"type": "Checkbox", "defaultValue": "false"},
    ValueType.CHOICE: {"type": "Picklist"},
    ValueType.URL: {"type": "Url"},
}


def read(path: Path) -> Element:
    root: Element = fromstring(path.read_text(encoding="utf-8"))
    return root


def tag(element: Element) -> str:
    return element.tag.removeprefix(f"{{{NAMESPACE}}}")


def value(element: Element, name: str) -> str | None:
    return element.findtext(f"{{{NAMESPACE}}}{name}")


def parts(element: Element, *names: str) -> list[Element]:
    return element.findall("/".join(f"{{{NAMESPACE}}}{name}" for name in names))


def custom_field(path: str) -> Element:
    owner, _, name = path.partition(".")
    return read(MAIN / "objects" / owner / "fields" / f"{name}.field-meta.xml")


def custom_fields() -> Iterator[tuple[str, Element]]:
    for path in sorted(MAIN.glob("objects/*/fields/*.field-meta.xml")):
        yield f"{path.parents[1].name}.{path.name.removesuffix('.field-meta.xml')}", read(path)


THERE = dict(custom_fields())


def test_the_folder_is_what_the_generator_makes() -> None:
    """Else run ``make docs``: a value was added, or a mapping changed."""
    made = installable.files(MAPPING)
    on_disk = {
        str(path.relative_to(FOLDER)): path.read_text(encoding="utf-8")
        for path in FOLDER.rglob("*")
        if path.is_file() and path.name != "README.md"
    }
    assert sorted(on_disk) == sorted(made)
    assert [name for name in made if on_disk[name] != made[name]] == []


def test_writing_it_again_leaves_nothing_behind_that_is_made_no_more(tmp_path: Path) -> None:
    old = tmp_path / installable.MAIN / "objects/Account/fields/Billing_Old__c.field-meta.xml"
    old.parent.mkdir(parents=True)
    old.write_text("<CustomField/>")
    (tmp_path / "README.md").write_text("ours")
    installable.write(tmp_path, MAPPING)
    assert not old.exists()
    assert (tmp_path / "README.md").read_text() == "ours"
    assert (tmp_path / "sfdx-project.json").exists()


def test_the_project_names_the_api_version_that_we_speak() -> None:
    project = json.loads((FOLDER / "sfdx-project.json").read_text())
    assert project["sourceApiVersion"] == SalesforceSettings.model_fields["api_version"].default
    assert project["packageDirectories"] == [{"path": "force-app", "default": True}]


@pytest.mark.parametrize("path", XML, ids=lambda path: path.name)
def test_every_file_is_well_formed_metadata(path: Path) -> None:
    """In the Metadata API's namespace, of the kind that its name says, named as its file is, in the API's order."""
    root = read(path)
    [kind] = [kind for ending, kind in ROOTS.items() if path.name.endswith(ending)]
    assert root.tag == f"{{{NAMESPACE}}}{kind}"
    assert path.read_text().startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    if kind in ("CustomField", "ListView"):
        assert value(root, "fullName") == path.name.partition(".")[0]
    for element in root.iter():
        names = [tag(each) for each in element if tag(each) != "fullName"]
        assert names == sorted(names)
        assert "fullName" not in [tag(each) for each in list(element)[1:]]
        assert all(each.tag.startswith(f"{{{NAMESPACE}}}") for each in element)


@pytest.mark.parametrize(("kind", "canonical", "name"), WRITTEN)
def test_every_value_we_write_has_its_field(kind: str, canonical: str, name: str) -> None:
    known, field = BY_NAME[canonical], custom_field(f"{OBJECTS[kind]}.{name}")
    shape = SHAPES[known.type]
    assert {key: value(field, key) for key in shape} == shape
    assert value(field, "label") == known.label
    assert value(field, "description") == value(field, "inlineHelpText") == known.description
    chosen = parts(field, "valueSet", "valueSetDefinition", "value")
    assert [(value(each, "fullName"), value(each, "label")) for each in chosen] == list(known.choices)


def test_every_value_on_a_kind_of_record_is_in_the_default_mapping() -> None:
    """What nobody maps would be written nowhere and installed nowhere."""
    assert {(kind, each.name) for each in FIELDS for kind in each.on} == {(kind, name) for kind, name, _ in WRITTEN}


def test_numbers_keep_the_decimals_that_they_have() -> None:
    scales = {
        canonical: value(custom_field(f"Account.{name}"), "scale")
        for kind, canonical, name in WRITTEN
        if kind == "account" and BY_NAME[canonical].type is ValueType.NUMBER
    }
    assert scales["average_days_late"] == "1"
    assert scales["days_past_due"] == scales["overdue_count"] == "0"


@pytest.mark.parametrize("path", THERE)
def test_every_field_keeps_salesforces_limits(path: str) -> None:
    """Metadata API reference, CustomField: names of 40 characters, labels of 40, help of 510, descriptions of 1,000."""
    field = THERE[path]
    assert len(path.partition(".")[2].removesuffix("__c")) <= 40
    assert 0 < len(value(field, "label") or "") <= 40
    assert 0 < len(value(field, "inlineHelpText") or "") <= 510
    assert len(value(field, "description") or "") <= 1_000
    if value(field, "precision"):
        assert int(value(field, "scale") or 0) <= int(value(field, "precision") or 0) <= 18
    values = [value(each, "fullName") for each in parts(field, "valueSet", "valueSetDefinition", "value")]
    assert len(set(values)) == len(values)
    assert bool(values) == (value(field, "type") == "Picklist")


_ALWAYS = {"fullName", "label", "inlineHelpText", "type"}
_OF_TYPE: dict[str, set[str]] = {
    "Text": {"length"},
    "LongTextArea": {"length", "visibleLines"},
    "Currency": {"precision", "scale"},
    "Number": {"precision", "scale"},
    "Percent": {"precision", "scale"},
    "Date": set(),
    "DateTime": set(),
    "Url": set(),
    "Checkbox": {"defaultValue"},
    "Picklist": {"valueSet"},
    "Lookup": {"referenceTo", "relationshipName", "relationshipLabel", "deleteConstraint"},
}
"""What each type needs. Source: Metadata API reference, CustomField."""


@pytest.mark.parametrize("path", THERE)
def test_every_field_says_what_its_type_needs_and_nothing_else(path: str) -> None:
    """A deploy is refused whole for one element too few or too many."""
    field = THERE[path]
    told = [tag(each) for each in field]
    assert len(set(told)) == len(told)
    assert set(told) - {"description", "externalId"} == _ALWAYS | _OF_TYPE[str(value(field, "type"))]
    if "externalId" in told:
        assert value(field, "type") == "Text"
    if value(field, "type") == "LongTextArea":
        assert 256 <= int(value(field, "length") or 0) <= 131_072
    if value(field, "type") == "Text":
        assert 1 <= int(value(field, "length") or 0) <= 255


def test_what_people_fill_in_is_there_as_well() -> None:
    """Such as the terms of an account, which we read and never write."""
    read_only = {field.path for field in wanted_fields(MAPPING) if not field.written}
    assert "Account.Billing_Payment_Terms__c" in read_only
    assert read_only <= THERE.keys()
    assert THERE.keys() == {field.path for field in wanted_fields(MAPPING)}


def granted(name: str) -> dict[str, bool]:
    """Object.Field -> may be edited, for all that a permission set lets one see."""
    root = read(MAIN / "permissionsets" / f"{name}.permissionset-meta.xml")
    rows = [{tag(each): each.text for each in grant} for grant in parts(root, "fieldPermissions")]
    assert all(row["readable"] == "true" for row in rows)
    return {str(row["field"]): row["editable"] == "true" for row in rows}


def test_the_permission_set_names_every_field_and_edits_what_we_write() -> None:
    written = {f"{OBJECTS[kind]}.{name}" for kind, _, name in WRITTEN}
    assert granted("Billing_Connector") == {path: path in written for path in THERE}


def test_people_edit_what_they_fill_in_and_see_the_rest() -> None:
    connectors = granted("Billing_Connector")
    assert granted("Billing_Fields") == {path: not editable for path, editable in connectors.items()}


def test_tasks_are_permitted_apart_from_fields() -> None:
    """A licence without activities must not keep the fields from being granted."""
    root = read(MAIN / "permissionsets" / "Billing_Connector_Tasks.permissionset-meta.xml")
    permissions = {value(each, "name"): value(each, "enabled") for each in parts(root, "userPermissions")}
    assert permissions == {"ActivitiesAccess": "true", "EditTask": "true"}
    assert not parts(root, "fieldPermissions")


@pytest.mark.parametrize("name", ["Billing_Connector", "Billing_Fields", "Billing_Connector_Tasks"])
def test_a_permission_set_has_a_label_and_says_whom_it_is_for(name: str) -> None:
    root = read(MAIN / "permissionsets" / f"{name}.permissionset-meta.xml")
    assert 0 < len(value(root, "label") or "") <= 80
    assert 0 < len(value(root, "description") or "") <= 255


def criteria(root: Element, group: tuple[str, ...], names: tuple[str, str, str]) -> list[tuple[Any, ...]]:
    return [tuple(value(each, name) for name in names) for each in parts(root, *group)]


def test_the_list_view_shows_late_payers_whose_renewal_is_near() -> None:
    root = read(MAIN / "objects/Account/listViews/Late_payers_before_renewal.listView-meta.xml")
    assert value(root, "label") == "Late payers before renewal"
    assert value(root, "filterScope") == "Everything"
    assert criteria(root, ("filters",), ("field", "operation", "value")) == [
        ("Billing_Late_Payer__c", "equals", "1"),
        ("Billing_Renewal_Date__c", "greaterOrEqual", "TODAY"),
        ("Billing_Renewal_Date__c", "lessOrEqual", "NEXT_N_DAYS:90"),
    ]
    columns = [str(each.text) for each in parts(root, "columns")]
    assert columns[:2] == ["ACCOUNT.NAME", "CORE.USERS.ALIAS"]
    assert len(columns) <= 15
    assert {f"Account.{name}" for name in columns[2:]} <= THERE.keys()


def test_the_report_says_the_same_with_reasons() -> None:
    root = read(MAIN / "reports/Billing/Late_payers_before_renewal.report-meta.xml")
    assert len(value(root, "name") or "") <= 40
    assert (value(root, "format"), value(root, "reportType"), value(root, "scope")) == (
        "Tabular",
        "AccountList",
        "organization",
    )
    shown = [value(each, "field") for each in parts(root, "columns")]
    filtered = criteria(root, ("filter", "criteriaItems"), ("column", "operator", "value"))
    assert filtered == [
        ("Account.Billing_Late_Payer__c", "equals", "1"),
        ("Account.Billing_Renewal_Date__c", "greaterOrEqual", "TODAY"),
        ("Account.Billing_Renewal_Date__c", "lessOrEqual", "NEXT_N_DAYS:90"),
    ]
    assert shown[:2] == ["ACCOUNT.NAME", "USERS.NAME"]
    assert {*shown[2:], *(each[0] for each in filtered), value(root, "sortColumn")} <= THERE.keys()
    assert "Account.Billing_Health_Reason__c" in shown
    assert (MAIN / "reports/Billing.reportFolder-meta.xml").exists()


def test_the_table_of_fields_has_a_row_for_each() -> None:
    table = (FOLDER / "fields.md").read_text()
    for path, field in THERE.items():
        assert str(value(field, "label")) in table
        assert f"`{path}`" in table or f"`{path.partition('.')[2]}`" in table
