"""What people do at Salesforce, over the control API: edit, win, merge, switch, look."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from connector.sandbox.control import control_app
from connector.sandbox.salesforce import CLIENT_KEY
from connector.sandbox.serving import listen
from tests.sandbox.salesforce_org import ServedOrg, code_of, listening
from tests.sandbox.test_sandbox_salesforce_outbound import YES, told


class Control:
    """The control API of a served org."""

    def __init__(self, org: ServedOrg) -> None:
        app = control_app(org.clock, org.faults, org.deliveries, org.log, [org.vendor])
        self._server = listen(app)
        self._url = f"http://127.0.0.1:{self._server.server_port}/control/salesforce"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __call__(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = requests.request(method, f"{self._url}/{path}", json=body, timeout=10)
        assert answer.status_code == status, answer.text
        return answer.json()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def control(org: ServedOrg) -> Iterator[Control]:
    made = Control(org)
    yield made
    made.close()


def test_a_person_makes_edits_and_deletes_records(org: ServedOrg, control: Control) -> None:
    owner = org.people.seeded.owners[1]
    made = control("POST", f"records/Account?by={owner}", {"Name": "Acme"})["id"]
    assert control("GET", f"records/Account/{made}")["CreatedById"] == owner
    assert control("PATCH", f"records/Account/{made}", {"Phone": "1"})["Phone"] == "1"
    assert [one["Name"] for one in control("GET", "records/Account")["records"]] == ["Acme"]
    control("DELETE", f"records/Account/{made}")
    assert control("GET", "records/Account")["records"] == []
    assert control("GET", "records/Account?deleted=1")["records"][0]["IsDeleted"] is True
    assert "There is no Account 001" in control("GET", "records/Account/001", status=404)["error"]
    assert "There is no object Acount" in control("GET", "records/Acount", status=404)["error"]
    assert "REQUIRED_FIELD_MISSING" in control("POST", "records/Account", {}, status=400)["error"]


def test_a_whole_deal_is_made_in_one_step_and_told_as_won_with_its_lines(org: ServedOrg, control: Control) -> None:
    with listening(YES) as listener:
        control(
            "POST",
            "outbound",
            {
                "name": "won",
                "object": "Opportunity",
                "url": listener.url,
                "fields": ["Amount"],
                "criterion": "IsWon = true",
                "fires": "becomes_true",
            },
        )
        made = control(
            "POST",
            "deals",
            {
                "account": {"Name": "Acme"},
                "contact": {"LastName": "Doe", "Email": "ap@acme.example"},
                "role": "Billing",
                "opportunity": {"Name": "Acme 1", "CloseDate": "2026-11-20", "StageName": "Signed and Countersigned"},
                "lines": [
                    {"product_code": "PLATFORM", "Quantity": 2},
                    {
                        "product": {"ProductCode": "CUSTOM", "Name": "Custom work", "StockKeepingUnit": "C-1"},
                        "Quantity": 1,
                        "UnitPrice": 99.5,
                    },
                ],
            },
        )
        listener.wait_for(1)
        org.deliveries.wait_until_idle(5)

    assert [fields for _, fields in told(listener, 0)] == [{"Id": made["opportunity_id"], "Amount": "1599.5"}]
    assert len(listener.got) == 1
    deal = control("GET", f"records/Opportunity/{made['opportunity_id']}")
    assert (deal["IsWon"], deal["AccountId"], deal["ContactId"]) == (True, made["account_id"], made["contact_id"])
    products = {one["ProductCode"]: one for one in control("GET", "records/Product2")["records"]}
    assert products["CUSTOM"]["StockKeepingUnit"] == "C-1"
    assert len(made["line_ids"]) == 2


def test_a_deal_that_cannot_be_made_leaves_nothing_behind(org: ServedOrg, control: Control) -> None:
    body = {"account": {"Name": "Acme"}, "opportunity": {"Name": "No date"}}
    assert "CloseDate" in control("POST", "deals", body, status=400)["error"]
    assert control("GET", "records/Account?deleted=1")["records"] == []
    control("POST", "deals", {"opportunity": [], "account": {"Name": "a"}}, status=400)
    control("POST", "deals", {"opportunity": {"Name": "x", "CloseDate": "2026-01-01"}, "lines": {}}, status=400)


def test_merging_moves_the_losers_deals_to_the_master(org: ServedOrg, control: Control) -> None:
    master, deal = org.account("Acme"), org.deal(account={"Name": "ACME Inc"}, contact={"LastName": "Doe"})

    control("POST", "merge", {"object": "Account", "master": master, "losers": [deal["account_id"]]})

    assert org.people.read("Opportunity", deal["opportunity_id"])["AccountId"] == master
    assert org.people.read("Contact", deal["contact_id"])["AccountId"] == master
    loser = org.people.read("Account", deal["account_id"])
    assert (loser["IsDeleted"], loser["MasterRecordId"]) == (True, master)
    assert code_of(lambda: org.rest("GET", f"sobjects/Account/{deal['account_id']}")) == "ENTITY_IS_DELETED"
    control("POST", "merge", {"object": "Account", "master": master, "losers": "all"}, status=400)


def test_settings_are_changed_and_shown(org: ServedOrg, control: Control) -> None:
    shown = control(
        "PATCH",
        "settings",
        {
            "daily_requests": 100,
            "query_batch": 5,
            "session_lifetime": 900,
            "currencies": ["EUR", "KWD"],
            "multi_currency": True,
            "person_accounts": True,
            "versions": ["68.0"],
            "unknown_field_stops_request": True,
            "decimals": {"OpportunityLineItem.UnitPrice": 5},
            "duplicate_rules": [{"object": "Account", "fields": ["Name"], "action": "block"}],
            "validation_rules": [{"object": "Account", "criterion": "Phone = null", "message": "A phone, please"}],
        },
    )

    assert (shown["daily_requests"], shown["query_batch"], shown["session_lifetime"]) == (100, 5, 900)
    assert (shown["versions"], shown["features"]) == (["68.0"], ["multi_currency", "person_accounts"])
    assert shown["duplicate_rules"][0]["fields"] == ["Name"]
    assert shown == control("GET", "settings")
    assert "A phone, please" in control("POST", "records/Account", {"Name": "a"}, status=400)["error"]
    made = control("POST", "records/Account", {"Name": "a", "Phone": "1"})["id"]
    assert control("GET", f"records/Account/{made}")["CurrencyIsoCode"] == "EUR"
    again = {"Name": "a", "Phone": "1"}
    assert "DUPLICATES_DETECTED" in control("POST", "records/Account", again, status=400)["error"]
    places = {one["IsoCode"]: one["DecimalPlaces"] for one in control("GET", "records/CurrencyType")["records"]}
    assert places == {"EUR": 2, "KWD": 3}
    assert control("PATCH", "settings", {"multi_currency": False})["features"] == ["person_accounts"]
    control("PATCH", "settings", {"multi_currency": True, "person_accounts": False})


@pytest.mark.parametrize(
    "wrong",
    [
        {"daily_requests": "many"},
        {"nothing": 1},
        {"decimals": {"Account.Name": 2}},
        {"decimals": {"Opportunity.Amount": 9}},
        {"decimals": {"Nothing.Amount": 2}},
        {"currencies": []},
        ["daily_requests"],
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(control: Control, wrong: object) -> None:
    assert control("PATCH", "settings", wrong, status=400)["error"]


def test_stages_are_added_renamed_and_used(org: ServedOrg, control: Control) -> None:
    stage = {"name": "Purchase order in", "closed": True, "won": True, "probability": 100, "forecast": "Closed"}
    assert "Purchase order in" in control("POST", "stages", stage)["stages"]
    deal = org.deal(opportunity={"StageName": "Purchase order in"})
    assert "Gewonnen" in control("POST", "stages", {"rename": "Purchase order in", "to": "Gewonnen"})["stages"]

    found = org.people.read("Opportunity", deal["opportunity_id"])
    assert (found["StageName"], found["IsWon"]) == ("Gewonnen", True)
    control("POST", "stages", {"rename": "Nowhere", "to": "x"}, status=404)
    control("POST", "stages", {**stage, "name": "Gewonnen", "active": False})
    values = {one["name"]: one for one in org.rest("GET", "sobjects/Opportunity/describe")["fields"]}
    assert "Gewonnen" not in [one["value"] for one in values["StageName"]["picklistValues"]]


def test_an_admin_adds_fields_that_the_connector_may_or_may_not_see(org: ServedOrg, control: Control) -> None:
    text = {"type": "Text", "label": "PO", "length": 40}
    control("POST", "fields", {"full_name": "Opportunity.PO__c", "metadata": text})
    control("POST", "fields", {"full_name": "Opportunity.Note__c", "metadata": text})
    control("POST", "fields", {"full_name": "Opportunity.Hidden__c", "metadata": text, "visible": False})
    control("POST", "fields", {"full_name": "Opportunity.Must__c", "metadata": {**text, "required": True}})

    seen = {one["name"]: one for one in org.rest("GET", "sobjects/Opportunity/describe")["fields"]}
    assert {"PO__c", "Note__c", "Must__c"} <= seen.keys()
    assert "Hidden__c" not in seen
    assert seen["Must__c"]["nillable"] is False
    assert (
        "Must__c"
        in control("POST", "deals", {"opportunity": {"Name": "a", "CloseDate": "2026-01-01"}}, status=400)["error"]
    )
    control("POST", "fields", {"full_name": "Opportunity.X__c", "metadata": "Text"}, status=400)


def test_clients_and_sessions_are_managed(org: ServedOrg, control: Control) -> None:
    user = org.people.seeded.integration_user
    control("POST", "clients", {"key": "new", "secret": "s", "run_as": user, "approved_users": ["a@b.example"]})
    assert org.token(grant_type="client_credentials", client_id="new", client_secret="s").status_code == 200
    listed = control("GET", "clients")["clients"]
    assert {one["key"] for one in listed} == {CLIENT_KEY, "new"}
    assert all("secret" not in one for one in listed)
    assert [one["key"] for one in control("DELETE", "clients/new")["clients"]] == [CLIENT_KEY]
    control("DELETE", "clients/new", status=404)
    control("POST", "clients", {"key": "x", "approved_users": "all"}, status=400)

    assert org.sf.limits()
    control("DELETE", "sessions")
    assert code_of(org.sf.limits) == "INVALID_SESSION_ID"


def test_outbound_rules_are_listed_and_removed(control: Control) -> None:
    rule = {"name": "any", "object": "Account", "url": "http://127.0.0.1:9/", "fields": ["Name"]}
    listed = control("POST", "outbound", rule)["rules"]
    assert [(one["name"], one["action_id"][:3]) for one in listed] == [("any", "04k")]
    control("POST", "outbound", {**rule, "fields": "Name"}, status=400)
    control("POST", "outbound", {**rule, "when": "now"}, status=400)
    assert control("DELETE", "outbound/any")["rules"] == []
    control("DELETE", "outbound/any", status=404)


def test_the_org_introduces_itself(org: ServedOrg, control: Control) -> None:
    found = control("GET", "organization")
    assert found["organization_id"] == org.org.id
    assert found["client_id"] == CLIENT_KEY
    assert found["integration_user"] == org.people.seeded.integration_user
    told_by_api = org.sf.query("SELECT Id, Name, IsSandbox, OrganizationType FROM Organization")["records"][0]
    assert told_by_api["Id"] == org.org.id
