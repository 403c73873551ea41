"""The named conversions a rule may ask for, and the arguments each of them takes.

A conversion gets the raw CRM value and yields plain Python: str, int, Decimal, bool, date, or an interval's
(unit, count). None means that the CRM says nothing, so that the next rule for the same canonical field is asked.

Every conversion also takes ``default`` (used when the CRM says nothing) and ``table`` (CRM value -> the value to
convert instead, for words of one's own).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mappings import value_sentences as say
from mappings import words
from mappings.model import PLACEHOLDER, FieldRule, MappingProblem, placeholders
from mappings.patterns import LONGEST_TEXT, unsafe
from mappings.sentence import Sentence
from mappings.values import Args, Unconvertible, number_of, prepared, show, text_of

Look: TypeAlias = Callable[[str], Any]
"""Gives the raw value at another CRM path of the same record."""

_EMAIL = re.compile(r"[^\s@<>,;]{1,64}@[^\s@<>,;.]+(?:\.[^\s@<>,;.]+)+")
_NAMED_ADDRESS = re.compile(r"[^<>]*<([^<>]+)>")
_LONGEST_ADDRESS = 254  #: RFC 5321, with its angle brackets taken off
_DATE_FIRST = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:.*)?", re.ASCII)
_MOST_PARTS = 50
_SHORTEST_MILLISECONDS = 11  #: fewer digits would be a moment in early 1970, or no moment at all


@dataclass(frozen=True, slots=True)
class Transform:
    """One conversion: its function, what it yields, and the arguments it takes beside ``default`` and ``table``."""

    function: Callable[[Any, Args, Look], Any]
    yields: str  #: text, decimal, whole_number, date, boolean, interval, text_list or any
    takes: Mapping[str, type | tuple[type, ...]] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()


COMMON_ARGS: Mapping[str, type | tuple[type, ...]] = MappingProxyType(
    {"default": (str, int, bool, Decimal), "table": Mapping}
)


def convert(rule: FieldRule, raw: Any, look: Look) -> Any:
    """The rule's value, or None when the CRM says nothing.

    Raises:
        MappingProblem: the CRM says something that the rule cannot read; it names the field and what to do.
    """
    transform = TRANSFORMS.get(rule.transform)
    if transform is None:
        raise _problem(rule, Unconvertible(say.NO_CONVERSION, name=repr(rule.transform), names=", ".join(TRANSFORMS)))
    try:
        return transform.function(prepared(raw, rule.args), rule.args, look)
    except Unconvertible as error:
        raise _problem(rule, error) from error


def _problem(rule: FieldRule, error: Unconvertible) -> MappingProblem:
    return MappingProblem.because(error.sentence, canonical=rule.canonical, field=rule.field, **error.values)


def _as_text(raw: Any, args: Args, look: Look) -> str | None:
    return None if raw is None else text_of(raw) or None


def _as_decimal(raw: Any, args: Args, look: Look) -> Decimal | None:
    return None if raw is None else number_of(raw, args)


def _as_whole_number(raw: Any, args: Args, look: Look) -> int | None:
    if raw is None:
        return None
    number = number_of(raw, args)
    if number != number.to_integral_value():
        raise Unconvertible(say.NOT_WHOLE, value=show(raw))
    return int(number)


def _as_percent(raw: Any, args: Args, look: Look) -> Decimal | None:
    """0 to 100. With ``fraction``, the CRM holds 0.15 for fifteen percent."""
    if raw is None:
        return None
    number = number_of(raw.removesuffix("%").rstrip() if isinstance(raw, str) else raw, args)
    number = number * 100 if args.get("fraction") else number
    if not 0 <= number <= 100:
        raise Unconvertible(say.NOT_A_PERCENTAGE, value=show(raw))
    return number


def _as_date(raw: Any, args: Args, look: Look) -> date | None:
    """A day. A moment becomes the day it is in ``timezone`` (UTC unless the rule names one)."""
    if raw is None:
        return None
    if isinstance(raw, date) and not isinstance(raw, datetime):
        return raw
    moment = raw if isinstance(raw, datetime) else _moment_or_day(raw)
    if not isinstance(moment, datetime):
        return moment
    try:
        zone = ZoneInfo(args.get("timezone", "UTC"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(zone).date()
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError) as error:
        raise Unconvertible(say.NO_TIME_ZONE, value=show(args.get("timezone"))) from error
    except OverflowError as error:
        raise Unconvertible(say.NOT_A_USABLE_DATE, value=show(raw)) from error


def _moment_or_day(raw: Any) -> datetime | date:
    text = text_of(raw)
    milliseconds = text.isascii() and text.isdigit() and len(text) >= _SHORTEST_MILLISECONDS
    if not milliseconds and not _DATE_FIRST.fullmatch(text):
        raise Unconvertible(say.NOT_A_DATE, value=show(raw))
    try:
        if milliseconds:
            return datetime.fromtimestamp(int(text) / 1000, tz=UTC)
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError) as error:
        raise Unconvertible(say.NOT_A_DATE, value=show(raw)) from error


def _as_currency(raw: Any, args: Args, look: Look) -> str | None:
    if raw is None:
        return None
    code = text_of(raw)
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise Unconvertible(say.NOT_A_CURRENCY, value=show(raw))
    return code.lower()


def _as_interval(raw: Any, args: Args, look: Look) -> words.IntervalValue | None:
    """How often a line recurs, as (unit, count) or ONE_TIME. With ``unit``, a bare number counts those units."""
    if raw is None:
        return None
    text = text_of(raw)
    text = text.partition(".")[0] if isinstance(raw, Decimal) and raw == raw.to_integral_value() else text
    unit = args.get("unit")
    found = words.interval_of(f"{text} {unit}" if unit and text.isdigit() else text)
    if found is None:
        raise Unconvertible(say.NOT_AN_INTERVAL, value=show(raw))
    return found


def _as_months(raw: Any, args: Args, look: Look) -> int | None:
    """A term in whole months, from a number, ``P1Y6M`` or ``18 months``."""
    if raw is None:
        return None
    months = words.months_of(text_of(_as_whole_number(raw, args, look) if isinstance(raw, Decimal) else raw))
    if months is None:
        raise Unconvertible(say.NOT_MONTHS, value=show(raw))
    return months


def _as_net_days(raw: Any, args: Args, look: Look) -> int | None:
    if raw is None:
        return None
    days = words.net_days_of(text_of(_as_whole_number(raw, args, look) if isinstance(raw, Decimal) else raw))
    if days is None:
        raise Unconvertible(say.NOT_NET_DAYS, value=show(raw))
    return days


def _as_collection(raw: Any, args: Args, look: Look) -> str | None:
    return _word(raw, words.COLLECTIONS, say.NOT_A_COLLECTION)


def _as_boolean(raw: Any, args: Args, look: Look) -> bool | None:
    if raw is None or isinstance(raw, bool):
        return raw
    word = text_of(raw).casefold()
    if word in words.TRUE:
        return True
    if word in words.FALSE:
        return False
    raise Unconvertible(say.NOT_YES_OR_NO, value=show(raw))


def _as_email(raw: Any, args: Args, look: Look) -> str | None:
    """One address; ``Ann <ann@example.com>`` gives the bare one."""
    if raw is None:
        return None
    named = _NAMED_ADDRESS.fullmatch(text_of(raw))
    address = named[1] if named else text_of(raw)
    if not _EMAIL.fullmatch(address) or len(address) > _LONGEST_ADDRESS:
        raise Unconvertible(say.NOT_AN_EMAIL)
    return address


def _as_emails(raw: Any, args: Args, look: Look) -> tuple[str, ...] | None:
    """Several addresses, parted by semicolons, commas or line breaks; once each, whatever their case."""
    if raw is None:
        return None
    found = {each.casefold(): each for each in (_as_email(part, {}, look) for part in _parts(raw)) if each}
    return tuple(found.values()) or None


def _as_text_list(raw: Any, args: Args, look: Look) -> tuple[str, ...] | None:
    """Several values, parted by semicolons, commas or line breaks; once each."""
    return None if raw is None else tuple(dict.fromkeys(_parts(raw))) or None


def _parts(raw: Any) -> list[str]:
    parts = [part.strip() for part in re.split(r"[;,\r\n]", text_of(raw))]
    parts = [part for part in parts if part]
    if len(parts) > _MOST_PARTS:
        raise Unconvertible(say.TOO_MANY_ENTRIES, count=len(parts), most=_MOST_PARTS)
    return parts


def _as_deal_kind(raw: Any, args: Args, look: Look) -> str | None:
    """new, amendment, renewal or cancellation."""
    return _word(raw, words.DEAL_KINDS, say.NOT_A_DEAL_KIND)


def _as_tax_status(raw: Any, args: Args, look: Look) -> str | None:
    """none (tax as usual), exempt or reverse. A checkbox "tax exempt" will do as well."""
    if isinstance(raw, bool):
        return "exempt" if raw else "none"
    return _word(raw, words.TAX_STATUSES, say.NOT_A_TAX_STATUS)


def _word(raw: Any, known: Mapping[str, str], otherwise: Sentence) -> str | None:
    if raw is None:
        return None
    found = known.get(words.plain(text_of(raw)))
    if found is None:
        raise Unconvertible(otherwise, value=show(raw))
    return found


def _as_enum(raw: Any, args: Args, look: Look) -> Any:
    """Only values that ``table`` lists; ``other`` stands for all that it does not."""
    if raw is None:
        return None
    table = args.get("table", {})
    if raw in table.values():  # _prepared has translated it, or the default is a canonical value already
        return raw
    if "other" in args:
        return args["other"]
    raise Unconvertible(say.NO_TRANSLATION, value=show(raw))


def _as_regex(raw: Any, args: Args, look: Look) -> Any:
    """What the pattern's first group captures (the whole match if it has none); nothing when it does not match."""
    if raw is None:
        return None
    pattern = args.get("pattern", "")
    problem = unsafe(pattern)
    if problem:
        raise Unconvertible(say.PATTERN_UNSAFE, problem=problem)
    match = re.search(pattern, text_of(raw)[:LONGEST_TEXT])
    found = match[1 if match.re.groups else 0] if match else None
    return _then(found, args, look)


