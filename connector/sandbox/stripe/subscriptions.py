"""Subscriptions as they live: the start with its first invoice, renewals, trials, and the end."""

from collections.abc import Mapping
from typing import Any

from connector.sandbox.stripe import invoices, payments, standing
from connector.sandbox.stripe.agenda import happens, plan
from connector.sandbox.stripe.calendar import DAY, HOUR, boundary_after, boundary_until
from connector.sandbox.stripe.discounts import new_discounts, running
from connector.sandbox.stripe.errors import StripeRefusal
from connector.sandbox.stripe.extras import add_invoice_items
from connector.sandbox.stripe.lines import amount_over, full_amount, is_metered, item_line
from connector.sandbox.stripe.meters import used
from connector.sandbox.stripe.opening import opening_lines
from connector.sandbox.stripe.rules import merged_metadata
from connector.sandbox.stripe.standing import ENDED
from connector.sandbox.stripe.terms import (
    MOST_SUBSCRIPTIONS,
    NewItem,
    anchor_of,
    cancel_at_of,
    check_collection,
    check_mix,
    invoice_settings_of,
    new_items,
    start_of,
    trial_end_of,
)
from connector.sandbox.stripe.world import Obj, World

_INCOMPLETE_SECONDS = 23 * HOUR
_SETTINGS = ("default_payment_method", "description", "trial_settings", "payment_settings")


def create(world: World, customer: Obj, params: Mapping[str, Any], *, by_schedule: bool = False) -> Obj:
    """Start a subscription as its parameters say, with its first invoice.

    Raises StripeRefusal; with status 402 when the first payment failed and `error_if_incomplete` was asked for.
    """
    _check_room(world, customer)
    items = new_items(world, params.get("items"))
    mode = params.get("billing_mode", {}).get("type", "flexible")
    check_mix([item.price for item in items], flexible=mode == "flexible")
    method = params.get("collection_method", "charge_automatically")
    check_collection(method, params.get("days_until_due"))
    trial_end = trial_end_of(world, params)
    anchor = anchor_of(world, params, items, trial_end)
    start = start_of(world, params)
    subscription = _new(world, customer, params, items[0].price["currency"])
    subscription.update(
        billing_mode=_billing_mode(world, mode),
        collection_method=method,
        billing_cycle_anchor=anchor,
        start_date=start,
        trial_start=world.moment if trial_end else None,
        trial_end=trial_end,
        status="trialing" if trial_end else "active",
        _prorates=params.get("proration_behavior", "create_prorations") != "none",
    )
    world.add(subscription)
    for item in items:
        add_item(world, subscription, item)
    agreed = [world.tables["subscription_item"][ident] for ident in subscription["_items"]]
    subscription["cancel_at"] = cancel_at_of(world, params.get("cancel_at"), agreed)
    if params.get("cancel_at_period_end"):
        subscription.update(cancel_at_period_end=True, cancel_at=min(one["current_period_end"] for one in agreed))
    _cut_short(world, subscription, agreed)
    world.tell("customer.subscription.created", subscription)
    _first_invoice(world, customer, subscription, agreed, params, by_schedule=by_schedule)
    plan_what_follows(world, subscription)
    return subscription


def add_item(world: World, subscription: Obj, new: NewItem) -> Obj:
    """Agree on one more item; its period is the one its interval gives from the anchor."""
    recurring = new.price["recurring"]
    interval, count = recurring["interval"], recurring["interval_count"]
    anchor, now = subscription["billing_cycle_anchor"], world.moment
    trial_end = subscription["trial_end"]
    if trial_end is not None and trial_end > now:
        start, end = now, trial_end
    else:
        start = max(subscription["start_date"], boundary_until(anchor, interval, count, now))
        end = boundary_after(anchor, interval, count, now)
    item = world.new(
        "subscription_item",
        current_period_start=start,
        current_period_end=end,
        discounts=[],
        metadata=new.metadata,
        quantity=new.quantity,
        subscription=subscription["id"],
        tax_rates=[],
        _price=new.price["id"],
    )
    world.add(item)
    item["discounts"] = new_discounts(
        world, new.discounts, "items[discounts]", new.price["currency"], subscription_item=item["id"]
    )
    subscription["_items"].append(item["id"])
    return item


