"""A make-believe Stripe: its API, its billing behaviour and its signed events, with state and a clock."""

from connector.sandbox.clock import Clock
from connector.sandbox.deliveries import Deliveries
from connector.sandbox.faults import Faults
from connector.sandbox.request_log import RequestLog
from connector.sandbox.stripe import (  # importing them registers the calls they answer
    catalog,
    credit_notes,
    customers,
    endpoints,
    invoice_calls,
    invoice_items,
    meters,
    payment_calls,
    payment_methods,
    preview,
    schedules,
    search,
    subscription_calls,
)
from connector.sandbox.stripe.app import StripeVendor

__all__ = [
    "StripeVendor",
    "catalog",
    "create",
    "credit_notes",
    "customers",
    "endpoints",
    "invoice_calls",
    "invoice_items",
    "meters",
    "payment_calls",
    "payment_methods",
    "preview",
    "schedules",
    "search",
    "subscription_calls",
]


def create(clock: Clock, faults: Faults, deliveries: Deliveries, log: RequestLog) -> StripeVendor:
    """A fresh account without customers; every call the derived document knows can be made."""
    return StripeVendor(clock, faults, deliveries, log)
