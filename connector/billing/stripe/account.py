"""All that Stripe knows of one customer, in the fewest calls.

Two calls for a customer without invoices that anybody pays: its subscriptions, which bring the customer along, and its
invoices (100 to a page, with the payments of each and the first ten of its lines). One more for the customer itself if
it has no subscription. And one more, the customer's payment intents with their latest charges, as soon as an invoice is
paid, or is to be paid, through one: only they say that a bank debit is under way or that a bank took money back, and
the invoices cannot be asked to bring them along (Stripe expands four levels, this would be the fifth). Credit notes
are asked for when an invoice says that it has some, disputes per disputed charge, and lines, payments, items or refunds
that did not fit into the first answer for the record they belong to. A coupon is asked for once in a process's life,
and the items of a subscription that is sold in tiers once more, for the tiers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stripe import StripeClient
from stripe.params import (
    CreditNoteListParams,
    CustomerRetrieveParams,
    DisputeListParams,
    InvoiceLineItemListParams,
    InvoiceListParams,
    InvoicePaymentListParams,
    PaymentIntentListParams,
    RefundListParams,
    SubscriptionItemListParams,
    SubscriptionListParams,
)

from connector.billing.stripe import translate
from connector.billing.stripe.calls import Calls, Json, reading
from connector.billing.stripe.recurring import Coupons, recurring_amounts, wants_tiers
from connector.domain.billing import BillingAccount, CreditNote, Dispute, Invoice, Refund, Subscription
from connector.domain.refs import RecordRef
from connector.errors import Rejected
from connector.ports import Clock

MOST_PAGES = 50
"""5,000 records of one kind for one customer."""

# Stripe expands four levels: a discount's coupon comes along for a subscription, but not for its items or its customer.
_WITH_CUSTOMER = ("invoice_settings.default_payment_method", "default_source")
_WITH_SUBSCRIPTIONS = (
    *(f"data.customer.{path}" for path in _WITH_CUSTOMER),
    *("data.default_payment_method", "data.discounts.source.coupon", "data.items.data.discounts"),
)
_WITH_ITEMS = ("data.price.tiers", "data.discounts")


@dataclass(frozen=True, slots=True)
class _Intents:
    """What payment intents tell about the payments of invoices."""

    processing: frozenset[str] = frozenset()
    disputed: tuple[str, ...] = ()  #: those whose charge was ever disputed
    charges: Mapping[str, str] | None = None  #: payment intent -> its latest charge
    refunded: Mapping[str, Json] | None = None  #: payment intent -> the first page of its refunds, where it has any

    @classmethod
    def told_by(cls, intents: Sequence[Json]) -> _Intents:
        """Read from payment intents with their latest charge expanded."""
        latest = {intent["id"]: intent.get("latest_charge") for intent in intents}
        return cls(
            processing=frozenset(intent["id"] for intent in intents if intent.get("status") == "processing"),
            disputed=tuple(
                intent for intent, charge in latest.items() if isinstance(charge, dict) and charge.get("disputed")
            ),
            charges={intent: translate.id_of(charge) for intent, charge in latest.items()},
            refunded={
                intent: charge.get("refunds") or {"data": [], "has_more": True}
                for intent, charge in latest.items()
                if isinstance(charge, dict) and charge.get("amount_refunded")
            },
        )


class AccountReader:
    """Reads whole accounts."""

    def __init__(self, client: StripeClient, calls: Calls, clock: Clock) -> None:
        self._client = client
        self._calls = calls
        self._clock = clock
        self._coupons = Coupons(client, calls)

    def read(self, customer: RecordRef) -> BillingAccount:
        """The account as it is now.

        Raises:
            NotFound: there never was such a customer. A deleted one is an account like any other.
        """
        subscriptions = self._subscriptions(customer)
        who = subscriptions[0]["customer"] if subscriptions else self._customer(customer)
        invoices = self._every("invoices", InvoiceListParams(customer=customer.id, expand=["data.payments"]))
        payments = [payment for body in invoices for payment in self._payments(body)]
        invoice_of = {
            intent: translate.id_of(payment["invoice"])
            for payment in payments
            if (intent := translate.payment_intent_of(payment))
        }
        intents = self._intents(customer, invoice_of)
        disputes = self._disputes(intents, invoice_of)
        disputed = {dispute.invoice for dispute in disputes if translate.is_disputed(dispute)}
        processing = {invoice_of.get(intent) for intent in intents.processing}
        return BillingAccount(
            customer=translate.customer(who, subscriptions),
            subscriptions=tuple(self._subscription(body, who) for body in subscriptions),
            invoices=tuple(
                self._invoice(
                    body,
                    disputed=translate.ref("invoice", body["id"]) in disputed,
                    processing=body["id"] in processing,
                )
                for body in invoices
            ),
            payments=tuple(
                payment
                for payment in (translate.payment(body, intents.charges or {}) for body in payments)
                if payment.status == "paid"
            ),
            credit_notes=self._credit_notes(customer, invoices),
            disputes=disputes,
            refunds=self._refunds(intents, invoice_of),
        )

    def _every(self, kind: str, params: Mapping[str, Any]) -> list[Json]:
        """All records of a kind: ``subscriptions``, or ``invoices/in_1/lines``."""
        return self._calls.every(f"{kind}.list", reading(self._client, f"/v1/{kind}"), params, MOST_PAGES)

    def _subscriptions(self, customer: RecordRef) -> list[Json]:
        """Each with the customer, what both are paid with, and the discounts on it and on its items."""
        params = SubscriptionListParams(customer=customer.id, status="all", expand=list(_WITH_SUBSCRIPTIONS))
        try:
            return self._every("subscriptions", params)
        except Rejected:
            self._customer(customer)  # says NotFound where a list says that the request names nobody
            raise

    def _customer(self, customer: RecordRef) -> Json:
        ask = self._client.v1.customers.retrieve
        params = CustomerRetrieveParams(expand=list(_WITH_CUSTOMER))
        return self._calls.one("customers.retrieve", lambda: ask(customer.id, params), customer)

    def _subscription(self, body: Json, customer: Json) -> Subscription:
        if body["items"].get("has_more") or wants_tiers(body):
            params = SubscriptionItemListParams(subscription=body["id"], expand=list(_WITH_ITEMS))
            body = {**body, "items": {"data": self._every("subscription_items", params)}}
        now = self._clock().timestamp()
        return translate.subscription(body, recurring_amounts(body, customer, self._coupons.of, now))

    def _invoice(self, body: Json, *, disputed: bool, processing: bool) -> Invoice:
        if body["lines"].get("has_more"):
            lines = self._every(f"invoices/{body['id']}/lines", InvoiceLineItemListParams())
            body = {**body, "lines": {"data": lines}}
        return translate.invoice(body, disputed=disputed, processing=processing)

    def _payments(self, body: Json) -> list[Json]:
        given = body.get("payments") or {"data": []}
        if given.get("has_more"):
            return self._every("invoice_payments", InvoicePaymentListParams(invoice=body["id"]))
        return list(given["data"])

    def _intents(self, customer: RecordRef, invoice_of: Mapping[str, str]) -> _Intents:
        if not invoice_of:
            return _Intents()
        params = PaymentIntentListParams(customer=customer.id, expand=["data.latest_charge.refunds"])
        return _Intents.told_by(self._every("payment_intents", params))

    def _disputes(self, intents: _Intents, invoice_of: Mapping[str, str]) -> tuple[Dispute, ...]:
        """The disputes of those payments of invoices that had any: a dispute cannot be listed by customer."""
        return tuple(
            translate.dispute(body, translate.ref("invoice", invoice_of[intent]))
            for intent in intents.disputed
            if intent in invoice_of
            for body in self._disputes_of(intent)
        )

    def _disputes_of(self, intent: str) -> list[Json]:
        return self._every("disputes", DisputeListParams(payment_intent=intent))

    def _refunds(self, intents: _Intents, invoice_of: Mapping[str, str]) -> tuple[Refund, ...]:
        """What went back of payments of invoices."""
        return tuple(
            translate.refund(body, translate.ref("invoice", invoice_of[intent]))
            for intent, given in (intents.refunded or {}).items()
            if intent in invoice_of
            for body in (self._refunds_of(intent) if given.get("has_more") else given["data"])
        )

    def _refunds_of(self, intent: str) -> list[Json]:
        return self._every("refunds", RefundListParams(payment_intent=intent))

    def _credit_notes(self, customer: RecordRef, invoices: Sequence[Json]) -> tuple[CreditNote, ...]:
        if not any(translate.credited(body) for body in invoices):
            return ()
        notes = self._every("credit_notes", CreditNoteListParams(customer=customer.id))
        return tuple(map(translate.credit_note, notes))
