"""A make-believe HubSpot: records, properties, associations, search, limits, webhooks."""

from connector.sandbox.hubspot.access import SERVICE_KEY
from connector.sandbox.hubspot.vendor import HubSpot, create

__all__ = ["SERVICE_KEY", "HubSpot", "create"]
