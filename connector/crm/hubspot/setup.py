"""The properties we need in a HubSpot account: planned by looking, made if missing, never changed when there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from connector.crm.hubspot.api import HubSpotApi
from connector.crm.hubspot.calls import Refused
from connector.crm.hubspot.entered_properties import ENTERED, PropertySpec
from connector.crm.hubspot.translate import OBJECT_OF_KIND, PATH_OF_OBJECT, names_read
from connector.domain.write_back import BY_NAME, CanonicalField, ValueType
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
        """Group and properties of each object, in order. Asks HubSpot what is there; ``apply`` makes what is not."""
        return [
            action
            for name, specs in wanted(mapping).items()
            for action in self._plan_object(name, PATH_OF_OBJECT[name], specs)
        ]

    def _plan_object(self, name: str, path: str, specs: tuple[PropertySpec, ...]) -> Iterator[SetupAction]:
        present = {str(each.get("name")) for each in self._api.properties(path)}
        groups = {str(each.get("name")) for each in self._api.groups(path)}
        yield SetupAction(
            id=f"group {name}.{GROUP}",
            sentence=f'The property group "{GROUP_LABEL}" on {path}.',
            done=GROUP in groups,
            apply=None if GROUP in groups else _unless_there(lambda: self._api.create_group(path, GROUP, GROUP_LABEL)),
        )
        for spec in specs:
            yield SetupAction(
                id=f"property {name}.{spec.name}",
                sentence=f'The {name} property "{spec.label}" ({spec.field_type}): {spec.description}',
                done=spec.name in present,
                apply=None if spec.name in present else self._creation(path, spec),
            )

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
