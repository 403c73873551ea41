"""The custom fields that set-up makes: what we write back, and the few we read that a standard org lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.crm.salesforce.translate import OBJECTS
from connector.domain.write_back import BY_NAME, CanonicalField, ValueType
from mappings.model import FieldMapping

FREQUENCIES = ("Monthly", "Quarterly", "Semiannual", "Annual", "One-time")
COLLECTIONS = (("send_invoice", "Send invoice"), ("charge_automatically", "Charge automatically"))

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
    read = {_owner(path) for group in ("deal", "line_item") for path in mapping.paths(group)}
    for field in _READ:
        if field.path in read:
            found.setdefault(field.path, field)
    return sorted(found.values(), key=lambda field: list(OBJECTS.values()).index(field.object))


def _owner(path: str) -> str:
    """Object.Field at the end of a path: the relations that we make fields on are named for their objects."""
    return ".".join(path.split(".")[-2:])


def _written(known: CanonicalField) -> dict[str, Any]:
    return {"label": known.label, "description": known.description, "inlineHelpText": known.description} | _shape(known)


def _shape(known: CanonicalField) -> dict[str, Any]:
    if known.type is ValueType.NUMBER:
        return {"type": "Number", "precision": 18, "scale": 1 if known.name in _ONE_DECIMAL else 0}
    if known.type is ValueType.TEXT:
        return {"type": "Text", "length": 255, "externalId": known.name in _EXTERNAL_IDS}
    if known.type is ValueType.CHOICE:
        return _picklist(known.choices)
    return dict(_SHAPES[known.type])


def _picklist(choices: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Not restricted: a value that we add one day must not be refused by an org that was set up before."""
    values = [{"fullName": value, "label": label, "default": False} for value, label in choices]
    return {
        "type": "Picklist",
        "valueSet": {"restricted": False, "valueSetDefinition": {"sorted": False, "value": values}},
    }


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


def _read(path: str, label: str, help_text: str, **shape: Any) -> CustomField:
    name, _, field = path.partition(".")
    return CustomField(name, field, {"label": label, "inlineHelpText": help_text} | shape, written=False)


_FREQUENCY = _picklist(tuple((word, word) for word in FREQUENCIES))

_READ: tuple[CustomField, ...] = (
    _read("Opportunity.Billing_Start__c", "Billing start", "The day billing begins; empty: now.", type="Date"),
    _read(
        "Opportunity.Billing_Term_Months__c",
        "Billing term (months)",
        "How long the contract runs.",
        type="Number",
        precision=4,
        scale=0,
    ),
    _read(
        "Opportunity.Billing_Net_Days__c",
        "Billing net days",
        "Days until an invoice falls due; 0 is on receipt.",
        type="Number",
        precision=3,
        scale=0,
    ),
    _read("Opportunity.Billing_PO_Number__c", "PO number", "The buyer's order number.", type="Text", length=140),
    _read("Opportunity.Billing_Collection__c", "Collection", "How invoices are paid.", **_picklist(COLLECTIONS)),
    _read("OpportunityLineItem.Billing_Frequency__c", "Billing frequency", "How often it is billed.", **_FREQUENCY),
    _read("Product2.Billing_Frequency__c", "Billing frequency", "For lines that say nothing else.", **_FREQUENCY),
    _read("Product2.Stripe_Price_Id__c", "Stripe price", "A price to bill by: price_...", type="Text", length=255),
)
