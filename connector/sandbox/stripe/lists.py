"""Stripe's lists: newest first, pages by object id, filters by field and time."""

from collections.abc import Iterable
from typing import Any

from connector.sandbox.stripe.calls import Call
from connector.sandbox.stripe.errors import StripeRefusal, missing
from connector.sandbox.stripe.render import render
from connector.sandbox.stripe.world import Obj, World

LIST_PARAMS = ("limit", "starting_after", "ending_before")
_DEFAULT, _MOST = 10, 100


def listed(world: World, call: Call, found: Iterable[Obj], url: str) -> Obj:
    """One page of objects given oldest first; answered newest first, with `data.` expansions."""
    return paged(call, list(found)[::-1], url, lambda obj: render(world, obj, inner(call.expand)))


def paged(call: Call, newest_first: list[Obj], url: str, show: Any) -> Obj:
    """One page of objects already in the order of the answer."""
    params = call.params
    limit = params.get("limit", _DEFAULT)
    if not 1 <= limit <= _MOST:
        raise StripeRefusal(
            f"Invalid integer: limit must be between 1 and {_MOST}", param="limit", code="parameter_invalid_integer"
        )
    if "starting_after" in params and "ending_before" in params:
        raise StripeRefusal("You may only specify one of these parameters: starting_after, ending_before.")
    if "ending_before" in params:
        until = newest_first[: _place(newest_first, params["ending_before"], "ending_before")]
        chosen, more = until[-limit:], len(until) > limit
    else:
        start = 0
        if "starting_after" in params:
            start = _place(newest_first, params["starting_after"], "starting_after") + 1
        chosen, more = newest_first[start : start + limit], len(newest_first) > start + limit
    return {"object": "list", "data": [show(obj) for obj in chosen], "has_more": more, "url": url}


def inner(expand: Iterable[str]) -> list[str]:
    """Expansions of a list's entries: `data.customer` is `customer` for each."""
    return [path.removeprefix("data.") for path in expand if path.startswith("data.")]


def same(found: Iterable[Obj], params: dict[str, Any], *names: str) -> Iterable[Obj]:
    """Only objects whose named fields equal the parameters of the same name, where those are given."""
    for obj in found:
        if all(obj.get(name) == params[name] for name in names if name in params):
            yield obj


def within(found: Iterable[Obj], params: dict[str, Any], *names: str) -> Iterable[Obj]:
    """Only objects whose times lie in the ranges asked for: a timestamp, or gt, gte, lt, lte."""
    for obj in found:
        if all(in_range(obj.get(name), params[name]) for name in names if name in params):
            yield obj


def in_range(value: int | None, asked: int | dict[str, int]) -> bool:
    """Whether a time fits a range filter; an unknown time fits none."""
    if value is None:
        return False
    if not isinstance(asked, dict):
        return value == asked
    return (
        value > asked.get("gt", value - 1)
        and value >= asked.get("gte", value)
        and value < asked.get("lt", value + 1)
        and value <= asked.get("lte", value)
    )


def _place(objects: list[Obj], ident: str, param: str) -> int:
    for n, obj in enumerate(objects):
        if obj["id"] == ident:
            return n
    raise missing("object", ident, param)
