"""From HubSpot's words to ours and back: object names, property definitions, values, associations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, TypeAlias

from connector.crm.hubspot.api import mapping
from connector.crm.labels import parts, same_label
from connector.domain.refs import RecordRef
from connector.domain.write_back import Value
from connector.errors import CannotBill
from connector.ports import FieldCatalog, FieldInfo
from connector.sentences.crm import NO_PRIMARY_COMPANY, SEVERAL_PRIMARY_COMPANIES

OBJECT_OF_KIND: Mapping[str, str] = MappingProxyType(
    {"deal": "deal", "account": "company", "contact": "contact", "line_item": "line_item", "product": "product"}
)
"""Our kind -> the object name that mapping paths begin with."""

PATH_OF_OBJECT: Mapping[str, str] = MappingProxyType(
    {
        "deal": "deals",
        "company": "companies",
        "contact": "contacts",
        "line_item": "line_items",
        "product": "products",
    }
)
"""Object name -> what it is called in HubSpot's addresses."""

PRIMARY_COMPANY = 5
"""Association type deal -> primary company. Source: hubspot-api-client, ``AssociationType``."""

_SIMPLE_TYPES: Mapping[str, str] = MappingProxyType(
    {"date": "date", "datetime": "datetime", "bool": "checkbox", "enumeration": "choice", "phone_number": "text"}
)


def field_info(definition: Mapping[str, Any]) -> FieldInfo:
    """A property definition in our words."""
    rights = mapping(definition.get("modificationMetadata"))
    choices = tuple(str(mapping(each).get("value")) for each in definition.get("options") or ())
    referenced = definition.get("referencedObjectType")
    return FieldInfo(
        name=str(definition.get("name")),
        label=str(definition.get("label") or definition.get("name")),
        type=_our_type(definition),
        writable=not (definition.get("calculated") or rights.get("readOnlyValue")),
        choices=() if definition.get("externalOptions") else choices,
        references=(str(referenced),) if referenced else (),
    )


def field_catalog(name: str, definitions: Iterable[Mapping[str, Any]]) -> FieldCatalog:
    """All properties of one object, by name; archived ones are not there."""
    fields = (field_info(each) for each in definitions if not each.get("archived"))
    return FieldCatalog(name, MappingProxyType({each.name: each for each in fields}))


def _our_type(definition: Mapping[str, Any]) -> str:
    kind = definition.get("type")
    if definition.get("referencedObjectType"):
        return "reference"
    if kind == "string":
        return "long_text" if definition.get("fieldType") in ("textarea", "html") else "text"
    if kind == "number":
        return "money" if definition.get("showCurrencySymbol") else "number"
    return _SIMPLE_TYPES.get(str(kind), "other")


def record(properties: Mapping[str, Any], catalog: FieldCatalog) -> dict[str, Any]:
    """A record as rules read it: numbers as Decimal, everything else as HubSpot's text, empty as None."""
    return {name: _value(value, catalog.fields.get(name)) for name, value in properties.items()}


def _value(value: object, info: FieldInfo | None) -> object:
    if value is None or value == "":
        return None
    text = _plain(value)
    if info is None or info.type not in ("number", "money"):
        return text
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return number if number.is_finite() else text


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def to_text(value: Value, info: FieldInfo | None = None) -> str:
    """A value as HubSpot takes it: always text, fitted to the property's own type where two would do.

    A date property wants ``YYYY-MM-DD``, a datetime one ISO 8601 in UTC; the empty text clears a property.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    wanted = info.type if info else ""
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return moment.date().isoformat() if wanted == "date" else _moment(moment)
    if isinstance(value, date):
        return _moment(datetime.combine(value, time(), UTC)) if wanted == "datetime" else value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def names_read(paths: Iterable[str], name: str) -> tuple[str, ...]:
    """The properties of one object that mapping paths read, with whatever label: ``company.city`` -> ``city``."""
    found = (parts(path) for path in paths)
    return tuple(
        dict.fromkeys(each.rest for each in found if each.object == name and each.rest and "." not in each.rest)
    )


@dataclass(frozen=True, slots=True)
class AssociatedIds:
    """What is associated with a fetched deal: ids in HubSpot's order and once each.

    ``more`` says that there are others on a further page, ``labelled`` that one of them carries a customer's label.
    """

    ids: tuple[str, ...] = ()
    more: bool = False
    labelled: bool = False


def associated_ids(deal: Mapping[str, Any], to: str) -> AssociatedIds:
    """HubSpot repeats an id for each type of association, and writes ``line items`` where it was asked for
    ``line_items``. Its own types between deals and others are called ``deal_to_…``; a label has a name of its own.
    """
    for name, found in mapping(deal.get("associations")).items():
        if name.casefold().replace(" ", "_") == to:
            collection = mapping(found)
            each_type = [mapping(each) for each in collection.get("results") or ()]
            return AssociatedIds(
                ids=tuple(dict.fromkeys(str(each.get("id")) for each in each_type)),
                more=bool(mapping(collection.get("paging")).get("next")),
                labelled=any(not str(each.get("type") or "deal_to_").startswith("deal_to_") for each in each_type),
            )
    return AssociatedIds()


Labelled: TypeAlias = Sequence[tuple[str, Sequence[Mapping[str, Any]]]]
"""(id, association types with their labels) of each associated record."""


def pick_company(labelled: Labelled, deal: RecordRef) -> tuple[str, CannotBill | None]:
    """(id, refusal): the primary one of several companies; without one, nobody can say who is billed."""
    primary = [each for each, types in labelled if any(one.get("typeId") == PRIMARY_COMPANY for one in types)]
    if len(primary) == 1:
        return primary[0], None
    sentence = SEVERAL_PRIMARY_COMPANIES if primary else NO_PRIMARY_COMPANY
    return "", CannotBill.because(sentence, ref=deal, provider="hubspot", count=len(labelled))


def with_label(labelled: Labelled, label: str) -> tuple[str, ...]:
    """The ids that carry a label, in order and once each."""
    found = (each for each, types in labelled if any(same_label(one.get("label"), label) for one in types))
    return tuple(dict.fromkeys(found))


def pick_contact(labelled: Labelled) -> str:
    """The contact whose association label speaks of bills, as in "Billing contact" or "Bill to"; else the first."""
    for each, types in labelled:
        if any("bill" in str(one.get("label") or "").casefold() for one in types):
            return each
    return labelled[0][0] if labelled else ""
