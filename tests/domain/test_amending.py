"""An amendment changes a running contract for the invoices to come, and bills the rest of the period to the cent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from connector.domain.amending import plan_amendment
from connector.domain.billing import Price
from connector.domain.billing_plan import (
    AddToNextInvoice,
    Catalogue,
    ChangeSubscription,
    CreditInvoice,
    ExistingPrice,
    InlinePrice,
    MakeCustomer,
    MakeInvoice,
    MakeProduct,
    Period,
    StepKey,
)
from connector.domain.contract import LaterPhase, RunningContract
from connector.domain.deal import CollectionMethod, DealKind, Product
from connector.domain.policy import BillingPolicy, Proration
from connector.domain.refs import RecordRef
from tests.domain.amended import CREDITING, POLICY, amend, change, from_day, refusal, settled
from tests.domain.running_contracts import DECEMBER, NOVEMBER, a_contract, an_amendment, an_item, billed, seats
from tests.factories import MONTHLY, TODAY, YEARLY, a_setup_fee, ref, terms

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
