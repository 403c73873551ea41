"""How long a thousand plans of ten lines take on one core; each preview and readiness check plans again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from time import process_time

from connector.domain.billing_plan import Catalogue
from connector.domain.dates import add_months
from connector.domain.deal import Deal
from connector.domain.planning import plan_billing
from connector.domain.policy import BillingPolicy
from tests.factories import MONTHLY, TODAY, YEARLY, a_deal, a_line, a_setup_fee, ref, terms

DEALS = 1000


def seconds_by_kind() -> dict[str, float]:
    """Processor seconds for ``DEALS`` deals of ten lines each, plain ones and elaborate ones."""
    return {"plain": _seconds(_plain), "ramp, discounts, past start": _seconds(_elaborate)}


def _seconds(sold: Callable[[int], Deal]) -> float:
    deals = [sold(number) for number in range(DEALS)]
    begun = process_time()
    for deal in deals:
        plan_billing(deal, Catalogue(), TODAY, BillingPolicy())
    return process_time() - begun


def _plain(number: int) -> Deal:
    recurring = [
        a_line(number=f"{n}", quantity=Decimal(n + 1 + number % 7), interval=YEARLY if n % 2 else MONTHLY)
        for n in range(8)
    ]
    fees = [a_setup_fee(number=f"{n}") for n in (8, 9)]
    return a_deal(ref=ref("deal", str(number)), line_items=(*recurring, *fees), terms=terms(term_months=12))


def _elaborate(number: int) -> Deal:
    begins = TODAY - timedelta(days=50)
    years = [add_months(begins, 12 * year) for year in range(3)]
    ramps = [
        a_line(
            number=f"{product}-{year}",
            quantity=Decimal(5 + year + number % 7),
            discount_percent=Decimal(10),
            start=years[year],
            term_months=12,
        )
        for product in range(3)
        for year in range(3)
    ]
    return a_deal(
        ref=ref("deal", str(number)),
        line_items=(*ramps, a_setup_fee(number="9")),
        terms=terms(start=begins, term_months=36, auto_renew=False, discount_percent=Decimal("7.5")),
    )
