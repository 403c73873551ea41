"""A cancellation ends the contract on its day, and gives back exactly what was billed for days not served."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.amending import plan_cancellation
from connector.domain.billing import Invoice, InvoiceStatus
from connector.domain.billing_plan import BillingPlan, CreditInvoice, EndSubscription
from connector.domain.contract import RunningContract
from connector.domain.deal import Deal, DealKind
from connector.domain.policy import BillingPolicy, Proration
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from tests.domain.running_contracts import DECEMBER, NOVEMBER, a_contract, an_amendment, an_item, billed
from tests.factories import TODAY, YEARLY, ref, terms

POLICY = BillingPolicy()
MARCH, NEXT_MARCH = date(2026, 3, 1), date(2027, 3, 1)


def a_cancellation(**stated: Any) -> Deal:
    return an_amendment(terms=terms(kind=DealKind.CANCELLATION, **stated))


def a_lost_deal(**stated: Any) -> Deal:
    return an_amendment(won=False, terms=terms(**stated))


def cancel(
    deal: Deal, *invoices: Invoice, contract: RunningContract | None = None, policy: BillingPolicy = POLICY
) -> BillingPlan:
    return plan_cancellation(deal, contract or a_contract(), invoices, TODAY, policy)


def ends(plan: BillingPlan) -> list[date | None]:
    return [step.on for step in plan.steps if isinstance(step, EndSubscription)]


def credited(plan: BillingPlan) -> list[tuple[str, int]]:
    return [(step.invoice.id, step.amount) for step in plan.steps if isinstance(step, CreditInvoice)]


def a_year(number: int = 1, amount: int = 36_500, **changes: Any) -> Invoice:
    return billed(number, (amount, MARCH, NEXT_MARCH), **changes)


def yearly() -> RunningContract:
    return a_contract(an_item(interval=YEARLY, period_start=MARCH, period_end=NEXT_MARCH))


# When it ends


def test_a_cancellation_without_a_day_ends_the_contract_with_its_term() -> None:
    assert ends(cancel(a_cancellation())) == [NEXT_MARCH]


def test_without_a_term_it_ends_with_the_running_period_and_says_so() -> None:
    plan = cancel(a_cancellation(), contract=a_contract(contract_end=None))
    assert ends(plan) == [DECEMBER]
    assert any("2026-11-30" in note for note in plan.notes)


def test_the_first_day_it_no_longer_runs_is_the_one_after_its_last() -> None:
    assert ends(cancel(a_cancellation(ends_on=TODAY))) == [TODAY + timedelta(days=1)]


def test_a_last_day_that_has_passed_ends_it_at_once() -> None:
    assert ends(cancel(a_cancellation(ends_on=date(2026, 11, 10)))) == [None]


def test_a_lost_deal_ends_its_contract_at_once() -> None:
    assert ends(cancel(a_lost_deal())) == [None]


def test_a_contract_that_has_not_begun_never_begins() -> None:
    contract = a_contract(an_item(period_start=NEXT_MARCH), started=NEXT_MARCH, status="not_started", contract_end=None)
    assert ends(cancel(a_lost_deal(), contract=contract)) == [None]


def test_what_ends_already_is_not_ended_again_and_it_says_so() -> None:
    plan = cancel(a_cancellation(), contract=a_contract(ends=NEXT_MARCH))
    assert ends(plan) == []
    assert any("ends by itself after 2027-02-28" in note for note in plan.notes)
    assert ends(cancel(a_lost_deal(), contract=a_contract(status="canceled"))) == []


def test_a_day_before_the_contract_is_refused() -> None:
    with pytest.raises(CannotBill) as refused:
        cancel(a_cancellation(ends_on=date(2026, 2, 27)))
    assert (refused.value.sentence_id, refused.value.field) == ("cancelled-before-the-start", "terms.ends_on")


def test_a_repeated_change_has_keys_of_its_own() -> None:
    deal = a_lost_deal(with_credit=True)
    plan = plan_cancellation(deal, yearly(), [a_year()], TODAY, POLICY, round=2)
    assert [step.key.role for step in plan.steps] == ["end-2", "credit-in_1-2"]


# What is given back


def test_nothing_is_credited_unless_asked_and_a_cut_period_is_told() -> None:
    plan = cancel(a_cancellation(ends_on=TODAY), a_year())
    assert credited(plan) == []
    assert any("not credited" in note for note in plan.notes)
    assert cancel(a_cancellation(ends_on=date(2026, 11, 30)), a_year()).notes == ()


def test_by_day_the_days_not_served_are_credited() -> None:
    # A euro a day; 22 November to 28 February are 99 days.
    assert credited(cancel(a_cancellation(ends_on=TODAY, with_credit=True), a_year(), contract=yearly())) == [
        ("in_1", 9_900)
    ]


def test_by_month_a_month_that_has_begun_is_served() -> None:
    policy = BillingPolicy(proration=Proration.MONTH, downsell_credit=True)
    # November has begun: December, January, February of twelve.
    plan = cancel(a_cancellation(ends_on=TODAY), a_year(amount=24_000), contract=yearly(), policy=policy)
    assert credited(plan) == [("in_1", 6_000)]


def test_a_whole_contract_that_was_never_served_is_credited_whole() -> None:
    plan = cancel(a_cancellation(ends_on=MARCH - timedelta(days=1), with_credit=True), a_year(), contract=yearly())
    assert credited(plan) == [("in_1", 36_500)]


def test_set_up_fees_and_periods_that_were_served_are_kept() -> None:
    fee = (50_000, NOVEMBER, NOVEMBER)
    plan = cancel(
        a_cancellation(ends_on=date(2026, 11, 15), with_credit=True),
        billed(1, (20_000, date(2026, 10, 1), NOVEMBER)),
        billed(2, fee, (20_000, NOVEMBER, DECEMBER)),
    )
    assert credited(plan) == [("in_2", 10_000)]


def test_an_amendments_own_invoice_is_credited_too_but_no_other() -> None:
    stop = a_cancellation(ends_on=date(2026, 11, 15), with_credit=True)
    upsell = billed(2, (1_000, NOVEMBER, DECEMBER), subscription=None, deal=ref("deal", "5"))
    other_deal = billed(3, (1_000, NOVEMBER, DECEMBER), subscription=None, deal=ref("deal", "6"))
    other_contract = billed(4, (1_000, NOVEMBER, DECEMBER), subscription=RecordRef("stripe", "subscription", "sub_9"))
    no_deal = billed(5, (1_000, NOVEMBER, DECEMBER), subscription=None)
    contract = a_contract(amended_by=(ref("deal", "5"),))
    plan = cancel(stop, upsell, other_deal, other_contract, no_deal, contract=contract)
    assert credited(plan) == [("in_2", 500)]


def test_credits_on_a_later_invoice_lower_what_is_given_back() -> None:
    plan = cancel(
        a_cancellation(ends_on=date(2026, 11, 15), with_credit=True),
        billed(1, (20_000, NOVEMBER, DECEMBER)),
        billed(2, (-4_000, NOVEMBER, DECEMBER), (9_000, date(2026, 10, 1), NOVEMBER)),
    )
    assert credited(plan) == [("in_1", 8_000)]


def test_the_newest_invoice_gives_back_first() -> None:
    older = a_year(1, due=date(2026, 3, 1))
    newer = a_year(2, due=date(2026, 6, 1))
    plan = cancel(a_cancellation(ends_on=TODAY, with_credit=True), older, newer, contract=yearly())
    assert credited(plan) == [("in_2", 9_900), ("in_1", 9_900)]


def test_what_was_credited_before_is_left_out_and_it_says_so() -> None:
    plan = cancel(
        a_cancellation(ends_on=date(2026, 11, 15), with_credit=True),
        billed(1, (20_000, NOVEMBER, DECEMBER), credited=5_000),
    )
    assert credited(plan) == [("in_1", 5_000)]
    assert any("EUR 50.00 of the credit are left out" in note for note in plan.notes)


@pytest.mark.parametrize("tax", [0, 1_900, 1_905])
def test_a_second_deal_that_ends_the_contract_gives_nothing_back_again(tax: int) -> None:
    """The invoice has room for the other half of the period, which is served."""
    deal = a_cancellation(ends_on=date(2026, 11, 15), with_credit=True)
    invoice = replace(billed(1, (10_000, NOVEMBER, DECEMBER)), total=10_000 + tax)
    [(_, amount)] = credited(cancel(deal, invoice))
    again = cancel(deal, replace(invoice, credited=amount * invoice.total // 10_000))

    assert credited(again) == []


@pytest.mark.parametrize("status", [InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE, InvoiceStatus.OTHER])
def test_an_invoice_that_is_void_or_written_off_gives_nothing_back(status: InvoiceStatus) -> None:
    plan = cancel(
        a_cancellation(ends_on=date(2026, 11, 15), with_credit=True),
        billed(1, (20_000, NOVEMBER, DECEMBER), status=status),
    )
    assert credited(plan) == []
    assert any("nothing is credited" in note for note in plan.notes)


def test_of_a_revised_invoice_only_the_revision_counts() -> None:
    revised = billed(1, (20_000, NOVEMBER, DECEMBER), replaced_by=RecordRef("stripe", "invoice", "in_2"))
    plan = cancel(
        a_cancellation(ends_on=date(2026, 11, 15), with_credit=True), revised, billed(2, (10_000, NOVEMBER, DECEMBER))
    )
    assert credited(plan) == [("in_2", 5_000)]


def test_a_draft_for_days_not_served_is_a_question_for_a_person() -> None:
    draft = billed(1, (20_000, NOVEMBER, DECEMBER), status=InvoiceStatus.DRAFT)
    with pytest.raises(CannotBill) as refused:
        cancel(a_cancellation(ends_on=date(2026, 11, 15), with_credit=True), draft)
    assert refused.value.sentence_id == "credit-on-a-draft"


def test_a_credit_for_a_period_that_is_billed_only_later_is_refused() -> None:
    with pytest.raises(CannotBill) as refused:
        cancel(a_cancellation(ends_on=date(2027, 1, 15), with_credit=True))
    assert refused.value.sentence_id == "credit-in-a-later-period"
    assert ends(cancel(a_cancellation(ends_on=date(2027, 1, 31), with_credit=True))) == [date(2027, 2, 1)]


@given(stop=st.dates(MARCH, NEXT_MARCH), amount=st.integers(1, 10**8), rule=st.sampled_from(Proration))
def test_never_more_is_given_back_than_was_billed(stop: date, amount: int, rule: Proration) -> None:
    deal = a_cancellation(ends_on=stop - timedelta(days=1), with_credit=True)
    plan = cancel(deal, a_year(amount=amount), contract=yearly(), policy=BillingPolicy(proration=rule))
    total = sum(given_back for _, given_back in credited(plan))
    assert 0 <= total <= amount
    assert (total == amount) or stop > MARCH
