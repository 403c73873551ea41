"""The figures beside the word: balances by currency, aging, trend, attempts, confidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from connector.domain.aging import BUCKETS, bucket_of
from connector.domain.billing import Customer, Invoice, InvoiceStatus, PaymentMethod
from connector.domain.charge_readiness import MethodState
from connector.domain.money import Money
from connector.domain.payment_health import (
    AgingBucket,
    Confidence,
    Direction,
    Health,
    HealthPolicy,
    NextInvoice,
    PaymentHealth,
    Portfolio,
    Span,
    asks_for_flag,
    assess,
    days_past_due,
)
from connector.domain.promise import Promise
from tests.domain.golden_health import CUSTOMER, days_ago, dispute, monthly, owed, paid
from tests.factories import TODAY, a_payment, an_invoice, at


def judged(*invoices: Invoice) -> PaymentHealth:
    return assess(invoices, (), (), TODAY)


def test_what_is_owed_is_told_by_bucket_and_apart_from_what_is_disputed_or_on_its_way() -> None:
    figures = judged(
        owed(-5, total=100),
        owed(0, total=200),
        owed(30, total=400),
        owed(31, total=800),
        owed(61, total=1_600),
        owed(90, 1, total=3_200),
        owed(91, total=6_400),
        owed(7, total=10_000, disputed=True),
        owed(8, total=20_000, processing=True),
        owed(9, total=40_000, status=InvoiceStatus.UNCOLLECTIBLE),
    ).by_currency["eur"]
    assert figures.aging == {
        AgingBucket.CURRENT: Money(300, "eur"),
        AgingBucket.TO_30: Money(400, "eur"),
        AgingBucket.TO_60: Money(800, "eur"),
        AgingBucket.TO_90: Money(4_800, "eur"),
        AgingBucket.OVER_90: Money(6_400, "eur"),
    }
    assert figures.open_balance == Money(42_700, "eur")
    assert (figures.overdue_balance, figures.overdue_count) == (Money(12_400, "eur"), 5)
    assert (figures.days_past_due, figures.bucket) == (91, AgingBucket.OVER_90)
    assert figures.disputed == Money(10_000, "eur")
    assert figures.processing == Money(20_000, "eur")
    assert figures.written_off == Money(40_000, "eur")


def test_every_bucket_follows_the_one_before() -> None:
    assert [bucket_of(days) for days in (0, 1, 31, 61, 91)] == list(BUCKETS)
    assert [bucket_of(days) for days in (-3, 30, 60, 90, 5000)] == list(BUCKETS)


def test_credits_and_what_a_bank_took_back_are_told_apart() -> None:
    credited = paid(50, 0, credited=2_500)
    contested, lost = paid(40, 0, total=7_000), paid(30, 0, total=9_000)
    rows = [dispute(contested, "under_review"), dispute(lost, "lost", 4_000)]
    health = assess([credited, contested, lost], (), rows, TODAY)
    figures = health.by_currency["eur"]
    assert (figures.credited, figures.disputed) == (Money(2_500, "eur"), Money(7_000, "eur"))
    assert figures.charged_back == Money(4_000, "eur")
    assert (health.disputed, health.resolved) == (True, 1)
    assert not assess([lost], (), [dispute(lost, "lost", 4_000)], TODAY).disputed


def test_a_second_dispute_that_is_open_keeps_the_money_in_question() -> None:
    invoice = paid(30, 0)
    rows = [dispute(invoice, "lost", 4_000), dispute(invoice, "needs_response", 6_000)]
    health = assess([invoice], (), rows, TODAY)
    assert health.disputed
    assert health.by_currency["eur"].charged_back == Money(0, "eur")


def test_each_currency_has_its_own_figures() -> None:
    health = judged(paid(60, 10, 1, total=1_000), paid(90, -2, 2, total=3_000), owed(4, 3, total=500, currency="usd"))
    eur, usd = health.by_currency["eur"], health.by_currency["usd"]
    assert (eur.average_days_late, eur.on_time_rate, eur.resolved, eur.unpaid) == (Decimal("1.0"), Decimal(50), 2, 0)
    assert (usd.average_days_late, usd.on_time_rate, usd.resolved, usd.unpaid) == (Decimal("4.0"), Decimal(0), 1, 1)
    assert (eur.open_balance, usd.open_balance) == (Money(0, "eur"), Money(500, "usd"))
    assert (health.currency, health.overdue_balance, health.overdue_count) == ("eur", Money(0, "eur"), 1)
    assert health.on_time_rate == Decimal("33.3")


def test_the_main_currency_is_that_of_most_invoices_of_the_last_year() -> None:
    once = [paid(400 + n, 0, currency="eur") for n in range(5)]
    now = [paid(30 * n, 0, currency="usd") for n in range(1, 4)]
    assert judged(*once, *now, owed(1, 1, currency="gbp")).currency == "usd"
    assert judged(paid(90, 0, currency="eur"), paid(30, 0, currency="usd")).currency == "usd"


def test_an_account_without_a_countable_invoice_has_no_currency_and_no_balance() -> None:
    health = judged(owed(3, status=InvoiceStatus.DRAFT))
    assert (health.currency, health.open_balance, health.average_days_late, health.by_currency) == ("", None, None, {})
    assert (health.score, health.next_late_chance, health.trouble_chance) == (None, None, None)
    assert (health.shown_score, health.usual_days_late) == (None, None)


def test_the_trend_tells_the_last_three_from_those_before_and_the_quarter_from_the_year() -> None:
    health = judged(paid(10, 10), paid(50, 20), paid(80, 30), paid(100, -4), paid(200, 2), paid(364, 4), paid(365, 8))
    assert health.trend.last == Span(60, 3)
    assert health.trend.before == Span(14, 4)
    assert health.trend.quarter == Span(60, 3)
    assert health.trend.year == Span(66, 6)
    assert (health.trend.last.average, health.trend.before.average) == (Decimal("20.0"), Decimal("3.5"))
    assert health.trend.direction is Direction.WORSE
    assert judged().trend.last.average is None


@pytest.mark.parametrize(
    ("last", "before", "direction"),
    [
        ([0, 0, 0], [5, 5, 5], Direction.BETTER),
        ([0, 0, 0], [4, 4, 4], Direction.STEADY),
        ([9, 9, 9], [4, 4, 4], Direction.WORSE),
        ([9, 9, 9], [4, 4], Direction.UNKNOWN),
        ([20, 20, 20], [300, 0, 0, 0, 0, 0], Direction.STEADY),  # one outlier is no habit
        ([-30, -30, -30], [0, 0, 0], Direction.STEADY),  # earlier than early is no news
    ],
)
def test_a_trend_needs_five_days_and_enough_invoices(last: list[int], before: list[int], direction: Direction) -> None:
    recent = [
        paid(10 + 20 * n, late, 10 + n) if late < 20 else paid(40 + n, late, 10 + n) for n, late in enumerate(last)
    ]
    older = [paid(400 + 10 * n, late, 50 + n) for n, late in enumerate(before)]
    assert judged(*recent, *older).trend.direction is direction


def test_what_is_unpaid_is_no_sign_of_paying_better() -> None:
    late = [paid(100 + 10 * n, 40, n) for n in range(4)]
    unpaid = [owed(days, 10 + days) for days in (1, 2, 3)]
    assert judged(*late, *unpaid).trend.direction is Direction.STEADY
    assert judged(*late, *(paid(days, 0, 10 + days) for days in (1, 2, 3))).trend.direction is Direction.BETTER


def test_the_usual_days_are_those_of_recent_invoices() -> None:
    recent, old = [paid(20 * n, 3, n) for n in range(1, 4)], [paid(400 + n, 50, 10 + n) for n in range(5)]
    assert judged(*recent, *old).usual_days_late == 3


def test_failed_attempts_are_those_of_unpaid_invoices_and_of_recently_paid_ones() -> None:
    health = judged(
        owed(5, 1, attempt_count=3),
        owed(6, 2, attempt_count=2, processing=True),  # the second is under way
        paid(60, 1, 3, attempt_count=4),  # the fourth went through
        paid(90, 1, 4, attempt_count=9),  # long past
    )
    assert health.failed_attempts == 3 + 1 + 3


@pytest.mark.parametrize(
    ("method", "expires", "state"),
    [
        (PaymentMethod.UNKNOWN, None, MethodState.UNKNOWN),
        (PaymentMethod.NONE, None, MethodState.NONE),
        (PaymentMethod.CARD, TODAY - timedelta(days=1), MethodState.EXPIRED),
        (PaymentMethod.CARD, TODAY, MethodState.EXPIRES_FIRST),
        (PaymentMethod.CARD, date(2026, 12, 1), MethodState.READY),
        (PaymentMethod.BANK_DEBIT, None, MethodState.READY),
    ],
)
def test_the_payment_method_is_looked_at_before_the_next_charge(
    method: PaymentMethod, expires: date | None, state: MethodState
) -> None:
    customer = Customer(CUSTOMER, payment_method=method, card_expires=expires)
    coming = NextInvoice(date(2026, 12, 1), Money(1_000, "eur"))
    health = assess((), (), (), TODAY, customer=customer, next_invoice=coming)
    assert (health.payment_method, health.next_invoice) == (state, coming)


def test_a_card_whose_next_charge_is_not_known_is_ready_until_it_expires() -> None:
    customer = Customer(CUSTOMER, payment_method=PaymentMethod.CARD, card_expires=TODAY)
    assert assess((), (), (), TODAY, customer=customer).payment_method is MethodState.READY
    assert assess((), (), (), TODAY).payment_method is MethodState.UNKNOWN


def test_broken_promises_are_counted_and_the_old_ones_no_longer_told() -> None:
    invoice = owed(400)
    noted = datetime(2025, 11, 1, tzinfo=UTC)
    days = (date(2025, 12, 1), date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1))
    promises = [Promise(n, CUSTOMER, invoice.ref, None, "eur", day, noted) for n, day in enumerate(days)]
    health = assess([*monthly(3), invoice], (), (), TODAY, promises=promises)
    assert health.broken_promises == 3
    assert [each.text for each in health.reasons if each.code == "broken_promise"] == [
        "2 promises to pay were not kept, the last one for 1 November 2026."
    ]


@pytest.mark.parametrize(
    ("invoices", "confidence"),
    [
        ([], Confidence.NONE),
        (monthly(2), Confidence.LOW),
        (monthly(3, first=200), Confidence.LOW),  # they weigh 1.2 together
        (monthly(3), Confidence.MEDIUM),  # 2.5
        (monthly(10), Confidence.MEDIUM),  # 5.8
        (monthly(11), Confidence.HIGH),  # 6.1
    ],
)
def test_confidence_grows_with_what_the_accounts_own_invoices_weigh(
    invoices: list[Invoice], confidence: Confidence
) -> None:
    assert judged(*invoices).confidence is confidence


def test_the_portfolio_alone_makes_nobody_a_late_payer() -> None:
    """One invoice on time among late payers: 100 * (1 - 0.9 / 2) = 55, and still nothing was late."""
    health = assess([paid(0, 0)], (), (), TODAY, portfolio=Portfolio(mean_lateness=0.9))
    assert health.score == pytest.approx(55)
    assert health.word is Health.GOOD


def test_a_policy_decides_where_the_words_begin() -> None:
    history = monthly(6, late=5)  # 61.9
    words = [
        assess(history, (), (), TODAY, HealthPolicy(flag_below=flag, watch_below=watch)).word
        for flag, watch in ((60.0, 75.0), (70.0, 75.0), (50.0, 61.0))
    ]
    assert words == [Health.WATCH, Health.LATE, Health.GOOD]


def test_a_likely_late_next_invoice_asks_for_the_flag_where_the_policy_says_so() -> None:
    health = judged(*monthly(6, late=1))  # (4.24 + 0.6) / 6.24 = 0.776
    assert not asks_for_flag(health, HealthPolicy())
    assert asks_for_flag(health, HealthPolicy(late_chance_flag=0.77))
    assert not asks_for_flag(health, HealthPolicy(late_chance_flag=0.78))
    assert not asks_for_flag(judged(), HealthPolicy(late_chance_flag=0.0))


def test_what_is_paid_after_the_day_of_the_assessment_is_unpaid_on_it() -> None:
    invoice = an_invoice(due=days_ago(30), paid=days_ago(5), total=900)
    then = days_ago(10)
    health = assess([invoice], (), (), then)
    assert (health.open_balance, health.days_past_due) == (Money(900, "eur"), 20)
    assert days_past_due(invoice, then) == 20
    assert days_past_due(invoice, TODAY) == 0
    assert days_past_due(owed(3, status=InvoiceStatus.VOID), TODAY) == 0


def test_payments_tell_the_day_only_where_they_cover_the_invoice() -> None:
    invoice = paid(30, 20, total=1_000)
    whole = [a_payment(invoice, days_ago(30), 600), replace(a_payment(invoice, days_ago(28), 400), ref=CUSTOMER)]
    failed = replace(whole[1], status="canceled")
    unknown = replace(whole[1], paid_at=None)
    days = [assess([invoice], rows, (), TODAY).usual_days_late for rows in (whole, [whole[0]], [whole[0], failed])]
    assert days == [2, 20, 20]
    assert assess([invoice], [whole[0], unknown], (), TODAY).usual_days_late == 20


def test_a_paid_invoice_whose_day_nobody_knows_tells_nothing() -> None:
    assert judged(replace(paid(30, 0), paid_at=None)).resolved == 0


def test_points_lost_name_the_dearest_invoice_first() -> None:
    history = [paid(20, 0, 1), paid(50, 30, 2), paid(300, 60, 3)]
    health = judged(*history)
    assert [ref for ref, _ in health.points_lost] == [history[1].ref, history[2].ref]
    assert sum(points for _, points in health.points_lost) < 100 - (health.score or 0)


def test_money_that_arrives_in_the_afternoon_changes_the_record_the_same_day() -> None:
    history = monthly(6, late=40, first=70)
    unpaid = owed(20)
    settled = replace(unpaid, status=InvoiceStatus.PAID, paid_at=at(TODAY), amount_paid=10_000, amount_remaining=0)
    assert judged(*history, unpaid).overdue_count == 1
    assert judged(*history, settled).overdue_count == 0
