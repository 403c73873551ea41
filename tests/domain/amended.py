"""What every test of an amendment asks of its plan."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from connector.domain.amending import plan_amendment
from connector.domain.billing import Invoice
from connector.domain.billing_plan import (
    AddToNextInvoice,
    BillingPlan,
    Catalogue,
    ChangeSubscription,
    MakeInvoice,
    Period,
)
from connector.domain.contract import RunningContract
from connector.domain.deal import Deal, DealKind
from connector.domain.policy import BillingPolicy
from connector.errors import CannotBill
from tests.domain.running_contracts import a_contract
from tests.factories import TODAY, terms

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
