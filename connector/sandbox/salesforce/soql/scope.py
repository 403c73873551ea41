"""What the names in a query mean: object, field and relationship, as far as the asking user may see them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.schema import Api, Child, Field, ObjectType, Schema
from connector.sandbox.salesforce.soql.tokens import pointed
from connector.sandbox.salesforce.soql.tree import Path
from connector.sandbox.salesforce.values import Record, Value

_MOST_PARENTS = 5
_SEE_DESCRIBE = "Please reference your WSDL or the describe call for the appropriate names."

NAME = ObjectType(  # what Who and What lead to: a record of one of several objects
    "Name",
    "Name",
    "Names",
    "",
    {
        "id": Field("Id", "id", "ID", length=18),
        "name": Field("Name", "string", "Name", length=255),
        "type": Field("Type", "picklist", "Type", length=40),
    },
    {},
)


class Rows(Protocol):
    """The records a query runs over."""

    @property
    def schema(self) -> Schema:
        """The org's objects."""
        ...

    def now(self) -> datetime:
        """The org's present."""
        ...

    def rows(self, object_name: str, *, deleted: bool = False) -> Iterable[Record]:
        """Every record of an object."""
        ...

    def row(self, object_name: str, record_id: str) -> Record | None:
        """One record, deleted or not."""
        ...

    def children(self, object_name: str, field_name: str, parent_id: str) -> list[Record]:
        """The records whose reference points at this parent."""
        ...

    def object_of(self, record_id: str) -> ObjectType | None:
        """The object an id belongs to, by its prefix."""
        ...


class Sight(Protocol):
    """What the asking user may see."""

    def can_read(self, object_type: ObjectType, field: Field) -> bool:
        """Field-level security, for reading."""
        ...


@dataclass(frozen=True)
class Column:
    """A path that was understood: the references to follow, then the field."""

    steps: tuple[tuple[Field, ObjectType], ...]
    field: Field

    def parent(self, record: Record, rows: Rows) -> Record | None:
        """The record that holds the field, or None where a reference on the way is empty."""
        found: Record | None = record
        for reference, parent in self.steps:
            target = found.get(reference.name) if found else None
            if not isinstance(target, str):
                return None
            found = named(rows, target) if parent is NAME else rows.row(parent.name, target)
        return found

    def value(self, record: Record, rows: Rows) -> Value:
        """The field's value for this record, through its parents."""
        holder = self.parent(record, rows)
        return None if holder is None else holder.get(self.field.name)


def named(rows: Rows, record_id: str) -> Record | None:
    """The Id, Name and Type of a record of any object."""
    object_type = rows.object_of(record_id)
    if object_type is None:
        return None
    found = rows.row(object_type.name, record_id)
    if found is None:
        return None
    name = next((f.name for f in object_type.fields.values() if f.name_field), "Subject")
    return {"Id": record_id, "Name": found.get(name), "Type": object_type.name}


@dataclass(frozen=True)
class Scope:
    """One FROM: its object, the text it came from and the eyes it is read with."""

    soql: str
    object: ObjectType
    names: frozenset[str]  #: lower-case words that may stand before a field and mean the object itself
    sight: Sight
    schema: Schema

    def column(self, path: Path) -> Column:
        """The column a path means; raises Refused (INVALID_FIELD) in Salesforce's words."""
        parts = list(path.parts)
        if len(parts) > 1 and parts[0].lower() in self.names:
            del parts[0]
        if len(parts) > _MOST_PARENTS + 1:
            raise self.refuse(path.at, "Relationship paths may follow at most 5 parents")
        here, steps = self.object, []
        for part in parts[:-1]:
            reference = here.relationship(part)
            parent = self._parent(reference) if reference and self.sight.can_read(here, reference) else None
            if reference is None or parent is None:
                raise self.refuse(
                    path.at,
                    f"Didn't understand relationship '{part}' in field path. If you are attempting to use a custom "
                    f"relationship, be sure to append the '__r' after the custom relationship name. {_SEE_DESCRIBE}",
                )
            steps.append((reference, parent))
            here = parent
        field = here.field(parts[-1])
        if field is None or not (here is NAME or self.sight.can_read(here, field)):
            raise self.refuse(
                path.at,
                f"No such column '{parts[-1]}' on entity '{here.name}'. If you are attempting to use a custom field, "
                f"be sure to append the '__c' after the custom field name. {_SEE_DESCRIBE}",
            )
        return Column(tuple(steps), field)

    def child(self, name: str, at: int) -> Child:
        """The child relationship of this name; raises Refused (INVALID_TYPE)."""
        found = self.object.children.get(name.lower())
        if found is None or self.schema.find(found.object) is None:
            raise Refused(
                "INVALID_TYPE",
                pointed(
                    self.soql,
                    at,
                    f"Didn't understand relationship '{name}' in FROM part of query call. If you are attempting to "
                    f"use a custom relationship, be sure to append the '__r' after the custom relationship name. "
                    f"{_SEE_DESCRIBE}",
                ),
            )
        return found

    def refuse(self, at: int, message: str, code: str = "INVALID_FIELD") -> Refused:
        """An error that points into the query."""
        return Refused(code, pointed(self.soql, at, message))

    def _parent(self, reference: Field) -> ObjectType | None:
        if reference.polymorphic:
            return NAME
        return self.schema.find(reference.reference_to[0]) if reference.reference_to else None


def scope_of(soql: str, source: str, alias: str | None, at: int, sight: Sight, schema: Schema, api: Api) -> Scope:
    """The scope of a FROM that names an object; raises Refused (INVALID_TYPE)."""
    found = schema.find(source)
    if found is None or (found.api == "tooling" and api == "data"):
        raise Refused(
            "INVALID_TYPE",
            pointed(
                soql,
                at,
                f"sObject type '{source}' is not supported. If you are attempting to use a custom object, be sure to "
                f"append the '__c' after the entity name. {_SEE_DESCRIBE}",
            ),
        )
    names = {found.name.lower()} | ({alias.lower()} if alias else set())
    return Scope(soql, found, frozenset(names), sight, schema)
