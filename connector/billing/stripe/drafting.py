"""Invoices of our own, and lines that wait for a subscription's next one: several calls, any of which may fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from stripe import StripeClient
from stripe.params import InvoiceItemListParams, InvoiceListParams

from connector.billing.stripe import invoicing
from connector.billing.stripe.calls import Calls, Json
from connector.billing.stripe.lines import Made, invoice_item
from connector.billing.stripe.marks import MOST_PAGES, first, meta, once
from connector.billing.stripe.steps import META_STEP, own_metadata
from connector.billing.stripe.translate import ref
from connector.domain.billing_plan import META_DEAL, META_LINE, AddToNextInvoice, MakeInvoice, PlannedLine
from connector.domain.refs import RecordRef
from connector.ports import Clock

INVOICE_ITEM = "invoice_item"


class Drafter:
    """Drafts invoices, and adds lines to ones to come."""

    def __init__(self, client: StripeClient, calls: Calls, clock: Clock) -> None:
        self._v1 = client.v1
        self._calls = calls
        self._clock = clock

    def draft(self, step: MakeInvoice, made: Made, key: str) -> RecordRef:
        """A draft with the step's lines.

        What an earlier attempt left is taken up first, under whatever key it was made, and only lines that are not
        there yet are added.
        """
        draft = self._invoice_of(step, made[step.customer])
        if draft is None:
            params = invoicing.invoice_params(step, made, self._clock())
            draft = self._calls.one("invoices.create", lambda: self._v1.invoices.create(params, once(key)))
            lacking = list(range(len(step.lines)))
        else:
            lacking = self._lacking(step, draft)
        invoice = ref("invoice", draft["id"])
        for number in lacking:
            item = invoicing.invoice_item_params(step, step.lines[number], invoice, made)
            create = partial(self._v1.invoice_items.create, item, once(f"{key}/line/{number}"))
            self._calls.one("invoice_items.create", create, invoice)
        return invoice

    def find(self, step: MakeInvoice, customer: RecordRef) -> RecordRef | None:
        """The invoice; None also for a draft that still lacks lines."""
        found = self._invoice_of(step, customer)
        if found is None or self._lacking(step, found):
            return None
        return ref("invoice", found["id"])

    def add(self, step: AddToNextInvoice, made: Made, key: str) -> RecordRef:
        """The step's lines as invoice items that wait for the subscription's next invoice; its first one is named."""
        there = self._added(step, made[step.customer])
        made_now = []
        for number in _without(step.lines, there):
            params = invoice_item(step.lines[number], step.currency, made)
            params["customer"] = made[step.customer].id
            params["subscription"] = step.subscription.id
            params["metadata"] = {
                **own_metadata(step.metadata, step.key, META_DEAL),
                META_LINE: str(step.lines[number].line),
            }
            create = partial(self._v1.invoice_items.create, params, once(f"{key}/line/{number}"))
            made_now.append(self._calls.one("invoice_items.create", create, step.subscription))
        oldest = [*there[-1:], *made_now][0]
        return ref(INVOICE_ITEM, oldest["id"])

    def find_added(self, step: AddToNextInvoice, customer: RecordRef) -> RecordRef | None:
        """The first of the lines, once all are there; they may have been invoiced since."""
        there = self._added(step, customer)
        return ref(INVOICE_ITEM, there[-1]["id"]) if there and not _without(step.lines, there) else None

    def _invoice_of(self, step: MakeInvoice, customer: RecordRef) -> Json | None:
        return first(
            self._calls,
            "invoices.list",
            self._v1.invoices.list,
            InvoiceListParams(customer=customer.id),
            lambda body: meta(body, META_STEP) == str(step.key),
        )

    def _lacking(self, step: MakeInvoice, invoice: Json) -> list[int]:
        """Which of the step's lines the draft lacks, by their place in the step; none once it is no draft any more."""
        if invoice.get("status") != "draft":
            return []
        items = InvoiceItemListParams(invoice=invoice["id"])
        return _without(
            step.lines,
            self._calls.every("invoice_items.list", self._v1.invoice_items.list, items, MOST_PAGES),
        )

    def _added(self, step: AddToNextInvoice, customer: RecordRef) -> list[Json]:
        """What the step has added so far, newest first."""
        items = self._calls.every(
            "invoice_items.list",
            self._v1.invoice_items.list,
            InvoiceItemListParams(customer=customer.id),
            MOST_PAGES,
        )
        return [item for item in items if meta(item, META_STEP) == str(step.key)]


def _without(lines: Sequence[PlannedLine], items: Sequence[Json]) -> list[int]:
    """The places of the lines that have no item yet; two lines of one CRM line need two."""
    there = Counter(meta(item, META_LINE) for item in items)
    lacking: list[int] = []
    for number, line in enumerate(lines):
        if there[str(line.line)]:
            there[str(line.line)] -= 1
        else:
            lacking.append(number)
    return lacking
