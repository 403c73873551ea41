"""What a subscription may agree to: its items, its dates and how it collects; everything else is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connector.sandbox.stripe.calendar import DAY, add_interval, boundary_after, commensurate
from connector.sandbox.stripe.errors import StripeRefusal, required
from connector.sandbox.stripe.prices import price_of
from connector.sandbox.stripe.rules import custom_fields, merged_metadata, only_one
from connector.sandbox.stripe.world import Obj, World

MOST_SUBSCRIPTIONS = 500  # active or scheduled, for one customer
MOST_ITEMS = 20  # the SDK's own description; Stripe has raised it for flexible billing by an unknown amount
_LONGEST_TRIAL = 730 * DAY


@dataclass
class NewItem:
    """One agreed line: its price, how many, and what its parameters also said."""

    price: Obj
    quantity: int | None
    metadata: dict[str, str] = field(default_factory=dict)
    discounts: object = None


def new_items(world: World, given: object, param: str = "items") -> list[NewItem]:
    """The items a list of parameters asks for, each with a usable recurring price."""
    if not isinstance(given, list) or not given:
        raise required(param)
    if len(given) > MOST_ITEMS:
        raise StripeRefusal(f"A subscription can have at most {MOST_ITEMS} items.", param=param)
    return [new_item(world, entry, f"{param}[{n}]") for n, entry in enumerate(given)]


def new_item(world: World, entry: dict[str, Any], param: str) -> NewItem:
    """One item from its parameters."""
    if "plan" in entry:
        raise StripeRefusal("The sandbox does not simulate plans; use a price.", param=f"{param}[plan]")
    price = price_of(world, entry, param, recurring=True)
    return NewItem(
        price,
        quantity_of(price, entry.get("quantity"), f"{param}[quantity]"),
        merged_metadata({}, entry.get("metadata"), f"{param}[metadata]"),
        entry.get("discounts"),
    )


def quantity_of(price: Obj, given: int | None, param: str) -> int | None:
    """How many: one unless said, never negative, and never said of metered usage."""
    if price["recurring"] and price["recurring"]["usage_type"] == "metered":
        if given is not None:
            raise StripeRefusal("You cannot set the quantity for metered prices.", param=param)
        return None
    if given is not None and given < 0:
        raise StripeRefusal("Invalid non-negative integer", param=param, code="parameter_invalid_integer")
    return 1 if given is None else given


def check_mix(prices: list[Obj], *, flexible: bool, param: str = "items") -> None:
    """One currency, no price twice, and intervals that fit together: equal, or commensurate when flexible."""
    if len({price["currency"] for price in prices}) > 1:
        raise StripeRefusal(
            "All prices on a subscription must have the same currency; found "
            f"{', '.join(sorted({price['currency'] for price in prices}))}.",
            param=param,
        )
    idents = [price["id"] for price in prices]
    twice = next((ident for ident in idents if idents.count(ident) > 1), None)
    if twice:
        raise StripeRefusal(f"Cannot add multiple subscription items with the same plan: {twice}", param=param)
    intervals = [(one["recurring"]["interval"], one["recurring"]["interval_count"]) for one in prices]
    if len(set(intervals)) > 1 and not (flexible and commensurate(intervals)):
        raise StripeRefusal(
            "All prices on a subscription must have the same `recurring.interval` and "
            "`recurring.interval_count`, or be multiples of the shortest interval with "
            "`billing_mode[type]=flexible`. If you meant to update an existing subscription item instead of "
            "creating a new one, make sure to include the subscription item ID in your request.",
            param=param,
        )


def check_collection(method: str, days_until_due: int | None) -> None:
    """`send_invoice` needs `days_until_due`, and only it may have it."""
    if method == "send_invoice" and days_until_due is None:
        raise StripeRefusal(
            "You must pass `days_until_due` when `collection_method` is `send_invoice`.",
            param="days_until_due",
            code="parameter_missing",
        )
    if method != "send_invoice" and days_until_due is not None:
        raise StripeRefusal(
            "You can only pass `days_until_due` when `collection_method` is `send_invoice`.", param="days_until_due"
        )
    if days_until_due is not None and days_until_due < 0:
        raise StripeRefusal("Invalid non-negative integer", param="days_until_due", code="parameter_invalid_integer")


def trial_end_of(world: World, params: Mapping[str, Any]) -> int | None:
    """When the trial ends, if there is one; a trial may last two years at most."""
    only_one(params, "trial_end", "trial_period_days")
    end = params.get("trial_end")
    if end in {None, "now"}:
        days = params.get("trial_period_days")
        end = world.moment + days * DAY if days else None
    if end is None:
        return None
    if end <= world.moment:
        raise StripeRefusal("Invalid timestamp: must be an integer Unix timestamp in the future.", param="trial_end")
    if end > world.moment + _LONGEST_TRIAL:
        raise StripeRefusal("Invalid timestamp: can be no more than two years in the future.", param="trial_end")
    return int(end)


def start_of(world: World, params: Mapping[str, Any]) -> int:
    """When the contract starts to count: now, or a moment in the past."""
    start = params.get("backdate_start_date")
    if start is None:
        return world.moment
    if start > world.moment:
        raise StripeRefusal("`backdate_start_date` must be in the past.", param="backdate_start_date")
    return int(start)


def anchor_of(world: World, params: Mapping[str, Any], items: list[NewItem], trial_end: int | None) -> int:
    """The moment full billing cycles are counted from."""
    only_one(params, "billing_cycle_anchor", "billing_cycle_anchor_config")
    config = params.get("billing_cycle_anchor_config")
    given = params.get("billing_cycle_anchor")
    begin = trial_end or world.moment
    if config:
        return _configured_anchor(begin, config, items)
    if given is None:
        return begin
    if given <= world.moment:
        raise StripeRefusal(
            "Invalid timestamp: must be an integer Unix timestamp in the future.", param="billing_cycle_anchor"
        )
    for item in items:
        recurring = item.price["recurring"]
        latest = add_interval(begin, recurring["interval"], recurring["interval_count"])
        if given > latest:
            raise StripeRefusal(
                "billing_cycle_anchor cannot be later than next natural billing date "
                f"({latest}) for price {item.price['id']}.",
                param="billing_cycle_anchor",
            )
    return int(given)


def cancel_at_of(world: World, given: object, items: list[Obj]) -> int | None:
    """The moment a subscription ends by agreement; a word means an end of its items' periods."""
    if given is None or given == "":
        return None
    ends = [item["current_period_end"] for item in items]
    if given == "min_period_end":
        return int(min(ends))
    if given in {"max_period_end", "max_billed_until"}:
        return int(max(ends))
    if not isinstance(given, int) or given <= world.moment:
        raise StripeRefusal("`cancel_at` must be a timestamp in the future.", param="cancel_at")
    return given


