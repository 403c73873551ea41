"""The raw values of a CRM as every conversion meets them: blanks, texts, exact numbers, and what cannot be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

from mappings import value_sentences as say
from mappings.sentence import Sentence

Args: TypeAlias = Mapping[str, Any]

LONGEST_VALUE = 10_000
_MOST_DIGITS = 28  #: decimal's own precision; beyond it, sums would be rounded in silence
_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?", re.ASCII)


class Unconvertible(ValueError):
    """A raw value that a conversion cannot read; ``convert`` turns it into a MappingProblem that names the field."""

    def __init__(self, sentence: Sentence, **values: object) -> None:
        super().__init__(sentence.id)
        self.sentence = sentence
        self.values = values


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
            raise Unconvertible(say.TOO_LONG, length=len(raw), most=LONGEST_VALUE)
        raw = raw.strip()
    if raw is None or raw == "":
        return args.get("default")
    table = args.get("table")
    return _translated(raw, table) if isinstance(table, Mapping) else raw


def _translated(raw: Any, table: Mapping[str, Any]) -> Any:
    word = text_of(raw).casefold()
    for known, meaning in table.items():
        if known.casefold() == word or _is_number(known, raw):
            return meaning
    return raw


def _is_number(word: str, raw: Any) -> bool:
    """Whether a word of a table is the number in a field: 30, 30.0 and 30.00 are one."""
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        return False
    return _PLAIN_NUMBER.fullmatch(word) is not None and Decimal(word) == raw


def text_of(raw: Any) -> str:
    """A single value as text; a whole record or a list is none. Raises Unconvertible."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int | Decimal):
        return format(number_of(raw, {}), "f").removesuffix(".0")  # Salesforce says 14.0 for every 14
    if isinstance(raw, date):
        return raw.isoformat()
    raise Unconvertible(say.NOT_SINGLE, value=show(raw))


def number_of(raw: Any, args: Args) -> Decimal:
    """Exactly the number that is written there; a float has lost that already."""
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal | str):
        raise Unconvertible(say.NOT_A_NUMBER, value=show(raw))
    if isinstance(raw, str):
        raw = _ungrouped(raw, args)
        if not _PLAIN_NUMBER.fullmatch(raw):
            raise Unconvertible(say.NOT_A_PLAIN_NUMBER, value=show(raw))
    number = Decimal(raw)
    if not number.is_finite() or _unwieldy(number):
        raise Unconvertible(say.NUMBER_UNWIELDY)
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
