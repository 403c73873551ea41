"""One field's value on its way in (JSON to Python, checked as Salesforce checks it) and out again."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.ids import normal_id
from connector.sandbox.salesforce.schema import IDS, NUMBERS, Field

Value = None | str | bool | int | Decimal | date | datetime
Record = dict[str, Value]

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+\Z")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})\Z")
_LARGEST_INT = 2**31 - 1


def from_json(field: Field, raw: object) -> Value:
    """A JSON value as this field keeps it; raises Refused in the words Salesforce has for it.

    Empty texts become null and surplus decimals are rounded half up, as Salesforce does without a word. Numbers
    must be JSON numbers and booleans JSON booleans.
    """
    if raw is None or (raw == "" and field.type not in NUMBERS | {"int", "boolean", "date", "datetime"}):
        return None
    if isinstance(raw, dict | list):
        kind = "START_OBJECT value {" if isinstance(raw, dict) else "START_ARRAY value ["
        raise _not_a(field, kind)
    return _READERS.get(field.type, _read_text)(field, raw)


def to_json(value: Value) -> object:
    """A kept value as Salesforce's JSON shows it; decimals become doubles."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return show_datetime(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def show_datetime(moment: datetime) -> str:
    """Salesforce's own spelling of a moment: `2013-05-08T21:20:00.000+0000`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000+0000"


def read_datetime(text: str) -> datetime:
    """An ISO date and time with its zone; ValueError for anything else."""
    if not _DATE_TIME.match(text):
        raise ValueError("not a date and time with a zone")
    return datetime.fromisoformat(text).astimezone(UTC)


def read_date(text: str) -> date:
    """An ISO date; ValueError for anything else."""
    if not _DATE.match(text):
        raise ValueError("not a date")
    return date.fromisoformat(text)


def _read_text(field: Field, raw: object) -> Value:
    if not isinstance(raw, str):
        raise _not_a(field, _token(raw))
    text = raw.strip() if field.type != "textarea" else raw.rstrip()
    if not text:
        return None
    if field.length and len(text) > field.length:
        raise Refused(
            "STRING_TOO_LONG",
            f"{field.label}: data value too large: {text[:60]} (max length={field.length})",
            [field.name],
        )
    if field.restricted_picklist and field.picklist and text not in field.picklist:
        raise Refused(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{field.label}: bad value for restricted picklist field: {text}",
            [field.name],
        )
    if field.type == "email" and not _EMAIL.match(text):
        raise Refused("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", [field.name])
    return text


def _read_id(field: Field, raw: object) -> Value:
    if not isinstance(raw, str):
        raise _not_a(field, _token(raw))
    found = normal_id(raw)
    if found is None:
        raise Refused("MALFORMED_ID", f"{field.label}: id value of incorrect type: {raw[:30]}", [field.name])
    return found


def _read_boolean(field: Field, raw: object) -> Value:
    if not isinstance(raw, bool):
        raise _not_a(field, _token(raw))
    return raw


def _read_number(field: Field, raw: object) -> Value:
    number = _decimal(field, raw)
    rounded = number.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)
    if len(rounded.as_tuple().digits) > max(field.precision, field.scale):
        raise _outside(field, raw)
    return rounded


def _read_int(field: Field, raw: object) -> Value:
    number = _decimal(field, raw)
    if number != number.to_integral_value():
        raise _not_a(field, _token(raw))
    if abs(number) > _LARGEST_INT:
        raise _outside(field, raw)
    return int(number)


def _read_date(field: Field, raw: object) -> Value:
    try:
        return read_date(str(raw))
    except ValueError:
        raise _not_a(field, _token(raw)) from None


def _read_datetime(field: Field, raw: object) -> Value:
    try:
        return read_datetime(str(raw)).replace(microsecond=0)  # Salesforce keeps whole seconds
    except ValueError:
        raise _not_a(field, _token(raw)) from None


def _decimal(field: Field, raw: object) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        raise _not_a(field, _token(raw))
    try:
        number = Decimal(str(raw))
    except InvalidOperation:
        raise _outside(field, raw) from None
    if not number.is_finite() or number.adjusted() > 17:
        raise _outside(field, raw)
    return number


def _outside(field: Field, raw: object) -> Refused:
    return Refused(
        "NUMBER_OUTSIDE_VALID_RANGE",
        f"{field.label}: value outside of valid range on numeric field: {raw}",
        [field.name],
    )


def _not_a(field: Field, token: str) -> Refused:
    name = "ID" if field.type in IDS else field.type
    return Refused(
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {name} from {token} or request may be missing a required field "
        f"at [line:1, column:1] (field {field.name})",
    )


def _token(raw: object) -> str:
    if isinstance(raw, bool):
        return f"VALUE_{str(raw).upper()} value {str(raw).lower()}"
    if isinstance(raw, str):
        return f"VALUE_STRING value {raw[:60]}"
    kind = "INT" if isinstance(raw, int) else "FLOAT"
    return f"VALUE_NUMBER_{kind} value {raw}"


_READERS: dict[str, Callable[[Field, object], Value]] = {
    **dict.fromkeys(IDS, _read_id),
    **dict.fromkeys(NUMBERS, _read_number),
    "boolean": _read_boolean,
    "int": _read_int,
    "date": _read_date,
    "datetime": _read_datetime,
}
