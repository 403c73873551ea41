"""Changing and ending a running contract, without Stripe ever prorating: what lies between is a line of the plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from stripe import StripeClient
from stripe.params import SubscriptionScheduleUpdateParams, SubscriptionUpdateParams

from connector.billing.stripe import items
from connector.billing.stripe.calls import Calls, Json
from connector.billing.stripe.lines import Made, price_params
from connector.billing.stripe.marks import meta, once
from connector.billing.stripe.phases import Phase, cut_at, split_at, still_to_come
from connector.billing.stripe.standing import Standing, Standings
from connector.billing.stripe.steps import META_STEP
from connector.domain.billing_plan import (
    META_ACCOUNT,
    META_CHANGED_BY,
    META_DEAL,
    ChangeSubscription,
    EndSubscription,
    InlinePrice,
    ItemChange,
    PlannedLine,
)
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.ports import Clock
from connector.sentences import billing as sentences
from mappings.canonical import LONGEST_METADATA

_THE_CONTRACTS_OWN = frozenset({META_DEAL, META_ACCOUNT, META_STEP})
"""Metadata that says whose the contract is; a change of it leaves that."""


class Changer:
    """Changes and ends what runs."""

    def __init__(self, client: StripeClient, calls: Calls, clock: Clock) -> None:
        self._v1 = client.v1
        self._calls = calls
        self._clock = clock
        self._standings = Standings(client, calls)

    def change(self, step: ChangeSubscription, made: Made, key: str) -> RecordRef:
        """The contract as it is to be billed from now on, or from its day.

        Raises:
            CannotBill: the contract has ended, or lost a line that was to change.
            Unsupported: its schedule holds settings that we would lose.
        """
        standing = self._standings.of(step.subscription)
        if _was_changed_by(standing, step):
            return standing.ref
        if standing.ended:
            raise CannotBill.because(
                sentences.CONTRACT_ENDED, ref=step.key.owner, provider="stripe", contract=step.subscription.id
            )
        at_once = step.on is None or step.on <= self._clock().date()
        if standing.schedule is None and at_once:
            self._change_subscription(step, standing, made, key)
        else:
            self._change_schedule(step, standing, made, key, at_once=at_once)
        return standing.ref

    def find_change(self, step: ChangeSubscription) -> RecordRef | None:
        """The contract, if the step has changed it already."""
        standing = self._standings.of(step.subscription)
        return standing.ref if _was_changed_by(standing, step) else None

    def end(self, step: EndSubscription, key: str) -> RecordRef:
        """The contract, ended now or to end on its day."""
        standing = self._standings.of(step.subscription)
        if self._ends_as_said(standing, step):
            return standing.ref
        end = None if step.on is None or step.on <= self._clock().date() else standing.at(step.on)
        if end is None or (standing.subscription is None and end <= _starts(standing)):
            self._end_now(standing, key)
        elif standing.schedule is not None:
            self._update_schedule(
                standing.schedule,
                cut_at(self._phases(standing.schedule), end),
                ends=True,
                metadata=_said(step, standing),
                key=key,
            )
        elif standing.subscription is not None:
            params: SubscriptionUpdateParams = {
                "cancel_at": end,
                "proration_behavior": "none",
                "metadata": _said(step, standing),
            }
            self._update_subscription(standing.subscription["id"], params, standing.ref, key)
        return standing.ref

    def find_end(self, step: EndSubscription) -> RecordRef | None:
        """The contract, if it ends already as the step says."""
        standing = self._standings.of(step.subscription)
        return standing.ref if self._ends_as_said(standing, step) else None

    def _ends_as_said(self, standing: Standing, step: EndSubscription) -> bool:
        if standing.ended or step.on is None:
            return standing.ended
        return ends_at(standing) == standing.at(step.on)

    def _end_now(self, standing: Standing, key: str) -> None:
        """At once, with no invoice for the time not served; what was used and not billed yet is billed."""
        if standing.schedule is not None:
            cancel_schedule = partial(
                self._v1.subscription_schedules.cancel,
                standing.schedule["id"],
                {"prorate": False, "invoice_now": _is_metered(standing)},
                once(key),
            )
            self._calls.one("subscription_schedules.cancel", cancel_schedule, standing.ref)
        else:
            cancel = partial(
                self._v1.subscriptions.cancel,
                standing.ref.id,
                {"prorate": False, "invoice_now": _is_metered(standing)},
                once(key),
            )
            self._calls.one("subscriptions.cancel", cancel, standing.ref)

    def _change_subscription(self, step: ChangeSubscription, standing: Standing, made: Made, key: str) -> None:
        body = standing.subscription or {}
        params: SubscriptionUpdateParams = {
            "proration_behavior": "none",
            "metadata": _said(step, standing),
        }
        if step.changes:
            params["items"] = items.of_subscription(step, body, made)
        if step.ends_on is not None:
            params["cancel_at"] = standing.at(step.ends_on)
        self._update_subscription(body["id"], params, standing.ref, key)

    def _change_schedule(
        self, step: ChangeSubscription, standing: Standing, made: Made, key: str, *, at_once: bool
    ) -> None:
        schedule = standing.schedule or self._put_under_schedule(standing, key)
        phases = self._phases(schedule)
        end = ends_at(Standing(standing.subscription, schedule))
        since: int = phases[0]["start_date"]
        if step.on is not None and not at_once:
            since = standing.at(step.on)
            if end is not None and since >= end:
                raise CannotBill.because(
                    sentences.CONTRACT_ENDED, ref=step.key.owner, provider="stripe", contract=step.subscription.id
                )
            phases = split_at(phases, since)
        changes = {since: step.changes} | {standing.at(later.start): later.changes for later in step.later}
        prices = self._prices(changes.values(), step, made, key)
        changed = [
            items.of_phase(step, changes.get(phase["start_date"], ()), phase, standing, made, prices)
            for phase in phases
        ]
        if step.ends_on is not None:
            end = standing.at(step.ends_on)
        if end is not None:
            changed = cut_at(changed, end)
        said = _said(step, standing)
        changed = [
            {**phase, "metadata": {**phase.get("metadata", {}), **said}} if phase["start_date"] >= since else phase
            for phase in changed
        ]
        self._update_schedule(schedule, changed, ends=end is not None, metadata=said, key=f"{key}/phases")

    def _put_under_schedule(self, standing: Standing, key: str) -> Json:
        """A subscription changes on a later day only through a schedule. One that is there already is taken up."""
        create = partial(
            self._v1.subscription_schedules.create, {"from_subscription": standing.ref.id}, once(f"{key}/schedule")
        )
        return self._calls.one("subscription_schedules.create", create, standing.ref)

    def _prices(
        self, changes: Iterable[Sequence[ItemChange]], step: ChangeSubscription, made: Made, key: str
    ) -> Mapping[PlannedLine, str]:
        """A price for each inline line that several phases get, so that it stays one item from phase to phase."""
        counted = Counter(
            change.line
            for each in changes
            for change in each
            if change.line is not None and isinstance(change.line.price, InlinePrice)
        )
        prices: dict[PlannedLine, str] = {}
        for number, line in enumerate(line for line, phases in counted.items() if phases > 1):
            if isinstance(line.price, InlinePrice):
                params = price_params(line.price, step.currency, made)
                create = partial(self._v1.prices.create, params, once(f"{key}/price/{number}"))
                prices[line] = self._calls.one("prices.create", create)["id"]
        return prices

    def _phases(self, schedule: Json) -> list[Phase]:
        return still_to_come(schedule, int(self._clock().timestamp()))

    def _update_subscription(self, ident: str, params: SubscriptionUpdateParams, whose: RecordRef, key: str) -> None:
        update = partial(self._v1.subscriptions.update, ident, params, once(key))
        self._calls.one("subscriptions.update", update, whose)

    def _update_schedule(
        self, schedule: Json, phases: list[Phase], *, ends: bool, metadata: Mapping[str, str], key: str
    ) -> None:
        params: dict[str, Any] = {
            "phases": phases,
            "end_behavior": "cancel" if ends else "release",
            "proration_behavior": "none",
            "metadata": metadata,
        }
        update = partial(
            self._v1.subscription_schedules.update,
            schedule["id"],
            cast("SubscriptionScheduleUpdateParams", params),
            once(key),
        )
        self._calls.one("subscription_schedules.update", update)


def ends_at(standing: Standing) -> int | None:
    """The second at which the contract ends by itself, if it does."""
    schedule = standing.schedule
    if schedule is not None and schedule.get("end_behavior") == "cancel" and schedule.get("phases"):
        end: int = schedule["phases"][-1]["end_date"]
        return end
    return (standing.subscription or {}).get("cancel_at")


def _starts(standing: Standing) -> int:
    start: int = (standing.schedule or {})["phases"][0]["start_date"]
    return start


def _was_changed_by(standing: Standing, step: ChangeSubscription) -> bool:
    return str(step.key) in _changed_by(standing)


def _changed_by(standing: Standing) -> list[str]:
    """The steps that have changed the contract, the newest last: one that was not heard of may not be the newest."""
    halves = (standing.schedule, standing.subscription)
    return [key for half in halves if half is not None for key in meta(half, META_CHANGED_BY).split()]


def _is_metered(standing: Standing) -> bool:
    found = ((standing.subscription or {}).get("items") or {}).get("data") or []
    return any((item["price"].get("recurring") or {}).get("usage_type") == "metered" for item in found)


def _said(step: ChangeSubscription | EndSubscription, standing: Standing) -> dict[str, str]:
    """The step's metadata; the mark that it leaves stands behind those of earlier steps, the oldest of which give way.

    Two changes may cross: each must be found by its mark, also when the other came after it.
    """
    own = str(step.key)
    marks = [*dict.fromkeys(key for key in _changed_by(standing) if key != own), own]
    while len(" ".join(marks)) > LONGEST_METADATA:
        marks.pop(0)
    given = {name: value for name, value in step.metadata.items() if name not in _THE_CONTRACTS_OWN}
    return {**given, META_CHANGED_BY: " ".join(marks)}
