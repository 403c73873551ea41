"""What contract shapes ask of the client, against the make-believe Salesforce: choices, relations, roles, readiness."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from connector.crm.salesforce.client import SalesforceClient
from connector.domain.refs import RecordRef
from connector.sandbox.salesforce.custom_fields import add_field
from mappings.apply import read
from mappings.model import FieldMapping, FieldRule
from tests.crm.salesforce.conftest import calls, deal_ref, set_up
from tests.sandbox.salesforce_org import ServedOrg


def sync_status(*values: str) -> dict[str, object]:
    """The field as an earlier version of ours made it."""
    choices = [{"fullName": each, "label": each.capitalize(), "default": False} for each in values]
    value_set = {"restricted": False, "valueSetDefinition": {"sorted": False, "value": choices}}
    return {"label": "Billing sync", "type": "Picklist", "valueSet": value_set, "inlineHelpText": "As it was."}


def test_a_choice_that_an_earlier_version_did_not_know_is_added_to_our_own_picklist(
    connected: SalesforceClient, served: ServedOrg, mapping: FieldMapping
) -> None:
    """The rest of the definition stays as it is, and a third run finds nothing to do."""
    add_field(served.org, "Opportunity.Billing_Sync_Status__c", sync_status("waiting", "billed"))
    set_up(connected, mapping)  # makes the field visible to us
    assert set_up(connected, mapping) == ["choices Opportunity.Billing_Sync_Status__c"]
    assert connected.describe("deal").fields["Billing_Sync_Status__c"].choices == (
        "waiting",
        "billed",
        "needs_attention",
        "awaiting_approval",
    )
    kept = served.org.custom_metadata["Opportunity.Billing_Sync_Status__c"]
    assert kept["inlineHelpText"] == "As it was."
    assert set_up(connected, mapping) == []


def test_no_choice_is_added_to_a_picklist_that_holds_words_of_theirs(
    connected: SalesforceClient, served: ServedOrg, mapping: FieldMapping
) -> None:
    """Somebody has made it their own."""
    add_field(served.org, "Opportunity.Billing_Sync_Status__c", sync_status("waiting", "on hold"))
    set_up(connected, mapping)
    assert set_up(connected, mapping) == []


def test_a_path_may_lead_through_several_relations(
    ready: SalesforceClient, served: ServedOrg, mapping: FieldMapping
) -> None:
    """The owner's address of the account that buys, three objects away, in the same query."""
    made = served.deal(opportunity={"StageName": "Prospecting"})
    rule = FieldRule("metadata.owner", "Opportunity.Account.Owner.Email")
    before = calls(served, "GET", "/query")
    deal = ready.fetch_deal(deal_ref(made), replace(mapping, deal=(*mapping.deal, rule)))
    assert calls(served, "GET", "/query") == before + 1
    assert read([rule], deal.records)["metadata.owner"].endswith("@northwind.example")


def test_a_relation_says_by_which_name_a_path_goes_through_it_and_where_it_leads(ready: SalesforceClient) -> None:
    """So that a mapping's check can follow a path, field by field."""
    account = ready.describe("deal").fields["AccountId"]
    assert (account.relation, account.references) == ("Account", ("Account",))
    payer = ready.describe("account").fields["Billing_Payer__c"]
    assert (payer.relation, payer.references) == ("Billing_Payer__r", ("Account",))
    assert ready.describe("owner").object == ready.describe("User").object == "User"


def test_all_contacts_in_a_role_are_read_as_one(
    ready: SalesforceClient, served: ServedOrg, mapping: FieldMapping
) -> None:
    """Several people in accounts payable get the invoice; the primary billing contact stays the addressee."""
    made = served.deal(contact={"LastName": "Boss", "Email": "boss@acme.example"})
    for name in ("one", "two"):
        contact = served.people.create("Contact", {"LastName": name, "Email": f"{name}@acme.example"})
        role = {"OpportunityId": made["opportunity_id"], "ContactId": contact, "Role": "Accounts Payable"}
        served.people.create("OpportunityContactRole", role)
    rule = FieldRule("terms.recipients", "Contact[accounts payable].Email", "emails")
    deal = ready.fetch_deal(deal_ref(made), replace(mapping, deal=(*mapping.deal[:1], rule)))
    assert read([rule], deal.records)["terms.recipients"] == ("one@acme.example", "two@acme.example")
    assert deal.contact == RecordRef("salesforce", "contact", made["contact_id"])


def test_an_open_deal_is_listed_again_when_its_account_changes(ready: SalesforceClient, served: ServedOrg) -> None:
    """A tax id is filled in on the account: the deal that lacked it is looked at once more."""
    made = served.deal(opportunity={"StageName": "Negotiation/Review"})
    early = served.deal(opportunity={"StageName": "Prospecting"})
    served.advance(hours=1)
    since = served.clock.now() - timedelta(seconds=1)  # Salesforce keeps whole seconds
    for each in (made, early):
        served.people.update("Account", str(each["account_id"]), {"Billing_Tax_Id__c": "DE1"})
    assert list(ready.open_since(since, ["Proposal/Price Quote"])) == [deal_ref(made)]
