"""Who is flagged before a renewal, what the record says of it, and why somebody is flagged no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.excuses import Excuses
from connector.domain.health_override import Override, in_force
from connector.domain.health_word import Health
from connector.domain.refs import RecordRef
from connector.domain.renewal_flag import (
    SAID_FOR,
    Flag,
    Judgement,
    Verdict,
    decide_flag,
    needs_work,
    reason_of,
    says_else,
)
from connector.domain.renewals import Renewal, RenewalSource
from connector.domain.roll_up import Relative, worst_of
from tests.factories import NOW, TODAY

ACCOUNT = RecordRef("hubspot", "account", "1")
CHILD = Relative(RecordRef("hubspot", "account", "2"), "Acme Nordic", Health.SEVERE, "1 invoice is 90 days late.")
WINDOWS = (90, 60, 30)
NONE = frozenset[RecordRef]()
LATE, GOOD = Verdict(Health.LATE, 0.6, "Pays late."), Verdict(Health.GOOD, 0.1, "Pays on time.")


def renewing(days: int) -> Renewal:
    return Renewal(TODAY + timedelta(days=days), RenewalSource.CONTRACT_END)


def a_judgement(verdict: Verdict = LATE, **changes: Any) -> Judgement:
    excuses = Excuses(TODAY, NONE, NONE)
    return replace(Judgement(verdict, verdict, renewing(40), excuses), **changes)


def flag(judgement: Judgement, before: Flag | None = None, *, chance: float = 1.0, day: int = 0) -> Flag:
    return decide_flag(ACCOUNT, judgement, WINDOWS, chance, before, TODAY + timedelta(days=day))


def an_override(word: Health, *, days: int = 10, **changes: Any) -> Override:
    until = TODAY + timedelta(days=days)
    return replace(Override(1, ACCOUNT, word, "Grace", "A payment plan.", NOW, until), **changes)


@pytest.mark.parametrize(
    ("verdict", "days", "flagged"),
    [
        (LATE, 90, True),
        (LATE, 91, False),
        (LATE, 0, True),
        (LATE, -1, False),
        (Verdict(Health.SEVERE), 90, True),
        (Verdict(Health.WATCH, 0.99), 10, False),
        (GOOD, 10, False),
        (Verdict(Health.UNKNOWN), 10, False),
    ],
)
def test_late_and_severe_accounts_are_flagged_inside_a_window(verdict: Verdict, days: int, flagged: bool) -> None:
    assert flag(a_judgement(verdict, renewal=renewing(days))).late_payer is flagged


@pytest.mark.parametrize(("asked", "flagged"), [(0.5, False), (0.4, True), (0.3, True), (1.0, False)])
def test_a_likely_late_next_invoice_flags_where_the_policy_says_so(asked: float, flagged: bool) -> None:
    likely = Verdict(Health.GOOD, 0.4, "")
    assert flag(a_judgement(likely), chance=asked).late_payer is flagged


def test_certainty_counts_as_likely_but_never_where_chances_are_off() -> None:
    assert flag(a_judgement(Verdict(Health.GOOD, 1.0)), chance=0.9).late_payer
    assert not flag(a_judgement(Verdict(Health.GOOD, 1.0)), chance=1.0).late_payer


def test_without_a_renewal_date_nobody_is_flagged_and_the_record_says_so() -> None:
    judgement = a_judgement(renewal=None)
    found = flag(judgement)
    assert (found.late_payer, found.word) == (False, Health.LATE)
    assert reason_of(found, judgement) == "Pays late. No renewal date is known, so it is not flagged as a late payer."
    fine = a_judgement(GOOD, renewal=None)
    assert reason_of(flag(fine), fine) == "Pays on time."


def test_a_flagged_record_says_when_it_renews_and_how_we_know() -> None:
    judgement = a_judgement()
    assert reason_of(flag(judgement), judgement) == "Pays late. Renews on 2026-12-31, the end of its contract."


@pytest.mark.parametrize("word", list(Health))
def test_an_override_alone_decides(word: Health) -> None:
    for verdict in (LATE, GOOD):
        judgement = a_judgement(verdict, override=an_override(word), below=(CHILD,))
        found = flag(judgement, chance=0.01)
        assert found.late_payer is (word in (Health.LATE, Health.SEVERE))
        assert (found.word, found.own) == (word, word)
        said = reason_of(found, judgement)
        assert said.startswith(f"Set to {word} by Grace until 2026-12-01: A payment plan. {verdict.reason}")


def test_an_override_holds_from_its_day_to_its_last_and_not_once_it_was_ended() -> None:
    held = an_override(Health.GOOD)
    days = [held.holds(TODAY + timedelta(days=n)) for n in (-1, 0, 10, 11)]
    assert days == [False, True, True, False]
    ended = replace(held, ended_at=NOW + timedelta(days=3))
    assert [ended.holds(TODAY + timedelta(days=n)) for n in (2, 3)] == [True, False]


def test_of_several_overrides_the_newest_in_force_speaks() -> None:
    old = an_override(Health.LATE)
    new = an_override(Health.GOOD, id=2, set_at=NOW + timedelta(hours=1), days=2)
    assert in_force([new, old], TODAY) is new
    assert in_force([old, new], TODAY + timedelta(days=3)) is old
    assert in_force([], TODAY) is None


def test_a_parent_shows_the_worst_of_those_below_it_and_whose_that_is() -> None:
    judgement = a_judgement(GOOD, below=(CHILD, replace(CHILD, word=Health.WATCH, name="Acme South")))
    found = flag(judgement)
    assert (found.late_payer, found.word, found.own) == (True, Health.SEVERE, Health.GOOD)
    assert reason_of(found, judgement).startswith(
        "Acme Nordic below it is severe: 1 invoice is 90 days late. Pays on time."
    )
    silent = a_judgement(GOOD, below=(replace(CHILD, reason=""),))
    assert "Acme Nordic below it is severe. Pays" in reason_of(flag(silent), silent)


@pytest.mark.parametrize(
    ("own", "below", "word"),
    [
        (Health.LATE, Health.LATE, Health.LATE),
        (Health.SEVERE, Health.LATE, Health.SEVERE),
        (Health.UNKNOWN, Health.GOOD, Health.GOOD),
        (Health.GOOD, Health.UNKNOWN, Health.GOOD),
    ],
)
def test_the_worst_of_a_group_is_never_better_than_one_of_it(own: Health, below: Health, word: Health) -> None:
    assert worst_of(own, [replace(CHILD, word=below)])[0] is word
    assert worst_of(own, []) == (own, None)


def cleared(after: Judgement, *, day: int = 1, first: Judgement | None = None) -> Flag:
    before = flag(first or a_judgement())
    assert before.late_payer
    return flag(after, before, day=day)


@pytest.mark.parametrize(
    ("after", "because"),
    [
        (a_judgement(GOOD, paid_on=TODAY + timedelta(days=1)), "paid on 2026-11-22"),
        (a_judgement(GOOD, paid_on=TODAY - timedelta(days=9)), "its payment health is no longer late or severe"),
        (a_judgement(override=an_override(Health.WATCH)), "Grace set it to watch"),
        (a_judgement(renewal=None), "no renewal is known any more"),
        (a_judgement(renewal=renewing(300)), "it renews on 2027-09-17, which is not near"),
        (
            a_judgement(GOOD, excuses=Excuses(TODAY, frozenset({ACCOUNT}), NONE)),
            "what is overdue is disputed, or its bank debit is on its way",
        ),
    ],
)
def test_a_flag_that_is_gone_says_why(after: Judgement, because: str) -> None:
    found = cleared(after)
    assert (found.late_payer, found.cleared_because) == (False, because)
    assert reason_of(found, after).endswith(f"No longer flagged: {because}.")


def test_a_renewal_that_has_passed_is_why_its_flag_is_gone() -> None:
    soon = a_judgement(renewal=renewing(1))
    found = cleared(a_judgement(renewal=renewing(366)), first=soon, day=2)
    assert found.cleared_because == "the renewal of 2026-11-22 has passed"


def test_why_a_flag_is_gone_is_said_for_a_while_and_not_for_ever() -> None:
    well = a_judgement(GOOD)
    gone = cleared(well)
    later = flag(well, gone, day=1 + SAID_FOR.days)
    assert later.cleared_because == gone.cleared_because
    assert flag(well, later, day=2 + SAID_FOR.days).cleared_because == ""
    assert flag(a_judgement(), gone, day=2).cleared_because == ""


def test_the_day_since_which_a_flag_stands_is_kept() -> None:
    first = flag(a_judgement())
    assert flag(a_judgement(), first, day=5).since == TODAY
    assert flag(a_judgement(GOOD), first, day=5).since == TODAY + timedelta(days=5)


def test_what_changed_today_only_for_a_while_is_told_to_count_tomorrow() -> None:
    judgement = a_judgement(Verdict(Health.GOOD, 0.1, "Pays on time."), steady=LATE)
    found = flag(judgement)
    assert (found.late_payer, found.word) == (True, Health.GOOD)
    assert reason_of(found, judgement).endswith("A dispute or bank debit of today counts for the flag from tomorrow.")
    assert "tomorrow" not in reason_of(found, replace(judgement, override=an_override(Health.LATE)))


def test_deals_and_tasks_are_looked_at_when_the_flag_the_window_or_the_renewal_changes() -> None:
    off, on = flag(a_judgement(GOOD)), flag(a_judgement())
    assert [needs_work(on, None), needs_work(on, off), needs_work(off, on)] == [True, True, True]
    assert [needs_work(off, None), needs_work(off, off), needs_work(on, on)] == [False, False, False]
    assert needs_work(flag(a_judgement(renewal=renewing(30))), on)
    assert not needs_work(flag(a_judgement(GOOD, renewal=renewing(30))), off)


def test_accounts_above_look_again_only_when_the_word_or_its_reason_changes() -> None:
    late, good = flag(a_judgement()), flag(a_judgement(GOOD))
    unknown = flag(a_judgement(Verdict(Health.UNKNOWN)))
    assert [says_else(late, None), says_else(good, None), says_else(unknown, None)] == [True, True, False]
    assert [says_else(late, good), says_else(late, late)] == [True, False]
