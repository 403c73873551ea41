"""The calls about money that moved: invoice payments, intents, charges, refunds, disputes, payment records."""

from typing import Any

from connector.sandbox.stripe.calendar import DAY
from connector.sandbox.stripe.calls import Call, answers
from connector.sandbox.stripe.errors import StripeRefusal, required
from connector.sandbox.stripe.lists import LIST_PARAMS, listed, same, within
from connector.sandbox.stripe.money import check_amount, currency_of
from connector.sandbox.stripe.render import render
from connector.sandbox.stripe.rules import merged_metadata
from connector.sandbox.stripe.world import Obj, World


@answers("GET /v1/invoice_payments", *LIST_PARAMS, "created", "invoice", "payment", "status")
def list_invoice_payments(world: World, call: Call) -> Obj:
    params = call.params
    found = within(same(world.all("invoice_payment"), params, "invoice", "status"), params, "created")
    asked = params.get("payment")
    if asked:
        kind = asked["type"]
        if kind not in asked:
            raise required(f"payment[{kind}]")
        found = (one for one in found if one["payment"].get(kind) == asked[kind])
    return listed(world, call, found, "/v1/invoice_payments")


@answers("GET /v1/invoice_payments/{invoice_payment}")
def retrieve_invoice_payment(world: World, call: Call) -> Obj:
    return render(world, world.get("invoice_payment", call.id), call.expand)


@answers("GET /v1/payment_intents/{intent}")
def retrieve_payment_intent(world: World, call: Call) -> Obj:
    return render(world, world.get("payment_intent", call.id), call.expand)


@answers("GET /v1/payment_intents", *LIST_PARAMS, "created", "customer")
def list_payment_intents(world: World, call: Call) -> Obj:
    found = within(same(world.all("payment_intent"), call.params, "customer"), call.params, "created")
    return listed(world, call, found, "/v1/payment_intents")


@answers("GET /v1/charges/{charge}")
def retrieve_charge(world: World, call: Call) -> Obj:
    return render(world, world.get("charge", call.id), call.expand)


@answers("GET /v1/charges", *LIST_PARAMS, "created", "customer", "payment_intent")
def list_charges(world: World, call: Call) -> Obj:
    found = same(world.all("charge"), call.params, "customer", "payment_intent")
    return listed(world, call, within(found, call.params, "created"), "/v1/charges")


@answers("POST /v1/refunds", "amount", "charge", "metadata", "payment_intent", "reason")
def create_refund(world: World, call: Call) -> Obj:
    made = refund(world, call.params)
    return render(world, made, call.expand)


@answers("GET /v1/refunds/{refund}")
def retrieve_refund(world: World, call: Call) -> Obj:
    return render(world, world.get("refund", call.id), call.expand)


@answers("GET /v1/refunds", *LIST_PARAMS, "charge", "created", "payment_intent")
def list_refunds(world: World, call: Call) -> Obj:
    found = same(world.all("refund"), call.params, "charge", "payment_intent")
    return listed(world, call, within(found, call.params, "created"), "/v1/refunds")


@answers("GET /v1/disputes/{dispute}")
def retrieve_dispute(world: World, call: Call) -> Obj:
    return render(world, world.get("dispute", call.id), call.expand)


@answers("GET /v1/disputes", *LIST_PARAMS, "charge", "created", "payment_intent")
def list_disputes(world: World, call: Call) -> Obj:
    found = same(world.all("dispute"), call.params, "charge", "payment_intent")
    return listed(world, call, within(found, call.params, "created"), "/v1/disputes")


@answers("POST /v1/disputes/{dispute}/close")
def accept_dispute(world: World, call: Call) -> Obj:
    dispute = world.get("dispute", call.id)
    close_dispute(world, dispute, won=False)
    return render(world, dispute, call.expand)


