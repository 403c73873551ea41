"""Stripe's own preview of the next invoice is the one that was foreseen, to the minor unit."""

from __future__ import annotations

from datetime import date

import stripe
from hypothesis import HealthCheck, given, seed, settings

from connector.domain.billing_plan import Catalogue, MakeSubscription
from connector.domain.forecast import ForecastInvoice
from connector.domain.policy import BillingPolicy
from tests.shapes.agreement import Running, Tally, begin
from tests.shapes.random_deals import Batch, batches
from tests.shapes.stripe_in_process import StripeInProcess

_BATCHES = 15
_DEALS = 12  #: in each


@seed(1)
@settings(max_examples=_BATCHES, database=None, suppress_health_check=list(HealthCheck))
@given(batches(_DEALS))
def test_stripe_previews_what_is_foreseen(batch: Batch) -> None:
    stripe_now = StripeInProcess(batch.today)
    try:
        for running in begin(batch, stripe_now, Tally(), Catalogue(), BillingPolicy()):
            for step in running.plan.steps:
                if isinstance(step, MakeSubscription) and running.made[step.key].kind == "subscription":
                    _compare(step, running, stripe_now, batch.today)
    finally:
        stripe_now.close()


def _compare(step: MakeSubscription, running: Running, stripe_now: StripeInProcess, today: date) -> None:
    """As far as is foreseen, and until a schedule's next phase: a subscription's preview knows nothing of that."""
    coming = next((one for one in running.foreseen.invoices if one.step == step.key and one.day > today), None)
    phase_ends = step.phases[0].end if len(step.phases) > 1 else None
    if phase_ends is not None and (coming is None or coming.day >= phase_ends):
        return
    if coming is None and not step.ends:
        return
    told = _previewed(running.made[step.key].id, stripe_now)
    assert told == _amounts(coming), f"{step.key}: {step.phases}"


def _previewed(subscription: str, stripe_now: StripeInProcess) -> list[int] | None:
    try:
        shown = stripe_now.sdk.v1.invoices.create_preview({"subscription": subscription})
    except stripe.InvalidRequestError as error:
        if error.code != "invoice_upcoming_none":
            raise
        return None
    assert shown.total == sum(line.amount for line in shown.lines.data)
    return sorted(line.amount for line in shown.lines.data)


def _amounts(invoice: ForecastInvoice | None) -> list[int] | None:
    return None if invoice is None else sorted(line.amount or 0 for line in invoice.lines)
