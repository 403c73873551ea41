"""The calls about invoices."""

from typing import Any

from connector.sandbox.stripe import invoices, payments
from connector.sandbox.stripe.calendar import DAY
from connector.sandbox.stripe.calls import Call, answers, copied
from connector.sandbox.stripe.discounts import new_discounts
from connector.sandbox.stripe.errors import StripeRefusal, required
from connector.sandbox.stripe.lists import LIST_PARAMS, listed, same, within
from connector.sandbox.stripe.money import currency_of
from connector.sandbox.stripe.render import render
from connector.sandbox.stripe.rules import custom_fields, merged_metadata, only_one
from connector.sandbox.stripe.standing import subscription_of
from connector.sandbox.stripe.terms import check_collection
from connector.sandbox.stripe.world import Obj, World

_FIELDS = ("auto_advance", "automatically_finalizes_at", "collection_method", "default_payment_method")
_TEXTS = ("description", "effective_at", "footer", "number", "statement_descriptor")
_ALSO = ("automatic_tax", "custom_fields", "days_until_due", "discounts", "due_date", "metadata", "payment_settings")


@answers(
    "POST /v1/invoices",
    *(*_FIELDS, *_TEXTS, *_ALSO),
    *("currency", "customer", "pending_invoice_items_behavior", "subscription"),
)
def create_invoice(world: World, call: Call) -> Obj:
    params = call.params
    if "customer" not in params:
        raise required("customer")
    customer = world.get("customer", params["customer"], "customer")
    subscription = None
    if "subscription" in params:
        subscription = world.get("subscription", params["subscription"], "subscription")
    currency = _currency(world, params, customer, subscription)
    invoice = invoices.new_invoice(world, customer, currency, "manual", auto_advance=False)
    if subscription:
        details = {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]}
        details["subscription_proration_date"] = None
        invoice["parent"] = {
            "type": "subscription_details",
            "quote_details": None,
            "subscription_details": details,
        }
    _apply(world, invoice, params, is_new=True)
    include = params.get("pending_invoice_items_behavior", "exclude") == "include"
    if subscription or include:
        ident = subscription["id"] if subscription else None
        invoices.take_pending(world, invoice, ident, only_its_own=bool(subscription) and not include)
    if subscription and not invoice["_lines"]:
        raise StripeRefusal(
            "Nothing to invoice for subscription", code="invoice_no_subscription_line_items", param="subscription"
        )
    return render(world, invoices.keep_draft(world, invoice), call.expand)


@answers("GET /v1/invoices/{invoice}")
def retrieve_invoice(world: World, call: Call) -> Obj:
    return render(world, world.get("invoice", call.id), call.expand)


@answers("POST /v1/invoices/{invoice}", *_FIELDS, *_TEXTS, *_ALSO)
def update_invoice(world: World, call: Call) -> Obj:
    invoice, params = world.get("invoice", call.id), call.params
    frozen = set(params) - {"metadata", "expand", "auto_advance", "default_payment_method", "payment_settings"}
    if invoice["status"] != "draft" and frozen:
        raise StripeRefusal(
            f"Finalized invoices can't be updated in this way: {', '.join(sorted(frozen))}.",
            param=min(frozen),
            code="invoice_not_editable",
        )
    with world.changing(invoice, "invoice.updated"):
        _apply(world, invoice, params, is_new=False)
        if invoice["status"] == "draft":
            invoices.total(world, invoice)
    if invoice["status"] == "draft":
        invoices.plan_finalization(world, invoice)
    return render(world, invoice, call.expand)


@answers("DELETE /v1/invoices/{invoice}")
def delete_invoice(world: World, call: Call) -> Obj:
    invoice = world.get("invoice", call.id)
    if invoice["status"] != "draft" or subscription_of(world, invoice):
        raise StripeRefusal(
            "You can only delete draft invoices that do not belong to a subscription; void this one instead."
        )
    for item in world.all("invoiceitem"):
        if item["invoice"] == invoice["id"]:
            world.remove(item, "invoiceitem.deleted")
    world.remove(invoice, "invoice.deleted")
    return {"id": invoice["id"], "object": "invoice", "deleted": True}


@answers("POST /v1/invoices/{invoice}/finalize", "auto_advance")
def finalize_invoice(world: World, call: Call) -> Obj:
    invoice = world.get("invoice", call.id)
    advances = call.params.get("auto_advance", invoice["auto_advance"])
    invoices.finalize(world, invoice)
    with world.changing(invoice):
        invoice["auto_advance"] = advances and invoice["status"] == "open"
    charges = invoice["collection_method"] == "charge_automatically"
    if invoice["auto_advance"] and charges:
        payments.attempt(world, invoice, automatic=True)
    return render(world, invoice, call.expand)


@answers("POST /v1/invoices/{invoice}/send")
def send_invoice(world: World, call: Call) -> Obj:
    invoice = world.get("invoice", call.id)
    if invoice["collection_method"] != "send_invoice":
        raise StripeRefusal("You can only manually send an invoice if its collection method is 'send_invoice'.")
    if invoice["status"] == "draft":
        invoices.finalize(world, invoice)
    if invoice["status"] in {"void", "uncollectible"}:
        raise StripeRefusal(f"You cannot send an invoice that is {invoice['status']}.")
    world.tell("invoice.sent", invoice)  # in test mode no mail goes out, only the event
    return render(world, invoice, call.expand)


