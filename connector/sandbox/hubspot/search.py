"""CRM search: filter groups, sorting and paging over an index that may lag behind the records."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from connector.sandbox.hubspot.book import Book
from connector.sandbox.hubspot.calls import Answer, Call, Handler, offset, page
from connector.sandbox.hubspot.kinds import Kind, kind_named
from connector.sandbox.hubspot.moments import read_moment
from connector.sandbox.hubspot.properties import Property
from connector.sandbox.hubspot.records import Record
from connector.sandbox.hubspot.refusals import Detail, Refusal, invalid

_MOST_GROUPS, _MOST_FILTERS, _MOST_FILTERS_IN_ALL = 5, 10, 25
_MOST_A_PAGE, _MOST_RESULTS = 200, 10_000
_DEFAULT_PAGE = 10
_LONGEST_QUERY = 3_000
_ASSOCIATED = "associations."

Key = Decimal | str | float
Values = Mapping[str, str]
Test = Callable[[str, Values], bool]  # (record id, its indexed values)


class Index:
    """How far the search index lags behind the records, in seconds of the sandbox clock."""

    def __init__(self) -> None:
        self.lag = 0.0

    def values(self, record: Record, book: Book) -> Values:
        """What search knows of a record; nothing yet of a very new one."""
        if self.lag <= 0:
            return record.values
        return record.values_at(book.now() - timedelta(seconds=self.lag))


def handlers(index: Index) -> dict[str, Handler]:
    """The search call over this index."""

    def search(call: Call) -> Answer:
        return _search(call, index)

    return {"POST /crm/v3/objects/{objectType}/search": search}


def _search(call: Call, index: Index) -> Answer:
    wanted, kind = call.body, call.kind
    limit, start = _window(wanted)
    test = _any_group(call, kind, wanted.get("filterGroups", []))
    words = wanted.get("query", "").lower().split()
    if len(wanted.get("query", "")) > _LONGEST_QUERY:
        raise invalid(f"query is longer than {_LONGEST_QUERY} characters")
    found = []
    for record in call.portal.live(kind):
        values = index.values(record, call.portal)
        if values and test(record.id, values) and _has_words(values, words):
            found.append((record, values))
    _sort(call, kind, found, wanted.get("sorts", []))
    shown, paging = page(found, start, limit)
    names = wanted.get("properties", [])
    body: dict[str, Any] = {
        "total": len(found),
        "results": [_as_indexed(record, values, names) for record, values in shown],
    }
    if paging:
        body["paging"] = paging
    return Answer(200, body)


def _window(wanted: Mapping[str, Any]) -> tuple[int, int]:
    limit, start = wanted.get("limit", _DEFAULT_PAGE), offset(wanted.get("after"))
    if not 1 <= limit <= _MOST_A_PAGE:
        raise invalid(f"limit must be between 1 and {_MOST_A_PAGE}, not {limit}")
    if start + limit > _MOST_RESULTS:
        raise invalid(f"Search reaches at most {_MOST_RESULTS} results; narrow the filters instead of paging on")
    return limit, start


def _as_indexed(record: Record, values: Values, names: Sequence[str]) -> dict[str, Any]:
    shown = record.body(names)
    shown["properties"] = {name: values.get(name) or None for name in shown["properties"]}
    return shown


def _has_words(values: Values, words: Sequence[str]) -> bool:
    if not words:
        return True
    text = " ".join(values.values()).lower()
    return all(word in text for word in words)


# --- Filters --------------------------------------------------------------------------------------


def _any_group(call: Call, kind: Kind, groups: Sequence[Mapping[str, Any]]) -> Test:
    if len(groups) > _MOST_GROUPS:
        raise _too_many("filter groups", len(groups), _MOST_GROUPS)
    total = sum(len(group["filters"]) for group in groups)
    if total > _MOST_FILTERS_IN_ALL:
        raise _too_many("filters in all", total, _MOST_FILTERS_IN_ALL)
    tests = []
    for group in groups:
        if len(group["filters"]) > _MOST_FILTERS:
            raise _too_many("filters in one group", len(group["filters"]), _MOST_FILTERS)
        tests.append([_test(call, kind, one) for one in group["filters"]])
    if not tests:
        return lambda _id, _values: True
    return lambda record_id, values: any(all(test(record_id, values) for test in group) for group in tests)


def _too_many(what: str, found: int, most: int) -> Refusal:
    return invalid(f"Search takes at most {most} {what}, not {found}")


@dataclass(frozen=True)
class _Filter:
    name: str
    operator: str
    value: str
    high: str
    values: tuple[str, ...]


def _read(one: Mapping[str, Any]) -> _Filter:
    operator = one["operator"]
    needed = {"BETWEEN": ("value", "highValue"), "IN": ("values",), "NOT_IN": ("values",)}
    needed |= dict.fromkeys(("HAS_PROPERTY", "NOT_HAS_PROPERTY"), ())
    for key in needed.get(operator, ("value",)):
        if not one.get(key):
            raise invalid(
                f"operator {operator} requires {key}",
                Detail(f"{key} is missing", "MISSING_FILTER_VALUE", {"propertyName": [one["propertyName"]]}),
            )
    return _Filter(
        one["propertyName"],
        operator,
        one.get("value", ""),
        one.get("highValue", ""),
        tuple(one.get("values", ())),
    )


def _test(call: Call, kind: Kind, wanted: Mapping[str, Any]) -> Test:
    one = _read(wanted)
    if one.name.startswith(_ASSOCIATED):
        return _association_test(call, kind, one)
    described = call.portal.catalogues[kind.name].live(one.name)
    if described is None:
        raise invalid(
            f"Property {one.name} does not exist on {kind.name}",
            Detail("Unknown property in a filter", "PROPERTY_DOESNT_EXIST", {"propertyName": [one.name]}),
        )
    return _property_test(one, described)


def _association_test(call: Call, kind: Kind, one: _Filter) -> Test:
    to_kind = kind_named(one.name.removeprefix(_ASSOCIATED))
    ids = {"EQ": {one.value}, "IN": set(one.values)}.get(one.operator)
    if ids is None:
        raise invalid(f"operator {one.operator} does not work on {one.name}")
    return lambda record_id, _: bool(ids & call.portal.associations.linked((kind.name, record_id), to_kind.name).keys())


def _property_test(one: _Filter, described: Property) -> Test:
    key, name = _key_of(described), one.name
    if one.operator == "HAS_PROPERTY":
        return lambda _, values: bool(values.get(name))
    if one.operator == "NOT_HAS_PROPERTY":
        return lambda _, values: not values.get(name)
    if one.operator in {"CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}:
        token, wanted = one.value.lower().strip("*"), one.operator == "CONTAINS_TOKEN"
        return lambda _, values: (token in values.get(name, "").lower()) == wanted
    if one.operator in {"IN", "NOT_IN"}:
        keys, wanted = {key(value) for value in one.values}, one.operator == "IN"
        return lambda _, values: bool(values.get(name)) and (key(values[name]) in keys) == wanted
    low, high = key(one.value), key(one.high) if one.high else None
    compare = _COMPARISONS[one.operator]
    return lambda _, values: bool(values.get(name)) and compare(key(values[name]), low, high)


_COMPARISONS: dict[str, Callable[[Any, Any, Any], bool]] = {
    "EQ": lambda value, low, _: value == low,
    "NEQ": lambda value, low, _: value != low,
    "LT": lambda value, low, _: value < low,
    "LTE": lambda value, low, _: value <= low,
    "GT": lambda value, low, _: value > low,
    "GTE": lambda value, low, _: value >= low,
    "BETWEEN": lambda value, low, high: low <= value <= high,
}


def _key_of(described: Property) -> Callable[[str], Key]:
    """How values of a property compare. The function raises Refusal (400) for a value of the wrong form."""

    def number(text: str) -> Key:
        return Decimal(text)

    def moment(text: str) -> Key:
        return read_moment(text).timestamp()

    plain: Callable[[str], Key] = str.lower
    read = {"number": number, "date": moment, "datetime": moment}.get(described.type, plain)

    def key(text: str) -> Key:
        try:
            return read(text)
        except (ValueError, InvalidOperation, OverflowError) as error:
            raise invalid(
                f"{text!r} is not a {described.type} for {described.name}",
                Detail("Wrong filter value", "INVALID_FILTER_VALUE", {"propertyName": [described.name]}),
            ) from error

    return key


# --- Sorting --------------------------------------------------------------------------------------


def _sort(call: Call, kind: Kind, found: list[tuple[Record, Values]], sorts: Sequence[str]) -> None:
    """By one property, a minus in front for descending; without one, by creation. Records without it come last."""
    if len(sorts) > 1:
        raise _too_many("sorts", len(sorts), 1)
    if not sorts:
        return
    name = sorts[0].removeprefix("-")
    described = call.portal.catalogues[kind.name].live(name)
    if described is None:
        raise invalid(
            f"Property {name} does not exist on {kind.name}",
            Detail("Unknown property in a sort", "PROPERTY_DOESNT_EXIST", {"propertyName": [name]}),
        )
    key = _key_of(described)
    having = [pair for pair in found if pair[1].get(name)]
    lacking = [pair for pair in found if not pair[1].get(name)]
    having.sort(key=lambda pair: key(pair[1][name]), reverse=sorts[0].startswith("-"))
    found[:] = having + lacking
