"""A FieldMapping -> the text of a mapping file that ``load`` reads back as the same mapping."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from mappings.load import as_body
from mappings.model import FieldMapping

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def as_toml(mapping: FieldMapping) -> str:
    """The mapping as a TOML file, always the same for the same mapping."""
    body = as_body(mapping)
    lines = [f"crm = {_value(body['crm'])}", f"version = {body['version']}"]
    if "renewal_from" in body:
        lines.append(f"renewal_from = {_value(body['renewal_from'])}")
    lines.append("")
    lines += _table("objects", body["objects"])
    for group in ("deal", "line_item"):
        for rule in body[group]:
            lines += _table(f"[{group}]", rule)
    if "prices" in body:
        lines += _table("prices", {"order": body["prices"]["order"]})
        lines += _table("prices.products", body["prices"]["products"])
    for kind, targets in body["write_back"].items():
        lines += _table(f"write_back.{_key(kind)}", targets)
    return "\n".join(lines)


def _table(name: str, content: Mapping[str, Any]) -> Iterator[str]:
    yield f"[{name}]"
    for key, value in content.items():
        yield f"{_key(key)} = {_value(value)}"
    yield ""


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _text(key)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal():
            return _text(str(value))
        case str():
            return _text(value)
        case list() | tuple():
            return f"[{', '.join(_value(each) for each in value)}]"
        case Mapping():
            inside = ", ".join(f"{_key(str(key))} = {_value(each)}" for key, each in value.items())
            return f"{{ {inside} }}" if inside else "{}"
        case _:
            raise TypeError(f"a mapping holds no {type(value).__name__}")


def _text(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for the one control character that JSON leaves alone."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
