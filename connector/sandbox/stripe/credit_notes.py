"""Credit notes: less owed on an open invoice, or money back on a paid one."""

from typing import Any

from connector.sandbox.stripe import payments
from connector.sandbox.stripe.calls import Call, answers, copied
from connector.sandbox.stripe.errors import StripeRefusal, required
from connector.sandbox.stripe.lists import LIST_PARAMS, listed, same, within
from connector.sandbox.stripe.money import price_amount, rounded
from connector.sandbox.stripe.payment_calls import refund
from connector.sandbox.stripe.render import render
from connector.sandbox.stripe.rules import merged_metadata
from connector.sandbox.stripe.taxes import share_of
from connector.sandbox.stripe.world import Obj, World

_FIELDS = ("amount", "credit_amount", "invoice", "lines", "memo", "metadata", "out_of_band_amount", "reason")


@answers("POST /v1/credit_notes", *_FIELDS, "email_type", "refund_amount")
def create_credit_note(world: World, call: Call) -> Obj:
    note, invoice = _new(world, call.params)
    world.add(note, "credit_note.created")
    _take_effect(world, note, invoice, call.params)
    return render(world, note, call.expand)


@answers("GET /v1/credit_notes/preview", *_FIELDS, "email_type", "refund_amount")
def preview_credit_note(world: World, call: Call) -> Obj:
    mark = world.mark()
    note, _ = _new(world, call.params)
    shown = render(world, note, call.expand)
    world.roll_back(mark)
    return shown


@answers("GET /v1/credit_notes/{id}")
def retrieve_credit_note(world: World, call: Call) -> Obj:
    return render(world, world.get("credit_note", call.id), call.expand)


@answers("POST /v1/credit_notes/{id}", "memo", "metadata")
def update_credit_note(world: World, call: Call) -> Obj:
    note = world.get("credit_note", call.id)
    with world.changing(note, "credit_note.updated"):
        note.update(copied(call.params, "memo"))
        note["metadata"] = merged_metadata(note["metadata"], call.params.get("metadata"))
    return render(world, note, call.expand)


@answers("POST /v1/credit_notes/{id}/void")
def void_credit_note(world: World, call: Call) -> Obj:
    note = world.get("credit_note", call.id)
    invoice = world.get("invoice", note["invoice"])
    if note["status"] == "void" or note["type"] != "pre_payment" or invoice["status"] != "open":
        raise StripeRefusal("You can only void a credit note of an open invoice, and only once.")
    with world.changing(note):
        note.update(status="void", voided_at=world.moment)
    with world.changing(invoice, "invoice.updated"):
        for name in ("amount_due", "amount_remaining"):
            invoice[name] += note["amount"]
        invoice["pre_payment_credit_notes_amount"] -= note["amount"]
    _reprice_payment(world, invoice, note["amount"])
    world.tell("credit_note.voided", note)
    return render(world, note, call.expand)


@answers("GET /v1/credit_notes", *LIST_PARAMS, "created", "customer", "invoice")
def list_credit_notes(world: World, call: Call) -> Obj:
    found = same(world.all("credit_note"), call.params, "customer", "invoice")
    return listed(world, call, within(found, call.params, "created"), "/v1/credit_notes")


@answers("GET /v1/credit_notes/{credit_note}/lines", *LIST_PARAMS)
def list_credit_note_lines(world: World, call: Call) -> Obj:
    note = world.get("credit_note", call.id)
    return listed(world, call, note["_lines"][::-1], f"/v1/credit_notes/{note['id']}/lines")


def _new(world: World, params: dict[str, Any]) -> tuple[Obj, Obj]:
    invoice = world.get("invoice", params["invoice"], "invoice")
    if invoice["status"] not in {"open", "paid"}:
        raise StripeRefusal(
            f"You can only create credit notes for open or paid invoices; this one is {invoice['status']}.",
            param="invoice",
        )
    lines = [_line(world, invoice, entry, f"lines[{n}]") for n, entry in enumerate(params.get("lines", []))]
    net = sum(line["amount"] for line in lines) if lines else params.get("amount")
    if net is None:
        raise required("amount")
    taken_back = [tax for line in lines for tax in line["taxes"]]
    amount = net + sum(tax["amount"] for tax in taken_back)
    limit = _left_to_credit(invoice)
    if not 0 < amount <= limit:
        raise StripeRefusal(
            f"The credit note amount ({amount}) must be positive and at most {limit}, what is left on the invoice.",
            param="amount",
        )
    if not lines:
        lines = [_custom_line(world, amount, params.get("memo"))]
    still_open = invoice["amount_remaining"] if invoice["status"] == "open" else 0
    before_payment = min(amount, still_open)
    _check_settlement(params, amount - before_payment)
    earlier = sum(1 for one in world.all("credit_note") if one["invoice"] == invoice["id"])
    number = f"{invoice['number']}-CN-{earlier + 1:02d}"
    note = world.new(
        "credit_note",
        **dict.fromkeys(("amount", "total"), amount),
        **dict.fromkeys(("subtotal", "subtotal_excluding_tax", "total_excluding_tax"), net),
        amount_shipping=0,
        currency=invoice["currency"],
        customer=invoice["customer"],
        discount_amount=0,
        discount_amounts=[],
        effective_at=world.moment,
        invoice=invoice["id"],
        memo=params.get("memo"),
        metadata=merged_metadata({}, params.get("metadata")),
        number=number,
        out_of_band_amount=params.get("out_of_band_amount"),
        pdf=f"https://pay.stripe.com/credit_notes/{world.account_id}/test_{number}/pdf",
        post_payment_amount=amount - before_payment,
        pre_payment_amount=before_payment,
        pretax_credit_amounts=[],
        reason=params.get("reason"),
        refunds=[],
        status="issued",
        total_taxes=taken_back,
        type=_kind(before_payment, amount - before_payment),
        _lines=lines,
    )
    return note, invoice