@answers(
    "POST /v1/payment_records/report_payment",
    *("amount_requested", "customer_details", "description", "guaranteed", "initiated_at", "metadata", "outcome"),
    *("payment_method_details", "processor_details"),
)
def report_payment(world: World, call: Call) -> Obj:
    params = call.params
    asked = params["amount_requested"]
    currency = currency_of(asked["currency"], "amount_requested[currency]")
    value = check_amount(asked["value"], currency, "amount_requested[value]")
    if params.get("outcome") != "guaranteed":
        raise StripeRefusal(
            "The sandbox only simulates reported payments whose outcome is guaranteed.", param="outcome"
        )
    full, none = {"currency": currency, "value": value}, {"currency": currency, "value": 0}
    record = world.new(
        "payment_record",
        amount=full,
        amount_authorized=none,
        amount_canceled=none,
        amount_failed=none,
        amount_guaranteed=full,
        amount_refunded=none,
        amount_requested=full,
        description=params.get("description"),
        metadata=merged_metadata({}, params.get("metadata")),
        processor_details={"type": "custom", "custom": {"payment_reference": None}},
        reported_by="self",
    )
    return render(world, world.add(record), call.expand)


@answers("GET /v1/payment_records/{id}")
def retrieve_payment_record(world: World, call: Call) -> Obj:
    return render(world, world.get("payment_record", call.id), call.expand)


def refund(world: World, params: dict[str, Any]) -> Obj:
    """Give money back. The invoice stays paid: Stripe never reopens it."""
    charge = _charge_to_refund(world, params)
    left = charge["amount"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if not 0 < amount <= left:
        code = "charge_already_refunded" if left == 0 else None
        raise StripeRefusal(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount", code=code
        )
    made = world.new(
        "refund",
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        metadata=merged_metadata({}, params.get("metadata")),
        payment_intent=charge["payment_intent"],
        reason=params.get("reason"),
        status="succeeded",
    )
    world.add(made, "refund.created")
    with world.changing(charge):
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    world.tell("charge.refunded", charge)
    return made


def open_dispute(world: World, charge: Obj, reason: str = "general", amount: int | None = None) -> Obj:
    """The customer's bank takes the money back for now."""
    if charge["disputed"]:
        raise StripeRefusal("This charge has already been disputed.", param="charge")
    evidence = world.document.blank("Dispute.Evidence")
    dispute = world.new(
        "dispute",
        amount=amount or charge["amount"],
        balance_transactions=[],
        charge=charge["id"],
        currency=charge["currency"],
        enhanced_eligibility_types=[],
        evidence={**evidence, "enhanced_evidence": {}},
        evidence_details={
            "due_by": world.moment + 7 * DAY,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        is_charge_refundable=False,
        metadata={},
        payment_intent=charge["payment_intent"],
        reason=reason,
        status="needs_response",
    )
    with world.changing(charge):
        charge["disputed"] = True
    world.add(dispute, "charge.dispute.created")
    world.tell("charge.dispute.funds_withdrawn", dispute)
    return dispute


def close_dispute(world: World, dispute: Obj, *, won: bool) -> None:
    """The bank has decided; a lost dispute leaves the invoice paid all the same."""
    if dispute["status"] in {"won", "lost"}:
        raise StripeRefusal("This dispute is already closed.", param="dispute")
    with world.changing(dispute, "charge.dispute.updated"):
        dispute["status"] = "won" if won else "lost"
    if won:
        world.tell("charge.dispute.funds_reinstated", dispute)
    world.tell("charge.dispute.closed", dispute)


def _charge_to_refund(world: World, params: dict[str, Any]) -> Obj:
    if "charge" in params:
        return world.get("charge", params["charge"], "charge")
    if "payment_intent" not in params:
        raise required("payment_intent")
    intent = world.get("payment_intent", params["payment_intent"], "payment_intent")
    if intent["status"] != "succeeded":
        raise StripeRefusal(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            param="payment_intent",
        )
    return world.get("charge", intent["latest_charge"], "payment_intent")
