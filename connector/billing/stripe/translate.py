"""Every read of a Stripe field: endive-shaped dicts in, our billing values out.

Stripe adds values to its lists of states, so an unknown one becomes ``other`` and never an error. Fields that endive
has removed (``invoice.subscription``, ``subscription.current_period_end`` and their like) are read nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from connector.billing.stripe.calls import Json
from connector.billing.stripe.paying import paid_with
from connector.domain.billing import (
    CreditNote,
    Customer,
    Dispute,
    Invoice,
    InvoiceLine,
    InvoiceStatus,
    Payment,
    Price,
    PriceTier,
    Refund,
    Subscription,
    SubscriptionItem,
    TiersMode,
)
from connector.domain.billing_plan import META_ACCOUNT, META_CONTRACT_END, META_DEAL
from connector.domain.deal import Interval
from connector.domain.refs import RecordRef

OTHER = "other"

SUBSCRIPTION_STATUSES = frozenset(
    ["incomplete", "incomplete_expired", "trialing", "active", "past_due", "unpaid", "canceled", "paused"]
)
DISPUTE_STATUSES = frozenset(
    [
        "needs_response",
        "under_review",
        "won",
        "lost",
        "prevented",
        "warning_needs_response",
        "warning_under_review",
        "warning_closed",
        "appeal_needs_response",
        "appeal_under_review",
    ]
)
_DISPUTE_OVER = frozenset({"won", "prevented", "warning_closed"})
"""The merchant kept the money: such a payment counts as paid again."""

_PAYMENT_STATUSES = frozenset({"open", "paid", "canceled"})
_REFUND_STATUSES = frozenset({"pending", "requires_action", "succeeded", "failed", "canceled"})
_CREDIT_NOTE_STATUSES = frozenset({"issued", "void"})

_T = TypeVar("_T")


def ref(kind: str, record_id: str) -> RecordRef:
    """A record of Stripe's."""
    return RecordRef("stripe", kind, record_id)


def id_of(value: object) -> str:
    """The id in an expandable field: the id itself, the id of the expanded object, or nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        inner = value.get("id")
        return inner if isinstance(inner, str) else ""
    return ""


def moment(seconds: object) -> datetime | None:
    """A Unix time as aware UTC."""
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None


def certain_moment(seconds: int) -> datetime:
    """A Unix time that is always there (``created``) as aware UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def customer(body: Json, subscriptions: Sequence[Json] = ()) -> Customer:
    """A customer, also one that was deleted: then Stripe gives little more than the id.

    Stripe's ``balance`` is what the customer owes: a credit is negative there. Ours is positive in its favour.
    """
    method, expires = paid_with(body, subscriptions)
    return Customer(
        ref=ref("customer", body["id"]),
        name=body.get("name") or "",
        email=body.get("email") or "",
        currency=body.get("currency") or "",
        deleted=bool(body.get("deleted")),
        crm_account=named(body.get("metadata"), META_ACCOUNT),
        payment_method=method,
        card_expires=expires,
        credit_balance=-(body.get("balance") or 0),
    )


def price(body: Json) -> Price:
    """A catalogue price. Tiers, packages and amounts that the payer chooses have no one unit amount.

    Tiers are shown only where they were asked for (``expand``).
    """
    plain = body.get("billing_scheme") == "per_unit" and not body.get("transform_quantity")
    recurring = body.get("recurring") or {}
    return Price(
        ref=ref("price", body["id"]),
        product_id=id_of(body.get("product")),
        currency=body["currency"],
        unit_amount=unit_amount(body) if plain else None,
        interval=_interval(recurring),
        lookup_key=body.get("lookup_key") or "",
        metered=recurring.get("usage_type") == "metered",
        active=bool(body.get("active")),
        tiers=tuple(_tier(tier) for tier in body.get("tiers") or ()),
        tiers_mode=TiersMode.VOLUME if body.get("tiers_mode") == "volume" else TiersMode.GRADUATED,
    )


def subscription(body: Json, recurring_amounts: Mapping[str, Decimal | None] | None = None) -> Subscription:
    """A subscription as it is billed now. What its items come to after discounts is not on it: the caller knows."""
    amounts = recurring_amounts or {}
    metadata = body.get("metadata")
    latest = id_of(body.get("latest_invoice"))
    return Subscription(
        ref=ref("subscription", body["id"]),
        customer=ref("customer", id_of(body["customer"])),
        status=_known(body.get("status"), SUBSCRIPTION_STATUSES),
        currency=body["currency"],
        items=tuple(
            _subscription_item(item, body["currency"], amounts.get(item["id"])) for item in body["items"]["data"]
        ),
        started_at=moment(body.get("start_date")),
        cancel_at=moment(body.get("cancel_at")),
        ended_at=moment(body.get("ended_at")),
        deal=named(metadata, META_DEAL),
        latest_invoice=ref("invoice", latest) if latest else None,
        contract_end=day_in(metadata, META_CONTRACT_END),
    )


