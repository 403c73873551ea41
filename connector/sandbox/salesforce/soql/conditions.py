"""A WHERE clause as a test on one record, checked against the fields' types before any record is looked at."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.ids import normal_id
from connector.sandbox.salesforce.schema import IDS, NUMBERS, TEXTS, Field
from connector.sandbox.salesforce.soql.scope import Column, Rows, Scope
from connector.sandbox.salesforce.soql.tokens import like_pattern
from connector.sandbox.salesforce.soql.tree import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Days,
    Literal,
    Not,
    OneOf,
    Path,
    Plain,
    Query,
    Text,
)
from connector.sandbox.salesforce.values import Record, Value

Test = Callable[[Record], bool]
Values = Callable[[Query], set[Value]]  #: runs the query inside IN (...)
_Key = str | bool | int | Decimal | date | datetime
_NO_ORDER = frozenset({"boolean"})


def compile_condition(condition: Condition, scope: Scope, rows: Rows, run: Values) -> Test:
    """The test that a condition stands for; raises Refused where a field or literal does not fit."""
    if isinstance(condition, AllOf):
        parts = [compile_condition(part, scope, rows, run) for part in condition.parts]
        return lambda record: all(part(record) for part in parts)
    if isinstance(condition, AnyOf):
        parts = [compile_condition(part, scope, rows, run) for part in condition.parts]
        return lambda record: any(part(record) for part in parts)
    if isinstance(condition, Not):
        part = compile_condition(condition.part, scope, rows, run)
        return lambda record: not part(record)
    if isinstance(condition, OneOf):
        return _one_of(condition, scope, rows, run)
    return _comparison(condition, scope, rows)


def _comparison(condition: Comparison, scope: Scope, rows: Rows) -> Test:
    column = _filterable(condition.path, scope)
    operator, literal = condition.operator, condition.literal
    if isinstance(literal, Plain) and literal.value is None:
        if operator not in ("=", "!="):
            raise scope.refuse(condition.at, "invalid operator on null", "INVALID_QUERY_FILTER_OPERATOR")
        wanted = operator == "="
        return lambda record: (column.value(record, rows) is None) == wanted
    if operator == "LIKE":
        return _like(condition, column, scope, rows)
    if operator not in ("=", "!=") and (column.field.type in _NO_ORDER or column.field.type in IDS):
        raise scope.refuse(
            condition.at, f"invalid operator on {column.field.type} field", "INVALID_QUERY_FILTER_OPERATOR"
        )
    low, high = _span(column.field, literal, condition.at, scope, rows.now())
    return _ordered(column, operator, low, high, rows)


def _ordered(column: Column, operator: str, low: _Key, high: _Key, rows: Rows) -> Test:
    tests: dict[str, Callable[[_Key], bool]] = {
        "=": lambda value: low <= value <= high,  # type: ignore[operator]  # both sides were made for one field
        "!=": lambda value: not low <= value <= high,  # type: ignore[operator]
        "<": lambda value: value < low,  # type: ignore[operator]
        "<=": lambda value: value <= high,  # type: ignore[operator]
        ">": lambda value: value > high,  # type: ignore[operator]
        ">=": lambda value: value >= low,  # type: ignore[operator]
    }
    test, field, without = tests[operator], column.field, operator == "!="

    def holds(record: Record) -> bool:
        value = column.value(record, rows)
        return without if value is None else test(key_of(field, value))

    return holds


def _like(condition: Comparison, column: Column, scope: Scope, rows: Rows) -> Test:
    if column.field.type not in TEXTS or not isinstance(condition.literal, Text):
        raise scope.refuse(
            condition.at, f"invalid operator on {column.field.type} field", "INVALID_QUERY_FILTER_OPERATOR"
        )
    pattern = like_pattern(condition.literal.quoted)

    def holds(record: Record) -> bool:
        value = column.value(record, rows)
        return isinstance(value, str) and pattern.match(value) is not None

    return holds


def _one_of(condition: OneOf, scope: Scope, rows: Rows, run: Values) -> Test:
    column = _filterable(condition.path, scope)
    field, negated = column.field, condition.negated
    wanted: set[_Key | None]
    if isinstance(condition.choices, Query):
        if field.type not in IDS:
            raise scope.refuse(condition.at, "The left operand of a semi join must be an id or reference field")
        wanted = {None if value is None else key_of(field, value) for value in run(condition.choices)} - {None}
    else:
        wanted = set(_keys(field, condition, scope, rows.now()))

    def holds(record: Record) -> bool:
        value = column.value(record, rows)
        found = (None if value is None else key_of(field, value)) in wanted
        return found != negated

    return holds


def _keys(field: Field, condition: OneOf, scope: Scope, now: datetime) -> Iterable[_Key | None]:
    if isinstance(condition.choices, Query):
        return
    for literal in condition.choices:
        if isinstance(literal, Plain) and literal.value is None:
            yield None
        elif isinstance(literal, Days):
            raise scope.refuse(condition.at, f"unexpected token: '{literal}'", "MALFORMED_QUERY")
        else:
            yield _span(field, literal, condition.at, scope, now)[0]


def _filterable(path: Path, scope: Scope) -> Column:
    column = scope.column(path)
    if not column.field.filterable or column.field.type == "address":
        raise scope.refuse(path.at, f"field '{column.field.name}' can not be filtered in a query call")
    return column


def key_of(field: Field, value: Value) -> _Key:
    """A value in the form in which this field compares: texts without case unless the field minds it."""
    if isinstance(value, str):
        return value if field.case_sensitive or field.type in IDS else value.casefold()
    if value is None:
        raise TypeError("null compares with nothing")
    return value


def _span(field: Field, literal: Literal, at: int, scope: Scope, now: datetime) -> tuple[_Key, _Key]:
    """First and last value that a literal means on this field; they differ for days and day ranges only."""
    if field.type in IDS:
        return _id_span(literal, at, scope, field)
    if isinstance(literal, Days):
        if field.type not in ("date", "datetime"):
            raise _mistyped(field, at, scope)
        first, last = _days(literal, now)
        if field.type == "date":
            return first, last
        return datetime.combine(first, time(), UTC), datetime.combine(last, time(23, 59, 59), UTC)
    if isinstance(literal, Text):
        if field.type not in TEXTS:
            raise _mistyped(field, at, scope)
        found = key_of(field, literal.value)
        return found, found
    value = literal.value
    if value is None or not _fits(field, value):
        raise _mistyped(field, at, scope)
    return value, value


def _id_span(literal: Literal, at: int, scope: Scope, field: Field) -> tuple[str, str]:
    if not isinstance(literal, Text):
        raise _mistyped(field, at, scope)
    found = normal_id(literal.value)
    if found is None:
        raise scope.refuse(at, f"invalid ID field: {literal.value}", "INVALID_QUERY_FILTER_OPERATOR")
    return found, found


def _fits(field: Field, value: _Key) -> bool:
    if isinstance(value, bool):
        return field.type == "boolean"
    if isinstance(value, datetime):
        return field.type == "datetime"
    if isinstance(value, date):
        return field.type == "date"
    return field.type in NUMBERS or field.type == "int"


def _mistyped(field: Field, at: int, scope: Scope) -> Refused:
    quoted = field.type in TEXTS or field.type in IDS
    kind = "string" if field.type in TEXTS else "ID" if field.type in IDS else field.type
    kind = "double" if kind in NUMBERS else "dateTime" if kind == "datetime" else kind
    return scope.refuse(
        at,
        f"value of filter criterion for field '{field.name}' must be of type {kind} and should "
        f"{'' if quoted else 'not '}be enclosed in quotes",
    )


def _days(literal: Days, now: datetime) -> tuple[date, date]:
    today, count = now.date(), timedelta(days=literal.count or 0)
    day = timedelta(days=1)
    return {
        "TODAY": (today, today),
        "YESTERDAY": (today - day, today - day),
        "TOMORROW": (today + day, today + day),
        "LAST_N_DAYS": (today - count, today),
        "NEXT_N_DAYS": (today + day, today + count),
    }[literal.name]
