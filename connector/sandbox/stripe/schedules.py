"""Subscription schedules: contracts that start later, change by phase, and end or run on."""

from typing import Any

from connector.sandbox.stripe import proration, standing
from connector.sandbox.stripe.agenda import happens, plan
from connector.sandbox.stripe.calendar import DAY
from connector.sandbox.stripe.calls import Call, answers
from connector.sandbox.stripe.errors import StripeRefusal, required
from connector.sandbox.stripe.lists import LIST_PARAMS, listed, same, within
from connector.sandbox.stripe.phases import new_phases, shown_settings, terms_of
from connector.sandbox.stripe.render import render
from connector.sandbox.stripe.rules import merged_metadata
from connector.sandbox.stripe.standing import ENDED
from connector.sandbox.stripe.subscription_calls import update_terms
from connector.sandbox.stripe.subscriptions import bill_last_usage, create, items_of, plan_what_follows
from connector.sandbox.stripe.world import Obj, World

_OVER = frozenset({"canceled", "completed", "released"})
_EXPIRING = 7 * DAY


@answers(
    "POST /v1/subscription_schedules",
    *("billing_mode", "customer", "default_settings", "end_behavior", "from_subscription", "metadata", "phases"),
    "start_date",
)
def create_schedule(world: World, call: Call) -> Obj:
    params = call.params
    if "from_subscription" in params:
        return render(world, _from_subscription(world, params), call.expand)
    if "customer" not in params:
        raise required("customer")
    customer = world.get("customer", params["customer"], "customer")
    return render(world, new_schedule(world, customer, params), call.expand)


@answers("GET /v1/subscription_schedules/{schedule}")
def retrieve_schedule(world: World, call: Call) -> Obj:
    return render(world, world.get("subscription_schedule", call.id), call.expand)


@answers(
    "POST /v1/subscription_schedules/{schedule}",
    *("default_settings", "end_behavior", "metadata", "phases", "proration_behavior"),
)
def update_schedule(world: World, call: Call) -> Obj:
    schedule, params = world.get("subscription_schedule", call.id), call.params
    _check_running(schedule, "update")
    with world.changing(schedule, "subscription_schedule.updated"):
        schedule["metadata"] = merged_metadata(schedule["metadata"], params.get("metadata"))
        schedule["end_behavior"] = _end_behavior(params, schedule["end_behavior"])
        if "default_settings" in params:
            schedule["_defaults"] = params["default_settings"]
        if "phases" in params:
            _replace_phases(world, schedule, params)
    return render(world, schedule, call.expand)


@answers("POST /v1/subscription_schedules/{schedule}/cancel", "invoice_now", "prorate")
def cancel_schedule(world: World, call: Call) -> Obj:
    schedule = world.get("subscription_schedule", call.id)
    _check_running(schedule, "cancel")
    subscription = world.tables["subscription"].get(schedule["subscription"] or "")
    with world.changing(schedule):
        schedule.update(status="canceled", canceled_at=world.moment, current_phase=None)
    world.tell("subscription_schedule.canceled", schedule)
    if subscription and subscription["status"] not in ENDED:
        if call.params.get("prorate", True):
            proration.credit_unused(world, subscription, world.moment)
        if call.params.get("invoice_now", True):
            proration.invoice_now(world, subscription, with_usage=True)
        standing.end(world, subscription)
    return render(world, schedule, call.expand)


@answers("POST /v1/subscription_schedules/{schedule}/release", "preserve_cancel_date")
def release_schedule(world: World, call: Call) -> Obj:
    schedule = world.get("subscription_schedule", call.id)
    _check_running(schedule, "release")
    _release(world, schedule)
    return render(world, schedule, call.expand)


@answers(
    "GET /v1/subscription_schedules",
    *LIST_PARAMS,
    *("canceled_at", "completed_at", "created", "customer", "released_at", "scheduled"),
)
def list_schedules(world: World, call: Call) -> Obj:
    params = call.params
    found = same(world.all("subscription_schedule"), params, "customer")
    if "scheduled" in params:
        found = (one for one in found if (one["status"] == "not_started") == params["scheduled"])
    found = within(found, params, "canceled_at", "completed_at", "created", "released_at")
    return listed(world, call, found, "/v1/subscription_schedules")


def new_schedule(world: World, customer: Obj, params: dict[str, Any]) -> Obj:
    """A schedule from its phases; one that starts now, or in the past, starts its subscription at once."""
    start = params.get("start_date", "now")
    start = world.moment if start == "now" else start
    mode = params.get("billing_mode", {}).get("type", "flexible")
    defaults = params.get("default_settings", {})
    phases = new_phases(world, params.get("phases", []), start, defaults, mode)
    schedule = _new(world, customer, params, mode)
    schedule["phases"] = phases
    world.add(schedule, "subscription_schedule.created")
    _plan_phases(world, schedule)
    if start <= world.moment:
        _advance(world, schedule["id"])
    return schedule


