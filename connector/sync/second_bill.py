"""What an unheard-of attempt made before the deal was changed is a question for a person, never a second bill."""

from __future__ import annotations

from connector.domain.billing_plan import BillingPlan, MakeInvoice, MakeSubscription
from connector.domain.planning import INVOICE
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.ports import Services
from connector.sentences import billing_again as sentences


def refuse_a_second_bill(plan: BillingPlan, payer: RecordRef, services: Services) -> None:
    """Look at every customer that the deal may have been billed to before; each step's own ``find`` sees only what fits
    the deal as it is now: the same customer, recurring or not.

    Raises:
        CannotBill: something there bills the deal already.
    """
    deal = plan.deal
    steps = plan.billing_steps()
    with services.store.begin() as work:
        earlier = work.links.try_payer(deal, payer)
        if any(work.links.get(step.key) is not None for step in steps):
            return
    kinds = {INVOICE for step in steps if isinstance(step, MakeInvoice)}
    if any(isinstance(step, MakeSubscription) for step in steps):
        kinds |= {"subscription", "schedule"}
    for customer in earlier:
        for there in services.billing.made_for(deal, customer):
            if customer == payer and there.kind in kinds:
                continue
            raise CannotBill.because(
                sentences.BILLED_BEFORE_THE_CHANGE,
                ref=deal,
                field="deal.account" if customer != payer else "deal.line_items",
                kind=there.kind,
                id=there.id,
                customer=customer.id,
            )
