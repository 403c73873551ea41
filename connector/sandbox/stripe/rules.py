"""Rules of Stripe's that its types do not tell: metadata, custom fields, lengths.

Sources: docs.stripe.com/api/metadata and the SDK's own parameter descriptions.
"""

import re
from collections.abc import Mapping
from typing import Any

from connector.sandbox.stripe.errors import StripeRefusal

Metadata = dict[str, str]

_MOST_KEYS, _LONGEST_KEY, _LONGEST_VALUE = 50, 40, 500
_MOST_CUSTOM_FIELDS, _LONGEST_FIELD_NAME, _LONGEST_FIELD_VALUE = 4, 40, 140


def merged_metadata(old: Mapping[str, str], new: object, param: str = "metadata") -> Metadata:
    """Metadata after an update: an empty value deletes its key, an empty whole deletes all."""
    if new is None:
        return dict(old)
    if not isinstance(new, dict):
        return {}
    out = dict(old)
    for key, value in new.items():
        _check_metadata(key, value, param)
        if value == "":
            out.pop(key, None)
        else:
            out[key] = value
    if len(out) > _MOST_KEYS:
        raise StripeRefusal(f"Metadata can only have up to {_MOST_KEYS} keys; this would make {len(out)}.", param=param)
    return out


def _check_metadata(key: str, value: str, param: str) -> None:
    if len(key) > _LONGEST_KEY:
        raise StripeRefusal(
            f"Metadata keys can have up to {_LONGEST_KEY} characters; '{key[:60]}' has {len(key)}.",
            param=f"{param}[{key[:60]}]",
        )
    if "[" in key or "]" in key:
        raise StripeRefusal("Metadata keys cannot contain square brackets.", param=param)
    if len(value) > _LONGEST_VALUE:
        raise StripeRefusal(
            f"Metadata values can have up to {_LONGEST_VALUE} characters, but you passed in a value that is "
            f"{len(value)} characters.",
            param=f"{param}[{key}]",
        )


def custom_fields(given: object, param: str) -> list[dict[str, str]] | None:
    """Invoice custom fields within their limits; an empty value clears them."""
    if not isinstance(given, list):
        return None
    if len(given) > _MOST_CUSTOM_FIELDS:
        raise StripeRefusal(f"You can only set up to {_MOST_CUSTOM_FIELDS} custom fields.", param=param)
    for n, field in enumerate(given):
        at_most(field["name"], _LONGEST_FIELD_NAME, f"{param}[{n}][name]")
        at_most(field["value"], _LONGEST_FIELD_VALUE, f"{param}[{n}][value]")
    return [dict(field) for field in given]


def at_most(value: object, length: int, param: str) -> None:
    """Refuse a string longer than `length` characters."""
    if isinstance(value, str) and len(value) > length:
        raise StripeRefusal(
            f"Invalid string: {value[:40]}...; must be at most {length} characters",
            param=param,
            code="parameter_invalid_string",
        )


def check_email(value: object, param: str = "email") -> None:
    """One plausible address of at most 512 characters, or nothing."""
    if not isinstance(value, str) or not value:
        return
    at_most(value, 512, param)
    if not re.fullmatch(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+", value):
        raise StripeRefusal(f"Invalid email address: {value}", param=param, code="email_invalid")


def only_one(params: Mapping[str, Any], *names: str) -> None:
    """Refuse parameters that exclude each other."""
    given = [name for name in names if params.get(name) is not None]
    if len(given) > 1:
        raise StripeRefusal(f"You may only specify one of these parameters: {', '.join(given)}.", param=given[0])
