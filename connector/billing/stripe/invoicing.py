"""What MakeInvoice says to Stripe: a draft and its lines."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from stripe.params import InvoiceCreateParams, InvoiceItemCreateParams

from connector.billing.stripe.lines import LONGEST_DESCRIPTION, Made, invoice_item, midnight
from connector.billing.stripe.steps import own_metadata
from connector.billing.stripe.terms import custom_fields, days_until_due
from connector.domain.billing_plan import META_DEAL, MakeInvoice, PlannedLine
from connector.domain.deal import CollectionMethod
from connector.domain.refs import RecordRef

META_BILL_ON = "crm_bill_on"
"""On a draft that Stripe finalises by itself on a day to come: that day."""

_ROOM_FOR_LINES = timedelta(hours=1)
"""A draft must not be finalised before its lines are on it, also when a crash comes between."""


def is_for_later(step: MakeInvoice, now: datetime) -> bool:
    """Whether it is a milestone that lies ahead, so that Stripe finalises it and not we."""
    return step.on is not None and step.on > now.date()


def invoice_params(step: MakeInvoice, made: Made, now: datetime) -> InvoiceCreateParams:
    """``invoices.create``: a draft that waits for its lines and takes nobody else's.

    One for now is finalised by us alone. A milestone is finalised by Stripe on its day, and due so many days after
    that: Stripe would count days from the making of the draft.
    """
    params: InvoiceCreateParams = {
        "customer": made[step.customer].id,
        "currency": step.currency,
        "auto_advance": False,
        "pending_invoice_items_behavior": "exclude",
        "collection_method": step.terms.collection.value,
        "metadata": own_metadata(step.metadata, step.key, META_DEAL),
    }
    sent = step.terms.collection is CollectionMethod.SEND_INVOICE
    if step.on is not None and is_for_later(step, now):
        params["auto_advance"] = True
        params["automatically_finalizes_at"] = finalised_at(step.on, now)
        params["metadata"] = {**own_metadata(step.metadata, step.key, META_DEAL), META_BILL_ON: step.on.isoformat()}
        if sent:
            params["due_date"] = _end_of(step.on + timedelta(days=days_until_due(step.terms)))
    elif sent:
        params["days_until_due"] = days_until_due(step.terms)
    if step.terms.custom_fields:
        params["custom_fields"] = custom_fields(step.terms)
    if step.terms.automatic_tax:
        params["automatic_tax"] = {"enabled": True}
    if step.description:
        params["description"] = step.description[:LONGEST_DESCRIPTION]
    return params


def invoice_item_params(
    step: MakeInvoice, line: PlannedLine, invoice: RecordRef, made: Made
) -> InvoiceItemCreateParams:
    """``invoice_items.create`` for one line of a draft."""
    return {
        "customer": made[step.customer].id,
        "invoice": invoice.id,
        **invoice_item(line, step.currency, made),
    }


def finalised_at(day: date, now: datetime) -> int:
    """When Stripe is to finalise a milestone of that day: its first second, but not within the hour."""
    return max(midnight(day), int((now + _ROOM_FOR_LINES).timestamp()))


def _end_of(day: date) -> int:
    """The day's last second: what is due that day is late on the next."""
    return midnight(day + timedelta(days=1)) - 1
