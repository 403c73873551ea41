"""Small believable values for tests: a deal, a line, an invoice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from connector.domain.billing import (
    BillingAccount,
    Customer,
    Invoice,
    InvoiceStatus,
    Payment,
    Subscription,
    SubscriptionItem,
)
from connector.domain.deal import Account, BillingTerms, Contact, Deal, Interval, LineItem, Product
from connector.domain.refs import RecordRef

TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
MONTHLY = Interval("month", 1)
YEARLY = Interval("year", 1)


def ref(kind: str, number: str = "1", provider: str = "hubspot") -> RecordRef:
    return RecordRef(provider, kind, number)


def a_line(**changes: Any) -> LineItem:
    number = changes.pop("number", "1")
    values: dict[str, Any] = {
        "ref": ref("line_item", number),
        "product": Product(ref("product", number), "Seats", code=""),
        "quantity": Decimal(5),
        "unit_price": Decimal("20.00"),
        "interval": MONTHLY,
    }
    return LineItem(**{**values, **changes})


def a_setup_fee(**changes: Any) -> LineItem:
    values: dict[str, Any] = {
        "number": "2",
        "product": Product(ref("product", "2"), "Set-up"),
        "quantity": Decimal(1),
        "unit_price": Decimal("500.00"),
        "interval": None,
        "one_off": True,
    }
    return a_line(**{**values, **changes})


def a_deal(**changes: Any) -> Deal:
    values: dict[str, Any] = {
        "ref": ref("deal"),
        "name": "Acme, 5 seats",
        "won": True,
        "closed": True,
        "account": Account(ref("account"), "Acme GmbH"),
        "currency": "eur",
        "billing_contact": Contact(ref("contact"), "Ada Example", "ap@acme.example"),
        "line_items": (a_line(),),
    }
    return Deal(**{**values, **changes})


def terms(**changes: Any) -> BillingTerms:
    return BillingTerms(**changes)


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def an_invoice(
    number: int = 1,
    *,
    due: date = TODAY,
    paid: date | None = None,
    total: int = 10_000,
    currency: str = "eur",
    status: InvoiceStatus | None = None,
    **changes: Any,
) -> Invoice:
    """An open invoice, or one that was paid on ``paid``."""
    status = status or (InvoiceStatus.PAID if paid else InvoiceStatus.OPEN)
    owed = total if status in (InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE) else 0
    values: dict[str, Any] = {
        "ref": RecordRef("stripe", "invoice", f"in_{number}"),
        "customer": RecordRef("stripe", "customer", "cus_1"),
        "status": status,
        "currency": currency,
        "total": total,
        "amount_due": total,
        "amount_paid": total - owed,
        "amount_remaining": owed,
        "created_at": at(due - timedelta(days=30)),
        "finalized_at": at(due - timedelta(days=30)),
        "due_date": due,
        "paid_at": at(paid) if paid else None,
        "number": f"A-{number:04}",
        "hosted_url": f"https://invoice.example/{number}",
    }
    return Invoice(**{**values, **changes})


def a_payment(invoice: Invoice, on: date, amount: int | None = None) -> Payment:
    return Payment(
        ref=RecordRef("stripe", "payment", f"inpay_{invoice.ref.id}"),
        invoice=invoice.ref,
        amount=invoice.total if amount is None else amount,
        currency=invoice.currency,
        status="paid",
        paid_at=at(on),
    )


def a_subscription(
    name: str = "sub_1", *, unit_amount: int = 2_000, quantity: int = 5, interval: Interval = MONTHLY, **changes: Any
) -> Subscription:
    values: dict[str, Any] = {
        "ref": RecordRef("stripe", "subscription", name),
        "customer": RecordRef("stripe", "customer", "cus_1"),
        "status": "active",
        "currency": "eur",
        "started_at": NOW,
        "items": (SubscriptionItem("si_1", Decimal(unit_amount), quantity, interval, at(date(2026, 12, 21))),),
    }
    return Subscription(**{**values, **changes})


def a_billing_account(**changes: Any) -> BillingAccount:
    return BillingAccount(**{"customer": Customer(RecordRef("stripe", "customer", "cus_1"), "Acme GmbH"), **changes})