def invoice_settings_of(world: World, given: Mapping[str, Any], old: Mapping[str, Any] | None = None) -> Obj:
    """What every invoice of the subscription shall carry."""
    blank = world.document.blank("Subscription.InvoiceSettings")
    issuer = {"account": None, "type": "self"}
    out = {**blank, "issuer": issuer, **(old or {})}
    for name in ("description", "footer"):
        if name in given:
            out[name] = given[name] or None
    if "custom_fields" in given:
        out["custom_fields"] = custom_fields(given["custom_fields"], "invoice_settings[custom_fields]")
    return out


def _configured_anchor(begin: int, config: Mapping[str, Any], items: list[NewItem]) -> int:
    intervals = {item.price["recurring"]["interval"] for item in items}
    if not intervals <= {"month", "year"}:
        raise StripeRefusal(
            "billing_cycle_anchor_config can only be used with monthly and yearly prices.",
            param="billing_cycle_anchor_config",
        )
    moment = datetime.fromtimestamp(begin, UTC)
    first = moment.replace(day=1)
    if "month" in config:
        first = first.replace(month=config["month"])
    clock = {name: config.get(name, getattr(moment, name)) for name in ("hour", "minute", "second")}
    base = int(first.replace(**clock).timestamp())
    step = "year" if "month" in config else "month"
    for back in (-1, 0, 1, 2):
        candidate = add_interval(base, step, back)
        at = _on_day(candidate, config["day_of_month"])
        if at > begin:
            return at
    return boundary_after(base, step, 1, begin)


def _on_day(first_of_month: int, day: int) -> int:
    """The day in that month, or the month's last."""
    last = (add_interval(first_of_month, "month", 1) - first_of_month) // DAY
    return first_of_month + (min(day, last) - 1) * DAY
