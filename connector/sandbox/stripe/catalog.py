"""The catalogue's calls: products, prices, coupons and promotion codes."""

from decimal import Decimal
from typing import Any

from connector.sandbox.stripe.calls import Call, answers, copied
from connector.sandbox.stripe.errors import StripeRefusal, required
from connector.sandbox.stripe.lists import LIST_PARAMS, listed, same, within
from connector.sandbox.stripe.money import check_amount, currency_of
from connector.sandbox.stripe.prices import active_product, new_price, set_lookup_key
from connector.sandbox.stripe.render import render
from connector.sandbox.stripe.rules import at_most, merged_metadata, only_one
from connector.sandbox.stripe.world import Obj, World

_PRODUCT = ("active", "description", "images", "marketing_features", "name", "package_dimensions", "shippable")
_PRODUCT_ALSO = ("statement_descriptor", "tax_code", "unit_label", "url")
_PRICE = ("active", "billing_scheme", "currency", "lookup_key", "metadata", "nickname", "product", "product_data")
_PRICE_ALSO = (
    *("recurring", "tax_behavior", "tiers", "tiers_mode", "transfer_lookup_key", "transform_quantity"),
    *("unit_amount", "unit_amount_decimal"),
)


@answers("POST /v1/products", *_PRODUCT, *_PRODUCT_ALSO, "default_price_data", "id", "metadata", "type")
def create_product(world: World, call: Call) -> Obj:
    product = _new_product(world, call.params)
    world.add(product, "product.created")
    data = call.params.get("default_price_data")
    if data:
        price = world.add(new_price(world, data, product, "default_price_data"), "price.created")
        with world.changing(product):
            product["default_price"] = price["id"]
    return render(world, product, call.expand)


@answers("GET /v1/products/{id}")
def retrieve_product(world: World, call: Call) -> Obj:
    return render(world, world.get("product", call.id), call.expand)


@answers("POST /v1/products/{id}", *_PRODUCT, *_PRODUCT_ALSO, "default_price", "metadata")
def update_product(world: World, call: Call) -> Obj:
    product = world.get("product", call.id)
    if call.params.get("default_price"):
        world.get("price", call.params["default_price"], "default_price")
    with world.changing(product, "product.updated"):
        product.update(copied(call.params, *_PRODUCT, *_PRODUCT_ALSO, "default_price"))
        product["metadata"] = merged_metadata(product["metadata"], call.params.get("metadata"))
        product["updated"] = world.moment
    return render(world, product, call.expand)


@answers("DELETE /v1/products/{id}")
def delete_product(world: World, call: Call) -> Obj:
    product = world.get("product", call.id)
    if any(price["product"] == product["id"] for price in world.all("price")):
        raise StripeRefusal(
            "This product cannot be deleted because it has one or more user-created prices.", param="id"
        )
    world.remove(product, "product.deleted")
    return {"id": product["id"], "object": "product", "deleted": True}


@answers("GET /v1/products", *LIST_PARAMS, "active", "created", "ids", "type", "url")
def list_products(world: World, call: Call) -> Obj:
    ids = call.params.get("ids")
    found = (one for one in world.all("product") if ids is None or one["id"] in ids)
    chosen = within(same(found, call.params, "active", "type", "url"), call.params, "created")
    return listed(world, call, chosen, "/v1/products")


@answers("POST /v1/prices", *_PRICE, *_PRICE_ALSO)
def create_price(world: World, call: Call) -> Obj:
    params = call.params
    only_one(params, "product", "product_data")
    if "product" not in params and "product_data" not in params:
        raise required("product")
    if "product" in params:
        product = active_product(world, params["product"], "product")
    else:
        product = world.add(_new_product(world, params["product_data"]), "product.created")
    price = new_price(world, params, product)
    if params.get("lookup_key"):
        set_lookup_key(world, price, params["lookup_key"], transfer=params.get("transfer_lookup_key", False))
    return render(world, world.add(price, "price.created"), call.expand)


@answers("GET /v1/prices/{price}")
def retrieve_price(world: World, call: Call) -> Obj:
    return render(world, world.get("price", call.id), call.expand)


_PRICE_UPDATE = ("active", "lookup_key", "metadata", "nickname", "tax_behavior", "transfer_lookup_key")


@answers("POST /v1/prices/{price}", *_PRICE_UPDATE)
def update_price(world: World, call: Call) -> Obj:
    price, params = world.get("price", call.id), call.params
    with world.changing(price, "price.updated"):
        price.update(copied(params, "active", "nickname", "tax_behavior"))
        price["metadata"] = merged_metadata(price["metadata"], params.get("metadata"))
        if params.get("lookup_key"):
            set_lookup_key(world, price, params["lookup_key"], transfer=params.get("transfer_lookup_key", False))
    return render(world, price, call.expand)


