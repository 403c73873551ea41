"""Making what a Step says, once; and finding what an earlier attempt made without our hearing of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from stripe import RequestOptions, StripeClient
from stripe.params import (
    CustomerListParams,
    InvoiceItemListParams,
    InvoiceListParams,
    SubscriptionListParams,
    SubscriptionScheduleListParams,
)

from connector.billing.stripe import steps
from connector.billing.stripe.calls import Calls, Json
from connector.billing.stripe.steps import META_STEP, Made
from connector.billing.stripe.translate import id_of, ref
from connector.domain.billing_plan import (
    META_ACCOUNT,
    META_LINE,
    MakeCustomer,
    MakeInvoice,
    MakeProduct,
    MakeSubscription,
    Step,
)
from connector.domain.deal import CollectionMethod
from connector.domain.refs import RecordRef
from connector.errors import NotFound, Rejected, Unsupported
from connector.ports import Clock

MOST_PAGES = 50

_Params = TypeVar("_Params")

_LOOK_BACK = timedelta(days=3)
"""How far back customers without an e-mail address are looked through: an unheard attempt is retried within minutes."""


_UNDONE = frozenset({"canceled", "incomplete_expired", "released", "completed", "void"})
"""Statuses of what bills nobody any more; a released schedule's subscription is found by itself."""


