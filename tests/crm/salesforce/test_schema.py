"""Paths through the org's objects, as describe answers tell them."""

from __future__ import annotations

import pytest

from connector.crm.salesforce.connection import Connection
from connector.crm.salesforce.schema import Schema
from connector.crm.salesforce.settings import SalesforceSettings
from connector.errors import NotFound
from tests.crm.salesforce.conftest import BASE, StubOrg, Turnstile, Wall


@pytest.fixture
def schema(settings: SalesforceSettings, org: StubOrg, throttle: Turnstile, clock: Wall) -> Schema:
    return Schema(Connection(settings, throttle, clock), clock)


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("Opportunity.Amount", True),
        ("Opportunity.amount", False),
        ("Opportunity.Account.Website", True),
        ("OpportunityLineItem.Product2.ProductCode", True),
        ("Opportunity.Account.Nope__c", False),
        ("Opportunity.Nowhere.Name", False),
        ("Opportunity.Amount.Name", False),
        ("Opportunity", False),
    ],
)
def test_a_path_leads_to_a_field_or_nowhere(schema: Schema, path: str, there: bool) -> None:
    """Spelled as Salesforce spells it: answers come back so, and the mapping must find them."""
    assert schema.has_path(path) is there


@pytest.mark.parametrize("name", ["", "Opportunity/describe", "../Account", "Ünder__c", "1st__c"])
def test_an_impossible_name_is_not_asked_for(schema: Schema, org: StubOrg, name: str) -> None:
    """A mapping cannot steer the address of a request."""
    with pytest.raises(NotFound):
        schema.shape(name)
    assert len(org.wire.calls) == 0


def test_a_hidden_object_hides_its_fields(schema: Schema, org: StubOrg) -> None:
    """Paths into it lead nowhere."""
    org.wire.get(f"{BASE}/sobjects/Secret__c/describe", json=[{"errorCode": "NOT_FOUND", "message": ""}], status=404)
    assert not schema.has_path("Secret__c.Name")
