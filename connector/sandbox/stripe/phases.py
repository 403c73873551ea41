"""The phases of a subscription schedule: from parameters to dates, and from a phase to subscription parameters."""

from typing import Any

from connector.sandbox.stripe.calendar import add_interval
from connector.sandbox.stripe.errors import StripeRefusal, required
from connector.sandbox.stripe.prices import price_of
from connector.sandbox.stripe.rules import custom_fields, merged_metadata, only_one
from connector.sandbox.stripe.terms import check_collection, check_mix, new_items
from connector.sandbox.stripe.world import Obj, World

MOST_PHASES = 10
_SHARED = ("collection_method", "default_payment_method", "description", "invoice_settings", "automatic_tax")
_UNSIMULATED = (
    *("application_fee_percent", "billing_thresholds", "default_tax_rates", "on_behalf_of", "transfer_data"),
)


def new_phases(world: World, given: list[dict[str, Any]], start: int, defaults: Obj, mode: str) -> list[Obj]:
    """Contiguous phases from `start`; each lasts its `duration` or until its `end_date`."""
    if not given:
        raise required("phases")
    if len(given) > MOST_PHASES:
        raise StripeRefusal(f"A schedule can have at most {MOST_PHASES} current and future phases.", param="phases")
    phases = []
    for n, entry in enumerate(given):
        phase = _phase(world, entry, start, defaults, mode, f"phases[{n}]")
        phases.append(phase)
        start = phase["end_date"]
    return phases


def terms_of(phase: Obj, customer: str, mode: str) -> dict[str, Any]:
    """The parameters of the subscription that a schedule starts with this phase."""
    settings = phase["_settings"]
    terms: dict[str, Any] = {
        "customer": customer,
        "items": phase["_items"],
        "add_invoice_items": phase["_extras"],
        "billing_mode": {"type": mode},
        "metadata": phase["metadata"],
        "discounts": phase["_discounts"],
        "proration_behavior": phase["proration_behavior"],
        "collection_method": settings.get("collection_method", "charge_automatically"),
        "days_until_due": settings.get("invoice_settings", {}).get("days_until_due"),
        "invoice_settings": settings.get("invoice_settings", {}),
        "default_payment_method": settings.get("default_payment_method"),
        "description": settings.get("description"),
        "automatic_tax": settings.get("automatic_tax", {}),
        "trial_end": phase["trial_end"],
    }
    return {name: value for name, value in terms.items() if value is not None}


def shown_settings(world: World, type_name: str, given: dict[str, Any]) -> Obj:
    """Default settings, or a phase's invoice settings, in the shape of an answer."""
    blank = world.document.blank(type_name)
    settings = given.get("invoice_settings", {})
    shown = {
        **world.document.blank("SubscriptionSchedule.DefaultSettings.InvoiceSettings"),
        "issuer": {"account": None, "type": "self"},
        **{name: settings[name] for name in ("days_until_due", "description", "footer") if name in settings},
        "custom_fields": custom_fields(settings.get("custom_fields"), "invoice_settings[custom_fields]"),
    }
    names = ("collection_method", "default_payment_method", "description")
    plain: Obj = {name: given[name] for name in names if name in given}
    return {**blank, **plain, "invoice_settings": shown}


def _phase(world: World, entry: dict[str, Any], start: int, defaults: Obj, mode: str, param: str) -> Obj:
    for name in _UNSIMULATED:
        if name in entry:
            raise StripeRefusal(f"The sandbox does not simulate {param}[{name}].", param=f"{param}[{name}]")
    items = new_items(world, entry["items"], f"{param}[items]")
    check_mix([item.price for item in items], flexible=mode == "flexible", param=f"{param}[items]")
    settings = {**defaults, **{name: entry[name] for name in _SHARED if name in entry}}
    check_collection(
        settings.get("collection_method", "charge_automatically"),
        settings.get("invoice_settings", {}).get("days_until_due"),
    )
    end = _end(entry, start, items[0].price["recurring"], param)
    extras = [
        _agreed_extra(world, one, f"{param}[add_invoice_items][{n}]")
        for n, one in enumerate(entry.get("add_invoice_items", []))
    ]
    trial_end = end if entry.get("trial") else entry.get("trial_end")
    agreed = [
        {"price": new.price["id"], "_agreed": True, **_without(one, "price", "price_data")}
        for new, one in zip(items, entry["items"], strict=True)
    ]
    return {
        **world.document.blank("SubscriptionSchedule.Phase"),
        **shown_settings(world, "SubscriptionSchedule.Phase", settings),
        "add_invoice_items": [_shown_extra(one) for one in extras],
        "billing_cycle_anchor": entry.get("billing_cycle_anchor"),
        "currency": items[0].price["currency"],
        "discounts": [_shown_discount(one) for one in entry.get("discounts") or []],
        "end_date": end,
        "items": [
            {
                "billing_thresholds": None,
                "discounts": [_shown_discount(one) for one in entry["items"][n].get("discounts") or []],
                "metadata": new.metadata,
                "plan": new.price["id"],
                "price": new.price["id"],
                "quantity": new.quantity,
                "tax_rates": [],
            }
            for n, new in enumerate(items)
        ],
        "metadata": merged_metadata({}, entry.get("metadata"), f"{param}[metadata]"),
        "proration_behavior": entry.get("proration_behavior", "create_prorations"),
        "start_date": start,
        "trial_end": trial_end,
        "_settings": settings,
        "_items": agreed,
        "_extras": extras,
        "_discounts": entry.get("discounts"),
    }


def _end(entry: dict[str, Any], start: int, recurring: Obj, param: str) -> int:
    only_one(entry, "duration", "end_date")
    if "end_date" in entry:
        end = int(entry["end_date"])
        if end <= start:
            raise StripeRefusal(
                "The subscription schedule phase's `end_date` must be after its start.", param=f"{param}[end_date]"
            )
        return end
    if "duration" in entry:
        duration = entry["duration"]
        return add_interval(start, duration["interval"], duration.get("interval_count", 1))
    return add_interval(start, recurring["interval"], recurring["interval_count"])


def _agreed_extra(world: World, entry: dict[str, Any], param: str) -> dict[str, Any]:
    price = price_of(world, entry, param, recurring=False, signed=True)
    return {"price": price["id"], "_agreed": True, **_without(entry, "price", "price_data")}


def _shown_extra(entry: dict[str, Any]) -> Obj:
    period = entry.get("period") or {
        "start": {"type": "max_item_period_start"},
        "end": {"type": "min_item_period_end"},
    }
    return {
        "discountable": entry.get("discountable"),
        "discounts": [_shown_discount(one) for one in entry.get("discounts") or []],
        "metadata": dict(entry.get("metadata", {})),
        "period": period,
        "price": entry["price"],
        "quantity": entry.get("quantity", 1),
        "tax_rates": [],
    }


def _shown_discount(entry: dict[str, Any]) -> Obj:
    return {name: entry.get(name) for name in ("coupon", "discount", "promotion_code")}


def _without(entry: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}
