"""What ``sf project deploy start`` installs: the fields that set-up makes, who sees them, a list view and a report.

All of it is text made from the values we write and the default mapping, so that it cannot differ from either:
``python -m connector.crm.salesforce.installable FOLDER`` writes it, as ``make docs`` does.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from connector.crm.salesforce.field_table import field_table
from connector.crm.salesforce.fields import CustomField, wanted_fields
from connector.crm.salesforce.metadata_xml import Element, document, elements_of
from connector.crm.salesforce.settings import SalesforceSettings
from connector.crm.salesforce.setup import PERMISSION_SET
from mappings.load import default_mapping
from mappings.model import FieldMapping

SOURCE = "force-app"
MAIN = f"{SOURCE}/main/default"

TASKS_SET, PEOPLE_SET = f"{PERMISSION_SET}_Tasks", "Billing_Fields"
VIEW, VIEW_LABEL = "Late_payers_before_renewal", "Late payers before renewal"
FOLDER, FOLDER_LABEL = "Billing", "Billing"

SOON = "NEXT_N_DAYS:90"
"""How far ahead the list view and the report look: the widest of the renewal windows as they come."""

IN_VIEW = (
    "renewal_date",
    "health",
    "health_score",
    "overdue_balance",
    "currency",
    "days_past_due",
    "average_days_late",
    "open_balance",
)
IN_REPORT = (*IN_VIEW, "mrr", "health_reason")
"""A long text stands in a report, but cannot be relied on as a column of a list view."""


def files(mapping: FieldMapping) -> dict[str, str]:
    """Path below the folder -> content, of everything that is generated."""
    fields = wanted_fields(mapping)
    account = mapping.write_back["account"]
    made = {
        "sfdx-project.json": _project(),
        "fields.md": field_table(mapping, fields),
        f"{MAIN}/objects/Account/listViews/{VIEW}.listView-meta.xml": _view(account),
        f"{MAIN}/reports/{FOLDER}.reportFolder-meta.xml": _folder(),
        f"{MAIN}/reports/{FOLDER}/{VIEW}.report-meta.xml": _report(account),
    }
    made |= {f"{MAIN}/objects/{each.object}/fields/{each.name}.field-meta.xml": _field(each) for each in fields}
    sets = {PERMISSION_SET: _connector_set(fields), TASKS_SET: _tasks_set(), PEOPLE_SET: _people_set(fields)}
    return made | {f"{MAIN}/permissionsets/{name}.permissionset-meta.xml": text for name, text in sets.items()}


def write(folder: Path, mapping: FieldMapping) -> None:
    """Write it all; what is no longer made goes away."""
    shutil.rmtree(folder / SOURCE, ignore_errors=True)
    for name, text in files(mapping).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


# --- parts ----------------------------------------------------------------------------------------------------------


def _project() -> str:
    version = SalesforceSettings.model_fields["api_version"].default
    project = {
        "packageDirectories": [{"path": SOURCE, "default": True}],
        "name": "billing-connector",
        "namespace": "",
        "sourceApiVersion": version,
    }
    return json.dumps(project, indent=2) + "\n"


def _field(field: CustomField) -> str:
    return document("CustomField", [("fullName", field.name), *elements_of(field.metadata)])


def _connector_set(fields: Iterable[CustomField]) -> str:
    """The same that set-up makes over the API: the connector writes its own fields and reads those of people."""
    return _permission_set(
        "Billing connector",
        "Shows the fields in which the billing connector keeps payment status. For the integration user.",
        [_grant(each, editable=each.written) for each in _by_path(fields)],
    )


def _people_set(fields: Iterable[CustomField]) -> str:
    return _permission_set(
        "Billing fields",
        "Shows what the billing connector writes, and lets people fill in what it reads. For sales and finance.",
        [_grant(each, editable=not each.written) for each in _by_path(fields)],
    )


def _tasks_set() -> str:
    """Apart from the other one: a licence without activities must not keep the fields from being granted."""
    permissions: list[Element] = [
        ("userPermissions", [("enabled", True), ("name", name)]) for name in ("ActivitiesAccess", "EditTask")
    ]
    description = "Lets the integration user make and close tasks for the owners of late payers."
    return _permission_set("Billing connector: tasks", description, permissions)


def _permission_set(label: str, description: str, permissions: Iterable[Element]) -> str:
    head: list[Element] = [("description", description), ("hasActivationRequired", False), ("label", label)]
    return document("PermissionSet", sorted([*head, *permissions], key=lambda element: element[0]))


def _by_path(fields: Iterable[CustomField]) -> list[CustomField]:
    return sorted(fields, key=lambda field: field.path)


def _grant(field: CustomField, *, editable: bool) -> Element:
    return ("fieldPermissions", [("editable", editable), ("field", field.path), ("readable", True)])


def _view(account: Mapping[str, str]) -> str:
    columns = ["ACCOUNT.NAME", "CORE.USERS.ALIAS", *(account[name] for name in IN_VIEW)]
    return document(
        "ListView",
        [
            ("fullName", VIEW),
            *(("columns", name) for name in columns),
            ("filterScope", "Everything"),
            *(
                ("filters", [("field", field), ("operation", operation), ("value", value)])
                for field, operation, value in _late_and_soon(account)
            ),
            ("label", VIEW_LABEL),
        ],
    )


def _report(account: Mapping[str, str]) -> str:
    """No sums: accounts may owe in several currencies."""
    columns = ["ACCOUNT.NAME", "USERS.NAME", *(f"Account.{account[name]}" for name in IN_REPORT)]
    criteria: list[Element] = [
        (
            "criteriaItems",
            [
                ("column", f"Account.{field}"),
                ("columnToColumn", False),
                ("isUnlocked", True),
                ("operator", operation),
                ("value", value),
            ],
        )
        for field, operation, value in _late_and_soon(account)
    ]
    return document(
        "Report",
        [
            *(("columns", [("field", name)]) for name in columns),
            ("description", "Accounts that pay late enough to talk about before the renewal, the next one first."),
            ("filter", criteria),
            ("format", "Tabular"),
            ("name", VIEW_LABEL),
            ("reportType", "AccountList"),
            ("scope", "organization"),
            ("showDetails", True),
            ("showGrandTotal", True),
            ("showSubTotals", True),
            ("sortColumn", f"Account.{account['renewal_date']}"),
            ("sortOrder", "Asc"),
            ("timeFrameFilter", [("dateColumn", "CREATED_DATE"), ("interval", "INTERVAL_CUSTOM")]),
        ],
    )


def _late_and_soon(account: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    yield account["late_payer"], "equals", "1"
    yield account["renewal_date"], "greaterOrEqual", "TODAY"
    yield account["renewal_date"], "lessOrEqual", SOON


def _folder() -> str:
    shares = [("accessLevel", "View"), ("sharedTo", "AllInternalUsers"), ("sharedToType", "Organization")]
    return document("ReportFolder", [("folderShares", shares), ("name", FOLDER_LABEL)])


if __name__ == "__main__":
    write(Path(sys.argv[1]), default_mapping("salesforce"))
