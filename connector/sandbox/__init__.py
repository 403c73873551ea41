"""A make-believe Salesforce, HubSpot and Stripe on loopback HTTP, for tests and the demo."""

from connector.sandbox.server import Sandbox

__all__ = ["Sandbox"]
