"""Believable running contracts for tests of what a deal may do to them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connector.domain.billing import Invoice, InvoiceLine
from connector.domain.contract import ContractItem, RunningContract
from connector.domain.deal import Deal, DealKind, LineItem, Product
from connector.domain.refs import RecordRef
from tests.factories import MONTHLY, a_deal, a_line, an_invoice, ref, terms

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)
SUBSCRIPTION = RecordRef("stripe", "subscription", "sub_1")


def an_item(**changes: Any) -> ContractItem:
    """Ten seats at 20.00 a month, in November 2026; ``number`` is that of the CRM's product and line."""
    number = changes.pop("number", "1")
    values: dict[str, Any] = {
        "id": f"si_{number}",
        "product_id": f"prod_{number}",
        "price_id": f"price_{number}",
        "unit_amount": Decimal(2000),
        "quantity": 10,
        "interval": MONTHLY,
        "period_start": NOVEMBER,
        "period_end": DECEMBER,
        "line": ref("line_item", number),
        "product": ref("product", number),
        "description": "Seats",
    }
    return ContractItem(**{**values, **changes})


def a_contract(*items: ContractItem, **changes: Any) -> RunningContract:
    """A contract from 1 March 2026 to 28 February 2027 that runs on after it."""
    values: dict[str, Any] = {
        "subscription": SUBSCRIPTION,
        "customer": RecordRef("stripe", "customer", "cus_1"),
        "status": "active",
        "currency": "eur",
        "items": items or (an_item(),),
        "started": date(2026, 3, 1),
        "deal": ref("deal"),
        "contract_end": date(2027, 2, 28),
        "net_days": 30,
    }
    return RunningContract(**{**values, **changes})


def an_amendment(*lines: LineItem, **changes: Any) -> Deal:
    """A second deal of the same account that changes the contract, from today unless its terms say otherwise."""
    stated = changes.pop("terms", None) or terms(kind=DealKind.AMENDMENT)
    return a_deal(ref=ref("deal", "2"), name="More seats", line_items=lines, terms=stated, **changes)


def seats(quantity: int, price: str = "20.00", number: str = "1", **changes: Any) -> LineItem:
    """A line of an amendment: so many more (or fewer) of product ``number``."""
    product = Product(ref("product", number), "Seats" if number == "1" else f"Product {number}")
    values: dict[str, Any] = {
        "number": f"a{number}",
        "product": product,
        "quantity": Decimal(quantity),
        "unit_price": Decimal(price),
    }
    return a_line(**{**values, **changes})


def billed(
    number: int, *lines: tuple[int, date, date], subscription: RecordRef | None = SUBSCRIPTION, **changes: Any
) -> Invoice:
    """A paid invoice of the contract with lines of (amount, first day, first day no longer served)."""
    made = tuple(
        InvoiceLine(f"il_{number}_{index}", "Seats", amount, period_start=_at(start), period_end=_at(end))
        for index, (amount, start, end) in enumerate(lines)
    )
    values: dict[str, Any] = {
        "total": sum(amount for amount, _, _ in lines),
        "paid": date(2026, 11, 5),
        "due": date(2026, 11, 1),
        "lines": made,
        "subscription": subscription,
    }
    return an_invoice(number, **{**values, **changes})


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, 30, tzinfo=UTC)
