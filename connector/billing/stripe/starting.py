"""Subscriptions and schedules: started once, and found again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any, cast

from stripe import StripeClient
from stripe.params import SubscriptionListParams, SubscriptionScheduleListParams, SubscriptionScheduleUpdateParams

from connector.billing.stripe import subscribing
from connector.billing.stripe.calls import Calls, Json
from connector.billing.stripe.customers import Customers
from connector.billing.stripe.lines import Made, price_params
from connector.billing.stripe.marks import first, meta, once
from connector.billing.stripe.phases import still_to_come
from connector.billing.stripe.standing import OVER
from connector.billing.stripe.steps import META_STEP
from connector.billing.stripe.subscribing import NO_PRICES, LinePrice
from connector.billing.stripe.translate import id_of, ref
from connector.domain.billing_plan import META_LINE, InlinePrice, MakeSubscription
from connector.domain.deal import CollectionMethod
from connector.domain.refs import RecordRef
from connector.ports import Clock


class Starter:
    """Starts what recurs."""

    def __init__(self, client: StripeClient, calls: Calls, clock: Clock, customers: Customers) -> None:
        self._v1 = client.v1
        self._calls = calls
        self._clock = clock
        self._customers = customers

    def start(self, step: MakeSubscription, made: Made, key: str) -> RecordRef:
        """The subscription, or the schedule that will start it on its day."""
        if not subscribing.is_made_by_schedule(step, self._today()):
            return ref("subscription", self._subscription(step, made, key)["id"])
        prices = self._prices(step, made, key)
        if subscribing.is_backdated(step, self._today()):
            return self._backdated(step, made, key, prices)
        params = subscribing.schedule_params(step, made, prices, self._today())
        body = self._calls.one(
            "subscription_schedules.create", lambda: self._v1.subscription_schedules.create(params, once(key))
        )
        return _started_by(body)

    def find(self, step: MakeSubscription, customer: RecordRef) -> RecordRef | None:
        """The subscription, else the schedule: a start that lay ahead at the first attempt may be past at this one.

        None also for a subscription that still lacks the schedule that is to change it.
        """
        found = self._subscription_of(step, customer)
        if found is not None:
            return None if self._is_unfinished(step, found) else ref("subscription", found["id"])
        waiting = first(
            self._calls,
            "subscription_schedules.list",
            self._v1.subscription_schedules.list,
            SubscriptionScheduleListParams(customer=customer.id),
            lambda body: meta(body, META_STEP) == str(step.key),
        )
        return _started_by(waiting) if waiting is not None else None

    def _today(self) -> date:
        return self._clock().date()

    def _subscription(
        self, step: MakeSubscription, made: Made, key: str, prices: Mapping[LinePrice, str] = NO_PRICES
    ) -> Json:
        automatic = step.terms.collection is CollectionMethod.CHARGE_AUTOMATICALLY
        can_charge = automatic and self._customers.can_charge(made[step.customer])
        params = subscribing.subscription_params(step, made, prices, can_charge=can_charge)
        return self._calls.one("subscriptions.create", lambda: self._v1.subscriptions.create(params, once(key)))

    def _subscription_of(self, step: MakeSubscription, customer: RecordRef) -> Json | None:
        return first(
            self._calls,
            "subscriptions.list",
            self._v1.subscriptions.list,
            SubscriptionListParams(customer=customer.id, status="all"),
            lambda body: meta(body, META_STEP) == str(step.key),
        )

    def _is_unfinished(self, step: MakeSubscription, body: Json) -> bool:
        """Whether an attempt stopped between making a backdated subscription and giving it its later phases.

        A schedule that is over leaves no trace on its subscription, so only one that still is in its first phase
        counts; and only one that bills.
        """
        ends = step.phases[0].end
        if ends is None or ends <= self._today() or body.get("status") in OVER:
            return False
        today = self._today()
        if not (subscribing.is_made_by_schedule(step, today) and subscribing.is_backdated(step, today)):
            return False
        schedule = id_of(body.get("schedule"))
        return not schedule or meta(self._schedule(schedule), META_STEP) != str(step.key)

    def _schedule(self, schedule: str) -> Json:
        return self._calls.one(
            "subscription_schedules.retrieve",
            lambda: self._v1.subscription_schedules.retrieve(schedule),
            ref("schedule", schedule),
        )

    def _prices(self, step: MakeSubscription, made: Made, key: str) -> Mapping[LinePrice, str]:
        """A price for each line that must stay the same item from phase to phase.

        One that an unheard attempt made is left behind unused, which costs nobody anything.
        """
        prices: dict[LinePrice, str] = {}
        for number, (line, price) in enumerate(subscribing.lasting_lines(step)):
            params = price_params(price, step.currency, made)
            create = partial(self._v1.prices.create, params, once(f"{key}/price/{number}"))
            prices[(line, price)] = self._calls.one("prices.create", create)["id"]
        return prices

    def _backdated(self, step: MakeSubscription, made: Made, key: str, prices: Mapping[LinePrice, str]) -> RecordRef:
        """Started by itself, since no schedule can say when the periods of a past start begin; then put under one.

        Three calls, of which any may be the last one heard of: so what is there is taken up.
        """
        subscription = self._subscription_of(step, made[step.customer])
        if subscription is None:
            subscription = self._subscription(step, made, key, prices)
        else:
            prices = {**prices, **_prices_of(step, subscription)}
        running_under = id_of(subscription.get("schedule"))
        schedule = self._schedule(running_under) if running_under else self._put_under_schedule(subscription, key)
        phases: list[Any] = [
            subscribing.phase_params(step, number, made, prices, by_duration=False)
            for number in range(len(step.phases))
        ]
        running = still_to_come(schedule, int(self._clock().timestamp()))[0]
        # What runs is repeated as it is: the same items, else they would be replaced and billed anew.
        phases[0] = {**running, "end_date": phases[0]["end_date"]}
        params = {
            "phases": phases,
            "end_behavior": "cancel" if step.ends else "release",
            "proration_behavior": "none",
            "metadata": phases[-1]["metadata"],
        }
        self._calls.one(
            "subscription_schedules.update",
            lambda: self._v1.subscription_schedules.update(
                schedule["id"], cast("SubscriptionScheduleUpdateParams", params), once(f"{key}/phases")
            ),
        )
        return ref("subscription", subscription["id"])

    def _put_under_schedule(self, subscription: Json, key: str) -> Json:
        return self._calls.one(
            "subscription_schedules.create",
            lambda: self._v1.subscription_schedules.create(
                {"from_subscription": subscription["id"]}, once(f"{key}/schedule")
            ),
        )


def _prices_of(step: MakeSubscription, subscription: Json) -> Mapping[LinePrice, str]:
    """The prices that a subscription's items have, by the lines of the first phase that they were made of."""
    by_line = {meta(item, META_LINE): id_of(item["price"]) for item in subscription["items"]["data"]}
    return {
        (line.line, line.price): by_line[str(line.line)]
        for line in step.recurring
        if isinstance(line.price, InlinePrice) and str(line.line) in by_line
    }


def _started_by(schedule: Json) -> RecordRef:
    """What a schedule has started; itself while it waits for its day."""
    subscription = id_of(schedule.get("subscription")) or id_of(schedule.get("released_subscription"))
    return ref("subscription", subscription) if subscription else ref("schedule", schedule["id"])
