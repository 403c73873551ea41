"""The calls about subscriptions and their items."""

from typing import Any

from connector.sandbox.stripe import proration, standing
from connector.sandbox.stripe.calls import Call, answers, copied
from connector.sandbox.stripe.discounts import new_discounts
from connector.sandbox.stripe.errors import StripeRefusal, required
from connector.sandbox.stripe.invoices import automatic_tax
from connector.sandbox.stripe.lists import LIST_PARAMS, listed, same, within
from connector.sandbox.stripe.render import render
from connector.sandbox.stripe.rules import merged_metadata
from connector.sandbox.stripe.standing import ENDED
from connector.sandbox.stripe.subscriptions import create, items_of, plan_what_follows
from connector.sandbox.stripe.terms import cancel_at_of, check_collection, invoice_settings_of, trial_end_of
from connector.sandbox.stripe.world import Obj, World

_COMMON = (
    *("add_invoice_items", "automatic_tax", "cancel_at", "cancel_at_period_end", "collection_method"),
    *("days_until_due", "default_payment_method", "description", "discounts", "invoice_settings", "items"),
    *("metadata", "off_session", "payment_behavior", "payment_settings", "proration_behavior", "trial_end"),
    "trial_settings",
)
_ONLY_NEW = (
    *("backdate_start_date", "billing_cycle_anchor", "billing_cycle_anchor_config", "billing_mode"),
    *("currency", "customer", "trial_period_days"),
)
_ONLY_UPDATE = ("billing_cycle_anchor", "cancellation_details", "pause_collection", "proration_date")
_ITEM = ("discounts", "metadata", "payment_behavior", "price", "price_data", "quantity")
_HOW = ("proration_behavior", "proration_date")


@answers("POST /v1/subscriptions", *_COMMON, *_ONLY_NEW)
def create_subscription(world: World, call: Call) -> Obj:
    if "customer" not in call.params:
        raise required("customer")
    customer = world.get("customer", call.params["customer"], "customer")
    mark, told = world.mark(), world.events.mark()
    try:
        subscription = create(world, customer, call.params)
    except StripeRefusal:
        world.roll_back(mark)
        world.events.forget(told)
        raise
    return render(world, subscription, call.expand)


@answers("GET /v1/subscriptions/{subscription_exposed_id}")
def retrieve_subscription(world: World, call: Call) -> Obj:
    return render(world, world.get("subscription", call.id), call.expand)


@answers("POST /v1/subscriptions/{subscription_exposed_id}", *_COMMON, *_ONLY_UPDATE)
def update_subscription(world: World, call: Call) -> Obj:
    subscription, params = world.get("subscription", call.id), call.params
    _check_changeable(world, subscription, params)
    with world.changing(subscription, "customer.subscription.updated"):
        update_terms(world, subscription, params)
        if "items" in params:
            proration.change_items(world, subscription, params["items"], params)
        _update_dates(world, subscription, params)
    if params.get("add_invoice_items"):
        proration.wait_for_next_invoice(world, subscription, params["add_invoice_items"])
    plan_what_follows(world, subscription)
    return render(world, subscription, call.expand)


@answers("DELETE /v1/subscriptions/{subscription_exposed_id}", "cancellation_details", "invoice_now", "prorate")
def cancel_subscription(world: World, call: Call) -> Obj:
    subscription, params = world.get("subscription", call.id), call.params
    if subscription["status"] in ENDED:
        raise StripeRefusal(f"No such subscription: '{call.id}'", param="id", code="resource_missing", status=404)
    if params.get("cancellation_details"):
        with world.changing(subscription):
            subscription["cancellation_details"].update(copied(params["cancellation_details"], "comment", "feedback"))
    if params.get("prorate"):
        proration.credit_unused(world, subscription, world.moment)
    if params.get("invoice_now"):
        proration.invoice_now(world, subscription, with_usage=True)
    if subscription["schedule"]:
        schedule = world.get("subscription_schedule", subscription["schedule"])
        with world.changing(schedule):
            schedule.update(status="canceled", canceled_at=world.moment, current_phase=None)
        world.tell("subscription_schedule.canceled", schedule)
    standing.end(world, subscription)
    return render(world, subscription, call.expand)


