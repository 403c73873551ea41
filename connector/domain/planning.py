"""plan_billing: from a new deal to the exact steps billing must take, or one sentence why it cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from connector.domain.billing_plan import (
    META_ACCOUNT,
    META_DEAL,
    META_PAYER,
    BillingPlan,
    Catalogue,
    MakeProduct,
)
from connector.domain.contract_days import ContractDays, contract_days, deal_discount_until, span_of
from connector.domain.customer_planning import CUSTOMER, customer, invoice_terms
from connector.domain.deal import Deal, DealKind
from connector.domain.discounts import deal_discount, deal_percent, reduced_amounts
from connector.domain.line_planning import PricedLine, line_notes, planned_at, price_line
from connector.domain.money import CHARGEABLE
from connector.domain.one_off_planning import OneOff, check_recurring, grants
from connector.domain.plan_assembly import INVOICE, SUBSCRIPTION, Frame, assemble
from connector.domain.policy import BillingPolicy
from connector.domain.timeline import Course, course_of
from connector.errors import CannotBill
from connector.sentences import planning as sentences

__all__ = ["CUSTOMER", "INVOICE", "SUBSCRIPTION", "courses_of", "one_offs_of", "plan_billing"]


def plan_billing(deal: Deal, catalogue: Catalogue, today: date, policy: BillingPolicy) -> BillingPlan:
    """Every step this won deal needs, in order. Pure: the same deal, prices and day give the same plan.

    Raises:
        CannotBill: the deal cannot be billed exactly; the error names the field to fix.
    """
    if deal.terms.kind is not DealKind.NEW:
        raise CannotBill.because(sentences.NOT_NEW, ref=deal.ref, kind=deal.terms.kind.value)
    currency = deal_currency(deal, policy)
    days = contract_days(deal, today, policy)
    terms, notes = invoice_terms(deal, days, policy)
    who = customer(deal, terms)
    lines = price_lines(deal, catalogue, currency)
    courses = courses_of(deal, lines, days)
    one_offs = one_offs_of(deal, lines, days)
    metadata = deal_metadata(deal)
    frame = Frame(deal, who.key, currency, terms, metadata, days, today, deal_discount(deal, currency))
    billing, extra, more = assemble(frame, courses, one_offs)
    granted = grants(lines, days, who.key, deal.ref, metadata)
    products = _once([*(line.product for line in lines), *extra])
    said = dict.fromkeys((*notes, *more, *_line_notes(courses, one_offs)))
    return BillingPlan(deal.ref, (who, *products, *billing, *granted), tuple(said))


def deal_currency(deal: Deal, policy: BillingPolicy) -> str:
    """The deal's currency in lower case, else the operator's default.

    Raises:
        CannotBill: there is none, it is none, or Stripe cannot bill in it.
    """
    currency = (deal.currency or policy.default_currency).lower()
    if not currency:
        raise CannotBill.because(sentences.NO_CURRENCY, ref=deal.ref)
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha()):
        raise CannotBill.because(sentences.UNKNOWN_CURRENCY, ref=deal.ref, currency=deal.currency)
    if currency not in CHARGEABLE:
        raise CannotBill.because(sentences.CURRENCY_NOT_BILLED, ref=deal.ref, currency=currency.upper())
    return currency


def deal_metadata(deal: Deal) -> dict[str, str]:
    """What tells anything made for the deal apart: the deal, who bought, who pays; and the mapping's free fields."""
    named = {META_DEAL: str(deal.ref)}
    if deal.account is not None:
        named[META_ACCOUNT] = str(deal.account.ref)
    if deal.payer is not None:
        named[META_PAYER] = str(deal.payer.ref)
    return {**named, **deal.metadata}


def price_lines(deal: Deal, catalogue: Catalogue, currency: str) -> list[PricedLine]:
    """Every line with its exact amount per period, before the deal's own discount.

    Raises:
        CannotBill: there is no line, or one of them cannot be billed exactly.
    """
    if not deal.line_items:
        raise CannotBill.because(sentences.NO_LINES, ref=deal.ref)
    return [price_line(line, catalogue, currency) for line in deal.line_items]


def courses_of(deal: Deal, lines: Iterable[PricedLine], days: ContractDays) -> list[Course]:
    """The recurring lines over time, with every discount in their amounts.

    Raises:
        CannotBill: a line's days or discounts make no sense.
    """
    percent = deal_percent(deal)
    recurring = [line for line in lines if line.interval is not None]
    spans = [span_of(priced.line, deal, days) for priced in recurring]
    full = [(priced.amount, priced.later) for priced in recurring]
    reduced = reduced_amounts(recurring, [span.start for span in spans], percent) if percent else full
    courses = []
    for priced, span, now, after in zip(recurring, spans, reduced, full, strict=True):
        check_recurring(priced)
        runs_on = days.renews and span.end is not None and span.end == days.ends
        courses.append(course_of(priced, span, now, after, runs_on=runs_on))
    return courses


def one_offs_of(deal: Deal, lines: Iterable[PricedLine], days: ContractDays) -> list[OneOff]:
    """The lines that are sold once, with the deal's percentage off where it still holds on their day.

    Raises:
        CannotBill: a catalogue price decides the amount of a line that would be discounted.
    """
    percent = deal_percent(deal)
    until = deal_discount_until(deal, days)
    sold = [line for line in lines if line.interval is None]
    amounts = {priced.line.ref: priced.amount for priced in sold}
    reduced = [p for p in sold if percent and (until is None or (p.line.bill_on or days.begins) < until)]
    pairs = reduced_amounts(reduced, [priced.line.bill_on or days.begins for priced in reduced], percent)
    amounts.update((priced.line.ref, now) for priced, (now, _) in zip(reduced, pairs, strict=True))
    return [OneOff(priced, planned_at(priced, amounts[priced.line.ref]), priced.line.bill_on) for priced in sold]


def _line_notes(courses: Iterable[Course], one_offs: Iterable[OneOff]) -> Iterator[str]:
    for course in courses:
        for stretch in course.stretches:
            if not stretch.free:
                yield from line_notes(course.priced, stretch.planned)
    for sold in one_offs:
        yield from line_notes(sold.priced, sold.planned)


def _once(products: Iterable[MakeProduct | None]) -> tuple[MakeProduct, ...]:
    return tuple({product.key: product for product in products if product is not None}.values())
