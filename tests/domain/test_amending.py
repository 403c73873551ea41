"""An amendment changes a running contract for the invoices to come, and bills the rest of the period to the cent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.amending import plan_amendment
from connector.domain.billing import Invoice, Price, PriceTier
from connector.domain.billing_plan import (
    AddToNextInvoice,
    BillingPlan,
    Catalogue,
    ChangeSubscription,
    CreditInvoice,
    ExistingPrice,
    InlinePrice,
    MakeCustomer,
    MakeInvoice,
    MakeProduct,
    Period,
    PlannedLine,
    StepKey,
)
from connector.domain.contract import LaterPhase, RunningContract
from connector.domain.deal import Account, CollectionMethod, Deal, DealKind, Interval, Product
from connector.domain.policy import BillingPolicy, Proration
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from tests.domain.running_contracts import DECEMBER, NOVEMBER, a_contract, an_amendment, an_item, billed, seats
from tests.factories import MONTHLY, TODAY, YEARLY, a_setup_fee, ref, terms

POLICY = BillingPolicy()
CREDITING = BillingPolicy(downsell_credit=True)


def amend(
    deal: Deal,
    contract: RunningContract | None = None,
    *,
    policy: BillingPolicy = POLICY,
    catalogue: Catalogue | None = None,
    invoices: tuple[Invoice, ...] = (),
    today: date = TODAY,
) -> BillingPlan:
    return plan_amendment(deal, contract or a_contract(), catalogue or Catalogue(), today, policy, invoices=invoices)


def change(plan: BillingPlan) -> ChangeSubscription:
    (step,) = [step for step in plan.steps if isinstance(step, ChangeSubscription)]
    return step


def settled(plan: BillingPlan) -> list[tuple[int, Period | None]]:
    """What is billed or credited apart from the contract itself: each line's amount and days."""
    steps = [step for step in plan.steps if isinstance(step, MakeInvoice | AddToNextInvoice)]
    return [(line.amount, line.period) for step in steps for line in step.lines]


def refusal(deal: Deal, contract: RunningContract | None = None, **more: Any) -> CannotBill:
    with pytest.raises(CannotBill) as refused:
        amend(deal, contract, **more)
    return refused.value


def from_day(day: date, **changes: Any) -> Any:
    return terms(kind=DealKind.AMENDMENT, start=day, **changes)


# Upsell


def test_more_of_a_product_raises_its_quantity_and_bills_the_rest_of_the_period_by_day() -> None:
    plan = amend(an_amendment(seats(5)))
    (item,) = change(plan).changes
    assert item.line is not None
    assert (item.item_id, item.line.quantity, item.line.price) == ("si_1", 15, ExistingPrice("price_1"))
    # 5 x 20.00 for 21 to 30 November: 10 of 30 days.
    assert settled(plan) == [(3_333, Period(TODAY, DECEMBER))]
    assert plan.expected_first_invoice() is None
    (invoice,) = [step for step in plan.steps if isinstance(step, MakeInvoice)]
    assert (invoice.total, invoice.on, invoice.terms.net_days) == (3_333, None, 30)


def test_a_note_tells_the_share_and_how_it_was_rounded() -> None:
    (note,) = amend(an_amendment(seats(5))).notes
    assert "EUR 33.33 for 10 of 30 days" in note
    assert "half up to EUR 0.01" in note


def test_the_customer_who_has_the_contract_is_taken_as_it_is_and_no_product_is_made_anew() -> None:
    plan = amend(an_amendment(seats(5)))
    customer = plan.steps[0]
    assert isinstance(customer, MakeCustomer)
    assert customer.adopt == "cus_1"
    assert not [step for step in plan.steps if isinstance(step, MakeProduct)]


def test_by_month_an_upsell_pays_the_month_it_falls_in_whole() -> None:
    contract = a_contract(
        an_item(
            interval=YEARLY, unit_amount=Decimal(24_000), period_start=date(2026, 3, 1), period_end=date(2027, 3, 1)
        )
    )
    deal = an_amendment(seats(5, "240.00", interval=YEARLY))
    # 5 x 240.00 a year from 21 November: November to February, 4 of 12 months.
    assert settled(amend(deal, contract, policy=BillingPolicy(proration=Proration.MONTH))) == [
        (40_000, Period(TODAY, date(2027, 3, 1)))
    ]


