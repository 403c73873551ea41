"""HubSpot as the sandbox mounts it: one portal, its API, its webhooks, its workflow and its control page."""

from flask import Blueprint, Flask

from connector.sandbox.clock import Clock
from connector.sandbox.deliveries import Deliveries
from connector.sandbox.documents.hubspot import hubspot_document
from connector.sandbox.faults import Faults
from connector.sandbox.hubspot.access import Tokens
from connector.sandbox.hubspot.api import Api
from connector.sandbox.hubspot.control import control_page
from connector.sandbox.hubspot.limits import Limits
from connector.sandbox.hubspot.people import People
from connector.sandbox.hubspot.portal import Portal
from connector.sandbox.hubspot.search import Index
from connector.sandbox.hubspot.webhooks import Webhooks
from connector.sandbox.hubspot.workflow import Workflow
from connector.sandbox.request_log import RequestLog


class HubSpot:
    """One HubSpot account with one installed app."""

    name = "hubspot"

    def __init__(self, clock: Clock, faults: Faults, deliveries: Deliveries, log: RequestLog) -> None:
        self._faults = faults
        self._log = log
        self.portal = Portal(clock)
        self.tokens = Tokens()
        self.limits = Limits(clock.now)
        self.index = Index()
        self.webhooks = Webhooks(self.portal, deliveries)
        self.workflow = Workflow(self.portal, deliveries)
        self.people = People(self.portal)
        self.api = Api(self.portal, hubspot_document(), self.limits, self.tokens, self.index)
        self.portal.listen(self.webhooks.hear)
        self.portal.listen(self.workflow.hear)

    def app(self) -> Flask:
        """The public API."""
        return self.api.app(self._faults, self._log)

    def control(self) -> Blueprint:
        """What people do in HubSpot's pages, and what tests look up."""
        return control_page(self)


def create(clock: Clock, faults: Faults, deliveries: Deliveries, log: RequestLog) -> HubSpot:
    """A fresh portal with HubSpot's standard properties, two pipelines and three owners."""
    return HubSpot(clock, faults, deliveries, log)
