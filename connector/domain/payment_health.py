"""PaymentHealth: who pays how late, and why we say so, from the ledger alone.

The score and the two chances follow one measured formula (``lateness``): graded lateness, weighed by due date, unpaid
invoices counted up to today, shrunk lightly towards the portfolio. They look at days, never at amounts, so they stand
for all currencies together; money is per currency and never added across currencies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from connector.domain import lateness
from connector.domain.aging import AgingBucket, bucket_of
from connector.domain.billing import Customer, Dispute, Invoice, InvoiceStatus, Payment
from connector.domain.charge_readiness import MethodState, method_state
from connector.domain.currency_health import CurrencyHealth, currency_health, share
from connector.domain.health_policy import HealthPolicy, RollUp, Segment
from connector.domain.health_reasons import Reason, ReasonCode
from connector.domain.health_word import THIN, Confidence, Health, confidence, word
from connector.domain.invoice_standing import (
    InvoiceStanding,
    contested_by,
    days_of_arrival,
    days_past_due,
    standing,
)
from connector.domain.money import Money
from connector.domain.payment_trend import Direction, Trend, trend
from connector.domain.portfolio import Portfolio
from connector.domain.promise import Promise, broken
from connector.domain.refs import RecordRef

__all__ = [
    "AgingBucket",
    "Confidence",
    "CurrencyHealth",
    "Direction",
    "Health",
    "HealthPolicy",
    "MethodState",
    "NextInvoice",
    "PaymentHealth",
    "Portfolio",
    "Reason",
    "ReasonCode",
    "RollUp",
    "Segment",
    "Trend",
    "asks_for_flag",
    "assess",
    "bucket_of",
    "days_past_due",
    "is_late_payer",
]


DEFAULT_POLICY = HealthPolicy()
DEFAULT_PORTFOLIO = Portfolio()


class NextInvoice(NamedTuple):
    """The next invoice that billing will make."""

    day: date
    amount: Money | None = None  #: as it stands today; None when it depends on use


@dataclass(frozen=True, slots=True)
class PaymentHealth:
    """One account's payment record on one day. Money is in ``currency``, the account's main one."""

    as_of: date
    currency: str
    word: Health
    score: float | None
    next_late_chance: float | None
    trouble_chance: float | None
    confidence: Confidence
    reasons: tuple[Reason, ...]
    by_currency: Mapping[str, CurrencyHealth]
    open_balance: Money | None
    overdue_balance: Money | None
    overdue_count: int
    days_past_due: int
    bucket: AgingBucket
    average_days_late: Decimal | None
    on_time_rate: Decimal | None  #: percent
    resolved: int
    disputed: bool
    failed_attempts: int = 0
    payment_method: MethodState = MethodState.UNKNOWN
    broken_promises: int = 0
    trend: Trend = field(default_factory=Trend)
    next_invoice: NextInvoice | None = None

    @property
    def reason(self) -> str:
        """All reasons, as one paragraph."""
        return " ".join(reason.text for reason in self.reasons)


def assess(
    invoices: Iterable[Invoice],
    payments: Sequence[Payment],
    disputes: Iterable[Dispute],
    today: date,
    policy: HealthPolicy = DEFAULT_POLICY,
    portfolio: Portfolio = DEFAULT_PORTFOLIO,
    *,
    promises: Iterable[Promise] = (),
    customer: Customer | None = None,
    next_invoice: NextInvoice | None = None,
) -> PaymentHealth:
    """One account's payment record as of ``today`` (UTC). The order of whatever is given changes nothing."""
    given = sorted(invoices, key=_place)
    arrived = days_of_arrival(payments, given) if payments else {}
    contested = contested_by(disputes)
    standings = [found for each in given if (found := standing(each, today, arrived, contested)) is not None]
    currency = _main_currency(standings)
    by_currency = _by_currency(standings)
    outcomes = [each.outcome for each in standings if each.outcome is not None]
    score = own = None
    if outcomes:
        lost, unknown = lateness.points_lost(outcomes, today, portfolio.mean_lateness)
        own = sum(lost)
        score = 100 - own - unknown
    oldest = max((each.past_due for each in standings), default=0)
    main = by_currency.get(currency)
    recent = lateness.issued_recently(((i.finalized_at or i.created_at).date() for i, *_ in standings), today)
    return PaymentHealth(
        as_of=today,
        currency=currency,
        word=word(score, own or 0.0, oldest, policy),
        score=score,
        next_late_chance=lateness.next_late_chance(outcomes, today, portfolio.late_rate) if outcomes else None,
        trouble_chance=lateness.trouble_chance(outcomes, today, portfolio.serious_rate, recent) if outcomes else None,
        confidence=confidence(len(outcomes), sum(lateness.weight(o.due, today) for o in outcomes)),
        reasons=_reasons(standings, by_currency, currency, oldest),
        by_currency=by_currency,
        open_balance=main.open_balance if main else None,
        overdue_balance=main.overdue_balance if main else None,
        overdue_count=sum(each.overdue_count for each in by_currency.values()),
        days_past_due=oldest,
        bucket=bucket_of(oldest),
        average_days_late=main.average_days_late if main else None,
        on_time_rate=share(sum(1 for o in outcomes if o.days_late <= 0), len(outcomes)),
        resolved=len(outcomes),
        disputed=any(each.disputed for each in standings),
        failed_attempts=sum(_failed(each) for each in standings),
        payment_method=method_state(customer, next_invoice.day if next_invoice else None, today),
        broken_promises=broken(promises, given, payments, today) if promises else 0,
        trend=trend(outcomes, today),
        next_invoice=next_invoice,
    )


