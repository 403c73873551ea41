"""Cells of a file of invoices as values: a date, an amount, a currency, a yes or no. What is unclear is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum

from connector.cli.health.unreadable import UnreadableInvoices, quoted
from connector.domain.money import exponent
from connector.sentences.health import (
    CURRENCY_OPTION,
    DATE_FORMAT,
    ROW_AMOUNT,
    ROW_AMOUNT_DECIMALS,
    ROW_AMOUNT_UNCLEAR,
    ROW_CURRENCY,
    ROW_DATE,
    ROW_DATE_RANGE,
    ROW_DISPUTED,
)
from mappings.sentence import Sentence

_NOTHING = frozenset({"", "-", "null", "none", "nan", "nat", "n/a"})
"""How exports write a cell that has no value."""

_YES = frozenset({"yes", "y", "true", "t", "1", "x"})
_NO = frozenset({"no", "n", "false", "f", "0"})
_WORDS = (("YYYY", "%Y"), ("YY", "%y"), ("MM", "%m"), ("DD", "%d"))
_TRIED = datetime(2001, 11, 23, tzinfo=UTC)
_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_COMPACT = re.compile(r"(\d{8})(?:\.0)?")  # 20260131, and what becomes of it where a program took it for a number


class DecimalMark(StrEnum):
    """What stands before the decimals of an amount."""

    POINT = "point"
    COMMA = "comma"


def _amount_pattern(mark: str, between: str) -> re.Pattern[str]:
    return re.compile(
        rf"(-?)(\d{{1,15}}|\d{{1,3}}(?:([{between} '’\u00a0\u202f])\d{{3}})(?:\3\d{{3}}){{0,3}})(?:{mark}(\d{{1,9}}))?"
    )


_AMOUNT = {DecimalMark.POINT: _amount_pattern(r"\.", ","), DecimalMark.COMMA: _amount_pattern(",", ".")}


class BadCell(ValueError):
    """A cell that makes no sense: the sentence that says so, and what fills it in beside the line."""

    def __init__(self, sentence: Sentence, **values: object) -> None:
        super().__init__(sentence.id)
        self.sentence = sentence
        self.values = values


def is_nothing(text: str) -> bool:
    """Whether a cell has no value."""
    return text.lower() in _NOTHING


def date_formats(options: Sequence[str]) -> tuple[str, ...]:
    """What ``--date-format`` says, ``DD/MM/YYYY`` and ``%d/%m/%Y`` alike.

    Raises:
        UnreadableInvoices: one does not name day, month and year.
    """
    return tuple(_date_format(option) for option in options)


def reads_as(text: str, formats: Sequence[str]) -> bool:
    """Whether one of these formats reads a text as a day."""
    return _formatted(text, formats) is not None


def currency_option(text: str) -> str:
    """What ``--currency`` says, in lower case; nothing for none.

    Raises:
        UnreadableInvoices: it is no currency.
    """
    try:
        return currency(text) if text else ""
    except BadCell as error:
        raise UnreadableInvoices.because(CURRENCY_OPTION, text=quoted(text)) from error


class DateReader:
    """Days from text, each text looked at once: an export repeats its days."""

    def __init__(self, formats: Sequence[str]) -> None:
        self._formats = formats
        self._known: dict[str, date] = {}

    def day(self, text: str, column: str) -> date:
        """The day; of a moment with a time zone, its day in UTC.

        Raises:
            BadCell: it is none, or could be two.
        """
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._read(text, column)
        return known

    def _read(self, text: str, column: str) -> date:
        found = _formatted(text, self._formats) if self._formats else _iso(text)
        if found is None:
            raise BadCell(ROW_DATE, column=column, text=quoted(text))
        if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
            raise BadCell(ROW_DATE_RANGE, column=column, text=quoted(text))
        return found


def currency(text: str) -> str:
    """Three letters, in lower case.

    Raises:
        BadCell: it is something else.
    """
    if len(text) != 3 or not text.isascii() or not text.isalpha():
        raise BadCell(ROW_CURRENCY, text=quoted(text))
    return text.lower()


def minor_units(text: str, code: str, mark: DecimalMark | None = None) -> int:
    """An amount in minor units of a currency, below 0 for a credit. Without ``mark`` only what is clear is read.

    Raises:
        BadCell: it is no number, may be two, or has more decimals than the currency.
    """
    plain = text.strip()
    if plain.startswith("(") and plain.endswith(")"):  # as bookkeepers write what is below nothing
        plain = f"-{plain[1:-1]}"
    readings = {
        amount
        for each, pattern in _AMOUNT.items()
        if mark in (None, each) and (amount := _amount(plain, pattern)) is not None
    }
    if not readings:
        raise BadCell(ROW_AMOUNT, text=quoted(text))
    if len(readings) > 1:
        smaller, larger = sorted(readings, key=abs)
        raise BadCell(ROW_AMOUNT_UNCLEAR, text=quoted(text), one=f"{smaller:f}", other=f"{larger:f}")
    minor = readings.pop().scaleb(exponent(code))
    if minor != minor.to_integral_value():
        raise BadCell(ROW_AMOUNT_DECIMALS, text=quoted(text), currency=code.upper())
    return int(minor)


def yes_or_no(text: str) -> bool:
    """Whether a cell says yes; an empty one says no.

    Raises:
        BadCell: it says something else.
    """
    word = text.lower()
    if word in _YES:
        return True
    if word in _NO or word in _NOTHING:
        return False
    raise BadCell(ROW_DISPUTED, text=quoted(text))


def _amount(text: str, pattern: re.Pattern[str]) -> Decimal | None:
    found = pattern.fullmatch(text)
    if found is None:
        return None
    sign, whole, _, decimals = found.groups()
    digits = "".join(letter for letter in whole if letter.isdecimal())
    return Decimal(f"{sign}{digits}.{decimals or 0}")


def _date_format(option: str) -> str:
    found = option
    if "%" not in option:
        for word, directive in _WORDS:
            found = found.replace(word, directive)
    try:
        fits = _parsed(_TRIED.strftime(found), found) == _TRIED.date()
    except (ValueError, re.error):
        fits = False
    if not fits:
        raise UnreadableInvoices.because(DATE_FORMAT, text=quoted(option))
    return found


def _formatted(text: str, formats: Sequence[str]) -> date | None:
    for each in formats:
        try:
            return _parsed(text, each)
        except ValueError:
            continue
    return None


def _parsed(text: str, pattern: str) -> date:
    return datetime.strptime(text, pattern).replace(tzinfo=UTC).date()


def _iso(text: str) -> date | None:
    """``2026-01-31``, with a time or without, or ``20260131``."""
    compact = _COMPACT.fullmatch(text)
    try:
        moment = datetime.fromisoformat(compact[1] if compact else text)
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):
        return None
