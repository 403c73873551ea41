"""The properties and labels we need in a HubSpot account: planned by looking, made if missing, never changed when
there. Only a choice that our own property lacks is added to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from connector.crm.hubspot.api import HubSpotApi
from connector.crm.hubspot.calls import Refused
from connector.crm.hubspot.entered_properties import ENTERED, PropertySpec
from connector.crm.hubspot.translate import OBJECT_OF_KIND, PATH_OF_OBJECT, names_read
from connector.crm.labels import labels_of, same_label
from connector.domain.write_back import BY_NAME, CanonicalField, ValueType
from connector.errors import AccessLost
from connector.ports import SetupAction
from mappings.model import FieldMapping

GROUP, GROUP_LABEL = "billing", "Billing"
_CONFLICT = 409

_YES_NO = (("true", "Yes"), ("false", "No"))
"""HubSpot wants the two options of a checkbox spelled out."""


TYPES: Mapping[ValueType, tuple[str, str]] = MappingProxyType(
    {
        ValueType.TEXT: ("string", "text"),
        ValueType.LONG_TEXT: ("string", "textarea"),
        ValueType.URL: ("string", "text"),
        ValueType.MONEY: ("number", "number"),
        ValueType.NUMBER: ("number", "number"),
        ValueType.PERCENT: ("number", "number"),
        ValueType.DATE: ("date", "date"),
        ValueType.DATETIME: ("datetime", "date"),
        ValueType.CHECKBOX: ("bool", "booleancheckbox"),
        ValueType.CHOICE: ("enumeration", "select"),
    }
)
"""HubSpot's (type, fieldType) for each type of ours. A percentage stays a number from 0 to 100."""


class AccountSetup:
    """What set-up would make in one HubSpot account."""

    def __init__(self, api: HubSpotApi) -> None:
        self._api = api

    def plan(self, mapping: FieldMapping) -> list[SetupAction]:
        """Group and properties of each object, in order, then association labels.

        Asks HubSpot what is there; ``apply`` makes what is not.
        """
        properties = [
            action
            for name, specs in wanted(mapping).items()
            for action in self._plan_object(name, PATH_OF_OBJECT[name], specs)
        ]
        labels = [
            action
            for name in ("company", "contact")
            for action in self._plan_labels(PATH_OF_OBJECT[name], labels_of(mapping.paths("deal"), name))
        ]
        return [*properties, *labels]

    def _plan_object(self, name: str, path: str, specs: tuple[PropertySpec, ...]) -> Iterator[SetupAction]:
        present = {str(each.get("name")): each for each in self._api.properties(path)}
        groups = {str(each.get("name")) for each in self._api.groups(path)}
        yield SetupAction(
            id=f"group {name}.{GROUP}",
            sentence=f'The property group "{GROUP_LABEL}" on {path}.',
            done=GROUP in groups,
            apply=None if GROUP in groups else _unless_there(lambda: self._api.create_group(path, GROUP, GROUP_LABEL)),
        )
        for spec in specs:
            there = present.get(spec.name)
            yield SetupAction(
                id=f"property {name}.{spec.name}",
                sentence=f'The {name} property "{spec.label}" ({spec.field_type}): {spec.description}',
                done=there is not None,
                apply=None if there is not None else self._creation(path, spec),
            )
            missing = _missing_options(spec, there) if there is not None else ()
            if there is not None and missing:
                yield SetupAction(
                    id=f"options {name}.{spec.name}",
                    sentence=f"{', '.join(label for _, label in missing)} as a choice of our own property {spec.name}.",
                    done=False,
                    apply=self._more_options(path, there, missing),
                )

    def _plan_labels(self, path: str, labels: Sequence[str]) -> Iterator[SetupAction]:
        """Labels are a matter of HubSpot's larger subscriptions: an account without them says so when one is made."""
        present: Sequence[str] = ()
        if labels:
            try:
                present = self._api.labels("deals", path)
            except AccessLost:
                present = ()
        for label in labels:
            there = any(same_label(each, label) for each in present)
            yield SetupAction(
                id=f"label deals.{path}.{label}",
                sentence=f"The association label “{label}” from deals to {path}.",
                done=there,
                apply=None if there else self._label(path, label),
            )

    def _label(self, path: str, label: str) -> Callable[[], None]:
        name = re.sub(r"[^a-z0-9]+", "_", label.casefold()).strip("_") or "label"
        return _unless_there(lambda: self._api.create_label("deals", path, name, label))

    def _more_options(
        self, path: str, definition: Mapping[str, Any], missing: tuple[tuple[str, str], ...]
    ) -> Callable[[], None]:
        return _unless_there(lambda: self._api.add_options(path, definition, missing))

    def _creation(self, path: str, spec: PropertySpec) -> Callable[[], None]:
        definition = {
            "name": spec.name,
            "label": spec.label,
            "description": spec.description,
            "group_name": GROUP,
            "type": spec.type,
            "field_type": spec.field_type,
            "form_field": False,
        }
        return _unless_there(lambda: self._api.create_property(path, definition, spec.options))


def wanted(mapping: FieldMapping) -> dict[str, tuple[PropertySpec, ...]]:
    """Object -> every property of ours that the mapping names there: those we write, and the optional ones we read."""
    specs: dict[str, dict[str, PropertySpec]] = {}
    for kind, names in mapping.write_back.items():
        for canonical, name in names.items():
            if kind in OBJECT_OF_KIND and canonical in BY_NAME:
                specs.setdefault(OBJECT_OF_KIND[kind], {})[name] = written(BY_NAME[canonical], name)
    paths = (*mapping.paths("deal"), *mapping.paths("line_item"))
    for name, optional in ENTERED.items():
        read = names_read(paths, name)
        specs.setdefault(name, {}).update({each.name: each for each in optional if each.name in read})
    return {name: tuple(found.values()) for name, found in specs.items() if found}


def _missing_options(spec: PropertySpec, there: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The choices that an earlier version of ours did not make yet.

    A property is taken for ours if it stands in our group and knows no other choice than ours: whatever a customer
    made, or made of it, stays as it is.
    """
    present = {str(each.get("value")) for each in there.get("options") or ()}
    wanted_values = {value for value, _ in spec.options}
    ours = there.get("groupName") == GROUP and there.get("type") == spec.type and present < wanted_values
    return tuple(each for each in spec.options if each[0] not in present) if ours and present else ()


def written(canonical: CanonicalField, name: str) -> PropertySpec:
    """The property that shows one canonical value."""
    kind, field_type = TYPES[canonical.type]
    options = _YES_NO if canonical.type is ValueType.CHECKBOX else canonical.choices
    return PropertySpec(name, canonical.label, canonical.description, kind, field_type, options)


def _unless_there(make: Callable[[], None]) -> Callable[[], None]:
    """Made by someone else since we looked is as good as made."""

    def apply() -> None:
        try:
            make()
        except Refused as refused:
            if refused.refusal.status != _CONFLICT:
                raise refused.error from None

    return apply
