"""A mapping held against the CRM and the billing that are connected: what in it cannot work, or may lose something."""

from __future__ import annotations

from collections.abc import Mapping

from connector.domain.write_back import FIELDS, CanonicalField, ValueType
from connector.errors import NeedsHuman, NotFound, Unsupported
from connector.ports import Crm, FieldInfo, Services
from mappings.check import Finding, Written, check
from mappings.load import default_mapping, default_names
from mappings.model import FieldMapping, object_and_label, steps
from mappings.sentences import CHECK_FAILED, PRICE_GONE

_MOST_TOLD = 10
_MOST_OBJECTS = 40
"""Objects that a CRM is asked to describe for one mapping."""

_MOST_TARGETS = 5
"""Objects that one relation is followed to, where it may lead to several."""

_URL_LENGTH, _ID_LENGTH = 255, 40
"""Characters that a field must hold for what we write there: an invoice's link, or an id."""


def check_mapping(mapping: FieldMapping, services: Services) -> list[Finding]:
    """Everything in a mapping that cannot work with the CRM and the billing that are connected.

    Raises:
        RetryLater, NeedsHuman: the CRM or billing cannot be asked.
    """
    found = check(mapping, _catalog(mapping, services.crms[mapping.crm]), WRITTEN, _optional(mapping.crm))
    ids = sorted(set(mapping.prices.products.values()))
    sold = services.billing.prices(ids, []).by_id if ids else {}
    gone = [(code, price) for code, price in mapping.prices.products.items() if price not in sold]
    return [
        *found,
        *(Finding.because(PRICE_GONE, f"prices.products.{code}", code=code, price=price) for code, price in gone),
    ]


def refuse_unfit(mapping: FieldMapping, services: Services) -> None:
    """Raise NeedsHuman, with its mistakes, when a mapping does not fit the CRM or the billing that are connected."""
    serious = [finding for finding in check_mapping(mapping, services) if finding.serious]
    if serious:
        told = [finding.sentence for finding in serious[:_MOST_TOLD]]
        more = [f"And {len(serious) - _MOST_TOLD} more."] if len(serious) > _MOST_TOLD else []
        raise NeedsHuman.because(CHECK_FAILED, problem=" ".join([*told, *more]))


def _optional(crm: str) -> set[str]:
    """Paths and targets of the mappings we ship: a CRM may lack them, and they are left out then."""
    found: set[str] = set()
    for name in default_names(crm):
        shipped = default_mapping(name)
        needed = {path for rule in (*shipped.deal, *shipped.line_item) if rule.required for path in rule.paths()}
        found |= {*shipped.paths("deal"), *shipped.paths("line_item")} - needed
        for kind, to in shipped.write_back.items():
            found |= {f"{shipped.objects[kind]}.{field}" for field in to.values()}
    return found


def _catalog(mapping: FieldMapping, crm: Crm) -> dict[str, Mapping[str, FieldInfo]]:
    """Every object that the mapping's paths begin with or go through, as far as the CRM describes it."""
    catalog: dict[str, Mapping[str, FieldInfo]] = {}
    kinds = {called: kind for kind, called in mapping.objects.items()}
    for path in (*mapping.paths("deal"), *mapping.paths("line_item")):
        head, *relations, _ = steps(path)
        here = [object_and_label(head)[0]]
        for relation in relations:
            here = [target for name in here for target in _led_to(name, relation, kinds, crm, catalog)]
        for name in here:
            _describe(name, kinds, crm, catalog)
    for kind in mapping.write_back:
        _describe(mapping.objects.get(kind, ""), kinds, crm, catalog)
    return {name: fields for name, fields in catalog.items() if fields}


def _led_to(
    name: str, relation: str, kinds: Mapping[str, str], crm: Crm, catalog: dict[str, Mapping[str, FieldInfo]]
) -> list[str]:
    """The objects that a relation of this one leads to."""
    fields = _describe(name, kinds, crm, catalog)
    return [
        target for field in fields.values() if field.relation == relation for target in field.references[:_MOST_TARGETS]
    ]


def _describe(
    name: str, kinds: Mapping[str, str], crm: Crm, catalog: dict[str, Mapping[str, FieldInfo]]
) -> Mapping[str, FieldInfo]:
    """One object's fields, asked for once; none for one that the CRM does not know or does not show."""
    if name not in catalog and name and len(catalog) < _MOST_OBJECTS:
        try:
            catalog[name] = crm.describe(kinds.get(name, name)).fields
        except (Unsupported, NotFound):
            catalog[name] = {}
    return catalog.get(name, {})


def _written(field: CanonicalField) -> Written:
    characters = {ValueType.TEXT: _ID_LENGTH, ValueType.URL: _URL_LENGTH, ValueType.LONG_TEXT: _URL_LENGTH}
    decimals = {ValueType.MONEY: 2, ValueType.PERCENT: 1}
    return Written(
        type=field.type.value,
        kinds=field.on,
        choices=tuple(value for value, _ in field.choices),
        decimals=decimals.get(field.type, 0),
        characters=characters.get(field.type, 0),
    )


WRITTEN: Mapping[str, Written] = {field.name: _written(field) for field in FIELDS}
"""What the connector can show on a record, as a check must know it."""
