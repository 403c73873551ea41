"""Whether a property takes a value, and how HubSpot stores it: always as text."""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal

from connector.sandbox.hubspot.moments import read_date, read_moment, write_moment
from connector.sandbox.hubspot.properties import Option, Property
from connector.sandbox.hubspot.refusals import BadValue

_LONGEST = 65_536
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_PERIOD = re.compile(r"P(?=\d)(\d+W|(\d+Y)?(\d+M)?(\d+D)?)")


class Unfit(ValueError):
    """A value of the wrong form; carries HubSpot's code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def fit(one: Property, value: str, options: Sequence[Option]) -> str:
    """The value as it will be stored; an empty one clears the property. Raises Unfit."""
    if value == "":
        return ""
    return _FITTERS[one.type](one, value, options)


def why_not(one: Property | None, name: str, value: str, options: Sequence[Option]) -> BadValue | None:
    """Why a write through the API is refused; None when it is fine."""
    if one is None:
        return BadValue(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
    if not one.writable:
        return BadValue(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
    try:
        fit(one, value, options)
    except Unfit as error:
        return BadValue(name, error.code, str(error))
    return None


def _text(one: Property, value: str, _: Sequence[Option]) -> str:
    if len(value) > _LONGEST:
        raise Unfit("INVALID_STRING", f"{one.name} is longer than {_LONGEST} characters.")
    if "email" in one.flags and not _EMAIL.fullmatch(value):
        raise Unfit("INVALID_EMAIL", f"Email address {value} is invalid")
    if "period" in one.flags and not _PERIOD.fullmatch(value):
        raise Unfit("INVALID_PERIOD", f"{value} was not a valid ISO-8601 period.")
    return value.strip().lower() if "email" in one.flags else value


def _number(one: Property, value: str, _: Sequence[Option]) -> str:
    if not _NUMBER.fullmatch(value):
        raise Unfit("INVALID_NUMBER", f"{value} was not a valid number.")
    if "notnegative" in one.flags and Decimal(value) < 0:
        raise Unfit("INVALID_NUMBER", f"{one.name} may not be negative.")
    return value


def _bool(_: Property, value: str, __: Sequence[Option]) -> str:
    if value not in {"true", "false"}:
        raise Unfit("INVALID_OPTION", f"{value} was not one of the allowed options: [true, false]")
    return value


def _enumeration(one: Property, value: str, options: Sequence[Option]) -> str:
    if "open" in one.flags:
        return value
    allowed = [option.value for option in options]
    for chosen in value.split(";") if one.several else [value]:
        if chosen not in allowed:
            raise Unfit("INVALID_OPTION", f"{chosen} was not one of the allowed options: [{', '.join(allowed)}]")
    return value


def _date(_: Property, value: str, __: Sequence[Option]) -> str:
    try:
        return read_date(value).isoformat()
    except (ValueError, OverflowError) as error:
        raise Unfit("INVALID_DATE", f"{value} was not a valid date: {error}") from error


def _datetime(_: Property, value: str, __: Sequence[Option]) -> str:
    try:
        return write_moment(read_moment(value))
    except (ValueError, OverflowError) as error:
        raise Unfit("INVALID_DATE", f"{value} was not a valid long or ISO date: {error}") from error


_FITTERS: dict[str, Callable[[Property, str, Sequence[Option]], str]] = {
    "string": _text,
    "number": _number,
    "bool": _bool,
    "enumeration": _enumeration,
    "date": _date,
    "datetime": _datetime,
}
