"""The small language of a story's rows: lines as sales sells them, values by their canonical names, parts in a row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from connector.domain.deal import Interval
from mappings.canonical import NAMES

FREQUENCIES: Mapping[str, Interval | None] = {
    "once": None,
    "weekly": Interval("week"),
    "monthly": Interval("month"),
    "quarterly": Interval("month", 3),
    "half-yearly": Interval("month", 6),
    "yearly": Interval("year"),
    "every 2 years": Interval("year", 2),
    "every 3 years": Interval("year", 3),
    "every 4 years": Interval("year", 4),
}

_LINE = re.compile(
    r"(?P<quantity>-?\d+(?:\.\d+)?) (?P<product>.+?) (?:at (?P<price>-?[\d.]+)|(?P<kind>tiered)) "
    rf"(?P<often>{'|'.join(FREQUENCIES)})(?: \((?P<options>.*)\))?"
)
_COMPANY = re.compile(r"(?P<name>[^()]+?)(?: \((?P<options>.*)\))?")
_VALUE = re.compile(r"(?P<name>[a-z_.0-9]+) (?P<value>.+)")


class Unclear(ValueError):
    """A row says something that is not in the language."""


@dataclass(frozen=True)
class SoldLine:
    """A line of a deal. ``price`` is None where the catalogue's tiers decide."""

    quantity: Decimal
    product: str
    price: Decimal
    interval: Interval | None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Company:
    """A company by name, and what is said of it."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)


def parts(text: str, separator: str = ";") -> list[str]:
    """The text cut at each separator outside of parentheses."""
    found, depth, current = [], 0, ""
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == separator and depth == 0:
            found.append(current.strip())
            current = ""
        else:
            current += character
    found.append(current.strip())
    if depth:
        raise Unclear(f"parentheses do not match in {text!r}")
    return [each for part in found if part for each in _repeated(part)]


def _repeated(part: str) -> list[str]:
    """``25 times 1 Module at 10.00 monthly`` is as many parts."""
    found = re.fullmatch(r"(\d+) times (.+)", part)
    return [found[2]] * int(found[1]) if found else [part]


def sold_line(text: str) -> SoldLine:
    """``10 Seats at 20.00 monthly (discount_percent 10, start 2027-03-01)``."""
    found = _LINE.fullmatch(text)
    if found is None:
        raise Unclear(f"{text!r} is no line: write 10 Seats at 20.00 monthly, with options in parentheses")
    price = Decimal(0) if found["kind"] else _decimal(found["price"])
    return SoldLine(
        _decimal(found["quantity"]),
        found["product"],
        price,
        FREQUENCIES[found["often"]],
        options(found["options"] or ""),
    )


def company(text: str) -> Company:
    """``Acme (tax_id DE123456789, country AT)``."""
    found = _COMPANY.fullmatch(text)
    if found is None:
        raise Unclear(f"{text!r} names no company")
    return Company(found["name"], options(found["options"] or ""))


def options(text: str) -> dict[str, str]:
    """Names and values parted by commas."""
    return dict(named(part) for part in parts(text, ","))


def named(text: str) -> tuple[str, str]:
    """``net_days 30``: a name and its value."""
    found = _VALUE.fullmatch(text)
    if found is None:
        raise Unclear(f"{text!r} is neither a line nor a name with its value")
    return found["name"], found["value"]


def value_of(canonical: str, text: str) -> Any:
    """A value as its canonical name holds it; ``none`` empties it."""
    kind = (NAMES["deal"].get(canonical) or NAMES["line_item"].get(canonical)) or "text"
    if text == "none":
        return None
    try:
        match kind:
            case "decimal":
                return Decimal(text)
            case "whole_number":
                return int(text)
            case "boolean":
                return {"yes": True, "no": False}[text]
            case "date":
                return date.fromisoformat(text)
            case "interval":
                return FREQUENCIES[text]
            case "text_list":
                return tuple(part.strip() for part in text.split("+"))
            case _:
                return text
    except (ArithmeticError, ValueError, KeyError) as error:
        raise Unclear(f"{canonical} holds a {kind}, which {text!r} is not") from error


def amount(text: str) -> Decimal:
    """An amount of money in major units."""
    return _decimal(text)


def often(interval: Interval | None) -> str:
    """How often, as stories say it."""
    for word, known in FREQUENCIES.items():
        if known == interval:
            return word
    if interval is not None and interval == Interval("month", 12):
        return "yearly"
    return str(interval)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise Unclear(f"{text!r} is no number") from error
