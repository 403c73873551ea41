"""How many days after the due date a customer usually pays, and how far off that guess tends to be.

A customer's own mean is shrunk toward the mean of all customers' means, as if it had paid two more invoices like that:
one late invoice is not yet a habit, and a customer without any history pays like everybody. An invoice that is unpaid
past its due date stands beside them with its days so far, where that makes the mean later: whoever has stopped paying
is not expected to pay like everybody. How far off the mean was over all paid invoices gives the band: its 10th and
90th percentile.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal
from functools import cached_property
from typing import NamedTuple

from connector.domain.receivable_rows import InvoiceHistory, is_gone, is_written_off, last_payment, remaining

SHRINK = 2
"""How many invoices of everybody's kind stand beside a customer's own."""
EARLY, LATE = 10, 90
"""The percentiles of the band."""
ENOUGH = 10
"""Fewer paid invoices than this make no band."""
MEMORY_DAYS = 365
"""Invoices that fell due longer ago say nothing about today's habits."""


class Guess(NamedTuple):
    """When money should come, and the days between which eight of ten such invoices are paid; None when unknown."""

    expected: date
    early: date | None
    late: date | None


@dataclass
class PayDelays:
    """What settled invoices say; add them all first, then ask."""

    as_of: date
    _by_customer: dict[str, list[int]] = field(default_factory=dict)
    _unpaid: dict[str, list[int]] = field(default_factory=dict)

    def add(self, invoice: InvoiceHistory) -> None:
        """Take in one invoice; only one that fell due in the last year and is paid in full, or owed, says anything."""
        if invoice.due is None or invoice.amount <= 0 or (self.as_of - invoice.due).days > MEMORY_DAYS:
            return
        if is_gone(invoice, self.as_of) or is_written_off(invoice, self.as_of):
            return
        paid = last_payment(each for each in invoice.movements if each.day <= self.as_of)
        if remaining(invoice, self.as_of):
            if invoice.due < self.as_of:
                self._unpaid.setdefault(invoice.customer, []).append((self.as_of - invoice.due).days)
        elif paid is not None:
            self._by_customer.setdefault(invoice.customer, []).append((paid - invoice.due).days)

    def usual(self, customer: str) -> Decimal:
        """The customer's usual days after the due date, early payers' below 0."""
        total, count = self._settled(customer)
        for late in sorted(self._unpaid.get(customer, ()), reverse=True):
            if late * count <= total:
                break
            total, count = total + late, count + 1
        return total / count

    def guess(self, customer: str, due: date) -> Guess | None:
        """When an unpaid invoice should be paid: never before tomorrow; None when nobody ever paid that late.

        An invoice that is later already than its customer usually pays takes as much longer as others did that had
        come so far.
        """
        usual = due + timedelta(days=_whole(self.usual(customer)))
        if usual > self.as_of:
            early, late = self._band
            return self._never_past(usual, early, late)
        late_by = (self.as_of - due).days
        later = bisect_right(self._delays, late_by)  # from there on, all came later than this one is by now
        if later == len(self._delays):
            return None
        early, middle, late = (_percentile(self._delays, each, later) for each in (EARLY, 50, LATE))
        return self._never_past(due + timedelta(days=middle), early - middle, late - middle)

    def _settled(self, customer: str) -> tuple[Decimal, int]:
        """The sum and the number of what the customer's paid invoices say, with everybody's beside them."""
        own = self._by_customer.get(customer, ())
        return sum(own) + SHRINK * self._everybodys, len(own) + SHRINK

    def _habit(self, customer: str) -> Decimal:
        total, count = self._settled(customer)
        return total / count

    def _never_past(self, expected: date, early: int | None, late: int | None) -> Guess:
        first = self.as_of + timedelta(days=1)

        def shifted(by: int | None) -> date | None:
            return None if by is None else max(expected + timedelta(days=by), first)

        return Guess(max(expected, first), shifted(early), shifted(late))

    @cached_property
    def _everybodys(self) -> Decimal:
        """The mean of customers' means: one customer may hold a quarter of all invoices."""
        means = [Decimal(sum(own)) / len(own) for own in self._by_customer.values()]
        return sum(means, start=Decimal(0)) / len(means) if means else Decimal(0)

    @cached_property
    def _delays(self) -> list[int]:
        return sorted(delay for own in self._by_customer.values() for delay in own)

    @cached_property
    def _band(self) -> tuple[int | None, int | None]:
        """How many days before and after the guess eight of ten invoices were paid."""
        if len(self._delays) < ENOUGH:
            return None, None
        off = sorted(
            delay - _whole(self._habit(customer)) for customer, own in self._by_customer.items() for delay in own
        )
        return min(_percentile(off, EARLY), 0), max(_percentile(off, LATE), 0)


def _percentile(ordered: Sequence[int], percent: int, first: int = 0) -> int:
    """By nearest rank, of those from the place ``first`` on."""
    return ordered[first + max(-(-(len(ordered) - first) * percent // 100), 1) - 1]


def _whole(days: Decimal) -> int:
    """The nearest whole day, halves later."""
    return int((days + Decimal("0.5")).to_integral_value(ROUND_FLOOR))