def items_of(world: World, subscription: Obj) -> list[Obj]:
    """The subscription's items, in the order they were agreed."""
    return [world.tables["subscription_item"][ident] for ident in subscription["_items"]]


def subscription_invoice(world: World, subscription: Obj, reason: str) -> Obj:
    """A draft for a subscription that carries what the subscription says about its invoices."""
    customer = world.tables["customer"][subscription["customer"]]
    settings = subscription["invoice_settings"]
    invoice = invoices.new_invoice(
        world,
        customer,
        subscription["currency"],
        reason,
        collection_method=subscription["collection_method"],
        due_date=invoices.due_in(world, subscription["days_until_due"]),
        default_payment_method=subscription["default_payment_method"],
        description=settings["description"],
        discounts=running(world, subscription["discounts"], world.moment),
        automatic_tax=invoices.automatic_tax(world, enabled=subscription["automatic_tax"]["enabled"]),
        parent={
            "type": "subscription_details",
            "quote_details": None,
            "subscription_details": {
                "metadata": dict(subscription["metadata"]),
                "subscription": subscription["id"],
                "subscription_proration_date": None,
            },
        },
    )
    if settings["custom_fields"] is not None:
        invoice["custom_fields"] = settings["custom_fields"]
    if settings["footer"] is not None:
        invoice["footer"] = settings["footer"]
    return invoice


def plan_what_follows(world: World, subscription: Obj) -> None:
    """Put the next renewal, and what else has a date, on the agenda."""
    ident = subscription["id"]
    renewal = min(item["current_period_end"] for item in items_of(world, subscription))
    if subscription["status"] == "trialing":
        plan(world, subscription["trial_end"], "trial_end", ident)
        plan(world, max(world.moment, subscription["trial_end"] - 3 * DAY), "trial_will_end", ident)
    else:
        plan(world, renewal, "renew", ident)
        upcoming = renewal - world.settings.upcoming_days * DAY
        if upcoming > world.moment:
            plan(world, upcoming, "upcoming", ident)
    if subscription["cancel_at"]:
        plan(world, subscription["cancel_at"], "cancel", ident)
    if subscription["status"] == "incomplete":
        plan(world, world.moment + _INCOMPLETE_SECONDS, "expire", ident)


@happens("renew")
def _renew(world: World, ident: str) -> None:
    subscription = world.tables["subscription"].get(ident)
    if subscription is None or subscription["status"] in {*ENDED, "incomplete", "trialing", "paused"}:
        return
    due = [one for one in items_of(world, subscription) if one["current_period_end"] <= world.moment]
    if due:
        bill_next_period(world, subscription, due)


@happens("trial_end")
def _end_trial(world: World, ident: str) -> None:
    subscription = world.tables["subscription"].get(ident)
    if subscription is None or subscription["status"] != "trialing" or subscription["trial_end"] > world.moment:
        return
    with world.changing(subscription):
        subscription["status"] = "active"
    bill_next_period(world, subscription, items_of(world, subscription))


@happens("trial_will_end")
def _tell_of_trial_end(world: World, ident: str) -> None:
    subscription = world.tables["subscription"].get(ident)
    if subscription and subscription["status"] == "trialing":
        world.tell("customer.subscription.trial_will_end", subscription)


@happens("cancel")
def _cancel_as_agreed(world: World, ident: str) -> None:
    subscription = world.tables["subscription"].get(ident)
    if subscription and subscription["status"] not in ENDED and subscription["cancel_at"] == world.moment:
        bill_last_usage(world, subscription)
        standing.end(world, subscription)


