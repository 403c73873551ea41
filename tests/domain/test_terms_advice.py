"""Which terms a payment record supports: the better it is, the longer; and what goes against them says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.deal import BillingTerms, CollectionMethod, DealKind
from connector.domain.health_word import Health
from connector.domain.payment_health import PaymentHealth, assess
from connector.domain.refs import RecordRef
from connector.domain.terms_advice import (
    WORSE,
    PlanTerms,
    TermsAdvice,
    TermsException,
    TermsPolicy,
    advise,
    against,
    answers_for,
    given_days,
    terms_set,
)
from tests.factories import NOW, TODAY, a_deal, an_invoice, terms

POLICY = TermsPolicy()
ACCOUNT = RecordRef("fake", "account", "1")
ANNA = TermsException(ACCOUNT, 60, "Anna Example", "strategic", TODAY + timedelta(days=30), "fin", NOW, id=7)

words = st.sampled_from(WORSE)
limits = st.lists(st.integers(0, 365), min_size=4, max_size=4).map(lambda days: sorted(days, reverse=True))
policies = limits.map(lambda days: TermsPolicy(days=dict(zip(WORSE, days, strict=True))))


def health(word: Health) -> PaymentHealth:
    """A payment record with that word; what else it says has no say in terms."""
    return replace(assess((an_invoice(),), (), (), TODAY), word=word)


def advice(word: Health) -> TermsAdvice:
    return advise(health(word), POLICY)


@pytest.mark.parametrize(
    ("word", "days", "prepay", "asks"),
    [
        (Health.GOOD, 90, False, False),
        (Health.WATCH, 30, False, False),
        (Health.LATE, 14, False, False),
        (Health.SEVERE, 0, True, True),
        (Health.UNKNOWN, None, False, False),
    ],
)
def test_each_word_has_its_terms(word: Health, days: int | None, prepay: bool, asks: bool) -> None:
    """Without any setting."""
    found = advice(word)
    assert (found.word, found.net_days, found.prepay, found.needs_approval) == (word, days, prepay, asks)


def test_the_advice_says_what_is_supported_and_why() -> None:
    """A person reads it on the record."""
    due = [TODAY - timedelta(days=40 * n) for n in (1, 2, 3)]
    paid_late = [an_invoice(n, due=day, paid=day + timedelta(days=35)) for n, day in enumerate(due)]
    late = assess(paid_late, (), (), TODAY)
    found = advise(late, POLICY)
    assert found.sentence == "The account's payment record is late and supports up to 14 days to pay."
    assert found.said == f"{found.sentence} {late.reason}"
    assert late.reason


def test_payment_in_advance_and_a_persons_eye_are_said_in_words() -> None:
    """Zero days is no number to a seller."""
    said = advice(Health.SEVERE).sentence
    assert "in advance" in said
    assert "A person should approve" in said


def test_a_new_account_is_asked_nothing() -> None:
    """Nothing came due: the usual terms hold, however long they are."""
    assert against(terms(net_days=365), advice(Health.UNKNOWN), (), TODAY) == ""
    assert "usual terms" in advice(Health.UNKNOWN).said


def test_a_health_without_a_number_has_no_limit() -> None:
    """An operator who leaves good accounts out trusts them."""
    trusting = TermsPolicy(days={Health.LATE: 14, Health.SEVERE: 0})
    found = advise(health(Health.WATCH), trusting)
    assert (found.net_days, against(terms(net_days=300), found, (), TODAY)) == (None, "")
    assert "limits no terms" in found.sentence


@given(policies, words, words)
def test_a_worse_health_never_gets_longer_terms(policy: TermsPolicy, one: Health, other: Health) -> None:
    """Nor is it asked about less."""
    better, worse = sorted((one, other), key=WORSE.index)
    first, second = advise(health(better), policy), advise(health(worse), policy)
    assert first.net_days is not None
    assert second.net_days is not None
    assert first.net_days >= second.net_days
    assert first.needs_approval <= second.needs_approval


@given(words, words, st.integers(0, 365), st.sampled_from(CollectionMethod))
def test_what_a_worse_record_supports_a_better_one_supports_too(
    one: Health, other: Health, days: int, collection: CollectionMethod
) -> None:
    """A customer who pays up is never worse off for it."""
    better, worse = sorted((one, other), key=WORSE.index)
    asked = terms(net_days=days, collection=collection)
    if not against(asked, advice(worse), (), TODAY):
        assert not against(asked, advice(better), (), TODAY)


@given(words, st.integers(0, 365))
def test_the_days_that_a_silent_deal_gets_never_go_against_the_advice(word: Health, default: int) -> None:
    """Nor are they ever longer than the operator's default."""
    found = advice(word)
    days = given_days(terms(), found, (), TODAY, default)
    if days is not None:
        assert days < default
        assert not against(terms(net_days=days), replace(found, needs_approval=False), (), TODAY)
    else:
        assert found.net_days is None or default <= found.net_days


def test_terms_that_are_too_long_say_how_long_and_what_to_do() -> None:
    """The command in the sentence can be copied."""
    said = against(terms(net_days=60), advice(Health.LATE), (), TODAY, "fake:1")
    assert said.startswith("The deal allows 60 days to pay, more than the account's payment record supports.")
    assert "connector terms allow fake:1 --net-days 60" in said
    assert "connector approve" in said


def test_exactly_the_supported_days_are_in_order() -> None:
    """One more is not."""
    assert against(terms(net_days=14), advice(Health.LATE), (), TODAY) == ""
    assert against(terms(net_days=15), advice(Health.LATE), (), TODAY) != ""


