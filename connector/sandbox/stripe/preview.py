"""Invoices that do not exist yet: done for real, looked at, and undone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connector.sandbox.stripe import invoices, proration
from connector.sandbox.stripe.agenda import happens
from connector.sandbox.stripe.calls import Call, answers
from connector.sandbox.stripe.errors import StripeRefusal, required
from connector.sandbox.stripe.invoice_items import create_invoice_item
from connector.sandbox.stripe.render import render
from connector.sandbox.stripe.schedules import new_schedule
from connector.sandbox.stripe.standing import ENDED
from connector.sandbox.stripe.subscription_calls import update_subscription
from connector.sandbox.stripe.subscriptions import bill_next_period, create, items_of
from connector.sandbox.stripe.world import Obj, World

_OF_A_NEW_ONE = ("billing_mode", "cancel_at", "cancel_at_period_end", "items", "proration_behavior", "trial_end")
_OF_AN_UPDATE = (
    *("billing_cycle_anchor", "cancel_at", "cancel_at_period_end", "items", "metadata", "proration_behavior"),
    *("proration_date", "trial_end"),
)


@answers(
    "POST /v1/invoices/create_preview",
    *("automatic_tax", "currency", "customer", "discounts", "invoice_items", "preview_mode", "schedule"),
    *("schedule_details", "subscription", "subscription_details"),
)
def create_preview(world: World, call: Call) -> Obj:
    params = call.params
    if params.get("preview_mode", "next") != "next":
        raise StripeRefusal("The sandbox only simulates preview_mode=next.", param="preview_mode")
    with _undone_afterwards(world):
        _add_invoice_items(world, params)
        if "schedule_details" in params:
            invoice = _of_new_schedule(world, params)
        elif "subscription" in params:
            invoice = _of_subscription(world, params)
        elif "subscription_details" in params:
            invoice = _of_new_subscription(world, params)
        else:
            invoice = _of_pending(world, params)
        return _as_preview(world, invoice, call.expand)


@happens("upcoming")
def _tell_of_renewal(world: World, ident: str) -> None:
    """invoice.upcoming shows the renewal's invoice; it has no id, because there is no such invoice yet."""
    subscription = world.tables["subscription"].get(ident)
    if subscription is None or subscription["status"] not in {"active", "past_due"}:
        return
    renewal = min(item["current_period_end"] for item in items_of(world, subscription))
    if subscription["cancel_at"] == renewal or renewal - world.moment != world.settings.upcoming_days * 86_400:
        return
    with _undone_afterwards(world):
        shown = _as_preview(world, _renewal(world, subscription), [])
    del shown["id"]
    world.tell("invoice.upcoming", {**shown, "billing_reason": "upcoming", "_lines": [], "_shown": shown})


@contextmanager
def _undone_afterwards(world: World) -> Iterator[None]:
    mark, told, moment = world.mark(), world.events.mark(), world.moment
    agenda = list(world.agenda)
    try:
        yield
    finally:
        world.roll_back(mark)
        world.events.forget(told)
        world.moment = moment
        world.agenda[:] = agenda


def _of_new_schedule(world: World, params: dict[str, Any]) -> Obj:
    details = params["schedule_details"]
    customer = _customer(world, params)
    starts = details.get("phases", [{}])[0].get("start_date", "now")
    if isinstance(starts, int):
        world.moment = max(world.moment, starts)
    wanted = {name: details[name] for name in ("billing_mode", "end_behavior") if name in details}
    phases = [
        {name: value for name, value in phase.items() if name != "start_date"} for phase in details.get("phases", [])
    ]
    schedule = new_schedule(world, customer, {**wanted, "phases": phases, "start_date": starts})
    return _latest(world, world.get("subscription", schedule["subscription"]))


