"""Recurring revenue from the history of subscriptions: MRR and what moved it, retention, churn, ARPA and CLV.

MRR of a day is what subscriptions earned a month at its end, UTC; ARR is MRR x 12, not a sum of contracts. What moved
it is told per customer and currency between the ends of two months: who had nothing before is ``new``, or
``reactivated`` if it ever had something; who has nothing any more is ``churned``; the rest expanded or contracted. What
comes and goes within one month moves nothing. Retention looks at those who were there at the start: gross retention
leaves expansion out, so it is never above 100 %; new customers are in neither. Undefined is None. Sources:
docs/receivables.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from connector.domain.dates import add_months
from connector.domain.mrr_history import MrrChange

_NOTHING = Decimal(0)


class Move(StrEnum):
    """What moves MRR from one month to the next."""

    NEW = "new"
    REACTIVATION = "reactivation"
    EXPANSION = "expansion"
    CONTRACTION = "contraction"
    CHURN = "churn"


@dataclass(frozen=True, slots=True)
class Moved:
    """How one customer's MRR moved; minor units with their decimals, what was lost below 0."""

    customer: str
    move: Move
    before: Decimal
    after: Decimal

    @property
    def amount(self) -> Decimal:
        """What it added to MRR."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Retention:
    """What became of those who had MRR at the start. Percentages, unrounded; None when nobody had."""

    customers: int
    lost: int
    mrr_before: Decimal
    net: Decimal | None
    gross: Decimal | None
    logo_churn: Decimal | None


@dataclass(frozen=True, slots=True)
class Month:
    """One month, or its part until the day that is asked for."""

    first: date
    last: date
    mrr: Decimal  #: at the end of its last day
    customers: int
    moved: tuple[Moved, ...]
    retention: Retention

    def total(self, move: Move) -> Decimal:
        """What one kind of move added up to, below 0 for what was lost."""
        return sum((each.amount for each in self.moved if each.move is move), start=_NOTHING)


@dataclass(frozen=True, slots=True)
class Revenue:
    """One currency as of a day, with the months before it. MRR in minor units with their decimals."""

    currency: str
    as_of: date
    mrr: Decimal
    customers: int
    months: tuple[Month, ...]
    retention: Retention  #: over all these months together
    at_start: Mapping[str, Decimal]  #: each customer's MRR before these months
    by_customer: Mapping[str, Decimal]  #: and now

    @property
    def arr(self) -> Decimal:
        """MRR x 12."""
        return self.mrr * 12

    @property
    def arpa(self) -> Decimal | None:
        """MRR per customer that has any."""
        return self.mrr / self.customers if self.customers else None

    @property
    def monthly_churn(self) -> Decimal | None:
        """Of all customers that began one of these months, how many of a hundred did not end it."""
        began = sum(month.retention.customers for month in self.months)
        return Decimal(sum(month.retention.lost for month in self.months)) * 100 / began if began else None

    def lifetime_value(self, margin: Decimal) -> Decimal | None:
        """ARPA x gross margin (a fraction) / monthly churn, in minor units; None while nobody has churned."""
        churn = self.monthly_churn
        return self.arpa * margin * 100 / churn if churn and self.arpa is not None else None


class History:
    """Every change of one currency's subscriptions, and what it came to on any day."""

    def __init__(self, changes: Iterable[MrrChange]) -> None:
        self._changes = sorted(changes, key=lambda each: (each.at, each.subscription))
        self.began: dict[str, date] = {}  #: when each customer had something for the first time
        for each in self._changes:
            if each.mrr:
                self.began.setdefault(str(each.customer), each.at.astimezone(UTC).date())

    def on(self, day: date) -> dict[str, Decimal]:
        """Each customer's MRR at the end of a day; those that have none are left out."""
        return self.on_days([day])[0]

    def on_days(self, days: Sequence[date]) -> list[dict[str, Decimal]]:
        """The same for days in rising order, in one pass."""
        current: dict[str, tuple[str, Decimal]] = {}
        found: list[dict[str, Decimal]] = []
        place = 0
        for day in days:
            end = datetime.combine(day + timedelta(days=1), time(), UTC)
            while place < len(self._changes) and self._changes[place].at < end:
                each = self._changes[place]
                current[str(each.subscription)] = (str(each.customer), each.mrr)
                place += 1
            found.append(_by_customer(current.values()))
        return found


def revenue(changes: Iterable[MrrChange], currency: str, as_of: date, months: int = 12) -> Revenue:
    """One currency's revenue as of a day; ``changes`` of other currencies are left out."""
    history = History(each for each in changes if each.currency == currency)
    ends = month_ends(as_of, months)
    there = history.on_days(ends)
    return Revenue(
        currency=currency,
        as_of=as_of,
        mrr=_sum(there[-1]),
        customers=len(there[-1]),
        months=tuple(_month(history, ends[n], ends[n + 1], there[n], there[n + 1]) for n in range(months)),
        retention=retention(there[0], there[-1]),
        at_start=there[0],
        by_customer=there[-1],
    )


def month_ends(as_of: date, months: int) -> list[date]:
    """The last days of so many months and of the one before them; the last is ``as_of`` itself."""
    first = as_of.replace(day=1)
    return [*(add_months(first, -back) - timedelta(days=1) for back in range(months - 1, -1, -1)), as_of]


def retention(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> Retention:
    """What became of those who had something before; new customers are left out."""
    start = _sum(before)
    kept = {customer: after.get(customer, _NOTHING) for customer in before}
    lost = sum(1 for left in kept.values() if not left)
    held = sum((min(left, before[customer]) for customer, left in kept.items()), start=_NOTHING)
    return Retention(
        customers=len(before),
        lost=lost,
        mrr_before=start,
        net=_percent(_sum(kept), start),
        gross=_percent(held, start),
        logo_churn=_percent(Decimal(lost), Decimal(len(before))),
    )


def whole(minor: Decimal) -> int:
    """MRR in whole minor units, half up: for showing it, never for adding it up."""
    return int(minor.to_integral_value(ROUND_HALF_UP))


def _month(
    history: History, end_before: date, last: date, before: Mapping[str, Decimal], after: Mapping[str, Decimal]
) -> Month:
    first = end_before + timedelta(days=1)
    moved = []
    for customer in sorted(before.keys() | after.keys()):
        was, now = before.get(customer, _NOTHING), after.get(customer, _NOTHING)
        if was != now:
            began_now = history.began[customer] >= first
            moved.append(Moved(customer, _move(was, now, began_now=began_now), was, now))
    return Month(first, last, _sum(after), len(after), tuple(moved), retention(before, after))


def _move(before: Decimal, after: Decimal, *, began_now: bool) -> Move:
    if not before:
        return Move.NEW if began_now else Move.REACTIVATION
    if not after:
        return Move.CHURN
    return Move.EXPANSION if after > before else Move.CONTRACTION


def _by_customer(rows: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for customer, mrr in rows:
        if mrr:
            found[customer] = found.get(customer, _NOTHING) + mrr
    return found


def _sum(by_customer: Mapping[str, Decimal]) -> Decimal:
    return sum(by_customer.values(), start=_NOTHING)


def _percent(part: Decimal, of: Decimal) -> Decimal | None:
    return part * 100 / of if of else None
