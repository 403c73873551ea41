"""An admin's grant of a field to the connector's user, for fields that are not the connector's own to make."""

from connector.sandbox.salesforce.access import Actor
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.records import Writer
from connector.sandbox.salesforce.seed import Seeded

_NAME = "Admin_Grants"


def grant_field(org: Org, seeded: Seeded, object_name: str, field_name: str, *, edit: bool = True) -> None:
    """Let the integration user see (and edit) a field, through a permission set of the admin's."""
    writer = Writer(org, Actor(seeded.admin, sees_all=True))
    found = next((row for row in org.rows("PermissionSet") if row["Name"] == _NAME), None)
    if found is None:
        set_id = writer.create(org.schema.get("PermissionSet"), {"Name": _NAME, "Label": "Admin grants"})
        assignment = {"PermissionSetId": set_id, "AssigneeId": seeded.integration_user}
        writer.create(org.schema.get("PermissionSetAssignment"), assignment)
    else:
        set_id = str(found["Id"])
    grant = {"ParentId": set_id, "SobjectType": object_name, "Field": f"{object_name}.{field_name}"}
    writer.create(org.schema.get("FieldPermissions"), {**grant, "PermissionsRead": True, "PermissionsEdit": edit})
