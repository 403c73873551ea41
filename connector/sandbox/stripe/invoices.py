"""Invoices from draft to their end: totals, finalisation, sending, voiding, falling due."""

from typing import Any

from connector.sandbox.stripe import discounts, drawing, payments, standing, taxes
from connector.sandbox.stripe.agenda import happens, plan
from connector.sandbox.stripe.calendar import DAY, HOUR
from connector.sandbox.stripe.errors import StripeRefusal
from connector.sandbox.stripe.lines import invoice_item_line
from connector.sandbox.stripe.world import Obj, World

_CUSTOMER_FIELDS = ("address", "email", "name", "phone", "shipping", "tax_exempt")


def new_invoice(world: World, customer: Obj, currency: str, reason: str, **fields: Any) -> Obj:
    """A draft, full in shape but without lines; the caller adds those, calls `total` and keeps it."""
    invoice = world.new(
        "invoice",
        amount_due=0,
        amount_overpaid=0,
        amount_paid=0,
        amount_remaining=0,
        amount_shipping=0,
        attempt_count=0,
        attempted=False,
        auto_advance=True,
        billing_reason=reason,
        starting_balance=0,
        post_payment_credit_notes_amount=0,
        pre_payment_credit_notes_amount=0,
        account_country="US",
        account_name="Sandbox Inc.",
        amount_paid_off_stripe=0,
        automatic_tax=automatic_tax(world, enabled=False),
        collection_method="charge_automatically",
        currency=currency,
        custom_fields=customer["invoice_settings"]["custom_fields"],
        customer=customer["id"],
        default_tax_rates=[],
        discounts=[],
        footer=customer["invoice_settings"]["footer"],
        issuer={**world.document.blank("Invoice.Issuer"), "type": "self"},
        metadata={},
        payment_settings=world.document.blank("Invoice.PaymentSettings"),
        period_start=world.moment,
        period_end=world.moment,
        status="draft",
        status_transitions=world.document.blank("Invoice.StatusTransitions"),
        total_discount_amounts=[],
        total_pretax_credit_amounts=[],
        total_taxes=[],
        _lines=[],
        _payment_intent=None,
    )
    invoice.update(fields)
    _copy_customer(world, invoice, customer)
    return invoice


def automatic_tax(world: World, *, enabled: bool) -> Obj:
    """The automatic_tax part of an invoice; its status is known only when it is on."""
    tax = {**world.document.blank("Invoice.AutomaticTax"), "enabled": enabled}
    if enabled:
        tax |= {"liability": {"account": None, "type": "self"}, "provider": "stripe", "status": "complete"}
    return tax


def take_pending(world: World, invoice: Obj, subscription: str | None, *, only_its_own: bool = False) -> None:
    """Move the customer's waiting invoice items of this currency onto a draft."""
    for item in world.all("invoiceitem"):
        owner = (item["parent"] or {}).get("subscription_details", {}).get("subscription")
        mine = owner == subscription or (owner is None and not only_its_own)
        same = item["customer"] == invoice["customer"] and item["currency"] == invoice["currency"]
        if item["invoice"] is None and same and mine:
            add_item(world, invoice, item)


def add_item(world: World, invoice: Obj, item: Obj) -> None:
    """Put one invoice item on a draft."""
    with world.changing(item):
        item["invoice"] = invoice["id"]
    line = invoice_item_line(world, item)
    line["invoice"] = invoice["id"]
    invoice["_lines"].append(line)


def total(world: World, invoice: Obj) -> None:
    """Work out a draft's or a new invoice's sums from its lines, discounts and the customer's balance."""
    lines: list[Obj] = invoice["_lines"]
    for line in lines:
        line["invoice"] = invoice["id"]
    invoice["total_discount_amounts"] = discounts.apply(world, invoice["discounts"], lines)
    subtotal = sum(line["amount"] for line in lines)
    net = {line["id"]: _net(line) for line in lines}
    before_tax = sum(net.values())
    whole = before_tax + taxes.work_out(world, invoice, net)
    balance = world.tables["customer"][invoice["customer"]]["balance"]
    due = max(0, whole + balance) if whole > 0 else 0
    invoice.update(
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal,
        total=whole,
        total_excluding_tax=before_tax,
        starting_balance=balance,
        amount_due=due,
        amount_remaining=due,
    )