@happens("expire")
def _expire(world: World, ident: str) -> None:
    subscription = world.tables["subscription"].get(ident)
    if subscription and subscription["status"] == "incomplete":
        with world.changing(subscription, "customer.subscription.updated"):
            subscription.update(status="incomplete_expired", ended_at=world.moment)
        invoices.void(world, world.tables["invoice"][subscription["latest_invoice"]])


def bill_next_period(world: World, subscription: Obj, due: list[Obj]) -> None:
    """Move these items into their next period and invoice them together."""
    invoice = subscription_invoice(world, subscription, "subscription_cycle")
    invoice["period_start"] = min(item["current_period_start"] for item in due)
    before = {item["id"]: (item["current_period_start"], item["current_period_end"]) for item in due}
    with world.changing(subscription, "customer.subscription.updated"):
        for item in due:
            _next_period(world, subscription, item)
        subscription["_periods"] = subscription["_periods"] + 1
        subscription["latest_invoice"] = invoice["id"]
    invoices.take_pending(world, invoice, subscription["id"])
    invoice["_lines"] += [
        _usage_line(world, item, before[item["id"]])
        if is_metered(world, item)
        else _period_line(world, subscription, item)
        for item in due
    ]
    paused = subscription["pause_collection"]
    if subscription["status"] == "unpaid" or (paused and paused["behavior"] == "keep_as_draft"):
        invoice["auto_advance"] = False
    invoices.keep_draft(world, invoice)
    if paused and paused["behavior"] != "keep_as_draft":
        invoices.finalize(world, invoice)
        put_away = invoices.void if paused["behavior"] == "void" else invoices.write_off
        if invoice["status"] == "open":
            put_away(world, invoice)
    plan_what_follows(world, subscription)


def usage_so_far(world: World, subscription: Obj) -> list[Obj]:
    """A line for each metered item: what was used of it since its period began."""
    items = (item for item in items_of(world, subscription) if is_metered(world, item))
    return [_usage_line(world, item, (item["current_period_start"], world.moment)) for item in items]


def bill_last_usage(world: World, subscription: Obj) -> None:
    """A contract that ends by agreement bills its last period's usage, as every period does, after the fact."""
    lines = usage_so_far(world, subscription)
    if not lines:
        return
    invoice = subscription_invoice(world, subscription, "subscription_cycle")
    invoice["_lines"] = lines
    with world.changing(subscription):
        subscription["latest_invoice"] = invoice["id"]
    invoices.keep_draft(world, invoice)


def _next_period(world: World, subscription: Obj, item: Obj) -> None:
    recurring = world.tables["price"][item["_price"]]["recurring"]
    end = boundary_after(
        subscription["billing_cycle_anchor"], recurring["interval"], recurring["interval_count"], world.moment
    )
    with world.changing(item):
        item.update(current_period_start=world.moment, current_period_end=end)
    _cut_short(world, subscription, [item])


def _cut_short(world: World, subscription: Obj, items: list[Obj]) -> None:
    """A period never reaches beyond the agreed end."""
    end = subscription["cancel_at"]
    for item in items:
        if end is not None and item["current_period_end"] > end:
            with world.changing(item):
                item["current_period_end"] = end


def _period_line(world: World, subscription: Obj, item: Obj) -> Obj:
    span = (item["current_period_start"], item["current_period_end"])
    exact = amount_over(world, item, subscription["billing_cycle_anchor"], span)
    return item_line(world, item, span, exact, proration=exact != full_amount(world, item))


def _usage_line(world: World, item: Obj, span: tuple[int, int]) -> Obj:
    quantity, exact = used(world, item, span)
    line = item_line(world, item, span, exact)
    return {**line, "quantity": quantity}


