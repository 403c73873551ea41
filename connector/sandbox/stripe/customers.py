"""Customers and their tax ids."""

from typing import Any

from connector.sandbox.stripe.calls import Call, answers, copied
from connector.sandbox.stripe.errors import StripeRefusal
from connector.sandbox.stripe.lists import LIST_PARAMS, listed, same, within
from connector.sandbox.stripe.payment_methods import attach
from connector.sandbox.stripe.render import render
from connector.sandbox.stripe.rules import at_most, check_email, custom_fields, merged_metadata
from connector.sandbox.stripe.world import Obj, World

_TEXTS = ("business_name", "description", "email", "individual_name", "name", "phone", "tax_exempt")
_FIELDS = (*_TEXTS, "address", "balance", "invoice_prefix", "next_invoice_sequence", "preferred_locales", "shipping")
_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
_ALSO = ("invoice_settings", "metadata", "tax")


@answers("POST /v1/customers", *_FIELDS, *_ALSO, "payment_method", "tax_id_data")
def create_customer(world: World, call: Call) -> Obj:
    params = call.params
    _check(params)
    prefix = params.get("invoice_prefix") or world.new_id("customer")[4:12].upper()
    customer = world.new(
        "customer",
        balance=0,
        delinquent=False,
        preferred_locales=[],
        tax_exempt="none",
        metadata=merged_metadata({}, params.get("metadata")),
        next_invoice_sequence=1,
        invoice_settings={
            **world.document.blank("Customer.InvoiceSettings"),
            "default_payment_method": None,
        },
        _sequence_used=0,
    )
    customer.update(_given(world, params, customer), invoice_prefix=prefix)
    world.add(customer)
    if params.get("payment_method"):
        attach(world, params["payment_method"], customer, "payment_method")
    for n, data in enumerate(params.get("tax_id_data", [])):
        _check_tax_id(data, f"tax_id_data[{n}]")
    world.tell("customer.created", customer)
    for data in params.get("tax_id_data", []):
        _add_tax_id(world, customer, data)
    return render(world, customer, call.expand)


@answers("GET /v1/customers/{customer}")
def retrieve_customer(world: World, call: Call) -> Obj:
    customer = world.tables["customer"].get(call.id)
    if customer is not None and customer.get("_gone"):
        return {"id": customer["id"], "object": "customer", "deleted": True}
    return render(world, world.get("customer", call.id), call.expand)


@answers("POST /v1/customers/{customer}", *_FIELDS, *_ALSO)
def update_customer(world: World, call: Call) -> Obj:
    customer = world.get("customer", call.id)
    _check(call.params)
    with world.changing(customer, "customer.updated"):
        customer.update(_given(world, call.params, customer))
        customer["metadata"] = merged_metadata(customer["metadata"], call.params.get("metadata"))
    return render(world, customer, call.expand)


@answers("DELETE /v1/customers/{customer}")
def delete_customer(world: World, call: Call) -> Obj:
    customer = world.get("customer", call.id)
    for subscription in world.all("subscription"):
        if subscription["customer"] == customer["id"]:
            _end_with_customer(world, subscription)
    world.tell("customer.deleted", customer)
    with world.changing(customer):
        customer["_gone"] = True
    return {"id": customer["id"], "object": "customer", "deleted": True}


@answers("GET /v1/customers", *LIST_PARAMS, "created", "email")
def list_customers(world: World, call: Call) -> Obj:
    found = (customer for customer in world.all("customer") if not customer.get("_gone"))
    chosen = within(same(found, call.params, "email"), call.params, "created")
    return listed(world, call, chosen, "/v1/customers")


@answers("POST /v1/customers/{customer}/tax_ids", "type", "value")
def create_tax_id(world: World, call: Call) -> Obj:
    customer = world.get("customer", call.id)
    _check_tax_id(call.params, "")
    return render(world, _add_tax_id(world, customer, call.params), call.expand)


@answers("GET /v1/customers/{customer}/tax_ids", *LIST_PARAMS)
def list_tax_ids(world: World, call: Call) -> Obj:
    customer = world.get("customer", call.id)
    found = (one for one in world.all("tax_id") if one["customer"] == customer["id"])
    return listed(world, call, found, f"/v1/customers/{customer['id']}/tax_ids")


