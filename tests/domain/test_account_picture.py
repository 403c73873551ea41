"""What one customer's records show; and that a flag neither flaps within a day nor depends on the order of events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.account_facts import AccountFacts, Background
from connector.domain.account_picture import Picture, Rules, account_picture
from connector.domain.account_profile import AccountProfile, size_of
from connector.domain.billing import BillingAccount, Customer, Dispute, Invoice, InvoiceStatus
from connector.domain.excuses import excuses_on, steadied
from connector.domain.health_override import Override
from connector.domain.health_policy import HealthPolicy, RollUp, Segment
from connector.domain.health_word import Health
from connector.domain.refs import RecordRef
from connector.domain.roll_up import Relative
from tests.factories import NOW, TODAY, a_billing_account, a_subscription, an_invoice, at

ACCOUNT, DEAL = RecordRef("hubspot", "account", "1"), RecordRef("hubspot", "deal", "1")
RENEWAL_DEAL = RecordRef("hubspot", "deal", "9")
SUBSCRIPTION = a_subscription(contract_end=TODAY + timedelta(days=50))
OVERDUE = an_invoice(1, due=TODAY - timedelta(days=70))


def facts(*invoices: Invoice, **changes: Any) -> AccountFacts:
    account = a_billing_account(subscriptions=(SUBSCRIPTION,), invoices=invoices)
    background = Background(**changes.pop("known", {}))
    values: dict[str, Any] = {"owners": (ACCOUNT,), "billed_by": {DEAL: (SUBSCRIPTION.ref,)}, "background": background}
    return replace(AccountFacts(account), **{**values, **changes})


def look(at_: AccountFacts, day: date = TODAY, **rules: Any) -> Picture:
    return account_picture(at_, day, Rules(**rules))


def test_account_deal_and_open_renewal_deal_show_the_same_flag() -> None:
    picture = look(facts(OVERDUE, known={"flagged_deals": {ACCOUNT: (RENEWAL_DEAL,)}}))
    assert {picture.values[ref]["late_payer"] for ref in (ACCOUNT, DEAL, RENEWAL_DEAL)} == {True}
    assert len({picture.values[ref]["health_reason"] for ref in (ACCOUNT, DEAL, RENEWAL_DEAL)}) == 1
    assert "mrr" not in picture.values[RENEWAL_DEAL]
    assert picture.values[ACCOUNT]["credit_hold"] is True
    assert list(picture.renewal_work) == [ACCOUNT]


def test_a_second_look_that_finds_nothing_new_keeps_nothing() -> None:
    first = look(facts(OVERDUE))
    assert [flag.account for flag in first.news] == [ACCOUNT]
    again = look(facts(OVERDUE, known={"before": first.flags}), TODAY + timedelta(days=0))
    assert (list(again.news), list(again.renewal_work), list(again.tell_above)) == ([], [], [])


def test_thresholds_go_by_the_accounts_segment() -> None:
    policy = HealthPolicy(segments=(Segment(size="large", renewal_windows=(30,)),))
    large = {"profiles": {ACCOUNT: AccountProfile(ACCOUNT, size="large")}}
    assert look(facts(OVERDUE), policy=policy).flags[ACCOUNT].late_payer
    assert not look(facts(OVERDUE, known=large), policy=policy).flags[ACCOUNT].late_payer


def test_the_crms_own_date_counts_where_the_mapping_ranks_it_first() -> None:
    day = TODAY + timedelta(days=200)
    known = {"crm_renewals": {DEAL: day}, "sold_to": {DEAL: ACCOUNT}}
    by_field = look(facts(OVERDUE, known=known))
    assert (by_field.values[ACCOUNT]["renewal_date"], by_field.values[DEAL]["renewal_date"]) == (day, day)
    assert not by_field.flags[ACCOUNT].late_payer
    by_contract = look(facts(OVERDUE, known=known), renewal_from={"hubspot": ("contract_end",)})
    assert by_contract.values[ACCOUNT]["renewal_date"] == TODAY + timedelta(days=50)


def test_whoever_is_paid_for_shows_how_its_payer_pays_under_that_policy_alone() -> None:
    child = RecordRef("hubspot", "account", "7")
    known = {"paid_for": (child,), "sold_to": {DEAL: child}}
    payer = HealthPolicy(roll_up=RollUp.PAYER)
    shown = look(facts(OVERDUE, known=known), policy=payer).values[child]
    assert (shown["late_payer"], shown["renewal_date"]) == (True, TODAY + timedelta(days=50))
    assert str(shown["health_reason"]).startswith("Paid for by Acme GmbH. ")
    assert "open_balance" not in shown  # what is owed is its payer's
    assert child not in look(facts(OVERDUE, known=known)).values


def test_when_the_policy_changes_nothing_stands_on_an_account_that_it_no_longer_shows() -> None:
    child = RecordRef("hubspot", "account", "7")
    known = {"paid_for": (child,), "sold_to": {DEAL: child}}
    before = look(facts(OVERDUE, known=known), policy=HealthPolicy(roll_up=RollUp.PAYER)).flags
    after = look(facts(OVERDUE, known={**known, "before": before, "flagged_deals": {child: (RENEWAL_DEAL,)}}))
    for ref in (child, RENEWAL_DEAL):
        assert (after.values[ref]["late_payer"], after.values[ref]["health"]) == (False, "unknown")
    assert child in after.renewal_work
    again = look(facts(OVERDUE, known={**known, "before": after.flags}))
    assert child not in again.values


def test_an_override_of_somebody_paid_for_is_of_nobody_else() -> None:
    child = RecordRef("hubspot", "account", "7")
    good = Override(1, child, Health.GOOD, "Grace", "A plan", NOW, TODAY)
    known = {"paid_for": (child,), "sold_to": {DEAL: child}, "overrides": (good,)}
    payer = HealthPolicy(roll_up=RollUp.PAYER)
    flags = look(facts(OVERDUE, known=known), policy=payer).flags
    assert (flags[child].late_payer, flags[ACCOUNT].late_payer) == (False, True)
    whole = replace(good, account=ACCOUNT)
    flags = look(facts(OVERDUE, known={**known, "overrides": (whole,)}), policy=payer).flags
    assert (flags[child].late_payer, flags[ACCOUNT].late_payer) == (False, False)


def test_a_child_counts_for_its_parent_under_that_policy_alone() -> None:
    below = {"below": {ACCOUNT: (Relative(RENEWAL_DEAL, "Acme Nordic", Health.LATE),)}}
    worst = HealthPolicy(roll_up=RollUp.WORST_CHILD)
    assert look(facts(known=below), policy=worst).values[ACCOUNT]["health"] == "late"
    assert look(facts(known=below)).values[ACCOUNT]["health"] == "unknown"


def test_a_deal_whose_account_is_not_ours_shows_its_customers_record() -> None:
    picture = look(facts(OVERDUE, owners=()))
    assert picture.flags == {}
    assert picture.values[DEAL]["health"] == "severe"


def test_an_open_dispute_excuses_its_invoice_like_the_invoices_own_word() -> None:
    dispute = Dispute(
        RecordRef("stripe", "dispute", "dp_1"), "ch_1", 1, "eur", "needs_response", NOW, invoice=OVERDUE.ref
    )
    account = BillingAccount(Customer(OVERDUE.customer), (SUBSCRIPTION,), (OVERDUE,), disputes=(dispute,))
    picture = look(replace(facts(), account=account))
    assert picture.flags[ACCOUNT].excuses.now == {OVERDUE.ref}
    assert not picture.flags[ACCOUNT].late_payer


def test_sizes_are_words_whatever_the_crm_holds() -> None:
    assert [size_of(text) for text in ("9", "10", "50", "1,200", " Enterprise ", "")] == [
        "micro",
        "small",
        "medium",
        "large",
        "Enterprise",
        "",
    ]


# --- Within one day ---------------------------------------------------------------------------------------------------

Event = Callable[[Invoice], Invoice]


def pays(invoice: Invoice) -> Invoice:
    if invoice.status is InvoiceStatus.PAID:
        return invoice
    paid_in_full = replace(invoice, amount_paid=invoice.total, amount_remaining=0)
    return replace(paid_in_full, status=InvoiceStatus.PAID, paid_at=at(TODAY))


def disputes(invoice: Invoice) -> Invoice:
    return replace(invoice, disputed=True)


def settles(invoice: Invoice) -> Invoice:
    return replace(invoice, disputed=False)


def debits(invoice: Invoice) -> Invoice:
    return replace(invoice, processing=True)


def bounces(invoice: Invoice) -> Invoice:
    return replace(invoice, processing=False)


COMMUTING: tuple[Event, ...] = (pays, disputes, debits)
"""Each sets something of its own, so that only the order in which we hear of them differs."""

ALL: tuple[Event, ...] = (*COMMUTING, settles, bounces)

invoices_of_an_account = st.lists(
    st.tuples(st.integers(-5, 100), st.one_of(st.none(), st.integers(0, 60)), st.booleans(), st.booleans()),
    min_size=1,
    max_size=6,
).map(
    lambda rows: tuple(
        replace(
            an_invoice(n, due=TODAY - timedelta(days=due), paid=_paid(due, after)), disputed=disputed, processing=debit
        )
        for n, (due, after, disputed, debit) in enumerate(rows)
    )
)


def _paid(due: int, after: int | None) -> date | None:
    """Days after it was due, but always before today."""
    return None if after is None else min(TODAY - timedelta(days=due - after), TODAY - timedelta(days=1))


def events(kinds: Sequence[Event]) -> st.SearchStrategy[list[tuple[Event, int]]]:
    return st.lists(st.tuples(st.sampled_from(kinds), st.integers(0, 5)), max_size=8)


def happened(invoices: tuple[Invoice, ...], what: Event, where: int) -> tuple[Invoice, ...]:
    place = where % len(invoices)
    return tuple(what(each) if n == place else each for n, each in enumerate(invoices))


def yesterday(invoices: tuple[Invoice, ...]) -> Picture:
    return look(facts(*invoices), TODAY - timedelta(days=1))


@settings(max_examples=100)
@given(invoices_of_an_account, events(ALL))
def test_within_a_day_a_flag_changes_only_when_an_invoice_was_paid(
    invoices: tuple[Invoice, ...], today: list[tuple[Event, int]]
) -> None:
    picture = look(facts(*invoices, known={"before": yesterday(invoices).flags}))
    for what, where in today:
        after = happened(invoices, what, where)
        paid = any(a.status is not b.status for a, b in zip(after, invoices, strict=True))
        seen = look(facts(*after, known={"before": picture.flags}))
        if not paid:
            assert seen.flags[ACCOUNT].late_payer == picture.flags[ACCOUNT].late_payer
        invoices, picture = after, seen


@settings(max_examples=100)
@given(invoices_of_an_account, events(COMMUTING), st.data())
def test_the_order_of_events_and_how_often_we_look_change_nothing_about_the_flag(
    invoices: tuple[Invoice, ...], today: list[tuple[Event, int]], data: st.DataObject
) -> None:
    def ended(order: Sequence[tuple[Event, int]], looks: Sequence[bool]) -> tuple[object, ...]:
        known, flags = invoices, yesterday(invoices).flags
        for (what, where), looked in zip(order, looks, strict=True):
            known = happened(known, what, where)
            if looked:
                flags = look(facts(*known, known={"before": flags})).flags
        last = look(facts(*known, known={"before": flags})).flags[ACCOUNT]
        return last.late_payer, last.word, last.window, last.renewal

    each = st.lists(st.booleans(), min_size=len(today), max_size=len(today))
    shuffled = data.draw(st.permutations(today))
    assert ended(today, data.draw(each)) == ended(shuffled, data.draw(each))


@given(invoices_of_an_account)
def test_the_flag_follows_the_excuses_of_a_day_on_the_next(invoices: tuple[Invoice, ...]) -> None:
    disputed = tuple(disputes(each) for each in invoices)
    before = look(facts(*disputed, known={"before": look(facts(*invoices)).flags})).flags
    later = look(facts(*disputed, known={"before": before}), TODAY + timedelta(days=1)).flags[ACCOUNT]
    assert later.late_payer is False  # nothing but excuses is left
    assert later.excuses.at_opening == {each.ref for each in disputed}


def test_what_was_paid_today_counts_as_paid_whatever_excuse_it_had() -> None:
    debited = debits(OVERDUE)
    opened = excuses_on([debited], (), TODAY - timedelta(days=1), None)
    paid = pays(bounces(debited))
    assert list(steadied([paid], excuses_on([paid], (), TODAY, opened))) == [paid]


def test_a_clock_that_goes_back_takes_the_excuses_as_it_finds_them() -> None:
    ahead = excuses_on([debits(OVERDUE)], (), TODAY, None)
    found = excuses_on([OVERDUE], (), TODAY - timedelta(days=1), ahead)
    assert (found.day, found.at_opening, found.now) == (TODAY - timedelta(days=1), frozenset(), frozenset())