def _kind(before_payment: int, after_payment: int) -> str:
    if before_payment and after_payment:
        return "mixed"
    return "pre_payment" if before_payment else "post_payment"


def _check_settlement(params: dict[str, Any], paid_part: int) -> None:
    parts = [params.get(name, 0) for name in ("credit_amount", "refund_amount", "out_of_band_amount")]
    if not paid_part and any(parts):
        raise StripeRefusal("A credit note only lowers what is open of this invoice.", param="credit_amount")
    if sum(parts) != paid_part:
        raise StripeRefusal(
            "The sum of credit_amount, refund_amount and out_of_band_amount must equal the part of the credit note "
            f"that was paid already ({paid_part}).",
            param="amount",
        )


def _take_effect(world: World, note: Obj, invoice: Obj, params: dict[str, Any]) -> None:
    if note["pre_payment_amount"]:
        _lower(world, invoice, note["pre_payment_amount"])
    if not note["post_payment_amount"]:
        return
    with world.changing(invoice, "invoice.updated"):
        invoice["post_payment_credit_notes_amount"] += note["post_payment_amount"]
    if params.get("credit_amount"):
        customer = world.get("customer", note["customer"])
        with world.changing(customer, "customer.updated"):
            customer["balance"] -= params["credit_amount"]
    if params.get("refund_amount"):
        made = refund(world, {"payment_intent": invoice["_payment_intent"], "amount": params["refund_amount"]})
        with world.changing(note):
            note["refunds"] = [
                {"amount_refunded": made["amount"], "refund": made["id"], "type": "refund"},
            ]


def _lower(world: World, invoice: Obj, by: int) -> None:
    with world.changing(invoice, "invoice.updated"):
        for name in ("amount_due", "amount_remaining"):
            invoice[name] -= by
        invoice["pre_payment_credit_notes_amount"] += by
        settled = invoice["amount_remaining"] == 0
        if settled:
            payments.mark_paid(world, invoice)
    _reprice_payment(world, invoice, -by)
    if settled:
        payments.cancel_payment(world, invoice)
        payments.tell_paid(world, invoice, off_stripe=True)


def _reprice_payment(world: World, invoice: Obj, by: int) -> None:
    payment = payments.default_payment(world, invoice)
    if payment is None:
        return
    with world.changing(payment):
        payment["amount_requested"] += by
    intent = world.tables["payment_intent"][payment["payment"]["payment_intent"]]
    with world.changing(intent):
        intent["amount"] += by


def _left_to_credit(invoice: Obj) -> int:
    return int(
        invoice["total"] - invoice["post_payment_credit_notes_amount"] - invoice["pre_payment_credit_notes_amount"]
    )


def _line(world: World, invoice: Obj, entry: dict[str, Any], param: str) -> Obj:
    if entry["type"] == "custom_line_item":
        if invoice["automatic_tax"]["enabled"]:
            raise StripeRefusal(
                "`custom_line_item` is not valid when the invoice is set up with `automatic_tax[enabled]=true`.",
                param=f"{param}[type]",
            )
        unit = entry.get("unit_amount")
        if unit is None:
            raise required(f"{param}[unit_amount]")
        line = _custom_line(world, unit * entry.get("quantity", 1), entry.get("description"))
        return {**line, "quantity": entry.get("quantity", 1)}
    ident = entry.get("invoice_line_item")
    if ident is None:
        raise required(f"{param}[invoice_line_item]")
    source = next((one for one in invoice["_lines"] if one["id"] == ident), None)
    if source is None:
        raise StripeRefusal(
            f"No such invoice line item: '{ident}'", param=f"{param}[invoice_line_item]", code="resource_missing"
        )
    amount = entry.get("amount")
    if amount is None:
        amount = source["amount"]
        if "quantity" in entry and source["pricing"]:
            price = world.tables["price"][source["pricing"]["price_details"]["price"]]
            amount = rounded(price_amount(price, entry["quantity"]))
    if amount > source["amount"]:
        raise StripeRefusal(f"At most {source['amount']} can be credited for this line.", param=f"{param}[amount]")
    line = _custom_line(world, amount, source["description"])
    about = {"type": "invoice_line_item", "invoice_line_item": ident, "quantity": entry.get("quantity")}
    return {**line, **about, "taxes": share_of(source, amount)}


def _custom_line(world: World, amount: int, description: str | None) -> Obj:
    return world.new(
        "credit_note_line_item",
        amount=amount,
        description=description,
        discount_amount=0,
        discount_amounts=[],
        pretax_credit_amounts=[],
        tax_rates=[],
        taxes=[],
        type="custom_line_item",
    )
