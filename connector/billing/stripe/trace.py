"""Whose is it? From a payment, charge, dispute, refund, invoice and their like to the customer behind it.

``charge.invoice`` and ``payment_intent.invoice`` are gone since the basil version; what names no customer of its own is
followed to its payment intent, and from there, through the list of InvoicePayments, to an invoice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stripe import StripeClient

from connector.billing.stripe.calls import Calls, Json
from connector.billing.stripe.translate import id_of, ref
from connector.domain.refs import RecordRef
from connector.errors import NotFound, Unsupported
from connector.sentences.stripe import WHOSE


class Tracer:
    """Finds the customer of a record, in one call for most kinds and at most three."""

    def __init__(self, client: StripeClient, calls: Calls) -> None:
        v1 = client.v1
        self._v1 = v1
        self._calls = calls
        self._ways: dict[str, Callable[[RecordRef], str]] = {
            "customer": lambda record: record.id,
            "invoice": lambda record: self._named_by(record, v1.invoices.retrieve),
            "subscription": lambda record: self._named_by(record, v1.subscriptions.retrieve),
            "schedule": lambda record: self._named_by(record, v1.subscription_schedules.retrieve),
            "credit_note": lambda record: self._named_by(record, v1.credit_notes.retrieve),
            "payment": lambda record: self._of_intent(record.id),
            "charge": lambda record: self._of_charge(self._fetch(record, v1.charges.retrieve)),
            "dispute": lambda record: self._through_charge(record, v1.disputes.retrieve),
            "refund": lambda record: self._through_charge(record, v1.refunds.retrieve),
            "invoice_payment": self._of_invoice_payment,
        }

    def customer_of(self, record: RecordRef) -> RecordRef | None:
        """The customer; None for a record that has none, or that is gone (a deleted draft).

        Raises:
            Unsupported: no way leads from this kind of record to a customer.
        """
        way = self._ways.get(record.kind)
        if way is None:
            raise Unsupported.because(WHOSE, provider="stripe", ref=record, kind=record.kind)
        try:
            found = way(record)
        except NotFound:
            return None
        return ref("customer", found) if found else None

    def _fetch(self, record: RecordRef, retrieve: Callable[..., Any], *expand: str) -> Json:
        return self._calls.one(
            f"{record.kind}.retrieve",
            lambda: retrieve(record.id, {"expand": list(expand)}) if expand else retrieve(record.id),
            record,
        )

    def _named_by(self, record: RecordRef, retrieve: Callable[..., Any]) -> str:
        return id_of(self._fetch(record, retrieve).get("customer"))

    def _through_charge(self, record: RecordRef, retrieve: Callable[..., Any]) -> str:
        """For what names a charge or a payment intent, but no customer: disputes and refunds."""
        body = self._fetch(record, retrieve, "charge")
        charge = body.get("charge")
        found = self._of_charge(charge) if isinstance(charge, dict) else ""
        return found or self._of_intent(id_of(body.get("payment_intent")))

    def _of_charge(self, charge: Json) -> str:
        return id_of(charge.get("customer")) or self._of_intent(id_of(charge.get("payment_intent")))

    def _of_intent(self, intent: str) -> str:
        if not intent:
            return ""
        record = ref("payment", intent)
        body = self._fetch(record, self._v1.payment_intents.retrieve)
        return id_of(body.get("customer")) or self._of_intents_invoice(intent)

    def _of_intents_invoice(self, intent: str) -> str:
        answer = self._calls.one(
            "invoice_payments.list",
            lambda: self._v1.invoice_payments.list(
                {
                    "payment": {"type": "payment_intent", "payment_intent": intent},
                    "expand": ["data.invoice"],
                    "limit": 1,
                }
            ),
        )
        return next((_customer_of_invoice(payment) for payment in answer["data"]), "")

    def _of_invoice_payment(self, record: RecordRef) -> str:
        return _customer_of_invoice(self._fetch(record, self._v1.invoice_payments.retrieve, "invoice"))


def _customer_of_invoice(payment: Json) -> str:
    invoice = payment.get("invoice")
    return id_of(invoice.get("customer")) if isinstance(invoice, dict) else ""
