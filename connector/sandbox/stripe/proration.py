"""Changing what a running subscription bills: credits and charges by the second, and what happens to the periods."""

from fractions import Fraction
from typing import Any

from connector.sandbox.stripe import invoices, payments
from connector.sandbox.stripe.calendar import boundary_after, boundary_until
from connector.sandbox.stripe.discounts import new_discounts
from connector.sandbox.stripe.errors import StripeRefusal, required
from connector.sandbox.stripe.extras import add_invoice_items, new_invoice_item, subscription_parent
from connector.sandbox.stripe.lines import full_amount, is_metered
from connector.sandbox.stripe.money import rounded
from connector.sandbox.stripe.prices import price_of
from connector.sandbox.stripe.rules import merged_metadata
from connector.sandbox.stripe.subscriptions import (
    add_item,
    bill_next_period,
    items_of,
    subscription_invoice,
    usage_so_far,
)
from connector.sandbox.stripe.terms import MOST_ITEMS, check_mix, new_item, quantity_of
from connector.sandbox.stripe.world import Obj, World


def change_items(world: World, subscription: Obj, given: list[dict[str, Any]], params: dict[str, Any]) -> None:
    """Apply `items` of an update: new ones, changed ones, deleted ones; then settle as asked.

    `proration_behavior` decides: none, on the next invoice (the default), or on an invoice of its own at once.
    """
    at = _proration_date(world, subscription, params)
    behavior = params.get("proration_behavior", "create_prorations")
    prorates = behavior != "none" and subscription["status"] != "trialing"
    before = _intervals(world, subscription)
    for n, entry in enumerate(given):
        _change_one(world, subscription, entry, f"items[{n}]", at if prorates else None)
    left = items_of(world, subscription)
    if not left:
        raise StripeRefusal("A subscription must have at least one active item.", param="items")
    if len(left) > MOST_ITEMS:
        raise StripeRefusal(f"A subscription can have at most {MOST_ITEMS} items.", param="items")
    flexible = subscription["billing_mode"]["type"] == "flexible"
    check_mix([world.tables["price"][item["_price"]] for item in left], flexible=flexible)
    changed_interval = bool(before) and not before & _intervals(world, subscription)
    if changed_interval and subscription["status"] != "trialing":
        restart_cycle(world, subscription)
    elif behavior == "always_invoice":
        invoice_now(world, subscription)


def restart_cycle(world: World, subscription: Obj) -> None:
    """Count full cycles from now on and bill the first at once."""
    with world.changing(subscription):
        subscription["billing_cycle_anchor"] = world.moment
    bill_next_period(world, subscription, items_of(world, subscription))


def invoice_now(world: World, subscription: Obj, *, with_usage: bool = False) -> None:
    """Bill what waits for this subscription on an invoice of its own; `with_usage`, what was used so far as well."""
    invoice = subscription_invoice(world, subscription, "subscription_update")
    invoice["auto_advance"] = subscription["collection_method"] == "send_invoice"
    invoices.take_pending(world, invoice, subscription["id"], only_its_own=True)
    if with_usage:
        invoice["_lines"] += usage_so_far(world, subscription)
    if not invoice["_lines"]:
        return
    with world.changing(subscription):
        subscription["latest_invoice"] = invoice["id"]
    invoices.keep_draft(world, invoice)
    if not invoice["auto_advance"]:
        invoices.finalize(world, invoice)
        if invoice["status"] == "open":
            payments.attempt(world, invoice, automatic=True)


def credit_unused(world: World, subscription: Obj, at: int) -> None:
    """Give back what was billed for the time after `at`, item by item."""
    for item in items_of(world, subscription):
        _prorate(world, subscription, item, at, sign=-1)


def wait_for_next_invoice(world: World, subscription: Obj, given: list[dict[str, Any]]) -> None:
    """One-off lines of an update wait for the next invoice."""
    draft = subscription_invoice(world, subscription, "subscription_update")
    add_invoice_items(world, subscription, draft, given, items_of(world, subscription))
    for line in draft["_lines"]:
        item = world.tables["invoiceitem"][line["_invoice_item"]]
        with world.changing(item):
            item.update(invoice=None, parent=subscription_parent(subscription["id"], None))


