"""Cohorts: customers by the month in which they first had recurring revenue, and what is left of each since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from connector.domain.mrr_history import MrrChange
from connector.domain.revenue import History, month_ends


@dataclass(frozen=True, slots=True)
class Left:
    """A cohort at the end of one of its months; the first is the month in which it began."""

    last: date
    mrr: Decimal  #: minor units with their decimals
    customers: int


@dataclass(frozen=True, slots=True)
class Cohort:
    """Everybody who began in one month."""

    month: date  #: its first day
    customers: tuple[str, ...]
    months: tuple[Left, ...]

    @property
    def revenue_retention(self) -> tuple[Decimal | None, ...]:
        """Each month's MRR in percent of the first month's; may pass 100. None when nothing was left of the first."""
        first = self.months[0].mrr
        return tuple(each.mrr * 100 / first if first else None for each in self.months)

    @property
    def logo_retention(self) -> tuple[Decimal, ...]:
        """How many of a hundred customers still have revenue at each month's end."""
        return tuple(Decimal(each.customers) * 100 / len(self.customers) for each in self.months)


def cohorts(changes: Iterable[MrrChange], currency: str, as_of: date, months: int = 12) -> tuple[Cohort, ...]:
    """The cohorts of the last so many months in one currency; the month of ``as_of`` counts up to that day."""
    history = History(each for each in changes if each.currency == currency)
    ends = month_ends(as_of, months)[1:]
    there = history.on_days(ends)
    found = []
    for number, end in enumerate(ends):
        month = end.replace(day=1)
        members = sorted(customer for customer, began in history.began.items() if month <= began <= end)
        if members:
            found.append(Cohort(month, tuple(members), _left(members, ends[number:], there[number:])))
    return tuple(found)


def _left(members: Sequence[str], ends: Sequence[date], there: Sequence[dict[str, Decimal]]) -> tuple[Left, ...]:
    return tuple(
        Left(
            end,
            sum((mrr[one] for one in members if one in mrr), start=Decimal(0)),
            sum(1 for one in members if one in mrr),
        )
        for end, mrr in zip(ends, there, strict=True)
    )
