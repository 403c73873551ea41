"""What set-up makes in an org: fields, a permission set that shows them, its assignment. What exists stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connector.crm.salesforce.choices import missing_choices
from connector.crm.salesforce.connection import Connection
from connector.crm.salesforce.errors import from_row
from connector.crm.salesforce.fields import CustomField, wanted_fields
from connector.crm.salesforce.schema import Schema
from connector.crm.salesforce.soql import quote, select
from connector.errors import AccessLost, NeedsHuman, NotFound, Rejected
from connector.ports import SetupAction
from connector.sentences.salesforce import NO_PERMISSION_SET, NOT_GRANTED, STILL_HIDDEN, WHO_ARE_WE
from mappings.model import FieldMapping

PERMISSION_SET = "Billing_Connector"
GRANTS_PER_CALL = 200

_THERE_ALREADY = frozenset({"DUPLICATE_DEVELOPER_NAME", "DUPLICATE_VALUE"})


def plan_setup(connection: Connection, schema: Schema, mapping: FieldMapping) -> list[SetupAction]:
    """Every action in order, and which are done already. Reads only; ``apply`` of each makes it.

    Raises: AccessLost, RateLimited, Unreachable.
    """
    fields = wanted_fields(mapping)
    permissions = _Permissions(connection)
    existing = _existing(connection, fields)
    granted = permissions.granted()
    missing_grants = [field for field in fields if not _covers(granted, field)]
    visible = [field for field in fields if _seen(schema, field)]
    return [
        *(_field_action(connection, field, done=field.path in existing) for field in fields),
        *missing_choices(connection, schema, [field for field in fields if field.path in existing], existing),
        SetupAction(
            id=f"permission set {PERMISSION_SET}",
            sentence=f"Permission set {PERMISSION_SET}, which shows the fields to those it is assigned to.",
            done=permissions.set_id() is not None,
            apply=permissions.make_set,
        ),
        SetupAction(
            id=f"permissions of {PERMISSION_SET}",
            sentence=f"Access to {len(fields)} fields in the permission set ({len(missing_grants)} to add).",
            done=not missing_grants,
            apply=lambda: permissions.grant(missing_grants),
        ),
        SetupAction(
            id=f"assignment of {PERMISSION_SET}",
            sentence="The permission set is assigned to the integration user.",
            done=permissions.assigned(),
            apply=permissions.assign,
        ),
        SetupAction(
            id="fields visible",
            sentence="The integration user sees every field.",
            done=len(visible) == len(fields),
            apply=lambda: _verify(schema, fields),
        ),
    ]


def _existing(connection: Connection, fields: Iterable[CustomField]) -> dict[str, str]:
    """Custom fields that are there, with the ids of their definitions, whoever may see them: describe alone hides what
    was never granted to us."""
    objects = ", ".join(quote(name) for name in dict.fromkeys(field.object for field in fields))
    if not objects:
        return {}
    rows = connection.tooling_query(
        select(
            ("Id", "DeveloperName", "TableEnumOrId"),
            "CustomField",
            f"WHERE TableEnumOrId IN ({objects}) AND NamespacePrefix = null",
        )
    )
    return {f"{row['TableEnumOrId']}.{row['DeveloperName']}__c": str(row["Id"]) for row in rows}


def _field_action(connection: Connection, field: CustomField, *, done: bool) -> SetupAction:
    def make() -> None:
        try:
            connection.post("tooling/sobjects/CustomField", {"FullName": field.path, "Metadata": dict(field.metadata)})
        except Rejected as error:
            if error.code not in _THERE_ALREADY:  # made by an attempt whose answer was lost
                raise

    return SetupAction(
        id=f"field {field.path}",
        sentence=f"{field.metadata['type']} field “{field.metadata['label']}” on {field.object}.",
        done=done,
        apply=make,
    )


def _covers(granted: dict[str, bool], field: CustomField) -> bool:
    return field.path in granted and (granted[field.path] or not field.written)


def _seen(schema: Schema, field: CustomField) -> bool:
    try:
        told = schema.shape(field.object).fields.get(field.name)
    except NotFound:
        return False
    return told is not None and (not field.written or bool(told.get("updateable")))


def _verify(schema: Schema, fields: Sequence[CustomField]) -> None:
    schema.forget()
    hidden = [field.path for field in fields if not _seen(schema, field)]
    if hidden:
        raise AccessLost.because(
            STILL_HIDDEN, provider="salesforce", fields=", ".join(hidden[:5]), permission_set=PERMISSION_SET
        )


class _Permissions:
    """The permission set as it stands, asked for as it is needed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def set_id(self) -> str | None:
        rows = self._connection.query(select(("Id",), "PermissionSet", f"WHERE Name = {quote(PERMISSION_SET)}"))
        return str(rows[0]["Id"]) if rows else None

    def granted(self) -> dict[str, bool]:
        """Object.Field -> whether it may be edited."""
        rows = self._connection.query(
            select(
                ("Field", "PermissionsEdit"),
                "FieldPermissions",
                f"WHERE Parent.Name = {quote(PERMISSION_SET)} AND PermissionsRead = true",
            )
        )
        return {str(row["Field"]): bool(row["PermissionsEdit"]) for row in rows}

    def assigned(self) -> bool:
        user = self._connection.tokens.get().user_id
        where = f"WHERE PermissionSet.Name = {quote(PERMISSION_SET)} AND AssigneeId = {quote(user)}"
        return bool(user and self._connection.query(select(("Id",), "PermissionSetAssignment", where)))

    def make_set(self) -> None:
        if self.set_id() is None:
            self._connection.post(
                "sobjects/PermissionSet",
                {
                    "Name": PERMISSION_SET,
                    "Label": "Billing connector",
                    "Description": "Shows the fields in which the billing connector keeps payment status.",
                },
            )

    def grant(self, fields: Sequence[CustomField]) -> None:
        """Add what is missing. A grant that is there already is left as it is, even a narrower one."""
        there = self.granted()
        set_id = self._need_set()
        rows = [_grant_row(set_id, field) for field in fields if field.path not in there]
        for start in range(0, len(rows), GRANTS_PER_CALL):
            batch = rows[start : start + GRANTS_PER_CALL]
            answers = self._connection.post("composite/sobjects", {"allOrNone": False, "records": batch})
            for row, answer in zip(batch, answers, strict=True):
                if not answer.get("success"):
                    raise _not_granted(str(row["Field"]), answer.get("errors"))

    def assign(self) -> None:
        if self.assigned():
            return
        user = self._connection.tokens.get().user_id
        if not user:
            raise AccessLost.because(WHO_ARE_WE, provider="salesforce", permission_set=PERMISSION_SET)
        self._connection.post(
            "sobjects/PermissionSetAssignment", {"PermissionSetId": self._need_set(), "AssigneeId": user}
        )

    def _need_set(self) -> str:
        found = self.set_id()
        if found is None:
            raise NotFound.because(NO_PERMISSION_SET, provider="salesforce", permission_set=PERMISSION_SET)
        return found


def _grant_row(set_id: str, field: CustomField) -> dict[str, object]:
    return {
        "attributes": {"type": "FieldPermissions"},
        "ParentId": set_id,
        "SobjectType": field.object,
        "Field": field.path,
        "PermissionsRead": True,
        "PermissionsEdit": field.written,
    }


def _not_granted(path: str, errors: object) -> NeedsHuman:
    cause = from_row(errors)
    return Rejected.because(
        NOT_GRANTED,
        provider="salesforce",
        path=path,
        problem=cause.message,
        permission_set=PERMISSION_SET,
        evidence={"code": cause.code},
    )
