"""What a plan has just billed goes out at once: every first invoice, and every invoice that is nobody's but ours."""

from __future__ import annotations

from connector.domain.billing_plan import MakeInvoice, MakeSubscription
from connector.domain.plan_document import KINDS
from connector.errors import NeedsHuman
from connector.ports import DealPlan, Services


def release_invoices(plan: DealPlan, services: Services) -> None:
    """Send the first invoice of each subscription and each invoice of the plan; a second call changes nothing.

    Raises:
        NeedsHuman: one does not come to what the plan says; it is held, and all the others are sent all the same.
        RetryLater: from billing.
    """
    with services.store.begin() as work:
        filled = work.links.of(plan.deal)
    wrong: list[NeedsHuman] = []
    for step in plan.document["steps"]:
        made = filled.get(str(step["key"]).removeprefix(f"{plan.deal}/"))
        expected = _EXPECTED.get(step["kind"])
        if made is None or expected is None:
            continue
        try:
            services.billing.release_first_invoice(made, step.get(expected))
        except NeedsHuman as error:
            wrong.append(error)
    if wrong:
        raise wrong[0]


_EXPECTED = {KINDS[MakeSubscription]: "first_invoice", KINDS[MakeInvoice]: "total"}
"""The kinds of steps that an invoice comes of at once, and where they say what it must come to."""
