"""A make-believe Salesforce: REST, SOQL, OAuth, custom fields and outbound messages over an org with state."""

from flask import Blueprint, Flask

from connector.sandbox.clock import Clock
from connector.sandbox.deliveries import Deliveries
from connector.sandbox.faults import Faults
from connector.sandbox.request_log import RequestLog
from connector.sandbox.salesforce.app import Doors, make_app
from connector.sandbox.salesforce.control import control_blueprint
from connector.sandbox.salesforce.cursors import Cursors
from connector.sandbox.salesforce.oauth import Logins
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.outbound import Outbound
from connector.sandbox.salesforce.people import People
from connector.sandbox.salesforce.seed import CLIENT_KEY, CLIENT_SECRET, INTEGRATION_USERNAME, seed
from connector.sandbox.salesforce.usage import Usage

__all__ = ["CLIENT_KEY", "CLIENT_SECRET", "INTEGRATION_USERNAME", "Salesforce", "create", "seed"]


class Salesforce:
    """One org with its people and its doors; a sandbox Vendor."""

    name = "salesforce"

    def __init__(self, clock: Clock, faults: Faults, deliveries: Deliveries, log: RequestLog) -> None:
        self.org = Org(clock)
        self.logins = Logins(self.org)
        self.outbound = Outbound(self.org, deliveries)
        self.people = People(self.org, seed(self.org, self.logins))
        self._doors = Doors(self.org, self.logins, Cursors(self.org), Usage(), faults, log)

    def app(self) -> Flask:
        """Salesforce's public API."""
        return make_app(self._doors)

    def control(self) -> Blueprint:
        """What people do in Salesforce, mounted at /control/salesforce."""
        return control_blueprint(self.org, self.people, self.logins, self.outbound)


def create(clock: Clock, faults: Faults, deliveries: Deliveries, log: RequestLog) -> Salesforce:
    """A seeded org, ready to be served."""
    return Salesforce(clock, faults, deliveries, log)