def _net(line: Obj) -> int:
    """What a line comes to after discounts and prepaid credits: what is taxed."""
    off: int = sum(each["amount"] for each in line["discount_amounts"]) + drawing.drawn(line)
    return int(line["amount"]) - off


def keep_draft(world: World, invoice: Obj) -> Obj:
    """Keep a new draft; one that advances by itself is finalised after its hour."""
    total(world, invoice)
    discounts.use_once(
        world, [*invoice["discounts"], *(one for line in invoice["_lines"] for one in line["discounts"])]
    )
    plan_finalization(world, invoice)
    customer = world.tables["customer"][invoice["customer"]]
    if customer["currency"] is None:
        with world.changing(customer, "customer.updated"):
            customer["currency"] = invoice["currency"]  # the first invoice settles it
    return world.add(invoice, "invoice.created")


def plan_finalization(world: World, invoice: Obj) -> None:
    """Let a draft that advances by itself be finalised when its time comes."""
    if invoice["auto_advance"]:
        invoice["automatically_finalizes_at"] = (
            invoice["automatically_finalizes_at"] or world.moment + world.settings.draft_seconds
        )
        plan(world, invoice["automatically_finalizes_at"], "finalize", invoice["id"])


def finalize(world: World, invoice: Obj) -> None:
    """A draft becomes a demand: number, links, due date, and a payment to settle it with."""
    if invoice["status"] != "draft":
        raise StripeRefusal(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.", code="invoice_not_editable"
        )
    _check_tax_location(world, invoice)
    customer = world.tables["customer"][invoice["customer"]]
    with world.changing(invoice, "invoice.updated"):
        _copy_customer(world, invoice, customer)
        total(world, invoice)
        drawing.draw(world, invoice)
        total(world, invoice)
        _number(world, invoice, customer)
        invoice.update(status="open", effective_at=invoice["effective_at"] or world.moment, auto_advance=True)
        invoice["automatically_finalizes_at"] = None
        invoice["status_transitions"] = {**invoice["status_transitions"], "finalized_at": world.moment}
        _links(world, invoice)
        _use_balance(world, invoice, customer)
        if invoice["amount_due"] > 0:
            payments.open_payment(world, invoice)
        else:
            payments.mark_paid(world, invoice)
            invoice["attempted"] = True
    world.tell("invoice.finalized", invoice)
    if invoice["status"] == "paid":
        payments.tell_paid(world, invoice)
    elif invoice["due_date"] is not None:
        plan(world, max(invoice["due_date"], world.moment), "past_due", invoice["id"])


def advance(world: World, invoice: Obj) -> None:
    """Finalise a draft and do what its collection method asks for: charge, or send."""
    finalize(world, invoice)
    if invoice["status"] != "open":
        return
    if invoice["collection_method"] == "send_invoice":
        world.tell("invoice.sent", invoice)
    else:
        payments.attempt(world, invoice, automatic=True)


def void(world: World, invoice: Obj) -> None:
    """Cancel an open or written-off invoice; it keeps its number."""
    if invoice["status"] not in {"open", "uncollectible"}:
        raise StripeRefusal(f"You can only void open or uncollectible invoices; this one is {invoice['status']}.")
    if invoice["amount_paid"]:
        raise StripeRefusal("You cannot void an invoice that has been partially paid.")
    payments.cancel_payment(world, invoice)
    with world.changing(invoice, "invoice.updated"):
        invoice.update(status="void", next_payment_attempt=None, auto_advance=False, amount_remaining=0)
        invoice["status_transitions"] = {**invoice["status_transitions"], "voided_at": world.moment}
    world.tell("invoice.voided", invoice)


def write_off(world: World, invoice: Obj, reason: str = "user_forgiven") -> None:
    """Mark an open invoice as uncollectible; it can still be paid or voided."""
    if invoice["status"] != "open":
        raise StripeRefusal(f"You can only mark open invoices as uncollectible; this one is {invoice['status']}.")
    with world.changing(invoice, "invoice.updated"):
        invoice.update(status="uncollectible", next_payment_attempt=None, auto_advance=False)
        invoice["status_details"] = {"uncollectible": {"reason": reason}}
        invoice["status_transitions"] = {
            **invoice["status_transitions"],
            "marked_uncollectible_at": world.moment,
        }
    world.tell("invoice.marked_uncollectible", invoice)