def test_another_price_of_the_same_product_becomes_a_line_of_its_own() -> None:
    plan = amend(an_amendment(seats(5, "18.00")))
    (item,) = change(plan).changes
    assert item.item_id == ""
    assert item.line is not None
    assert isinstance(item.line.price, InlinePrice)
    assert (item.line.quantity, item.line.price.unit_amount) == (5, Decimal(1800))
    assert settled(plan) == [(3_000, Period(TODAY, DECEMBER))]


def test_a_new_product_is_made_and_its_share_is_sold_as_it() -> None:
    plan = amend(an_amendment(seats(3, "50.00", number="7")))
    product = StepKey(ref("product", "7"), "product")
    assert [step.key for step in plan.steps if isinstance(step, MakeProduct)] == [product]
    (invoice,) = [step for step in plan.steps if isinstance(step, MakeInvoice)]
    assert invoice.lines[0].price == InlinePrice(product, Decimal(5_000), None)
    assert invoice.total == 5_000


def test_a_catalogue_price_is_recognised_by_its_own_id() -> None:
    price = Price(RecordRef("stripe", "price", "price_1"), "prod_1", "eur", Decimal(2000), MONTHLY, lookup_key="SEAT")
    line = seats(5, product=Product(ref("product", "99"), "Seats", code="SEAT"))
    contract = a_contract(an_item(product=None))
    plan = amend(an_amendment(line), contract, catalogue=Catalogue(by_lookup_key={"SEAT": price}))
    assert [item.item_id for item in change(plan).changes] == ["si_1"]


def test_a_new_line_at_a_catalogue_price_has_its_share_sold_as_the_prices_product() -> None:
    price = Price(RecordRef("stripe", "price", "price_9"), "prod_9", "eur", Decimal(3000), MONTHLY)
    line = seats(1, "30.00", number="9", product=Product(ref("product", "9"), "Audit", price_id="price_9"))
    plan = amend(an_amendment(line), catalogue=Catalogue(by_id={"price_9": price}))
    (item,) = change(plan).changes
    assert item.line is not None
    assert item.line.price == ExistingPrice("price_9")
    (invoice,) = [step for step in plan.steps if isinstance(step, MakeInvoice)]
    assert invoice.lines[0].price == InlinePrice("prod_9", Decimal(1000), None)


def test_a_set_up_fee_goes_on_the_same_invoice_and_a_milestone_on_its_own_day() -> None:
    later = a_setup_fee(number="3", bill_on=date(2027, 1, 15))
    plan = amend(an_amendment(seats(5), a_setup_fee(), later))
    now, milestone = [step for step in plan.steps if isinstance(step, MakeInvoice)]
    assert (now.total, now.key.role) == (3_333 + 50_000, "proration")
    assert (milestone.total, milestone.on, milestone.key.role) == (50_000, date(2027, 1, 15), "invoice-2027-01-15")


def test_with_the_next_invoice_if_the_policy_says_so() -> None:
    plan = amend(an_amendment(seats(5)), policy=BillingPolicy(amendments_now=False))
    (step,) = [step for step in plan.steps if isinstance(step, AddToNextInvoice)]
    assert (step.key.role, step.subscription.id, step.lines[0].amount) == ("proration", "sub_1", 3_333)
    assert "EUR 33.33 go on the contract's next invoice." in plan.notes


def test_in_the_last_period_there_is_no_next_invoice_so_an_upsell_is_billed_now() -> None:
    contract = a_contract(ends=DECEMBER, contract_end=date(2026, 11, 30))
    plan = amend(an_amendment(seats(5)), contract, policy=BillingPolicy(amendments_now=False))
    assert [type(step) for step in plan.billing_steps()] == [ChangeSubscription, MakeInvoice]


