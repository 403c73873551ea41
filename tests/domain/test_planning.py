"""A won deal becomes an exact plan, or one sentence that names the field to fix."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.billing import Price
from connector.domain.billing_plan import (
    BillingPlan,
    Catalogue,
    ExistingPrice,
    InlinePrice,
    MakeCustomer,
    MakeInvoice,
    MakeProduct,
    MakeSubscription,
    StepKey,
)
from connector.domain.deal import Account, Address, CollectionMethod, Contact, Deal, Interval, Product
from connector.domain.planning import plan_billing
from connector.domain.policy import BillingPolicy
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from tests.factories import MONTHLY, TODAY, YEARLY, a_deal, a_line, a_setup_fee, ref, terms

POLICY = BillingPolicy()


def plan(deal: Deal, catalogue: Catalogue | None = None, policy: BillingPolicy = POLICY) -> BillingPlan:
    return plan_billing(deal, catalogue or Catalogue(), TODAY, policy)


def subscription(deal: Deal, catalogue: Catalogue | None = None) -> MakeSubscription:
    step = plan(deal, catalogue).steps[-1]
    assert isinstance(step, MakeSubscription)
    return step


def a_price(**changes: Any) -> Price:
    values: dict[str, Any] = {
        "ref": RecordRef("stripe", "price", "price_1"),
        "product_id": "prod_1",
        "currency": "eur",
        "unit_amount": Decimal(2000),
        "interval": MONTHLY,
        "lookup_key": "SEAT",
    }
    return Price(**{**values, **changes})


def test_a_plain_deal_gives_a_customer_a_product_and_a_subscription_in_that_order() -> None:
    steps = plan(a_deal()).steps
    assert [type(step) for step in steps] == [MakeCustomer, MakeProduct, MakeSubscription]
    assert steps[0].key == StepKey(ref("account"), "customer")
    assert steps[2].key == StepKey(ref("deal"), "subscription")


def test_the_subscription_names_its_records_and_comes_to_the_deals_amount() -> None:
    step = subscription(a_deal(line_items=(a_line(), a_setup_fee())))
    assert (step.currency, step.first_invoice) == ("eur", 5 * 2000 + 50_000)
    assert [(line.quantity, line.amount) for line in step.recurring] == [(5, 10_000)]
    assert [(line.quantity, line.amount) for line in step.one_off] == [(1, 50_000)]
    assert step.metadata == {"crm_deal": "hubspot:deal:1", "crm_account": "hubspot:account:1"}
    assert (step.start, step.anchor, step.scheduled) == (TODAY, None, False)


def test_a_deal_in_which_nothing_recurs_gives_a_plain_invoice() -> None:
    step = plan(a_deal(line_items=(a_setup_fee(),))).steps[-1]
    assert isinstance(step, MakeInvoice)
    assert (step.key.role, step.total, step.terms.net_days) == ("invoice", 50_000, 30)


def test_payment_terms_po_number_and_collection_come_from_the_deal() -> None:
    step = subscription(a_deal(terms=terms(net_days=45, po_number=" PO-7 ")))
    assert (step.terms.net_days, step.terms.custom_fields) == (45, (("PO Number", "PO-7"),))
    automatic = subscription(a_deal(terms=terms(collection=CollectionMethod.CHARGE_AUTOMATICALLY, net_days=45)))
    assert (automatic.terms.collection, automatic.terms.net_days) == (CollectionMethod.CHARGE_AUTOMATICALLY, None)


def test_a_po_number_that_is_too_long_is_cut_and_said_so() -> None:
    whole = plan(a_deal(terms=terms(po_number="9" * 150)))
    last = whole.steps[-1]
    assert isinstance(last, MakeSubscription)
    assert last.terms.custom_fields == (("PO Number", "9" * 140),)
    assert "PO number" in whole.notes[0]


def test_due_on_receipt_is_zero_days_and_not_the_default() -> None:
    assert subscription(a_deal(terms=terms(net_days=0))).terms.net_days == 0


def test_the_customer_takes_the_contacts_mail_and_the_accounts_address() -> None:
    address = Address("1 Way", city="Graz", postal_code="8010", country="AT")
    account = Account(ref("account"), " Acme GmbH ", phone="+43 1", address=address, customer_id="cus_9")
    step = plan(a_deal(account=account)).steps[0]
    assert isinstance(step, MakeCustomer)
    assert (step.name, step.email, step.phone, step.adopt) == ("Acme GmbH", "ap@acme.example", "+43 1", "cus_9")
    assert step.address == address


def test_the_accounts_billing_mail_serves_where_no_contact_does() -> None:
    account = Account(ref("account"), "Acme", billing_email="ap@acme.example")
    step = plan(a_deal(account=account, billing_contact=None)).steps[0]
    assert isinstance(step, MakeCustomer)
    assert step.email == "ap@acme.example"


def test_a_catalogue_price_that_says_what_the_deal_says_is_used_as_it_is() -> None:
    line = a_line(product=Product(ref("product"), "Seats", code="SEAT"))
    step = subscription(a_deal(line_items=(line,)), Catalogue(by_lookup_key={"SEAT": a_price()}))
    assert step.recurring[0].price == ExistingPrice("price_1")


def test_a_negotiated_price_goes_on_the_catalogue_prices_own_product() -> None:
    line = a_line(product=Product(ref("product"), "Seats", code="SEAT"), unit_price=Decimal("17.50"))
    whole = plan(a_deal(line_items=(line,)), Catalogue(by_lookup_key={"SEAT": a_price()}))
    last = whole.steps[-1]
    assert isinstance(last, MakeSubscription)
    assert last.recurring[0].price == InlinePrice("prod_1", Decimal(1750), MONTHLY)
    assert not [step for step in whole.steps if isinstance(step, MakeProduct)]


def test_a_line_without_frequency_takes_the_named_prices_own() -> None:
    line = a_line(product=Product(ref("product"), "Seats", price_id="price_1"), interval=None)
    step = subscription(a_deal(line_items=(line,)), Catalogue(by_id={"price_1": a_price()}))
    assert step.recurring[0].price == ExistingPrice("price_1")


def test_two_lines_of_the_same_catalogue_price_are_one_item_with_both_quantities() -> None:
    product = Product(ref("product"), "Seats", code="SEAT")
    lines = (a_line(number="1", product=product), a_line(number="2", product=product, quantity=Decimal(2)))
    step = subscription(a_deal(line_items=lines), Catalogue(by_lookup_key={"SEAT": a_price()}))
    assert [(line.price, line.quantity, line.amount) for line in step.recurring] == [
        (ExistingPrice("price_1"), 7, 14_000)
    ]
    assert step.first_invoice == 14_000


def test_two_lines_of_one_product_make_the_product_once() -> None:
    lines = (a_line(), a_line(quantity=Decimal(1)))
    assert sum(isinstance(step, MakeProduct) for step in plan(a_deal(line_items=lines)).steps) == 1


def test_a_line_without_a_catalogue_product_is_its_own_product() -> None:
    step = plan(a_deal(line_items=(a_line(product=Product(None, "Seats")),))).steps[1]
    assert step.key == StepKey(ref("line_item"), "product")


def test_a_discount_in_percent_or_per_unit_lowers_the_unit_price() -> None:
    lines = (
        a_line(number="1", discount_percent=Decimal(10), total=Decimal("90.00")),
        a_line(number="2", discount_per_unit=Decimal("1.50")),
    )
    step = subscription(a_deal(line_items=lines))
    assert [line.amount for line in step.recurring] == [9000, 9250]


def test_a_total_that_does_not_divide_is_billed_once_with_its_exact_amount() -> None:
    line = a_line(quantity=Decimal(3), unit_price=Decimal("33.335"), total=Decimal("100.00"))
    whole = plan(a_deal(line_items=(line,)))
    last = whole.steps[-1]
    assert isinstance(last, MakeSubscription)
    assert (last.recurring[0].quantity, last.recurring[0].amount) == (1, 10_000)
    assert "3 in all" in last.recurring[0].description
    assert whole.notes


def test_a_fractional_quantity_is_billed_once_with_its_exact_amount() -> None:
    step = subscription(a_deal(line_items=(a_line(quantity=Decimal("2.5"), unit_price=Decimal("10.00")),)))
    assert (step.recurring[0].quantity, step.recurring[0].amount) == (1, 2500)


def test_a_start_today_is_a_start_now() -> None:
    assert subscription(a_deal(terms=terms(start=TODAY))).start == TODAY


def test_a_start_in_this_period_is_backdated_to_exactly_one_period() -> None:
    step = subscription(a_deal(terms=terms(start=date(2026, 11, 1))))
    assert (step.start, step.anchor, step.scheduled) == (date(2026, 11, 1), date(2026, 12, 1), False)
    assert step.first_invoice == 10_000


def test_a_start_in_the_future_is_scheduled_and_bills_nothing_yet() -> None:
    step = subscription(a_deal(terms=terms(start=date(2027, 1, 1))))
    assert (step.start, step.scheduled, step.first_invoice) == (date(2027, 1, 1), True, None)


def test_the_lines_shared_start_serves_where_the_deal_has_none() -> None:
    step = subscription(a_deal(line_items=(a_line(start=date(2026, 12, 1)), a_setup_fee())))
    assert step.start == date(2026, 12, 1)


def test_a_term_gives_the_contracts_last_day() -> None:
    step = subscription(a_deal(terms=terms(start=date(2026, 11, 1), term_months=12)))
    assert step.metadata["contract_end"] == "2027-10-31"


def test_free_metadata_goes_along_by_name() -> None:
    assert subscription(a_deal(metadata={"region": "DACH"})).metadata["region"] == "DACH"


def test_yearly_and_monthly_lines_share_one_subscription() -> None:
    step = subscription(a_deal(line_items=(a_line(interval=YEARLY), a_line(number="2"))))
    assert len(step.recurring) == 2


def test_the_same_deal_gives_the_same_plan() -> None:
    assert plan(a_deal()) == plan(a_deal())


REFUSALS: list[tuple[str, Deal, str]] = [
    ("no account", a_deal(account=None), "deal.account"),
    ("an account without a name", a_deal(account=Account(ref("account"), "  ")), "account.name"),
    ("no currency", a_deal(currency=""), "deal.currency"),
    ("no lines", a_deal(line_items=()), "deal.line_items"),
    ("no mail", a_deal(billing_contact=Contact(ref("contact"), "Ada")), "contact.email"),
    ("a mail that is none", a_deal(billing_contact=Contact(ref("contact"), "Ada", "ada at acme")), "contact.email"),
    ("a quantity of zero", a_deal(line_items=(a_line(quantity=Decimal(0)),)), "line.quantity"),
    ("a negative line", a_deal(line_items=(a_line(unit_price=Decimal(-1)),)), "line.total"),
    ("no frequency", a_deal(line_items=(a_line(interval=None),)), "line.interval"),
    ("a total that contradicts", a_deal(line_items=(a_line(total=Decimal(99)),)), "line.total"),
    ("a price that does not fit", a_deal(line_items=(a_line(unit_price=Decimal("0.001")),)), "line.unit_price"),
    ("an unknown price id", a_deal(line_items=(a_line(product=Product(None, "S", price_id="p")),)), "product.price_id"),
    ("negative net days", a_deal(terms=terms(net_days=-1)), "terms.net_days"),
    ("four years", a_deal(line_items=(a_line(interval=Interval("year", 4)),)), "line.interval"),
    ("4000 days", a_deal(line_items=(a_line(interval=Interval("day", 4000)),)), "line.interval"),
    ("a past start on the 31st", a_deal(terms=terms(start=date(2026, 10, 31))), "terms.start"),
    (
        "lines of which only some say when they start",
        a_deal(line_items=(a_line(start=TODAY), a_line(number="2"))),
        "line.start",
    ),
]


@pytest.mark.parametrize(("why", "deal", "field"), REFUSALS, ids=[why for why, _, _ in REFUSALS])
def test_what_cannot_be_billed_exactly_is_refused_with_the_field_to_fix(why: str, deal: Deal, field: str) -> None:
    with pytest.raises(CannotBill) as refusal:
        plan(deal)
    assert refusal.value.field == field
    assert refusal.value.message.endswith(".")
    assert refusal.value.hint
    assert refusal.value.ref is not None


@pytest.mark.parametrize(
    ("price", "field"),
    [
        (a_price(currency="usd"), "product.price_id"),
        (a_price(unit_amount=None), "product.price_id"),
        (a_price(interval=YEARLY), "line.interval"),
    ],
)
def test_a_named_price_that_contradicts_the_deal_is_refused(price: Price, field: str) -> None:
    deal = a_deal(line_items=(a_line(product=Product(None, "Seats", price_id="price_1")),))
    with pytest.raises(CannotBill) as refusal:
        plan(deal, Catalogue(by_id={"price_1": price}))
    assert refusal.value.field == field


def test_a_default_currency_serves_a_crm_that_names_none() -> None:
    step = plan(a_deal(currency=""), policy=BillingPolicy(default_currency="usd")).steps[-1]
    assert isinstance(step, MakeSubscription)
    assert step.currency == "usd"


@given(
    st.lists(
        st.tuples(st.integers(1, 5000), st.decimals(0, 99_999, places=2), st.sampled_from([None, MONTHLY, YEARLY])),
        min_size=1,
        max_size=8,
    )
)
def test_the_plan_comes_to_what_was_sold_to_the_minor_unit(rows: list[tuple[int, Decimal, Interval | None]]) -> None:
    lines = tuple(
        a_line(number=str(n), quantity=Decimal(q), unit_price=price, interval=i, one_off=i is None)
        for n, (q, price, i) in enumerate(rows)
    )
    sold = sum((Decimal(q) * price for q, price, _ in rows), start=Decimal(0))
    assert plan(a_deal(line_items=lines)).expected_first_invoice() == int(sold * 100)


@given(st.integers(1, 400), st.integers(0, 10**7))
def test_unit_amount_times_quantity_is_always_the_lines_amount(quantity: int, minor: int) -> None:
    total = Decimal(minor).scaleb(-2)
    line = a_line(quantity=Decimal(quantity), unit_price=total / quantity, total=total)
    planned = subscription(a_deal(line_items=(line,))).recurring[0]
    assert isinstance(planned.price, InlinePrice)
    assert planned.price.unit_amount * planned.quantity == planned.amount == minor


def test_a_currency_of_whole_units_never_gets_a_broken_unit_price() -> None:
    line = a_line(quantity=Decimal(8), unit_price=Decimal("12.5"), total=Decimal(100))
    planned = subscription(replace(a_deal(line_items=(line,)), currency="isk")).recurring[0]
    assert isinstance(planned.price, InlinePrice)
    assert (planned.price.unit_amount, planned.quantity, planned.amount) == (Decimal(10_000), 1, 10_000)