def due_in(world: World, days: int | None) -> int | None:
    """The due date of an invoice made now: so many days from its creation."""
    return None if days is None else world.moment + days * DAY


@happens("finalize")
def _finalize_by_itself(world: World, ident: str) -> None:
    invoice = world.tables["invoice"].get(ident)
    if invoice is None or invoice["status"] != "draft" or not invoice["auto_advance"]:
        return
    if (invoice["automatically_finalizes_at"] or 0) > world.moment:
        return
    if _waits_for_webhook(world, invoice):
        plan(world, world.moment + HOUR, "finalize", ident)
        return
    try:
        advance(world, invoice)
    except StripeRefusal as refusal:
        error = {**world.document.blank("Invoice.LastFinalizationError"), **refusal.error}
        with world.changing(invoice, "invoice.updated"):
            invoice["last_finalization_error"] = error
            invoice["automatic_tax"]["status"] = "requires_location_inputs"
        world.tell("invoice.finalization_failed", invoice)


def _waits_for_webhook(world: World, invoice: Obj) -> bool:
    """Whether nobody has taken invoice.created yet; Stripe then waits up to 72 hours before finalising.

    Source: docs.stripe.com/invoicing/integration/workflow-transitions. Off by default: when the clock leaps, no
    receiver could have answered in time.
    """
    if not world.settings.drafts_wait_for_webhooks or world.moment >= invoice["created"] + 72 * HOUR:
        return False
    return any(
        event["type"] == "invoice.created" and event["data"]["object"]["id"] == invoice["id"] and event["_undelivered"]
        for event in world.events.all()
    )


@happens("retry")
def _retry(world: World, ident: str) -> None:
    invoice = world.tables["invoice"].get(ident)
    if invoice and invoice["status"] == "open" and invoice["next_payment_attempt"] == world.moment:
        payments.attempt(world, invoice, automatic=True)


@happens("past_due")
def _fall_due(world: World, ident: str) -> None:
    invoice = world.tables["invoice"].get(ident)
    if invoice and invoice["status"] == "open" and invoice["due_date"] <= world.moment:
        standing.fell_due(world, invoice)


def _copy_customer(world: World, invoice: Obj, customer: Obj) -> None:
    for name in _CUSTOMER_FIELDS:
        invoice[f"customer_{name}"] = customer[name]
    tax_ids = (one for one in world.all("tax_id") if one["customer"] == customer["id"])
    invoice["customer_tax_ids"] = [{"type": one["type"], "value": one["value"]} for one in tax_ids]


def _number(world: World, invoice: Obj, customer: Obj) -> None:
    if invoice["number"]:
        return
    with world.changing(customer):
        invoice["number"] = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
        customer["next_invoice_sequence"] += 1


def _links(world: World, invoice: Obj) -> None:
    token = f"{world.account_id}/test_{invoice['id']}"
    invoice["hosted_invoice_url"] = f"https://invoice.stripe.com/i/{token}"
    invoice["invoice_pdf"] = f"https://pay.stripe.com/invoice/{token}/pdf"


def _use_balance(world: World, invoice: Obj, customer: Obj) -> None:
    """A credit balance lowers what is due, a debit raises it, a negative total becomes credit."""
    if invoice["total"] <= 0:
        left = customer["balance"] + invoice["total"]
    else:
        left = min(0, customer["balance"] + invoice["total"])
    invoice["ending_balance"] = left
    if left != customer["balance"]:
        with world.changing(customer, "customer.updated"):
            customer["balance"] = left


def _check_tax_location(world: World, invoice: Obj) -> None:
    address = world.tables["customer"][invoice["customer"]]["address"] or {}
    if invoice["automatic_tax"]["enabled"] and not address.get("country"):
        raise StripeRefusal(
            "The customer's location isn't recognized. Set a valid customer address in order to automatically "
            "calculate tax.",
            code="customer_tax_location_invalid",
        )