class Maker:
    """Runs and finds steps."""

    def __init__(self, client: StripeClient, calls: Calls, clock: Clock) -> None:
        self._v1 = client.v1
        self._calls = calls
        self._clock = clock

    def run(self, step: Step, made: Made, key: str) -> RecordRef:
        """Make what the step says, once per ``key``."""
        match step:
            case MakeCustomer():
                return self._adopt_customer(step) if step.adopt else self._make_customer(step, key)
            case MakeProduct():
                return self._make_product(step, key)
            case MakeSubscription():
                return self._make_schedule(step, made, key) if step.scheduled else self._make_sub(step, made, key)
            case MakeInvoice():
                return self._make_invoice(step, made, key)
            case _:
                raise Unsupported(f"Stripe cannot do {step.key} yet.", provider="stripe", ref=step.key.owner)

    def find(self, step: Step, made: Made) -> RecordRef | None:
        """What an earlier attempt at the step made; None also for a draft invoice that still lacks lines."""
        match step:
            case MakeCustomer():
                return self._find_customer(step)
            case MakeProduct():
                return self._find_product(step)
            case MakeSubscription():
                return self._find_subscription(step, made[step.customer])
            case MakeInvoice():
                found = self._invoice_of(step, made[step.customer])
                if found is None or self._missing_lines(step, found):
                    return None
                return ref("invoice", found["id"])
            case _:
                return None

    def made_for(self, deal: RecordRef, customer: RecordRef) -> list[RecordRef]:
        """Every subscription, schedule and invoice that our steps made for the deal and that still holds."""
        lists: tuple[tuple[str, str, Callable[..., Any]], ...] = (
            ("subscription", "subscriptions.list", self._v1.subscriptions.list),
            ("schedule", "subscription_schedules.list", self._v1.subscription_schedules.list),
            ("invoice", "invoices.list", self._v1.invoices.list),
        )
        try:
            return [
                ref(kind, body["id"])
                for kind, what, ask in lists
                for body in self._calls.every(what, ask, {"customer": customer.id}, MOST_PAGES)
                if _meta(body, META_STEP).startswith(f"{deal}/") and body.get("status") not in _UNDONE
            ]
        except (NotFound, Rejected) as error:
            if error.code != "resource_missing":
                raise
            return []  # the customer was deleted, and whatever it had was cancelled

    # --- customers --------------------------------------------------------------------------------------------------

    def _make_customer(self, step: MakeCustomer, key: str) -> RecordRef:
        params = steps.customer_params(step)
        return self._created("customer", "customers.create", lambda: self._v1.customers.create(params, _once(key)))

    def _adopt_customer(self, step: MakeCustomer) -> RecordRef:
        """The customer that the CRM record names. Nothing on it is changed: it may be in use elsewhere."""
        known = ref("customer", step.adopt)
        try:
            body = self._customer(known)
        except NotFound as error:
            raise Rejected(
                f"The account names the Stripe customer {step.adopt}, which does not exist.",
                hint="Correct the customer id on the account, or empty it to have a customer made.",
                provider="stripe",
                ref=step.key.owner,
                status=error.status,
                code=error.code,
                request_id=error.request_id,
            ) from error
        if body.get("deleted"):
            raise Rejected(
                f"The account names the Stripe customer {step.adopt}, which has been deleted.",
                hint="Correct the customer id on the account, or empty it to have a customer made.",
                provider="stripe",
                ref=step.key.owner,
            )
        return known

    def _find_customer(self, step: MakeCustomer) -> RecordRef | None:
        if step.adopt:
            return None  # nothing is made for it, so there is nothing to find
        owner = str(step.key.owner)
        if step.email:
            found = self._first(
                "customers.list",
                self._v1.customers.list,
                CustomerListParams(email=step.email),
                lambda body: _meta(body, META_ACCOUNT) == owner,
            )
            if found is not None:
                return ref("customer", found["id"])
        # The contact, and with it the address, may have changed since.
        since = int((self._clock() - _LOOK_BACK).timestamp())
        found = self._first(
            "customers.list",
            self._v1.customers.list,
            CustomerListParams(created={"gte": since}),
            lambda body: _meta(body, META_ACCOUNT) == owner,
        )
        return ref("customer", found["id"]) if found is not None else None

    # --- products ---------------------------------------------------------------------------------------------------

    def _make_product(self, step: MakeProduct, key: str) -> RecordRef:
        params = steps.product_params(step)
        try:
            return self._created("product", "products.create", lambda: self._v1.products.create(params, _once(key)))
        except Rejected as error:
            if error.code != "resource_already_exists":
                raise
        product = self._find_product(step)
        if product is None:
            raise Rejected(
                f"The Stripe product {steps.product_id(step)} is archived.",
                hint="Make it active again in Stripe, or name a price on the CRM product.",
                provider="stripe",
                ref=step.key.owner,
            )
        return product

    def _find_product(self, step: MakeProduct) -> RecordRef | None:
        known = ref("product", steps.product_id(step))
        try:
            body = self._calls.one("products.retrieve", lambda: self._v1.products.retrieve(known.id), known)
        except NotFound:
            return None
        return known if body.get("active") and not body.get("deleted") else None

    # --- subscriptions ----------------------------------------------------------------------------------------------

    def _make_sub(self, step: MakeSubscription, made: Made, key: str) -> RecordRef:
        params = steps.subscription_params(step, made, can_charge=self._can_charge(step, made))
        return self._created(
            "subscription", "subscriptions.create", lambda: self._v1.subscriptions.create(params, _once(key))
        )

    def _make_schedule(self, step: MakeSubscription, made: Made, key: str) -> RecordRef:
        params = steps.schedule_params(step, made)
        return self._created(
            "schedule",
            "subscription_schedules.create",
            lambda: self._v1.subscription_schedules.create(params, _once(key)),
        )

    def _can_charge(self, step: MakeSubscription, made: Made) -> bool:
        """Whether the customer has something to charge; asked only when charging is what the deal says."""
        if step.terms.collection is not CollectionMethod.CHARGE_AUTOMATICALLY:
            return False
        body = self._customer(made[step.customer])
        settings = body.get("invoice_settings") or {}
        return bool(id_of(settings.get("default_payment_method")) or id_of(body.get("default_source")))

    def _find_subscription(self, step: MakeSubscription, customer: RecordRef) -> RecordRef | None:
        """The subscription, else the schedule: a start that lay ahead at the first attempt may be past at this one."""
        found = self._first(
            "subscriptions.list",
            self._v1.subscriptions.list,
            SubscriptionListParams(customer=customer.id, status="all"),
            lambda body: _meta(body, META_STEP) == str(step.key),
        )
        if found is not None:
            schedule = id_of(found.get("schedule"))
            return ref("schedule", schedule) if schedule and step.scheduled else ref("subscription", found["id"])
        found = self._first(
            "subscription_schedules.list",
            self._v1.subscription_schedules.list,
            SubscriptionScheduleListParams(customer=customer.id),
            lambda body: _meta(body, META_STEP) == str(step.key),
        )
        return ref("schedule", found["id"]) if found is not None else None

    # --- invoices ---------------------------------------------------------------------------------------------------

    def _make_invoice(self, step: MakeInvoice, made: Made, key: str) -> RecordRef:
        """A draft and its lines: several calls, of which any may be the last one heard of.

        So what an earlier attempt left is taken up first, under whatever key it was made, and only lines that are not
        there yet are added.
        """
        draft = self._invoice_of(step, made[step.customer])
        if draft is None:
            params = steps.invoice_params(step, made)
            draft = self._calls.one("invoices.create", lambda: self._v1.invoices.create(params, _once(key)))
            missing = list(range(len(step.lines)))
        else:
            missing = self._missing_lines(step, draft)
        invoice = ref("invoice", draft["id"])
        for number in missing:
            item = steps.invoice_item_params(step, step.lines[number], invoice, made)
            create = partial(self._v1.invoice_items.create, item, _once(f"{key}/line/{number}"))
            self._calls.one("invoice_items.create", create, invoice)
        return invoice

    def _invoice_of(self, step: MakeInvoice, customer: RecordRef) -> Json | None:
        return self._first(
            "invoices.list",
            self._v1.invoices.list,
            InvoiceListParams(customer=customer.id),
            lambda body: _meta(body, META_STEP) == str(step.key),
        )

    def _missing_lines(self, step: MakeInvoice, invoice: Json) -> list[int]:
        """Which of the step's lines the draft lacks, by their place in the step; none once it is no draft any more."""
        if invoice.get("status") != "draft":
            return []
        items = self._calls.every(
            "invoice_items.list",
            self._v1.invoice_items.list,
            InvoiceItemListParams(invoice=invoice["id"]),
            MOST_PAGES,
        )
        there = Counter(_meta(item, META_LINE) for item in items)
        missing: list[int] = []
        for number, line in enumerate(step.lines):
            if there[str(line.line)]:
                there[str(line.line)] -= 1
            else:
                missing.append(number)
        return missing

    # --- shared -----------------------------------------------------------------------------------------------------

    def _customer(self, customer: RecordRef) -> Json:
        return self._calls.one("customers.retrieve", lambda: self._v1.customers.retrieve(customer.id), customer)

    def _created(self, kind: str, what: str, create: Callable[[], Any]) -> RecordRef:
        return ref(kind, self._calls.one(what, create)["id"])

    def _first(
        self, what: str, ask: Callable[[_Params], Any], params: _Params, fits: Callable[[Json], bool]
    ) -> Json | None:
        """The newest record of a list that fits; pages after it are not asked for."""
        for page in self._calls.pages(what, ask, params, MOST_PAGES):
            for body in page:
                if fits(body):
                    return body
        return None


def _once(key: str) -> RequestOptions:
    return {"idempotency_key": key}


def _meta(body: Json, key: str) -> str:
    return str((body.get("metadata") or {}).get(key) or "")
