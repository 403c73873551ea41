"""What paying, failing and falling due mean for the subscription behind an invoice, and for its customer."""

from connector.sandbox.stripe.world import Obj, World

ENDED = frozenset({"canceled", "incomplete_expired"})


def subscription_of(world: World, invoice: Obj) -> Obj | None:
    """The subscription an invoice bills, if it bills one."""
    parent = invoice["parent"]
    if not parent or not parent["subscription_details"]:
        return None
    return world.tables["subscription"].get(parent["subscription_details"]["subscription"])


def paid(world: World, invoice: Obj) -> None:
    """An invoice is settled: the subscription may be in order again, the customer is no longer delinquent.

    `delinquent` is cleared by any paid invoice, as at Stripe, which makes it useless as a health flag.
    """
    _set_delinquent(world, invoice, delinquent=False)
    subscription = subscription_of(world, invoice)
    if subscription is None:
        return
    waited = subscription["status"] == "incomplete"
    if waited or (subscription["status"] in {"past_due", "unpaid"} and not _owes(world, subscription)):
        _set_status(world, subscription, "active")


def failed(world: World, invoice: Obj) -> None:
    """An automatic payment failed: the subscription is past due, unless it never became active."""
    _set_delinquent(world, invoice, delinquent=True)
    subscription = subscription_of(world, invoice)
    if subscription and subscription["status"] in {"active", "trialing"}:
        _set_status(world, subscription, "past_due")


def retries_exhausted(world: World, invoice: Obj) -> None:
    """No further automatic attempt: do what the merchant has set for that."""
    subscription = subscription_of(world, invoice)
    if subscription is None or subscription["status"] in ENDED:
        return
    match world.settings.after_last_retry:
        case "cancel":
            end(world, subscription, reason="payment_failed")
        case "unpaid":
            _set_status(world, subscription, "unpaid")


def fell_due(world: World, invoice: Obj) -> None:
    """The due date passed with money owed. Without an automation Stripe sends no event of the invoice itself."""
    _set_delinquent(world, invoice, delinquent=True)
    subscription = subscription_of(world, invoice)
    if subscription and subscription["status"] == "active":
        _set_status(world, subscription, "past_due")
    if world.settings.overdue_automation:
        world.tell("invoice.overdue", invoice)


def end(world: World, subscription: Obj, reason: str = "cancellation_requested") -> None:
    """The subscription is over, now."""
    with world.changing(subscription):
        subscription.update(
            status="canceled",
            canceled_at=subscription["canceled_at"] or world.moment,
            ended_at=world.moment,
            cancellation_details={**(subscription["cancellation_details"] or {}), "reason": reason},
        )
    world.tell("customer.subscription.deleted", subscription)


def _set_status(world: World, subscription: Obj, status: str) -> None:
    with world.changing(subscription, "customer.subscription.updated"):
        subscription["status"] = status


def _set_delinquent(world: World, invoice: Obj, *, delinquent: bool) -> None:
    customer = world.tables["customer"].get(invoice["customer"])
    if customer is not None and customer["delinquent"] != delinquent:
        with world.changing(customer, "customer.updated"):
            customer["delinquent"] = delinquent


def _owes(world: World, subscription: Obj) -> bool:
    for invoice in world.all("invoice"):
        if invoice["status"] == "open" and subscription_of(world, invoice) is subscription:
            due = invoice["due_date"]
            if (due is not None and due <= world.moment) or (due is None and invoice["attempted"]):
                return True
    return False
