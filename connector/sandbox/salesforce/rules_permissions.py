"""The rules of permission sets: what may be granted, to whom, and only once."""

import re

from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.values import Record

_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*\Z")


def save_permission_set(_org: Org, before: Record | None, record: Record, _given: Record) -> None:
    """A permission set's name is an identifier."""
    if not _NAME.match(str(record["Name"])):
        raise Refused(
            "FIELD_INTEGRITY_EXCEPTION",
            "The Permission Set API Name can only contain underscores and alphanumeric characters. It must be unique, "
            "begin with a letter, not include spaces, not end with an underscore, and not contain two consecutive "
            "underscores.",
            ["Name"],
        )
    if before is None:
        record["IsCustom"], record["Type"] = True, "Regular"


def check_field_permission(org: Org, before: Record | None, record: Record, _given: Record) -> None:
    """A grant names a permissionable field of its object, once per permission set; editing includes reading."""
    object_name, _, field_name = str(record["Field"]).partition(".")
    object_type = org.schema.find(object_name)
    field = object_type.field(field_name) if object_type else None
    if object_type is None or field is None or object_name != record["SobjectType"]:
        raise Refused(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"Field Name: bad value for restricted picklist field: {record['Field']}",
            ["Field"],
        )
    if not field.permissionable:
        raise Refused("FIELD_INTEGRITY_EXCEPTION", f"Field {record['Field']} is not permissionable", ["Field"])
    if record["PermissionsEdit"] and not record["PermissionsRead"]:
        raise Refused(
            "FIELD_INTEGRITY_EXCEPTION", "Edit permission requires read permission on the field", ["PermissionsRead"]
        )
    if not record["PermissionsRead"]:
        raise Refused("FIELD_INTEGRITY_EXCEPTION", "A field permission must grant at least read", ["PermissionsRead"])
    for other in org.children("FieldPermissions", "ParentId", str(record["ParentId"])):
        if before is None and other["Field"] == record["Field"]:
            raise Refused(
                "DUPLICATE_VALUE",
                f"duplicate value found: <unknown> duplicates value on record with id: {str(other['Id'])[:15]}",
                [],
            )


def check_assignment(org: Org, before: Record | None, record: Record, _given: Record) -> None:
    """A permission set is assigned to an active user once."""
    if record.get("PermissionSetId") is None:
        raise Refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [PermissionSetId]", ["PermissionSetId"])
    record["IsActive"] = True
    for other in org.children("PermissionSetAssignment", "AssigneeId", str(record["AssigneeId"])):
        if before is None and other["PermissionSetId"] == record["PermissionSetId"]:
            raise Refused(
                "DUPLICATE_VALUE",
                f"Duplicate PermissionSetAssignment. Assignee: {record['AssigneeId']}; "
                f"Permission set: {record['PermissionSetId']}",
                ["AssigneeId", "PermissionSetId"],
            )
