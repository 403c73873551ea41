"""Each golden history gives the word, the flag and the sentences that were worked out by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.domain.excuses import Excuses
from connector.domain.payment_health import HealthPolicy, PaymentHealth, assess, is_late_payer
from connector.domain.refs import RecordRef
from connector.domain.renewal_flag import Judgement, Verdict, decide_flag
from connector.domain.renewals import Renewal, RenewalSource
from tests.domain.golden_health import Case, monthly, owed, paid
from tests.domain.golden_health_cases import CASES, PROMPT
from tests.factories import TODAY

POLICY = HealthPolicy()
RENEWAL = TODAY + timedelta(days=40)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_word_the_flag_and_the_sentences_are_those_worked_out_by_hand(case: Case) -> None:
    health = assess(case.invoices, case.payments, case.disputes, TODAY, POLICY, **case.beside)
    assert [reason.text for reason in health.reasons] == case.says
    assert (health.word.value, is_late_payer(health, RENEWAL, POLICY)) == (case.word, case.flagged)
    assert health.reason == " ".join(case.says)
    assert flagged_in_force(health) is case.flagged


def flagged_in_force(health: PaymentHealth) -> bool:
    """By the very rule that sets the flag on records, of an account without excuses or a word of anybody's."""
    verdict = Verdict(health.word, health.next_late_chance, health.reason)
    none = frozenset[RecordRef]()
    judgement = Judgement(verdict, verdict, Renewal(RENEWAL, RenewalSource.CONTRACT_END), Excuses(TODAY, none, none))
    account = RecordRef("hubspot", "account", "1")
    return decide_flag(account, judgement, POLICY.renewal_windows, POLICY.late_chance_flag, None, TODAY).late_payer


def test_there_is_a_case_for_everything_a_book_is_likely_to_hold() -> None:
    assert len(CASES) >= 30
    assert len({case.name for case in CASES}) == len(CASES)


def test_each_sentence_opens_to_the_invoices_behind_it() -> None:
    disputed, late, older = owed(50, 1, disputed=True), owed(3, 2), owed(30, 3)
    health = assess([*PROMPT, disputed, late, older], (), (), TODAY)
    assert [(reason.code, reason.invoices) for reason in health.reasons] == [
        ("overdue", (older.ref, late.ref)),
        ("disputed", (disputed.ref,)),
    ]


def test_a_late_payers_sentence_opens_to_the_invoices_that_cost_the_most() -> None:
    history = [paid(200, 10, 1), paid(110, 20, 2), paid(80, 40, 3), paid(50, 0, 4), paid(20, 0, 5)]
    health = assess(history, (), (), TODAY)
    [reason] = health.reasons
    assert reason.code == "pays_late"
    assert reason.invoices == (history[2].ref, history[1].ref, history[0].ref)


def test_sixteen_days_are_serious_and_fifteen_are_not() -> None:
    fifteen, sixteen = (assess(monthly(6, late=days), (), (), TODAY).trouble_chance for days in (15, 16))
    # Only the portfolio's 0.1 speaks at 15 days: 0.2 / 6.24 each. Two were issued in the last 90 days.
    assert fifteen == pytest.approx(1 - (1 - 0.2 / 6.244) ** (2**0.7), abs=1e-4)
    assert sixteen == pytest.approx(1 - (1 - 4.444 / 6.244) ** (2**0.7), abs=1e-3)
