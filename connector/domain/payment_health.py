"""PaymentHealth: who pays how late, from the ledger alone.

The score and the chance of a late next invoice follow one measured formula: graded lateness (a few days are noise,
forty are not), weighed by due date with a half-life of 180 days, unpaid invoices counted up to today, shrunk lightly
towards the portfolio. Amounts are per currency and never added across currencies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from math import log

from connector.domain.billing import Invoice, InvoiceStatus
from connector.domain.money import Money


class Health(StrEnum):
    """The word on the record."""

    GOOD = "good"
    WATCH = "watch"
    LATE = "late"
    SEVERE = "severe"
    UNKNOWN = "unknown"


class AgingBucket(StrEnum):
    """Days past the due date, in the usual bands."""

    CURRENT = "current"
    TO_30 = "1-30"
    TO_60 = "31-60"
    TO_90 = "61-90"
    OVER_90 = "90+"


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """Where the words begin. Scores run from 0 to 100."""

    flag_below: float = 60.0
    watch_below: float = 75.0
    severe_days: int = 60
    renewal_window_days: int = 90


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What all accounts together say, for accounts with little history: means over the accounts' own means."""

    mean_lateness: float = 0.15  #: of the graded lateness, 0 to 1
    late_rate: float = 0.3


@dataclass(frozen=True, slots=True)
class PaymentHealth:
    """One account's payment record on one day. Money is in ``currency``, the account's main one."""

    as_of: date
    currency: str
    word: Health
    score: float | None
    next_late_chance: float | None
    open_balance: Money | None
    overdue_balance: Money | None
    overdue_count: int
    days_past_due: int
    bucket: AgingBucket
    average_days_late: Decimal | None
    on_time_rate: Decimal | None  #: percent
    resolved: int
    disputed: bool
    reason: str


def days_past_due(invoice: Invoice, today: date) -> int:
    """Whole days since the due date while money is still owed; otherwise 0.

    A disputed invoice and one whose bank debit is on its way are not late.
    """
    if not _owed(invoice) or invoice.due_date is None or invoice.disputed or invoice.processing:
        return 0
    return max(0, (today - invoice.due_date).days)


def bucket_of(days: int) -> AgingBucket:
    """The aging bucket of a number of days past due."""
    for limit, bucket in ((0, AgingBucket.CURRENT), (30, AgingBucket.TO_30), (60, AgingBucket.TO_60)):
        if days <= limit:
            return bucket
    return AgingBucket.TO_90 if days <= 90 else AgingBucket.OVER_90


def assess(
    invoices: Iterable[Invoice], today: date, policy: HealthPolicy, portfolio: Portfolio | None = None
) -> PaymentHealth:
    """One account's payment record as of ``today``. The order of the invoices changes nothing."""
    counted = [invoice for invoice in invoices if _counts(invoice)]
    currency = _main_currency(counted)
    in_main = [invoice for invoice in counted if invoice.currency == currency]
    owed = [invoice for invoice in in_main if _owed(invoice)]
    late = [invoice for invoice in owed if days_past_due(invoice, today) > 0]
    oldest = max((days_past_due(invoice, today) for invoice in counted), default=0)
    # What an admin wrote off was never paid: it still says how the account pays.
    settled = [(_days_late(i, today), i) for i in counted if _resolved(i, today)]
    score = _score(settled, today, portfolio or Portfolio()) if settled else None
    word = _word(score, oldest, policy)
    return PaymentHealth(
        as_of=today,
        currency=currency,
        word=word,
        score=score,
        next_late_chance=_late_chance(settled, today, portfolio or Portfolio()) if settled else None,
        open_balance=_total(owed, currency),
        overdue_balance=_total(late, currency),
        overdue_count=sum(1 for invoice in counted if days_past_due(invoice, today) > 0),
        days_past_due=oldest,
        bucket=bucket_of(oldest),
        average_days_late=_average([(days, i) for days, i in settled if i.currency == currency]),
        on_time_rate=_on_time(settled),
        resolved=len(settled),
        disputed=any(invoice.disputed for invoice in counted),
        reason=_reason(late, oldest, settled, currency),
    )


def is_late_payer(health: PaymentHealth, renewal: date | None, policy: HealthPolicy) -> bool:
    """Whether the account should carry the flag: it pays badly, and its renewal is near (or its date unknown)."""
    if health.word not in (Health.LATE, Health.SEVERE):
        return False
    return renewal is None or (renewal - health.as_of).days <= policy.renewal_window_days


