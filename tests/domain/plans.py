"""Plans written out by hand, for tests of what reads them: the forecast, the document."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from connector.domain.billing_plan import (
    BillingPlan,
    InlinePrice,
    InvoiceTerms,
    MakeCustomer,
    MakeInvoice,
    MakeProduct,
    MakeSubscription,
    Phase,
    PlannedLine,
    Step,
    StepKey,
)
from connector.domain.deal import CollectionMethod, Interval
from tests.factories import MONTHLY, ref

CUSTOMER = StepKey(ref("account"), "customer")
PRODUCT = StepKey(ref("product"), "product")
NET_30 = InvoiceTerms(CollectionMethod.SEND_INVOICE, 30)


def planned(
    amount: int, interval: Interval | None = MONTHLY, *, number: str = "1", quantity: int = 1, **changes: Any
) -> PlannedLine:
    """A line that comes to ``amount`` per period; one-off where ``interval`` is None."""
    price = InlinePrice(PRODUCT, Decimal(amount) / quantity, interval)
    values: dict[str, Any] = {"description": f"Line {number}", "interval": interval} | changes
    return PlannedLine(ref("line_item", number), price=price, quantity=quantity, amount=amount, **values)


def subscribed(*phases: Phase, **changes: Any) -> MakeSubscription:
    values: dict[str, Any] = {
        "key": StepKey(ref("deal"), "subscription"),
        "customer": CUSTOMER,
        "currency": "eur",
        "terms": NET_30,
        "description": "Acme",
        "metadata": {},
    }
    return MakeSubscription(phases=phases, **(values | changes))


def invoiced(*lines: PlannedLine, **changes: Any) -> MakeInvoice:
    values: dict[str, Any] = {
        "key": StepKey(ref("deal"), "invoice"),
        "customer": CUSTOMER,
        "currency": "eur",
        "terms": NET_30,
        "description": "Acme",
        "metadata": {},
        "total": sum(line.amount for line in lines),
    }
    return MakeInvoice(lines=lines, **(values | changes))


def planned_as(*steps: Step) -> BillingPlan:
    """The whole plan: customer, product, and these steps."""
    customer = MakeCustomer(CUSTOMER, "Acme GmbH", email="ap@acme.example")
    return BillingPlan(ref("deal"), (customer, MakeProduct(PRODUCT, "Seats"), *steps))


def day(text: str) -> date:
    return date.fromisoformat(text)
