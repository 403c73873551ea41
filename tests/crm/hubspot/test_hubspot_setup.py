"""Setting up a HubSpot account, and asking it how it is."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import pytest

from connector.crm.hubspot.client import HubSpotClient
from connector.crm.hubspot.settings import HubSpotSettings
from connector.domain.write_back import FIELDS
from connector.errors import AccessLost, Rejected
from connector.ports import Check, CheckStatus
from mappings.model import FieldMapping
from tests.crm.hubspot.conftest import COMPANY_PROPERTIES, RecordingThrottle, StandingClock
from tests.crm.hubspot.stub import Asked, Reply, StubHubSpot, a_property, refusal, results

KINDS = ("deals", "companies", "contacts", "line_items", "products")


class Account:
    """Properties, groups and labels that can be made, on top of the stub."""

    def __init__(self, stub: StubHubSpot, present: dict[str, list[dict[str, Any]]]) -> None:
        self.properties = {path: list(present.get(path, ())) for path in KINDS}
        self.groups: dict[str, list[dict[str, Any]]] = {path: [] for path in self.properties}
        for path in self.properties:
            for suffix, there in (("", self.properties[path]), ("/groups", self.groups[path])):
                stub.on(f"GET /crm/v3/properties/{path}{suffix}", functools.partial(_listed, there))
                stub.on(f"POST /crm/v3/properties/{path}{suffix}", functools.partial(_made, there))
        self.labels: list[dict[str, Any]] = [{"category": "HUBSPOT_DEFINED", "typeId": 341, "label": None}]
        stub.on(r"GET /crm/v4/associations/deals/companies/labels", functools.partial(_listed, self.labels))
        stub.on(r"POST /crm/v4/associations/deals/companies/labels", functools.partial(_labelled, self.labels))

    def made(self, path: str, name: str) -> dict[str, Any]:
        return next(each for each in self.properties[path] if each["name"] == name)


def _listed(there: list[dict[str, Any]], _: Asked) -> Reply:
    return results(*there)


def _made(there: list[dict[str, Any]], asked: Asked) -> Reply:
    if any(each["name"] == asked.body["name"] for each in there):
        return refusal(409, "CONFLICT")
    there.append(asked.body)
    return Reply(asked.body, 201)


def _labelled(there: list[dict[str, Any]], asked: Asked) -> Reply:
    there.append({"category": "USER_DEFINED", "typeId": 1001, **asked.body})
    return results(*there[-1:])


def test_set_up_plans_before_it_makes_anything(
    client: HubSpotClient, hubspot: StubHubSpot, mapping: FieldMapping
) -> None:
    """The plan can be printed; looking changes nothing."""
    Account(hubspot, {})
    plan = client.setup(mapping)

    assert {line.split()[0] for line in hubspot.lines()} == {"GET"}
    assert not any(action.done for action in plan)
    assert plan[0].id == "group company.billing"
    assert len({action.id for action in plan}) == len(plan)
    assert "property company.billing_credit_hold" in [action.id for action in plan]
    assert "property deal.billing_credit_hold" not in [action.id for action in plan]
    assert "property deal.billing_start" in [action.id for action in plan]
    assert "property product.stripe_price_id" in [action.id for action in plan]


def test_set_up_makes_every_property_in_its_right_type(
    client: HubSpotClient, hubspot: StubHubSpot, mapping: FieldMapping
) -> None:
    """Types, options and descriptions come from the canonical fields."""
    account = Account(hubspot, {})
    for action in client.setup(mapping):
        assert action.apply is not None
        action.apply()

    assert {each["name"] for each in account.properties["companies"]} == {
        *(f"billing_{each.name}" for each in FIELDS if "account" in each.on),
        "billing_payment_terms",
        "billing_tax_id",
        "billing_tax_status",
    }
    assert [each["label"] for each in account.labels] == [None, "Bill To"]
    health = account.made("companies", "billing_health")
    assert (health["type"], health["fieldType"], health["groupName"]) == ("enumeration", "select", "billing")
    assert [option["value"] for option in health["options"]] == ["good", "watch", "late", "severe", "unknown"]
    assert health["label"] == "Payment health"
    assert health["description"]
    hold = account.made("companies", "billing_credit_hold")
    assert (hold["type"], hold["fieldType"]) == ("bool", "booleancheckbox")
    assert [option["value"] for option in hold["options"]] == ["true", "false"]
    assert account.made("deals", "billing_mrr")["type"] == "number"
    assert account.made("deals", "billing_renewal_date")["type"] == "date"
    assert account.made("deals", "billing_synced_at")["type"] == "datetime"
    assert account.made("deals", "billing_sync_message")["fieldType"] == "textarea"
    assert "options" not in account.made("deals", "billing_po_number")
    assert account.groups["deals"] == [{"name": "billing", "label": "Billing", "displayOrder": -1}]


def test_set_up_twice_changes_nothing_the_second_time(
    client: HubSpotClient, hubspot: StubHubSpot, mapping: FieldMapping
) -> None:
    """Everything is found made, and nothing is left to apply."""
    Account(hubspot, {})
    for action in client.setup(mapping):
        if action.apply:
            action.apply()

    again = client.setup(mapping)

    assert all(action.done and action.apply is None for action in again)


def test_what_a_customer_made_is_never_changed(
    client: HubSpotClient, hubspot: StubHubSpot, mapping: FieldMapping
) -> None:
    """A property of the same name counts as there, whatever its type; only POSTs of missing ones are sent."""
    theirs = a_property("billing_health", "string", label="Our own health")
    account = Account(hubspot, {"companies": [theirs]})
    for action in client.setup(mapping):
        if action.apply:
            action.apply()

    assert account.made("companies", "billing_health") == theirs
    assert {line.split()[0] for line in hubspot.lines()} == {"GET", "POST"}


def test_a_choice_that_an_earlier_version_did_not_know_is_added_to_our_own_property(
    client: HubSpotClient, hubspot: StubHubSpot, mapping: FieldMapping
) -> None:
    """Nothing of what is there changes: order, labels and hidden choices stay."""
    before = a_property("billing_sync_status", "enumeration", choices=["waiting", "billed", "needs_attention"])
    before["options"][0] |= {"label": "Wartet", "hidden": True, "displayOrder": 7, "description": "theirs"}
    Account(hubspot, {"deals": [before]})
    hubspot.on(r"PATCH /crm/v3/properties/deals/billing_sync_status", Reply({}))

    action = next(each for each in client.setup(mapping) if each.id == "options deal.billing_sync_status")
    assert not action.done
    assert "Awaiting approval" in action.sentence
    assert action.apply is not None
    action.apply()

    [first, *_, last] = hubspot.last(r"PATCH .*").body["options"]
    assert first == {
        "label": "Wartet",
        "value": "waiting",
        "hidden": True,
        "displayOrder": 7,
        "description": "theirs",
    }
    assert (last["value"], last["label"], last["displayOrder"]) == ("awaiting_approval", "Awaiting approval", 3)


@pytest.mark.parametrize(
    "theirs",
    [
        a_property("billing_sync_status", "enumeration", choices=["waiting", "their own word"]),
        a_property("billing_sync_status", "enumeration", choices=["waiting"], groupName="their_group"),
        a_property("billing_sync_status", "string"),
    ],
    ids=["a choice of theirs", "in a group of theirs", "another type"],
)
def test_no_choice_is_added_to_what_is_not_ours(
    client: HubSpotClient, hubspot: StubHubSpot, mapping: FieldMapping, theirs: dict[str, Any]
) -> None:
    """Its owner may have reasons; the doctor says what does not fit."""
    Account(hubspot, {"deals": [theirs]})
    assert not [each for each in client.setup(mapping) if each.id.startswith("options ")]


def test_a_label_that_is_there_in_another_spelling_is_there(
    client: HubSpotClient, hubspot: StubHubSpot, mapping: FieldMapping
) -> None:
    """People do not mind capitals, and HubSpot would refuse a second one."""
    Account(hubspot, {}).labels.append({"category": "USER_DEFINED", "typeId": 7, "label": "Bill to"})
    [label] = [each for each in client.setup(mapping) if each.id.startswith("label ")]
    assert (label.id, label.done, label.apply) == ("label deals.companies.Bill To", True, None)


def test_a_key_that_may_not_see_labels_can_set_up_the_rest(
    client: HubSpotClient, hubspot: StubHubSpot, mapping: FieldMapping
) -> None:
    """Smaller subscriptions have no labels; making one says so."""
    Account(hubspot, {})
    hubspot.on(r"(GET|POST) /crm/v4/associations/.*", refusal(403, "MISSING_SCOPES"))
    *_, label = client.setup(mapping)
    assert (label.id, label.done) == ("label deals.companies.Bill To", False)
    assert label.apply is not None
    with pytest.raises(AccessLost):
        label.apply()


def test_two_people_setting_up_at_once_do_no_harm(
    client: HubSpotClient, hubspot: StubHubSpot, mapping: FieldMapping
) -> None:
    """Made by someone else since we looked is as good as made."""
    Account(hubspot, {})
    first, second = client.setup(mapping), client.setup(mapping)
    for action in (*first, *second):
        assert action.apply is not None
        action.apply()


def test_a_refusal_while_setting_up_is_told(client: HubSpotClient, hubspot: StubHubSpot, mapping: FieldMapping) -> None:
    """A key without schema scopes cannot make properties."""
    Account(hubspot, {})
    action = client.setup(mapping)[0]
    hubspot.on(r"POST /crm/v3/properties/companies/groups", refusal(403, "MISSING_SCOPES"))
    assert action.apply is not None

    with pytest.raises(AccessLost):
        action.apply()


def test_only_what_the_mapping_names_is_made(
    client: HubSpotClient, hubspot: StubHubSpot, mapping: FieldMapping
) -> None:
    """An admin who shows only health, in a property of their own naming, gets only that."""
    Account(hubspot, {})
    small = dataclasses.replace(mapping, deal=(), line_item=(), write_back={"account": {"health": "pay_health"}})

    assert [action.id for action in client.setup(small)] == ["group company.billing", "property company.pay_health"]


# --- Checks ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def healthy(hubspot: StubHubSpot) -> StubHubSpot:
    hubspot.on(r"POST /crm/v3/objects/\w+/batch/read", Reply({"results": [], "errors": []}, 207))
    nobody = {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["0"]}}
    hubspot.on(r"POST /crm/v3/objects/\w+/batch/update", Reply({"results": [], "errors": [nobody]}, 207))
    return hubspot


def by_id(checks: list[Check]) -> dict[str, Check]:
    return {each.id: each for each in checks}


def test_a_healthy_account_passes(client: HubSpotClient, healthy: StubHubSpot, mapping: FieldMapping) -> None:
    """Every check is ok but the one that webhooks would make things faster."""
    found = by_id(client.check(mapping))

    assert {each.id for each in found.values() if each.status is not CheckStatus.OK} == {"hubspot.webhooks"}
    assert {"hubspot.token", "hubspot.scopes", "hubspot.properties", "hubspot.won_stage"} <= found.keys()


def test_checking_changes_no_record(client: HubSpotClient, healthy: StubHubSpot, mapping: FieldMapping) -> None:
    """Rights are tried on a record that does not exist."""
    client.check(mapping)

    tried = [each for each in healthy.asked if each.path.endswith("/batch/update")]
    assert tried
    assert {row["id"] for each in tried for row in each.body["inputs"]} == {"0"}


def test_a_token_that_is_no_good_is_the_only_finding(
    client: HubSpotClient, hubspot: StubHubSpot, mapping: FieldMapping
) -> None:
    """Everything else would only repeat it."""
    hubspot.on(r"GET .*", refusal(401, "INVALID_AUTHENTICATION"))
    (check,) = client.check(mapping)

    assert (check.id, check.status) == ("hubspot.token", CheckStatus.FAIL)
    assert "HUBSPOT_ACCESS_TOKEN" in check.hint


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        (r"POST /crm/v3/objects/companies/batch/update", "crm.objects.companies.write"),
        (r"POST /crm/v3/objects/contacts/batch/read", "crm.objects.contacts.read"),
    ],
)
def test_a_missing_scope_is_named(
    client: HubSpotClient, healthy: StubHubSpot, mapping: FieldMapping, path: str, scope: str
) -> None:
    """As it is spelled in HubSpot."""
    healthy.on(path, refusal(403, "MISSING_SCOPES"))
    check = by_id(client.check(mapping))["hubspot.scopes"]

    assert check.status is CheckStatus.FAIL
    assert scope in check.sentence


def test_a_write_refused_for_another_reason_shows_the_right_to_write(
    client: HubSpotClient, healthy: StubHubSpot, mapping: FieldMapping
) -> None:
    """HubSpot may say 404 or 400 to a record that is not there."""
    healthy.on(r"POST /crm/v3/objects/\w+/batch/update", refusal(404, "OBJECT_NOT_FOUND"))

    assert by_id(client.check(mapping))["hubspot.scopes"].status is CheckStatus.OK


def test_missing_properties_point_to_set_up(client: HubSpotClient, healthy: StubHubSpot, mapping: FieldMapping) -> None:
    """With the command that makes them."""
    healthy.on(r"GET /crm/v3/properties/companies", results(*COMPANY_PROPERTIES[1:-1]))
    check = by_id(client.check(mapping))["hubspot.properties"]

    assert check.status is CheckStatus.FAIL
    assert "company.billing_synced_at" in check.sentence
    assert "company.name" in check.sentence  # read, and required
    assert "connector setup hubspot" in check.hint


@pytest.mark.parametrize(
    "theirs",
    [
        a_property("billing_synced_at", "number"),
        a_property("billing_health", "enumeration", choices=["good", "bad"]),
        a_property("billing_mrr", "number", read_only=True),
    ],
)
def test_properties_that_cannot_hold_our_values_are_named(
    client: HubSpotClient, healthy: StubHubSpot, mapping: FieldMapping, theirs: dict[str, Any]
) -> None:
    """A number for a moment, a list without our word, a read-only one: set-up will not change them."""
    kept = [each for each in COMPANY_PROPERTIES if each["name"] != theirs["name"]]
    healthy.on(r"GET /crm/v3/properties/companies", results(*kept, theirs))
    check = by_id(client.check(mapping))["hubspot.property_types"]

    assert check.status is CheckStatus.WARN
    assert f"company.{theirs['name']}" in check.sentence


def test_a_value_that_is_shown_in_text_of_their_own_is_fine(
    client: HubSpotClient, healthy: StubHubSpot, mapping: FieldMapping
) -> None:
    """An admin may show health in a plain text property."""
    theirs = a_property("their_note")
    healthy.on(r"GET /crm/v3/properties/companies", results(*COMPANY_PROPERTIES, theirs))
    shown = dataclasses.replace(mapping, write_back={"account": {"health": "their_note", "own_value": "their_note"}})

    assert by_id(client.check(shown))["hubspot.properties"].status is CheckStatus.OK


def test_an_account_where_no_stage_means_won_fails(
    client: HubSpotClient, healthy: StubHubSpot, mapping: FieldMapping
) -> None:
    """No deal of it would ever be billed, in silence."""
    healthy.on(r"GET /crm/v3/pipelines/deals", results())

    assert by_id(client.check(mapping))["hubspot.won_stage"].status is CheckStatus.FAIL


@pytest.mark.parametrize(("left", "status"), [("600000", CheckStatus.OK), ("65000", CheckStatus.WARN)])
def test_the_daily_budget_is_shown(
    client: HubSpotClient, healthy: StubHubSpot, mapping: FieldMapping, left: str, status: CheckStatus
) -> None:
    """From the newest answer that told it; from eighty percent it is a warning."""
    headers = {"X-HubSpot-RateLimit-Daily": "650000", "X-HubSpot-RateLimit-Daily-Remaining": left}
    body = healthy.body_of("GET /crm/v3/pipelines/deals")
    healthy.on(r"GET /crm/v3/pipelines/deals", Reply(body, 200, headers))

    assert by_id(client.check(mapping))["hubspot.budget"].status is status


def test_a_check_that_could_not_be_made_is_a_finding(
    client: HubSpotClient, healthy: StubHubSpot, mapping: FieldMapping
) -> None:
    """The others are made all the same."""
    healthy.on(r"GET /crm/v3/pipelines/deals", refusal(503, "UNWELL"))
    found = by_id(client.check(mapping))

    assert found["hubspot.unfinished"].status is CheckStatus.WARN
    assert "hubspot.webhooks" in found


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"client_secrets": "s"}, CheckStatus.OK),
        ({"client_secrets": "s", "allow_legacy_signatures": True}, CheckStatus.WARN),
    ],
)
def test_how_deliveries_are_checked_is_told(
    healthy: StubHubSpot,
    mapping: FieldMapping,
    throttle: RecordingThrottle,
    clock: StandingClock,
    more: dict[str, Any],
    status: CheckStatus,
) -> None:
    """Old signatures carry no time; whoever allows them should know."""
    settings = HubSpotSettings(access_token="t", base_url=healthy.url, **more)
    client = HubSpotClient(settings, throttle, clock)

    assert by_id(client.check(mapping))["hubspot.webhooks"].status is status


def test_a_group_that_hubspot_refuses_is_rejected(
    client: HubSpotClient, hubspot: StubHubSpot, mapping: FieldMapping
) -> None:
    """Only a clash counts as made."""
    Account(hubspot, {})
    action = client.setup(mapping)[0]
    hubspot.on(r"POST /crm/v3/properties/companies/groups", refusal(400))
    assert action.apply is not None

    with pytest.raises(Rejected):
        action.apply()
