"""The sandbox's Stripe without a network between: thousands of contracts, run to their end in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

import stripe

from connector.billing.stripe.calls import Calls
from connector.billing.stripe.client import StripeBilling
from connector.billing.stripe.settings import StripeSettings
from connector.billing.stripe.steps import META_STEP
from connector.domain.billing_plan import META_LINE, BillingPlan, MakeCustomer, MakeInvoice, MakeSubscription, StepKey
from connector.domain.deal import CollectionMethod
from connector.domain.refs import RecordRef
from connector.sandbox import stripe as sandbox_stripe
from connector.sandbox.clock import Clock
from connector.sandbox.deliveries import Deliveries
from connector.sandbox.faults import Faults
from connector.sandbox.request_log import RequestLog

KEY = "sk_test_shapes"


class SetClock(Clock):
    """A clock that stands where it is put: on a morning, not at midnight, as when a deal is really won."""

    def __init__(self, day: date) -> None:
        super().__init__()
        self._start = datetime(day.year, day.month, day.day, 9, 41, 17, tzinfo=UTC)

    def now(self) -> datetime:
        """Where it was put, moved by what was advanced."""
        return self._start + self._read_offset()


class _InProcess(stripe.HTTPClient):
    """The SDK's requests, answered by the application itself."""

    name = "in-process"

    def __init__(self, app: Any) -> None:
        super().__init__()
        self._browser = app.test_client()

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        parts = urlsplit(url)
        answer = self._browser.open(
            parts.path, method=method.upper(), query_string=parts.query, data=post_data, headers=dict(headers or {})
        )
        return answer.get_data(as_text=True), answer.status_code, dict(answer.headers)

    def close(self) -> None:
        """Nothing is open."""


class _NoWaiting:
    """A throttle that never makes anyone wait."""

    def wait(self, name: str) -> None:
        """Go on."""

    def budget(self, name: str, used: int, allowed: int) -> None:
        """Stripe has no daily budget."""


@dataclass(frozen=True, order=True)
class BilledLine:
    """One line of an invoice that Stripe made."""

    line: str
    amount: int


@dataclass(frozen=True, order=True)
class Billed:
    """One invoice that Stripe made: by which step, when drafted, when due, how much, for what."""

    day: date
    step: str
    due: date | None
    total: int
    lines: tuple[BilledLine, ...]


class StripeInProcess:
    """One account on one day, with our own client on it."""

    def __init__(self, today: date) -> None:
        self.clock = SetClock(today)
        self.log = RequestLog()
        self._deliveries = Deliveries(self.clock, Faults(), threads=1)
        self.vendor = sandbox_stripe.create(self.clock, Faults(), self._deliveries, self.log)
        self._leave_out_what_nobody_reads()
        self.sdk = stripe.StripeClient(KEY, http_client=_InProcess(self.vendor.app()), max_network_retries=0)
        settings = StripeSettings(api_key=KEY)
        self.billing = StripeBilling(self.sdk, Calls(_NoWaiting()), self.clock.now, settings)

    def _leave_out_what_nobody_reads(self) -> None:
        """Events, and sending what is drafted: most of the time, and no part of what is compared."""
        self.vendor.events.happened = lambda *_told: None  # type: ignore[method-assign]  # on this one account
        settings = self.vendor.world.settings
        settings.upcoming_days, settings.draft_seconds = 0, 100 * 365 * 86_400

    def close(self) -> None:
        """Stop whatever waits to be sent."""
        self._deliveries.close()

    def run(self, plan: BillingPlan) -> dict[StepKey, RecordRef]:
        """Make everything the plan says, as the connector would."""
        made: dict[StepKey, RecordRef] = {}
        for step in plan.steps:
            made[step.key] = self.billing.run(step, made, f"{step.key}#1")
            if isinstance(step, MakeCustomer) and _charges(plan):
                self._give_card(made[step.key])
        return made

    def _give_card(self, customer: RecordRef) -> None:
        """What is charged by itself needs something to charge, or the contract ends with its first invoice."""
        card = self.sdk.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        self.sdk.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": card.id}})

    def advance_to(self, day: date) -> None:
        """Let time pass until the end of that day; drafts of it are made, all earlier ones sent."""
        until = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)
        if until > self.clock.now():
            self.clock.advance(until - self.clock.now())

    def stop(self, record: RecordRef) -> None:
        """End a contract that would run on for ever, without a trace on its invoices."""
        if record.kind == "schedule":
            schedule = self.sdk.v1.subscription_schedules.retrieve(record.id)
            if schedule.status in {"active", "not_started"}:
                self.sdk.v1.subscription_schedules.cancel(record.id, {"invoice_now": False, "prorate": False})
                return
            released = schedule["released_subscription"]
            if released is None:
                return
            record = RecordRef("stripe", "subscription", str(released))
        subscription = self.sdk.v1.subscriptions.retrieve(record.id)
        if subscription.status != "canceled":
            self.sdk.v1.subscriptions.cancel(record.id, {"invoice_now": False, "prorate": False})

    def invoices(self) -> dict[str, list[Billed]]:
        """Every invoice there is, by customer, in the order of their days."""
        found: dict[str, list[Billed]] = {}
        for invoice in self.vendor.world.all("invoice"):
            found.setdefault(invoice["customer"], []).append(_billed(invoice))
        return {customer: sorted(invoices) for customer, invoices in found.items()}


def _charges(plan: BillingPlan) -> bool:
    return any(
        isinstance(step, MakeSubscription | MakeInvoice)
        and step.terms.collection is CollectionMethod.CHARGE_AUTOMATICALLY
        for step in plan.steps
    )


def _billed(invoice: Mapping[str, Any]) -> Billed:
    details = (invoice["parent"] or {}).get("subscription_details")
    metadata = details["metadata"] if details else invoice["metadata"]
    # A dated invoice is drafted with the others and is the customer's on the day it is finalised.
    made = invoice["created"]
    if not details:
        made = invoice["status_transitions"]["finalized_at"] or invoice["automatically_finalizes_at"] or made
    return Billed(
        day=_day(made),
        step=metadata.get(META_STEP, ""),
        due=_day(invoice["due_date"]) if invoice["due_date"] is not None else None,
        total=invoice["total"],
        lines=tuple(
            sorted(BilledLine(line["metadata"].get(META_LINE, ""), line["amount"]) for line in invoice["_lines"])
        ),
    )


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()
