"""Creating, changing and deleting records the way Salesforce does: checked, defaulted, stamped, all or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connector.sandbox.salesforce.access import Actor
from connector.sandbox.salesforce.checks import check_duplicates, check_references, check_unique, check_validation
from connector.sandbox.salesforce.errors import Refused, Several
from connector.sandbox.salesforce.ids import normal_id
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.rules import after_delete, after_save, before_delete, before_save
from connector.sandbox.salesforce.schema import Field, ObjectType
from connector.sandbox.salesforce.values import Record, from_json

Values = Mapping[str, object]


@dataclass(frozen=True)
class Writer:
    """Writes on behalf of one user; `allow_duplicates` is the caller's Sforce-Duplicate-Rule-Header."""

    org: Org
    actor: Actor
    allow_duplicates: bool = False

    def create(self, object_type: ObjectType, values: Values) -> str:
        """Save a new record and return its id; raises Refused."""
        if not object_type.createable and not self.actor.sees_all:
            raise Refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {object_type.name}")
        self._check_right(object_type, "inserted")
        given = self._read(object_type, values, creating=True)
        record: Record = dict.fromkeys(f.name for f in object_type.fields.values() if f.type != "address")
        self._default(object_type, record)
        for name, value in given.items():
            if value is not None or object_type.fields[name.lower()].nillable:  # otherwise the default stands
                record[name] = value
        missing = [f.name for f in object_type.fields.values() if f.required and record.get(f.name) is None]
        if missing:
            raise _missing(missing)
        record["Id"] = self.org.next_id(object_type)
        with self.org.unit():
            self._save(object_type, None, record, given)
        return str(record["Id"])

    def update(self, object_type: ObjectType, record_id: str, values: Values) -> None:
        """Change a record; raises Refused, ENTITY_IS_DELETED and NOT_FOUND included."""
        before = self.existing(object_type, record_id)
        if not object_type.updateable and not self.actor.sees_all:
            raise Refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be updated: {object_type.name}")
        self._check_right(object_type, "updated")
        given = self._read(object_type, values, creating=False)
        emptied = [n for n, value in given.items() if value is None and not object_type.fields[n.lower()].nillable]
        if emptied:
            raise _missing(emptied)
        with self.org.unit():
            self._save(object_type, before, {**before, **given}, given)

    def upsert(self, object_type: ObjectType, field: Field, key: object, values: Values) -> tuple[str, bool]:
        """Create or change the record with this key; gives its id and whether it is new.

        Raises Several where the key fits more than one record.
        """
        wanted = from_json(field, key)
        if wanted is None:
            raise Refused("MISSING_ARGUMENT", f"{field.name} not specified", [])
        matches = self.matching(object_type, field, wanted)
        if len(matches) > 1:
            raise Several(object_type.name, [str(one["Id"]) for one in matches])
        if matches:
            record_id = str(matches[0]["Id"])
            self.update(object_type, record_id, values)
            return record_id, False
        if field.type == "id":
            raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
        return self.create(object_type, {**values, field.name: key}), True

    def delete(self, object_type: ObjectType, record_id: str) -> None:
        """Put a record in the bin, or remove it where the object knows no bin; raises Refused."""
        before = self.existing(object_type, record_id)
        if not object_type.deletable and not self.actor.sees_all:
            raise Refused("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", [], status=403)
        with self.org.unit():
            before_delete(self.org, object_type, before)
            self._discard(object_type, before)

    def existing(self, object_type: ObjectType, record_id: str) -> Record:
        """The live record of this id; raises Refused where it is malformed, unknown or deleted."""
        normal = normal_id(record_id)
        if normal is None:
            raise Refused(
                "MALFORMED_ID", f"{object_type.label} ID: id value of incorrect type: {record_id[:30]}", ["Id"]
            )
        found = self.org.row(object_type.name, normal)
        if found is None:
            raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
        if found.get("IsDeleted"):
            raise Refused("ENTITY_IS_DELETED", "entity is deleted", [], status=404)
        return found

    def matching(self, object_type: ObjectType, field: Field, wanted: object) -> list[Record]:
        """The live records whose key field has this value."""

        def key(value: object) -> object:
            return (
                value.casefold()
                if isinstance(value, str) and not field.case_sensitive and field.type != "id"
                else value
            )

        return [one for one in self.org.rows(object_type.name) if key(one.get(field.name)) == key(wanted)]

    # -- steps of a save

    def _check_right(self, object_type: ObjectType, what: str) -> None:
        if not self.actor.may_change(object_type):
            raise Refused("INVALID_TYPE_FOR_OPERATION", f"entity type cannot be {what}: {object_type.name}", [])

    def _read(self, object_type: ObjectType, values: Values, *, creating: bool) -> Record:
        """The given values as the org keeps them, each one known and writable."""
        given: Record = {}
        closed: list[str] = []
        for name, raw in values.items():
            field = object_type.field(name)
            if field is None or not self.actor.can_read(object_type, field):
                raise Refused("INVALID_FIELD", f"No such column '{name}' on sobject of type {object_type.name}")
            writable = (field.createable if creating else field.updateable) or self._may_force(field)
            if field.type == "address" or not writable or not self.actor.can_edit(object_type, field):
                closed.append(field.name)
                continue
            given[field.name] = from_json(field, raw)
        if closed:
            raise Refused(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                f"Unable to create/update fields: {', '.join(closed)}. Please check the security settings of this "
                "field and verify that it is read/write for your profile or permission set.",
                closed,
            )
        return given

    def _may_force(self, field: Field) -> bool:
        return self.actor.sees_all and not field.calculated and field.name not in _NEVER

    def _default(self, object_type: ObjectType, record: Record) -> None:
        for field in object_type.fields.values():
            if field.default_value is not None:
                record[field.name] = field.default_value
            elif field.type == "boolean" and not field.nillable:
                record[field.name] = False
        for name in ("OwnerId",):
            if name in record:
                record[name] = self.actor.user_id
        if "CurrencyIsoCode" in record:
            record["CurrencyIsoCode"] = self.org.schema.currencies[0]

    def _save(self, object_type: ObjectType, before: Record | None, record: Record, given: Record) -> None:
        check_references(self.org, object_type, given)
        before_save(self.org, object_type, before, record, given)
        check_unique(self.org, object_type, record, given)
        check_duplicates(self.org, object_type, record, given, allowed=self.allow_duplicates)
        stamp(self.org, object_type, record, self.actor.user_id, new=before is None)
        self.org.put(object_type.name, record)
        check_validation(self.org, object_type, record)
        after_save(self.org, object_type, before, record, self.actor.user_id)

    def _discard(self, object_type: ObjectType, before: Record) -> None:
        record_id = str(before["Id"])
        for child in object_type.children.values():
            if not child.cascade:
                continue
            child_type = self.org.schema.find(child.object)
            for row in self.org.children(child.object, child.field, record_id) if child_type else []:
                if child_type and not row.get("IsDeleted"):
                    self._discard(child_type, row)
        if "IsDeleted" in before:
            gone: Record = {**before, "IsDeleted": True}
            stamp(self.org, object_type, gone, self.actor.user_id, new=False)
            self.org.put(object_type.name, gone)
        else:
            self.org.remove(object_type.name, record_id)
        after_delete(self.org, object_type, before, self.actor.user_id)


_NEVER = frozenset(
    {"Id", "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"}
)


def stamp(org: Org, object_type: ObjectType, record: Record, user_id: str, *, new: bool) -> None:
    """Write down when and by whom, at the sandbox clock."""
    now = org.now()
    marks: Record = {"LastModifiedDate": now, "LastModifiedById": user_id, "SystemModstamp": now}
    if new:
        marks |= {"CreatedDate": now, "CreatedById": user_id, "IsDeleted": False}
    record.update({name: value for name, value in marks.items() if object_type.field(name)})


def _missing(names: Sequence[str]) -> Refused:
    return Refused("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(names)}]", names)