def _as_first_of(raw: Any, args: Args, look: Look) -> Any:
    """The first of ``field`` and ``fields`` that says anything."""
    candidates = (raw, *(prepared(look(path), {}) for path in args.get("fields", ())))
    return _then(next((value for value in candidates if value is not None), None), args, look)


def _as_constant(raw: Any, args: Args, look: Look) -> Any:
    """``value``, whatever the CRM says."""
    return _then(args.get("value"), args, look)


def _as_template(raw: Any, args: Args, look: Look) -> str | None:
    """``template`` with each {path} filled in; nothing at all if one of them is empty, unless ``missing`` stands in."""
    template: str = args.get("template", "")
    missing: str | None = args.get("missing")
    filled = {path: _as_text(prepared(look(path), {}), {}, look) for path in placeholders(template)}
    if missing is None and None in filled.values():
        return None
    return PLACEHOLDER.sub(lambda match: filled[match[1]] or missing or "", template).strip() or None


def _then(value: Any, args: Args, look: Look) -> Any:
    """What another plain conversion, named by ``then``, makes of the value."""
    name = args.get("then", "text")
    following = TRANSFORMS.get(name) if name in PLAIN else None
    if following is None:
        raise Unconvertible(say.CANNOT_FOLLOW, name=show(name), names=", ".join(sorted(PLAIN)))
    return following.function(prepared(value, {}), args, look)