def test_automatic_collection_and_tax_stay_as_the_contract_has_them() -> None:
    contract = a_contract(collection=CollectionMethod.CHARGE_AUTOMATICALLY, net_days=None)
    plan = amend(an_amendment(seats(5)), contract, policy=BillingPolicy(automatic_tax=True))
    (invoice,) = [step for step in plan.steps if isinstance(step, MakeInvoice)]
    assert (invoice.terms.collection, invoice.terms.net_days) == (CollectionMethod.CHARGE_AUTOMATICALLY, None)
    assert invoice.terms.automatic_tax


def test_the_order_number_and_net_days_of_the_amendment_stand_on_its_invoice() -> None:
    stated = terms(kind=DealKind.AMENDMENT, po_number="PO-7", net_days=45)
    (invoice,) = [s for s in amend(an_amendment(seats(5), terms=stated)).steps if isinstance(s, MakeInvoice)]
    assert (invoice.terms.net_days, invoice.terms.custom_fields) == (45, (("PO Number", "PO-7"),))


def test_a_repeated_change_has_keys_of_its_own() -> None:
    plan = plan_amendment(an_amendment(seats(5)), a_contract(), Catalogue(), TODAY, POLICY, round=2)
    assert [step.key.role for step in plan.billing_steps()] == ["change-2", "proration-2"]


def test_the_contract_remembers_every_deal_that_amended_it() -> None:
    plan = amend(an_amendment(seats(5)), a_contract(amended_by=(ref("deal", "0"),)))
    assert change(plan).metadata == {
        "changed_by": "hubspot:deal:2/change",
        "amended_by": "hubspot:deal:0 hubspot:deal:2",
    }


def test_of_too_many_amending_deals_the_newest_are_remembered() -> None:
    many = tuple(ref("deal", str(number).zfill(20)) for number in range(30))
    remembered = change(amend(an_amendment(seats(5)), a_contract(amended_by=many))).metadata["amended_by"]
    assert len(remembered) <= 500
    assert remembered.endswith(f"{many[-1]} hubspot:deal:2")


# Downsell, removal, swap


def test_fewer_lower_the_invoices_to_come_and_credit_nothing_unless_asked() -> None:
    plan = amend(an_amendment(seats(-4)))
    (item,) = change(plan).changes
    assert item.line is not None
    assert item.line.quantity == 6
    assert settled(plan) == []
    assert any("not credited" in note for note in plan.notes)


@pytest.mark.parametrize("asked_by", ["deal", "policy"])
def test_fewer_are_credited_on_the_next_invoice_if_the_deal_or_the_policy_asks(asked_by: str) -> None:
    stated = terms(kind=DealKind.AMENDMENT, with_credit=True if asked_by == "deal" else None)
    plan = amend(an_amendment(seats(-4), terms=stated), policy=CREDITING if asked_by == "policy" else POLICY)
    # 4 x 20.00 for 10 of 30 days.
    assert settled(plan) == [(-2_667, Period(TODAY, DECEMBER))]
    assert isinstance(plan.steps[-1], AddToNextInvoice)


def test_a_deal_without_credit_overrules_the_policy() -> None:
    deal = an_amendment(seats(-4), terms=terms(kind=DealKind.AMENDMENT, with_credit=False))
    assert settled(amend(deal, policy=CREDITING)) == []


def test_all_of_a_product_removes_its_line() -> None:
    contract = a_contract(an_item(), an_item(number="2", unit_amount=Decimal(5000), quantity=1))
    plan = amend(an_amendment(seats(-1, "50.00", number="2")), contract)
    assert [(item.item_id, item.line) for item in change(plan).changes] == [("si_2", None)]


def test_equal_items_of_one_product_are_taken_from_youngest_first() -> None:
    contract = a_contract(an_item(), an_item(id="si_later", price_id="price_later", quantity=3))
    changes = change(amend(an_amendment(seats(-5)), contract)).changes
    assert [(item.item_id, item.line and item.line.quantity) for item in changes] == [("si_1", 8), ("si_later", None)]


