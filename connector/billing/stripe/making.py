"""Making what a Step says, once; and finding what an earlier attempt made without our hearing of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stripe import StripeClient

from connector.billing.stripe import steps
from connector.billing.stripe.calls import Calls
from connector.billing.stripe.changing import Changer
from connector.billing.stripe.crediting import Creditor
from connector.billing.stripe.customers import Customers
from connector.billing.stripe.drafting import Drafter
from connector.billing.stripe.lines import Made
from connector.billing.stripe.marks import MOST_PAGES, meta, once
from connector.billing.stripe.standing import OVER
from connector.billing.stripe.starting import Starter
from connector.billing.stripe.steps import META_STEP
from connector.billing.stripe.translate import ref
from connector.domain.billing_plan import (
    AddToNextInvoice,
    ChangeSubscription,
    CreditInvoice,
    EndSubscription,
    GrantCredits,
    MakeCustomer,
    MakeInvoice,
    MakeProduct,
    MakeSubscription,
    Step,
)
from connector.domain.refs import RecordRef
from connector.errors import NotFound, Rejected
from connector.ports import Clock
from connector.sentences.stripe import PRODUCT_ARCHIVED

_UNDONE = OVER | {"void"}
"""Statuses of what bills nobody any more, invoices too; a released schedule's subscription is found by itself."""


class Maker:
    """Runs and finds steps."""

    def __init__(self, client: StripeClient, calls: Calls, clock: Clock, customers: Customers) -> None:
        self._v1 = client.v1
        self._calls = calls
        self._customers = customers
        self._starter = Starter(client, calls, clock, customers)
        self._drafter = Drafter(client, calls, clock)
        self._changer = Changer(client, calls, clock)
        self._creditor = Creditor(client, calls)

    def run(self, step: Step, made: Made, key: str) -> RecordRef:
        """Make what the step says, once per ``key``."""
        match step:
            case MakeCustomer():
                return self._customers.make(step, key)
            case MakeProduct():
                return self._make_product(step, key)
            case MakeSubscription():
                return self._starter.start(step, made, key)
            case MakeInvoice():
                return self._drafter.draft(step, made, key)
            case AddToNextInvoice():
                return self._drafter.add(step, made, key)
            case GrantCredits():
                return self._creditor.grant(step, made, key)
            case CreditInvoice():
                return self._creditor.credit(step, key)
            case ChangeSubscription():
                return self._changer.change(step, made, key)
            case EndSubscription():
                return self._changer.end(step, key)

    def find(self, step: Step, made: Made) -> RecordRef | None:
        """What an earlier attempt at the step made; None also for what is only half made."""
        match step:
            case MakeCustomer():
                return self._customers.find(step)
            case MakeProduct():
                return self._find_product(step)
            case MakeSubscription():
                return self._starter.find(step, made[step.customer])
            case MakeInvoice():
                return self._drafter.find(step, made[step.customer])
            case AddToNextInvoice():
                return self._drafter.find_added(step, made[step.customer])
            case GrantCredits():
                return self._creditor.find_grant(step, made[step.customer])
            case CreditInvoice():
                return self._creditor.find(step)
            case ChangeSubscription():
                return self._changer.find_change(step)
            case EndSubscription():
                return self._changer.find_end(step)

    def made_for(self, deal: RecordRef, customer: RecordRef) -> list[RecordRef]:
        """Every subscription, schedule and invoice that our steps made for the deal and that still holds."""
        lists: tuple[tuple[str, str, Callable[..., Any]], ...] = (
            ("subscription", "subscriptions.list", self._v1.subscriptions.list),
            ("schedule", "subscription_schedules.list", self._v1.subscription_schedules.list),
            ("invoice", "invoices.list", self._v1.invoices.list),
        )
        try:
            found = [
                (kind, body)
                for kind, what, ask in lists
                for body in self._calls.every(what, ask, {"customer": customer.id}, MOST_PAGES)
                if meta(body, META_STEP).startswith(f"{deal}/") and body.get("status") not in _UNDONE
            ]
        except (NotFound, Rejected) as error:
            if error.code != "resource_missing":
                raise
            return []  # the customer was deleted, and whatever it had was cancelled
        # A schedule that has started its subscription bills through that alone.
        return [ref(kind, body["id"]) for kind, body in found if kind != "schedule" or not body.get("subscription")]

    def _make_product(self, step: MakeProduct, key: str) -> RecordRef:
        params = steps.product_params(step)
        try:
            body = self._calls.one("products.create", lambda: self._v1.products.create(params, once(key)))
            return ref("product", body["id"])
        except Rejected as error:
            if error.code != "resource_already_exists":
                raise
        product = self._find_product(step)
        if product is None:
            raise Rejected.because(
                PRODUCT_ARCHIVED, provider="stripe", ref=step.key.owner, product=steps.product_id(step)
            )
        return product

    def _find_product(self, step: MakeProduct) -> RecordRef | None:
        known = ref("product", steps.product_id(step))
        try:
            body = self._calls.one("products.retrieve", lambda: self._v1.products.retrieve(known.id), known)
        except NotFound:
            return None
        return known if body.get("active") and not body.get("deleted") else None
