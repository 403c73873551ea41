"""Payment methods: Stripe's own test cards and bank debits, attached to customers."""

from typing import Any

from connector.sandbox.stripe.calls import Call, answers
from connector.sandbox.stripe.errors import StripeRefusal
from connector.sandbox.stripe.lists import LIST_PARAMS, listed, same
from connector.sandbox.stripe.render import render
from connector.sandbox.stripe.rules import merged_metadata
from connector.sandbox.stripe.world import Obj, World

# Stripe's test payment methods (docs.stripe.com/testing): last four digits, and whether charges are declined.
TEST_CARDS = {
    "pm_card_visa": ("4242", False),
    "pm_card_mastercard": ("4444", False),
    "pm_card_chargeCustomerFail": ("0341", True),
    "pm_card_chargeDeclined": ("0002", True),
}


def attach(world: World, ident: str, customer: Obj, param: str) -> Obj:
    """The payment method, attached to the customer; a test card's name makes a new one."""
    method = _test_card(world, ident) if ident in TEST_CARDS else world.get("payment_method", ident, param)
    if method["customer"] not in {None, customer["id"]}:
        raise StripeRefusal("The payment method you provided has already been attached to a customer.", param=param)
    if method["customer"] is None:
        with world.changing(method):
            method["customer"] = customer["id"]
        world.tell("payment_method.attached", method)
    return method


@answers("POST /v1/payment_methods", "type", "card", "metadata", "billing_details", "us_bank_account", "sepa_debit")
def create_payment_method(world: World, call: Call) -> Obj:
    kind = call.params.get("type")
    if kind is None:
        raise StripeRefusal("Missing required param: type.", param="type", code="parameter_missing")
    if kind != "card":
        raise StripeRefusal(f"The sandbox does not simulate payment methods of type {kind}.", param="type")
    token = call.params.get("card", {}).get("token", "")
    name = token.replace("tok_", "pm_card_")
    if name not in TEST_CARDS:
        raise StripeRefusal(
            "Sending credit card numbers directly to the Stripe API is generally unsafe; use a test token such "
            "as tok_visa.",
            param="card[token]",
        )
    method = _test_card(world, name)
    method["metadata"] = merged_metadata({}, call.params.get("metadata"))
    return render(world, method, call.expand)


@answers("GET /v1/payment_methods/{payment_method}")
def retrieve_payment_method(world: World, call: Call) -> Obj:
    return render(world, world.get("payment_method", call.id), call.expand)


@answers("GET /v1/payment_methods", *LIST_PARAMS, "customer", "type")
def list_payment_methods(world: World, call: Call) -> Obj:
    found = same(world.all("payment_method"), call.params, "customer", "type")
    return listed(world, call, found, "/v1/payment_methods")


@answers("GET /v1/customers/{customer}/payment_methods", *LIST_PARAMS, "type")
def list_customer_payment_methods(world: World, call: Call) -> Obj:
    customer = world.get("customer", call.id)
    found = (one for one in world.all("payment_method") if one["customer"] == customer["id"])
    url = f"/v1/customers/{customer['id']}/payment_methods"
    return listed(world, call, same(found, call.params, "type"), url)


@answers("POST /v1/payment_methods/{payment_method}/attach", "customer")
def attach_payment_method(world: World, call: Call) -> Obj:
    if "customer" not in call.params:
        raise StripeRefusal("Missing required param: customer.", param="customer", code="parameter_missing")
    customer = world.get("customer", call.params["customer"], "customer")
    return render(world, attach(world, call.id, customer, "payment_method"), call.expand)


@answers("POST /v1/payment_methods/{payment_method}/detach")
def detach_payment_method(world: World, call: Call) -> Obj:
    method = world.get("payment_method", call.id)
    with world.changing(method):
        method["customer"] = None
    for customer in world.all("customer"):
        if customer["invoice_settings"]["default_payment_method"] == method["id"]:
            with world.changing(customer, "customer.updated"):
                customer["invoice_settings"]["default_payment_method"] = None
    world.tell("payment_method.detached", method)
    return render(world, method, call.expand)


def _test_card(world: World, name: str) -> Obj:
    last4, declined = TEST_CARDS[name]
    blank: dict[str, Any] = world.document.blank("PaymentMethod.Card")
    card = {
        **blank,
        "brand": "mastercard" if last4 == "4444" else "visa",
        "exp_month": 12,
        "exp_year": 2040,
        "funding": "credit",
        "country": "US",
        "last4": last4,
    }
    details = {**world.document.blank("PaymentMethod.BillingDetails")}
    method = world.new(
        "payment_method", type="card", card=card, billing_details=details, metadata={}, _declined=declined
    )
    return world.add(method)
