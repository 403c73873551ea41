"""Field-level security: a new custom field is invisible until a permission set says otherwise."""

from dataclasses import dataclass

from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.schema import Field, ObjectType


@dataclass(frozen=True)
class Actor:
    """Somebody who reads and writes; `sees_all` is a person at Salesforce's own pages, or the org itself."""

    user_id: str
    sees_all: bool = False
    granted: dict[str, bool] | None = None  #: "Object.Field" -> may edit, from permission sets
    read_only: tuple[str, ...] = ()  #: objects without a right to make or change records

    def may_change(self, object_type: ObjectType) -> bool:
        """Whether records of the object may be made and changed at all."""
        return self.sees_all or object_type.name not in self.read_only

    def can_read(self, object_type: ObjectType, field: Field) -> bool:
        """Standard and required fields are open to everyone, other custom ones as permission sets grant them."""
        return self.sees_all or _open(field) or f"{object_type.name}.{field.name}" in (self.granted or {})

    def can_edit(self, object_type: ObjectType, field: Field) -> bool:
        """May this field be written, as far as permissions go."""
        if not self.may_change(object_type):
            return False
        if self.sees_all or _open(field):
            return True
        return (self.granted or {}).get(f"{object_type.name}.{field.name}", False)


def _open(field: Field) -> bool:
    return not field.custom or not field.permissionable


def actor_for(org: Org, user_id: str) -> Actor:
    """The API user with the permissions of every permission set assigned to it right now."""
    granted: dict[str, bool] = {}
    for assignment in org.children("PermissionSetAssignment", "AssigneeId", user_id):
        for permission in org.children("FieldPermissions", "ParentId", str(assignment["PermissionSetId"])):
            if permission["PermissionsRead"]:
                name = str(permission["Field"])
                granted[name] = granted.get(name, False) or bool(permission["PermissionsEdit"])
    return Actor(user_id, granted=granted, read_only=org.settings.read_only_objects)