def _change_one(world: World, subscription: Obj, entry: dict[str, Any], param: str, prorate_at: int | None) -> None:
    ident = entry.get("id")
    if ident is None:
        if entry.get("deleted"):
            raise required(f"{param}[id]")
        item = add_item(world, subscription, new_item(world, entry, param))
        _follow_siblings(world, subscription, item)
        if prorate_at is not None:
            _prorate(world, subscription, item, prorate_at, sign=1)
        return
    item = world.get("subscription_item", ident, f"{param}[id]")
    if item["subscription"] != subscription["id"]:
        raise StripeRefusal(f"The item {ident} does not belong to this subscription.", param=f"{param}[id]")
    if prorate_at is not None:
        _prorate(world, subscription, item, prorate_at, sign=-1)
    if entry.get("deleted"):
        subscription["_items"].remove(item["id"])
        world.remove(item)
        return
    _edit(world, item, entry, param)
    if prorate_at is not None:
        _prorate(world, subscription, item, prorate_at, sign=1)


def _edit(world: World, item: Obj, entry: dict[str, Any], param: str) -> None:
    with world.changing(item):
        if entry.get("price") or entry.get("price_data"):
            item["_price"] = price_of(world, entry, param, recurring=True)["id"]
        price = world.tables["price"][item["_price"]]
        if "quantity" in entry:
            item["quantity"] = quantity_of(price, entry["quantity"], f"{param}[quantity]")
        item["metadata"] = merged_metadata(item["metadata"], entry.get("metadata"), f"{param}[metadata]")
        if "discounts" in entry:
            item["discounts"] = new_discounts(
                world, entry["discounts"], f"{param}[discounts]", price["currency"], subscription_item=item["id"]
            )


def _follow_siblings(world: World, subscription: Obj, item: Obj) -> None:
    """A new item of an interval already billed shares that period, so that both renew together."""
    recurring = world.tables["price"][item["_price"]]["recurring"]
    with world.changing(item):
        item["current_period_start"] = world.moment
        if subscription["status"] != "trialing":
            item["current_period_end"] = boundary_after(
                subscription["billing_cycle_anchor"],
                recurring["interval"],
                recurring["interval_count"],
                world.moment,
            )


def _prorate(world: World, subscription: Obj, item: Obj, at: int, *, sign: int) -> None:
    """A waiting invoice item for the rest of the period; cycles are full ones, counted from the anchor."""
    end = item["current_period_end"]
    if is_metered(world, item) or at >= end:
        return
    price = world.tables["price"][item["_price"]]
    length = _cycle_length(world, subscription, price, end)
    exact = full_amount(world, item) * Fraction(end - at, length)
    amount = sign * rounded(exact)
    if amount == 0:
        return
    product = world.tables["product"][price["product"]]["name"]
    words = "Unused time" if sign < 0 else "Remaining time"
    new_invoice_item(
        world,
        subscription["customer"],
        price=price,
        quantity=item["quantity"],
        amount=amount,
        description=f"{words} on {item['quantity']} × {product}",
        discountable=False,
        parent=subscription_parent(subscription["id"], item["id"]),
        period={"start": at, "end": end},
        proration=True,
        proration_details={"credited_items": None, "discount_amounts": []},
    )


def _cycle_length(world: World, subscription: Obj, price: Obj, end: int) -> int:
    recurring = price["recurring"]
    interval, count = recurring["interval"], recurring["interval_count"]
    anchor = subscription["billing_cycle_anchor"]
    return boundary_after(anchor, interval, count, end - 1) - boundary_until(anchor, interval, count, end - 1)


def _proration_date(world: World, subscription: Obj, params: dict[str, Any]) -> int:
    at = params.get("proration_date")
    if at is None:
        return world.moment
    items = items_of(world, subscription)
    if (
        not min(item["current_period_start"] for item in items)
        <= at
        <= max(item["current_period_end"] for item in items)
    ):
        raise StripeRefusal("Cannot specify `proration_date` outside of the current period.", param="proration_date")
    return int(at)


def _intervals(world: World, subscription: Obj) -> set[tuple[str, int]]:
    found = (world.tables["price"][item["_price"]]["recurring"] for item in items_of(world, subscription))
    return {(one["interval"], one["interval_count"]) for one in found}
