"""Whether the next automatic charge of a customer can succeed."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from connector.domain.billing import Customer, PaymentMethod


class MethodState(StrEnum):
    """What stands behind a customer's automatic charges."""

    UNKNOWN = "unknown"  #: billing was not asked
    READY = "ready"
    NONE = "none"
    EXPIRED = "expired"
    EXPIRES_FIRST = "expires_first"  #: before the next charge


def method_state(customer: Customer | None, next_charge: date | None, today: date) -> MethodState:
    """The state of a customer's payment method, given the day of its next charge if one is known."""
    if customer is None or customer.payment_method is PaymentMethod.UNKNOWN:
        return MethodState.UNKNOWN
    if customer.payment_method is PaymentMethod.NONE:
        return MethodState.NONE
    expires = customer.card_expires
    if expires is not None and expires < today:
        return MethodState.EXPIRED
    if expires is not None and next_charge is not None and expires < next_charge:
        return MethodState.EXPIRES_FIRST
    return MethodState.READY