def invoice(body: Json, *, disputed: bool = False, processing: bool = False) -> Invoice:
    """An invoice with its lines. Whether a payment is disputed or under way is not on it: the caller knows."""
    details = _subscription_details(body)
    transitions = body.get("status_transitions") or {}
    finalized_at = moment(transitions.get("finalized_at"))
    subscription_id = id_of(details.get("subscription"))
    revision = id_of(body.get("latest_revision"))
    uncollectible = (body.get("status_details") or {}).get("uncollectible") or {}
    return Invoice(
        ref=ref("invoice", body["id"]),
        customer=ref("customer", id_of(body["customer"])),
        status=invoice_status(body.get("status")),
        currency=body["currency"],
        total=body["total"],
        amount_due=body["amount_due"],
        amount_paid=body["amount_paid"],
        amount_remaining=body["amount_remaining"],
        created_at=certain_moment(body["created"]),
        number=body.get("number") or "",
        subscription=ref("subscription", subscription_id) if subscription_id else None,
        deal=named(body.get("metadata"), META_DEAL) or named(details.get("metadata"), META_DEAL),
        due_date=_due_date(body, finalized_at),
        finalized_at=finalized_at,
        paid_at=moment(transitions.get("paid_at")),
        voided_at=moment(transitions.get("voided_at")),
        uncollectible_at=moment(transitions.get("marked_uncollectible_at")),
        hosted_url=body.get("hosted_invoice_url") or "",
        pdf_url=body.get("invoice_pdf") or "",
        collection_method=body.get("collection_method") or "",
        attempt_count=body.get("attempt_count") or 0,
        next_payment_attempt=moment(body.get("next_payment_attempt")),
        replaced_by=ref("invoice", revision) if revision and revision != body["id"] else None,
        uncollectible_reason=uncollectible.get("reason") or "",
        credited=credited(body),
        disputed=disputed,
        processing=processing,
        lines=tuple(_invoice_line(line) for line in body["lines"]["data"]),
    )


def invoice_status(value: object) -> InvoiceStatus:
    """Stripe's status, or ``other``."""
    try:
        return InvoiceStatus(str(value))
    except ValueError:
        return InvoiceStatus.OTHER


def credited(invoice_body: Json) -> int:
    """What credit notes took off an invoice, before and after it was paid."""
    before: int = invoice_body.get("pre_payment_credit_notes_amount") or 0
    after: int = invoice_body.get("post_payment_credit_notes_amount") or 0
    return before + after


def before_tax(invoice_body: Json) -> int:
    """What an invoice comes to after all discounts and before tax that is added on top.

    Tax that is included in a price is part of what the deal says as well, so it stays. Not ``subtotal``: a discount
    that the customer carries, which no deal knows of, would hide in it.
    """
    total: int = invoice_body["total"]
    taxes = invoice_body.get("total_taxes") or []
    on_top: int = sum(tax["amount"] for tax in taxes if tax.get("tax_behavior") == "exclusive")
    return total - on_top


def payment(body: Json, charges: Mapping[str, str]) -> Payment:
    """Money that reached an invoice. ``charges`` maps a payment intent to its charge."""
    paid_with = body.get("payment") or {}
    intent = id_of(paid_with.get("payment_intent"))
    amount = body.get("amount_paid")
    return Payment(
        ref=ref("invoice_payment", body["id"]),
        invoice=ref("invoice", id_of(body["invoice"])),
        amount=body["amount_requested"] if amount is None else amount,
        currency=body["currency"],
        status=_known(body.get("status"), _PAYMENT_STATUSES),
        paid_at=moment((body.get("status_transitions") or {}).get("paid_at")),
        payment_intent=intent,
        charge=id_of(paid_with.get("charge")) or charges.get(intent, ""),
    )


def payment_intent_of(invoice_payment: Json) -> str:
    """The payment intent behind a payment of an invoice; empty for money that did not come through one."""
    return id_of((invoice_payment.get("payment") or {}).get("payment_intent"))


def credit_note(body: Json) -> CreditNote:
    """What was taken off an invoice."""
    return CreditNote(
        ref=ref("credit_note", body["id"]),
        invoice=ref("invoice", id_of(body["invoice"])),
        amount=body["amount"],
        currency=body["currency"],
        status=_known(body.get("status"), _CREDIT_NOTE_STATUSES),
        created_at=certain_moment(body["created"]),
        reason=body.get("reason") or "",
        before_payment=body.get("pre_payment_amount") or 0,
    )


