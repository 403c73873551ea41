"""Stripe, introduced on one card."""

from connector.billing.stripe.client import StripeBilling
from connector.billing.stripe.settings import StripeSettings
from connector.billing.stripe.webhook import StripeWebhook
from connector.ports import BillingProvider, Feature

provider = BillingProvider(
    name="stripe",
    label="Stripe",
    settings=StripeSettings,
    connect=StripeBilling.connect,
    webhook=StripeWebhook,
    supports=frozenset({Feature.LINE_ITEMS, Feature.SIGNED_WEBHOOKS, Feature.POLLING, Feature.SETUP}),
)