def test_a_swap_bills_the_difference_of_both_shares_in_one_invoice() -> None:
    plan = amend(an_amendment(seats(-10), seats(10, "35.00", number="7")), policy=CREDITING)
    assert [(item.item_id, item.line is None) for item in change(plan).changes] == [("si_1", True), ("", False)]
    (invoice,) = [step for step in plan.steps if isinstance(step, MakeInvoice)]
    # 10 x 35.00 - 10 x 20.00 for 10 of 30 days.
    assert [line.amount for line in invoice.lines] == [-6_667, 11_667]
    assert invoice.total == 5_000


def test_a_swap_that_comes_to_nothing_stands_on_the_next_invoice() -> None:
    plan = amend(an_amendment(seats(-10), seats(10, number="7")), policy=CREDITING)
    (step,) = [step for step in plan.steps if isinstance(step, AddToNextInvoice)]
    assert sum(line.amount for line in step.lines) == 0


def test_a_swap_that_comes_to_nothing_in_the_last_period_needs_no_invoice() -> None:
    contract = a_contract(ends=DECEMBER, contract_end=date(2026, 11, 30))
    plan = amend(an_amendment(seats(-10), seats(10, number="7")), contract, policy=CREDITING)
    assert [type(step) for step in plan.billing_steps()] == [ChangeSubscription]


def test_in_the_last_period_the_credit_goes_to_the_invoice_that_billed_it() -> None:
    contract = a_contract(ends=DECEMBER, contract_end=date(2026, 11, 30))
    plan = amend(
        an_amendment(seats(-4)), contract, policy=CREDITING, invoices=(billed(1, (20_000, NOVEMBER, DECEMBER)),)
    )
    (note,) = [step for step in plan.steps if isinstance(step, CreditInvoice)]
    assert (note.amount, note.invoice.id, note.key.role) == (2_667, "in_1", "credit-in_1")


def test_a_credit_that_no_invoice_can_take_is_refused() -> None:
    contract = a_contract(ends=DECEMBER, contract_end=date(2026, 11, 30))
    error = refusal(an_amendment(seats(-4)), contract, policy=CREDITING)
    assert error.sentence_id == "no-invoice-left-to-credit"
    assert "EUR 26.67" in error.message


# Days


def test_a_start_later_in_the_running_period_is_invoiced_on_that_day() -> None:
    plan = amend(an_amendment(seats(5), terms=from_day(date(2026, 11, 26))))
    assert change(plan).on is None
    (invoice,) = [step for step in plan.steps if isinstance(step, MakeInvoice)]
    assert (invoice.total, invoice.on) == (1_667, date(2026, 11, 26))


def test_a_start_on_the_next_periods_first_day_needs_no_share() -> None:
    plan = amend(an_amendment(seats(5), terms=from_day(DECEMBER)))
    assert settled(plan) == []
    assert change(plan).on is None


def test_a_start_that_begins_a_later_period_changes_the_contract_on_that_day() -> None:
    plan = amend(an_amendment(seats(5), terms=from_day(date(2027, 2, 1))))
    assert settled(plan) == []
    assert change(plan).on == date(2027, 2, 1)


def test_a_start_within_the_next_period_bills_its_rest_and_changes_the_contract_after_it() -> None:
    plan = amend(an_amendment(seats(5), terms=from_day(date(2026, 12, 17))))
    # 5 x 20.00 for 17 to 31 December: 15 of 31 days.
    assert settled(plan) == [(4_839, Period(date(2026, 12, 17), date(2027, 1, 1)))]
    assert change(plan).on == date(2027, 1, 1)


def test_a_start_today_on_the_periods_first_day_bills_the_whole_period() -> None:
    plan = amend(an_amendment(seats(5)), today=NOVEMBER)
    assert settled(plan) == [(10_000, Period(NOVEMBER, DECEMBER))]


def test_in_a_free_trial_nothing_is_billed_for_its_rest() -> None:
    plan = amend(an_amendment(seats(5)), a_contract(status="trialing"))
    assert settled(plan) == []
    assert len(change(plan).changes) == 1


