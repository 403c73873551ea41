"""Searching customers: the part of Stripe's query language that asks for texts, over an index that lags behind.

Source: docs.stripe.com/search. Clauses are joined by AND or by OR, never by both; `:` asks for the whole text without
regard to case, `~` for a part of at least three characters, and a minus sign turns a clause round.
"""

import re
from collections.abc import Callable
from typing import Final

from connector.sandbox.stripe.calls import Call, answers
from connector.sandbox.stripe.errors import StripeRefusal
from connector.sandbox.stripe.lists import inner
from connector.sandbox.stripe.render import render
from connector.sandbox.stripe.world import Obj, World

BEHIND: Final = 60
"""Seconds until a new customer can be found: "in under a minute", so never count on less."""

_FIELDS = frozenset({"email", "name", "phone"})
_TEXT = r'"(?:[^"\\]|\\.)*"'
_CLAUSE = re.compile(rf"\s*(-?)(?:([a-z_]+)(?:\[({_TEXT})\])?)([:~])({_TEXT})\s*")
_JOIN = re.compile(r"(AND|OR)\b", re.IGNORECASE)

Test = Callable[[Obj], bool]


@answers("GET /v1/customers/search", "limit", "query")
def search_customers(world: World, call: Call) -> Obj:
    fits = parse(call.params["query"])
    limit = call.params.get("limit", 10)
    known = [one for one in world.all("customer") if not one.get("_gone") and one["created"] <= world.moment - BEHIND]
    found = [one for one in reversed(known) if fits(one)]
    return {
        "object": "search_result",
        "data": [render(world, one, inner(call.expand)) for one in found[:limit]],
        "has_more": len(found) > limit,
        "next_page": None,
        "url": "/v1/customers/search",
    }


def parse(query: str) -> Test:
    """What a query asks of a customer. Raises StripeRefusal for what is no query."""
    tests: list[Test] = []
    joins: set[str] = set()
    place = 0
    while True:
        clause = _CLAUSE.match(query, place)
        if clause is None:
            raise _refusal(f"We were unable to parse your search query near '{query[place : place + 20]}'.")
        tests.append(_test(clause))
        place = clause.end()
        if place == len(query):
            break
        join = _JOIN.match(query, place)
        if join:
            joins.add(join[1].upper())
            place = join.end()
        else:
            joins.add("AND")
    if len(joins) > 1:
        raise _refusal("You can not combine AND and OR in the same search query.")
    combine = any if "OR" in joins else all
    return lambda customer: combine(test(customer) for test in tests)


def _test(clause: re.Match[str]) -> Test:
    negated, field, key, operator, quoted = clause.groups()
    wanted = _plain(quoted).casefold()
    if (field == "metadata") != (key is not None) or field not in {*_FIELDS, "metadata"}:
        raise _refusal(f"Field `{field}` is an unsupported search field for resource `customers`.")
    if operator == "~" and len(wanted) < 3:
        raise _refusal("Substring queries need at least three characters.")

    def fits(customer: Obj) -> bool:
        text = customer["metadata"].get(_plain(key)) if key is not None else customer[field]
        has = (text or "").casefold()
        return (wanted in has if operator == "~" else wanted == has) != bool(negated)

    return fits


def _plain(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted[1:-1])


def _refusal(message: str) -> StripeRefusal:
    return StripeRefusal(message, param="query")
