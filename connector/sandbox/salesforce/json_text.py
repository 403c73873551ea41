"""JSON as Salesforce writes it: doubles in Java's spelling, so that ten million reads 1.0E7."""

import json
from decimal import Decimal

_PLAIN_FROM = 1e-3
_PLAIN_BELOW = 1e7


def dump(value: object) -> str:
    """The JSON text of an answer made of dicts, lists and plain values."""
    if isinstance(value, float):
        return double(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(str(key))}:{dump(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(dump(item) for item in value) + "]"
    return json.dumps(value)


def double(value: float) -> str:
    """Java's Double.toString: plain from 0.001 up to ten million, otherwise with an exponent.

    Salesforce's REST answers carry doubles this way, and a reader of money must survive `1.5E7`.
    """
    if value == 0 or _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        return repr(value)
    sign, digits, _ = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    exponent = Decimal(repr(value)).adjusted()
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{exponent}"
