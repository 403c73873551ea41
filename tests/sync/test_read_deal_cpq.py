"""Deals quoted with Salesforce CPQ: the shipped variant reads quote and quote lines, and bills to the cent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.billing_plan import Catalogue, InlinePrice, MakeSubscription
from connector.domain.deal import Deal, DealKind, Interval
from connector.domain.planning import plan_billing
from connector.domain.policy import BillingPolicy
from connector.errors import CannotBill
from connector.sync.read_deal import read_deal
from mappings.load import default_mapping
from tests.factories import TODAY
from tests.mappings.records import a_salesforce_deal

QUOTE: Mapping[str, Any] = {
    "Name": "Q-00042",
    "SBQQ__StartDate__c": "2026-11-21",
    "SBQQ__EndDate__c": "2027-11-20",
    "SBQQ__SubscriptionTerm__c": Decimal("12.0"),
    "SBQQ__PaymentTerms__c": "Net 45",
    "SBQQ__Type__c": "Quote",
    "SBQQ__PrimaryContact__r": {"Email": "buyer@acme.example"},
}


def a_line(quote_line: Mapping[str, Any] | None = None, **line: Any) -> dict[str, Any]:
    """Five seats at 20.00 a month, as CPQ writes them for twelve months: a net price of 240.00."""
    quoted = {
        "SBQQ__SubscriptionTerm__c": Decimal("12.0"),
        "SBQQ__BillingFrequency__c": "Monthly",
        "SBQQ__ChargeType__c": "Recurring",
        **(quote_line or {}),
    }
    return {
        "UnitPrice": Decimal("240.0"),
        "TotalPrice": Decimal("1200.0"),
        "Billing_Frequency__c": None,
        "Discount": Decimal("10.0"),
        "SBQQ__QuoteLine__r": quoted,
        **line,
    }


def read(*lines: Mapping[str, Any], quote: Mapping[str, Any] | None = None, **deal: Any) -> Deal:
    records = a_salesforce_deal(lines=lines or (a_line(),), SBQQ__PrimaryQuote__r={**QUOTE, **(quote or {})}, **deal)
    return read_deal(records, default_mapping("salesforce-cpq"))


def subscription(deal: Deal) -> MakeSubscription:
    plan = plan_billing(deal, Catalogue(), TODAY, BillingPolicy())
    (step,) = (step for step in plan.steps if isinstance(step, MakeSubscription))
    return step


def test_the_terms_of_the_contract_are_the_quotes() -> None:
    terms = read().terms

    assert (terms.start, terms.end, terms.term_months) == (date(2026, 11, 21), date(2027, 11, 20), 12)
    assert (terms.net_days, terms.contract_number, terms.kind) == (45, "Q-00042", DealKind.NEW)


def test_what_the_deal_itself_says_comes_before_the_quote() -> None:
    terms = read(Billing_Start__c="2026-12-01", Billing_Net_Days__c=Decimal("30.0")).terms

    assert (terms.start, terms.net_days) == (date(2026, 12, 1), 30)


def test_the_quotes_contact_stands_in_for_a_billing_contact() -> None:
    account = read().account

    assert account is not None
    assert account.billing_email == "buyer@acme.example"


@pytest.mark.parametrize(
    ("frequency", "interval", "unit", "amount"),
    [
        ("Monthly", Interval("month", 1), 2_000, 10_000),
        ("Quarterly", Interval("month", 3), 6_000, 30_000),
        ("Semiannual", Interval("month", 6), 12_000, 60_000),
        ("Annual", Interval("year", 1), 24_000, 120_000),
    ],
)
def test_a_net_price_for_the_term_is_billed_by_the_quoted_frequency(
    frequency: str, interval: Interval, unit: int, amount: int
) -> None:
    """1,200.00 for twelve months: the share of each period, exact to the cent."""
    (line,) = subscription(read(a_line({"SBQQ__BillingFrequency__c": frequency}))).recurring

    assert isinstance(line.price, InlinePrice)
    assert (line.price.interval, line.price.unit_amount, line.quantity, line.amount) == (
        interval,
        Decimal(unit),
        5,
        amount,
    )


def test_a_net_price_is_not_discounted_a_second_time() -> None:
    (line,) = read().line_items

    assert (line.unit_price, line.discount_percent) == (Decimal(240), Decimal(0))
    assert line.price_interval == Interval("year", 1)


def test_a_term_that_does_not_divide_to_the_cent_waits_for_a_person() -> None:
    with pytest.raises(CannotBill):
        subscription(read(a_line(UnitPrice=Decimal("100.0"), TotalPrice=Decimal("500.01"))))


@pytest.mark.parametrize("charge", ["One-Time", "one-time", "OneTime"])
def test_a_one_time_charge_is_one_whatever_frequency_stands_beside_it(charge: str) -> None:
    (line,) = read(a_line({"SBQQ__ChargeType__c": charge})).line_items

    assert line.one_off


def test_the_product_says_what_its_quote_line_leaves_open() -> None:
    product = {"Name": "Set-up", "SBQQ__ChargeType__c": "One-Time", "SBQQ__BillingFrequency__c": "Monthly"}
    seats = {"Name": "Seats", "SBQQ__ChargeType__c": "Recurring", "SBQQ__BillingFrequency__c": "Annual"}
    silent = {"SBQQ__ChargeType__c": None, "SBQQ__BillingFrequency__c": None}

    setup, recurring = read(a_line(silent, Product2=product), a_line(silent, Product2=seats)).line_items

    assert setup.one_off
    assert recurring.interval == Interval("year", 1)


@pytest.mark.parametrize("frequency", ["Invoice Plan", "Usage"])
def test_a_frequency_that_nobody_told_us_about_parks_the_deal(frequency: str) -> None:
    with pytest.raises(CannotBill) as caught:
        read(a_line({"SBQQ__BillingFrequency__c": frequency}))

    assert caught.value.field == "line.interval"
    assert "SBQQ__BillingFrequency__c" in caught.value.message


def test_the_quotes_term_stands_in_for_a_lines() -> None:
    quoted = {"SBQQ__SubscriptionTerm__c": None, "SBQQ__Quote__r": {"SBQQ__SubscriptionTerm__c": Decimal("24.0")}}

    (line,) = read(a_line(quoted)).line_items

    assert line.price_interval == Interval("year", 2)


def test_the_segments_of_a_product_are_lines_with_their_own_dates() -> None:
    """A multi-dimensional product: a ramp."""
    first = {"SBQQ__StartDate__c": "2026-11-21", "SBQQ__EndDate__c": "2027-11-20"}
    second = {"SBQQ__StartDate__c": "2027-11-21", "SBQQ__EndDate__c": "2028-11-20"}

    lines = read(a_line(first), a_line(second), quote={"SBQQ__SubscriptionTerm__c": Decimal("24.0")}).line_items

    assert [(line.start, line.end, line.term_months) for line in lines] == [
        (date(2026, 11, 21), date(2027, 11, 20), 12),
        (date(2027, 11, 21), date(2028, 11, 20), 12),
    ]


@pytest.mark.parametrize(
    ("kind", "contract", "expected"),
    [
        ("Amendment", "SBQQ__AmendedContract__r", DealKind.AMENDMENT),
        ("Renewal", "SBQQ__RenewedContract__r", DealKind.RENEWAL),
        ("Re-Quote", "SBQQ__Nothing__r", DealKind.NEW),
    ],
)
def test_an_amendment_or_renewal_names_the_deal_whose_contract_it_changes(
    kind: str, contract: str, expected: DealKind
) -> None:
    terms = read(quote={"SBQQ__Type__c": kind}, **{contract: {"SBQQ__Opportunity__c": "006OLD"}}).terms

    assert terms.kind is expected
    assert terms.amends == ("006OLD" if expected is not DealKind.NEW else "")


def test_an_org_without_any_quote_is_read_as_plain_salesforce() -> None:
    """Where the deal has no primary quote, its own fields speak."""
    plain = a_salesforce_deal(Billing_Term_Months__c=Decimal("12.0"))

    assert read_deal(plain, default_mapping("salesforce-cpq")) == read_deal(plain, default_mapping("salesforce"))
