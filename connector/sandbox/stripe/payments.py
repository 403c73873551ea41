"""Money moving: payment intents, charges, attempts and the payments of an invoice."""

from typing import Any

from connector.sandbox.stripe import standing
from connector.sandbox.stripe.agenda import plan
from connector.sandbox.stripe.calendar import DAY
from connector.sandbox.stripe.errors import StripeRefusal
from connector.sandbox.stripe.world import Obj, World

DECLINED = "Your card was declined."
NO_METHOD = (
    "This customer has no attached payment source or default payment method. Please consider adding a default "
    "payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting"
)


def open_payment(world: World, invoice: Obj) -> None:
    """A finalised invoice gets the payment intent by which it will be paid in full."""
    intent = _new_intent(world, invoice, invoice["amount_remaining"])
    world.tell("payment_intent.created", intent)
    invoice["_payment_intent"] = intent["id"]
    _new_invoice_payment(world, invoice, intent, intent["amount"], is_default=True)


def pay(world: World, invoice: Obj, amount: int | None = None, method: str = "card") -> Obj:
    """Money arrives for an open invoice: all of what remains, part of it, or too much; returns the charge."""
    remaining = invoice["amount_remaining"]
    amount = remaining if amount is None else amount
    if amount <= 0:
        raise StripeRefusal("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    default = default_payment(world, invoice)
    if amount >= remaining and default is not None:
        intent = world.tables["payment_intent"][default["payment"]["payment_intent"]]
        payment = default
    else:
        intent = _new_intent(world, invoice, amount)
        payment = _new_invoice_payment(world, invoice, intent, amount, is_default=False)
        _lower_default(world, default, min(amount, remaining))
    charge = _succeed(world, invoice, intent, min(amount, remaining), method)
    _book(world, payment, min(amount, remaining))
    credit_payment(world, invoice, amount)
    return charge


def credit_payment(world: World, invoice: Obj, amount: int, *, off_stripe: bool = False) -> None:
    """Lower what remains; at zero the invoice is paid."""
    counted = min(amount, invoice["amount_remaining"])
    with world.changing(invoice, "invoice.updated"):
        invoice["amount_paid"] += counted
        invoice["amount_remaining"] -= counted
        invoice["amount_overpaid"] += amount - counted
        invoice["attempted"] = True
        if off_stripe:
            invoice["amount_paid_off_stripe"] = (invoice["amount_paid_off_stripe"] or 0) + counted
        if invoice["amount_remaining"] == 0:
            mark_paid(world, invoice)
    if amount > counted:
        _credit_customer(world, invoice, amount - counted)
        world.tell("invoice.overpaid", invoice)
    if invoice["status"] == "paid":
        tell_paid(world, invoice, off_stripe=off_stripe)


def mark_paid(world: World, invoice: Obj) -> None:
    """Set the fields of a settled invoice; the caller sends the events."""
    invoice.update(status="paid", next_payment_attempt=None, auto_advance=False)
    invoice["status_transitions"] = {**invoice["status_transitions"], "paid_at": world.moment}


def tell_paid(world: World, invoice: Obj, *, off_stripe: bool = False) -> None:
    """The events of a settled invoice, and what follows for its subscription."""
    world.tell("invoice.paid", invoice)
    if not off_stripe:
        world.tell("invoice.payment_succeeded", invoice)
    standing.paid(world, invoice)


def pay_out_of_band(world: World, invoice: Obj) -> None:
    """The merchant says that it was paid elsewhere: the intent is cancelled, nothing is charged."""
    cancel_payment(world, invoice)
    credit_payment(world, invoice, invoice["amount_remaining"], off_stripe=True)


def attach_record(world: World, invoice: Obj, record: Obj) -> None:
    """A payment reported from outside Stripe settles what it can of an invoice."""
    amount = min(record["amount"]["value"], invoice["amount_remaining"])
    _lower_default(world, default_payment(world, invoice), amount)
    payment = world.new(
        "invoice_payment",
        amount_requested=amount,
        currency=invoice["currency"],
        invoice=invoice["id"],
        is_default=False,
        payment={"type": "payment_record", "payment_record": record["id"]},
        status="open",
        status_transitions={"canceled_at": None, "paid_at": None},
    )
    _book(world, world.add(payment), amount)
    if amount == invoice["amount_remaining"]:
        cancel_payment(world, invoice)
    credit_payment(world, invoice, amount, off_stripe=True)


def cancel_payment(world: World, invoice: Obj) -> None:
    """Nothing more will be charged for this invoice."""
    payment = default_payment(world, invoice)
    if payment is None:
        return
    with world.changing(payment):
        payment["status"] = "canceled"
        payment["status_transitions"] = {"canceled_at": world.moment, "paid_at": None}
    intent = world.tables["payment_intent"][payment["payment"]["payment_intent"]]
    with world.changing(intent):
        intent.update(status="canceled", canceled_at=world.moment, cancellation_reason="void_invoice")
    world.tell("payment_intent.canceled", intent)


def attempt(world: World, invoice: Obj, *, automatic: bool, method: str | None = None) -> StripeRefusal | None:
    """Try to charge what remains; returns why it failed, with the failure already booked, or None."""
    chosen = _method_for(world, invoice, method)
    if chosen is None:
        refusal = StripeRefusal(NO_METHOD, code="resource_missing", status=400)
        if automatic:
            fail(world, invoice, refusal, automatic=True)
        return refusal
    customer = world.tables["customer"][invoice["customer"]]
    declining = customer.get("_declines", 0) > 0
    if declining:
        with world.changing(customer):
            customer["_declines"] -= 1
    if declining or chosen["_declined"]:
        refusal = StripeRefusal(
            DECLINED, status=402, kind="card_error", code="card_declined", decline_code="generic_decline"
        )
        fail(world, invoice, refusal, automatic=automatic)
        return refusal
    if automatic or invoice["attempt_count"] == 0:  # later tries by hand do not count
        with world.changing(invoice):
            invoice["attempt_count"] += 1
    pay(world, invoice)
    return None


def fail(world: World, invoice: Obj, refusal: StripeRefusal, *, automatic: bool) -> None:
    """Book a failed attempt and, if it was an automatic one, plan the next."""
    payment = default_payment(world, invoice)
    if payment is not None and refusal.status == 402:
        intent = world.tables["payment_intent"][payment["payment"]["payment_intent"]]
        _failed_charge(world, invoice, intent, refusal)
    again = _next_attempt(world, invoice) if automatic else invoice["next_payment_attempt"]
    with world.changing(invoice, "invoice.updated"):
        invoice["attempted"] = True
        if automatic or invoice["attempt_count"] == 0:
            invoice["attempt_count"] += 1
        invoice["next_payment_attempt"] = again
    world.tell("invoice.payment_failed", invoice)
    standing.failed(world, invoice)
    if automatic and again is not None:
        plan(world, again, "retry", invoice["id"])
    elif automatic:
        standing.retries_exhausted(world, invoice)


def default_payment(world: World, invoice: Obj) -> Obj | None:
    """The open payment by which what remains of an invoice would be settled."""
    for payment in world.all("invoice_payment"):
        if payment["invoice"] == invoice["id"] and payment["is_default"] and payment["status"] == "open":
            return payment
    return None


def _next_attempt(world: World, invoice: Obj) -> int | None:
    pauses = world.settings.retry_days
    done = invoice["attempt_count"]
    first_invoice = invoice["billing_reason"] == "subscription_create"
    if done >= len(pauses) or first_invoice:
        return None
    return world.moment + pauses[done] * DAY


def _method_for(world: World, invoice: Obj, asked: str | None) -> Obj | None:
    subscription = standing.subscription_of(world, invoice)
    customer = world.tables["customer"][invoice["customer"]]
    candidates = (
        asked,
        invoice["default_payment_method"],
        subscription["default_payment_method"] if subscription else None,
        customer["invoice_settings"]["default_payment_method"],
    )
    ident = next((one for one in candidates if one), None)
    return world.get("payment_method", ident, "payment_method") if ident else None


def _new_intent(world: World, invoice: Obj, amount: int) -> Obj:
    intent = world.new(
        "payment_intent",
        amount=amount,
        amount_capturable=0,
        amount_received=0,
        capture_method="automatic",
        confirmation_method="automatic",
        currency=invoice["currency"],
        customer=invoice["customer"],
        description=f"Payment for Invoice {invoice['number']}",
        metadata={},
        payment_method_types=["card"],
        status="requires_payment_method",
    )
    intent["client_secret"] = f"{intent['id']}_secret_sandbox"
    return world.add(intent)


def _new_invoice_payment(world: World, invoice: Obj, intent: Obj, amount: int, *, is_default: bool) -> Obj:
    payment = world.new(
        "invoice_payment",
        amount_requested=amount,
        currency=invoice["currency"],
        invoice=invoice["id"],
        is_default=is_default,
        payment={"type": "payment_intent", "payment_intent": intent["id"]},
        status="open",
        status_transitions={"canceled_at": None, "paid_at": None},
    )
    return world.add(payment)


def _lower_default(world: World, default: Obj | None, amount: int) -> None:
    if default is None:
        return
    with world.changing(default):
        default["amount_requested"] -= amount
    intent = world.tables["payment_intent"][default["payment"]["payment_intent"]]
    with world.changing(intent):
        intent["amount"] -= amount


def _succeed(world: World, invoice: Obj, intent: Obj, amount: int, method: str) -> Obj:
    charge = _new_charge(world, invoice, intent, amount, paid=True, status="succeeded")
    charge["payment_method_details"] = _details(world, method)
    world.add(charge, "charge.succeeded")
    with world.changing(intent):
        intent.update(
            amount=amount,
            amount_received=amount,
            latest_charge=charge["id"],
            status="succeeded",
            last_payment_error=None,
        )
    world.tell("payment_intent.succeeded", intent)
    return charge


def _failed_charge(world: World, invoice: Obj, intent: Obj, refusal: StripeRefusal) -> None:
    charge = _new_charge(world, invoice, intent, intent["amount"], paid=False, status="failed")
    charge.update(
        amount_captured=0, captured=False, failure_code=refusal.error["code"], failure_message=refusal.message
    )
    world.add(charge, "charge.failed")
    error = {
        **world.document.blank("PaymentIntent.LastPaymentError"),
        "type": "card_error",
        "code": refusal.error["code"],
        "decline_code": refusal.error.get("decline_code"),
        "message": refusal.message,
        "charge": charge["id"],
    }
    with world.changing(intent):
        intent.update(latest_charge=charge["id"], last_payment_error=error)
    refusal.error.update(charge=charge["id"])
    world.tell("payment_intent.payment_failed", intent)


def _new_charge(world: World, invoice: Obj, intent: Obj, amount: int, **fields: Any) -> Obj:
    return world.new(
        "charge",
        amount=amount,
        amount_captured=amount,
        amount_refunded=0,
        billing_details={**world.document.blank("Charge.BillingDetails")},
        captured=True,
        currency=invoice["currency"],
        customer=invoice["customer"],
        disputed=False,
        metadata={},
        payment_intent=intent["id"],
        refunded=False,
        _invoice=invoice["id"],
        **fields,
    )


def _details(world: World, method: str) -> Obj:
    kind = "customer_balance" if method == "bank_transfer" else "card"
    return {**world.document.blank("Charge.PaymentMethodDetails"), "type": kind}


def _book(world: World, payment: Obj, amount: int) -> None:
    with world.changing(payment):
        payment.update(amount_paid=amount, amount_requested=amount, status="paid")
        payment["status_transitions"] = {"canceled_at": None, "paid_at": world.moment}
    world.tell("invoice_payment.paid", payment)


def _credit_customer(world: World, invoice: Obj, amount: int) -> None:
    customer = world.tables["customer"][invoice["customer"]]
    with world.changing(customer, "customer.updated"):
        customer["balance"] -= amount