def asks_for_flag(health: PaymentHealth, policy: HealthPolicy) -> bool:
    """Whether the payment record asks for the flag, wherever the renewal stands: late, severe, or likely late next."""
    chance = health.next_late_chance
    likely = chance is not None and policy.late_chance_flag < 1 and chance >= policy.late_chance_flag
    return likely or health.word in (Health.LATE, Health.SEVERE)


def is_late_payer(health: PaymentHealth, renewal: date | None, policy: HealthPolicy) -> bool:
    """Whether the account should carry the flag: its record asks for it, and its renewal is near or unknown."""
    if not asks_for_flag(health, policy):
        return False
    return renewal is None or (renewal - health.as_of).days <= max(policy.renewal_windows, default=0)


def _place(invoice: Invoice) -> tuple[date, str, str]:
    """Where an invoice stands among others: by due date."""
    return invoice.due_date or date.min, invoice.ref.id, invoice.ref.provider


def _main_currency(standings: Sequence[InvoiceStanding]) -> str:
    """The currency of the newest invoice; ties by code, so that order changes nothing."""
    newest = max((each.invoice for each in standings), key=lambda i: (i.created_at, i.currency), default=None)
    return newest.currency if newest else ""


def _by_currency(standings: Sequence[InvoiceStanding]) -> dict[str, CurrencyHealth]:
    grouped: dict[str, list[InvoiceStanding]] = {}
    for each in standings:
        grouped.setdefault(each.invoice.currency, []).append(each)
    return {currency: currency_health(currency, grouped[currency]) for currency in sorted(grouped)}


def _failed(found: InvoiceStanding) -> int:
    """Attempts to charge an invoice that failed: all of an unpaid one, all but the last of a paid one."""
    attempts = found.invoice.attempt_count
    return max(0, attempts - 1) if found.invoice.status is InvoiceStatus.PAID else attempts


def _reasons(
    standings: Sequence[InvoiceStanding], by_currency: Mapping[str, CurrencyHealth], currency: str, oldest: int
) -> tuple[Reason, ...]:
    reasons = []
    late = [each.invoice.ref for each in standings if each.past_due]
    settled = [each for each in standings if each.outcome is not None]
    paid = sorted(each.outcome.days_late for each in settled if each.outcome and not each.outcome.unpaid)
    habit = ""
    if paid:
        usual = paid[len(paid) // 2]
        habit = f"usually pays {_days(usual)} after due" if usual > 0 else "usually pays on time"
    if late:
        noun = "invoice" if len(late) == 1 else "invoices"
        money = " and ".join(str(c.overdue_balance) for c in by_currency.values() if c.overdue_count)
        text = f"{len(late)} {noun}, {money}, up to {_days(oldest)} late{'; ' if habit else ''}{habit}."
        reasons.append(Reason(ReasonCode.OVERDUE, text, tuple(late)))
    elif habit:
        code = ReasonCode.PAYS_LATE if "after" in habit else ReasonCode.PAYS_ON_TIME
        reasons.append(Reason(code, f"{habit[0].upper()}{habit[1:]}.", tuple(each.invoice.ref for each in settled)))
    if not settled:
        reasons.append(Reason(ReasonCode.NOTHING_DUE, "No invoice has come due yet."))
    elif len(settled) < THIN:
        noun = "invoice has" if len(settled) == 1 else "invoices have"
        refs: tuple[RecordRef, ...] = tuple(each.invoice.ref for each in settled)
        reasons.append(Reason(ReasonCode.THIN_HISTORY, f"Only {len(settled)} {noun} come due so far.", refs))
    return tuple(reasons)


def _days(count: int) -> str:
    return f"{count} day" if count == 1 else f"{count} days"
