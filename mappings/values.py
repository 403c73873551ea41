"""The raw values of a CRM as every conversion meets them: blanks, texts, exact numbers, and what cannot be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

Args: TypeAlias = Mapping[str, Any]

LONGEST_VALUE = 10_000
_MOST_DIGITS = 28  #: decimal's own precision; beyond it, sums would be rounded in silence
_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?", re.ASCII)


class Unconvertible(ValueError):
    """A raw value that a conversion cannot read; ``convert`` turns it into a MappingProblem that names the field."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def says_something(raw: Any) -> bool:
    """Whether a raw value is anything but blank."""
    return raw is not None and not (isinstance(raw, str) and not raw.strip())


def show(raw: Any) -> str:
    """A CRM value as a person may see it in a sentence: short, on one line."""
    text = repr(str(raw) if isinstance(raw, Decimal | date) else raw)
    return text if len(text) <= 60 else f"{text[:57]}..."


def prepared(raw: Any, args: Args) -> Any:
    """The value after ``table`` and ``default``; blanks are nothing."""
    if isinstance(raw, str):
        if len(raw) > LONGEST_VALUE:
            raise Unconvertible(f"the value has {len(raw)} characters, more than the {LONGEST_VALUE} we read")
        raw = raw.strip()
    if raw is None or raw == "":
        return args.get("default")
    table = args.get("table")
    return _translated(raw, table) if isinstance(table, Mapping) else raw


def _translated(raw: Any, table: Mapping[str, Any]) -> Any:
    word = text_of(raw).casefold()
    for known, meaning in table.items():
        if known.casefold() == word:
            return meaning
    return raw


def text_of(raw: Any) -> str:
    """A single value as text; a whole record or a list is none. Raises Unconvertible."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, Decimal):
        return format(number_of(raw, {}), "f")
    if isinstance(raw, int):
        return format(number_of(raw, {}), "f")
    if isinstance(raw, date):
        return raw.isoformat()
    raise Unconvertible(f"{show(raw)} is not a single value", "Point the rule at a field, not at a record or a list.")


def number_of(raw: Any, args: Args) -> Decimal:
    """Exactly the number that is written there; a float has lost that already."""
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal | str):
        raise Unconvertible(f"{show(raw)} is not a number")
    if isinstance(raw, str):
        raw = _ungrouped(raw, args)
        if not _PLAIN_NUMBER.fullmatch(raw):
            raise Unconvertible(
                f"{show(raw)} is not a plain number",
                'Use digits and a point, or say decimal_mark = "," in the rule if commas mark the decimals.',
            )
    number = Decimal(raw)
    if not number.is_finite() or _unwieldy(number):
        raise Unconvertible("the number is too large or too small to be an amount")
    return number


def _unwieldy(number: Decimal) -> bool:
    """More digits than arithmetic keeps exactly."""
    return len(number.as_tuple().digits) > _MOST_DIGITS or abs(number.adjusted()) > _MOST_DIGITS


def _ungrouped(text: str, args: Args) -> str:
    """Without group marks, when the rule says which mark the decimals have; without that, 1,234 may be either."""
    mark = args.get("decimal_mark")
    if mark not in {".", ","}:
        return text
    group = "," if mark == "." else "."
    return re.sub(rf"(?<=\d)[\s'{re.escape(group)}](?=\d{{3}})", "", text).replace(mark, ".")