@answers(
    "GET /v1/subscriptions",
    *LIST_PARAMS,
    *("collection_method", "created", "current_period_end", "current_period_start", "customer", "price", "status"),
)
def list_subscriptions(world: World, call: Call) -> Obj:
    params = call.params
    found = same(world.all("subscription"), params, "collection_method", "customer")
    found = (one for one in found if _has_status(one, params.get("status")))
    if "price" in params:
        found = (one for one in found if any(i["_price"] == params["price"] for i in items_of(world, one)))
    for name in ("current_period_start", "current_period_end"):
        if name in params:
            found = [one for one in found if any(True for _ in within(items_of(world, one), params, name))]
    return listed(world, call, within(found, params, "created"), "/v1/subscriptions")


@answers("GET /v1/subscription_items", *LIST_PARAMS, "subscription")
def list_items(world: World, call: Call) -> Obj:
    subscription = world.get("subscription", call.params["subscription"], "subscription")
    found = items_of(world, subscription)[::-1]  # items come oldest first, unlike other lists
    return listed(world, call, found, "/v1/subscription_items")


@answers("GET /v1/subscription_items/{item}")
def retrieve_item(world: World, call: Call) -> Obj:
    return render(world, world.get("subscription_item", call.id), call.expand)


@answers("POST /v1/subscription_items", *_ITEM, *_HOW, "subscription")
def create_item(world: World, call: Call) -> Obj:
    subscription = world.get("subscription", call.params["subscription"], "subscription")
    before = list(subscription["_items"])
    _change_items(world, subscription, {name: call.params[name] for name in _ITEM if name in call.params}, call)
    (made,) = [ident for ident in subscription["_items"] if ident not in before]
    return render(world, world.get("subscription_item", made), call.expand)


@answers("POST /v1/subscription_items/{item}", *_ITEM, *_HOW)
def update_item(world: World, call: Call) -> Obj:
    item = world.get("subscription_item", call.id)
    entry = {"id": item["id"], **{name: call.params[name] for name in _ITEM if name in call.params}}
    _change_items(world, world.get("subscription", item["subscription"]), entry, call)
    return render(world, item, call.expand)


@answers("DELETE /v1/subscription_items/{item}", *_HOW)
def delete_item(world: World, call: Call) -> Obj:
    item = world.get("subscription_item", call.id)
    entry = {"id": item["id"], "deleted": True}
    _change_items(world, world.get("subscription", item["subscription"]), entry, call)
    return {"id": item["id"], "object": "subscription_item", "deleted": True}


def _change_items(world: World, subscription: Obj, entry: dict[str, Any], call: Call) -> None:
    _check_changeable(world, subscription, {"items": [entry]})
    with world.changing(subscription, "customer.subscription.updated"):
        proration.change_items(world, subscription, [entry], call.params)
    plan_what_follows(world, subscription)


def _check_changeable(world: World, subscription: Obj, params: dict[str, Any]) -> None:
    if subscription["status"] in ENDED and set(params) - {"metadata", "cancellation_details", "expand"}:
        raise StripeRefusal(
            "A canceled subscription can only update its cancellation_details and metadata.",
            code="invalid_canceled_subscription_fields",
        )
    managed = {"items", "trial_end", "billing_cycle_anchor", "cancel_at", "cancel_at_period_end"} & set(params)
    if subscription["schedule"] and managed:
        raise StripeRefusal(
            "The subscription is managed by the subscription schedule "
            f"`{subscription['schedule']}`, and updating {', '.join(sorted(managed))} directly is not allowed; "
            "update the schedule, or release it first.",
            param=min(managed),
        )


