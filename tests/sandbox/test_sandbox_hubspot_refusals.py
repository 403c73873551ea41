"""HubSpot says no to what the real one would not take, in the real one's words."""

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot.crm.deals import ApiException, SimplePublicObjectInput, SimplePublicObjectInputForCreate
from hubspot.oauth.exceptions import ApiException as OauthException

from tests.sandbox.hubspot_served import Served, served


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Served]:
    with served() as one:
        yield one


DEALS = "/crm/v3/objects/deals"


def _batch(count: int) -> dict[str, Any]:
    return {"inputs": [{"id": str(n), "properties": {}} for n in range(count)]}


def _search(*filters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"filterGroups": [{"filters": list(filters)}], **more}


def _property(**more: Any) -> dict[str, Any]:
    return {
        "name": "won_by",
        "label": "Won by",
        "type": "string",
        "fieldType": "text",
        "groupName": "dealinformation",
        **more,
    }


AMOUNT = {"propertyName": "amount", "operator": "EQ", "value": "1"}

WRONG: list[tuple[str, str, str, Any, str]] = [
    ("unknown key", "POST", DEALS, {"properties": {}, "owner": "1"}, "owner"),
    ("unknown nested key", "POST", f"{DEALS}/search", _search({**AMOUNT, "fuzzy": True}), "fuzzy"),
    ("a number as a value", "POST", DEALS, {"properties": {"amount": 12.5}}, "amount"),
    ("a boolean as a value", "POST", DEALS, {"properties": {"dealname": True}}, "dealname"),
    ("null as a value", "POST", DEALS, {"properties": {"amount": None}}, "amount"),
    ("no properties", "POST", DEALS, {"associations": []}, "properties"),
    ("no body", "POST", DEALS, None, "a body"),
    ("unknown property", "POST", DEALS, {"properties": {"billing_mrr": "1"}}, "PROPERTY_DOESNT_EXIST"),
    ("read-only property", "POST", DEALS, {"properties": {"hs_object_id": "1"}}, "READ_ONLY_VALUE"),
    ("computed property", "POST", DEALS, {"properties": {"hs_is_closed_won": "true"}}, "READ_ONLY_VALUE"),
    ("no number", "POST", DEALS, {"properties": {"amount": "1,200"}}, "INVALID_NUMBER"),
    ("not a number", "POST", DEALS, {"properties": {"amount": "NaN"}}, "INVALID_NUMBER"),
    ("no date", "POST", DEALS, {"properties": {"closedate": "21.11.2026"}}, "INVALID_DATE"),
    ("a moment without offset", "POST", DEALS, {"properties": {"closedate": "2026-11-21T10:00:00"}}, "INVALID_DATE"),
    (
        "a date that is no midnight",
        "POST",
        "/crm/v3/objects/line_items",
        {"properties": {"hs_recurring_billing_start_date": "2026-11-21T10:00:00Z"}},
        "INVALID_DATE",
    ),
    ("unknown stage", "POST", DEALS, {"properties": {"dealstage": "Closed Won"}}, "INVALID_OPTION"),
    (
        "a stage of another pipeline",
        "POST",
        DEALS,
        {"properties": {"dealstage": "closedwon", "pipeline": "94113927"}},
        "is not a stage of pipeline",
    ),
    ("a label for a value", "POST", DEALS, {"properties": {"dealtype": "New Business"}}, "INVALID_OPTION"),
    ("unknown owner", "POST", DEALS, {"properties": {"hubspot_owner_id": "9"}}, "INVALID_OPTION"),
    ("bad e-mail", "POST", "/crm/v3/objects/contacts", {"properties": {"email": "nobody"}}, "INVALID_EMAIL"),
    ("negative price", "POST", "/crm/v3/objects/line_items", {"properties": {"price": "-1"}}, "INVALID_NUMBER"),
    (
        "bad term",
        "POST",
        "/crm/v3/objects/line_items",
        {"properties": {"hs_recurring_billing_period": "12 months"}},
        "INVALID_PERIOD",
    ),
    ("too long", "POST", DEALS, {"properties": {"description": "x" * 65_537}}, "INVALID_STRING"),
    ("a task without a due date", "POST", "/crm/v3/objects/tasks", {"properties": {}}, "REQUIRED_FIELD"),
    ("batch of 101", "POST", f"{DEALS}/batch/update", _batch(101), "maximum of 100"),
    ("empty batch", "POST", f"{DEALS}/batch/update", {"inputs": []}, "no inputs"),
    (
        "one record twice in a batch",
        "POST",
        f"{DEALS}/batch/update",
        {"inputs": [{"id": "1", "properties": {}}] * 2},
        "Duplicate IDs",
    ),
    (
        "upsert without idProperty",
        "POST",
        f"{DEALS}/batch/upsert",
        {"inputs": [{"id": "1", "properties": {}}]},
        "idProperty",
    ),
    (
        "upsert by what is not unique",
        "POST",
        f"{DEALS}/batch/upsert",
        {"inputs": [{"id": "1", "idProperty": "dealname", "properties": {}}]},
        "not a unique identifier",
    ),
    ("unknown operator", "POST", f"{DEALS}/search", _search({**AMOUNT, "operator": "LIKE"}), "operator"),
    ("unknown property in a filter", "POST", f"{DEALS}/search", _search({**AMOUNT, "propertyName": "x"}), "exist"),
    (
        "a filter without a value",
        "POST",
        f"{DEALS}/search",
        _search({"propertyName": "amount", "operator": "GT"}),
        "value",
    ),
    (
        "between without an end",
        "POST",
        f"{DEALS}/search",
        _search({**AMOUNT, "operator": "BETWEEN"}),
        "highValue",
    ),
    ("a word for a number", "POST", f"{DEALS}/search", _search({**AMOUNT, "value": "much"}), "much"),
    ("six groups", "POST", f"{DEALS}/search", {"filterGroups": [{"filters": [AMOUNT]}] * 6}, "5 filter groups"),
    ("eleven filters", "POST", f"{DEALS}/search", _search(*[AMOUNT] * 11), "10 filters in one group"),
    ("26 filters", "POST", f"{DEALS}/search", {"filterGroups": [{"filters": [AMOUNT] * 9}] * 3}, "25 filters in all"),
    ("201 a page", "POST", f"{DEALS}/search", {"limit": 201}, "200"),
    ("beyond ten thousand", "POST", f"{DEALS}/search", {"after": "9950", "limit": 100}, "10000 results"),
    ("a cursor of one's own", "POST", f"{DEALS}/search", {"after": "next"}, "cursor"),
    ("two sorts", "POST", f"{DEALS}/search", {"sorts": ["amount", "closedate"]}, "1 sorts"),
    ("sort by nothing", "POST", f"{DEALS}/search", {"sorts": ["-mood"]}, "mood"),
    ("a long query", "POST", f"{DEALS}/search", {"query": "x" * 3_001}, "3000"),
    (
        "an operator that associations lack",
        "POST",
        f"{DEALS}/search",
        _search({"propertyName": "associations.company", "operator": "GT", "value": "1"}),
        "does not work",
    ),
    ("101 a page", "GET", f"{DEALS}?limit=101", None, "limit"),
    ("a cursor that is a word", "GET", f"{DEALS}?after=x", None, "cursor"),
    ("wrong query parameter", "GET", f"{DEALS}?count=5", None, "count"),
    ("51 with history", "GET", f"{DEALS}?limit=51&propertiesWithHistory=amount", None, "limit"),
    ("unknown object type", "GET", "/crm/v3/objects/opportunities/1", None, "opportunities"),
    ("unknown property type", "POST", "/crm/v3/properties/deals", _property(type="money"), "type"),
    ("fieldType that does not go with it", "POST", "/crm/v3/properties/deals", _property(type="number"), "fieldType"),
    ("bad internal name", "POST", "/crm/v3/properties/deals", _property(name="Won By"), "internal name"),
    ("unknown group", "POST", "/crm/v3/properties/deals", _property(groupName="billing"), "billing"),
    (
        "an enumeration without options",
        "POST",
        "/crm/v3/properties/deals",
        _property(type="enumeration", fieldType="select"),
        "options",
    ),
    (
        "a bool with other options",
        "POST",
        "/crm/v3/properties/deals",
        _property(type="bool", fieldType="booleancheckbox"),
        "true and false",
    ),
    (
        "a text with options",
        "POST",
        "/crm/v3/properties/deals",
        _property(options=[{"label": "A", "value": "a", "displayOrder": 0, "hidden": False}]),
        "takes no options",
    ),
    (
        "an option twice",
        "POST",
        "/crm/v3/properties/deals",
        _property(
            type="enumeration",
            fieldType="select",
            options=[{"label": "A", "value": "a", "displayOrder": 0, "hidden": False}] * 2,
        ),
        "twice",
    ),
    (
        "unique dates",
        "POST",
        "/crm/v3/properties/deals",
        _property(type="date", fieldType="date", hasUniqueValue=True),
        "unique",
    ),
    ("changing HubSpot's own", "PATCH", "/crm/v3/properties/deals/amount", {"label": "Sum"}, "defined by HubSpot"),
    ("deleting HubSpot's own", "DELETE", "/crm/v3/properties/deals/amount", None, "defined by HubSpot"),
    ("emptying a group in use", "DELETE", "/crm/v3/properties/deals/groups/dealinformation", None, "still has"),
    (
        "an association type of other objects",
        "POST",
        DEALS,
        {
            "properties": {},
            "associations": [
                {"to": {"id": "1"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}
            ],
        },
        "279",
    ),
    (
        "an association without a type",
        "POST",
        DEALS,
        {"properties": {}, "associations": [{"to": {"id": "1"}, "types": []}]},
        "needs types",
    ),
    (
        "a type in the wrong category",
        "POST",
        DEALS,
        {
            "properties": {},
            "associations": [
                {"to": {"id": "1"}, "types": [{"associationCategory": "USER_DEFINED", "associationTypeId": 3}]}
            ],
        },
        "HUBSPOT_DEFINED",
    ),
    ("no default association", "PUT", "/crm/v4/objects/deals/1/associations/default/products/1", None, "products"),
    ("an association of nothing", "PUT", "/crm/v4/objects/deals/1/associations/contacts/1", [], "at least one type"),
]


@pytest.mark.parametrize(("method", "path", "body", "told"), [one[1:] for one in WRONG], ids=[one[0] for one in WRONG])
def test_a_wrong_request_is_refused(hubspot: Served, method: str, path: str, body: Any, told: str) -> None:
    """400 VALIDATION_ERROR in HubSpot's shape, naming what is wrong, and the log remembers it."""
    answer = hubspot.raw(method, path, body)
    refusal = answer.json()

    assert answer.status_code == 400
    assert (refusal["status"], refusal["category"]) == ("error", "VALIDATION_ERROR")
    assert refusal["correlationId"]
    assert told in refusal["message"]
    assert told in hubspot.log.refused()[-1].reason


def test_broken_json_is_refused(hubspot: Served) -> None:
    """A body that is no JSON is the caller's fault, not ours."""
    answer = hubspot.raw("POST", DEALS, data="{", headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_the_official_client_sees_which_property_is_unknown(hubspot: Served) -> None:
    """The message carries HubSpot's embedded list and `errors` names the property."""
    with pytest.raises(ApiException) as caught:
        hubspot.client().crm.deals.basic_api.create(
            SimplePublicObjectInputForCreate(properties={"dealname": "x", "billing_mrr": "1"})
        )

    assert caught.value.status == 400
    assert '\\"error\\": \\"PROPERTY_DOESNT_EXIST\\"' in caught.value.body
    assert '"propertyName": ["billing_mrr"]' in caught.value.body


def test_every_wrong_property_is_told_at_once_and_nothing_is_written(hubspot: Served) -> None:
    """One refusal lists them all; the good value beside them is not kept."""
    made = hubspot.vendor.people.deal({"dealname": "Whole"})

    with pytest.raises(ApiException) as caught:
        hubspot.client().crm.deals.basic_api.update(
            made["deal"],
            SimplePublicObjectInput(properties={"dealname": "Half", "amount": "x", "closedate": "y"}),
        )

    assert "INVALID_NUMBER" in caught.value.body
    assert "INVALID_DATE" in caught.value.body
    assert hubspot.control("GET", f"/objects/deals/{made['deal']}")["properties"]["dealname"] == "Whole"


def test_a_call_hubspot_has_and_the_sandbox_has_not_is_owned_up_to(hubspot: Served) -> None:
    """501 names the call instead of pretending."""
    answer = hubspot.raw("GET", "/webhooks/v3/1/settings")

    assert answer.status_code == 501
    assert "/webhooks/v3/{appId}/settings" in answer.json()["message"]


def test_token_exchange_is_owned_up_to_as_well(hubspot: Served) -> None:
    """A form instead of JSON: checked, then 501; an unknown field is a 400."""
    client = hubspot.client().oauth.tokens_api

    with pytest.raises(OauthException) as caught:
        client.create(grant_type="refresh_token")
    wrong = hubspot.raw("POST", "/oauth/v1/token", data={"password": "x"})

    assert caught.value.status == 501
    assert wrong.status_code == 400


def test_a_call_nobody_has_is_not_found(hubspot: Served) -> None:
    """404 for paths outside the SDK."""
    assert hubspot.raw("GET", "/deals/v1/deal/1").status_code == 404