@happens("schedule_phase")
def _advance(world: World, ident: str) -> None:
    """Enter the phase whose time has come, or finish after the last one."""
    schedule = world.tables["subscription_schedule"].get(ident)
    if schedule is None or schedule["status"] in _OVER:
        return
    now = world.moment
    phase = next((one for one in schedule["phases"] if one["start_date"] <= now < one["end_date"]), None)
    if phase is None:
        if now >= schedule["phases"][-1]["end_date"]:
            _finish(world, schedule)
        return
    current = {"start_date": phase["start_date"], "end_date": phase["end_date"]}
    if schedule["current_phase"] == current:
        return
    with world.changing(schedule, "subscription_schedule.updated"):
        if schedule["subscription"] is None:
            _start_subscription(world, schedule, phase)
        else:
            _enter(world, schedule, phase)
        schedule.update(status="active", current_phase=current)


@happens("schedule_expiring")
def _tell_of_end(world: World, ident: str) -> None:
    schedule = world.tables["subscription_schedule"].get(ident)
    if schedule and schedule["status"] == "active":
        world.tell("subscription_schedule.expiring", schedule)


def _start_subscription(world: World, schedule: Obj, phase: Obj) -> None:
    customer = world.get("customer", schedule["customer"], "customer")
    terms = terms_of(phase, schedule["customer"], schedule["billing_mode"]["type"])
    if phase["start_date"] < world.moment:
        terms["backdate_start_date"] = phase["start_date"]
    subscription = create(world, customer, terms, by_schedule=True)
    with world.changing(subscription):
        subscription["schedule"] = schedule["id"]
    schedule["subscription"] = subscription["id"]


def _enter(world: World, schedule: Obj, phase: Obj) -> None:
    """Bring the running subscription to what the phase agrees."""
    subscription = world.tables["subscription"][schedule["subscription"]]
    if subscription["status"] in ENDED:
        return
    at_boundary = any(item["current_period_end"] <= world.moment for item in items_of(world, subscription))
    behavior = "none" if at_boundary else phase["proration_behavior"]
    terms = terms_of(phase, schedule["customer"], schedule["billing_mode"]["type"])
    known = {item["id"] for item in items_of(world, subscription)}
    with world.changing(subscription, "customer.subscription.updated"):
        update_terms(world, subscription, {name: terms[name] for name in terms if name in _CARRIED})
        if terms.get("add_invoice_items"):
            proration.wait_for_next_invoice(world, subscription, terms["add_invoice_items"])
        changes = _item_changes(world, subscription, phase["_items"])
        proration.change_items(world, subscription, changes, {"proration_behavior": behavior})
        for item in items_of(world, subscription):
            if at_boundary and item["id"] not in known and item["current_period_start"] == world.moment:
                with world.changing(item):
                    item["current_period_end"] = world.moment  # due at once, with the items already running
        if phase["billing_cycle_anchor"] == "phase_start" and not at_boundary:
            proration.restart_cycle(world, subscription)
    plan_what_follows(world, subscription)


_CARRIED = frozenset(
    {"collection_method", "days_until_due", "default_payment_method", "description", "discounts", "invoice_settings"}
) | {"metadata"}


