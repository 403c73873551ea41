"""The custom fields that set-up makes: what we write back, and the few we read that a standard org lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connector.crm.labels import unlabelled
from connector.crm.salesforce.entered_fields import ENTERED, LEADS_TO, picklist
from connector.crm.salesforce.translate import OBJECTS
from connector.domain.write_back import BY_NAME, CanonicalField, ValueType
from mappings.model import FieldMapping

_ONE_DECIMAL = frozenset({"average_days_late"})
_EXTERNAL_IDS = frozenset({"customer_id", "subscription_id"})


@dataclass(frozen=True, slots=True)
class CustomField:
    """One custom field as the Tooling API makes it (Metadata API reference, CustomField)."""

    object: str
    name: str  #: ends in __c
    metadata: Mapping[str, Any]
    written: bool  #: whether we write it, or only read what people enter

    @property
    def path(self) -> str:
        return f"{self.object}.{self.name}"


def wanted_fields(mapping: FieldMapping) -> list[CustomField]:
    """Every custom field that the mapping writes or reads and that we know how to make, objects in order."""
    found: dict[str, CustomField] = {}
    for kind, names in mapping.write_back.items():
        for canonical, name in names.items():
            known = BY_NAME.get(canonical)
            if known is not None and kind in OBJECTS and name.endswith("__c"):
                field = CustomField(OBJECTS[kind], name, _written(known), written=True)
                found.setdefault(field.path, field)
    read = {field for group in ("deal", "line_item") for path in mapping.paths(group) for field in _fields_on(path)}
    for path, label, help_text, shape in ENTERED:
        if path in read:
            owner, _, name = path.partition(".")
            metadata = {"label": label, "inlineHelpText": help_text} | shape
            found.setdefault(path, CustomField(owner, name, metadata, written=False))
    return sorted(found.values(), key=lambda field: list(OBJECTS.values()).index(field.object))


def _fields_on(path: str) -> Iterator[str]:
    """Object.Field for the end of a path, and for every lookup of ours on the way there."""
    here, *relations = unlabelled(path).split(".")
    field = relations.pop() if relations else ""
    for relation in relations:
        if relation.endswith("__r"):
            yield f"{here}.{relation.removesuffix('r')}c"
        here = LEADS_TO.get(relation, relation)
    yield f"{here}.{field}"


def _written(known: CanonicalField) -> dict[str, Any]:
    return {"label": known.label, "description": known.description, "inlineHelpText": known.description} | _shape(known)


def _shape(known: CanonicalField) -> dict[str, Any]:
    if known.type is ValueType.NUMBER:
        return {"type": "Number", "precision": 18, "scale": 1 if known.name in _ONE_DECIMAL else 0}
    if known.type is ValueType.TEXT:
        return {"type": "Text", "length": 255, "externalId": known.name in _EXTERNAL_IDS}
    if known.type is ValueType.CHOICE:
        return picklist(known.choices)
    return dict(_SHAPES[known.type])


_SHAPES: Mapping[ValueType, Mapping[str, Any]] = {
    # two decimals also hold three-decimal currencies: billing charges those in steps of ten
    ValueType.MONEY: {"type": "Currency", "precision": 18, "scale": 2},
    ValueType.LONG_TEXT: {"type": "LongTextArea", "length": 4000, "visibleLines": 3},
    ValueType.PERCENT: {"type": "Percent", "precision": 5, "scale": 2},
    ValueType.DATE: {"type": "Date"},
    ValueType.DATETIME: {"type": "DateTime"},
    ValueType.CHECKBOX: {"type": "Checkbox", "defaultValue": "false"},
    ValueType.URL: {"type": "Url"},
}
