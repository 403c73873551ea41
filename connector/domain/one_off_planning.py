"""What is billed once: with the first invoice, on a milestone's day, or as prepaid credits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from connector.domain.billing_plan import META_PRODUCT, GrantCredits, InlinePrice, MakeProduct, PlannedLine, StepKey
from connector.domain.catalogue_price import line_name
from connector.domain.contract_days import ContractDays
from connector.domain.dates import add_months
from connector.domain.deal import Deal
from connector.domain.line_planning import PRODUCT, PricedLine
from connector.domain.money import AmountDoesNotFit, Money
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.sentences import planning as sentences
from connector.sentences import planning_lines

MOST_BESIDE = 20
"""One-off lines on a subscription's first invoice. Source: Stripe, ``add_invoice_items``."""

MOST_ON_INVOICE = 250
"""Lines of one invoice. Source: Stripe, API changelog 2016-02-22."""

_MOST_CREDIT_MONTHS = 1200


@dataclass(frozen=True, slots=True)
class OneOff:
    """A line that is sold once, and the milestone's day that it is billed on; None: with the first invoice."""

    priced: PricedLine
    planned: PlannedLine
    on: date | None


def check_recurring(priced: PricedLine) -> None:
    """That a recurring line asks for nothing that is done once. Raises CannotBill where it does."""
    line = priced.line
    if line.bill_on is not None:
        raise CannotBill.because(planning_lines.MILESTONE_RECURS, ref=line.ref, line=line_name(line))
    if line.credit_amount is not None:
        raise CannotBill.because(planning_lines.CREDITS_RECUR, ref=line.ref, line=line_name(line))


def by_day(lines: Iterable[OneOff]) -> dict[date, tuple[PlannedLine, ...]]:
    """The milestones' lines by their day, the earliest first."""
    days: dict[date, list[PlannedLine]] = {}
    for line in lines:
        if line.on is not None:
            days.setdefault(line.on, []).append(line.planned)
    return {day: tuple(days[day]) for day in sorted(days)}


def grants(
    lines: Iterable[PricedLine], days: ContractDays, customer: StepKey, deal: RecordRef, metadata: dict[str, str]
) -> tuple[GrantCredits, ...]:
    """The prepaid credits that the deal's lines buy. They last from the contract's first day.

    Raises:
        CannotBill: an amount or a number of months that makes no sense.
    """
    return tuple(
        GrantCredits(
            key=StepKey(deal, f"credits-{priced.line.ref.id}"),
            customer=customer,
            currency=priced.currency,
            name=line_name(priced.line),
            amount=_credit_amount(priced),
            metadata=metadata,
            expires=_expiry(priced, days),
        )
        for priced in lines
        if priced.line.credit_amount is not None
    )


def _credit_amount(priced: PricedLine) -> int:
    amount = priced.line.credit_amount or Decimal(0)
    try:
        minor = Money.exactly(amount, priced.currency).minor
    except AmountDoesNotFit:
        minor = 0
    if minor <= 0:
        raise CannotBill.because(
            planning_lines.CREDITS_UNUSABLE,
            ref=priced.line.ref,
            line=line_name(priced.line),
            amount=f"{amount.normalize():f}",
            currency=priced.currency.upper(),
        )
    return minor


def _expiry(priced: PricedLine, days: ContractDays) -> date | None:
    months = priced.line.credit_months
    if months is None:
        return None
    if not 1 <= months <= _MOST_CREDIT_MONTHS:
        raise CannotBill.because(
            sentences.BAD_MONTHS,
            ref=priced.line.ref,
            field="line.credit_months",
            months=months,
            what="life of credits",
            most=_MOST_CREDIT_MONTHS,
        )
    return add_months(days.begins, months)


def discount_line(deal: Deal, discount: int) -> tuple[PlannedLine, MakeProduct]:
    """What is taken off once, as a negative line, and the product that it needs: one for all deals of a CRM."""
    owner = RecordRef(deal.ref.provider, "product", "discount")
    product = MakeProduct(StepKey(owner, PRODUCT), "Discount", metadata={META_PRODUCT: str(owner)})
    price = InlinePrice(product.key, Decimal(-discount), None)
    return PlannedLine(deal.ref, "Discount", price, 1, -discount), product


def check_discount(deal: Deal, discount: int, first: int, currency: str) -> None:
    """That the first invoice does not fall below zero. Raises CannotBill where it would."""
    if discount > first:
        raise CannotBill.because(
            sentences.DISCOUNT_TOO_LARGE,
            ref=deal.ref,
            discount=Money(discount, currency),
            first=Money(first, currency),
        )


def check_length(lines: Sequence[PlannedLine], ref: RecordRef) -> None:
    """That an invoice holds all its lines. Raises CannotBill where it does not."""
    if len(lines) > MOST_ON_INVOICE:
        raise CannotBill.because(sentences.TOO_MANY_LINES, ref=ref, count=len(lines), most=MOST_ON_INVOICE)