@answers("GET /v1/customers/{customer}/tax_ids/{id}")
def retrieve_tax_id(world: World, call: Call) -> Obj:
    return render(world, world.get("tax_id", call.id), call.expand)


@answers("DELETE /v1/customers/{customer}/tax_ids/{id}")
def delete_tax_id(world: World, call: Call) -> Obj:
    tax_id = world.get("tax_id", call.id)
    world.remove(tax_id, "customer.tax_id.deleted")
    return {"id": tax_id["id"], "object": "tax_id", "deleted": True}


def _check(params: dict[str, Any]) -> None:
    check_email(params.get("email"))
    at_most(params.get("business_name"), 150, "business_name")
    at_most(params.get("individual_name"), 150, "individual_name")
    at_most(params.get("name"), 256, "name")
    at_most(params.get("phone"), 20, "phone")
    prefix = params.get("invoice_prefix")
    if prefix is not None and not (prefix.isascii() and prefix.isalnum() and prefix.isupper() and len(prefix) <= 12):
        raise StripeRefusal("Invoice prefix must be 1 to 12 uppercase letters or numbers.", param="invoice_prefix")
    for holder in ("address", "shipping"):
        given = params.get(holder) or {}
        address = given.get("address", {}) if holder == "shipping" else given
        country = address.get("country")
        if country and not (len(country) == 2 and country.isalpha()):
            raise StripeRefusal(
                f"Country '{country}' is unknown. Try using a 2-character alphanumeric country code instead, "
                "such as 'US', 'EG', or 'GB'.",
                param=f"{holder}[country]",
                code="country_unsupported",
            )


def _given(world: World, params: dict[str, Any], customer: Obj) -> Obj:
    out = copied(params, *_FIELDS)
    if out.get("address"):
        out["address"] = {key: out["address"].get(key) or None for key in _ADDRESS}
    if out.get("shipping"):
        shipping = world.document.blank("Customer.Shipping") | out["shipping"]
        shipping["address"] = {key: shipping["address"].get(key) or None for key in _ADDRESS}
        out["shipping"] = shipping
    if "invoice_settings" in params:
        out["invoice_settings"] = {**customer["invoice_settings"], **_invoice_settings(world, params)}
    return out


def _invoice_settings(world: World, params: dict[str, Any]) -> Obj:
    given = params["invoice_settings"]
    out = copied(given, "footer", "default_payment_method")
    if "custom_fields" in given:
        out["custom_fields"] = custom_fields(given["custom_fields"], "invoice_settings[custom_fields]")
    if out.get("default_payment_method"):
        world.get("payment_method", out["default_payment_method"], "invoice_settings[default_payment_method]")
    if given.get("rendering_options"):
        blank = world.document.blank("Customer.InvoiceSettings.RenderingOptions")
        out["rendering_options"] = blank | given["rendering_options"]
    return out


def _check_tax_id(data: dict[str, Any], param: str) -> None:
    value = data["value"].replace(" ", "")
    if data["type"] == "eu_vat" and not (4 <= len(value) <= 14 and value[:2].isalpha()):
        raise StripeRefusal(
            "Invalid value for eu_vat.", param=f"{param}[value]" if param else "value", code="tax_id_invalid"
        )


def _add_tax_id(world: World, customer: Obj, data: dict[str, Any]) -> Obj:
    tax_id = world.new(
        "tax_id",
        customer=customer["id"],
        country=data["value"][:2].upper() if data["type"] == "eu_vat" else None,
        type=data["type"],
        value=data["value"],
        owner={**world.document.blank("TaxId.Owner"), "type": "customer", "customer": customer["id"]},
        verification={"status": "pending", "verified_address": None, "verified_name": None},
    )
    return world.add(tax_id, "customer.tax_id.created")


def _end_with_customer(world: World, subscription: Obj) -> None:
    if subscription["status"] in {"canceled", "incomplete_expired"}:
        return
    with world.changing(subscription):
        subscription.update(status="canceled", canceled_at=world.moment, ended_at=world.moment)
    world.tell("customer.subscription.deleted", subscription)
