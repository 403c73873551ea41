"""Credits: prepaid ones that later usage draws on, and credit notes that take back part of an invoice."""

from __future__ import annotations

from functools import partial

from stripe import StripeClient
from stripe.params import (
    CreditNoteCreateParams,
    CreditNoteCreateParamsLine,
    CreditNoteListParams,
    InvoiceItemListParams,
)
from stripe.params.billing import CreditGrantListParams

from connector.billing.stripe import steps, translate
from connector.billing.stripe.calls import Calls, Json
from connector.billing.stripe.drafting import INVOICE_ITEM
from connector.billing.stripe.lines import Made
from connector.billing.stripe.marks import first, meta, once
from connector.billing.stripe.steps import META_STEP, own_metadata
from connector.billing.stripe.translate import ref
from connector.domain.billing_plan import META_DEAL, CreditInvoice, GrantCredits
from connector.domain.money import Money
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.sentences import billing as sentences

_LONGEST_REASON = 500


class Creditor:
    """Grants and credits."""

    def __init__(self, client: StripeClient, calls: Calls) -> None:
        self._v1 = client.v1
        self._calls = calls

    def grant(self, step: GrantCredits, made: Made, key: str) -> RecordRef:
        """Prepaid credits on the customer."""
        params = steps.grant_params(step, made)
        body = self._calls.one(
            "billing.credit_grants.create", lambda: self._v1.billing.credit_grants.create(params, once(key))
        )
        return ref("credit_grant", body["id"])

    def find_grant(self, step: GrantCredits, customer: RecordRef) -> RecordRef | None:
        """The grant that an earlier attempt made."""
        found = first(
            self._calls,
            "billing.credit_grants.list",
            self._v1.billing.credit_grants.list,
            CreditGrantListParams(customer=customer.id),
            lambda body: meta(body, META_STEP) == str(step.key),
        )
        return ref("credit_grant", found["id"]) if found is not None else None

    def credit(self, step: CreditInvoice, key: str) -> RecordRef:
        """A credit note: what is open of the invoice is lowered first, the rest becomes the customer's balance.

        A draft takes no credit note, so it takes a line of that amount instead.

        Raises:
            CannotBill: the invoice was voided or written off, or has less left than is to be credited.
        """
        invoice = self._calls.one(
            "invoices.retrieve", lambda: self._v1.invoices.retrieve(step.invoice.id), step.invoice
        )
        if invoice["status"] == "draft":
            return self._take_off_draft(step, invoice, key)
        if invoice["status"] not in {"open", "paid"}:
            raise CannotBill.because(
                sentences.INVOICE_NOT_CREDITABLE,
                ref=step.key.owner,
                provider="stripe",
                invoice=invoice.get("number") or invoice["id"],
                status=invoice["status"],
            )
        params = self._note(step, invoice)
        body = self._calls.one(
            "credit_notes.create", lambda: self._v1.credit_notes.create(params, once(key)), step.invoice
        )
        return ref("credit_note", body["id"])

    def find(self, step: CreditInvoice) -> RecordRef | None:
        """The credit note, or the line on a draft, that an earlier attempt made."""
        found = first(
            self._calls,
            "credit_notes.list",
            self._v1.credit_notes.list,
            CreditNoteListParams(invoice=step.invoice.id),
            lambda body: meta(body, META_STEP) == str(step.key),
        )
        if found is not None:
            return ref("credit_note", found["id"])
        line = first(
            self._calls,
            "invoice_items.list",
            self._v1.invoice_items.list,
            InvoiceItemListParams(invoice=step.invoice.id),
            lambda body: meta(body, META_STEP) == str(step.key),
        )
        return ref(INVOICE_ITEM, line["id"]) if line is not None else None

    def _take_off_draft(self, step: CreditInvoice, invoice: Json, key: str) -> RecordRef:
        create = partial(
            self._v1.invoice_items.create,
            {
                "customer": translate.id_of(invoice["customer"]),
                "invoice": invoice["id"],
                "amount": -step.amount,
                "currency": step.currency,
                "description": step.reason[:_LONGEST_REASON],
                "metadata": own_metadata(step.metadata, step.key, META_DEAL),
            },
            once(key),
        )
        return ref(INVOICE_ITEM, self._calls.one("invoice_items.create", create, step.invoice)["id"])

    def _note(self, step: CreditInvoice, invoice: Json) -> CreditNoteCreateParams:
        params: CreditNoteCreateParams = {
            "invoice": invoice["id"],
            "lines": self._lines(step, invoice),
            "reason": "order_change",
            "memo": step.reason[:_LONGEST_REASON],
            "email_type": "none",
            "metadata": own_metadata(step.metadata, step.key, META_DEAL),
        }
        comes_to = step.amount
        if (invoice.get("automatic_tax") or {}).get("enabled"):
            preview = self._calls.one(
                "credit_notes.preview",
                lambda: self._v1.credit_notes.preview({"invoice": invoice["id"], "lines": params["lines"]}),
                step.invoice,
            )
            comes_to = preview["total"]
        paid_part = comes_to - invoice["amount_remaining"]
        if paid_part > 0:
            params["credit_amount"] = paid_part
        return params

    def _lines(self, step: CreditInvoice, invoice: Json) -> list[CreditNoteCreateParamsLine]:
        """One line in our words; where Stripe works out the tax it must be told of which lines the credit is, to take
        their tax back as well.

        Source: Stripe, credit_notes.create ``lines[].type``.
        """
        left = translate.before_tax(invoice) - translate.credited(invoice)
        if step.amount > left:
            raise CannotBill.because(
                sentences.CREDIT_TOO_LARGE,
                ref=step.key.owner,
                provider="stripe",
                amount=Money(step.amount, step.currency),
                left=Money(left, step.currency),
                invoice=invoice.get("number") or invoice["id"],
            )
        if not (invoice.get("automatic_tax") or {}).get("enabled"):
            return [
                {
                    "type": "custom_line_item",
                    "description": step.reason[:_LONGEST_REASON],
                    "quantity": 1,
                    "unit_amount": step.amount,
                }
            ]
        lines: list[CreditNoteCreateParamsLine] = []
        rest = step.amount
        for line in sorted(invoice["lines"]["data"], key=lambda each: -int(each["amount"])):
            part = min(rest, line["amount"])
            if part > 0:
                lines.append({"type": "invoice_line_item", "invoice_line_item": line["id"], "amount": part})
                rest -= part
        return lines
