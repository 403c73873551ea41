"""Which deals that we marked were touched, asked of Salesforce in one query."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.crm.salesforce.client import SalesforceClient
from connector.domain.refs import RecordRef
from connector.errors import Rejected
from connector.ports import CrmWrite, Touched
from mappings.model import FieldMapping
from tests.crm.salesforce.conftest import StubOrg, calls, deal_ref
from tests.sandbox.salesforce_org import ServedOrg

SINCE = datetime(2026, 11, 21, 11, 55, tzinfo=UTC)
MARKER = "Billing_Sync_Status__c"
LINE = {"product": {"Name": "Seats"}, "Quantity": 5, "UnitPrice": 20}
A_DEAL = "0067F000003pmdWQAQ"
GONE = (400, [{"errorCode": "INVALID_FIELD", "message": "No such column"}])


def test_marked_deals_are_asked_for_by_time_and_come_with_it(
    client: SalesforceClient, org: StubOrg, mapping: FieldMapping
) -> None:
    """Won or not; Salesforce writes its offset without a colon."""
    org.add_custom_fields(mapping)
    org.answers_query([{"attributes": {}, "Id": A_DEAL, "SystemModstamp": "2026-11-21T12:00:07.000+0000"}])
    touched = list(client.touched_since(SINCE, MARKER))
    assert touched == [Touched(RecordRef("salesforce", "deal", A_DEAL), datetime(2026, 11, 21, 12, 0, 7, tzinfo=UTC))]
    [asked] = org.queries
    assert asked == (
        "SELECT Id, SystemModstamp FROM Opportunity WHERE Billing_Sync_Status__c != null "
        "AND SystemModstamp >= 2026-11-21T11:55:00.000Z ORDER BY SystemModstamp, Id"
    )


@pytest.mark.parametrize("marker", ["No_Such_Field__c", "Description", "Name != null OR Name"])
def test_nothing_is_asked_by_a_field_that_cannot_be_asked_by(
    client: SalesforceClient, org: StubOrg, marker: str
) -> None:
    """A field that is not there, or a long text: Salesforce refuses the query, and polling would stop."""
    assert list(client.touched_since(SINCE, marker)) == []
    assert org.queries == []


def test_a_field_that_went_away_is_asked_by_once(client: SalesforceClient, org: StubOrg, mapping: FieldMapping) -> None:
    """Then the org is described anew."""
    org.add_custom_fields(mapping)
    org.answers_query(GONE)
    assert list(client.touched_since(SINCE, MARKER)) == []
    org.fields["Opportunity"] = [each for each in org.fields["Opportunity"] if each["name"] != MARKER]
    assert list(client.touched_since(SINCE, MARKER)) == []
    assert (len(org.queries), org.described) == (1, ["Opportunity", "Opportunity"])


def test_any_other_refusal_is_told(client: SalesforceClient, org: StubOrg, mapping: FieldMapping) -> None:
    org.add_custom_fields(mapping)
    org.answers_query((400, [{"errorCode": "MALFORMED_QUERY", "message": "?"}]))
    with pytest.raises(Rejected):
        list(client.touched_since(SINCE, MARKER))


@pytest.mark.parametrize("what", ["deal", "line"])
def test_a_changed_deal_or_line_touches_a_marked_deal(ready: SalesforceClient, served: ServedOrg, what: str) -> None:
    """Seats are sold on the line: its change counts as one of the deal."""
    made = served.deal(opportunity={"StageName": "Prospecting"}, lines=[LINE])
    assert ready.write([CrmWrite(deal_ref(made), {MARKER: "billed"})])[0].error is None
    served.advance(hours=1)
    since = served.clock.now() - timedelta(seconds=1)  # Salesforce keeps whole seconds
    before = calls(served, "GET", "/query")
    assert list(ready.touched_since(since, MARKER)) == []
    assert calls(served, "GET", "/query") == before + 1
    if what == "deal":
        served.people.update("Opportunity", made["opportunity_id"], {"Description": "Call them."})
    else:
        served.people.update("OpportunityLineItem", made["line_ids"][0], {"Quantity": 7})
    [touched] = ready.touched_since(since, MARKER)
    assert touched.ref == deal_ref(made)
    assert abs(touched.at - served.clock.now()) <= timedelta(seconds=1)


def test_many_touched_deals_come_page_by_page(client: SalesforceClient, org: StubOrg, mapping: FieldMapping) -> None:
    """By the cursor that Salesforce gives."""
    org.add_custom_fields(mapping)
    rows = [{"Id": f"0067F00000{n:05d}QAQ", "SystemModstamp": "2026-11-21T12:00:07.000+0000"} for n in range(3)]
    first = {"totalSize": 3, "done": False, "records": rows[:2], "nextRecordsUrl": "/services/data/v66.0/query/01g-2"}
    org.answers_query(first)
    org.on("GET", "query/01g-2", {"totalSize": 3, "done": True, "records": rows[2:]})
    assert [each.ref.id for each in client.touched_since(SINCE, MARKER)] == [row["Id"] for row in rows]
