"""What the owner of a renewal is asked to do about a late payer: who, how much, how late, why, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from connector.domain.renewals import Renewal
from connector.domain.write_back import Value, Values

_DAYS_TO_ACT = 7
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class RenewalDeal:
    """An open deal that renews the account's contract, as far as a task tells of it."""

    name: str
    amount: Decimal | None = None  #: in major units of ``currency``
    currency: str = ""

    def __str__(self) -> str:
        return f"{self.name}, {_money(self.amount, self.currency)}" if self.amount is not None else self.name


def subject_of(name: str, renewal: Renewal, window: int) -> str:
    """One line that is this window's alone: it finds the task again after a lost answer."""
    return f"{name} pays late and renews on {renewal.on.isoformat()} ({window}-day reminder)"


def body_of(name: str, renewal: Renewal, shown: Values, deals: Sequence[RenewalDeal], today: date) -> str:
    """Plain text; ``shown`` are the canonical values of the account's record."""
    left = renewal.days_from(today)
    currency = str(shown.get("currency") or "")
    lines = [
        f"{name} renews on {renewal.on.isoformat()}, {renewal.because}: {_counted(left, 'day')} from now.",
        f"Payment health: {shown.get('health', 'unknown')}{_score(shown.get('health_score'))}.",
    ]
    if overdue := shown.get("overdue_balance"):
        count, days = shown.get("overdue_count"), shown.get("days_past_due")
        lines.append(
            f"Overdue: {_money(overdue, currency)} on {_counted(count, 'invoice')}, the oldest {_counted(days, 'day')} "
            f"late; {_money(shown.get('open_balance'), currency)} open in all."
        )
    if why := shown.get("health_reason"):
        lines.append(f"Why: {why}")
    lines += [f"Renewal: {deal}." for deal in deals]
    return "\n".join([*lines, "", "Written by the billing connector, which closes it when the account has paid."])


def due_on(renewal: Renewal, today: date) -> date:
    """A week from today, but never after the renewal; a Friday rather than the weekend behind it."""
    day = min(today + timedelta(days=_DAYS_TO_ACT), max(renewal.on, today))
    friday = day - timedelta(days=max(0, day.weekday() - _SATURDAY + 1))
    return max(friday, today)


def _score(score: Value) -> str:
    return "" if score is None else f", score {score} of 100"


def _counted(count: Value, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _money(amount: Value, currency: str) -> str:
    said = f"{amount:,f}" if isinstance(amount, Decimal) else str(amount)
    return f"{currency.upper()} {said}".strip()
