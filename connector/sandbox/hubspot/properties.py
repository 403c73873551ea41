"""Property definitions: what HubSpot says about a property, and the text tables of the standard ones."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from typing import Any

from connector.sandbox.hubspot.moments import write_moment


@dataclass(frozen=True)
class Option:
    """One choice of an enumeration."""

    value: str
    label: str
    order: int = 0
    description: str = ""
    hidden: bool = False

    def body(self) -> dict[str, Any]:
        """As HubSpot writes it."""
        return {
            "label": self.label,
            "value": self.value,
            "displayOrder": self.order,
            "description": self.description,
            "hidden": self.hidden,
        }


@dataclass(frozen=True)
class Property:
    """One property of one object type."""

    name: str
    label: str
    type: str
    field_type: str
    group: str
    created_at: datetime
    updated_at: datetime
    options: tuple[Option, ...] = ()
    description: str = ""
    hubspot_defined: bool = False
    read_only: bool = False
    calculated: bool = False
    unique: bool = False
    hidden: bool = False
    form_field: bool = False
    order: int = -1
    archived_at: datetime | None = None
    flags: frozenset[str] = field(default_factory=frozenset)  #: rules of the standard ones: "email", "notnegative"

    @property
    def writable(self) -> bool:
        """Whether the API may set it."""
        return not (self.read_only or self.calculated)

    @property
    def several(self) -> bool:
        """Whether its value is a list joined by semicolons."""
        return self.type == "enumeration" and self.field_type == "checkbox"

    def body(self, options: Sequence[Option] | None = None) -> dict[str, Any]:
        """As HubSpot describes it; `options` stands in where they come from elsewhere (stages, pipelines)."""
        shown: dict[str, Any] = {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": [one.body() for one in (self.options if options is None else options)],
            "createdAt": write_moment(self.created_at),
            "updatedAt": write_moment(self.updated_at),
            "displayOrder": self.order,
            "calculated": self.calculated,
            "externalOptions": "owners" in self.flags,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "hubspotDefined": self.hubspot_defined,
            "formField": self.form_field,
            "archived": self.archived_at is not None,
            "modificationMetadata": {
                "archivable": not self.hubspot_defined,
                "readOnlyDefinition": self.hubspot_defined,
                "readOnlyOptions": self.hubspot_defined,
                "readOnlyValue": not self.writable,
            },
        }
        if "owners" in self.flags:
            shown["referencedObjectType"] = "OWNER"
        if "currency" in self.flags:
            shown["showCurrencySymbol"] = True
        if self.archived_at is not None:
            shown["archivedAt"] = write_moment(self.archived_at)
        return shown


@dataclass(frozen=True)
class Group:
    """A heading under which properties stand."""

    name: str
    label: str
    order: int = -1
    archived: bool = False

    def body(self) -> dict[str, Any]:
        """As HubSpot writes it."""
        return {
            "name": self.name,
            "label": self.label,
            "displayOrder": self.order,
            "archived": self.archived,
        }


YES_NO = (Option("true", "Yes", 0), Option("false", "No", 1))


def standard(kind: str, now: datetime) -> tuple[dict[str, Group], dict[str, Property]]:
    """HubSpot's own groups and properties of an object type, from its table."""
    groups: dict[str, Group] = {}
    properties: dict[str, Property] = {}
    for row in _rows(kind):
        if row[0].startswith("="):
            name = row[0].removeprefix("=").strip()
            groups[name] = Group(name, row[1], len(groups))
        else:
            properties[row[0]] = _property(row, now)
    return groups, properties


def _rows(kind: str) -> Iterator[list[str]]:
    table = resources.files("connector.sandbox.hubspot").joinpath("standard", f"{kind}.txt")
    for line in table.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield [cell.strip() for cell in line.split("|")]


def _property(row: list[str], now: datetime) -> Property:
    name, label, kind, group, flag_words, option_words = [*row, "", ""][:6]
    type_, field_type = kind.split()
    flags = frozenset(flag_words.split())
    return Property(
        name=name,
        label=label,
        type=type_,
        field_type=field_type,
        group=group,
        created_at=now,
        updated_at=now,
        options=YES_NO if type_ == "bool" else _options(option_words),
        hubspot_defined=True,
        read_only="readonly" in flags,
        calculated="calculated" in flags,
        unique="unique" in flags,
        form_field=not flags & {"readonly", "calculated"},
        flags=flags,
    )


def _options(words: str) -> tuple[Option, ...]:
    pairs = [re.split(r"\s*=\s*", one.strip(), maxsplit=1) for one in words.split(";") if one.strip()]
    return tuple(Option(value, label, order) for order, (value, label) in enumerate(pairs))
