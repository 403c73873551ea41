"""HubSpot: companies, deals and line items, by the official client; pushes optional."""

from connector.crm.hubspot.client import HubSpotClient
from connector.crm.hubspot.settings import HubSpotSettings
from connector.crm.hubspot.webhook import HubSpotWebhook
from connector.ports import CrmProvider, Feature

provider = CrmProvider(
    name="hubspot",
    label="HubSpot",
    settings=HubSpotSettings,
    connect=HubSpotClient.connect,
    webhook=HubSpotWebhook,
    supports=frozenset(
        {Feature.LINE_ITEMS, Feature.SIGNED_WEBHOOKS, Feature.POLLING, Feature.BATCH_WRITES, Feature.SETUP}
    ),
)