def _item_changes(world: World, subscription: Obj, agreed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The update that turns the running items into the agreed ones; equal prices keep their item."""
    running = {item["_price"]: item["id"] for item in items_of(world, subscription)}
    kept = {entry["price"] for entry in agreed}
    changes = [
        {"id": running[entry["price"]], "quantity": entry.get("quantity", 1)} if entry["price"] in running else entry
        for entry in agreed
    ]
    return [*changes, *({"id": ident, "deleted": True} for price, ident in running.items() if price not in kept)]


def _finish(world: World, schedule: Obj) -> None:
    if schedule["end_behavior"] == "cancel":
        subscription = world.tables["subscription"].get(schedule["subscription"] or "")
        with world.changing(schedule, "subscription_schedule.updated"):
            schedule.update(status="completed", completed_at=world.moment, current_phase=None)
        world.tell("subscription_schedule.completed", schedule)
        if subscription and subscription["status"] not in ENDED:
            bill_last_usage(world, subscription)
            standing.end(world, subscription)
        return
    _release(world, schedule)


def _release(world: World, schedule: Obj) -> None:
    subscription = world.tables["subscription"].get(schedule["subscription"] or "")
    with world.changing(schedule, "subscription_schedule.updated"):
        schedule.update(
            status="released",
            released_at=world.moment,
            released_subscription=schedule["subscription"],
            subscription=None,
            current_phase=None,
        )
    world.tell("subscription_schedule.released", schedule)
    if subscription:
        with world.changing(subscription, "customer.subscription.updated"):
            subscription["schedule"] = None


def _replace_phases(world: World, schedule: Obj, params: dict[str, Any]) -> None:
    current = schedule["current_phase"]
    begun = current["start_date"] if current else schedule["phases"][0]["start_date"]
    given = params["phases"]
    start = given[0].get("start_date", begun) if given else begun
    start = world.moment if start == "now" else start
    if current and start != begun:
        raise StripeRefusal("You can not modify the start date of the current phase.", param="phases[0][start_date]")
    mode = schedule["billing_mode"]["type"]
    _agree_again(world, schedule, given)
    phases = new_phases(world, given, start, schedule["_defaults"], mode)
    if phases[0]["end_date"] <= world.moment and current:
        raise StripeRefusal("The current phase cannot end in the past.", param="phases[0][end_date]")
    changed = bool(current) and phases[0]["items"] != _phase_at(schedule, begun)["items"]
    schedule["phases"] = phases
    if current:
        schedule["current_phase"] = {"start_date": phases[0]["start_date"], "end_date": phases[0]["end_date"]}
    if changed:
        _enter(world, schedule, phases[0])
    _plan_phases(world, schedule)


def _agree_again(world: World, schedule: Obj, given: list[dict[str, Any]]) -> None:
    """An update repeats what was agreed: prices that run, or stand in a phase, may be archived by now."""
    known = {entry["price"] for phase in schedule["phases"] for entry in (*phase["items"], *phase["add_invoice_items"])}
    subscription = world.tables["subscription"].get(schedule["subscription"] or "")
    known |= {item["_price"] for item in items_of(world, subscription)} if subscription else set()
    for phase in given:
        for entry in (*phase.get("items", []), *phase.get("add_invoice_items", [])):
            if entry.get("price") in known:
                entry["_agreed"] = True


def _phase_at(schedule: Obj, start: int) -> Obj:
    found: Obj = next(one for one in schedule["phases"] if one["start_date"] == start)
    return found


def _plan_phases(world: World, schedule: Obj) -> None:
    for phase in schedule["phases"]:
        plan(world, max(phase["start_date"], world.moment), "schedule_phase", schedule["id"])
    end = schedule["phases"][-1]["end_date"]
    plan(world, end, "schedule_phase", schedule["id"])
    plan(world, max(end - _EXPIRING, world.moment), "schedule_expiring", schedule["id"])


def _from_subscription(world: World, params: dict[str, Any]) -> Obj:
    if set(params) - {"from_subscription", "expand", "billing_mode"}:
        raise StripeRefusal(
            "When using `from_subscription`, other parameters cannot be set; update the schedule afterwards.",
            param="from_subscription",
        )
    subscription = world.get("subscription", params["from_subscription"], "from_subscription")
    if subscription["schedule"] or subscription["status"] in ENDED:
        raise StripeRefusal(
            "You cannot migrate a subscription that is already attached to a schedule or has ended.",
            param="from_subscription",
        )
    customer = world.get("customer", subscription["customer"], "customer")
    items = items_of(world, subscription)
    schedule = _new(world, customer, params, subscription["billing_mode"]["type"])
    start, end = subscription["start_date"], min(item["current_period_end"] for item in items)
    collection: dict[str, Any] = {"collection_method": subscription["collection_method"]}
    if subscription["days_until_due"] is not None:
        collection["invoice_settings"] = {"days_until_due": subscription["days_until_due"]}
    entry = {
        "items": [{"price": item["_price"], "quantity": item["quantity"], "_agreed": True} for item in items],
        "end_date": end,
        "metadata": subscription["metadata"],
    }
    schedule["_defaults"] = collection
    schedule["phases"] = new_phases(world, [entry], start, collection, subscription["billing_mode"]["type"])
    schedule.update(
        status="active",
        subscription=subscription["id"],
        current_phase={"start_date": start, "end_date": end},
    )
    with world.changing(subscription, "customer.subscription.updated"):
        subscription["schedule"] = schedule["id"]
    _plan_phases(world, schedule)
    return world.add(schedule, "subscription_schedule.created")


def _new(world: World, customer: Obj, params: dict[str, Any], mode: str) -> Obj:
    defaults = params.get("default_settings", {})
    shown = shown_settings(world, "SubscriptionSchedule.DefaultSettings", defaults)
    return world.new(
        "subscription_schedule",
        billing_mode={
            **world.document.blank("SubscriptionSchedule.BillingMode"),
            "type": mode,
            "flexible": {"proration_discounts": "included"} if mode == "flexible" else None,
        },
        customer=customer["id"],
        default_settings={**shown, "billing_cycle_anchor": defaults.get("billing_cycle_anchor", "automatic")},
        end_behavior=_end_behavior(params, "release"),
        metadata=merged_metadata({}, params.get("metadata")),
        pause_schedules=[],
        phases=[],
        status="not_started",
        _defaults=defaults,
    )


def _end_behavior(params: dict[str, Any], otherwise: str) -> str:
    asked = params.get("end_behavior", otherwise)
    if asked not in {"release", "cancel"}:
        raise StripeRefusal(f"The sandbox does not simulate end_behavior={asked}.", param="end_behavior")
    return str(asked)


def _check_running(schedule: Obj, verb: str) -> None:
    if schedule["status"] in _OVER:
        raise StripeRefusal(f"You cannot {verb} a subscription schedule that is {schedule['status']}.")
