"""What a part of a billing period costs, by day or by month, rounded so that the parts always add up to the whole.

Our own contract rule, not the billing system's: Stripe prorates by the second, which no contract says. Every share is
derived from one figure, what the *rest* of a period comes to from a given day, so that two parts of a period are
never a cent more or less than both together.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from connector.domain.billing_plan import Period
from connector.domain.dates import add_months, whole_months
from connector.domain.deal import Interval
from connector.domain.money import smallest_step
from connector.domain.policy import Proration


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``of`` days or months of a period."""

    count: int
    of: int
    unit: Proration

    def __str__(self) -> str:
        return f"{self.count} of {self.of} {self.unit.value}s"

    def of_amount(self, amount: int, currency: str) -> int:
        """That share of an amount in minor units, rounded half up (away from zero) to the currency's smallest step.

        A credit is exactly the charge with its sign turned. A whole period is never rounded.
        """
        if self.count == self.of:
            return amount
        step = smallest_step(currency)
        steps = (2 * abs(amount) * self.count + self.of * step) // (2 * self.of * step)
        return steps * step if amount >= 0 else -steps * step


def rest_of(period: Period, day: date, rule: Proration, interval: Interval | None = None) -> Share:
    """How much of the period is left from ``day`` on.

    By day: the days from ``day`` to the period's end, over all its days. By month: the months of the contract, counted
    from the period's first day, the one that ``day`` falls in counting whole. Charge and credit count alike, as in
    Salesforce CPQ, where a taken-away line gets the multiplier of an added one: what is added and taken away on one
    day costs nothing. Days and weeks, and periods that are no whole months, go by day.
    """
    months = _months(period, interval) if rule is Proration.MONTH else None
    if months is None:
        days = (period.end - period.start).days
        return Share(min(max((period.end - day).days, 0), days), days, Proration.DAY)
    gone = sum(1 for start in _month_starts(period, months)[1:] if start <= day)
    return Share(months - gone if day < period.end else 0, months, Proration.MONTH)


def unserved_from(period: Period, day: date, rule: Proration, interval: Interval | None = None) -> Share:
    """How much of the period is not served when the service stops on ``day``, the first day without it.

    As ``rest_of``, but a month that has begun is served: it is paid for, whole.
    """
    rest = rest_of(period, day, rule, interval)
    if rest.unit is Proration.DAY or not rest.count or day <= period.start:
        return rest
    begun = day not in _month_starts(period, rest.of)
    return Share(rest.count - 1 if begun else rest.count, rest.of, rest.unit)


def _months(period: Period, interval: Interval | None) -> int | None:
    """How many whole months the period has; None where it has none, or its interval is counted in days."""
    if interval is not None and whole_months(interval) is None:
        return None
    months = (period.end.year - period.start.year) * 12 + period.end.month - period.start.month
    fits = months > 0 and _month_start(period, 0) == period.start and _month_start(period, months) == period.end
    return months if fits else None


def _month_starts(period: Period, months: int) -> list[date]:
    return [_month_start(period, number) for number in range(months)]


def _month_start(period: Period, number: int) -> date:
    """The first day of the period's months, from 0.

    The later of both ends' days is the contract's own: a period from 28 February to 31 March is one month of a contract
    that began on a 31st.
    """
    first = add_months(period.start.replace(day=1), number)
    return _on_day(first, max(period.start.day, period.end.day))


def _on_day(first: date, day: int) -> date:
    return first.replace(day=min(day, monthrange(first.year, first.month)[1]))
