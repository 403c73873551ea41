"""What a canonical value is called, and how it is written, in each CRM: the shipped mapping, read backwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from connector.domain.deal import Interval
from connector.domain.refs import RecordRef
from connector.domain.write_back import BY_NAME, ValueType
from mappings.model import FieldMapping, FieldRule, object_and_label, steps

Values: TypeAlias = Mapping[str, Any]
"""Canonical name -> value. A name without its group ("net_days", "quantity") belongs to the record at hand."""

_LAST_RULE_WINS = frozenset({"account.address.country"})
"""The rule before it reads a code, which only some orgs have and HubSpot fills in by itself."""

_SALESFORCE_WORDS: Mapping[Interval | None, str] = {
    None: "One-time",
    Interval("week"): "Weekly",
    Interval("month"): "Monthly",
    Interval("month", 3): "Quarterly",
    Interval("month", 6): "Semiannual",
    Interval("year"): "Annual",
    Interval("year", 2): "Every 2 years",
    Interval("year", 3): "Every 3 years",
}
_HUBSPOT_WORDS: Mapping[Interval | None, str] = {
    None: "",
    Interval("week"): "weekly",
    Interval("week", 2): "biweekly",
    Interval("month"): "monthly",
    Interval("month", 3): "quarterly",
    Interval("month", 6): "per_six_months",
    Interval("year"): "annually",
    Interval("year", 2): "per_two_years",
    Interval("year", 3): "per_three_years",
    Interval("year", 4): "per_four_years",
    Interval("year", 5): "per_five_years",
}
_INTERVALS = {"salesforce": _SALESFORCE_WORDS, "hubspot": _HUBSPOT_WORDS}
_INTERVAL_NAMES = frozenset({"line.interval", "line.price_interval"})


_PRODUCT_NAMES = frozenset({"name", "code", "price_id", "tax_code"})


@dataclass(frozen=True)
class Place:
    """Where a canonical value stands: the CRM's object and its field."""

    object: str
    field: str


class Words:
    """One CRM's words for canonical names and values."""

    def __init__(self, mapping: FieldMapping) -> None:
        self._mapping = mapping
        self._places = _places((*mapping.deal, *mapping.line_item))

    def knows(self, canonical: str) -> bool:
        """Whether this CRM has a field for the value."""
        return canonical in self._places

    def fields(self, group: str, values: Values) -> dict[str, dict[str, Any]]:
        """Object -> its fields, in the CRM's own names and values. Raises KeyError for a value it has no field for."""
        found: dict[str, dict[str, Any]] = {}
        for name, value in values.items():
            canonical = name if name in self._places else f"{group}.{name}"
            place = self._places[canonical]
            found.setdefault(place.object, {})[place.field] = self._written(canonical, value)
        return found

    def shown(self, kind: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """Every value that is written back to records of our kind, as this record has it; None where it is empty."""
        fields = self._mapping.write_back[kind]
        return {canonical: _read(canonical, record.get(field)) for canonical, field in fields.items()}

    def _written(self, canonical: str, value: Any) -> Any:
        if canonical in _INTERVAL_NAMES:
            return _INTERVALS[self._mapping.crm][value] or None
        if self._mapping.crm == "hubspot":
            return _hubspot(canonical, value)
        return _salesforce(value)


def line_name(name: str) -> str:
    """A line's values belong to the line, but for those of its product."""
    return name if "." in name else f"product.{name}" if name in _PRODUCT_NAMES else f"line.{name}"


def _places(rules: Iterable[FieldRule]) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for rule in rules:
        if not rule.field:
            continue
        if rule.canonical in found and "account" not in rule.canonical and (there := _on_the_account(rule.field)):
            found.setdefault(f"account.{rule.canonical.rpartition('.')[2]}", there)
            continue
        if rule.canonical in found and rule.canonical not in _LAST_RULE_WINS:
            continue
        head, *relations, field = steps(rule.field)
        name, label = object_and_label(head)
        if not label and not any(relation.endswith("__r") for relation in relations):
            found[rule.canonical] = Place(relations[-1] if relations else name, field)
    return found


def _on_the_account(path: str) -> Place | None:
    """Where a deal that says nothing itself goes by its account."""
    head, *relations, field = steps(path)
    return (
        Place("Account", field) if relations == ["Account"] else Place("company", field) if head == "company" else None
    )


def _salesforce(value: Any) -> Any:
    """JSON knows one kind of number; whoever cannot be told by it exactly is refused."""
    plain = _plain(value)
    if not isinstance(plain, Decimal):
        return plain
    if plain == plain.to_integral_value():
        return int(plain)
    sent = float(plain)
    assert Decimal(repr(sent)) == plain, f"{plain} does not fit a double"
    return sent


def _hubspot(canonical: str, value: Any) -> Any:
    plain = _plain(value)
    if canonical == "line.months" and plain is not None:
        return f"P{plain}M"
    if canonical == "deal.close_date" and isinstance(plain, str):
        return f"{plain}T12:00:00.000Z"
    return None if plain is None else format(plain, "f") if isinstance(plain, Decimal) else str(plain)


def _plain(value: Any) -> Any:
    """The value as people choose or type it: yes and no, ids, lists parted by semicolons."""
    match value:
        case bool():
            return "yes" if value else "no"
        case RecordRef():
            return value.id
        case date():
            return value.isoformat()
        case list() | tuple():
            return "; ".join(str(each) for each in value)
        case str():
            return str(value)
        case _:
            return value


def _read(canonical: str, raw: Any) -> Any:
    known = BY_NAME[canonical].type
    if known is ValueType.CHECKBOX:
        return str(raw).lower() == "true"
    if raw is None or raw == "":
        return None
    if known in (ValueType.MONEY, ValueType.NUMBER, ValueType.PERCENT):
        return Decimal(str(raw))
    if known is ValueType.DATE:
        return date.fromisoformat(str(raw)[:10])
    return datetime.fromisoformat(str(raw)) if known is ValueType.DATETIME else str(raw)
