"""The lines of a subscription's very first invoice: a trial, time that has already passed, the first period."""

from fractions import Fraction
from itertools import pairwise

from connector.sandbox.stripe.errors import StripeRefusal
from connector.sandbox.stripe.lines import amount_over, cycles_over, full_amount, is_metered, item_line
from connector.sandbox.stripe.world import Obj, World

_MOST_LINES = 250


def opening_lines(world: World, subscription: Obj, item: Obj) -> list[Obj]:
    """What an item is billed when its subscription starts.

    In flexible billing mode a backdated start makes one line for each billing period that has passed, in classic
    mode a single prorated one (docs.stripe.com/billing/subscriptions/backdating).
    """
    now, end = world.moment, item["current_period_end"]
    if subscription["status"] == "trialing":
        return [item_line(world, item, (now, end), Fraction(0), text="Trial period")]
    if is_metered(world, item):
        return []
    anchor, prorates = subscription["billing_cycle_anchor"], subscription["_prorates"]
    if anchor > now and not prorates:
        return [item_line(world, item, (now, end), Fraction(0), proration=True)]
    start = min(now, subscription["start_date"]) if prorates else now
    if subscription["billing_mode"]["type"] == "flexible":
        parts = list(cycles_over(world, item, anchor, (start, end)))
    else:
        edges = [start, end] if anchor > now or start == now else [start, now, end]
        parts = [(span, amount_over(world, item, anchor, span)) for span in pairwise(edges)]
    if len(parts) > _MOST_LINES:
        raise StripeRefusal(
            f"Backdating is not supported for an invoice of more than {_MOST_LINES} lines.", param="backdate_start_date"
        )
    whole = full_amount(world, item)
    return [item_line(world, item, span, exact, proration=exact != whole) for span, exact in parts]
