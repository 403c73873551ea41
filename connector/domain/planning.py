"""plan_billing: from a deal to the exact steps billing must take, or one sentence why it cannot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from connector.domain.billing_plan import (
    META_ACCOUNT,
    META_CONTRACT_END,
    META_DEAL,
    BillingPlan,
    Catalogue,
    ExistingPrice,
    InvoiceTerms,
    MakeCustomer,
    MakeInvoice,
    MakeProduct,
    MakeSubscription,
    Phase,
    PlannedLine,
    Step,
    StepKey,
)
from connector.domain.dates import add_intervals, add_months, whole_months
from connector.domain.deal import Account, CollectionMethod, Deal, Interval
from connector.domain.line_planning import LinePlan, plan_line
from connector.domain.policy import BillingPolicy
from connector.errors import CannotBill
from connector.sentences import planning as sentences

CUSTOMER, SUBSCRIPTION, INVOICE = "customer", "subscription", "invoice"
"""Roles of the steps; with the CRM record they form the key that a Link remembers."""

_MOST_LINES = 20
"""Items on a subscription, and one-off lines on its first invoice. Source: Stripe, subscriptions.create parameters."""

_MOST_MONTHS = 36
"""A price recurs at least every three years. Source: Stripe, prices.create ``recurring``."""

_CUSTOM_FIELD_LENGTH = 140
"""Source: Stripe, invoice ``custom_fields[].value``."""


def plan_billing(deal: Deal, catalogue: Catalogue, today: date, policy: BillingPolicy) -> BillingPlan:
    """Every step this won deal needs, in order.

    Raises:
        CannotBill: the deal cannot be billed exactly; the error names the field to fix.
    """
    account = _account(deal)
    currency = _currency(deal, policy)
    lines = _lines(deal, catalogue, currency)
    one_off = tuple(line.planned for line in lines if line.interval is None)
    terms, notes = _invoice_terms(deal, policy)
    customer = _customer(deal, account, terms)
    metadata = {META_DEAL: str(deal.ref), META_ACCOUNT: str(account.ref), **deal.metadata}
    last: Step
    if any(line.interval is not None for line in lines):
        last = _subscription(deal, customer.key, currency, lines, terms, metadata, today)
    else:
        last = MakeInvoice(
            key=StepKey(deal.ref, INVOICE),
            customer=customer.key,
            currency=currency,
            lines=one_off,
            terms=terms,
            description=deal.name,
            metadata=metadata,
            total=_sum(one_off),
        )
    products = _once(line.product for line in lines if line.product is not None)
    all_notes = (*notes, *(note for line in lines for note in line.notes))
    return BillingPlan(deal=deal.ref, steps=(customer, *products, last), notes=all_notes)


def _account(deal: Deal) -> Account:
    if deal.account is None:
        raise CannotBill.because(sentences.NO_ACCOUNT, ref=deal.ref)
    if not deal.account.name.strip():
        raise CannotBill(
            "The account has no name.", field="account.name", hint="Name the account.", ref=deal.account.ref
        )
    return deal.account


def _currency(deal: Deal, policy: BillingPolicy) -> str:
    currency = (deal.currency or policy.default_currency).lower()
    if not currency:
        raise CannotBill(
            "The deal names no currency.",
            field="deal.currency",
            hint="Set the deal's currency, or a default currency for the whole CRM in the settings.",
            ref=deal.ref,
        )
    return currency


def _lines(deal: Deal, catalogue: Catalogue, currency: str) -> list[LinePlan]:
    if not deal.line_items:
        raise CannotBill(
            "The deal has no products, so there is nothing to bill.",
            field="deal.line_items",
            hint="Add the sold products to the deal.",
            ref=deal.ref,
        )
    lines = [plan_line(line, catalogue, currency) for line in deal.line_items]
    for kind, group in (
        ("recurring", [line for line in lines if line.interval is not None]),
        ("one-off", [line for line in lines if line.interval is None]),
    ):
        if len(group) > _MOST_LINES:
            raise CannotBill(
                f"The deal has {len(group)} {kind} lines; one subscription holds at most {_MOST_LINES}.",
                field="deal.line_items",
                hint="Split the deal, or join lines of the same product.",
                ref=deal.ref,
            )
    return lines


def _invoice_terms(deal: Deal, policy: BillingPolicy) -> tuple[InvoiceTerms, tuple[str, ...]]:
    notes: list[str] = []
    automatic = deal.terms.collection is CollectionMethod.CHARGE_AUTOMATICALLY
    net_days = policy.default_net_days if deal.terms.net_days is None else deal.terms.net_days
    if net_days < 0:
        raise CannotBill(
            f"Payment terms of {net_days} days make no sense.",
            field="terms.net_days",
            hint="Use 0 or more.",
            ref=deal.ref,
        )
    fields: tuple[tuple[str, str], ...] = ()
    number = deal.terms.po_number.strip()
    if number:
        if len(number) > _CUSTOM_FIELD_LENGTH:
            notes.append(f"The PO number is longer than {_CUSTOM_FIELD_LENGTH} characters and was cut on the invoice.")
        fields = (("PO Number", number[:_CUSTOM_FIELD_LENGTH]),)
    return InvoiceTerms(deal.terms.collection, None if automatic else net_days, fields), tuple(notes)


def _customer(deal: Deal, account: Account, terms: InvoiceTerms) -> MakeCustomer:
    contact = deal.billing_contact
    email = (contact.email if contact else "").strip() or account.billing_email.strip()
    if not email and terms.collection is CollectionMethod.SEND_INVOICE:
        raise CannotBill(
            "There is no e-mail address to send the invoice to.",
            field="contact.email",
            hint="Give the deal a billing contact with an e-mail address.",
            ref=deal.ref,
        )
    if email and ("@" not in email.strip("@") or any(c.isspace() for c in email) or len(email) > 512):
        raise CannotBill(
            "The billing contact's e-mail address is not one that mail can reach.",
            field="contact.email",
            hint="Correct the contact's e-mail address.",
            ref=deal.ref,
        )
    return MakeCustomer(
        key=StepKey(account.ref, CUSTOMER),
        name=account.name.strip(),
        email=email,
        phone=account.phone or (contact.phone if contact else ""),
        address=account.address,
        metadata={META_ACCOUNT: str(account.ref)},
        adopt=account.customer_id,
    )


def _subscription(
    deal: Deal,
    customer: StepKey,
    currency: str,
    lines: Sequence[LinePlan],
    terms: InvoiceTerms,
    metadata: dict[str, str],
    today: date,
) -> MakeSubscription:
    recurring = _joined(line.planned for line in lines if line.interval is not None)
    one_off = tuple(line.planned for line in lines if line.interval is None)
    intervals = _intervals(deal, lines)
    start = _start(deal)
    begins = start or today
    months = _term_months(deal)
    if months:
        metadata = {**metadata, META_CONTRACT_END: (add_months(begins, months) - timedelta(days=1)).isoformat()}
    return MakeSubscription(
        key=StepKey(deal.ref, SUBSCRIPTION),
        customer=customer,
        currency=currency,
        phases=(Phase(begins, None, recurring, one_off),),
        terms=terms,
        description=deal.name,
        metadata=metadata,
        anchor=_anchor(deal, begins, intervals, today) if begins < today else None,
        scheduled=begins > today,
        first_invoice=None if begins > today else _sum(recurring) + _sum(one_off),
    )


def _intervals(deal: Deal, lines: Iterable[LinePlan]) -> list[Interval]:
    """The different intervals of the deal, shortest first; refused where one subscription cannot hold them together."""
    intervals = list(dict.fromkeys(line.interval for line in lines if line.interval is not None))
    months = [whole_months(interval) for interval in intervals]
    for interval, length in zip(intervals, months, strict=True):
        days = interval.count * {"day": 1, "week": 7}.get(interval.unit, 0)
        if (length or 0) > _MOST_MONTHS or days > 3 * 365:
            raise CannotBill(
                f"A line recurs {interval}; billing can recur at most every three years.",
                field="line.interval",
                hint="Bill it yearly and set the term instead.",
                ref=deal.ref,
            )
    if len(intervals) == 1:
        return intervals
    known = [length for length in months if length is not None]
    if len(known) != len(months) or any(length % min(known) for length in known):
        raise CannotBill(
            f"The lines recur {' and '.join(str(i) for i in intervals)}, which one subscription cannot hold together.",
            field="line.interval",
            hint="Use intervals that are multiples of the shortest one.",
            ref=deal.ref,
        )
    return [interval for _, interval in sorted(zip(known, intervals, strict=True), key=lambda pair: pair[0])]


def _start(deal: Deal) -> date | None:
    """The deal's own start, else the one that all its recurring lines share."""
    if deal.terms.start is not None:
        return deal.terms.start
    starts = {line.start for line in deal.line_items if not line.one_off}
    if len(starts) > 1:
        raise CannotBill(
            "The deal's lines start on different days.",
            field="line.start",
            hint="Give all recurring lines the same start, or set one start on the deal.",
            ref=deal.ref,
        )
    return starts.pop() if starts else None


