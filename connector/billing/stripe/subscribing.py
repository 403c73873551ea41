"""What MakeSubscription says to Stripe: one subscription, or a schedule of phases that starts and changes one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import TypeAlias

from stripe.params import (
    SubscriptionCreateParams,
    SubscriptionCreateParamsItem,
    SubscriptionScheduleCreateParams,
    SubscriptionScheduleCreateParamsPhase,
    SubscriptionScheduleCreateParamsPhaseDuration,
)

from connector.billing.stripe.lines import LONGEST_DESCRIPTION, Made, item, midnight, one_off
from connector.billing.stripe.steps import own_metadata
from connector.billing.stripe.terms import custom_fields, days_until_due
from connector.domain.billing_plan import META_DEAL, InlinePrice, MakeSubscription, Phase, PlannedLine
from connector.domain.dates import add_intervals, add_months
from connector.domain.deal import CollectionMethod, Interval
from connector.domain.refs import RecordRef

LinePrice: TypeAlias = tuple[RecordRef, InlinePrice]
"""One CRM line at one price: what stays the same item when a contract changes by phase."""

NO_PRICES: Mapping[LinePrice, str] = {}
"""Nothing lasts from phase to phase."""


def is_made_by_schedule(step: MakeSubscription, today: date) -> bool:
    """Whether a schedule must start it: it starts later, changes by phase, or ends by itself on the second.

    A subscription that Stripe starts now bills in periods that begin at the second of its making, which nobody knows
    before; an end at any other second would cut its last period short. A schedule counts its phases from that second.
    What was served since an earlier day, or begins with a trial, is anchored at a midnight, so its end is known.
    """
    if step.start > today:
        return True
    if is_trial_then_more(step):
        return False
    return len(step.phases) > 1 or (step.ends and step.anchor is None)


def is_backdated(step: MakeSubscription, today: date) -> bool:
    """Whether it was served since an earlier day, so that only ``subscriptions.create`` can say when periods begin."""
    return step.anchor is not None and step.start <= today


def is_trial_then_more(step: MakeSubscription) -> bool:
    """Whether all that changes by phase is that the first is free."""
    if not step.phases[0].trial or len(step.phases) > 2:
        return False
    return len(step.phases) == 1 or (step.phases[1].recurring == step.recurring and not step.phases[1].one_off)


def subscription_params(
    step: MakeSubscription, made: Made, prices: Mapping[LinePrice, str] = NO_PRICES, *, can_charge: bool
) -> SubscriptionCreateParams:
    """``subscriptions.create``. ``can_charge`` says whether the customer has a payment method to charge by itself."""
    params: SubscriptionCreateParams = {
        "customer": made[step.customer].id,
        "currency": step.currency,
        "items": [_item(line, step, made, prices) for line in step.recurring],
        "billing_mode": {"type": "flexible"},
        "metadata": own_metadata(step.metadata, step.key, META_DEAL),
    }
    if step.one_off:
        params["add_invoice_items"] = [one_off(line, step.currency, made) for line in step.one_off]
    if step.description:
        params["description"] = step.description[:LONGEST_DESCRIPTION]
    if step.terms.custom_fields:
        params["invoice_settings"] = {"custom_fields": custom_fields(step.terms)}
    if step.terms.automatic_tax:
        params["automatic_tax"] = {"enabled": True}
    if step.anchor is not None:
        params["backdate_start_date"] = midnight(step.start)
        params["proration_behavior"] = "create_prorations"
        params["billing_cycle_anchor"] = midnight(step.anchor)
    first = step.phases[0]
    if first.trial and first.end is not None:
        params["trial_end"] = midnight(first.end)
    last = step.phases[-1]
    if step.ends and last.end is not None and (len(step.phases) == 1 or is_trial_then_more(step)):
        params["cancel_at"] = midnight(last.end)
    params["collection_method"] = step.terms.collection.value
    if step.terms.collection is CollectionMethod.SEND_INVOICE:
        params["days_until_due"] = days_until_due(step.terms)
    elif can_charge:
        # A declined card leaves an open invoice and an incomplete subscription: seen by people, nothing lost.
        params["payment_behavior"] = "allow_incomplete"
        params["off_session"] = True
    else:
        # The customer pays the hosted invoice once, within 23 hours, and what they pay with is kept for the next one.
        params["payment_behavior"] = "default_incomplete"
        params["payment_settings"] = {"save_default_payment_method": "on_subscription"}
    return params


def schedule_params(
    step: MakeSubscription, made: Made, prices: Mapping[LinePrice, str], today: date
) -> SubscriptionScheduleCreateParams:
    """``subscription_schedules.create``: every phase, then the subscription ends or runs on freely.

    Stripe copies a *phase's* metadata to the subscription when it is entered, so the metadata stands in both places.
    ``prices`` are those made for `lasting_lines`.
    """
    now = step.start <= today
    return {
        "customer": made[step.customer].id,
        "start_date": "now" if now else midnight(step.start),
        "end_behavior": "cancel" if step.ends else "release",
        "billing_mode": {"type": "flexible"},
        "phases": [phase_params(step, number, made, prices, by_duration=now) for number in range(len(step.phases))],
        "metadata": own_metadata(step.metadata, step.key, META_DEAL),
    }


def phase_params(
    step: MakeSubscription, number: int, made: Made, prices: Mapping[LinePrice, str], *, by_duration: bool
) -> SubscriptionScheduleCreateParamsPhase:
    """One phase. ``by_duration``: it lasts so long from the second at which the one before it ends.

    Nothing is ever prorated by Stripe: what a change in mid-period comes to is a line of the plan.
    """
    phase = step.phases[number]
    params: SubscriptionScheduleCreateParamsPhase = {
        "items": [_item(line, step, made, prices) for line in phase.recurring],
        "currency": step.currency,
        "collection_method": step.terms.collection.value,
        "metadata": own_metadata(step.metadata, step.key, META_DEAL),
        "proration_behavior": "none",
    }
    if phase.end is None:
        params["duration"] = _one_period(phase)
    elif by_duration:
        params["duration"] = span(phase.start, phase.end)
    else:
        params["end_date"] = midnight(phase.end)
    if phase.trial:
        params["trial"] = True
    if phase.one_off:
        params["add_invoice_items"] = [one_off(line, step.currency, made) for line in phase.one_off]
    if step.description:
        params["description"] = step.description[:LONGEST_DESCRIPTION]
    if step.terms.automatic_tax:
        params["automatic_tax"] = {"enabled": True}
    if step.terms.collection is CollectionMethod.SEND_INVOICE:
        params["invoice_settings"] = {"days_until_due": days_until_due(step.terms)}
    if step.terms.custom_fields:
        params["invoice_settings"] = {
            **params.get("invoice_settings", {}),
            "custom_fields": custom_fields(step.terms),
        }
    return params


def lasting_lines(step: MakeSubscription) -> list[LinePrice]:
    """Lines that stand in several phases at one inline price: they need a price of their own.

    Stripe recognises an item from phase to phase by its price alone, and makes a new one of each inline price. A
    yearly item that was replaced by its equal in mid-year would be billed anew.
    """
    counted: Counter[LinePrice] = Counter()
    for phase in step.phases:
        inline = Counter((line.line, line.price) for line in phase.recurring if isinstance(line.price, InlinePrice))
        counted.update(key for key, times in inline.items() if times == 1)  # a subscription holds each price once
    return [key for key, phases in counted.items() if phases > 1]


def span(start: date, end: date) -> SubscriptionScheduleCreateParamsPhaseDuration:
    """How long from one day to another, in whole months where that leads to the very day, else in days."""
    months = (end.year - start.year) * 12 + end.month - start.month
    if months and add_months(start, months) == end:
        return {"interval": "month", "interval_count": months}
    return {"interval": "day", "interval_count": (end - start).days}


def _item(
    line: PlannedLine, step: MakeSubscription, made: Made, prices: Mapping[LinePrice, str]
) -> SubscriptionCreateParamsItem:
    price = prices.get((line.line, line.price), "") if isinstance(line.price, InlinePrice) else ""
    return item(line, step.currency, made, price)


def _one_period(phase: Phase) -> SubscriptionScheduleCreateParamsPhaseDuration:
    """The shortest interval among the lines; a last phase only has to end some time, nothing changes when it does."""
    known = [line.interval or _inline_interval(line) for line in phase.recurring]
    intervals = [interval for interval in known if interval is not None]
    shortest = min(intervals, key=lambda each: add_intervals(phase.start, each), default=Interval("month"))
    return {"interval": shortest.unit, "interval_count": shortest.count}


def _inline_interval(line: PlannedLine) -> Interval | None:
    return line.price.interval if isinstance(line.price, InlinePrice) else None
