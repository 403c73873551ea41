"""A workflow with a webhook action: when a deal is won, the whole deal is posted somewhere, signed v2."""

import json
from dataclasses import dataclass
from typing import Any

from connector.sandbox.deliveries import Deliveries
from connector.sandbox.hubspot import signatures
from connector.sandbox.hubspot.events import Event
from connector.sandbox.hubspot.moments import milliseconds
from connector.sandbox.hubspot.portal import Portal
from connector.sandbox.hubspot.records import Record


@dataclass
class Action:
    """Where the workflow posts to; off until it has an address."""

    url: str = ""
    key: str = "sandbox-hubspot-client-secret"


class Workflow:
    """Listens to a portal for deals that become closed won."""

    def __init__(self, portal: Portal, deliveries: Deliveries) -> None:
        self.action = Action()
        self._portal = portal
        self._deliveries = deliveries

    def hear(self, event: Event) -> None:
        """Post the deal as it stands when it becomes won."""
        won = (event.kind.name, event.property_name, event.value) == ("deals", "hs_is_closed_won", "true")
        if won and self.action.url:
            self._send(self._portal.records["deals"][event.record_id])

    def _send(self, deal: Record) -> None:
        url, key, portal = self.action.url, self.action.key, self._portal

        def sign() -> tuple[bytes, dict[str, str]]:
            with portal.lock:
                body = json.dumps(deal_body(deal, portal)).encode()
            return body, {
                "Content-Type": "application/json",
                "X-HubSpot-Signature": signatures.v2(key, "POST", url, body),
                "X-HubSpot-Signature-Version": "v2",
                "X-HubSpot-Request-Timestamp": str(milliseconds(portal.clock.now())),
            }

        self._deliveries.send("hubspot", url, sign, _settled)


def deal_body(deal: Record, portal: Portal) -> dict[str, Any]:
    """The deal in the shape workflows post: values with their version history, ids as numbers."""
    properties = {
        name: {
            "value": value,
            "timestamp": milliseconds(changes[0].at),
            "source": changes[0].source.type,
            "sourceId": changes[0].source.id,
            "versions": [
                {"name": name, "value": one.value, "timestamp": milliseconds(one.at), "source": one.source.type}
                for one in changes
            ],
        }
        for name, value in deal.values.items()
        if value and (changes := deal.history.get(name))
    }
    return {
        "portalId": portal.id,
        "objectType": "DEAL",
        "objectTypeId": deal.kind.type_id,
        "objectId": int(deal.id),
        "version": len(deal.history.get("hs_lastmodifieddate", ())),
        "isDeleted": deal.archived,
        "properties": properties,
        "associations": {
            "associatedCompanyIds": [int(one.id) for one in portal.linked(deal, "companies")],
            "associatedVids": [int(one.id) for one in portal.linked(deal, "contacts")],
        },
    }


def _settled(status: int, _: bytes) -> bool:
    """A workflow gives up on a 4xx, except for 429."""
    return 200 <= status < 300 or (400 <= status < 500 and status != 429)
