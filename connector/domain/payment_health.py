"""PaymentHealth: who pays how late, and why we say so, from the ledger alone.

The score and the two chances follow one measured formula (``lateness``): graded lateness, weighed by due date, unpaid
invoices counted up to today, shrunk lightly towards the portfolio. They look at days, never at amounts, so they stand
for all currencies together; money is per currency and never added across currencies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import floor, fsum
from typing import NamedTuple

from connector.domain import lateness
from connector.domain.aging import AgingBucket, bucket_of
from connector.domain.billing import Customer, Dispute, Invoice, InvoiceStatus, Payment
from connector.domain.charge_readiness import MethodState, method_state
from connector.domain.currency_health import CurrencyHealth, currency_health, share
from connector.domain.health_policy import HealthPolicy, RollUp, Segment
from connector.domain.health_reasons import Findings, Reason, ReasonCode, reasons
from connector.domain.health_word import Confidence, Health, confidence, word
from connector.domain.invoice_standing import (
    InvoiceStanding,
    contested_by,
    days_of_arrival,
    days_past_due,
    standing,
    taken_back_by,
    tells_of_trend,
)
from connector.domain.money import Money
from connector.domain.payment_habit import habit
from connector.domain.payment_trend import Direction, Span, Trend, direction, trend
from connector.domain.portfolio import Portfolio
from connector.domain.promise import Promise
from connector.domain.promise import Standing as PromiseStanding
from connector.domain.promise import standing as promise_standing
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
    "Span",
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
    """One account's payment record on one day.

    Money is in ``currency``, the account's main one; the others stand in ``by_currency``. Counts and days, and the
    share on time, are of all currencies together.
    """

    as_of: date
    currency: str  #: lower case; empty where no invoice counts
    word: Health
    score: float | None  #: 0 (hopeless) to 100 (always on time); None where nothing tells how it pays
    next_late_chance: float | None  #: 0 to 1: that the next invoice is paid late
    trouble_chance: float | None  #: 0 to 1: of an invoice more than 15 days late within 90 days
    confidence: Confidence
    reasons: tuple[Reason, ...]  #: at most three
    by_currency: Mapping[str, CurrencyHealth]
    open_balance: Money | None  #: all that is still to be paid, due or not; what was written off is shown apart
    overdue_balance: Money | None  #: what is owed past its due date, neither disputed nor on its way
    overdue_count: int
    days_past_due: int  #: of the oldest overdue invoice
    bucket: AgingBucket  #: of that
    average_days_late: Decimal | None  #: weighted by amount, early below 0; unpaid invoices up to today
    on_time_rate: Decimal | None  #: percent
    resolved: int  #: invoices that tell how it pays: paid, or unpaid past due
    disputed: bool  #: whether any money is in question
    failed_attempts: int  #: failed charges of invoices that are unpaid, or fell due in the last 90 days
    payment_method: MethodState
    broken_promises: int
    usual_days_late: int | None  #: how many days after due it usually pays, early below 0; None if it never paid
    points_lost: tuple[tuple[RecordRef, float], ...]  #: what each late invoice takes off the score, the worst first
    next_invoice: NextInvoice | None
    trending: tuple[lateness.Outcome, ...]  #: what the trend is drawn from, in order of due dates

    @property
    def trend(self) -> Trend:
        """Whether it pays better or worse than it did; without what was written off, which only grows older."""
        return trend(self.trending, self.as_of)

    @property
    def shown_score(self) -> int | None:
        """The score as records show it: whole, and rounded down, so that it never seems to reach a threshold."""
        return None if self.score is None else floor(self.score)

    @property
    def reason(self) -> str:
        """All reasons, as one paragraph."""
        return " ".join([reason.text for reason in self.reasons])


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
    """One account's payment record as of ``today`` (UTC, as are the days of payments).

    ``payments`` and ``disputes`` may be empty: an invoice knows when it was paid and whether it is disputed. Given,
    payments tell the day on which money really arrived (``invoice_standing``), and promises with an amount need them.
    The order of whatever is given changes nothing, not even the last digit.
    """
    given = invoices if isinstance(invoices, list | tuple) else tuple(invoices)
    arrived = days_of_arrival(payments, given) if payments else _NOTHING_ARRIVED
    known = tuple(disputes)
    contested, back = (contested_by(known), taken_back_by(known)) if known else _UNDISPUTED
    standings = [found for each in given if (found := standing(each, today, arrived, contested, back)) is not None]
    told = [each for each in standings if each.outcome is not None]
    outcomes = [outcome for each in told if (outcome := each.outcome) is not None]
    judged = _judge(outcomes, standings, today, portfolio)
    pays = habit(outcomes, judged.weights)
    points = _points(told, judged.points)
    by_currency = _by_currency(standings)
    main = by_currency.get(_main_currency(standings, by_currency, today))
    oldest = max([each.days_past_due for each in by_currency.values()], default=0)
    given_up = any(each.written_off_minor for each in by_currency.values())
    trending = tuple(sorted(_trending(told) if given_up else outcomes))
    method = method_state(customer, next_invoice.day if next_invoice else None, today)
    broken = _broken(promises, given, payments, today)
    score = judged.score if outcomes else None
    findings = Findings(
        today,
        standings,
        by_currency,
        pays,
        score is not None and score < policy.watch_below,
        points,
        trending,
        direction(trending),
        oldest,
        broken,
        customer,
        method,
        next_invoice.day if next_invoice else None,
    )
    return PaymentHealth(
        as_of=today,
        currency=main.currency if main else "",
        word=word(score, oldest, policy, ever_late=bool(points), given_up=given_up and _given_up(told, today)),
        score=score,
        next_late_chance=judged.next_late_chance if outcomes else None,
        trouble_chance=judged.trouble_chance if outcomes else None,
        confidence=confidence(len(outcomes), fsum(judged.weights)),
        reasons=reasons(findings),
        by_currency=by_currency,
        open_balance=main.open_balance if main else None,
        overdue_balance=main.overdue_balance if main else None,
        overdue_count=sum([each.overdue_count for each in by_currency.values()]),
        days_past_due=oldest,
        bucket=bucket_of(oldest),
        average_days_late=main.average_days_late if main else None,
        on_time_rate=share(pays.on_time, pays.resolved),
        resolved=pays.resolved,
        disputed=any(each.disputed for each in standings),
        failed_attempts=_failed_attempts(standings, today),
        payment_method=method,
        broken_promises=len(broken),
        usual_days_late=pays.usual_days_late if pays.paid else None,
        points_lost=points,
        next_invoice=next_invoice,
        trending=trending,
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


_NOTHING_ARRIVED: Mapping[RecordRef, date] = {}
_UNDISPUTED: tuple[frozenset[RecordRef], Mapping[RecordRef, int]] = (frozenset(), {})
_RECENT_DAYS, _YEAR_DAYS = 90, 365


def _judge(
    outcomes: Sequence[lateness.Outcome], standings: Sequence[InvoiceStanding], today: date, portfolio: Portfolio
) -> lateness.Judgement:
    issued = [(each.invoice.finalized_at or each.invoice.created_at).date() for each in standings]
    return lateness.judge(
        outcomes,
        today,
        mean_lateness=portfolio.mean_lateness,
        late_rate=portfolio.late_rate,
        serious_rate=portfolio.serious_rate,
        recent_invoices=lateness.issued_recently(issued, today),
    )


def _points(told: Sequence[InvoiceStanding], points: Sequence[float]) -> tuple[tuple[RecordRef, float], ...]:
    lost = [(each.invoice.ref, lost) for each, lost in zip(told, points, strict=True) if lost > 0]
    return tuple(sorted(lost, key=lambda each: (-each[1], each[0].id, each[0].provider)))


def _by_currency(standings: Sequence[InvoiceStanding]) -> dict[str, CurrencyHealth]:
    """In the order of their codes."""
    codes = {each.invoice.currency for each in standings}
    if len(codes) == 1:
        return {code: currency_health(code, standings) for code in codes}
    return {
        code: currency_health(code, [each for each in standings if each.invoice.currency == code])
        for code in sorted(codes)
    }


def _main_currency(standings: Sequence[InvoiceStanding], by_currency: Mapping[str, CurrencyHealth], today: date) -> str:
    """The one that most invoices of the last 365 days are made out in; the newest invoice decides among equals."""
    if len(by_currency) <= 1:
        return next(iter(by_currency), "")
    recent = Counter(
        each.invoice.currency for each in standings if (today - each.invoice.created_at.date()).days < _YEAR_DAYS
    )
    newest = {
        code: max(each.invoice.created_at for each in standings if each.invoice.currency == code)
        for code in by_currency
    }
    return max(by_currency, key=lambda code: (recent[code], newest[code], code))


def _trending(told: Sequence[InvoiceStanding]) -> list[lateness.Outcome]:
    return [outcome for each in told if (outcome := each.outcome) is not None and tells_of_trend(each)]


def _given_up(told: Sequence[InvoiceStanding], today: date) -> bool:
    """Whether something that fell due in the last year was written off."""
    return any(
        each.invoice.status is InvoiceStatus.UNCOLLECTIBLE
        and each.outcome is not None
        and each.outcome.days_late < _YEAR_DAYS
        for each in told
    )


def _failed_attempts(standings: Sequence[InvoiceStanding], today: date) -> int:
    """All attempts to charge an unpaid invoice failed unless one is under way; of a paid one, all but the last."""
    failed = 0
    for each in standings:
        attempts = each.invoice.attempt_count
        if not attempts:
            continue
        paid = each.invoice.status is InvoiceStatus.PAID
        due = each.invoice.due_date
        if not paid:
            failed += attempts - each.invoice.processing
        elif due is not None and (today - due).days < _RECENT_DAYS:
            failed += attempts - 1
    return failed


def _broken(
    promises: Iterable[Promise], invoices: Sequence[Invoice], payments: Sequence[Payment], today: date
) -> tuple[Promise, ...]:
    return tuple(
        promise
        for promise in promises
        if promise_standing(promise, invoices, payments, today) is PromiseStanding.BROKEN
    )
