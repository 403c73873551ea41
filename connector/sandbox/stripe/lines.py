"""Invoice lines: one for each subscription item's period, one for each invoice item."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from connector.sandbox.stripe.calendar import boundary_after, boundary_until
from connector.sandbox.stripe.money import price_amount, rounded
from connector.sandbox.stripe.world import Obj, World

Period = tuple[int, int]


def item_line(
    world: World, item: Obj, period: Period, exact: Fraction, *, proration: bool = False, text: str = ""
) -> Obj:
    """A line for one subscription item over a period; `exact` is its amount before rounding."""
    price = world.tables["price"][item["_price"]]
    amount = rounded(exact)
    return _line(
        world,
        price,
        amount,
        period,
        description=text or f"{item['quantity'] or 0} × {_product_name(world, price)}",
        discounts=list(item["discounts"]),
        metadata=dict(item["metadata"]),
        quantity=item["quantity"] or 0,
        subscription=item["subscription"],
        parent={
            "type": "subscription_item_details",
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": proration,
                "proration_details": {"credited_items": None} if proration else None,
                "subscription": item["subscription"],
                "subscription_item": item["id"],
            },
        },
    )


def invoice_item_line(world: World, item: Obj) -> Obj:
    """A line for an invoice item."""
    details = (item["pricing"] or {}).get("price_details") or {}
    price = world.tables["price"].get(details.get("price", ""))
    subscription = (item["parent"] or {}).get("subscription_details", {}).get("subscription")
    return _line(
        world,
        price,
        item["amount"],
        (item["period"]["start"], item["period"]["end"]),
        currency=item["currency"],
        description=item["description"],
        discountable=item["discountable"],
        discounts=list(item["discounts"] or []),
        metadata=dict(item["metadata"]),
        quantity=item["quantity"],
        pricing=dict(item["pricing"]) if item["pricing"] else None,
        subscription=subscription,
        parent={
            "type": "invoice_item_details",
            "subscription_item_details": None,
            "invoice_item_details": {
                "invoice_item": item["id"],
                "proration": item["proration"],
                "proration_details": {"credited_items": None} if item["proration"] else None,
                "subscription": subscription,
            },
        },
        _invoice_item=item["id"],
    )


def full_amount(world: World, item: Obj) -> Fraction:
    """What one whole period of an item costs."""
    return price_amount(world.tables["price"][item["_price"]], item["quantity"] or 0)


def cycles_over(world: World, item: Obj, anchor: int, span: Period) -> Iterator[tuple[Period, Fraction]]:
    """The parts of a span that lie in one billing cycle each, with what an item costs over that part.

    Stripe prorates "to the second" (docs.stripe.com/billing/subscriptions/prorations).
    """
    recurring = world.tables["price"][item["_price"]]["recurring"]
    interval, count = recurring["interval"], recurring["interval_count"]
    whole = full_amount(world, item)
    start, end = span
    while start < end:
        cycle_start = boundary_until(anchor, interval, count, start)
        cycle_end = boundary_after(anchor, interval, count, start)
        until = min(end, cycle_end)
        yield (start, until), whole * Fraction(until - start, cycle_end - cycle_start)
        start = until


def amount_over(world: World, item: Obj, anchor: int, span: Period) -> Fraction:
    """What an item costs over any span, exact."""
    return sum((part for _, part in cycles_over(world, item, anchor, span)), Fraction(0))


def is_metered(world: World, item: Obj) -> bool:
    """Whether an item is billed for usage, after the fact."""
    return bool(world.tables["price"][item["_price"]]["recurring"]["usage_type"] == "metered")


def pricing_of(price: Obj) -> Obj:
    """How a line names its price."""
    return {
        "type": "price_details",
        "price_details": {"price": price["id"], "product": price["product"]},
        "unit_amount_decimal": price["unit_amount_decimal"],
    }


def _line(world: World, price: Obj | None, amount: int, period: Period, **fields: Any) -> Obj:
    line = world.new(
        "line_item",
        amount=amount,
        subtotal=amount,
        discountable=True,
        discount_amounts=[],
        pretax_credit_amounts=[],
        taxes=[],
        period={"start": period[0], "end": period[1]},
    )
    if price is not None:
        line.update(currency=price["currency"], pricing=pricing_of(price))
    line.update(fields)
    return line


def _product_name(world: World, price: Obj) -> str:
    product = world.tables["product"].get(price["product"])
    return str(product["name"]) if product else "deleted product"
