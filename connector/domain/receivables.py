"""Receivables as of a day, per currency: aging, DSO and its relatives, CEI, days late, collection and recovery.

Every figure is a sum of what single invoices contribute (``receivable_parts``), so it opens to those rows. A figure
whose denominator is nothing is undefined, None: neither 0 nor infinity. Definitions and sources: docs/receivables.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from connector.domain.receivable_parts import BUCKETS, OVERDUE, Contribution, Frame, Part, contributions
from connector.domain.receivable_rows import CustomerFacts, InvoiceHistory, is_gone


@dataclass(frozen=True, slots=True)
class Receivables:
    """Every figure of one currency as of a day. Money in minor units; days and percentages exact and unrounded."""

    currency: str
    frame: Frame
    buckets: Mapping[Part, int]
    counts: Mapping[Part, int]  #: how many invoices, or movements, stand behind each part
    open: int
    overdue: int
    unapplied_credits: int | None  #: 0 or below; None where the ledger does not know what it was on that day
    opening: int
    sales: int
    collected: int
    returned: int
    written_off: int
    dso: Decimal | None
    best_possible_dso: Decimal | None
    average_days_delinquent: Decimal | None
    true_dso: Decimal | None
    cei: Decimal | None
    average_days_late: Decimal | None
    provisional_share: Decimal | None  #: how much of the average's weight, in percent, is not paid yet
    average_days_to_pay: Decimal | None
    collection_rate: Decimal | None
    recovery_rate: Decimal | None

    @property
    def net_collected(self) -> int:
        """What was paid within the period, less what was refunded or lost in disputes within it."""
        return self.collected - self.returned


@dataclass(slots=True)
class Tally:
    """Adds up invoices of one currency, one at a time: a ledger of any size passes through."""

    currency: str
    frame: Frame
    sums: dict[Part, int] = field(default_factory=lambda: defaultdict(int))
    weighted: dict[Part, int] = field(default_factory=lambda: defaultdict(int))
    counts: dict[Part, int] = field(default_factory=lambda: defaultdict(int))
    sales_by_month: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    age_by_month: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))

    def add(self, invoice: InvoiceHistory) -> list[Contribution]:
        """Count one invoice in; gives what it contributed."""
        found = list(contributions(invoice, self.frame))
        month = invoice.issued.year, invoice.issued.month
        for part, amount, days in found:
            self.sums[part] += amount
            self.weighted[part] += amount * days
            self.counts[part] += 1
            if part is Part.OPEN:
                self.age_by_month[month] += amount * days
        if invoice.amount > 0 and invoice.issued <= self.frame.as_of and not is_gone(invoice, self.frame.as_of):
            self.sales_by_month[month] += invoice.amount
        return found

    def figures(self, unapplied_credits: int | None = None) -> Receivables:
        """All figures of what was added."""
        sums, days = self.sums, self.frame.days
        total, current, sales, opening = (sums[part] for part in (Part.OPEN, Part.CURRENT, Part.SALES, Part.OPENING))
        overdue = sum(sums[part] for part in OVERDUE)
        late = sums[Part.LATE] + overdue
        return Receivables(
            currency=self.currency,
            frame=self.frame,
            buckets={part: sums[part] for part in BUCKETS},
            counts=dict(self.counts),
            open=total,
            overdue=overdue,
            unapplied_credits=unapplied_credits,
            opening=opening,
            sales=sales,
            collected=sums[Part.COLLECTED],
            returned=sums[Part.RETURNED],
            written_off=sums[Part.WRITTEN_OFF],
            dso=_ratio(total * days, sales),
            best_possible_dso=_ratio(current * days, sales),
            average_days_delinquent=_ratio((total - current) * days, sales),
            true_dso=self._true_dso(),
            cei=_ratio((opening + sales - total) * 100, opening + sales - current),
            average_days_late=_ratio(self.weighted[Part.LATE] + sum(self.weighted[part] for part in OVERDUE), late),
            provisional_share=_ratio(overdue * 100, late),
            average_days_to_pay=_ratio(self.weighted[Part.TO_PAY], sums[Part.TO_PAY]),
            collection_rate=_ratio(sums[Part.FELL_DUE_PAID] * 100, sums[Part.FELL_DUE]),
            recovery_rate=_ratio(sums[Part.RECOVERED] * 100, sums[Part.WAS_OVERDUE]),
        )

    def _true_dso(self) -> Decimal | None:
        """Each open invoice's age times its share of what was sold in its month. Source: VENDOR-FACTS 4, true DSO."""
        if not self.age_by_month:
            return None
        parts = (Decimal(aged) / self.sales_by_month[month] for month, aged in sorted(self.age_by_month.items()))
        return sum(parts, start=Decimal(0))


def unapplied_credits(customers: Iterable[CustomerFacts], frame: Frame) -> dict[str, int | None]:
    """What customers may still use up, per currency, as 0 or below: a column of its own, beside the buckets.

    Billing tells what a credit balance is, not what it was: before the day on which it was told it is not known. A
    balance that the customer owes (it is added to its next invoice) is no credit.
    """
    found: dict[str, int | None] = {}
    for customer in customers:
        if not customer.currency or customer.credit_balance <= 0:
            continue
        before = found.get(customer.currency, 0)
        known = before is not None and customer.seen <= frame.as_of
        found[customer.currency] = before - customer.credit_balance if before is not None and known else None
    return found


def _ratio(numerator: int, denominator: int) -> Decimal | None:
    return Decimal(numerator) / denominator if denominator > 0 else None
