"""Which deals that we marked were touched, asked of HubSpot's search."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.crm.hubspot.client import HubSpotClient
from connector.domain.refs import RecordRef
from connector.errors import Unreachable
from connector.ports import CrmWrite, Touched
from connector.sandbox import Sandbox
from tests.crm.hubspot.stub import StubHubSpot, results
from tests.crm.hubspot.test_hubspot_deals import SINCE, DealIndex, found_deal
from tests.crm.hubspot.test_hubspot_sandbox import a_won_deal, deal_ref, live, refused, sandbox, throttle

__all__ = ["live", "sandbox", "throttle"]

MARKER = "billing_sync_status"


def searches(hubspot: StubHubSpot) -> int:
    return sum(line.endswith("/search") for line in hubspot.lines())


def test_marked_deals_are_asked_for_by_time_and_come_with_it(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """Won or not, by one search; a filter that asks for any value carries none."""
    hubspot.on(r"POST .*/deals/search", results(found_deal(7, 10), total=1))
    at = SINCE + timedelta(seconds=10)
    assert list(client.touched_since(SINCE, MARKER)) == [Touched(RecordRef("hubspot", "deal", "7"), at)]
    asked = hubspot.last(r"POST .*/deals/search").body
    since = {
        "propertyName": "hs_lastmodifieddate",
        "operator": "GTE",
        "value": str(int(SINCE.timestamp()) * 1000),
    }
    assert asked["filterGroups"] == [{"filters": [{"propertyName": MARKER, "operator": "HAS_PROPERTY"}, since]}]
    assert searches(hubspot) == 1


def test_nothing_is_asked_by_a_property_that_is_not_there(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """HubSpot would refuse the search, and polling would stop."""
    assert list(client.touched_since(SINCE, "no_such_property")) == []
    assert searches(hubspot) == 0


def test_touched_deals_come_page_by_page_and_once_each(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    hubspot.on(r"POST .*/deals/search", DealIndex({n: n * 10 for n in range(1, 11)}))
    assert [each.ref.id for each in client.touched_since(SINCE, MARKER)] == [str(n) for n in range(1, 11)]


def test_a_touched_deal_without_its_change_time_is_not_guessed_at(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """Its change could not be told from our own."""
    hubspot.on(r"POST .*/deals/search", results({"id": "1", "properties": {}}, total=1))
    with pytest.raises(Unreachable):
        list(client.touched_since(SINCE, MARKER))


@pytest.mark.parametrize("what", ["deal", "line"])
def test_a_changed_deal_or_line_touches_a_marked_deal(sandbox: Sandbox, live: HubSpotClient, what: str) -> None:
    """Seats are sold on the line: HubSpot works the deal's own figures out anew, which changes the deal."""
    made = a_won_deal(sandbox)
    assert live.write([CrmWrite(deal_ref(made), {MARKER: "billed"})])[0].error is None
    sandbox.clock.advance(timedelta(hours=1))
    since = sandbox.clock.now()
    assert list(live.touched_since(since, MARKER)) == []
    if what == "deal":
        sandbox.hubspot.people.edit("deals", made["deal"], {"description": "Call them."})
    else:
        sandbox.hubspot.people.edit("line_items", made["line_items"][0], {"quantity": "7"})
    [touched] = live.touched_since(since, MARKER)
    assert touched.ref == deal_ref(made)
    assert abs(touched.at - sandbox.clock.now()) < timedelta(seconds=5)
    assert refused(sandbox) == []
