"""A billed deal that was edited becomes exactly the difference, and an unchanged one nothing at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.amending import plan_edit
from connector.domain.billing import Invoice, Price
from connector.domain.billing_plan import (
    AddToNextInvoice,
    BillingPlan,
    Catalogue,
    ChangeSubscription,
    CreditInvoice,
    ExistingPrice,
    InlinePrice,
    MakeInvoice,
    MakeProduct,
    MakeSubscription,
    Phase,
    PlannedLine,
    StepKey,
)
from connector.domain.contract import ContractItem, LaterPhase, RunningContract
from connector.domain.dates import add_intervals, add_months, periods_begun
from connector.domain.deal import Deal, DealKind, LineItem, Product
from connector.domain.planning import plan_billing
from connector.domain.policy import BillingPolicy, PastStart
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from tests.domain.running_contracts import DECEMBER, a_contract, an_item, billed
from tests.factories import MONTHLY, TODAY, YEARLY, a_deal, a_line, a_setup_fee, ref, terms

POLICY = BillingPolicy()
CREDITING = BillingPolicy(downsell_credit=True)
MARCH = date(2026, 3, 1)


def a_seat(quantity: int = 10, price: str = "20.00", **changes: Any) -> LineItem:
    return a_line(**{"quantity": Decimal(quantity), "unit_price": Decimal(price), **changes})


def a_billed_deal(*lines: LineItem, **stated: Any) -> Deal:
    """The deal behind ``a_contract``: ten seats for a year from 1 March 2026."""
    agreed: dict[str, Any] = {"start": MARCH, "term_months": 12, **stated}
    return a_deal(line_items=lines or (a_seat(),), terms=terms(**agreed))


def edit(
    deal: Deal,
    contract: RunningContract | None = None,
    *,
    policy: BillingPolicy = POLICY,
    catalogue: Catalogue | None = None,
    today: date = TODAY,
    **more: Any,
) -> BillingPlan:
    return plan_edit(deal, contract or a_contract(), catalogue or Catalogue(), today, policy, **more)


def change(plan: BillingPlan) -> ChangeSubscription:
    (step,) = [step for step in plan.steps if isinstance(step, ChangeSubscription)]
    return step


def settled(plan: BillingPlan) -> list[int]:
    steps = [step for step in plan.steps if isinstance(step, MakeInvoice | AddToNextInvoice)]
    return [line.amount for step in steps for line in step.lines]


def refusal(deal: Deal, contract: RunningContract | None = None, **more: Any) -> CannotBill:
    with pytest.raises(CannotBill) as refused:
        edit(deal, contract, **more)
    return refused.value


# Nothing


def test_nothing_edited_is_nothing_done() -> None:
    plan = edit(a_billed_deal())
    assert (plan.steps, plan.notes) == ((), ())


def test_a_deal_without_a_start_of_its_own_began_when_its_contract_did() -> None:
    assert edit(a_billed_deal(start=None)).steps == ()


def test_lines_that_were_entered_anew_are_the_same_lines() -> None:
    assert edit(a_billed_deal(a_seat(ref=ref("line_item", "anew")))).steps == ()


def test_a_policy_that_refuses_past_starts_does_not_refuse_what_is_billed() -> None:
    contract = a_contract(started=date(2026, 3, 10))
    assert edit(a_billed_deal(), contract, policy=BillingPolicy(past_start=PastStart.REFUSE)).steps == ()


def test_a_renewal_is_edited_as_any_deal() -> None:
    assert edit(a_billed_deal(kind=DealKind.RENEWAL)).steps == ()


def test_a_catalogue_price_that_comes_to_the_same_changes_nothing() -> None:
    price = Price(RecordRef("stripe", "price", "price_newer"), "prod_1", "eur", Decimal(2000), MONTHLY)
    line = a_seat(product=Product(ref("product", "1"), "Seats", price_id="price_newer"))
    assert edit(a_billed_deal(line), catalogue=Catalogue(by_id={"price_newer": price})).steps == ()


def test_a_usage_line_is_never_changed_by_its_quantity() -> None:
    price = Price(RecordRef("stripe", "price", "price_1"), "prod_1", "eur", Decimal(5), MONTHLY, metered=True)
    line = a_seat(500, "0.05", product=Product(ref("product", "1"), "Calls", price_id="price_1"))
    contract = a_contract(an_item(metered=True, unit_amount=Decimal(5), quantity=1))
    assert edit(a_billed_deal(line), contract, catalogue=Catalogue(by_id={"price_1": price})).steps == ()


# Lines


def test_more_of_a_line_raises_its_item_and_bills_the_rest_of_the_period() -> None:
    plan = edit(a_billed_deal(a_seat(15)))
    (item,) = change(plan).changes
    assert item.line is not None
    assert (item.item_id, item.line.quantity, item.line.price) == ("si_1", 15, ExistingPrice("price_1"))
    assert settled(plan) == [3_333]
    assert change(plan).metadata == {"changed_by": "hubspot:deal:1/change"}


def test_another_price_replaces_the_items_and_bills_the_difference() -> None:
    plan = edit(a_billed_deal(a_seat(10, "26.00")))
    (item,) = change(plan).changes
    assert item.line is not None
    assert isinstance(item.line.price, InlinePrice)
    assert (item.item_id, item.line.price.unit_amount) == ("si_1", Decimal(2600))
    # 10 x 6.00 for 10 of 30 days.
    assert settled(plan) == [2_000]
    assert [step.key for step in plan.steps if isinstance(step, MakeProduct)] == [StepKey(ref("product"), "product")]


def test_another_catalogue_price_has_its_difference_sold_as_its_product() -> None:
    price = Price(RecordRef("stripe", "price", "price_2"), "prod_2", "eur", Decimal(2600), MONTHLY)
    line = a_seat(10, "26.00", product=Product(ref("product", "1"), "Seats", price_id="price_2"))
    plan = edit(a_billed_deal(line), catalogue=Catalogue(by_id={"price_2": price}))
    (invoice,) = [step for step in plan.steps if isinstance(step, MakeInvoice)]
    assert invoice.lines[0].price == InlinePrice("prod_2", Decimal(2000), None)


def test_a_lowered_line_is_credited_only_if_asked() -> None:
    assert settled(edit(a_billed_deal(a_seat(4)))) == []
    assert settled(edit(a_billed_deal(a_seat(4)), policy=CREDITING)) == [-4_000]
    assert settled(edit(a_billed_deal(a_seat(4), with_credit=True))) == [-4_000]


def test_a_lowered_line_in_the_last_period_is_credited_on_its_invoice() -> None:
    contract = a_contract(an_item(period_start=date(2027, 2, 1), period_end=date(2027, 3, 1)), ends=date(2027, 3, 1))
    deal = a_billed_deal(a_seat(4), auto_renew=False, with_credit=True)
    paid: tuple[Invoice, ...] = (billed(1, (20_000, date(2027, 2, 1), date(2027, 3, 1))),)
    plan = edit(deal, contract, today=date(2027, 2, 15), invoices=paid)
    # 6 x 20.00 for 14 of 28 days.
    assert [step.amount for step in plan.steps if isinstance(step, CreditInvoice)] == [6_000]


def test_a_removed_line_goes_and_a_new_one_comes() -> None:
    contract = a_contract(an_item(), an_item(number="2", description="Support"))
    plan = edit(a_billed_deal(a_seat(), a_seat(1, "90.00", number="3")), contract)
    assert [(item.item_id, item.line is None) for item in change(plan).changes] == [("si_2", True), ("", False)]
    assert settled(plan) == [3_000]
    assert any("Support" in note and "not credited" in note for note in plan.notes)


def test_a_removed_item_of_no_line_is_credited_in_the_deals_name() -> None:
    contract = a_contract(an_item(), an_item(number="2", line=None, description=""))
    plan = edit(a_billed_deal(), contract, policy=CREDITING)
    (step,) = [step for step in plan.steps if isinstance(step, AddToNextInvoice)]
    assert (step.lines[0].line, step.lines[0].amount) == (ref("deal"), -6_667)


def test_another_interval_is_refused() -> None:
    error = refusal(a_billed_deal(a_seat(10, "240.00", interval=YEARLY)))
    assert error.sentence_id == "amends-with-another-interval"


def test_a_repeated_change_has_keys_of_its_own() -> None:
    plan = edit(a_billed_deal(a_seat(15)), round=3)
    assert [step.key.role for step in plan.billing_steps()] == ["change-3", "proration-3"]


def test_a_price_of_the_deals_own_on_a_catalogue_product_is_the_items_own() -> None:
    price = Price(RecordRef("stripe", "price", "list"), "prod_1", "eur", Decimal(2500), MONTHLY, lookup_key="SEAT")
    line = a_seat(product=Product(ref("product", "1"), "Seats", code="SEAT"))
    catalogue = Catalogue(by_lookup_key={"SEAT": price})
    assert edit(a_billed_deal(line), catalogue=catalogue).steps == ()
    other = a_contract(an_item(product_id="prod_other"))
    assert [item.item_id for item in change(edit(a_billed_deal(line), other, catalogue=catalogue)).changes] == ["si_1"]


def test_a_usage_line_cannot_be_removed_by_an_edit_in_mid_period() -> None:
    contract = a_contract(an_item(), an_item(number="2", metered=True, unit_amount=Decimal(5), quantity=1))
    assert refusal(a_billed_deal(), contract).sentence_id == "amends-usage-in-mid-period"


# What is sold once


def test_one_off_lines_are_left_alone_and_told_where_nobody_knows_what_was_billed() -> None:
    plan = edit(a_billed_deal(a_seat(), a_setup_fee()))
    assert plan.steps == ()
    assert any("were not compared" in note for note in plan.notes)


def test_a_one_off_line_is_billed_by_what_it_has_become_dearer() -> None:
    deal = a_billed_deal(a_seat(), a_setup_fee())
    assert edit(deal, billed={ref("line_item", "2"): 50_000}).steps == ()
    assert settled(edit(deal, billed={ref("line_item", "2"): 40_000})) == [10_000]
    assert settled(edit(deal, billed={})) == [50_000]


def test_a_one_off_line_that_became_cheaper_is_credited_only_if_asked() -> None:
    deal = a_billed_deal(a_seat(), a_setup_fee())
    plan = edit(deal, billed={ref("line_item", "2"): 60_000})
    assert plan.steps == ()
    assert any("EUR 600.00 and is now EUR 500.00" in note for note in plan.notes)
    assert settled(edit(deal, billed={ref("line_item", "2"): 60_000}, policy=CREDITING)) == [-10_000]


@pytest.mark.parametrize("policy", [POLICY, CREDITING])
def test_a_one_off_line_that_is_gone_is_for_a_person_to_credit(policy: BillingPolicy) -> None:
    plan = edit(a_billed_deal(), billed={ref("line_item", "2"): 60_000}, policy=policy)
    assert plan.steps == ()
    assert any("EUR 600.00 was billed" in note and "by hand" in note for note in plan.notes)


def test_a_new_milestone_gets_an_invoice_of_its_own() -> None:
    deal = a_billed_deal(a_seat(), a_setup_fee(bill_on=date(2027, 1, 15)))
    (invoice,) = edit(deal, billed={}, round=2).billing_steps()
    assert isinstance(invoice, MakeInvoice)
    assert (invoice.on, invoice.total) == (date(2027, 1, 15), 50_000)
    assert invoice.key.role == "invoice-2027-01-15-2"


# Term


def test_a_longer_term_is_told_to_the_contract() -> None:
    step = change(edit(a_billed_deal(term_months=24)))
    assert (step.changes, step.ends_on) == ((), None)
    assert step.metadata["contract_end"] == "2028-02-29"


def test_a_term_that_now_ends_stops_the_contract() -> None:
    step = change(edit(a_billed_deal(auto_renew=False)))
    assert step.ends_on == date(2027, 3, 1)


def test_a_term_that_is_paid_for_already_is_refused() -> None:
    error = refusal(a_billed_deal(term_months=8))
    assert error.sentence_id == "edited-term-is-over"


def test_a_contract_that_ends_does_not_run_on_again_by_an_edit() -> None:
    error = refusal(a_billed_deal(), a_contract(ends=date(2027, 3, 1)))
    assert error.sentence_id == "edited-to-run-on"


def test_other_payment_terms_are_told_as_not_changed() -> None:
    plan = edit(a_billed_deal(net_days=60))
    assert plan.steps == ()
    assert any("30 days stay; the deal now says 60" in note for note in plan.notes)


# What cannot be


def test_an_edited_amendment_is_refused() -> None:
    for kind in (DealKind.AMENDMENT, DealKind.CANCELLATION):
        assert refusal(a_billed_deal(kind=kind)).sentence_id == "edited-amendment"


def test_after_an_amendment_the_first_deal_can_no_longer_say_what_the_contract_is() -> None:
    error = refusal(a_billed_deal(a_seat(12)), a_contract(amended_by=(ref("deal"), ref("deal", "7"))))
    assert error.sentence_id == "edited-after-amendment"
    assert "hubspot:deal:7" in error.message


def test_a_start_that_moved_is_refused() -> None:
    assert refusal(a_billed_deal(start=DECEMBER)).sentence_id == "edited-start"
    ahead = a_contract(
        an_item(period_start=DECEMBER, period_end=date(2027, 1, 1)), started=DECEMBER, status="not_started"
    )
    assert refusal(a_billed_deal(start=date(2026, 11, 25)), ahead).sentence_id == "edited-start"


def test_a_deal_that_no_longer_recurs_is_refused() -> None:
    assert refusal(a_billed_deal(a_setup_fee())).sentence_id == "edited-to-one-off"


# Phases to come


def a_ramp(second_year: int = 20) -> Deal:
    return a_billed_deal(
        a_seat(10, end=date(2027, 2, 28)),
        a_seat(second_year, ref=ref("line_item", "b"), start=date(2027, 3, 1)),
        term_months=24,
    )


def ramped() -> RunningContract:
    second = an_item(
        id="price_b", price_id="price_b", quantity=20, line=ref("line_item", "b"), period_start=date(2027, 3, 1)
    )
    return a_contract(contract_end=date(2028, 2, 29), later=(LaterPhase(date(2027, 3, 1), None, (second,)),))


def test_a_ramp_that_was_not_edited_stays() -> None:
    assert edit(a_ramp(), ramped()).steps == ()


def test_an_edit_of_a_phase_to_come_changes_only_that() -> None:
    step = change(edit(a_ramp(25), ramped()))
    assert step.changes == ()
    ((item,),) = [phase.changes for phase in step.later]
    assert item.line is not None
    assert (item.item_id, item.line.quantity) == ("price_b", 25)


def test_a_day_on_which_nothing_changes_in_billing_is_refused() -> None:
    error = refusal(a_ramp(), a_contract(contract_end=date(2028, 2, 29)))
    assert error.sentence_id == "edited-phases"


# Whatever the deal, nothing edited is nothing done

LINES = st.lists(
    st.builds(
        lambda quantity, cents, number: (quantity, cents, number),
        st.integers(1, 500),
        st.integers(1, 10**6),
        st.integers(1, 99),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda each: each[2],
)


@given(
    lines=LINES,
    began=st.dates(date(2024, 1, 1), date(2026, 12, 31)),
    after=st.integers(0, 700),
    months=st.integers(1, 24),
    discount=st.integers(0, 3),
)
def test_whatever_was_sold_an_edit_of_nothing_is_nothing(
    lines: list[tuple[int, int, int]], began: date, after: int, months: int, discount: int
) -> None:
    sold = tuple(
        a_line(
            number=str(number),
            quantity=Decimal(quantity),
            unit_price=Decimal(cents * 100) / 100,
            discount_percent=Decimal(10 * discount),
        )
        for quantity, cents, number in lines
    )
    deal = a_billed_deal(*sold, start=began, term_months=months)
    made = next(s for s in plan_billing(deal, Catalogue(), began, POLICY).steps if isinstance(s, MakeSubscription))
    today = began + timedelta(days=after)
    contract = _as_billed(made, began, add_months(began, months), today)
    assert edit(deal, contract, today=today).steps == ()


def _as_billed(made: MakeSubscription, began: date, stop: date, today: date) -> RunningContract:
    """The contract that billing has after it ran the step, on a later day."""
    number = periods_begun(began, MONTHLY, today)
    start, end = add_intervals(began, MONTHLY, number), add_intervals(began, MONTHLY, number + 1)
    items = tuple(_item(line, index, made.phases[0], start, end) for index, line in enumerate(made.recurring))
    return a_contract(*items, started=began, contract_end=stop - timedelta(days=1))


def _item(line: PlannedLine, index: int, phase: Phase, start: date, end: date) -> ContractItem:
    assert phase.end is None
    assert isinstance(line.price, InlinePrice)
    return replace(
        an_item(),
        id=f"si_{index}",
        product_id=f"prod_{index}",
        price_id=f"price_{index}",
        unit_amount=line.price.unit_amount,
        quantity=line.quantity,
        period_start=start,
        period_end=end,
        line=line.line,
        product=line.price.product.owner if isinstance(line.price.product, StepKey) else None,
    )
