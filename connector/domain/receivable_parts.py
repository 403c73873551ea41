"""What each invoice contributes to each figure: the figures are sums of these parts, and open to the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from connector.domain.aging import bucket_index
from connector.domain.receivable_rows import (
    InvoiceHistory,
    Kind,
    days_past_due,
    is_gone,
    is_written_off,
    moved,
    open_amount,
    remaining,
)


class Part(StrEnum):
    """One sum. Each contribution has an amount, and days where the figure is an average of days."""

    CURRENT = "current"  #: open and not past due
    DAYS_1_30 = "1-30"  #: open, by days past due
    DAYS_31_60 = "31-60"
    DAYS_61_90 = "61-90"
    DAYS_OVER_90 = "90+"
    OPEN = "open"  #: all that is open, with the days since it was issued
    OPENING = "opening"  #: open before the period began
    SALES = "sales"  #: issued within the period
    LATE = "late"  #: paid within the period, with the days from due date to payment, early ones below 0
    TO_PAY = "to-pay"  #: paid within the period, with the days from issue to payment
    COLLECTED = "collected"  #: paid within the period
    RETURNED = "returned"  #: refunded or lost in a dispute within the period
    WRITTEN_OFF = "written-off"  #: given up within the period and not paid since
    FELL_DUE = "fell-due"  #: what fell due within the period, less credit notes
    FELL_DUE_PAID = "fell-due-paid"  #: of that, what was collected and kept
    WAS_OVERDUE = "was-overdue"  #: past due before the period began
    RECOVERED = "recovered"  #: of that, what was collected within the period and kept


BUCKETS = (Part.CURRENT, Part.DAYS_1_30, Part.DAYS_31_60, Part.DAYS_61_90, Part.DAYS_OVER_90)
"""The aging buckets, by days past the due date."""
OVERDUE = BUCKETS[1:]


class Frame(NamedTuple):
    """A day, and the period of so many days that ends with it."""

    as_of: date
    days: int

    @property
    def before(self) -> date:
        """The last day before the period."""
        return self.as_of - timedelta(days=self.days)


class Contribution(NamedTuple):
    """What one invoice adds to one part, in minor units."""

    part: Part
    amount: int
    days: int = 0


MADE_OF: Mapping[str, tuple[Part, ...]] = {
    **{part.value: (part,) for part in Part},
    "overdue": OVERDUE,
    "dso": (Part.OPEN, Part.SALES),
    "best_possible_dso": (Part.CURRENT, Part.SALES),
    "average_days_delinquent": (*OVERDUE, Part.SALES),
    "true_dso": (Part.OPEN,),
    "cei": (Part.OPENING, Part.SALES, Part.OPEN, Part.CURRENT),
    "average_days_late": (Part.LATE, *OVERDUE),
    "provisional_share": (Part.LATE, *OVERDUE),
    "average_days_to_pay": (Part.TO_PAY,),
    "net_collected": (Part.COLLECTED, Part.RETURNED),
    "collection_rate": (Part.FELL_DUE, Part.FELL_DUE_PAID),
    "recovery_rate": (Part.WAS_OVERDUE, Part.RECOVERED),
    "written_off": (Part.WRITTEN_OFF,),
}
"""Every figure, and the parts that it opens to."""


def contributions(invoice: InvoiceHistory, frame: Frame) -> Iterator[Contribution]:
    """All that an invoice adds to the figures as of ``frame.as_of``; nothing if it was for nothing, or not sent yet."""
    day = frame.as_of
    if invoice.issued > day or invoice.amount <= 0:
        return
    left = open_amount(invoice, day)
    if left:
        late = days_past_due(invoice, day)
        yield Contribution(BUCKETS[bucket_index(late)], left, late)
        yield Contribution(Part.OPEN, left, (day - invoice.issued).days)
    if before := open_amount(invoice, frame.before):
        yield Contribution(Part.OPENING, before)
        if days_past_due(invoice, frame.before):
            yield from _recovery(invoice, frame, before)
    if not is_gone(invoice, day):
        if invoice.issued > frame.before:
            yield Contribution(Part.SALES, invoice.amount)
        if invoice.due is not None and frame.before < invoice.due <= day:
            yield from _collection(invoice, day)
        if is_written_off(invoice, day) and not is_written_off(invoice, frame.before):
            yield from _some(Part.WRITTEN_OFF, remaining(invoice, day))
    yield from _within(invoice, frame)


def _within(invoice: InvoiceHistory, frame: Frame) -> Iterator[Contribution]:
    """Money that moved within the period."""
    for each in invoice.movements:
        if not frame.before < each.day <= frame.as_of:
            continue
        if each.kind is Kind.PAYMENT:
            yield Contribution(Part.COLLECTED, each.amount)
            yield Contribution(Part.TO_PAY, each.amount, (each.day - invoice.issued).days)
            if invoice.due is not None:
                yield Contribution(Part.LATE, each.amount, (each.day - invoice.due).days)
        elif each.kind is Kind.RETURNED:
            yield Contribution(Part.RETURNED, each.amount)


def _collection(invoice: InvoiceHistory, day: date) -> Iterator[Contribution]:
    owed = max(invoice.amount - moved(invoice, Kind.CREDIT, until=day), 0)
    yield from _some(Part.FELL_DUE, owed)
    paid = min(moved(invoice, Kind.PAYMENT, until=day), owed)
    yield from _some(Part.FELL_DUE_PAID, paid - moved(invoice, Kind.RETURNED, until=day))


def _recovery(invoice: InvoiceHistory, frame: Frame, before: int) -> Iterator[Contribution]:
    yield Contribution(Part.WAS_OVERDUE, before)
    paid = min(moved(invoice, Kind.PAYMENT, until=frame.as_of, after=frame.before), before)
    returned = moved(invoice, Kind.RETURNED, until=frame.as_of, after=frame.before)
    yield from _some(Part.RECOVERED, paid - returned)


def _some(part: Part, amount: int) -> Iterator[Contribution]:
    if amount:
        yield Contribution(part, amount)