def update_terms(world: World, subscription: Obj, params: dict[str, Any]) -> None:
    """Set what does not depend on dates or items: collection, texts, metadata, discounts."""
    method: str = params.get("collection_method") or subscription["collection_method"]
    kept = subscription["days_until_due"] if method == "send_invoice" else None
    days = params.get("days_until_due", kept)
    check_collection(method, days)
    subscription.update(collection_method=method, days_until_due=days)
    names = ("default_payment_method", "description", "payment_settings", "trial_settings", "pause_collection")
    subscription.update(copied(params, *names))
    if subscription["pause_collection"]:
        subscription["pause_collection"] = {"resumes_at": None, **subscription["pause_collection"]}
    subscription["metadata"] = merged_metadata(subscription["metadata"], params.get("metadata"))
    if "automatic_tax" in params:
        subscription["automatic_tax"]["enabled"] = automatic_tax(world, **params["automatic_tax"])["enabled"]
    if "cancellation_details" in params:
        details = copied(params["cancellation_details"], "comment", "feedback")
        subscription["cancellation_details"] = {**subscription["cancellation_details"], **details}
    if "invoice_settings" in params:
        subscription["invoice_settings"] = invoice_settings_of(
            world, params["invoice_settings"], subscription["invoice_settings"]
        )
    if "discounts" in params:
        subscription["discounts"] = new_discounts(
            world,
            params["discounts"],
            "discounts",
            subscription["currency"],
            customer=subscription["customer"],
            subscription=subscription["id"],
        )


def _update_dates(world: World, subscription: Obj, params: dict[str, Any]) -> None:
    items = items_of(world, subscription)
    if "trial_end" in params:
        _move_trial_end(world, subscription, params)
    if params.get("billing_cycle_anchor", {}).get("type") == "now":
        if params.get("proration_behavior", "create_prorations") != "none":
            proration.credit_unused(world, subscription, world.moment)
        proration.restart_cycle(world, subscription)
    if "cancel_at_period_end" in params and "cancel_at" in params:
        raise StripeRefusal(
            "You may only specify one of these parameters: cancel_at, cancel_at_period_end.", param="cancel_at"
        )
    if "cancel_at_period_end" in params:
        ends = params["cancel_at_period_end"]
        end = min(item["current_period_end"] for item in items) if ends else None
        subscription.update(cancel_at_period_end=ends, cancel_at=end, canceled_at=world.moment if ends else None)
    if "cancel_at" in params:
        end = cancel_at_of(world, params["cancel_at"], items)
        subscription.update(cancel_at=end, cancel_at_period_end=False, canceled_at=world.moment if end else None)
        _end_within_period(world, subscription, items, params)


def _end_within_period(world: World, subscription: Obj, items: list[Obj], params: dict[str, Any]) -> None:
    """An end inside a period already billed cuts that period short and gives the rest back."""
    end = subscription["cancel_at"]
    late = [item for item in items if end is not None and item["current_period_end"] > end]
    if late and params.get("proration_behavior", "create_prorations") != "none":
        proration.credit_unused(world, subscription, end)
    for item in late:
        with world.changing(item):
            item["current_period_end"] = end


def _move_trial_end(world: World, subscription: Obj, params: dict[str, Any]) -> None:
    end = trial_end_of(world, params)
    if end is None:
        if subscription["status"] == "trialing":
            subscription.update(trial_end=world.moment, status="active")
            proration.restart_cycle(world, subscription)
        return
    subscription.update(trial_end=end, trial_start=subscription["trial_start"] or world.moment, status="trialing")
    subscription["billing_cycle_anchor"] = end
    for item in items_of(world, subscription):
        with world.changing(item):
            item["current_period_end"] = end


def _has_status(subscription: Obj, asked: str | None) -> bool:
    if asked is None:
        return subscription["status"] not in ENDED
    if asked == "all":
        return True
    if asked == "ended":
        return subscription["status"] in ENDED
    return bool(subscription["status"] == asked)
