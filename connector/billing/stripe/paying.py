"""What a customer's automatic charges would be paid with, read from a customer and its subscriptions."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date

from connector.billing.stripe.calls import Json
from connector.domain.billing import PaymentMethod

# Source: docs.stripe.com/payments/bank-debits; the last two are names of older objects.
_BANK_DEBITS = frozenset(
    [
        *("acss_debit", "au_becs_debit", "bacs_debit", "nz_bank_account", "sepa_debit", "us_bank_account"),
        *("ach_debit", "bank_account"),
    ]
)
_OVER = frozenset({"canceled", "incomplete_expired"})


def paid_with(customer: Json, subscriptions: Sequence[Json]) -> tuple[PaymentMethod, date | None]:
    """The method, and the last day on which it works where it is a card.

    A subscription's own default goes before the customer's, a payment method before an older source; of several
    subscriptions the newest counts. Source: docs.stripe.com/api/subscriptions, ``default_payment_method``.
    """
    if customer.get("deleted"):
        return PaymentMethod.UNKNOWN, None
    found = next(_defaults(customer, subscriptions), None)
    if found is None:
        return PaymentMethod.NONE, None
    if isinstance(found, str):
        return PaymentMethod.UNKNOWN, None  # only its id was told
    kind = found.get("type") or found.get("object")
    if kind in _BANK_DEBITS or found.get("object") in _BANK_DEBITS:
        return PaymentMethod.BANK_DEBIT, None
    if kind == "card" or found.get("object") == "card":
        return PaymentMethod.CARD, _last_day(found.get("card") or found)
    return PaymentMethod.OTHER, None


def _defaults(customer: Json, subscriptions: Sequence[Json]) -> Iterator[Json | str]:
    settings = customer.get("invoice_settings") or {}
    charged = [
        one
        for one in sorted(subscriptions, key=lambda one: -(one.get("created") or 0))
        if one.get("collection_method") == "charge_automatically" and one.get("status") not in _OVER
    ]
    for holder in (*charged, {**settings, "default_source": customer.get("default_source")}):
        for name in ("default_payment_method", "default_source"):
            if holder.get(name):
                yield holder[name]


def _last_day(card: Json) -> date | None:
    """A card works until the end of the month that is printed on it."""
    month, year = card.get("exp_month"), card.get("exp_year")
    return date(year, month, monthrange(year, month)[1]) if month and year else None
