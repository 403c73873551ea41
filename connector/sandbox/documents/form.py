"""Stripe's form encoding, `items[0][price]=price_1`, read into nested values and given its types by a schema."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from connector.sandbox.documents.check import Schema, Step, Types, check, resolve

_MOST_FIELDS = 2_000  # far above any request we know, and a bound
_DEEPEST = 20
_BOOLEANS = {"true": True, "false": False}


class MalformedForm(ValueError):
    """The form contradicts itself or is nested beyond reason; the message says where."""


def decode(text: str) -> dict[str, Any]:
    """The nested value a form or query string stands for; every leaf is still a string.

    Raises MalformedForm when one name is both a value and a group of values.
    """
    out: dict[str, Any] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, encoding="utf-8")
    except ValueError as error:
        raise MalformedForm("Too many parameters") from error
    for name, value in pairs:
        _put(out, _steps(name), value, name)
    return {key: _with_lists(item) for key, item in out.items()}


def name_of(path: Iterable[Step]) -> str:
    """The parameter's name as Stripe writes it: `items[0][price]`."""
    first, *rest = [str(step) for step in path]
    return first + "".join(f"[{step}]" for step in rest)


def typed(value: Any, schema: Schema, types: Types) -> Any:
    """The value with strings turned into the integers, booleans and decimals the schema asks for.

    What cannot be turned stays as it is, for `check` to find.
    """
    schema = resolve(schema, types)
    if "any" in schema:
        candidates = [typed(value, alternative, types) for alternative in schema["any"]]
        fitting = (
            candidate
            for candidate, alternative in zip(candidates, schema["any"], strict=True)
            if not check(candidate, alternative, types)
        )
        of_kind = (candidate for candidate in candidates if type(candidate) is not str)
        return next(fitting, next(of_kind, value))
    if isinstance(value, str):
        return _typed_scalar(value, schema.get("type"))
    if isinstance(value, list) and "values" in schema:
        value = {str(n): item for n, item in enumerate(value)}  # metadata whose keys happen to be 0, 1, 2
    if isinstance(value, list):
        return [typed(item, schema.get("items", {}), types) for item in value]
    if "values" in schema:
        return {key: typed(item, schema["values"], types) for key, item in value.items()}
    properties = schema.get("properties", {})
    return {key: typed(item, properties.get(key, {}), types) for key, item in value.items()}


def _steps(name: str) -> list[str]:
    head, bracket, rest = name.partition("[")
    if not bracket:
        return [name]
    if not head or not rest.endswith("]"):
        raise MalformedForm(f"Invalid parameter name: {name[:100]}")
    steps = [head, *rest[:-1].split("][")]
    if len(steps) > _DEEPEST:
        raise MalformedForm(f"Parameter nested too deeply: {name[:100]}")
    return steps


def _put(target: dict[str, Any], steps: list[str], value: str, name: str) -> None:
    for step in steps[:-1]:
        target = target.setdefault(step or str(len(target)), {})
        if not isinstance(target, dict):
            raise MalformedForm(f"Invalid parameter, both a value and a hash: {name[:100]}")
    last = steps[-1] or str(len(target))  # `expand[]=a&expand[]=b` numbers itself
    if isinstance(target.get(last), dict):
        raise MalformedForm(f"Invalid parameter, both a value and a hash: {name[:100]}")
    target[last] = value


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _with_lists(item) for key, item in value.items()}
    if inner and all(key.isdecimal() for key in inner):
        return [item for _, item in sorted(inner.items(), key=lambda pair: int(pair[0]))]
    return inner


def _typed_scalar(text: str, kind: str | None) -> Any:
    match kind:
        case "integer":
            return int(text) if text.removeprefix("-").isdecimal() and len(text) < 20 else text
        case "boolean":
            return _BOOLEANS.get(text, text)
        case "number" | "decimal":
            try:
                number = Decimal(text)
            except InvalidOperation:
                return text
            return number if number.is_finite() else text
    return text
