"""The report on make-believe payers: the formula is worth something, and the report says how much."""

from __future__ import annotations

from datetime import date

import pytest

from connector.domain.health_evaluation import Evaluation, evaluate
from connector.domain.past_invoice import PastInvoice, by_customer, outcomes_on
from tests.payers import histories


@pytest.fixture(scope="module")
def report() -> Evaluation:
    """On a hundred and fifty customers, some of whom change or stop."""
    return evaluate(histories(150, seed=11).values())


def test_the_score_puts_late_payers_first(report: Evaluation) -> None:
    assert report.score.auc is not None
    assert report.score.spearman is not None
    assert report.score.worst_tenth is not None
    assert report.base_rate is not None
    assert report.score.auc > 0.85
    assert report.score.spearman > 0.6
    assert report.score.worst_tenth > 1.5 * report.base_rate


def test_the_score_beats_the_share_of_late_invoices(report: Evaluation) -> None:
    """A day late and forty are the same to the share."""
    assert report.score.auc is not None
    assert report.late_share.auc is not None
    assert report.average_days_late.auc is not None
    assert report.score.auc > report.late_share.auc + 0.01
    assert report.score.auc > report.average_days_late.auc


def test_the_interval_holds_the_auc(report: Evaluation) -> None:
    found = report.score.auc_interval
    assert found is not None
    assert report.score.auc is not None
    assert found.low < report.score.auc < found.high
    assert found.high - found.low < 0.15


def test_the_chances_say_more_than_the_base_rate(report: Evaluation) -> None:
    for chance in (report.next_late, report.trouble):
        assert chance.brier is not None
        assert chance.base_brier is not None
        assert chance.brier < 0.8 * chance.base_brier
        assert chance.judgements == report.judgements
        assert sum(group.count for group in chance.deciles) == report.judgements


def test_the_report_counts_what_it_saw(report: Evaluation) -> None:
    accounts = histories(150, seed=11)
    assert (report.accounts, report.invoices) == (150, sum(map(len, accounts.values())))
    assert report.judged_accounts <= 150
    assert list(report.month_ends) == sorted(set(report.month_ends))
    assert report.month_ends[-1] == date(2025, 9, 30)
    assert report.challenge.judgements <= report.judgements


def test_the_same_invoices_give_the_same_report() -> None:
    """Which accounts the intervals draw is fixed."""
    first = evaluate(histories(25, seed=11).values())
    assert evaluate(histories(25, seed=11).values()) == first
    assert evaluate(histories(25, seed=11).values(), seed=2).score.auc_interval != first.score.auc_interval


def test_of_nothing_nothing_is_said() -> None:
    report = evaluate([[]])

    assert (report.accounts, report.judgements, report.base_rate, report.score.auc) == (0, 0, None, None)
    assert report.month_ends == ()
    assert report.score.auc_interval is None


def test_a_single_customer_has_figures_but_no_interval() -> None:
    day = date(2025, 1, 1)
    history = [
        PastInvoice("acme", date(2025, month, 1), date(2025, month, 20), date(2025, month, 20), 100, "eur")
        for month in range(1, 13)
    ]

    report = evaluate([history])

    assert report.judgements > 0
    assert (report.base_rate, report.score.auc, report.score.auc_interval) == (0, None, None)
    assert outcomes_on(history, day) == []


def test_invoices_are_told_apart_by_customer() -> None:
    one = PastInvoice("a", date(2025, 1, 1), date(2025, 1, 2), None, 100, "eur")
    assert by_customer([one, one._replace(customer="b"), one]) == {"a": [one, one], "b": [one._replace(customer="b")]}
