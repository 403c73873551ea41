"""Prices: what may be charged, catalogue or made in passing, and how Stripe holds them to its rules."""

from decimal import Decimal
from typing import Any

from connector.sandbox.stripe.calendar import within_three_years
from connector.sandbox.stripe.errors import StripeRefusal, required
from connector.sandbox.stripe.money import check_amount, currency_of, decimal_of, shown, unit_amount_of
from connector.sandbox.stripe.rules import at_most, merged_metadata
from connector.sandbox.stripe.world import Obj, World

_LONGEST_LOOKUP_KEY = 200


def new_price(world: World, params: dict[str, Any], product: Obj, prefix: str = "", *, signed: bool = False) -> Obj:
    """A price from the parameters of `prices.create` or of an inline `price_data`; not yet kept."""
    currency = currency_of(params["currency"], f"{prefix}[currency]" if prefix else "currency")
    tiered = params.get("billing_scheme") == "tiered"
    exact = None if tiered else unit_amount_of(params, currency, prefix, signed=signed)
    recurring = params.get("recurring")
    transform = params.get("transform_quantity")
    return world.new(
        "price",
        active=params.get("active", True),
        billing_scheme="tiered" if tiered else "per_unit",
        currency=currency,
        lookup_key=None,
        metadata=merged_metadata({}, params.get("metadata")),
        nickname=params.get("nickname"),
        product=product["id"],
        recurring=_recurring(world, recurring, prefix) if recurring else None,
        tax_behavior=params.get("tax_behavior", "unspecified"),
        tiers_mode=_tiers_mode(params) if tiered else None,
        transform_quantity=dict(transform) if transform else None,
        type="recurring" if recurring else "one_time",
        unit_amount=int(exact) if exact is not None and exact == exact.to_integral_value() else None,
        unit_amount_decimal=None if exact is None else shown(exact),
        _tiers=_tiers(params, currency) if tiered else None,
    )


def inline_price(world: World, data: dict[str, Any], prefix: str, *, signed: bool = False) -> Obj:
    """The hidden one-off price that a `price_data` makes; its product must exist and be active."""
    product = active_product(world, data["product"], f"{prefix}[product]")
    price = new_price(world, data, product, prefix, signed=signed)
    price["active"] = False  # Stripe archives it at once: it cannot be used again
    return world.add(price)


def price_of(world: World, params: dict[str, Any], prefix: str, *, recurring: bool, signed: bool = False) -> Obj:
    """The price a line names by id or makes by `price_data`; `prefix` is the line's own name, "" at the top.

    `signed`: the line may credit. Only the `add_invoice_items` of subscriptions and phases may.
    """
    data, ident = params.get("price_data"), params.get("price")
    name = f"{prefix}[price]" if prefix else "price"
    if data and ident:
        raise StripeRefusal("You may only specify one of these parameters: price, price_data.", param=name)
    if data:
        price = inline_price(world, data, f"{prefix}[price_data]" if prefix else "price_data", signed=signed)
    elif ident:
        price = world.get("price", ident, name)
        if not params.get("_agreed"):  # a schedule's phase names what was usable when it was agreed
            _check_usable(world, price, name)
    else:
        raise required(name)
    wanted = "recurring" if recurring else "one_time"
    if price["type"] != wanted:
        raise StripeRefusal(
            f"The price specified is set to `type={price['type']}` but this field only accepts prices with "
            f"`type={wanted}`: {price['id']}.",
            param=name,
        )
    return price


def active_product(world: World, ident: str, param: str) -> Obj:
    """The product, which must not be archived."""
    product = world.get("product", ident, param)
    if not product["active"]:
        raise StripeRefusal(
            f"The product {ident} is marked as inactive, and thus no new prices or lines can use it.", param=param
        )
    return product


def set_lookup_key(world: World, price: Obj, key: str, *, transfer: bool) -> None:
    """Give the price its lookup key; one already in use moves only when the caller says so."""
    at_most(key, _LONGEST_LOOKUP_KEY, "lookup_key")
    for other in world.all("price"):
        if other["lookup_key"] == key and other is not price:
            if not transfer:
                raise StripeRefusal(f"A price (`{other['id']}`) already uses that lookup key.", param="lookup_key")
            with world.changing(other, "price.updated"):
                other["lookup_key"] = None
    price["lookup_key"] = key


def _check_usable(world: World, price: Obj, param: str) -> None:
    if not price["active"]:
        raise StripeRefusal(
            f"The price specified is inactive. This field only accepts active prices: {price['id']}.", param=param
        )
    active_product(world, price["product"], param)


def _recurring(world: World, given: dict[str, Any], prefix: str) -> Obj:
    count = given.get("interval_count", 1)
    where = f"{prefix}[recurring]" if prefix else "recurring"
    if count < 1 or not within_three_years(given["interval"], count):
        raise StripeRefusal(
            f"Invalid {where}[interval_count]: at most three years (3 years, 36 months or 156 weeks) and at "
            "least one interval.",
            param=f"{where}[interval_count]",
        )
    usage = given.get("usage_type", "licensed")
    if (usage == "metered") != bool(given.get("meter")):
        raise StripeRefusal(
            "Metered prices must be backed by a meter, and only they: set `recurring[usage_type]` to `metered` "
            "together with `recurring[meter]`.",
            param=f"{where}[meter]",
        )
    if given.get("meter"):
        world.get("billing.meter", given["meter"], f"{where}[meter]")
    return {
        **world.document.blank("Price.Recurring"),
        "interval": given["interval"],
        "interval_count": count,
        "usage_type": usage,
        "meter": given.get("meter"),
    }


def _tiers_mode(params: dict[str, Any]) -> str:
    if "tiers_mode" not in params:
        raise required("tiers_mode")
    return str(params["tiers_mode"])


def _tiers(params: dict[str, Any], currency: str) -> list[Obj]:
    given = params.get("tiers")
    if not given:
        raise required("tiers")
    out: list[Obj] = []
    for n, tier in enumerate(given):
        name = f"tiers[{n}]"
        last = n == len(given) - 1
        if (tier["up_to"] == "inf") != last:
            raise StripeRefusal("The last tier, and only it, must have `up_to` set to `inf`.", param=f"{name}[up_to]")
        out.append(
            {
                "up_to": None if last else tier["up_to"],
                **_tier_amount(tier, "unit_amount", currency, name),
                **_tier_amount(tier, "flat_amount", currency, name),
            }
        )
        if n and not last and tier["up_to"] <= (out[n - 1]["up_to"] or 0):
            raise StripeRefusal("Tiers must be sorted by `up_to`, ascending.", param=f"{name}[up_to]")
    return out


def _tier_amount(tier: dict[str, Any], name: str, currency: str, prefix: str) -> Obj:
    whole, exact = tier.get(name), tier.get(f"{name}_decimal")
    if whole is None and exact is None:
        return {name: None, f"{name}_decimal": None}
    if whole is not None:
        exact = Decimal(check_amount(whole, currency, f"{prefix}[{name}]"))
    exact = decimal_of(exact, f"{prefix}[{name}_decimal]")
    return {name: int(exact) if exact == exact.to_integral_value() else None, f"{name}_decimal": shown(exact)}
