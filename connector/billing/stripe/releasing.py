"""The first invoice: compared with what the deal says, then finalised and sent, so that its link exists at once.

Stripe leaves the first invoice of a ``send_invoice`` subscription a draft for about an hour, and ours from a one-off
deal for ever. Left alone it would have neither number nor link for the deal's record.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from stripe import StripeClient
from stripe.params import InvoiceListParams, InvoiceUpdateParams

from connector.billing.stripe import translate
from connector.billing.stripe.calls import Calls, Json
from connector.billing.stripe.invoicing import META_BILL_ON, finalised_at
from connector.domain.billing import InvoiceStatus
from connector.domain.money import Money
from connector.domain.refs import RecordRef
from connector.errors import NeedsHuman, Rejected
from connector.ports import Clock
from connector.sentences.stripe import DRAFT_DIFFERS, INVOICE_DIFFERS

META_HELD = "crm_held"
"""On a draft that we held: whoever finalises it all the same has decided."""

META_ACCEPTED = "crm_accepted"
"""Written by a person on an invoice that differs from its deal and shall stay as it is."""

_FIRST = "subscription_create"
_MOST_PAGES = 10

_REPLAYED_FOR = timedelta(hours=20)
"""Stripe remembers an idempotency key for at least a day: within it, sending again sends nothing."""


class Releaser:
    """Releases first invoices."""

    def __init__(self, client: StripeClient, calls: Calls, clock: Clock) -> None:
        self._v1 = client.v1
        self._calls = calls
        self._clock = clock

    def release(self, made: RecordRef, expected: int | None) -> None:
        """Finalise and send the first invoice of a subscription, or the invoice itself. A schedule has none yet.

        Raises:
            NeedsHuman: it does not come to ``expected`` minor units before tax; a draft is held back.
        """
        invoice = self._first_invoice(made)
        if invoice is None or translate.invoice_status(invoice["status"]) in (
            InvoiceStatus.VOID,
            InvoiceStatus.UNCOLLECTIBLE,
        ):
            return
        if expected is not None:
            self._compare(invoice, expected)
        if _is_for_later(invoice, self._clock()):
            return
        if invoice["status"] == InvoiceStatus.DRAFT:
            invoice = self._finalise(invoice)
        if self._is_to_be_sent(invoice):
            send = partial(
                self._v1.invoices.send_invoice, invoice["id"], {}, {"idempotency_key": f"{invoice['id']}/send"}
            )
            self._calls.one("invoices.send_invoice", send, _ref(invoice))

    def hold(self, invoice: RecordRef) -> None:
        """Stripe finalises no draft whose ``auto_advance`` is off."""
        body = self._invoice(invoice)
        if body["status"] == InvoiceStatus.DRAFT and (body.get("auto_advance") or META_HELD not in _metadata(body)):
            self._hold(body, "by us")

    def let_go(self, invoice: RecordRef) -> None:
        """Switched on again, a draft is finalised an hour later; a milestone is told its day anew.

        It is marked as accepted: whoever compares it once more does not hold it again.
        """
        body = self._invoice(invoice)
        if body["status"] != InvoiceStatus.DRAFT or META_HELD not in _metadata(body):
            return
        params: InvoiceUpdateParams = {"auto_advance": True, "metadata": {META_HELD: "", META_ACCEPTED: "let go"}}
        day = translate.day_in(_metadata(body), META_BILL_ON)
        if day is not None and day > self._clock().date():
            params["automatically_finalizes_at"] = finalised_at(day, self._clock())
        self._update(body, params)

    def _first_invoice(self, made: RecordRef) -> Json | None:
        if made.kind == "invoice":
            return self._invoice(made)
        if made.kind != "subscription":
            return None
        subscription = self._calls.one(
            "subscriptions.retrieve",
            lambda: self._v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice"]}),
            made,
        )
        latest = subscription.get("latest_invoice")
        if not isinstance(latest, dict) or latest.get("billing_reason") == _FIRST:
            return latest if isinstance(latest, dict) else None
        # A later period has been invoiced since. That one is not ours to hold or to hurry.
        invoices = self._calls.every(
            "invoices.list", self._v1.invoices.list, InvoiceListParams(subscription=made.id), _MOST_PAGES
        )
        return next((invoice for invoice in invoices if invoice.get("billing_reason") == _FIRST), None)

    def _invoice(self, invoice: RecordRef) -> Json:
        return self._calls.one("invoices.retrieve", lambda: self._v1.invoices.retrieve(invoice.id), invoice)

    def _compare(self, invoice: Json, expected: int) -> None:
        comes_to = translate.before_tax(invoice)
        if comes_to == expected or _is_accepted(invoice):
            return
        draft = invoice["status"] == InvoiceStatus.DRAFT
        if not draft and comes_to - translate.credited(invoice) == expected:
            return  # put right by a credit note
        if draft:
            self._hold(invoice, expected)
        name = f"invoice {invoice['number']}" if invoice.get("number") else "draft invoice"
        raise NeedsHuman.because(
            DRAFT_DIFFERS if draft else INVOICE_DIFFERS,
            provider="stripe",
            ref=_ref(invoice),
            invoice=name,
            comes_to=Money(comes_to, invoice["currency"]),
            expected=Money(expected, invoice["currency"]),
            accepted=META_ACCEPTED,
        )

    def _hold(self, invoice: Json, expected: object) -> None:
        if invoice.get("auto_advance") or META_HELD not in _metadata(invoice):
            self._update(invoice, {"auto_advance": False, "metadata": {META_HELD: str(expected)}})

    def _update(self, invoice: Json, params: InvoiceUpdateParams) -> None:
        update = partial(self._v1.invoices.update, invoice["id"], params)
        self._calls.one("invoices.update", update, _ref(invoice))

    def _finalise(self, invoice: Json) -> Json:
        """Finalised, with collection by Stripe switched on (again).

        The key lasts an hour, not longer: if Stripe stored a failure under it, that must not bar the way for a day.
        """
        key = f"{invoice['id']}/finalise/{self._clock():%Y%m%d%H}"
        finalise = partial(
            self._v1.invoices.finalize_invoice, invoice["id"], {"auto_advance": True}, {"idempotency_key": key}
        )
        try:
            return self._calls.one("invoices.finalize_invoice", finalise, _ref(invoice))
        except Rejected:
            now = self._invoice(_ref(invoice))
            if now["status"] == InvoiceStatus.DRAFT:
                raise
            return now  # Stripe, or a person, was quicker

    def _is_to_be_sent(self, invoice: Json) -> bool:
        """Open, to be paid by the customer, and so recent that a second sending would only be replayed."""
        if invoice["status"] != InvoiceStatus.OPEN or invoice["collection_method"] != "send_invoice":
            return False
        finalised = translate.moment((invoice.get("status_transitions") or {}).get("finalized_at"))
        return finalised is not None and self._clock() - finalised < _REPLAYED_FOR


def _is_accepted(invoice: Json) -> bool:
    metadata = _metadata(invoice)
    return META_ACCEPTED in metadata or (META_HELD in metadata and invoice["status"] != InvoiceStatus.DRAFT)


def _is_for_later(invoice: Json, now: datetime) -> bool:
    """Whether it is a milestone whose day lies ahead, held or not."""
    day = translate.day_in(_metadata(invoice), META_BILL_ON)
    return day is not None and day > now.date() and invoice["status"] == InvoiceStatus.DRAFT


def _metadata(invoice: Json) -> Json:
    return invoice.get("metadata") or {}


def _ref(invoice: Json) -> RecordRef:
    return translate.ref("invoice", invoice["id"])