def test_a_contract_that_has_not_begun_changes_from_its_first_day() -> None:
    starts = date(2027, 1, 1)
    item = an_item(period_start=starts, period_end=date(2027, 2, 1))
    plan = amend(an_amendment(seats(5)), a_contract(item, started=starts, status="not_started", contract_end=None))
    assert settled(plan) == []
    assert change(plan).on is None


def test_periods_after_a_month_end_are_counted_from_the_anchor() -> None:
    item = an_item(period_start=date(2027, 1, 31), period_end=date(2027, 2, 28))
    contract = a_contract(item, started=date(2026, 12, 31), contract_end=None)
    plan = amend(an_amendment(seats(5), terms=from_day(date(2027, 3, 31))), contract, today=date(2027, 2, 3))
    assert change(plan).on == date(2027, 3, 31)


def test_where_the_anchor_does_not_fit_periods_are_counted_from_the_running_ones_end() -> None:
    contract = a_contract(started=date(2026, 3, 9))
    plan = amend(an_amendment(seats(5), terms=from_day(date(2027, 1, 1))), contract)
    assert change(plan).on == date(2027, 1, 1)


def test_items_of_two_intervals_change_on_a_day_that_suits_both() -> None:
    year = an_item(
        number="2", interval=YEARLY, unit_amount=Decimal(36_500), quantity=1, period_start=date(2026, 3, 1),
        period_end=date(2027, 3, 1),
    )  # fmt: skip
    deal = an_amendment(seats(5), seats(1, "365.00", number="2", interval=YEARLY), terms=from_day(date(2026, 12, 17)))
    plan = amend(deal, a_contract(an_item(), year))
    assert change(plan).on == date(2027, 1, 1)
    # 15 of 31 days of a month, and 74 of 365 days of a year at one euro a day.
    assert [amount for amount, _ in settled(plan)] == [4_839, 7_400]


# Phases to come


def ramp() -> RunningContract:
    second = an_item(id="price_next", price_id="price_next", unit_amount=Decimal(1800), quantity=20)
    phase = LaterPhase(date(2027, 3, 1), None, (replace(second, period_start=date(2027, 3, 1)),))
    return a_contract(
        contract_end=date(2028, 2, 29), schedule=RecordRef("stripe", "schedule", "sub_sched_1"), later=(phase,)
    )


def test_an_upsell_holds_for_later_phases_at_the_price_it_was_sold_at() -> None:
    (later,) = change(amend(an_amendment(seats(5)), ramp())).later
    assert later.start == date(2027, 3, 1)
    (item,) = later.changes
    assert item.item_id == ""
    assert item.line is not None
    assert (item.line.quantity, item.line.amount) == (5, 10_000)


def test_a_downsell_holds_for_later_phases_at_their_own_price() -> None:
    (later,) = change(amend(an_amendment(seats(-5)), ramp())).later
    (item,) = later.changes
    assert item.line is not None
    assert (item.item_id, item.line.quantity, item.line.amount) == ("price_next", 15, 27_000)


def test_a_later_phase_without_the_product_has_nothing_to_take_away() -> None:
    phase = LaterPhase(date(2027, 3, 1), None, (an_item(number="2"),))
    step = change(amend(an_amendment(seats(-5)), a_contract(later=(phase,))))
    assert step.later == ()


def test_more_than_a_later_phase_has_is_refused_with_its_day() -> None:
    phase = LaterPhase(date(2027, 3, 1), None, (an_item(id="price_next", quantity=3),))
    error = refusal(an_amendment(seats(-5)), a_contract(later=(phase,)))
    assert error.sentence_id == "takes-away-more-than-there-is"
    assert "from 2027-03-01 on" in error.message


def test_a_change_from_a_later_phase_on_leaves_what_runs_now_as_it_is() -> None:
    step = change(amend(an_amendment(seats(5, "18.00"), terms=from_day(date(2027, 3, 1))), ramp()))
    assert step.changes == ()
    (later,) = step.later
    assert [item.line and item.line.quantity for item in later.changes] == [25]