@answers(
    "GET /v1/prices",
    *LIST_PARAMS,
    *("active", "created", "currency", "lookup_keys", "product", "recurring", "type"),
)
def list_prices(world: World, call: Call) -> Obj:
    keys = call.params.get("lookup_keys")
    if keys is not None and len(keys) > 10:
        raise StripeRefusal("You may only specify up to 10 lookup keys.", param="lookup_keys")
    wanted = call.params.get("recurring", {})
    found = (
        price
        for price in world.all("price")
        if (keys is None or price["lookup_key"] in keys)
        and all((price["recurring"] or {}).get(name) == value for name, value in wanted.items())
    )
    chosen = same(found, call.params, "active", "currency", "product", "type")
    return listed(world, call, within(chosen, call.params, "created"), "/v1/prices")


_COUPON = ("amount_off", "applies_to", "currency", "duration", "duration_in_months", "id", "max_redemptions")


@answers("POST /v1/coupons", *_COUPON, "metadata", "name", "percent_off", "redeem_by")
def create_coupon(world: World, call: Call) -> Obj:
    params = call.params
    only_one(params, "amount_off", "percent_off")
    if "amount_off" not in params and "percent_off" not in params:
        raise required("percent_off")
    duration = params.get("duration", "once")
    if (duration == "repeating") != ("duration_in_months" in params):
        raise StripeRefusal(
            "You must specify `duration_in_months` when, and only when, `duration` is `repeating`.",
            param="duration_in_months",
        )
    at_most(params.get("name"), 40, "name")
    coupon = world.new(
        "coupon",
        **_reduction(params),
        duration=duration,
        duration_in_months=params.get("duration_in_months"),
        max_redemptions=params.get("max_redemptions"),
        redeem_by=params.get("redeem_by"),
        name=params.get("name"),
        times_redeemed=0,
        valid=True,
        metadata=merged_metadata({}, params.get("metadata")),
        _products=params.get("applies_to", {}).get("products"),
    )
    coupon.pop("applies_to", None)
    coupon.pop("currency_options", None)
    coupon["id"] = _own_id(world, "coupon", params, coupon["id"])
    return render(world, world.add(coupon, "coupon.created"), call.expand)


@answers("GET /v1/coupons/{coupon}")
def retrieve_coupon(world: World, call: Call) -> Obj:
    return render(world, world.get("coupon", call.id), call.expand)


@answers("POST /v1/coupons/{coupon}", "metadata", "name")
def update_coupon(world: World, call: Call) -> Obj:
    coupon = world.get("coupon", call.id)
    with world.changing(coupon, "coupon.updated"):
        coupon.update(copied(call.params, "name"))
        coupon["metadata"] = merged_metadata(coupon["metadata"], call.params.get("metadata"))
    return render(world, coupon, call.expand)


@answers("DELETE /v1/coupons/{coupon}")
def delete_coupon(world: World, call: Call) -> Obj:
    coupon = world.get("coupon", call.id)
    world.remove(coupon, "coupon.deleted")
    return {"id": coupon["id"], "object": "coupon", "deleted": True}


@answers("GET /v1/coupons", *LIST_PARAMS, "created")
def list_coupons(world: World, call: Call) -> Obj:
    return listed(world, call, within(world.all("coupon"), call.params, "created"), "/v1/coupons")


def _new_product(world: World, params: dict[str, Any]) -> Obj:
    at_most(params["name"], 5000, "name")
    if not params["name"].strip():
        raise required("name")
    product = world.new(
        "product",
        active=True,
        images=[],
        marketing_features=[],
        type="service",
        updated=world.moment,
        metadata=merged_metadata({}, params.get("metadata")),
    )
    product.update(copied(params, *_PRODUCT, *_PRODUCT_ALSO, "type"))
    product["id"] = _own_id(world, "product", params, product["id"])
    return product


def _own_id(world: World, kind: str, params: dict[str, Any], made: str) -> str:
    """Products and coupons may bring an id of their own, once."""
    ident = str(params.get("id") or made)
    if ident in world.tables[kind]:
        raise StripeRefusal(f"{kind.title()} already exists: {ident}", param="id", code="resource_already_exists")
    return ident


def _reduction(params: dict[str, Any]) -> Obj:
    if "percent_off" in params:
        percent = Decimal(params["percent_off"])
        if not 0 < percent <= 100:
            raise StripeRefusal("Invalid percent_off: must be between 0 and 100.", param="percent_off")
        whole = percent == percent.to_integral_value()
        return {"percent_off": int(percent) if whole else float(percent), "amount_off": None, "currency": None}
    if "currency" not in params:
        raise required("currency")
    currency = currency_of(params["currency"], "currency")
    if params["amount_off"] <= 0:
        raise StripeRefusal("Invalid positive integer", param="amount_off", code="parameter_invalid_integer")
    amount = check_amount(params["amount_off"], currency, "amount_off")
    return {"percent_off": None, "amount_off": amount, "currency": currency}
