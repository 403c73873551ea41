"""The calls about invoice items."""

from decimal import Decimal
from typing import Any

from connector.sandbox.stripe import invoices
from connector.sandbox.stripe.calls import Call, answers, copied
from connector.sandbox.stripe.discounts import new_discounts
from connector.sandbox.stripe.errors import StripeRefusal, required
from connector.sandbox.stripe.extras import new_invoice_item, subscription_parent
from connector.sandbox.stripe.lists import LIST_PARAMS, listed, same, within
from connector.sandbox.stripe.money import check_amount, currency_of, decimal_of, price_amount, rounded, shown
from connector.sandbox.stripe.prices import price_of
from connector.sandbox.stripe.render import render
from connector.sandbox.stripe.rules import merged_metadata, only_one
from connector.sandbox.stripe.world import Obj, World

_FIELDS = ("amount", "description", "discountable", "discounts", "metadata", "period", "price_data", "pricing")
_ALSO = ("quantity", "unit_amount_decimal")


@answers("POST /v1/invoiceitems", *_FIELDS, *_ALSO, "currency", "customer", "invoice", "subscription")
def create_invoice_item(world: World, call: Call) -> Obj:
    params = call.params
    if "customer" not in params:
        raise required("customer")
    customer = world.get("customer", params["customer"], "customer")
    only_one(params, "amount", "pricing", "price_data", "unit_amount_decimal")
    invoice = _draft(world, params.get("invoice"))
    quantity = params.get("quantity", 1)
    price, fields = _priced(world, params, quantity)
    if invoice and invoice["currency"] != fields.get("currency", price and price["currency"]):
        raise StripeRefusal(
            f"The currency of the invoice item must match the invoice's ({invoice['currency']}).", param="currency"
        )
    item = new_invoice_item(
        world,
        customer["id"],
        price=price,
        quantity=quantity,
        **fields,
        **copied(params, "description", "discountable", "period"),
        metadata=merged_metadata({}, params.get("metadata")),
    )
    if "subscription" in params:
        subscription = world.get("subscription", params["subscription"], "subscription")
        item["parent"] = subscription_parent(subscription["id"], None)
    item["discounts"] = new_discounts(
        world, params.get("discounts"), "discounts", item["currency"], invoice_item=item["id"]
    )
    if invoice:
        with world.changing(invoice, "invoice.updated"):
            invoices.add_item(world, invoice, item)
            invoices.total(world, invoice)
    return render(world, item, call.expand)


@answers("GET /v1/invoiceitems/{invoiceitem}")
def retrieve_invoice_item(world: World, call: Call) -> Obj:
    return render(world, world.get("invoiceitem", call.id), call.expand)


@answers("POST /v1/invoiceitems/{invoiceitem}", "amount", "description", "discountable", "metadata", "quantity")
def update_invoice_item(world: World, call: Call) -> Obj:
    item, params = world.get("invoiceitem", call.id), call.params
    invoice = _editable(world, item)
    with world.changing(item):
        item.update(copied(params, "description", "discountable"))
        item["metadata"] = merged_metadata(item["metadata"], params.get("metadata"))
        if "quantity" in params:
            unit = item["pricing"] and item["pricing"]["unit_amount_decimal"]
            item.update(quantity=params["quantity"], quantity_decimal=str(params["quantity"]))
            if unit:
                item["amount"] = rounded(Decimal(unit) * params["quantity"])
        if "amount" in params:
            item["amount"] = check_amount(params["amount"], item["currency"], "amount")
        item["net_amount"] = item["amount"]
    if invoice:
        _replace_line(world, invoice, item)
    return render(world, item, call.expand)


@answers("DELETE /v1/invoiceitems/{invoiceitem}")
def delete_invoice_item(world: World, call: Call) -> Obj:
    item = world.get("invoiceitem", call.id)
    invoice = _editable(world, item)
    if invoice:
        with world.changing(invoice, "invoice.updated"):
            invoice["_lines"] = [line for line in invoice["_lines"] if line.get("_invoice_item") != item["id"]]
            invoices.total(world, invoice)
    world.remove(item, "invoiceitem.deleted")
    return {"id": item["id"], "object": "invoiceitem", "deleted": True}


@answers("GET /v1/invoiceitems", *LIST_PARAMS, "created", "customer", "invoice", "pending")
def list_invoice_items(world: World, call: Call) -> Obj:
    params = call.params
    found = same(world.all("invoiceitem"), params, "customer", "invoice")
    if "pending" in params:
        found = (item for item in found if (item["invoice"] is None) == params["pending"])
    if "created" in params:
        found = within(found, {"date": params["created"]}, "date")
    return listed(world, call, found, "/v1/invoiceitems")


def _priced(world: World, params: dict[str, Any], quantity: int) -> tuple[Obj | None, dict[str, Any]]:
    """The price an item names, or the amount it states, as fields of the new item."""
    if "pricing" in params or "price_data" in params:
        entry = {"price": params.get("pricing", {}).get("price"), "price_data": params.get("price_data")}
        price = price_of(world, entry, "pricing" if "pricing" in params else "", recurring=False)
        return price, {"amount": rounded(price_amount(price, quantity))}
    if "currency" not in params:
        raise required("currency")
    currency = currency_of(params["currency"], "currency")
    if "unit_amount_decimal" in params:
        unit = decimal_of(params["unit_amount_decimal"], "unit_amount_decimal")
        pricing = {"type": "price_details", "price_details": None, "unit_amount_decimal": shown(unit)}
        return None, {"currency": currency, "amount": rounded(unit * quantity), "pricing": pricing}
    if "amount" not in params:
        raise required("amount")
    if "quantity" in params:
        raise StripeRefusal("You may only specify one of these parameters: amount, quantity.", param="quantity")
    return None, {"currency": currency, "amount": check_amount(params["amount"], currency, "amount")}


def _draft(world: World, ident: str | None) -> Obj | None:
    if ident is None:
        return None
    invoice = world.get("invoice", ident, "invoice")
    if invoice["status"] != "draft":
        raise StripeRefusal(
            f"Invoice {ident} is no longer a draft, so items can no longer be added to it.",
            param="invoice",
            code="invoice_not_editable",
        )
    return invoice


def _editable(world: World, item: Obj) -> Obj | None:
    invoice = world.tables["invoice"].get(item["invoice"] or "")
    if invoice and invoice["status"] != "draft":
        raise StripeRefusal(
            "This invoice item is on a finalized invoice and can't be changed.", code="invoice_not_editable"
        )
    return invoice


def _replace_line(world: World, invoice: Obj, item: Obj) -> None:
    with world.changing(invoice, "invoice.updated"):
        for line in invoice["_lines"]:
            if line.get("_invoice_item") == item["id"]:
                line.update(amount=item["amount"], subtotal=item["amount"], quantity=item["quantity"])
                line.update(description=item["description"], metadata=dict(item["metadata"]))
        invoices.total(world, invoice)