def test_a_change_within_a_later_phase_is_refused() -> None:
    error = refusal(an_amendment(seats(5), terms=from_day(date(2027, 4, 1))), ramp())
    assert error.sentence_id == "amendment-starts-in-a-later-period"


# Refusals


def test_a_canceled_contract_cannot_be_amended() -> None:
    for over in (a_contract(status="canceled"), a_contract(ends=TODAY)):
        assert refusal(an_amendment(seats(5)), over).sentence_id == "contract-is-over"


def test_another_currency_is_refused_and_names_both() -> None:
    error = refusal(an_amendment(seats(5), currency="usd"))
    assert (error.sentence_id, error.field) == ("amends-in-another-currency", "deal.currency")
    assert "USD" in error.message
    assert "EUR" in error.message


def test_a_deal_without_a_currency_is_in_the_contracts() -> None:
    assert change(amend(an_amendment(seats(5), currency=""))).currency == "eur"


def test_another_customers_contract_is_refused() -> None:
    account = Account(ref("account"), "Acme GmbH", customer_id="cus_2")
    assert refusal(an_amendment(seats(5), account=account)).sentence_id == "amends-another-customers-contract"


def test_a_deal_without_an_account_is_refused() -> None:
    assert refusal(an_amendment(seats(5), account=None)).field == "deal.account"


def test_an_amendment_without_lines_is_refused() -> None:
    assert refusal(an_amendment()).sentence_id == "amendment-without-lines"


def test_what_the_contract_does_not_have_cannot_be_taken_away() -> None:
    error = refusal(an_amendment(seats(-1, number="7")))
    assert (error.sentence_id, error.ref) == ("takes-away-what-is-not-sold", ref("line_item", "a7"))


def test_what_is_sold_once_cannot_be_taken_away() -> None:
    error = refusal(an_amendment(a_setup_fee(quantity=Decimal(-1))))
    assert error.sentence_id == "takes-away-what-is-not-sold"


def test_more_than_there_is_cannot_be_taken_away() -> None:
    error = refusal(an_amendment(seats(-11)))
    assert error.sentence_id == "takes-away-more-than-there-is"
    assert "11 are taken away, but the contract has only 10" in error.message


def test_two_lines_together_cannot_take_more_than_there_is() -> None:
    error = refusal(an_amendment(seats(-6), seats(-6, ref=ref("line_item", "b"))))
    assert "6 are taken away, but the contract has only 4" in error.message


def test_what_is_taken_away_must_have_the_contracts_price() -> None:
    error = refusal(an_amendment(seats(-8, "18.125")))
    assert error.sentence_id == "takes-away-at-another-price"
    assert "at EUR 18.125, but the contract bills it at EUR 20.00" in error.message


def test_another_interval_is_refused_for_what_comes_and_for_what_goes() -> None:
    for quantity in (1, -1):
        error = refusal(an_amendment(seats(quantity, interval=YEARLY)))
        assert error.sentence_id == "amends-with-another-interval"
        assert "every year" in error.message
        assert "every month" in error.message


def test_a_line_that_says_no_interval_recurs_as_its_product_does() -> None:
    assert len(change(amend(an_amendment(seats(2, interval=None)))).changes) == 1


def test_a_start_before_the_running_period_is_refused() -> None:
    error = refusal(an_amendment(seats(5), terms=from_day(date(2026, 10, 31))))
    assert (error.sentence_id, error.field) == ("amendment-starts-too-early", "terms.start")


def test_a_start_after_the_contracts_end_is_refused() -> None:
    error = refusal(an_amendment(seats(5), terms=from_day(date(2027, 3, 1))))
    assert error.sentence_id == "amendment-starts-after-the-end"


def test_an_end_that_has_passed_while_the_contract_ran_on_is_none() -> None:
    assert change(amend(an_amendment(seats(5)), a_contract(contract_end=date(2026, 2, 28)))).changes


