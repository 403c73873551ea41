"""The properties and groups of one object type: HubSpot's own and those a customer makes."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connector.sandbox.hubspot.kinds import Kind
from connector.sandbox.hubspot.properties import Group, Option, Property, standard
from connector.sandbox.hubspot.refusals import BadValue, Detail, Refusal, invalid
from connector.sandbox.hubspot.values import fit, why_not

_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_FIELD_TYPES = {
    "string": {"text", "textarea", "file"},
    "number": {"number"},
    "bool": {"booleancheckbox"},
    "enumeration": {"select", "radio", "checkbox", "booleancheckbox"},
    "date": {"date"},
    "datetime": {"date"},
}
_MOST_UNIQUE = 10

Choices = Callable[[str], Sequence[Option]]


class Catalogue:
    """What may stand on a record of one kind.

    `choices(flag)` gives the options that live elsewhere in the portal: "stages", "pipelines", "owners".
    """

    def __init__(self, kind: Kind, now: datetime, choices: Choices) -> None:
        self.kind = kind
        self._choices = choices
        self.groups, self.properties = standard(kind.name, now)

    def options_of(self, one: Property) -> Sequence[Option]:
        """The values an enumeration takes now."""
        for flag in ("stages", "pipelines", "owners"):
            if flag in one.flags:
                return self._choices(flag)
        return one.options

    def live(self, name: str) -> Property | None:
        """The property, unless it is unknown or archived."""
        one = self.properties.get(name)
        return one if one is not None and one.archived_at is None else None

    def describe(self, one: Property) -> dict[str, Any]:
        """The property as HubSpot describes it; owners are named by reference, not listed."""
        return one.body([] if "owners" in one.flags else self.options_of(one))

    def problems(self, values: Mapping[str, str]) -> list[BadValue]:
        """Every value that a write may not set."""
        found = []
        for name, value in values.items():
            one = self.live(name)
            bad = why_not(one, name, value, self.options_of(one) if one else ())
            if bad is not None:
                found.append(bad)
        return found

    def stored(self, name: str, value: str) -> str:
        """The value as it is kept; call `problems` first."""
        one = self.properties[name]
        return fit(one, value, self.options_of(one))

    # --- What a customer makes ------------------------------------------------------------------

    def add_group(self, wanted: Mapping[str, Any]) -> Group:
        """Raises Refusal: 409 when the name is taken, 400 for a name HubSpot does not take."""
        name = wanted["name"]
        _check_name(name)
        if name in self.groups:
            raise _taken("property group", name)
        self.groups[name] = Group(name, wanted["label"], wanted.get("displayOrder", -1))
        return self.groups[name]

    def change_group(self, name: str, wanted: Mapping[str, Any]) -> Group:
        """Raises Refusal (404) for an unknown group."""
        old = self.group(name)
        self.groups[name] = replace(
            old, label=wanted.get("label", old.label), order=wanted.get("displayOrder", old.order)
        )
        return self.groups[name]

    def drop_group(self, name: str) -> None:
        """Raises Refusal: 404 for an unknown group, 400 while properties still stand in it."""
        self.group(name)
        if any(one.group == name for one in self.properties.values() if one.archived_at is None):
            raise invalid(f"Property group {name} still has properties")
        del self.groups[name]

    def group(self, name: str) -> Group:
        """Raises Refusal (404) for an unknown group."""
        if name not in self.groups:
            raise Refusal(404, "OBJECT_NOT_FOUND", f"Property group {name} does not exist")
        return self.groups[name]

    def property(self, name: str, *, archived: bool = False) -> Property:
        """Raises Refusal (404) for an unknown property, or one on the other side of the recycling bin."""
        one = self.properties.get(name)
        if one is None or (one.archived_at is not None) != archived:
            raise Refusal(
                404,
                "OBJECT_NOT_FOUND",
                f"Property {name} does not exist on {self.kind.name}",
                context={"propertyName": [name]},
            )
        return one

    def add(self, wanted: Mapping[str, Any], now: datetime) -> Property:
        """Raises Refusal: 409 when the name is taken, 400 for a definition HubSpot does not take."""
        name = wanted["name"]
        if self.live(name) is not None:
            raise _taken("property", name)
        _check_name(name)
        self._check_group(wanted["groupName"])
        made = Property(
            name=name,
            label=wanted["label"],
            type=wanted["type"],
            field_type=wanted["fieldType"],
            group=wanted["groupName"],
            created_at=now,
            updated_at=now,
            options=_options(wanted.get("options", [])),
            description=wanted.get("description", ""),
            unique=wanted.get("hasUniqueValue", False),
            hidden=wanted.get("hidden", False),
            form_field=wanted.get("formField", False),
            order=wanted.get("displayOrder", -1),
        )
        _check_definition(made)
        if (
            made.unique
            and sum(one.unique and not one.hubspot_defined for one in self.properties.values()) >= _MOST_UNIQUE
        ):
            raise invalid(f"There are already {_MOST_UNIQUE} unique properties on {self.kind.name}")
        self.properties[name] = made
        return made

    def change(self, name: str, wanted: Mapping[str, Any], now: datetime) -> Property:
        """Raises Refusal: 404 for an unknown property, 400 for one of HubSpot's own or an impossible definition."""
        old = self.property(name)
        if old.hubspot_defined:
            raise invalid(f"Property {name} is defined by HubSpot; its definition cannot be changed.")
        if "groupName" in wanted:
            self._check_group(wanted["groupName"])
        changed = replace(
            old,
            label=wanted.get("label", old.label),
            type=wanted.get("type", old.type),
            field_type=wanted.get("fieldType", old.field_type),
            group=wanted.get("groupName", old.group),
            options=_options(wanted["options"]) if "options" in wanted else old.options,
            description=wanted.get("description", old.description),
            hidden=wanted.get("hidden", old.hidden),
            form_field=wanted.get("formField", old.form_field),
            order=wanted.get("displayOrder", old.order),
            updated_at=now,
        )
        _check_definition(changed)
        self.properties[name] = changed
        return changed

    def archive(self, name: str, now: datetime) -> None:
        """Raises Refusal: 404 for an unknown property, 400 for one of HubSpot's own."""
        one = self.property(name)
        if one.hubspot_defined:
            raise invalid(f"Property {name} is defined by HubSpot; it cannot be archived.")
        self.properties[name] = replace(one, archived_at=now)

    def _check_group(self, name: str) -> None:
        if name not in self.groups:
            raise invalid(
                f"Property group {name} does not exist on {self.kind.name}",
                Detail("The group must be made first.", "PROPERTY_GROUP_DOESNT_EXIST", {"groupName": [name]}),
            )


