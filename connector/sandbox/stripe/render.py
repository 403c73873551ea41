"""Objects as callers see them: without our private notes, with their lists, and expanded where asked."""

from collections.abc import Callable, Iterable
from typing import Any

from connector.sandbox.stripe.world import Obj, World, clone

PAGE = 10  # how many of an embedded list Stripe sends along

# The kind of object behind a field that holds an id.
_KINDS = {
    "customer": "customer",
    "product": "product",
    "price": "price",
    "default_price": "price",
    "coupon": "coupon",
    "promotion_code": "promotion_code",
    "discounts": "discount",
    "discount": "discount",
    "subscription": "subscription",
    "schedule": "subscription_schedule",
    "latest_invoice": "invoice",
    "invoice": "invoice",
    "payment_intent": "payment_intent",
    "payment_record": "payment_record",
    "payment_method": "payment_method",
    "default_payment_method": "payment_method",
    "charge": "charge",
    "latest_charge": "charge",
    "refund": "refund",
    "dispute": "dispute",
    "customer_balance_transaction": "customer_balance_transaction",
}


def render(world: World, obj: Obj, expand: Iterable[str] = ()) -> Obj:
    """The answer for one object; `expand` holds dotted paths already checked against the document."""
    out = _plain(world, obj)
    for path in expand:
        _expand(world, out, obj, path.split("."))
    return out


def page(items: list[Any], url: str, *, limit: int = PAGE) -> Obj:
    """The first page of an embedded list."""
    return {"object": "list", "data": items[:limit], "has_more": len(items) > limit, "url": url}


def plan_of(world: World, price: Obj) -> Obj:
    """The old-style plan that every subscription item still carries beside its price."""
    recurring = price["recurring"]
    return {
        **world.document.blank("Plan"),
        **{key: price[key] for key in ("id", "active", "billing_scheme", "created", "currency", "livemode")},
        "object": "plan",
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "usage_type": recurring["usage_type"],
        "meter": recurring["meter"],
        "metadata": dict(price["metadata"]),
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
    }


def _plain(world: World, obj: Obj) -> Obj:
    hidden = _INCLUDABLE.get(obj["object"], {})
    shown = {key: clone(value) for key, value in obj.items() if not key.startswith("_") and key not in hidden}
    complete = _COMPLETE.get(obj["object"])
    if complete:
        complete(world, obj, shown)
    return shown


def _complete_item(world: World, obj: Obj, shown: Obj) -> None:
    price = world.tables["price"][obj["_price"]]
    shown["price"] = _plain(world, price)
    shown["plan"] = plan_of(world, price)


def _complete_subscription(world: World, obj: Obj, shown: Obj) -> None:
    items = [_plain(world, world.tables["subscription_item"][ident]) for ident in obj["_items"]]
    shown["items"] = page(items, f"/v1/subscription_items?subscription={obj['id']}")


def _complete_invoice(world: World, obj: Obj, shown: Obj) -> None:
    lines = [_plain(world, line) for line in obj["_lines"]]
    shown["lines"] = page(lines, f"/v1/invoices/{obj['id']}/lines")


def _complete_credit_note(world: World, obj: Obj, shown: Obj) -> None:
    lines = [_plain(world, line) for line in obj["_lines"]]
    shown["lines"] = page(lines, f"/v1/credit_notes/{obj['id']}/lines")


def _complete_schedule(world: World, obj: Obj, shown: Obj) -> None:
    shown["phases"] = visible_phases(shown["phases"])


def visible_phases(phases: list[Obj]) -> list[Obj]:
    """A schedule's phases without what we note beside them."""
    return [{key: value for key, value in phase.items() if not key.startswith("_")} for phase in phases]


def _payments(world: World, invoice: Obj) -> Obj:
    paid = [one for one in world.all("invoice_payment") if one["invoice"] == invoice["id"]]
    return page([_plain(world, one) for one in paid], "/v1/invoice_payments")


def _confirmation_secret(world: World, invoice: Obj) -> Obj | None:
    intent = world.tables["payment_intent"].get(invoice["_payment_intent"] or "")
    return None if intent is None else {"client_secret": intent["client_secret"], "type": "payment_intent"}


def _subscriptions(world: World, customer: Obj) -> Obj:
    found = [
        one
        for one in world.all("subscription")
        if one["customer"] == customer["id"] and one["status"] not in {"canceled", "incomplete_expired"}
    ]
    url = f"/v1/customers/{customer['id']}/subscriptions"
    return page([_plain(world, one) for one in reversed(found)], url)


def _tax_ids(world: World, customer: Obj) -> Obj:
    found = [one for one in world.all("tax_id") if one["customer"] == customer["id"]]
    return page([_plain(world, one) for one in found], f"/v1/customers/{customer['id']}/tax_ids")


def _tax(world: World, customer: Obj) -> Obj:
    address = customer["address"] or {}
    known = bool(address.get("country"))
    return {
        **world.document.blank("Customer.Tax"),
        "automatic_tax": "not_collecting" if known else "unrecognized_location",
        "provider": "stripe",
        "location": {"country": address["country"], "source": "billing_address", "state": address.get("state")}
        if known
        else None,
    }


def _tiers(world: World, price: Obj) -> list[Obj] | None:
    tiers: list[Obj] | None = clone(price["_tiers"])
    return tiers or None


def _applies_to(world: World, coupon: Obj) -> Obj | None:
    return None if coupon["_products"] is None else {"products": list(coupon["_products"])}


def _refunds(world: World, charge: Obj) -> Obj:
    found = [_plain(world, one) for one in world.all("refund") if one["charge"] == charge["id"]]
    return page(found[::-1], f"/v1/charges/{charge['id']}/refunds")


def _nothing(world: World, obj: Obj) -> None:
    return None


_COMPLETE: dict[str, Callable[[World, Obj, Obj], None]] = {
    "subscription_item": _complete_item,
    "subscription": _complete_subscription,
    "invoice": _complete_invoice,
    "credit_note": _complete_credit_note,
    "subscription_schedule": _complete_schedule,
}

# What Stripe sends only when it is asked for by name.
_INCLUDABLE: dict[str, dict[str, Callable[[World, Obj], Any]]] = {
    "invoice": {"payments": _payments, "confirmation_secret": _confirmation_secret},
    "customer": {
        "subscriptions": _subscriptions,
        "tax_ids": _tax_ids,
        "tax": _tax,
        "sources": lambda world, obj: page([], f"/v1/customers/{obj['id']}/sources"),
        "invoice_credit_balance": _nothing,
        "cash_balance": _nothing,
    },
    "price": {"tiers": _tiers, "currency_options": _nothing},
    "coupon": {"applies_to": _applies_to, "currency_options": _nothing},
    "charge": {"refunds": _refunds},
}


def _expand(world: World, shown: Obj, source: Obj | None, steps: list[str]) -> None:
    step, rest = steps[0], steps[1:]
    include = _INCLUDABLE.get(shown.get("object", ""), {}).get(step)
    if include and step not in shown:
        whole = source or world.tables[shown["object"]][shown["id"]]
        shown[step] = include(world, whole)
    value = shown.get(step)
    if isinstance(value, list):
        shown[step] = [_expanded(world, step, item, rest) for item in value]
    elif value is not None:
        shown[step] = _expanded(world, step, value, rest)


def _expanded(world: World, step: str, value: Any, rest: list[str]) -> Any:
    if isinstance(value, str) and step in _KINDS:
        found = world.tables[_KINDS[step]].get(value)
        value = value if found is None else _plain(world, found)
    if rest and isinstance(value, dict):
        _expand(world, value, None, rest)
    return value
