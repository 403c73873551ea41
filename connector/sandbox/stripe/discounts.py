"""Discounts: a coupon at work on a customer, a contract or a line, and what it takes off an invoice."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from connector.sandbox.stripe.calendar import add_interval
from connector.sandbox.stripe.errors import StripeRefusal, required
from connector.sandbox.stripe.money import rounded, spread
from connector.sandbox.stripe.rules import only_one
from connector.sandbox.stripe.world import Obj, World

_SOURCES = ("coupon", "promotion_code", "discount")


def new_discounts(world: World, given: object, param: str, currency: str, **owner: Any) -> list[str]:
    """The ids of the discounts a parameter asks for; each redeems its coupon."""
    if not isinstance(given, list):
        return []
    return [_one(world, entry, f"{param}[{n}]", currency, owner) for n, entry in enumerate(given)]


def running(world: World, idents: Iterable[str], at: int) -> list[str]:
    """Of these discounts, those that still reduce an invoice made at this time."""
    found = (world.tables["discount"][ident] for ident in idents if ident in world.tables["discount"])
    return [one["id"] for one in found if not one["_used_up"] and (one["end"] is None or at < one["end"])]


def use_once(world: World, idents: Iterable[str]) -> None:
    """A `once` coupon is spent by the first invoice that carries it."""
    for ident in idents:
        discount = world.tables["discount"][ident]
        if _coupon(world, discount)["duration"] == "once":
            with world.changing(discount):
                discount["_used_up"] = True


def apply(world: World, invoice_discounts: list[str], lines: list[Obj]) -> list[Obj]:
    """Write each line's `discount_amounts`; returns the invoice's totals per discount."""
    left = {}
    for line in lines:
        line["discount_amounts"] = []
        left[line["id"]] = line["amount"] if line["discountable"] else 0
        for ident in line["discounts"]:
            _take_off(world, ident, [line], left)
    for ident in invoice_discounts:
        _take_off(world, ident, lines, left)
    totals: dict[str, int] = {}
    for line in lines:
        for amount in line["discount_amounts"]:
            totals[amount["discount"]] = totals.get(amount["discount"], 0) + amount["amount"]
    return [{"amount": amount, "discount": ident} for ident, amount in totals.items()]


def _one(world: World, entry: dict[str, Any], param: str, currency: str, owner: dict[str, Any]) -> str:
    only_one(entry, *_SOURCES)
    if entry.get("discount"):
        return str(world.get("discount", entry["discount"], f"{param}[discount]")["id"])
    if entry.get("promotion_code"):
        raise StripeRefusal("The sandbox does not simulate promotion codes.", param=f"{param}[promotion_code]")
    if not entry.get("coupon"):
        raise required(f"{param}[coupon]")
    coupon = world.get("coupon", entry["coupon"], f"{param}[coupon]")
    _check(world, coupon, currency, f"{param}[coupon]")
    with world.changing(coupon):
        coupon["times_redeemed"] += 1
        coupon["valid"] = coupon["max_redemptions"] is None or coupon["times_redeemed"] < coupon["max_redemptions"]
    months = coupon["duration_in_months"]
    discount = world.new(
        "discount",
        **owner,
        source={"coupon": coupon["id"], "type": "coupon"},
        start=world.moment,
        end=add_interval(world.moment, "month", months) if months else None,
        _used_up=False,
        _coupon=dict(coupon),
    )
    return str(world.add(discount)["id"])


def _check(world: World, coupon: Obj, currency: str, param: str) -> None:
    expired = coupon["redeem_by"] is not None and coupon["redeem_by"] <= world.moment
    if expired or not coupon["valid"]:
        raise StripeRefusal(f"Coupon expired: {coupon['id']}", param=param, code="coupon_expired")
    if coupon["currency"] not in {None, currency}:
        raise StripeRefusal(f"The coupon's currency ({coupon['currency']}) does not match {currency}.", param=param)


def _coupon(world: World, discount: Obj) -> Obj:
    """The coupon behind a discount; a deleted coupon keeps working where it was redeemed."""
    coupon = world.tables["coupon"].get(discount["source"]["coupon"]) or discount["_coupon"]
    discount["_coupon"] = coupon
    return dict(coupon)


def _take_off(world: World, ident: str, lines: list[Obj], left: dict[str, int]) -> None:
    coupon = _coupon(world, world.tables["discount"][ident])
    products = coupon["_products"]
    chosen = [line for line in lines if left[line["id"]] and (products is None or _product(line) in products)]
    weights = [left[line["id"]] for line in chosen]
    if coupon["percent_off"] is not None:
        exact = Fraction(sum(weights)) * Fraction(Decimal(str(coupon["percent_off"]))) / 100
        shares = spread(rounded(exact), weights)
    else:
        weights = [max(0, weight) for weight in weights]
        shares = spread(min(coupon["amount_off"], sum(weights)), weights)
    for line, share in zip(chosen, shares, strict=True):
        line["discount_amounts"].append({"amount": share, "discount": ident})
        left[line["id"]] -= share


def _product(line: Obj) -> str | None:
    pricing = line["pricing"]
    return pricing["price_details"]["product"] if pricing and pricing["price_details"] else None
