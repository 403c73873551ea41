"""Metadata as the Metadata API's files hold it: one XML document each, elements in the order of its own answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from xml.sax.saxutils import escape

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"

Content: TypeAlias = "str | bool | int | Sequence[Element]"
Element: TypeAlias = "tuple[str, Content]"
"""(name, what stands in it); an element that repeats is there several times."""


def elements_of(told: Mapping[str, Any]) -> list[Element]:
    """Metadata as the Tooling API takes it: a name of its own comes first, then everything by the alphabet."""
    return [
        (name, elements_of(value) if isinstance(value, Mapping) else value)
        for name in sorted(told, key=lambda each: (each != "fullName", each))
        for value in (told[name] if isinstance(told[name], list) else [told[name]])
    ]


def document(name: str, elements: Iterable[Element]) -> str:
    """A whole file."""
    body = "".join(_lines(elements, "    "))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{NAMESPACE}">\n{body}</{name}>\n'


def _lines(elements: Iterable[Element], indent: str) -> Iterator[str]:
    for name, content in elements:
        if isinstance(content, str | bool | int):
            text = str(content).lower() if isinstance(content, bool) else str(content)
            yield f"{indent}<{name}>{escape(text)}</{name}>\n"
        else:
            yield f"{indent}<{name}>\n"
            yield from _lines(content, f"{indent}    ")
            yield f"{indent}</{name}>\n"