def _first_invoice(
    world: World, customer: Obj, subscription: Obj, items: list[Obj], params: Mapping[str, Any], *, by_schedule: bool
) -> None:
    invoice = subscription_invoice(world, subscription, "subscription_create")
    invoice["_lines"] = [line for item in items for line in opening_lines(world, subscription, item)]
    invoices.take_pending(world, invoice, subscription["id"])
    add_invoice_items(world, subscription, invoice, params.get("add_invoice_items", []), items)
    subscription["latest_invoice"] = invoice["id"]
    waits = by_schedule or subscription["collection_method"] == "send_invoice"
    if waits:
        invoices.keep_draft(world, invoice)
        return
    invoice["auto_advance"] = False
    invoices.keep_draft(world, invoice)
    invoices.finalize(world, invoice)
    if invoice["status"] == "open":
        _collect_first(world, subscription, invoice, params.get("payment_behavior", "allow_incomplete"))


def _collect_first(world: World, subscription: Obj, invoice: Obj, behavior: str) -> None:
    with world.changing(subscription):
        subscription["status"] = "incomplete"
    if behavior == "default_incomplete":
        return
    refusal = payments.attempt(world, invoice, automatic=False)
    if refusal is not None and (behavior == "error_if_incomplete" or refusal.status != 402):
        raise refusal
    with world.changing(invoice):
        invoice["attempted"] = True


def _check_room(world: World, customer: Obj) -> None:
    running = (one for one in world.all("subscription") if one["customer"] == customer["id"])
    if sum(1 for one in running if one["status"] not in ENDED) >= MOST_SUBSCRIPTIONS:
        raise StripeRefusal(
            f"Customer {customer['id']} already has the maximum {MOST_SUBSCRIPTIONS} current subscriptions.",
            code="customer_max_subscriptions",
        )


def _new(world: World, customer: Obj, params: Mapping[str, Any], currency: str) -> Obj:
    if params.get("currency", currency).lower() != currency:
        raise StripeRefusal(
            f"The price specified only supports `{currency}`. This doesn't match the expected currency: "
            f"`{params['currency']}`.",
            param="currency",
        )
    if params.get("default_payment_method"):
        world.get("payment_method", params["default_payment_method"], "default_payment_method")
    taxed = params.get("automatic_tax", {}).get("enabled", False)
    if taxed and not (customer["address"] or {}).get("country"):
        raise StripeRefusal(
            "The customer's location isn't recognized. Set a valid customer address in order to automatically "
            "calculate tax.",
            code="customer_tax_location_invalid",
        )
    subscription = world.new(
        "subscription",
        **{name: params.get(name) for name in _SETTINGS},
        automatic_tax=_automatic_tax(world, enabled=taxed),
        billing_schedules=[],
        cancel_at_period_end=False,
        cancellation_details=world.document.blank("Subscription.CancellationDetails"),
        currency=currency,
        customer=customer["id"],
        days_until_due=params.get("days_until_due"),
        default_tax_rates=[],
        invoice_settings=invoice_settings_of(world, params.get("invoice_settings", {})),
        metadata=merged_metadata({}, params.get("metadata")),
        _items=[],
        _periods=0,
    )
    subscription["payment_settings"] = params.get("payment_settings") or {"save_default_payment_method": "off"}
    subscription["trial_settings"] = params.get("trial_settings") or {
        "end_behavior": {"missing_payment_method": "create_invoice"}
    }
    subscription["discounts"] = new_discounts(
        world, params.get("discounts"), "discounts", currency, customer=customer["id"], subscription=subscription["id"]
    )
    return subscription


def _automatic_tax(world: World, *, enabled: bool) -> Obj:
    blank = world.document.blank("Subscription.AutomaticTax")
    return {**blank, "enabled": enabled, "liability": {"account": None, "type": "self"} if enabled else None}


def _billing_mode(world: World, mode: str) -> Obj:
    blank = world.document.blank("Subscription.BillingMode")
    return {**blank, "type": mode, "flexible": {"proration_discounts": "included"} if mode == "flexible" else None}