def test_what_is_charged_automatically_is_paid_at_once() -> None:
    """Whatever days the deal names beside it."""
    charged = terms(net_days=60, collection=CollectionMethod.CHARGE_AUTOMATICALLY)
    assert against(charged, advice(Health.LATE), (), TODAY) == ""


def test_an_account_that_is_far_behind_waits_for_a_person_even_when_it_pays_in_advance() -> None:
    """Nothing is sold to it unseen."""
    said = against(terms(net_days=0), advice(Health.SEVERE), (), TODAY)
    assert "a person decides" in said


def test_an_exception_covers_its_days_and_no_more() -> None:
    """Of several, the one that runs longest answers."""
    late = advice(Health.LATE)
    assert against(terms(net_days=60), late, [ANNA], TODAY) == ""
    assert against(terms(net_days=61), late, [ANNA], TODAY) != ""
    longer = replace(ANNA, until=TODAY + timedelta(days=90), net_days=45, id=8)
    assert answers_for(45, [longer, ANNA], TODAY) == longer
    assert answers_for(60, [longer, ANNA], TODAY) == ANNA


def test_an_exception_stands_for_a_persons_approval() -> None:
    """Somebody has looked at the account, and answers for it."""
    assert against(terms(net_days=0), advice(Health.SEVERE), [ANNA], TODAY) == ""


@pytest.mark.parametrize(
    ("exception", "day"), [(ANNA, ANNA.until + timedelta(days=1)), (replace(ANNA, ended_at=NOW), TODAY)]
)
def test_an_exception_that_is_over_or_ended_counts_no_more(exception: TermsException, day: date) -> None:
    """On its last day it still does."""
    assert answers_for(30, [ANNA], ANNA.until) == ANNA
    assert answers_for(30, [exception], day) is None
    assert against(terms(net_days=60), advice(Health.LATE), [exception], day) != ""


def test_an_exception_says_who_answers_for_what_until_when_and_why() -> None:
    """On the deal's record."""
    assert ANNA.said == "Anna Example answers for up to 60 days to pay until 2026-12-21, by exception 7: strategic."


@pytest.mark.parametrize(
    ("said", "default", "expected"),
    [
        (terms(), 30, 14),
        (terms(), 14, None),  # as many: nothing changes, and nothing is said
        (terms(), 10, None),  # never longer than the default
        (terms(net_days=45), 30, None),
        (terms(collection=CollectionMethod.CHARGE_AUTOMATICALLY), 30, None),
        (terms(kind=DealKind.RENEWAL), 30, 14),
        (terms(kind=DealKind.AMENDMENT), 30, None),
        (terms(kind=DealKind.CANCELLATION), 30, None),
    ],
)
def test_a_deal_that_names_no_days_gets_those_of_its_accounts_record(
    said: BillingTerms, default: int, expected: int | None
) -> None:
    """A late account, whose record supports 14."""
    assert given_days(said, advice(Health.LATE), (), TODAY, default) == expected


def test_a_silent_deal_gets_what_somebody_answers_for() -> None:
    """Up to the default."""
    assert given_days(terms(), advice(Health.SEVERE), [replace(ANNA, net_days=20)], TODAY, 30) == 20
    assert given_days(terms(), advice(Health.SEVERE), [ANNA], TODAY, 30) is None
    assert given_days(terms(), advice(Health.SEVERE), [ANNA], ANNA.until + timedelta(days=1), 30) == 0


def test_only_deals_that_set_terms_are_held_against_the_record() -> None:
    """An amendment keeps its contract's terms unless it names its own; a cancellation ends them."""
    assert terms_set(terms(), 30) == terms(net_days=30)
    assert terms_set(terms(net_days=5), 30) == terms(net_days=5)
    assert terms_set(terms(kind=DealKind.RENEWAL), 30) == terms(kind=DealKind.RENEWAL, net_days=30)
    assert terms_set(terms(kind=DealKind.AMENDMENT), 30) is None
    assert terms_set(terms(kind=DealKind.AMENDMENT, net_days=60), 30) == terms(kind=DealKind.AMENDMENT, net_days=60)
    assert terms_set(terms(kind=DealKind.CANCELLATION, net_days=60), 30) is None


@pytest.mark.parametrize(
    "days",
    [
        {Health.GOOD: 14, Health.LATE: 30},
        {Health.GOOD: 60, Health.LATE: 14, Health.SEVERE: 0},  # watch would have no limit between two that have one
        {Health.GOOD: 366},
        {Health.SEVERE: -1},
        {Health.UNKNOWN: 30},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(days: dict[Health, int]) -> None:
    """A worse record would get longer terms, or a number is none."""
    with pytest.raises(ValueError, match=r"record|terms"):
        TermsPolicy(days=days)


def test_a_policy_that_asks_about_good_accounts_alone_is_refused() -> None:
    """Whoever is asked about the good is asked about the bad."""
    with pytest.raises(ValueError, match="never asked about less"):
        TermsPolicy(approval=frozenset({Health.GOOD}))


def test_days_that_were_given_stay_the_deals_own() -> None:
    """Until the deal names days itself."""
    given_two_weeks = PlanTerms(ACCOUNT, Health.LATE, 14)
    silent, outspoken = a_deal(), a_deal(terms=terms(net_days=45))
    assert given_two_weeks.of(silent).terms.net_days == 14
    assert given_two_weeks.of(outspoken) == outspoken
    assert given_two_weeks.notes(outspoken) == ()
    assert "due in 14 days" in given_two_weeks.notes(silent)[0]
    assert "due in 1 day," in replace(given_two_weeks, given=1).notes(silent)[0]
    assert "due on receipt" in replace(given_two_weeks, given=0).notes(silent)[0]
    assert replace(given_two_weeks, given=None).of(silent) == silent