@pytest.mark.parametrize("day", [date(2027, 1, 17), date(2126, 1, 17)])
def test_a_start_within_a_period_that_is_far_off_is_refused(day: date) -> None:
    error = refusal(an_amendment(seats(5), terms=from_day(day)), a_contract(contract_end=None))
    assert error.sentence_id == "amendment-starts-in-a-later-period"


def test_lines_that_start_on_different_days_are_refused() -> None:
    error = refusal(an_amendment(seats(5, start=TODAY), seats(1, number="7", start=DECEMBER)))
    assert error.sentence_id == "amendment-with-different-starts"


def test_a_line_that_ends_otherwise_than_the_contract_is_refused() -> None:
    assert refusal(an_amendment(seats(5, end=date(2027, 1, 31)))).sentence_id == "amendment-ends-otherwise"
    runs_on = refusal(an_amendment(seats(5, end=date(2027, 1, 31))), a_contract(contract_end=None))
    assert "runs on" in runs_on.message


def test_a_line_that_ends_with_the_contract_is_welcome() -> None:
    assert change(amend(an_amendment(seats(5, end=date(2027, 2, 28))))).changes


def test_the_amendments_own_term_is_not_used_and_it_says_so() -> None:
    plan = amend(an_amendment(seats(5), terms=terms(kind=DealKind.AMENDMENT, term_months=12)))
    assert any("12 months is not used" in note for note in plan.notes)


@pytest.mark.parametrize(
    "changes",
    [
        {"free_months": 2},
        {"discount_percent": Decimal(10), "discount_months": 3},
        {"discount_per_unit": Decimal(1), "discount_months": 3},
        {"credit_amount": Decimal(100)},
    ],
)
def test_what_needs_a_contract_of_its_own_is_refused_on_a_line(changes: dict[str, Any]) -> None:
    assert refusal(an_amendment(seats(5, **changes))).sentence_id == "not-for-amendments"


@pytest.mark.parametrize(
    "changes", [{"free_months": 1}, {"discount_percent": Decimal(5)}, {"discount_amount": Decimal(5)}]
)
def test_what_needs_a_contract_of_its_own_is_refused_on_the_deal(changes: dict[str, Any]) -> None:
    error = refusal(an_amendment(seats(5), terms=terms(kind=DealKind.AMENDMENT, **changes)))
    assert error.sentence_id == "not-for-amendments"


def test_more_items_than_a_subscription_holds_are_refused() -> None:
    items = tuple(an_item(number=str(number)) for number in range(1, 21))
    error = refusal(an_amendment(seats(1, number="99")), a_contract(*items))
    assert error.sentence_id == "contract-is-full"
    assert "21 lines" in error.message


# Usage and tiers


def metered_price() -> Catalogue:
    price = Price(RecordRef("stripe", "price", "price_1"), "prod_1", "eur", Decimal(5), MONTHLY, metered=True)
    return Catalogue(by_id={"price_1": price})


def usage(quantity: int) -> Any:
    return seats(quantity, "0.05", product=Product(ref("product", "1"), "Calls", price_id="price_1"))


def test_a_usage_line_joins_in_mid_period_without_a_share() -> None:
    contract = a_contract(an_item(number="2"))
    plan = amend(an_amendment(usage(1)), contract, catalogue=metered_price())
    (item,) = change(plan).changes
    assert item.line is not None
    assert item.line.metered
    assert settled(plan) == []


def test_a_usage_line_that_is_there_already_stays_as_it_is() -> None:
    contract = a_contract(an_item(metered=True, unit_amount=Decimal(5)))
    assert amend(an_amendment(usage(1)), contract, catalogue=metered_price()).billing_steps() == ()


def test_a_usage_line_goes_only_on_the_first_day_of_a_period() -> None:
    contract = a_contract(an_item(metered=True, unit_amount=Decimal(5)), an_item(number="2"))
    error = refusal(an_amendment(usage(-1)), contract, catalogue=metered_price())
    assert error.sentence_id == "amends-usage-in-mid-period"
    assert "2026-12-01" in error.hint
    plan = amend(an_amendment(usage(-1), terms=from_day(DECEMBER)), contract, catalogue=metered_price())
    assert [(item.item_id, item.line) for item in change(plan).changes] == [("si_1", None)]


