"""How we recognise what a step made: the mark on it, the key it was made under, and looking for it in lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from stripe import RequestOptions

from connector.billing.stripe.calls import Calls, Json

MOST_PAGES = 50
"""5,000 records of one kind."""

_Params = TypeVar("_Params")


def first(
    calls: Calls, what: str, ask: Callable[[_Params], Any], params: _Params, fits: Callable[[Json], bool]
) -> Json | None:
    """The newest record of a list that fits; pages after it are not asked for."""
    for page in calls.pages(what, ask, params, MOST_PAGES):
        for body in page:
            if fits(body):
                return body
    return None


def once(key: str) -> RequestOptions:
    """The options of a call that is done once under this key, however often it is made."""
    return {"idempotency_key": key}


def meta(body: Json, key: str) -> str:
    """A metadata value of a record, or nothing."""
    return str((body.get("metadata") or {}).get(key) or "")
