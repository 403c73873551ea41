"""What is wrong with the arguments a rule gives its conversion, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from mappings.model import PLACEHOLDER
from mappings.patterns import unsafe
from mappings.transforms import COMMON_ARGS, PLAIN, TRANSFORMS

_FIELDLESS = frozenset({"first_of", "constant", "template"})
_SCALARS = (str, int)
_LONGEST_TEMPLATE = 1_000
_MOST_DIGITS = 28


def problems_with(transform: str, args: Mapping[str, Any], *, has_field: bool) -> Iterator[str]:
    """Everything that keeps a conversion from working with these arguments; nothing when all is well."""
    known = TRANSFORMS.get(transform)
    if known is None:
        yield f"there is no conversion called {transform!r}{did_you_mean(transform, TRANSFORMS)}"
        return
    if not has_field and transform not in _FIELDLESS:
        yield f"{transform} needs a field to read"
    for name in sorted(known.needs - args.keys()):
        yield f"{transform} needs the argument {name}"
    allowed = {**COMMON_ARGS, **known.takes}
    for name, value in args.items():
        if name not in allowed:
            yield f"{transform} takes no argument {name!r}{did_you_mean(name, allowed)}"
        elif not isinstance(value, allowed[name]):
            yield f"the argument {name} has the wrong type"
        else:
            yield from _content(name, value)


def did_you_mean(word: str, known: Mapping[str, Any]) -> str:
    """', did you mean Amount?' when something known is close; empty otherwise."""
    lower = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold(), list(lower), n=1, cutoff=0.7)
    return f", did you mean {lower[close[0]]}?" if close else ""


def full_stop(words: str) -> str:
    """The words as a sentence: a question keeps its own mark."""
    return words if words.endswith("?") else f"{words}."


def _content(name: str, value: Any) -> Iterator[str]:
    """What is wrong with a value of the right type."""
    if isinstance(value, Decimal) and (not value.is_finite() or abs(value.adjusted()) > _MOST_DIGITS):
        yield f"the argument {name} is no number that could be an amount"
    if name == "pattern" and unsafe(value):
        yield unsafe(value)
    if name == "then" and value not in PLAIN:
        yield f"{value!r} cannot follow another conversion{did_you_mean(value, dict.fromkeys(PLAIN))}"
    if name == "decimal_mark" and value not in {".", ","}:
        yield "decimal_mark is either a point or a comma"
    if name == "timezone" and not _is_zone(value):
        yield f"there is no time zone {value!r}"
    if name == "fields" and not all(isinstance(path, str) and "." in path for path in value):
        yield "fields is a list of CRM paths, such as Opportunity.Amount"
    if name == "table" and not all(isinstance(to, _SCALARS) for to in value.values()):
        yield "table holds plain values only"
    if name == "template" and (len(value) > _LONGEST_TEMPLATE or not PLACEHOLDER.search(value)):
        yield "template is a short text with CRM paths in braces, such as {Opportunity.Name}"


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