@answers("POST /v1/invoices/{invoice}/pay", "forgive", "off_session", "paid_out_of_band", "payment_method")
def pay_invoice(world: World, call: Call) -> Obj:
    invoice, params = world.get("invoice", call.id), call.params
    if invoice["status"] == "draft":
        invoices.finalize(world, invoice)
    elif invoice["status"] == "paid":
        raise StripeRefusal("Invoice is already paid")
    elif invoice["status"] == "void":
        raise StripeRefusal("Invoice is voided and can no longer be paid.")
    if invoice["status"] == "paid":
        return render(world, invoice, call.expand)
    if params.get("paid_out_of_band"):
        payments.pay_out_of_band(world, invoice)
        return render(world, invoice, call.expand)
    refusal = payments.attempt(world, invoice, automatic=False, method=params.get("payment_method"))
    if refusal:
        raise refusal
    return render(world, invoice, call.expand)


@answers("POST /v1/invoices/{invoice}/void")
def void_invoice(world: World, call: Call) -> Obj:
    invoice = world.get("invoice", call.id)
    invoices.void(world, invoice)
    return render(world, invoice, call.expand)


@answers("POST /v1/invoices/{invoice}/mark_uncollectible")
def mark_uncollectible(world: World, call: Call) -> Obj:
    invoice = world.get("invoice", call.id)
    invoices.write_off(world, invoice)
    return render(world, invoice, call.expand)


@answers(
    "GET /v1/invoices",
    *LIST_PARAMS,
    *("collection_method", "created", "customer", "due_date", "status", "subscription"),
)
def list_invoices(world: World, call: Call) -> Obj:
    params = call.params
    found = same(world.all("invoice"), params, "collection_method", "customer", "status")
    if "subscription" in params:
        found = (one for one in found if (subscription_of(world, one) or {}).get("id") == params["subscription"])
    return listed(world, call, within(found, params, "created", "due_date"), "/v1/invoices")


@answers("GET /v1/invoices/{invoice}/lines", *LIST_PARAMS)
def list_lines(world: World, call: Call) -> Obj:
    invoice = world.get("invoice", call.id)
    return listed(world, call, invoice["_lines"][::-1], f"/v1/invoices/{invoice['id']}/lines")


@answers("POST /v1/invoices/{invoice}/attach_payment", "payment_record")
def attach_payment(world: World, call: Call) -> Obj:
    invoice = world.get("invoice", call.id)
    if "payment_record" not in call.params:
        raise required("payment_record")
    record = world.get("payment_record", call.params["payment_record"], "payment_record")
    if invoice["status"] not in {"open", "uncollectible"}:
        raise StripeRefusal(f"You cannot attach a payment to an invoice that is {invoice['status']}.")
    payments.attach_record(world, invoice, record)
    return render(world, invoice, call.expand)


def _currency(world: World, params: dict[str, Any], customer: Obj, subscription: Obj | None) -> str:
    if subscription:
        return str(subscription["currency"])
    if "currency" in params:
        return currency_of(params["currency"], "currency")
    for item in world.all("invoiceitem"):
        if item["customer"] == customer["id"] and item["invoice"] is None:
            return str(item["currency"])
    return str(customer["currency"] or "usd")


def _apply(world: World, invoice: Obj, params: dict[str, Any], *, is_new: bool) -> None:
    invoice.update(copied(params, *_FIELDS, *_TEXTS))
    if not invoice["auto_advance"]:
        invoice["automatically_finalizes_at"] = (
            None  # it waits for a person; switched on again, an hour is counted anew
        )
    invoice["metadata"] = merged_metadata(invoice["metadata"], params.get("metadata"))
    _apply_due(world, invoice, params, is_new=is_new)
    if "custom_fields" in params:
        invoice["custom_fields"] = custom_fields(params["custom_fields"], "custom_fields")
    if "discounts" in params:
        invoice["discounts"] = new_discounts(
            world, params["discounts"], "discounts", invoice["currency"], invoice=invoice["id"]
        )
    if "automatic_tax" in params:
        invoice["automatic_tax"] = invoices.automatic_tax(world, enabled=params["automatic_tax"]["enabled"])
    if "payment_settings" in params:
        invoice["payment_settings"] = {**invoice["payment_settings"], **params["payment_settings"]}
    if params.get("default_payment_method"):
        world.get("payment_method", params["default_payment_method"], "default_payment_method")


def _apply_due(world: World, invoice: Obj, params: dict[str, Any], *, is_new: bool) -> None:
    only_one(params, "days_until_due", "due_date")
    method = invoice["collection_method"]
    days = params.get("days_until_due")
    if "due_date" in params:
        if method != "send_invoice":
            raise StripeRefusal(
                "You can only pass `due_date` when `collection_method` is `send_invoice`.", param="due_date"
            )
        if params["due_date"] < world.moment:
            raise StripeRefusal("`due_date` must be in the future.", param="due_date")
        invoice["due_date"] = params["due_date"]
    elif is_new or days is not None or "collection_method" in params:
        kept = invoice["due_date"] if not is_new else None
        if not (days is None and kept is not None and method == "send_invoice"):
            check_collection(method, days)
            invoice["due_date"] = None if days is None else invoice["created"] + days * DAY
