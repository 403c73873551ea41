"""Salesforce: opportunities, their products and accounts. This is its card."""

from connector.crm.salesforce.client import SalesforceClient
from connector.crm.salesforce.settings import SalesforceSettings
from connector.crm.salesforce.webhook import SalesforceWebhook
from connector.ports import CrmProvider, Feature

provider = CrmProvider(
    name="salesforce",
    label="Salesforce",
    settings=SalesforceSettings,
    connect=SalesforceClient.connect,
    webhook=SalesforceWebhook,
    supports=frozenset(
        {Feature.LINE_ITEMS, Feature.SIGNED_WEBHOOKS, Feature.POLLING, Feature.BATCH_WRITES, Feature.SETUP}
    ),
)