def _taken(what: str, name: str) -> Refusal:
    return Refusal(
        409,
        "OBJECT_ALREADY_EXISTS",
        f"A {what} named '{name}' already exists.",
        context={"name": [name]},
    )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise invalid(
            f"'{name}' is not a valid internal name: lower-case letters, digits and underscores, a letter first.",
            Detail("Invalid name", "INVALID_NAME", {"name": [name]}),
        )


def _options(wanted: Sequence[Mapping[str, Any]]) -> tuple[Option, ...]:
    return tuple(
        Option(
            one["value"],
            one["label"],
            one.get("displayOrder", order),
            one.get("description", ""),
            one.get("hidden", False),
        )
        for order, one in enumerate(wanted)
    )


def _check_definition(one: Property) -> None:
    if one.field_type not in _FIELD_TYPES[one.type]:
        raise invalid(
            f"fieldType {one.field_type} does not go with type {one.type}.",
            Detail("Invalid fieldType", "INVALID_FIELD_TYPE", {"fieldType": [one.field_type]}),
        )
    values = [option.value for option in one.options]
    if one.type == "enumeration" and not values:
        raise invalid(f"Property {one.name} is an enumeration and needs options.")
    if one.type == "bool" and set(values) != {"true", "false"}:
        raise invalid(f"Property {one.name} is a bool; its options are exactly true and false.")
    if one.type not in {"enumeration", "bool"} and values:
        raise invalid(f"Property {one.name} of type {one.type} takes no options.")
    if len(set(values)) < len(values) or len({option.label for option in one.options}) < len(values):
        raise invalid(f"Property {one.name} names an option twice.")
    if one.unique and one.type not in {"string", "number"}:
        raise invalid(f"Property {one.name} of type {one.type} cannot have unique values.")