def test_a_tiered_line_is_no_match_for_a_flat_price() -> None:
    error = refusal(an_amendment(seats(-1)), a_contract(an_item(unit_amount=None)))
    assert error.sentence_id == "takes-away-at-another-price"
    assert "by usage or in tiers" in error.message


def test_a_tiered_price_is_recognised_by_its_id_and_grows_from_the_next_period_on() -> None:
    tiers = (PriceTier(10, Decimal(2000)), PriceTier(None, Decimal(1500)))
    price = Price(RecordRef("stripe", "price", "price_1"), "prod_1", "eur", None, MONTHLY, tiers=tiers)
    catalogue = Catalogue(by_id={"price_1": price})
    line = seats(5, "0.00", product=Product(ref("product", "1"), "Seats", price_id="price_1"))
    contract = a_contract(an_item(unit_amount=None))
    assert refusal(an_amendment(line), contract, catalogue=catalogue).sentence_id == "amends-usage-in-mid-period"
    (item,) = change(amend(an_amendment(line, terms=from_day(DECEMBER)), contract, catalogue=catalogue)).changes
    assert item.line is not None
    assert (item.line.quantity, item.line.price) == (15, ExistingPrice("price_1"))


# Money adds up


@given(
    quantity=st.integers(1, 400),
    price=st.decimals(Decimal("0.01"), Decimal(5000), places=2),
    same_price=st.booleans(),
    day=st.dates(NOVEMBER, date(2026, 11, 30)),
    rule=st.sampled_from(Proration),
)
def test_an_upsell_and_its_full_downsell_with_credit_on_one_day_come_to_nothing(
    quantity: int, price: Decimal, same_price: bool, day: date, rule: Proration
) -> None:
    contract = a_contract(an_item(unit_amount=price * 100 if same_price else Decimal(2000)))
    policy = BillingPolicy(proration=rule, downsell_credit=True)
    more = seats(quantity, str(price))
    up = amend(an_amendment(more), contract, policy=policy, today=day)
    amended = replace(contract, items=_after(contract, up))
    down = amend(an_amendment(replace(more, quantity=-more.quantity)), amended, policy=policy, today=day)
    assert sum(amount for amount, _ in settled(up)) + sum(amount for amount, _ in settled(down)) == 0
    assert sum(item.quantity for item in _after(amended, down)) == 10


def _after(contract: RunningContract, plan: BillingPlan) -> tuple[Any, ...]:
    """The contract's items once the plan's change is made."""
    items = {item.id: item for item in contract.items}
    for made in change(plan).changes:
        if made.line is None:
            del items[made.item_id]
        elif made.item_id:
            items[made.item_id] = replace(items[made.item_id], quantity=made.line.quantity)
        else:
            items["si_new"] = _new(made.line)
    return tuple(items.values())


def _new(line: PlannedLine) -> Any:
    assert isinstance(line.price, InlinePrice)
    return an_item(id="si_new", price_id="price_new", unit_amount=line.price.unit_amount, quantity=line.quantity)


@given(
    start=st.dates(NOVEMBER + timedelta(days=1), date(2026, 11, 30)),
    taken=st.integers(1, 10),
    unit=st.integers(1, 10**7),
)
def test_a_downsell_never_credits_more_than_was_billed(start: date, taken: int, unit: int) -> None:
    contract = a_contract(an_item(unit_amount=Decimal(unit)))
    line = seats(-taken, str(Decimal(unit) / 100))
    ((amount, _),) = settled(amend(an_amendment(line), contract, policy=CREDITING, today=start)) or [(0, None)]
    assert -taken * unit <= amount <= 0


def test_intervals_that_last_as_long_are_the_same() -> None:
    contract = a_contract(
        an_item(interval=Interval("month", 12), period_start=date(2026, 3, 1), period_end=date(2027, 3, 1))
    )
    assert change(amend(an_amendment(seats(1, interval=YEARLY)), contract)).changes[0].item_id == "si_1"