def dispute(body: Json, invoice_ref: RecordRef | None) -> Dispute:
    """A payment that the customer's bank took back, or may."""
    return Dispute(
        ref=ref("dispute", body["id"]),
        charge=id_of(body.get("charge")),
        amount=body["amount"],
        currency=body["currency"],
        status=_known(body.get("status"), DISPUTE_STATUSES),
        created_at=certain_moment(body["created"]),
        reason=body.get("reason") or "",
        payment_intent=id_of(body.get("payment_intent")),
        invoice=invoice_ref,
    )


def refund(body: Json, invoice_ref: RecordRef | None) -> Refund:
    """Money that went back to the customer, or is on its way."""
    return Refund(
        ref=ref("refund", body["id"]),
        charge=id_of(body.get("charge")),
        amount=body["amount"],
        currency=body["currency"],
        status=_known(body.get("status"), _REFUND_STATUSES),
        created_at=certain_moment(body["created"]),
        reason=body.get("reason") or "",
        invoice=invoice_ref,
    )


def is_disputed(found: Dispute) -> bool:
    """Whether its money is in question or gone."""
    return found.status not in _DISPUTE_OVER


def _subscription_item(body: Json, currency: str, recurring_amount: Decimal | None) -> SubscriptionItem:
    """A price in several currencies is shown in its first one: another currency's amount says nothing of this item."""
    item_price = price(body["price"])
    return SubscriptionItem(
        id=body["id"],
        unit_amount=item_price.unit_amount if item_price.currency == currency else None,
        quantity=_or(body.get("quantity"), 1),  # a metered item has none
        interval=item_price.interval,
        current_period_end=moment(body.get("current_period_end")),
        metered=item_price.metered,
        recurring_amount=recurring_amount,
    )


def _invoice_line(body: Json) -> InvoiceLine:
    sold = (body.get("pricing") or {}).get("price_details") or {}
    period = body.get("period") or {}
    parent = body.get("parent") or {}
    source = parent.get(parent.get("type") or "") or {}
    quantity = _or(body.get("quantity_decimal"), body.get("quantity"))
    return InvoiceLine(
        id=body["id"],
        description=body.get("description") or "",
        amount=body["amount"],
        quantity=None if quantity is None else Decimal(quantity),
        price_id=id_of(sold.get("price")),
        product_id=id_of(sold.get("product")),
        period_start=moment(period.get("start")),
        period_end=moment(period.get("end")),
        proration=bool(source.get("proration")),
    )


def _subscription_details(invoice_body: Json) -> dict[str, Any]:
    parent = invoice_body.get("parent") or {}
    details: dict[str, Any] = parent.get("subscription_details") or {}
    return details


def _due_date(body: Json, finalized_at: datetime | None) -> date | None:
    """Stripe gives an automatic charge no due date: it is due on the day it was finalised."""
    due = moment(body.get("due_date"))
    if due is not None:
        return due.date()
    if body.get("collection_method") == "charge_automatically" and finalized_at is not None:
        return finalized_at.date()
    return None


def unit_amount(body: Json) -> Decimal | None:
    """What one unit (or one package) of a price costs, in minor units that may have decimals."""
    exact = body.get("unit_amount_decimal")
    if exact is not None:
        return Decimal(exact)
    whole = body.get("unit_amount")
    return None if whole is None else Decimal(whole)


def _tier(body: Json) -> PriceTier:
    amounts = {name: body.get(f"{name}_decimal") or body.get(name) or 0 for name in ("unit_amount", "flat_amount")}
    return PriceTier(body.get("up_to"), **{name: Decimal(amount) for name, amount in amounts.items()})


def _interval(recurring: Json) -> Interval | None:
    unit = recurring.get("interval")
    return Interval(unit, recurring.get("interval_count") or 1) if unit else None


def named(metadata: Json | None, key: str) -> RecordRef | None:
    """The CRM record that metadata names. Anyone may write metadata, so what is no reference is not one."""
    try:
        return RecordRef.parse((metadata or {}).get(key) or "")
    except ValueError:
        return None


def day_in(metadata: Json | None, key: str) -> date | None:
    """The day that metadata names; nothing where it names none."""
    try:
        return date.fromisoformat((metadata or {}).get(key) or "")
    except ValueError:
        return None


def _known(value: object, known: frozenset[str]) -> str:
    return value if isinstance(value, str) and value in known else OTHER


def _or(value: _T | None, default: _T) -> _T:
    return default if value is None else value
