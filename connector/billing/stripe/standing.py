"""A running contract as Stripe holds it: a subscription, its schedule, or a schedule that still waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from stripe import StripeClient

from connector.billing.stripe.calls import Calls, Json
from connector.billing.stripe.lines import midnight
from connector.billing.stripe.translate import id_of, ref
from connector.domain.refs import RecordRef

OVER = frozenset({"canceled", "incomplete_expired", "completed", "released"})
"""Statuses of a subscription or a schedule that bills nobody any more."""

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Standing:
    """The two halves of a contract; at least one is there. A schedule that has let go of its subscription is none."""

    subscription: Json | None
    schedule: Json | None

    @property
    def ref(self) -> RecordRef:
        """How the contract is named: the subscription, once there is one."""
        if self.subscription is not None:
            return ref("subscription", self.subscription["id"])
        if self.schedule is None:
            raise ValueError("a contract is a subscription or a schedule")
        return ref("schedule", self.schedule["id"])

    @property
    def ended(self) -> bool:
        """Whether it bills nobody any more."""
        half = self.subscription if self.subscription is not None else self.schedule
        return half is not None and half.get("status") in OVER

    def at(self, day: date) -> int:
        """That day at the second of the day at which the contract's periods begin, so that none is cut short."""
        if self.subscription is not None:
            begins: int = self.subscription["billing_cycle_anchor"]
        else:
            begins = (self.schedule or {})["phases"][0]["start_date"]
        return midnight(day) + begins % _DAY


class Standings:
    """Reads how contracts stand."""

    def __init__(self, client: StripeClient, calls: Calls) -> None:
        self._v1 = client.v1
        self._calls = calls

    def of(self, contract: RecordRef) -> Standing:
        """The contract behind a subscription or a schedule, in one or two calls. Raises NotFound."""
        if contract.kind == "schedule":
            schedule = self._schedule(contract.id)
            started = id_of(schedule.get("subscription")) or id_of(schedule.get("released_subscription"))
            if not started:
                return Standing(None, schedule)
            return Standing(self._subscription(started), None if schedule.get("status") in OVER else schedule)
        subscription = self._subscription(contract.id)
        attached = id_of(subscription.get("schedule"))
        return Standing(subscription, self._schedule(attached) if attached else None)

    def _subscription(self, ident: str) -> Json:
        return self._calls.one(
            "subscriptions.retrieve", lambda: self._v1.subscriptions.retrieve(ident), ref("subscription", ident)
        )

    def _schedule(self, ident: str) -> Json:
        return self._calls.one(
            "subscription_schedules.retrieve",
            lambda: self._v1.subscription_schedules.retrieve(ident, {"expand": ["phases.items.price"]}),
            ref("schedule", ident),
        )