_NUMBER_ARGS: Mapping[str, type | tuple[type, ...]] = MappingProxyType({"decimal_mark": str})
_THEN: Mapping[str, type | tuple[type, ...]] = MappingProxyType(
    {"then": str, "decimal_mark": str, "fraction": bool, "timezone": str, "unit": str}
)

TRANSFORMS: Mapping[str, Transform] = MappingProxyType(
    {
        "text": Transform(_as_text, "text"),
        "decimal": Transform(_as_decimal, "decimal", _NUMBER_ARGS),
        "whole_number": Transform(_as_whole_number, "whole_number", _NUMBER_ARGS),
        "percent": Transform(_as_percent, "decimal", {"fraction": bool, **_NUMBER_ARGS}),
        "date": Transform(_as_date, "date", {"timezone": str}),
        "currency": Transform(_as_currency, "text"),
        "interval": Transform(_as_interval, "interval", {"unit": str}),
        "months": Transform(_as_months, "whole_number"),
        "net_days": Transform(_as_net_days, "whole_number"),
        "collection": Transform(_as_collection, "text"),
        "boolean": Transform(_as_boolean, "boolean"),
        "email": Transform(_as_email, "text"),
        "emails": Transform(_as_emails, "text_list"),
        "text_list": Transform(_as_text_list, "text_list"),
        "deal_kind": Transform(_as_deal_kind, "text"),
        "tax_status": Transform(_as_tax_status, "text"),
        "enum": Transform(_as_enum, "any", {"other": (str, int, bool)}, frozenset({"table"})),
        "regex": Transform(_as_regex, "any", {"pattern": str, **_THEN}, frozenset({"pattern"})),
        "first_of": Transform(_as_first_of, "any", {"fields": (list, tuple), **_THEN}, frozenset({"fields"})),
        "constant": Transform(_as_constant, "any", {"value": (str, int, bool, Decimal), **_THEN}, frozenset({"value"})),
        "template": Transform(_as_template, "text", {"template": str, "missing": str}, frozenset({"template"})),
    }
)

PLAIN = frozenset(TRANSFORMS) - {"enum", "regex", "first_of", "constant", "template"}
"""Conversions that need nothing but the value, and so may follow another one as ``then``."""
