"""Every shape of a new deal becomes exact phases, invoices and dates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from connector.domain.billing import Price, PriceTier, TiersMode
from connector.domain.billing_plan import (
    ExistingPrice,
    GrantCredits,
    InlinePrice,
    MakeCustomer,
    PlannedLine,
    StepKey,
)
from connector.domain.deal import Account, Address, Deal, DealKind, Interval, TaxStatus
from tests.domain.shape_deals import (
    QUARTERLY,
    a_price,
    deal_of,
    invoices,
    phases,
    plan,
    refused,
    sold_by,
    subscription,
    subscriptions,
)
from tests.factories import MONTHLY, TODAY, YEARLY, a_deal, a_line, a_setup_fee, ref


@pytest.mark.parametrize("interval", [QUARTERLY, Interval("month", 6), Interval("year", 2), Interval("year", 3)])
def test_long_intervals_are_billed_as_they_are(interval: Interval) -> None:
    step = subscription(deal_of(a_line(interval=interval)))
    assert phases(step) == [(TODAY, None, [10_000])]
    assert step.recurring[0].interval == interval


def test_a_term_of_five_years_billed_yearly_ends_after_five_periods() -> None:
    step = subscription(deal_of(a_line(interval=YEARLY), term_months=60, auto_renew=False))
    assert phases(step) == [(TODAY, date(2031, 11, 21), [10_000])]
    assert step.ends
    assert not step.scheduled


def test_what_one_subscription_cannot_hold_together_is_several() -> None:
    lines = (
        a_line(number="1", interval=QUARTERLY),
        a_line(number="2", interval=Interval("month", 2)),
        a_line(number="3", interval=Interval("month", 6)),
        a_line(number="4", interval=Interval("week")),
    )
    planned = plan(deal_of(*lines, a_setup_fee(number="5")))
    made = subscriptions(planned)
    assert [step.key.role for step in made] == ["subscription", "subscription-2", "subscription-3"]
    assert [[line.line.id for line in step.recurring] for step in made] == [["4"], ["2", "3"], ["1"]]
    assert [len(step.one_off) for step in made] == [1, 0, 0]
    assert "3 subscriptions" in planned.notes[0]


def test_a_percentage_on_the_deal_is_shared_out_to_the_minor_unit() -> None:
    lines = tuple(a_line(number=str(n), quantity=Decimal(1), unit_price=Decimal("0.05")) for n in (1, 2, 3))
    step = subscription(deal_of(*lines, discount_percent=Decimal(50)))
    # 15 cents less 7.5 is 7: two lines give up 3 cents and one gives up 2, ties by record.
    assert [line.amount for line in step.recurring] == [2, 2, 3]


def test_twelve_months_and_a_year_share_a_percentage() -> None:
    lines = tuple(
        a_line(number=str(n), quantity=Decimal(1), unit_price=Decimal("0.05"), interval=interval)
        for n, interval in enumerate((Interval("month", 12), Interval("year"), Interval("year")), start=1)
    )
    step = subscription(deal_of(*lines, discount_percent=Decimal(50)))
    assert [line.amount for line in step.recurring] == [2, 2, 3]


def test_an_amount_off_the_deal_is_a_negative_line_of_the_first_invoice() -> None:
    step = subscription(deal_of(a_line(), a_setup_fee(), discount_amount=Decimal("50.00")))
    assert [line.amount for line in step.one_off] == [50_000, -5_000]
    assert step.first_invoice == 10_000 + 50_000 - 5_000


def test_a_discount_larger_than_the_first_invoice_is_refused() -> None:
    refused(deal_of(a_line(), discount_amount=Decimal("100.01")), "deal-discount-too-large")


def test_a_discount_is_refused_where_the_whole_term_is_free() -> None:
    """What the renewal will cost is not a part of this deal."""
    refused(
        deal_of(a_line(), term_months=1, free_months=1, auto_renew=True, discount_amount=Decimal(1)),
        "deal-discount-too-large",
    )


def test_free_months_that_end_in_a_shorter_month_shift_no_later_period() -> None:
    """Free until 30 April, the quarters still begin on the 31st: it stands at nothing on a subscription of its own."""
    lines = (
        a_line(number="1", interval=Interval("month", 3), free_months=3),
        a_line(number="2", free_months=2),
    )
    planned = plan(deal_of(*lines, start=date(2027, 1, 31), term_months=12), today=date(2027, 1, 31))
    quarterly = next(step for step in subscriptions(planned) if step.phases[0].recurring[0].line.id == "1")
    assert [(phase.start, phase.trial, phase.recurring[0].amount) for phase in quarterly.phases] == [
        (date(2027, 1, 31), False, 0),
        (date(2027, 4, 30), False, 10_000),
    ]


def test_a_discount_on_a_deal_that_only_bills_milestones_comes_off_the_first() -> None:
    planned = plan(
        deal_of(
            a_setup_fee(number="1", bill_on=date(2027, 3, 1)),
            a_setup_fee(number="2", bill_on=date(2027, 2, 1)),
            discount_amount=Decimal(100),
        )
    )
    assert [(step.on, step.total) for step in invoices(planned)] == [
        (date(2027, 2, 1), 40_000),
        (date(2027, 3, 1), 50_000),
    ]


def test_a_discount_after_a_trial_comes_off_the_first_invoice_that_comes_to_anything() -> None:
    step = subscription(deal_of(a_line(), free_months=1, discount_amount=Decimal(30)))
    assert [[line.amount for line in phase.one_off] for phase in step.phases] == [[], [-3_000]]


def test_a_discount_for_the_first_months_ends_with_them_also_when_the_contract_renews() -> None:
    line = a_line(discount_percent=Decimal(20), total=Decimal(80), discount_months=12)
    step = subscription(deal_of(line, term_months=12))
    assert phases(step) == [(TODAY, date(2027, 11, 21), [8_000]), (date(2027, 11, 21), None, [10_000])]
    assert step.scheduled
    assert step.first_invoice == 8_000


def test_a_deals_percentage_for_the_first_months_spares_later_milestones() -> None:
    planned = plan(
        deal_of(
            a_line(),
            a_setup_fee(number="2"),
            a_setup_fee(number="3", bill_on=date(2027, 6, 1)),
            discount_percent=Decimal(10),
            discount_months=3,
        )
    )
    assert phases(subscriptions(planned)[0]) == [
        (TODAY, date(2027, 2, 21), [9_000]),
        (date(2027, 2, 21), None, [10_000]),
    ]
    assert [line.amount for line in subscriptions(planned)[0].one_off] == [45_000]
    assert [step.total for step in invoices(planned)] == [50_000]


def test_free_months_of_all_lines_are_a_trial() -> None:
    step = subscription(deal_of(a_line(free_months=2), a_setup_fee(), term_months=14, auto_renew=False))
    assert [(phase.trial, phase.start, phase.end) for phase in step.phases] == [
        (True, TODAY, date(2027, 1, 21)),
        (False, date(2027, 1, 21), date(2028, 1, 21)),
    ]
    assert step.first_invoice == 50_000


def test_free_months_of_some_lines_stand_at_zero_beside_the_others() -> None:
    step = subscription(deal_of(a_line(number="1", free_months=2), a_line(number="2")))
    assert phases(step) == [(TODAY, date(2027, 1, 21), [0, 10_000]), (date(2027, 1, 21), None, [10_000, 10_000])]


def test_a_free_month_of_a_yearly_line_beside_a_paid_one_has_a_subscription_of_its_own() -> None:
    made = subscriptions(plan(deal_of(a_line(number="1", interval=YEARLY, free_months=1), a_line(number="2"))))
    assert [[phase.trial for phase in step.phases] for step in made] == [[False], [True, False]]


def test_a_free_month_from_the_end_of_january_keeps_the_months_ends() -> None:
    step = subscription(deal_of(a_line(free_months=1), start=date(2027, 1, 31), term_months=12, auto_renew=False))
    assert phases(step) == [
        (date(2027, 1, 31), date(2027, 2, 28), [0]),
        (date(2027, 2, 28), date(2028, 1, 31), [10_000]),
    ]


def test_more_than_two_free_years_are_refused_where_only_a_trial_could_hold_them() -> None:
    refused(deal_of(a_line(interval=YEARLY, free_months=25)), "free-months-too-long")


def test_a_ramp_is_one_phase_for_each_year() -> None:
    step = subscription(
        deal_of(
            a_line(number="1", quantity=Decimal(10), term_months=12),
            a_line(number="2", quantity=Decimal(20), start=date(2027, 11, 21), end=date(2028, 11, 20)),
            a_line(number="3", quantity=Decimal(30), start=date(2028, 11, 21)),
            start=TODAY,
            term_months=36,
            auto_renew=False,
        )
    )
    assert phases(step) == [
        (TODAY, date(2027, 11, 21), [20_000]),
        (date(2027, 11, 21), date(2028, 11, 21), [40_000]),
        (date(2028, 11, 21), date(2029, 11, 21), [60_000]),
    ]
    assert (step.ends, step.metadata["contract_end"]) == (True, "2029-11-20")


def test_a_line_that_joins_on_another_day_of_the_month_has_a_subscription_of_its_own() -> None:
    made = subscriptions(plan(deal_of(a_line(number="1"), a_line(number="2", start=date(2026, 12, 1)), start=TODAY)))
    assert [(step.key.role, step.start) for step in made] == [
        ("subscription", TODAY),
        ("subscription-2", date(2026, 12, 1)),
    ]


def test_lines_of_one_product_with_a_pause_between_them_are_two_subscriptions() -> None:
    first = a_line(number="1", term_months=2)
    second = a_line(number="2", start=date(2027, 6, 21), term_months=2)
    made = subscriptions(plan(deal_of(first, second, start=TODAY, auto_renew=False)))
    assert [phases(step) for step in made] == [
        [(TODAY, date(2027, 1, 21), [10_000])],
        [(date(2027, 6, 21), date(2027, 8, 21), [10_000])],
    ]


def test_more_than_ten_phases_are_refused() -> None:
    days = [date(2027 + n // 12, n % 12 + 1, 1) for n in range(11)]
    lines = [a_line(number=f"{n:02}", quantity=Decimal(n + 1), start=day, term_months=1) for n, day in enumerate(days)]
    refused(deal_of(*lines, auto_renew=False), "too-many-phases")


@pytest.mark.parametrize(("says", "policy", "ends"), [(False, True, True), (None, False, True), (True, False, False)])
def test_the_deal_decides_whether_it_renews_and_the_policy_where_it_says_nothing(
    says: bool | None, policy: bool, ends: bool
) -> None:
    step = subscription(deal_of(a_line(), term_months=12, auto_renew=says), auto_renew=policy)
    assert (step.ends, step.phases[-1].end) == (ends, date(2027, 11, 21) if ends else None)
    assert step.metadata["contract_end"] == "2027-11-20"


def test_the_last_day_may_stand_on_the_deal_itself() -> None:
    step = subscription(deal_of(a_line(), start=TODAY, end=date(2027, 5, 20), auto_renew=False))
    assert step.phases[-1].end == date(2027, 5, 21)


def test_a_line_that_stops_before_the_contract_leaves_the_renewing_subscription() -> None:
    step = subscription(deal_of(a_line(number="1", term_months=12), a_line(number="2"), term_months=24))
    assert phases(step) == [(TODAY, date(2027, 11, 21), [10_000, 10_000]), (date(2027, 11, 21), None, [10_000])]


@pytest.mark.parametrize(
    ("billed", "priced", "amount"),
    [(YEARLY, MONTHLY, 120_000), (MONTHLY, YEARLY, 10_000), (Interval("week", 2), Interval("week"), 20_000)],
)
def test_a_price_for_another_period_is_converted_exactly(billed: Interval, priced: Interval, amount: int) -> None:
    price = Decimal(240) if priced == YEARLY else Decimal(20)
    step = subscription(deal_of(a_line(interval=billed, price_interval=priced, unit_price=price)))
    assert [line.amount for line in step.recurring] == [amount]


def test_milestones_are_one_invoice_for_each_day() -> None:
    planned = plan(
        deal_of(
            a_line(number="1"),
            a_setup_fee(number="2", bill_on=date(2027, 3, 1)),
            a_setup_fee(number="3", bill_on=date(2027, 3, 1)),
            a_setup_fee(number="4", bill_on=TODAY),
        )
    )
    assert [(step.key.role, step.on, step.total) for step in invoices(planned)] == [
        ("invoice-2026-11-21", None, 50_000),
        ("invoice-2027-03-01", date(2027, 3, 1), 100_000),
    ]
    assert subscriptions(planned)[0].first_invoice == 10_000


def test_a_metered_line_has_no_quantity_and_no_amount() -> None:
    planned = plan(deal_of(sold_by(quantity=Decimal(0))), a_price(unit_amount=Decimal(2), metered=True))
    line = subscriptions(planned)[0].recurring[0]
    assert (line.price, line.metered, line.quantity, line.amount) == (ExistingPrice("price_1"), True, 0, 0)
    assert "what is used" in planned.notes[0]


TIERS = (PriceTier(5, Decimal(700), Decimal(1000)), PriceTier(10, Decimal(600)), PriceTier(None, Decimal(500)))


@pytest.mark.parametrize(
    ("mode", "quantity", "amount"),
    [
        (TiersMode.VOLUME, 5, 5 * 700 + 1000),
        (TiersMode.VOLUME, 6, 6 * 600),
        (TiersMode.VOLUME, 12, 12 * 500),
        (TiersMode.GRADUATED, 5, 5 * 700 + 1000),
        (TiersMode.GRADUATED, 6, 5 * 700 + 1000 + 600),
        (TiersMode.GRADUATED, 12, 5 * 700 + 1000 + 5 * 600 + 2 * 500),
    ],
)
def test_a_tiered_price_comes_to_what_its_tiers_say(mode: TiersMode, quantity: int, amount: int) -> None:
    line = subscription(deal_of(sold_by(quantity=Decimal(quantity))), a_price(tiers=TIERS, tiers_mode=mode)).recurring[
        0
    ]
    assert (line.price, line.quantity, line.amount) == (ExistingPrice("price_1"), quantity, amount)


def test_two_lines_of_one_tiered_price_never_reach_a_tier_together() -> None:
    price = a_price(tiers=TIERS, tiers_mode=TiersMode.VOLUME)
    made = subscriptions(plan(deal_of(sold_by(number="1"), sold_by(number="2")), price))
    assert [[line.amount for line in step.recurring] for step in made] == [[4_500], [4_500]]


def test_prepaid_credits_are_sold_and_granted() -> None:
    planned = plan(deal_of(a_setup_fee(credit_amount=Decimal(600), credit_months=12)))
    (sold,) = invoices(planned)
    granted = planned.steps[-1]
    assert isinstance(granted, GrantCredits)
    assert sold.total == 50_000
    assert (granted.key.role, granted.amount, granted.expires) == ("credits-2", 60_000, date(2027, 11, 21))


@pytest.mark.parametrize(
    ("currency", "price", "minor"),
    [
        ("jpy", "1000", 1000),
        ("kwd", "1.250", 1250),
        ("isk", "990", 99_000),
        ("ugx", "5000", 500_000),
        ("huf", "10.5", 1050),
    ],
)
def test_every_currency_is_billed_in_its_own_minor_unit(currency: str, price: str, minor: int) -> None:
    line = a_line(quantity=Decimal(2), unit_price=Decimal(price))
    step = subscription(a_deal(line_items=(line,), currency=currency))
    assert [line.amount for line in step.recurring] == [2 * minor]


def test_more_lines_than_one_subscription_may_hold_go_on_a_second() -> None:
    made = subscriptions(plan(deal_of(*(a_line(number=f"{n:02}") for n in range(21)))))
    assert [len(step.recurring) for step in made] == [20, 1]


def test_more_than_twenty_one_off_lines_go_on_an_invoice_of_their_own() -> None:
    fees = [a_setup_fee(number=f"{n:02}") for n in range(2, 25)]
    planned = plan(deal_of(a_line(number="01"), *fees, discount_amount=Decimal(1)))
    (step,), (rest,) = subscriptions(planned), invoices(planned)
    assert ([line.amount for line in step.one_off], rest.total) == ([50_000] * 19 + [-100], 4 * 50_000)
    assert step.first_invoice == 10_000 + 19 * 50_000 - 100
    later = plan(deal_of(a_line(number="01"), *fees, start=date(2027, 1, 1)))
    assert [(bill.on, bill.total) for bill in invoices(later)] == [(date(2027, 1, 1), 3 * 50_000)]


def test_one_off_lines_alone_are_one_invoice_however_many() -> None:
    (bill,) = invoices(plan(deal_of(*(a_setup_fee(number=str(n)) for n in range(25)))))
    assert bill.total == 25 * 50_000
    refused(deal_of(*(a_setup_fee(number=str(n)) for n in range(251))), "invoice-too-long")


ADDRESS = Address(country="DE", postal_code="10115")


def test_automatic_tax_is_switched_on_and_the_customer_carries_its_tax_id() -> None:
    account = Account(ref("account"), "Acme", address=ADDRESS, tax_id=" DE1 ", tax_status=TaxStatus.REVERSE_CHARGE)
    planned = plan(a_deal(account=account), automatic_tax=True)
    who = planned.steps[0]
    assert isinstance(who, MakeCustomer)
    assert (who.tax_id, who.tax_status) == ("DE1", TaxStatus.REVERSE_CHARGE)
    assert subscriptions(planned)[0].terms.automatic_tax


@pytest.mark.parametrize(
    ("address", "field"), [(Address(postal_code="1"), "country"), (Address(country="DE"), "postal_code")]
)
def test_automatic_tax_needs_a_country_and_a_postal_code(address: Address, field: str) -> None:
    deal = a_deal(account=Account(ref("account"), "Acme", address=address))
    assert refused(deal, "no-address-for-tax", automatic_tax=True).field == f"account.address.{field}"
    assert not subscriptions(plan(deal))[0].terms.automatic_tax


def test_the_payer_is_the_customer_and_both_companies_are_named() -> None:
    parent = Account(ref("account", "9"), "Parent AG", billing_email="ap@parent.example", domain="parent.example")
    planned = plan(a_deal(payer=parent, billing_contact=None))
    who = planned.steps[0]
    assert isinstance(who, MakeCustomer)
    assert (who.key, who.name, who.email, who.domain) == (
        StepKey(parent.ref, "customer"),
        "Parent AG",
        "ap@parent.example",
        "parent.example",
    )
    step = subscriptions(planned)[0]
    assert step.customer == who.key
    assert step.metadata["crm_account"] == "hubspot:account:1"
    assert step.metadata["crm_payer"] == "hubspot:account:9"


def test_the_invoice_carries_order_and_contract_number_days_and_contact() -> None:
    step = subscription(deal_of(a_line(), po_number="PO-7", contract_number="C-9", term_months=12))
    assert step.terms.custom_fields == (
        ("PO Number", "PO-7"),
        ("Contract Number", "C-9"),
        ("Contract Period", "2026-11-21 to 2027-11-20"),
        ("Billing Contact", "Ada Example"),
    )


METERED = a_price(unit_amount=Decimal(2), metered=True)
TIERED = a_price(tiers=TIERS)


@pytest.mark.parametrize(
    ("deal", "sentence", "prices"),
    [
        (deal_of(a_line(), kind=DealKind.AMENDMENT), "deal-needs-its-contract", ()),
        (deal_of(a_line(interval=YEARLY), term_months=13), "line-span-not-whole", ()),
        (deal_of(a_line(interval=Interval("week")), term_months=12), "line-span-not-whole", ()),
        (deal_of(a_line(interval=YEARLY, free_months=2), term_months=12), "line-span-not-whole", ()),
        (
            deal_of(a_line(interval=YEARLY, discount_percent=Decimal(10), discount_months=3)),
            "line-months-not-whole",
            (),
        ),
        (deal_of(a_line(), auto_renew=False), "ends-without-term", ()),
        (deal_of(a_line(), start=TODAY, end=date(2027, 1, 31), term_months=12), "term-contradicts-end", ()),
        (deal_of(a_line(), start=TODAY, end=date(2026, 10, 31)), "contract-ends-before-start", ()),
        (deal_of(a_line(start=date(2026, 11, 1)), start=TODAY), "line-starts-before-deal", ()),
        (deal_of(a_line(term_months=24), term_months=12), "line-outlasts-deal", ()),
        (deal_of(a_line(start=date(2027, 11, 21)), start=TODAY, term_months=12), "line-without-days", ()),
        (deal_of(a_line(), term_months=-3), "months-unusable", ()),
        (deal_of(a_line(term_months=99_999)), "months-unusable", ()),
        (deal_of(a_line(), free_months=-1), "months-unusable", ()),
        (deal_of(a_line(free_months=-1)), "months-unusable", ()),
        (deal_of(a_line(discount_percent=Decimal(10), discount_months=0)), "months-unusable", ()),
        (deal_of(a_line(), discount_percent=Decimal(10), discount_months=0), "months-unusable", ()),
        (deal_of(a_line(), start=date(9999, 1, 1)), "day-too-far", ()),
        (deal_of(a_line(), start=date(1926, 1, 1)), "start-too-far-back", ()),
        (deal_of(a_line(), discount_percent=Decimal(101)), "deal-discount-unusable", ()),
        (deal_of(a_line(), discount_amount=Decimal("0.001")), "deal-discount-amount-unusable", ()),
        (deal_of(a_line(), discount_amount=Decimal(-1)), "deal-discount-amount-unusable", ()),
        (deal_of(a_line(interval=YEARLY, price_interval=Interval("week"))), "line-price-period", ()),
        (deal_of(a_line(price_interval=YEARLY, unit_price=Decimal(1))), "line-amount-does-not-fit", ()),
        (deal_of(a_line(interval=Interval("month", 0))), "line-frequency-unusable", ()),
        (deal_of(a_line(bill_on=TODAY)), "line-milestone-recurs", ()),
        (deal_of(a_line(credit_amount=Decimal(1))), "line-credits-recur", ()),
        (deal_of(a_setup_fee(credit_amount=Decimal(0))), "line-credits-unusable", ()),
        (deal_of(a_setup_fee(credit_amount=Decimal("0.001"))), "line-credits-unusable", ()),
        (deal_of(a_setup_fee(credit_amount=Decimal(1), credit_months=0)), "months-unusable", ()),
        (deal_of(sold_by(discount_percent=Decimal(5))), "line-catalogue-discount", (METERED,)),
        (deal_of(sold_by(), discount_percent=Decimal(5)), "line-catalogue-discount", (TIERED,)),
        (deal_of(sold_by(unit_price=Decimal(1))), "line-metered-rate", (METERED,)),
        (deal_of(sold_by(unit_price=Decimal(1))), "line-catalogue-amount", (TIERED,)),
        (deal_of(sold_by(quantity=Decimal("1.5"))), "line-tiers-whole", (TIERED,)),
        (deal_of(sold_by(quantity=Decimal(0))), "line-quantity", (TIERED,)),
        (deal_of(sold_by()), "line-tiers-round", (a_price(tiers=(PriceTier(None, Decimal("0.3")),)),)),
        (deal_of(sold_by(interval=YEARLY)), "line-frequency-contradicts-price", (TIERED,)),
        (deal_of(sold_by(one_off=True)), "line-frequency-contradicts-price", (METERED,)),
        (deal_of(sold_by()), "line-price-not-countable", (a_price(),)),
        (deal_of(sold_by()), "line-price-not-countable", (a_price(tiers=(PriceTier(2),)),)),
        (a_deal(currency="euro"), "deal-currency-unknown", ()),
    ],
)
def test_what_cannot_be_expressed_is_refused_by_its_sentence(
    deal: Deal, sentence: str, prices: tuple[Price, ...]
) -> None:
    refused(deal, sentence, *prices)


def test_a_span_that_is_not_whole_is_told_the_days_that_would_be() -> None:
    refusal = refused(deal_of(a_line(interval=YEARLY), term_months=13), "line-span-not-whole")
    assert refusal.hint.startswith("End it on 2027-11-20 or 2028-11-20")


def test_a_tiered_price_that_agrees_with_the_deal_is_taken_and_free_months_make_it_nothing() -> None:
    line = sold_by(number="1", unit_price=Decimal(9), quantity=Decimal(5), free_months=1)
    step = subscription(deal_of(line, a_line(number="2")), TIERED)
    first: PlannedLine = step.phases[0].recurring[0]
    assert first.price == InlinePrice("prod_1", Decimal(0), MONTHLY)
    assert [phase.recurring[0].amount for phase in step.phases] == [0, 4_500]


def test_a_metered_line_is_left_out_while_it_is_free() -> None:
    step = subscription(deal_of(sold_by(number="1", free_months=1), a_line(number="2")), METERED)
    assert [[line.metered for line in phase.recurring] for phase in step.phases] == [[False], [True, False]]
