"""An agreed change as plain JSON and back: the very steps that a person agreed to."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from connector.domain.billing_plan import BillingPlan, Step
from connector.domain.plan_document import KINDS
from connector.domain.refs import RecordRef
from connector.ports import AgreedChange

_STEPS: dict[str, TypeAdapter[Step]] = {kind: TypeAdapter(step) for step, kind in KINDS.items()}


def to_json(change: AgreedChange | None) -> dict[str, Any] | None:
    """As JSON values; ``from_json`` gives an equal change."""
    if change is None:
        return None
    steps = [
        {"kind": KINDS[type(step)], "step": _STEPS[KINDS[type(step)]].dump_python(step, mode="json")}
        for step in change.plan.steps
    ]
    return {"steps": steps, "notes": list(change.plan.notes), "customer": str(change.customer)}


def from_json(kept: dict[str, Any] | None, deal: RecordRef) -> AgreedChange | None:
    """The change as it was agreed to."""
    if kept is None:
        return None
    steps = tuple(_STEPS[each["kind"]].validate_python(each["step"]) for each in kept["steps"])
    return AgreedChange(BillingPlan(deal, steps, tuple(kept["notes"])), RecordRef.parse(kept["customer"]))
