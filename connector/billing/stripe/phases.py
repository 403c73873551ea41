"""A schedule's phases, from how Stripe shows them to how an update must repeat them: what is left out is lost."""

from __future__ import annotations

from typing import Any, TypeAlias

from connector.billing.stripe.calls import Json
from connector.billing.stripe.translate import id_of, ref
from connector.domain.refs import RecordRef
from connector.errors import Unsupported
from connector.sentences import billing as sentences

Phase: TypeAlias = dict[str, Any]
"""One phase as parameters of ``subscription_schedules.update``."""

_NOT_REPEATED = ("application_fee_percent", "billing_thresholds", "on_behalf_of", "transfer_data")
_PLAIN = ("collection_method", "currency", "description", "metadata", "billing_cycle_anchor")
_INVOICE = ("custom_fields", "days_until_due", "description", "footer")


def still_to_come(schedule: Json, now: int) -> list[Phase]:
    """The phase that runs and those after it, in order, as parameters that change nothing.

    What the running phase bills once was billed when it began, so it is not repeated.

    Raises:
        Unsupported: a phase holds a setting that we would lose.
    """
    whose = ref("schedule", schedule["id"])
    return [_repeated(phase, whose, now) for phase in schedule["phases"] if phase["end_date"] > now]


def cut_at(phases: list[Phase], end: int) -> list[Phase]:
    """The phases up to ``end``: later ones go, the last one left ends then, however long it would have lasted."""
    kept = [phase for phase in phases if phase["start_date"] < end]
    return [*kept[:-1], {**kept[-1], "end_date": end}] if kept else []


def split_at(phases: list[Phase], moment: int) -> list[Phase]:
    """The same phases with a border at ``moment``, so that one begins there."""
    out: list[Phase] = []
    for phase in phases:
        if phase["start_date"] < moment < phase["end_date"]:
            later = {key: value for key, value in phase.items() if key != "add_invoice_items"}
            out += [{**phase, "end_date": moment}, {**later, "start_date": moment}]
        else:
            out.append(phase)
    if out and moment >= out[-1]["end_date"]:
        # A last phase of a contract that runs on ends at any time: it is only as long as it had to be.
        last = out[-1]
        later = {key: value for key, value in last.items() if key not in {"add_invoice_items", "trial_end"}}
        longer = moment - last["start_date"]
        out[-1] = {**last, "end_date": moment}
        out.append({**later, "start_date": moment, "end_date": moment + longer})
    return out


def _repeated(phase: Json, whose: RecordRef, now: int) -> Phase:
    lost = [name for name in _NOT_REPEATED if phase.get(name)]
    if lost:
        raise Unsupported.because(
            sentences.SCHEDULE_TOO_SPECIAL, ref=whose, provider="stripe", contract=whose.id, settings=", ".join(lost)
        )
    out: Phase = {name: phase[name] for name in _PLAIN if phase.get(name)}
    out |= {"start_date": phase["start_date"], "end_date": phase["end_date"], "proration_behavior": "none"}
    out["items"] = [_item(item) for item in phase["items"]]
    if phase.get("trial_end") and phase["trial_end"] > now:
        out["trial_end"] = phase["trial_end"]
    if (phase.get("automatic_tax") or {}).get("enabled"):
        out["automatic_tax"] = {"enabled": True}
    if phase.get("default_payment_method"):
        out["default_payment_method"] = id_of(phase["default_payment_method"])
    if phase.get("default_tax_rates"):
        out["default_tax_rates"] = [id_of(rate) for rate in phase["default_tax_rates"]]
    if phase.get("discounts"):
        out["discounts"] = _discounts(phase["discounts"])
    settings = phase.get("invoice_settings") or {}
    if any(settings.get(name) for name in _INVOICE):
        out["invoice_settings"] = {name: settings[name] for name in _INVOICE if settings.get(name) is not None}
    if phase["start_date"] > now and phase.get("add_invoice_items"):
        out["add_invoice_items"] = [_one_off(extra) for extra in phase["add_invoice_items"]]
    return out


def _item(item: Json) -> dict[str, Any]:
    out: dict[str, Any] = {"price": id_of(item["price"])}
    if item.get("quantity") is not None:
        out["quantity"] = item["quantity"]
    if item.get("metadata"):
        out["metadata"] = dict(item["metadata"])
    if item.get("tax_rates"):
        out["tax_rates"] = [id_of(rate) for rate in item["tax_rates"]]
    if item.get("discounts"):
        out["discounts"] = _discounts(item["discounts"])
    return out


def _one_off(extra: Json) -> dict[str, Any]:
    out: dict[str, Any] = {"price": id_of(extra["price"]), "quantity": extra.get("quantity") or 1}
    for name in ("metadata", "period"):
        if extra.get(name):
            out[name] = extra[name]
    if extra.get("tax_rates"):
        out["tax_rates"] = [id_of(rate) for rate in extra["tax_rates"]]
    if extra.get("discounts"):
        out["discounts"] = _discounts(extra["discounts"])
    return out


def _discounts(discounts: list[Json]) -> list[dict[str, str]]:
    """Each by its coupon, or by the discount that stands already."""
    out = []
    for discount in discounts:
        name = next(name for name in ("discount", "coupon", "promotion_code") if discount.get(name))
        out.append({name: id_of(discount[name])})
    return out