def _term_months(deal: Deal) -> int | None:
    terms = {line.term_months for line in deal.line_items if line.term_months}
    return deal.terms.term_months or (terms.pop() if len(terms) == 1 else None)


def _anchor(deal: Deal, start: date, intervals: Sequence[Interval], today: date) -> date:
    """For a start in the past: the day the next period begins, so that the first invoice is exactly one period."""
    anchor = add_intervals(start, intervals[0])
    if len(intervals) > 1 or anchor <= today:
        raise CannotBill(
            f"The start {start.isoformat()} lies more than one billing period back.",
            field="terms.start",
            hint="Set a start within the current billing period, and invoice what came before by hand.",
            ref=deal.ref,
        )
    if start.day > 28 and whole_months(intervals[0]) is not None:
        raise CannotBill(
            f"A past start on day {start.day} of a month leaves billing periods of unequal length.",
            field="terms.start",
            hint="Start on day 28 or earlier, or today.",
            ref=deal.ref,
        )
    return anchor


def _joined(lines: Iterable[PlannedLine]) -> tuple[PlannedLine, ...]:
    """Lines of the same catalogue price become one: a subscription holds each price once.

    Source: Stripe, which refuses a second item of the same price.
    """
    joined: dict[object, PlannedLine] = {}
    for line in lines:
        same = line.price if isinstance(line.price, ExistingPrice) else line.line
        first = joined.get(same)
        joined[same] = (
            line
            if first is None
            else replace(first, quantity=first.quantity + line.quantity, amount=first.amount + line.amount)
        )
    return tuple(joined.values())


def _sum(lines: Iterable[PlannedLine]) -> int:
    return sum(line.amount for line in lines)


def _once(products: Iterable[MakeProduct]) -> tuple[MakeProduct, ...]:
    return tuple({product.key: product for product in products}.values())