def _counts(invoice: Invoice) -> bool:
    """Drafts and voids are no receivable; a replaced revision would count twice; a zero invoice says nothing."""
    return (
        invoice.status in (InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE)
        and invoice.replaced_by is None
        and invoice.total > 0
    )


def _owed(invoice: Invoice) -> bool:
    return invoice.status is InvoiceStatus.OPEN and invoice.amount_remaining > 0


def _resolved(invoice: Invoice, today: date) -> bool:
    """Paid, or past due and unpaid: it says something about how the account pays."""
    if invoice.due_date is None or invoice.disputed or invoice.processing:
        return False
    return invoice.status is InvoiceStatus.PAID or invoice.due_date < today


def _days_late(invoice: Invoice, today: date) -> int:
    """Signed for what is paid, up to today for what is not."""
    if invoice.due_date is None:
        return 0
    end = invoice.paid_at.date() if invoice.status is InvoiceStatus.PAID and invoice.paid_at else today
    return (end - invoice.due_date).days


def _main_currency(invoices: Sequence[Invoice]) -> str:
    """The currency of the newest invoice; ties by code, so that order changes nothing."""
    newest = max(invoices, key=lambda i: (i.created_at, i.currency), default=None)
    return newest.currency if newest else ""


def _total(invoices: Iterable[Invoice], currency: str) -> Money | None:
    return Money(sum(invoice.amount_remaining for invoice in invoices), currency) if currency else None


def _weight(invoice: Invoice, today: date) -> float:
    if invoice.status is not InvoiceStatus.PAID or invoice.due_date is None:
        return 1.0
    return float(0.5 ** (max(0, (today - invoice.due_date).days) / 180))


def _lateness(days: int) -> float:
    """Graded: on time 0, 1 day .17, 5 days .44, 30 days .84, 60 and more 1."""
    return log(1 + min(max(days, 0), 60)) / log(61)


def _score(settled: Sequence[tuple[int, Invoice]], today: date, portfolio: Portfolio) -> float:
    weights = [(_weight(invoice, today), _lateness(days)) for days, invoice in settled]
    lost = sum(weight * grade for weight, grade in weights) + portfolio.mean_lateness
    return 100 * (1 - lost / (sum(weight for weight, _ in weights) + 1))


def _late_chance(settled: Sequence[tuple[int, Invoice]], today: date, portfolio: Portfolio) -> float:
    weights = [(_weight(invoice, today), days > 0) for days, invoice in settled]
    late = sum(weight for weight, was_late in weights if was_late) + 2 * portfolio.late_rate
    return late / (sum(weight for weight, _ in weights) + 2)


def _word(score: float | None, oldest: int, policy: HealthPolicy) -> Health:
    if score is None:
        return Health.UNKNOWN
    if oldest > policy.severe_days:
        return Health.SEVERE
    if score < policy.flag_below:
        return Health.LATE
    return Health.WATCH if score < policy.watch_below or oldest > 0 else Health.GOOD


def _average(settled: Sequence[tuple[int, Invoice]]) -> Decimal | None:
    """Days late weighted by amount, one decimal; early payments count as early."""
    weight = sum(invoice.total for _, invoice in settled)
    if not weight:
        return None
    return (Decimal(sum(days * invoice.total for days, invoice in settled)) / weight).quantize(Decimal("0.1"))


def _on_time(settled: Sequence[tuple[int, Invoice]]) -> Decimal | None:
    if not settled:
        return None
    on_time = sum(1 for days, _ in settled if days <= 0)
    return (Decimal(100 * on_time) / len(settled)).quantize(Decimal("0.1"))


def _reason(late: Sequence[Invoice], oldest: int, settled: Sequence[tuple[int, Invoice]], currency: str) -> str:
    parts = []
    if late:
        noun = "invoice" if len(late) == 1 else "invoices"
        days = "day" if oldest == 1 else "days"
        parts.append(f"{len(late)} {noun}, {_total(late, currency)}, up to {oldest} {days} late")
    paid = sorted(days for days, invoice in settled if invoice.status is InvoiceStatus.PAID)
    if paid:
        usual = paid[len(paid) // 2]
        days = "day" if usual == 1 else "days"
        parts.append(f"usually pays {usual} {days} after due" if usual > 0 else "usually pays on time")
    if len(settled) < 3:
        noun = "invoice has" if len(settled) == 1 else "invoices have"
        parts.append(f"only {len(settled)} {noun} come due so far" if settled else "no invoice has come due yet")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""
