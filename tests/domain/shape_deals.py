"""Deals of any shape, planned with few words, and the parts of their plans."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.billing import Price
from connector.domain.billing_plan import (
    BillingPlan,
    Catalogue,
    MakeInvoice,
    MakeSubscription,
)
from connector.domain.deal import Deal, Interval, LineItem, Product
from connector.domain.planning import plan_billing
from connector.domain.policy import BillingPolicy
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from tests.factories import MONTHLY, TODAY, a_deal, a_line, ref, terms

QUARTERLY = Interval("month", 3)


def plan(deal: Deal, *prices: Price, today: date = TODAY, **policy: Any) -> BillingPlan:
    catalogue = Catalogue({p.ref.id: p for p in prices}, {p.lookup_key: p for p in prices if p.lookup_key})
    return plan_billing(deal, catalogue, today, BillingPolicy(**policy))


def subscriptions(planned: BillingPlan) -> list[MakeSubscription]:
    return [step for step in planned.steps if isinstance(step, MakeSubscription)]


def subscription(deal: Deal, *prices: Price, **policy: Any) -> MakeSubscription:
    (only,) = subscriptions(plan(deal, *prices, **policy))
    return only


def invoices(planned: BillingPlan) -> list[MakeInvoice]:
    return [step for step in planned.steps if isinstance(step, MakeInvoice)]


def phases(step: MakeSubscription) -> list[tuple[date, date | None, list[int]]]:
    return [(phase.start, phase.end, [line.amount for line in phase.recurring]) for phase in step.phases]


def deal_of(*lines: LineItem, **of_terms: Any) -> Deal:
    return a_deal(line_items=lines, terms=terms(**of_terms))


def a_price(**changes: Any) -> Price:
    values: dict[str, Any] = {
        "ref": RecordRef("stripe", "price", "price_1"),
        "product_id": "prod_1",
        "currency": "eur",
        "unit_amount": None,
        "interval": MONTHLY,
    }
    return Price(**{**values, **changes})


def sold_by(price_id: str = "price_1", **changes: Any) -> LineItem:
    product = Product(ref("product"), "Usage", price_id=price_id)
    return a_line(**{"product": product, "unit_price": Decimal(0), **changes})


def refused(deal: Deal, sentence: str, *prices: Price, **policy: Any) -> CannotBill:
    with pytest.raises(CannotBill) as refusal:
        plan(deal, *prices, **policy)
    assert refusal.value.sentence_id == sentence
    assert refusal.value.hint
    return refusal.value