def _of_new_subscription(world: World, params: dict[str, Any]) -> Obj:
    details = params["subscription_details"]
    if "start_date" in details and details["start_date"] > world.moment:
        world.moment = details["start_date"]
    terms = {name: details[name] for name in _OF_A_NEW_ONE if name in details}
    if details.get("start_date", world.moment) < world.moment:
        terms["backdate_start_date"] = details["start_date"]
    if "discounts" in params:
        terms["discounts"] = params["discounts"]
    return _latest(world, create(world, _customer(world, params), terms, by_schedule=True))


def _of_subscription(world: World, params: dict[str, Any]) -> Obj:
    subscription = world.get("subscription", params["subscription"], "subscription")
    if subscription["status"] in ENDED:
        raise StripeRefusal("No upcoming invoices for a canceled subscription.", code="invoice_upcoming_none")
    details = params.get("subscription_details", {})
    changes = {name: details[name] for name in _OF_AN_UPDATE if name in details}
    latest = subscription["latest_invoice"]
    if changes:
        call = Call("POST /v1/subscriptions/{subscription_exposed_id}", {"id": subscription["id"]}, changes)
        update_subscription(world, call)
    if details.get("cancel_now"):
        proration.credit_unused(world, subscription, world.moment)
        proration.invoice_now(world, subscription)
    if subscription["latest_invoice"] != latest:
        return _latest(world, subscription)
    renewal = min(item["current_period_end"] for item in items_of(world, subscription))
    ends = _end_of(world, subscription)
    if ends is not None and ends <= renewal:
        raise StripeRefusal("No upcoming invoices for a subscription that ends.", code="invoice_upcoming_none")
    return _renewal(world, subscription)


def _end_of(world: World, subscription: Obj) -> int | None:
    """When the subscription, or the schedule that leads it, comes to its end."""
    schedule = world.tables["subscription_schedule"].get(subscription["schedule"] or "")
    if subscription["cancel_at"] is None and schedule is not None and schedule["end_behavior"] == "cancel":
        return int(schedule["phases"][-1]["end_date"])
    at: int | None = subscription["cancel_at"]
    return at


def _renewal(world: World, subscription: Obj) -> Obj:
    items = items_of(world, subscription)
    world.moment = min(item["current_period_end"] for item in items)
    due = [item for item in items if item["current_period_end"] <= world.moment]
    bill_next_period(world, subscription, due)
    return _latest(world, subscription)


def _of_pending(world: World, params: dict[str, Any]) -> Obj:
    customer = _customer(world, params)
    items = [one for one in world.all("invoiceitem") if one["customer"] == customer["id"] and one["invoice"] is None]
    if not items:
        raise StripeRefusal(f"No upcoming invoices for customer: {customer['id']}", code="invoice_upcoming_none")
    invoice = invoices.new_invoice(world, customer, items[0]["currency"], "upcoming")
    invoices.take_pending(world, invoice, None)
    return invoices.keep_draft(world, invoice)


def _add_invoice_items(world: World, params: dict[str, Any]) -> None:
    for entry in params.get("invoice_items", []):
        known = {name: value for name, value in entry.items() if name != "price"}
        if "price" in entry:
            known["pricing"] = {"price": entry["price"]}
        customer = _customer(world, params)["id"]
        create_invoice_item(world, Call("POST /v1/invoiceitems", {}, {**known, "customer": customer}))


def _customer(world: World, params: dict[str, Any]) -> Obj:
    if "customer" in params:
        return world.get("customer", params["customer"], "customer")
    if "subscription" in params:
        subscription = world.get("subscription", params["subscription"], "subscription")
        return world.get("customer", subscription["customer"])
    raise required("customer")


def _latest(world: World, subscription: Obj) -> Obj:
    return world.get("invoice", subscription["latest_invoice"])


def _as_preview(world: World, invoice: Obj, expand: list[str]) -> Obj:
    shown = render(world, invoice, expand)
    nothing_yet = dict.fromkeys(("number", "hosted_invoice_url", "invoice_pdf", "automatically_finalizes_at"))
    return {**shown, **nothing_yet, "id": f"upcoming_{invoice['id']}", "status": "draft"}
