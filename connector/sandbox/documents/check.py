"""Hold a plain value against a small schema language, and tell every way in which it does not fit.

A schema is a JSON-able dict; an empty one accepts anything.

    {"type": "string" | "integer" | "number" | "boolean" | "decimal" | "null"}
    {"type": "string", "enum": [...]}
    {"type": "array", "items": schema}
    {"type": "object", "values": schema}                                   any key, values alike
    {"type": "object", "properties": {...}, "required": [...], "closed": true}
    {"ref": name}                                                          looked up in `types`
    {"any": [schema, ...]}                                                 one of them
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

Schema = Mapping[str, Any]
Types = Mapping[str, Schema]
Step = str | int


@dataclass(frozen=True)
class Problem:
    """One misfit: where, of which kind, what was expected and what was found."""

    path: tuple[Step, ...]
    kind: Literal["unknown", "missing", "wrong_type", "wrong_value"]
    expected: tuple[str, ...] = ()  #: type names, or the closed list of values
    found: Any = None

    def __str__(self) -> str:
        place = "".join(f"[{step}]" if number else str(step) for number, step in enumerate(self.path))
        return f"{place}: {self.kind}, expected {' or '.join(self.expected) or 'nothing'}, found {self.found!r}"


def check(value: object, schema: Schema, types: Types, path: tuple[Step, ...] = ()) -> list[Problem]:
    """Every problem of `value` under `schema`; an empty list means that it fits."""
    schema = resolve(schema, types)
    if "any" in schema:
        return _check_any(value, schema["any"], types, path)
    expected = schema.get("type")
    if expected is None:
        return []
    if not _is_of_type(value, expected):
        return [Problem(path, "wrong_type", (expected,), value)]
    if "enum" in schema and value not in schema["enum"]:
        return [Problem(path, "wrong_value", tuple(map(str, schema["enum"])), value)]
    if isinstance(value, list):
        items = schema.get("items", {})
        return [problem for n, item in enumerate(value) for problem in check(item, items, types, (*path, n))]
    if isinstance(value, dict):
        return _check_object(value, schema, types, path)
    return []


def resolve(schema: Schema, types: Types) -> Schema:
    """The schema itself, with references followed."""
    while "ref" in schema:
        schema = types[schema["ref"]]
    return schema


def _check_object(value: dict[str, Any], schema: Schema, types: Types, path: tuple[Step, ...]) -> list[Problem]:
    if "values" in schema:
        return [
            problem for key, item in value.items() for problem in check(item, schema["values"], types, (*path, key))
        ]
    properties: Mapping[str, Schema] = schema.get("properties", {})
    problems = [Problem((*path, key), "missing", (key,)) for key in schema.get("required", ()) if key not in value]
    for key, item in value.items():
        if key in properties:
            problems += check(item, properties[key], types, (*path, key))
        elif schema.get("closed"):
            problems.append(Problem((*path, key), "unknown", (), item))
    return problems


def _check_any(value: object, schemas: list[Schema], types: Types, path: tuple[Step, ...]) -> list[Problem]:
    """The problems of the alternative that comes closest: right in type, then with the fewest misfits.

    Closed lists of values count as one list; the empty string alone, a way to clear a field, is no list at all.
    """
    attempts = [check(value, schema, types, path) for schema in schemas]
    if any(not attempt for attempt in attempts):
        return []
    here = [attempt[0] for attempt in attempts if attempt[0].path == path]
    inside = [attempt for attempt in attempts if attempt[0].path != path]
    if inside:
        return min(inside, key=len)
    values = [one for problem in here if problem.kind == "wrong_value" for one in problem.expected if one]
    if values:
        return [Problem(path, "wrong_value", tuple(dict.fromkeys(values)), value)]
    kinds = [one for problem in here if problem.kind == "wrong_type" for one in problem.expected]
    return [Problem(path, "wrong_type", tuple(dict.fromkeys(kinds)) or ("string",), value)]


def _is_of_type(value: object, expected: str) -> bool:
    match expected:
        case "string":
            return isinstance(value, str)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "decimal":
            return isinstance(value, Decimal) or (isinstance(value, str) and _reads_as_decimal(value))
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case "null":
            return value is None
    raise ValueError(f"No schema type is called {expected!r}")


def _reads_as_decimal(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
