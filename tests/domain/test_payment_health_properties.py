"""What holds of any payment history: mixed currencies and states, disputes, debits, credits, part payments."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from connector.domain.billing import Dispute, Invoice, InvoiceStatus, Payment
from connector.domain.health_word import THIN
from connector.domain.payment_health import Health, PaymentHealth, Portfolio, assess
from connector.domain.promise import Promise
from connector.domain.refs import RecordRef
from tests.factories import TODAY, a_payment, an_invoice, at

ROUNDING = 1e-9
WORDS = list(Health)

portfolios = st.builds(Portfolio, st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0, 0.5))


few = settings(max_examples=40, deadline=None)
"""Histories take longer to draw than to judge; the formula itself is tried on many more (test_lateness)."""

ANY = (*["paid"] * 4, *["open"] * 3, "uncollectible", "draft", "void", "other")


@st.composite
def bills(draw: st.DrawFn, states: Sequence[str] = ANY, youngest: int = -40) -> Invoice:
    """Any invoice that billing may tell of, with amounts that agree with each other."""
    age = draw(st.one_of(st.integers(max(-5, youngest), 30), st.integers(youngest, 800)))
    total = draw(st.integers(0, 10**6))
    status = draw(st.sampled_from(states))
    credited = draw(st.sampled_from([0, 0, 0, total // 3, total]))
    part = draw(st.sampled_from([0, 0, (total - credited) // 2]))
    changes: dict[str, Any] = {
        "status": InvoiceStatus(status),
        "currency": draw(st.sampled_from(["eur", "eur", "usd", "jpy"])),
        "credited": credited,
        "disputed": draw(st.sampled_from([False] * 6 + [True])),
        "processing": draw(st.sampled_from([False] * 6 + [True])),
        "attempt_count": draw(st.sampled_from([0, 0, 1, 3])),
        "replaced_by": draw(st.sampled_from([None] * 9 + [RecordRef("stripe", "invoice", "in_new")])),
        "collection_method": draw(st.sampled_from(["send_invoice", "charge_automatically"])),
        "amount_due": total - credited,
    }
    if status == "paid":
        late = max(draw(st.one_of(st.integers(-20, 20), st.integers(-20, 120))), -age - 30)
        changes["paid"] = TODAY - timedelta(days=max(0, age - late))
        changes |= {"amount_paid": total - credited, "amount_remaining": 0}
    else:
        changes |= {"amount_paid": part, "amount_remaining": total - credited - part}
    return an_invoice(draw(st.integers(1, 10**6)), due=TODAY - timedelta(days=age), total=total, **changes)


histories = st.lists(bills(), min_size=1, max_size=7, unique_by=lambda invoice: invoice.ref)


def histories_with(first: st.SearchStrategy[Invoice]) -> st.SearchStrategy[list[Invoice]]:
    """Histories whose first invoice is such a one."""
    return st.tuples(first, histories).map(lambda both: [replace(both[0], ref=_nth("invoice", 0)), *both[1]])


def judged(invoices: list[Invoice], portfolio: Portfolio) -> PaymentHealth:
    return assess(invoices, (), (), TODAY, portfolio=portfolio)


def scored(invoices: list[Invoice], portfolio: Portfolio) -> float:
    """The score, or what the formula says of an account of which nothing is known."""
    score = judged(invoices, portfolio).score
    return 100 * (1 - portfolio.mean_lateness) if score is None else score


def paid_today(invoice: Invoice) -> Invoice:
    return replace(
        invoice,
        status=InvoiceStatus.PAID,
        paid_at=at(TODAY),
        amount_paid=invoice.amount_paid + invoice.amount_remaining,
        amount_remaining=0,
    )


def never_paid(invoice: Invoice) -> Invoice:
    return replace(
        invoice, status=InvoiceStatus.OPEN, paid_at=None, amount_paid=0, amount_remaining=invoice.amount_paid
    )


@few
@given(histories_with(bills(states=("open", "uncollectible"), youngest=1)), portfolios)
def test_paying_an_overdue_invoice_never_lowers_the_score_nor_worsens_the_word(
    history: list[Invoice], portfolio: Portfolio
) -> None:
    first = history[0]
    assume(first.amount_remaining > 0)
    after = [paid_today(first), *history[1:]]
    assert scored(after, portfolio) >= scored(history, portfolio) - ROUNDING
    assert WORDS.index(judged(after, portfolio).word) <= WORDS.index(judged(history, portfolio).word)


@few
@given(histories_with(bills(states=("paid",))), portfolios, st.integers(1, 200))
def test_paying_later_never_raises_the_score(history: list[Invoice], portfolio: Portfolio, days: int) -> None:
    first = history[0]
    later = replace(first, paid_at=(first.paid_at or at(TODAY)) + timedelta(days=days))
    assert scored([later, *history[1:]], portfolio) <= scored(history, portfolio) + ROUNDING


@few
@given(histories_with(bills(states=("paid",))), portfolios)
def test_stopping_to_pay_never_raises_the_score(history: list[Invoice], portfolio: Portfolio) -> None:
    stopped = [never_paid(i) if i.status is InvoiceStatus.PAID and i.amount_paid else i for i in history]
    assert scored(stopped, portfolio) <= scored(history, portfolio) + ROUNDING
    assert scored([stopped[0], *history[1:]], portfolio) <= scored(history, portfolio) + ROUNDING


@few
@given(histories, portfolios, st.integers(0, 600), st.integers(0, 20))
def test_one_more_invoice_paid_on_time_never_lowers_the_score(
    history: list[Invoice], portfolio: Portfolio, age: int, early: int
) -> None:
    due = TODAY - timedelta(days=age)
    more = an_invoice(0, due=due, paid=due - timedelta(days=early))
    assert scored([*history, more], portfolio) >= scored(history, portfolio) - ROUNDING


@st.composite
def events(draw: st.DrawFn) -> tuple[list[Invoice], list[Payment], list[Dispute], list[Promise]]:
    """A history with everything that came to be known of it, in some order."""
    history = draw(histories)
    some = st.sampled_from(history)
    payments = [
        replace(a_payment(each, TODAY - timedelta(days=draw(st.integers(0, 90)))), ref=_nth("payment", number))
        for number, each in enumerate(draw(st.lists(some, max_size=4)))
    ]
    disputes = [
        Dispute(
            _nth("dispute", number),
            "ch_1",
            each.total,
            each.currency,
            draw(st.sampled_from(["needs_response", "won", "lost"])),
            at(TODAY),
            invoice=each.ref,
        )
        for number, each in enumerate(draw(st.lists(some, max_size=3)))
    ]
    promises = [
        Promise(
            number,
            each.customer,
            draw(st.sampled_from([None, each.ref])),
            draw(st.none() | st.integers(1, 10**6)),
            each.currency,
            TODAY - timedelta(days=draw(st.integers(-10, 40))),
            datetime(2026, 10, 1, tzinfo=UTC),
        )
        for number, each in enumerate(draw(st.lists(some, max_size=3)))
    ]
    return history, payments, disputes, promises


def _nth(kind: str, number: int) -> RecordRef:
    return RecordRef("stripe", kind, str(number))


@few
@given(events(), st.randoms(use_true_random=False))
def test_the_order_in_which_anything_became_known_changes_nothing_at_all(
    known: tuple[list[Invoice], list[Payment], list[Dispute], list[Promise]], shuffle: random.Random
) -> None:
    """Not a digit, not a sentence: so the same facts give the same word all day."""
    invoices, payments, disputes, promises = known
    before = assess(invoices, payments, disputes, TODAY, promises=promises)
    for each in known:
        shuffle.shuffle(each)
    assert assess(invoices, payments, disputes, TODAY, promises=promises) == before
    assert assess(iter(invoices), payments, iter(disputes), TODAY, promises=iter(promises)) == before


@few
@given(histories, st.integers(2, 1000))
def test_the_unit_of_a_currency_changes_neither_score_nor_word(history: list[Invoice], factor: int) -> None:
    amounts = ("total", "amount_due", "amount_paid", "amount_remaining", "credited")
    scaled = [replace(i, **{name: getattr(i, name) * factor for name in amounts}) for i in history]
    renamed = [replace(each, currency="sek") for each in history]
    before = judged(history, Portfolio())
    for other in (judged(scaled, Portfolio()), judged(renamed, Portfolio())):
        assert (other.score, other.word, other.confidence) == (before.score, before.word, before.confidence)
        assert (other.next_late_chance, other.trouble_chance) == (before.next_late_chance, before.trouble_chance)
        assert [each.code for each in other.reasons] == [each.code for each in before.reasons]
        assert other.points_lost == before.points_lost


@few
@given(histories, portfolios)
def test_every_figure_lies_in_its_range_and_agrees_with_the_others(
    history: list[Invoice], portfolio: Portfolio
) -> None:
    health = judged(history, portfolio)
    assert (health.score is None) == (health.resolved == 0) == (health.word is Health.UNKNOWN)
    if health.score is not None:
        assert 0 <= health.score <= 100
        assert 0 <= (health.next_late_chance or 0) <= 1
        assert 0 <= (health.trouble_chance or 0) <= 1
        assert sum(points for _, points in health.points_lost) <= 100 - health.score + ROUNDING
    assert (health.overdue_count > 0) == (health.days_past_due > 0)
    for figures in health.by_currency.values():
        assert 0 <= figures.overdue_minor <= figures.open_minor
        assert sum(figures.aging_minor[1:]) == figures.overdue_minor
        assert sum(figures.aging_minor) <= figures.open_minor


@few
@given(histories, portfolios)
def test_the_sentences_agree_with_the_figures(history: list[Invoice], portfolio: Portfolio) -> None:
    health = judged(history, portfolio)
    codes = [reason.code for reason in health.reasons]
    assert 1 <= len(codes) <= 3
    assert len(set(codes)) == len(codes)
    assert (codes[0] == "overdue") == (health.days_past_due > 0)
    assert (codes[-1] == "thin_history") == (0 < health.resolved < THIN)
    assert (codes[0] == "nothing_due") == (health.word is Health.UNKNOWN)
    if health.word in (Health.LATE, Health.SEVERE):
        assert codes[0] in ("overdue", "pays_late") or "written_off" in codes
    for reason in health.reasons:
        assert reason.text[0].isupper() or reason.text[0].isdigit()
        assert reason.text.endswith(".")
        assert set(reason.invoices) <= {invoice.ref for invoice in history}


nothing_owed = st.one_of(
    bills(states=("draft", "void", "other")),
    bills().map(lambda each: replace(each, total=0, amount_due=0, amount_paid=0, amount_remaining=0)),
    bills().map(lambda each: replace(each, replaced_by=RecordRef("stripe", "invoice", "in_new"))),
)


@few
@given(histories_with(nothing_owed), portfolios)
def test_what_was_never_a_receivable_changes_nothing(history: list[Invoice], portfolio: Portfolio) -> None:
    assert judged(history, portfolio) == judged(history[1:], portfolio)


excused = st.tuples(bills(states=("paid", "open", "uncollectible")), st.booleans()).map(
    lambda both: replace(both[0], disputed=both[1], processing=not both[1])
)


@few
@given(histories_with(excused), portfolios)
def test_what_is_disputed_or_on_its_way_neither_helps_nor_harms_the_score(
    history: list[Invoice], portfolio: Portfolio
) -> None:
    """Paid or not: so nobody gains by not paying it."""
    excused_one, *others = history
    expected = judged(others, portfolio)
    for state in (excused_one, paid_today(excused_one), never_paid(excused_one)):
        health = judged([state, *others], portfolio)
        assert (health.score, health.next_late_chance, health.resolved) == (
            expected.score,
            expected.next_late_chance,
            expected.resolved,
        )
        assert (health.overdue_count, health.days_past_due) == (expected.overdue_count, expected.days_past_due)


@few
@given(histories)
def test_payments_that_say_what_the_invoices_say_change_nothing(history: list[Invoice]) -> None:
    rows = [a_payment(i, i.paid_at.date(), i.amount_paid) for i in history if i.paid_at is not None]
    assert assess(history, rows, (), TODAY) == assess(history, (), (), TODAY)


@few
@given(histories)
def test_each_currencys_balance_is_what_its_open_invoices_come_to(history: list[Invoice]) -> None:
    by_currency = judged(history, Portfolio()).by_currency
    for currency in {invoice.currency for invoice in history}:
        owed = sum(
            i.amount_remaining
            for i in history
            if i.currency == currency and i.status is InvoiceStatus.OPEN and i.replaced_by is None
        )
        assert (by_currency[currency].open_minor if currency in by_currency else 0) == owed
