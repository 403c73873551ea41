"""Credits: prepaid ones that later usage draws on, and credit notes that take back part of an invoice."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import partial

from stripe import StripeClient
from stripe.params import (
    CreditNoteCreateParams,
    CreditNoteCreateParamsLine,
    CreditNoteListParams,
    InvoiceItemListParams,
    InvoiceLineItemListParams,
)
from stripe.params.billing import CreditGrantListParams

from connector.billing.stripe import steps, translate
from connector.billing.stripe.calls import Calls, Json
from connector.billing.stripe.drafting import INVOICE_ITEM
from connector.billing.stripe.lines import Made
from connector.billing.stripe.marks import MOST_PAGES, first, meta, once
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
        there = self.find_grant(step, made[step.customer])
        if there is not None:
            return there  # money: looked for also under a new key
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
        there = self.find(step)
        if there is not None:
            return there
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
        lines, comes_to = _credited(step, invoice, self._lines(invoice))
        left = invoice["total"] - translate.credited(invoice)
        if comes_to > left:
            raise CannotBill.because(
                sentences.CREDIT_TOO_LARGE,
                ref=step.key.owner,
                provider="stripe",
                amount=Money(comes_to, step.currency),
                left=Money(left, step.currency),
                invoice=invoice.get("number") or invoice["id"],
            )
        params: CreditNoteCreateParams = {
            "invoice": invoice["id"],
            "lines": lines,
            "reason": "order_change",
            "memo": step.reason[:_LONGEST_REASON],
            "email_type": "none",
            "metadata": own_metadata(step.metadata, step.key, META_DEAL),
        }
        paid_part = comes_to - invoice["amount_remaining"]
        if paid_part > 0:
            params["credit_amount"] = paid_part
        return params

    def _lines(self, invoice: Json) -> Sequence[Json]:
        """The invoice's lines, all of them, where only they will do."""
        if not invoice["lines"].get("has_more"):
            lines: list[Json] = invoice["lines"]["data"]
            return lines
        return self._calls.every(
            "invoices.line_items.list",
            partial(self._v1.invoices.line_items.list, invoice["id"]),
            InvoiceLineItemListParams(),
            MOST_PAGES,
        )


def _credited(step: CreditInvoice, invoice: Json, of: Sequence[Json]) -> tuple[list[CreditNoteCreateParamsLine], int]:
    """The lines of the credit note, and what they come to with tax.

    One line in our words; where Stripe works out the tax it must be told of which lines the credit is, and takes their
    tax back in proportion. Source: Stripe, credit_notes.create ``lines[].type``.
    """
    if not (invoice.get("automatic_tax") or {}).get("enabled"):
        custom: CreditNoteCreateParamsLine = {
            "type": "custom_line_item",
            "description": step.reason[:_LONGEST_REASON],
            "quantity": 1,
            "unit_amount": step.amount,
        }
        return [custom], step.amount
    lines: list[CreditNoteCreateParamsLine] = []
    rest, comes_to = step.amount, step.amount
    for line in sorted(of, key=lambda each: -int(each["amount"])):
        part = min(rest, line["amount"])
        if part > 0:
            lines.append({"type": "invoice_line_item", "invoice_line_item": line["id"], "amount": part})
            comes_to += _tax_on(part, line)
            rest -= part
    return lines, comes_to + rest  # a rest that no line has makes it more than is left of the invoice


def _tax_on(part: int, line: Json) -> int:
    """The tax that stands on part of a line, on top of its price, half up as Stripe rounds."""
    on_top = [tax for tax in line.get("taxes") or [] if tax.get("tax_behavior") == "exclusive"]
    exact = (Decimal(tax["amount"]) * part / tax["taxable_amount"] for tax in on_top if tax.get("taxable_amount"))
    return sum(int(each.quantize(Decimal(1), ROUND_HALF_UP)) for each in exact)
