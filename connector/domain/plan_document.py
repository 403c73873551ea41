"""A plan and its forecast as plain JSON: what is kept, hashed, shown to an approver, and compared with a later plan.

Fields that hold their default are left out, so that a field which a later version adds changes no document, and no
hash, of a plan that does not use it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from connector.domain.billing_plan import (
    AddToNextInvoice,
    BillingPlan,
    ChangeSubscription,
    CreditInvoice,
    EndSubscription,
    GrantCredits,
    MakeCustomer,
    MakeInvoice,
    MakeProduct,
    MakeSubscription,
    Step,
    StepKey,
)
from connector.domain.deal import Interval
from connector.domain.forecast import Forecast
from connector.domain.plan_differences import differences
from connector.domain.refs import RecordRef

__all__ = ["differences", "document", "document_hash", "forecast_document", "plan_hash"]

KINDS: Mapping[type, str] = {
    MakeCustomer: "customer",
    MakeProduct: "product",
    MakeSubscription: "subscription",
    MakeInvoice: "invoice",
    GrantCredits: "credits",
    ChangeSubscription: "change",
    AddToNextInvoice: "next_invoice",
    EndSubscription: "end",
    CreditInvoice: "credit_note",
}
"""What each step is called in a document."""


def document(plan: BillingPlan) -> dict[str, Any]:
    """The plan as plain JSON values; the same plan always gives the same document."""
    return {"deal": str(plan.deal), "steps": [_step(step) for step in plan.steps], "notes": list(plan.notes)}


def plan_hash(plan: BillingPlan) -> str:
    """What stands for exactly this plan: SHA-256 of its document, in hex."""
    return document_hash(document(plan))


def document_hash(plan_document: Mapping[str, Any]) -> str:
    """The hash of a document, however its keys are ordered."""
    text = json.dumps(plan_document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def forecast_document(foreseen: Forecast) -> list[dict[str, Any]]:
    """The forecast's invoices as plain JSON values, in order; amounts in minor units, null where usage decides."""
    return [
        {
            "step": str(invoice.step),
            "date": invoice.day.isoformat(),
            "due": invoice.due.isoformat() if invoice.due else None,
            "currency": invoice.currency,
            "total": invoice.total,
            "by_usage": invoice.by_usage,
            "tax": invoice.tax.value,
            "lines": [
                {
                    "line": str(line.line),
                    "description": line.description,
                    "quantity": line.quantity,
                    "amount": line.amount,
                    "from": line.period.start.isoformat() if line.period else None,
                    "until": line.period.end.isoformat() if line.period else None,
                }
                for line in invoice.lines
            ],
        }
        for invoice in foreseen.invoices
    ]


def _step(step: Step) -> dict[str, Any]:
    plain: dict[str, Any] = _plain(step)
    return {"kind": KINDS[type(step)], **plain}


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | str() if not isinstance(value, Enum):
            return value
        case RecordRef() | StepKey():
            return str(value)
        case Interval():
            return {"unit": value.unit, "count": value.count}
        case Enum():
            return value.value
        case Decimal():
            return _exact(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case tuple() | list():
            return [_plain(inner) for inner in value]
        case _ if is_dataclass(value):
            return {each.name: _plain(inner) for each in fields(value) if (inner := _said(value, each)) is not MISSING}
        case _:
            raise TypeError(f"a plan holds no {type(value).__name__}")


def _said(value: Any, each: Field[Any]) -> Any:
    """The field's value; MISSING where it only holds its default."""
    inner = getattr(value, each.name)
    default = each.default_factory() if each.default_factory is not MISSING else each.default
    return MISSING if default is not MISSING and inner == default else inner


def _exact(amount: Decimal) -> str:
    """Every digit, no exponent, no needless zeros: equal amounts are written alike."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
