"""Tokens, scopes, rate limits and faults: everything that stands between a caller and an answer."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import urllib3
from hubspot.crm.deals import ApiException
from hubspot.crm.deals.exceptions import ForbiddenException, ServiceException, UnauthorizedException

from connector.sandbox.faults import Fault, FaultKind
from connector.sandbox.hubspot.limits import Limits
from tests.sandbox.hubspot_served import Served, served

DEAL = "GET /crm/v3/objects/deals*"


@pytest.fixture
def hubspot() -> Iterator[Served]:
    with served() as one:
        yield one


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "Basic abc"])
def test_without_a_good_token_nothing_is_answered(hubspot: Served, header: str | None) -> None:
    """401 in HubSpot's shape."""
    answer = hubspot.raw("GET", "/crm/v3/objects/deals", headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer.json()["category"] == "INVALID_AUTHENTICATION"


def test_a_revoked_token_is_refused(hubspot: Served) -> None:
    """The official client raises its Unauthorized."""
    hubspot.control("PUT", "/tokens", {"token": "temporary"})
    api = hubspot.client("temporary").crm.deals.basic_api
    api.get_page()
    hubspot.control("DELETE", "/tokens", {"token": "temporary"})

    with pytest.raises(UnauthorizedException):
        api.get_page()


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("crm.objects.deals.read", "GET", "/crm/v3/objects/deals"),
        ("crm.objects.deals.read", "POST", "/crm/v3/objects/deals/search"),
        ("crm.objects.deals.read", "POST", "/crm/v3/objects/deals/batch/read"),
        ("crm.objects.companies.write", "POST", "/crm/v3/objects/companies/batch/update"),
        ("crm.objects.companies.write", "PATCH", "/crm/v3/objects/companies/1"),
        ("crm.objects.line_items.read", "GET", "/crm/v3/objects/line_items"),
        ("crm.objects.contacts.write", "POST", "/crm/v3/objects/tasks"),
        ("crm.schemas.deals.read", "GET", "/crm/v3/properties/deals"),
        ("crm.schemas.deals.write", "POST", "/crm/v3/properties/deals"),
        ("crm.schemas.deals.read", "GET", "/crm/v3/pipelines/deals"),
        ("crm.objects.owners.read", "GET", "/crm/v3/owners/"),
    ],
)
def test_each_call_needs_its_scope(hubspot: Served, scope: str, method: str, path: str) -> None:
    """403 MISSING_SCOPES names it; with it the call gets past the gate."""
    headers = {"Authorization": "Bearer narrow"}
    hubspot.control("PUT", "/tokens", {"token": "narrow", "scopes": []})
    refused = hubspot.raw(method, path, headers=headers)
    hubspot.control("PUT", "/tokens", {"token": "narrow", "scopes": [scope]})
    admitted = hubspot.raw(method, path, headers=headers)

    body = refused.json()
    assert (refused.status_code, body["category"]) == (403, "MISSING_SCOPES")
    assert scope in body["errors"][0]["context"]["requiredGranularScopes"]
    assert admitted.status_code != 403


def test_associations_need_the_scopes_of_both_ends(hubspot: Served) -> None:
    """Deals alone are not enough."""
    hubspot.control("PUT", "/tokens", {"token": "narrow", "scopes": ["crm.objects.deals.read"]})

    with pytest.raises(ForbiddenException, match=r"companies\.read"):
        hubspot.client("narrow").crm.deals.basic_api.api_client.call_api(
            "/crm/v4/objects/deals/1/associations/companies", "GET", auth_settings=["oauth2"]
        )


def test_the_rolling_limit_counts_ten_seconds() -> None:
    """What is over is refused and not counted; ten seconds later there is room again."""
    moment = [100.0]
    limits = Limits(lambda: datetime(2026, 1, 1, tzinfo=UTC), lambda: moment[0])
    limits.allowances.ten_seconds = 3

    taken = [limits.take(search=False) for _ in range(5)]
    left = limits.headers()["X-HubSpot-RateLimit-Remaining"]
    moment[0] += 9.9
    early = limits.take(search=False)
    moment[0] += 0.2
    late = limits.take(search=False)

    assert taken == [None, None, None, "TEN_SECONDLY_ROLLING", "TEN_SECONDLY_ROLLING"]
    assert left == "0"
    assert (early, late) == ("TEN_SECONDLY_ROLLING", None)


def test_searches_have_a_limit_a_second_of_their_own() -> None:
    """Five a second; other calls are not held up by it."""
    limits = Limits(lambda: datetime(2026, 1, 1, tzinfo=UTC), lambda: 5.0)

    taken = [limits.take(search=True) for _ in range(6)]

    assert taken == [None] * 5 + ["SECONDLY"]
    assert limits.take(search=False) is None


def test_the_daily_limit_ends_with_the_day() -> None:
    """Midnight by the sandbox clock."""
    today = [datetime(2026, 1, 1, 23, 59, tzinfo=UTC)]
    limits = Limits(lambda: today[0], lambda: 0.0)
    limits.allowances.daily = 1

    taken = [limits.take(search=False), limits.take(search=False)]
    remaining = limits.headers()["X-HubSpot-RateLimit-Daily-Remaining"]
    today[0] += timedelta(minutes=2)

    assert (taken, remaining) == ([None, "DAILY"], "0")
    assert limits.take(search=False) is None


def test_a_call_over_the_limit_gets_429_and_headers_count_down(hubspot: Served) -> None:
    """The body names the policy; there is no Retry-After to lean on."""
    hubspot.control("PUT", "/limits", {"ten_seconds": 2})
    answers = [hubspot.raw("GET", "/crm/v3/objects/deals") for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert [one.headers["X-HubSpot-RateLimit-Remaining"] for one in answers] == ["1", "0", "0"]
    assert (answers[2].json()["errorType"], answers[2].json()["policyName"]) == ("RATE_LIMIT", "TEN_SECONDLY_ROLLING")
    assert "Retry-After" not in answers[2].headers
    assert hubspot.control("GET", "/limits")["ten_seconds"] == 2


@pytest.mark.parametrize(
    ("kind", "detail", "retry_after", "policy"),
    [
        ("rate_limited", "", "3", "TEN_SECONDLY_ROLLING"),
        ("rate_limited_no_retry_after", "DAILY", None, "DAILY"),
    ],
)
def test_a_fault_can_limit(hubspot: Served, kind: FaultKind, detail: str, retry_after: str | None, policy: str) -> None:
    """With and without Retry-After, for the ten seconds or for the day; once."""
    hubspot.faults.add(Fault("hubspot", kind, operation=DEAL, detail=detail, retry_after=3))
    api = hubspot.client().crm.deals.basic_api

    with pytest.raises(ApiException) as caught:
        api.get_page()

    assert caught.value.status == 429
    assert json.loads(caught.value.body)["policyName"] == policy
    assert caught.value.headers.get("Retry-After") == retry_after
    assert api.get_page().results == []
    assert hubspot.log.refused() == []


def test_a_server_error_before_the_work_changes_nothing(hubspot: Served) -> None:
    """500, or the status the fault names."""
    hubspot.faults.add(Fault("hubspot", "server_error"))
    hubspot.faults.add(Fault("hubspot", "server_error", detail="503"))
    api = hubspot.client().crm.deals.basic_api

    for status in (500, 503):
        with pytest.raises(ServiceException) as caught:
            api.create({"properties": {"dealname": "A"}})
        assert caught.value.status == status
    assert hubspot.control("GET", "/state?type=deals")["deals"] == {}


def test_an_answer_can_be_lost_after_the_work(hubspot: Served) -> None:
    """The caller sees an error, the deal is there."""
    hubspot.faults.add(Fault("hubspot", "server_error", after_work=True))

    with pytest.raises(ServiceException):
        hubspot.client().crm.deals.basic_api.create({"properties": {"dealname": "A"}})

    assert len(hubspot.control("GET", "/state?type=deals")["deals"]) == 1


def test_a_connection_can_hang(hubspot: Served) -> None:
    """The caller's own timeout ends it."""
    hubspot.faults.add(Fault("hubspot", "timeout", hold=5))

    with pytest.raises(urllib3.exceptions.HTTPError):
        hubspot.client().crm.deals.basic_api.get_page(_request_timeout=0.2)


def test_compulsory_properties_hold_for_the_api_and_not_for_people(hubspot: Served) -> None:
    """400 names the property, only while its condition holds, and only for API writes."""
    hubspot.control(
        "PUT", "/required", [{"type": "deals", "property": "closed_won_reason", "when": {"dealstage": ["closedwon"]}}]
    )
    deal = hubspot.vendor.people.deal({"dealname": "A", "dealstage": "closedwon"})["deal"]
    path = f"/crm/v3/objects/deals/{deal}"

    refused = hubspot.raw("PATCH", path, {"properties": {"dealname": "B"}})
    fixed = hubspot.raw("PATCH", path, {"properties": {"dealname": "B", "closed_won_reason": "Price"}})
    open_deal = hubspot.raw("POST", "/crm/v3/objects/deals", {"properties": {"dealname": "C"}})

    assert (refused.status_code, fixed.status_code, open_deal.status_code) == (400, 200, 201)
    assert refused.json()["errors"][0]["context"]["propertyName"] == ["closed_won_reason"]


def test_the_log_counts_calls_by_operation_and_agent(hubspot: Served) -> None:
    """By the template, not by the id."""
    hubspot.client().crm.deals.basic_api.get_page()
    hubspot.raw("GET", "/crm/v3/objects/deals/5")
    hubspot.raw("GET", "/nowhere")

    counts = hubspot.log.counts()["hubspot"]
    assert counts == {
        "GET /crm/v3/objects/deals": 1,
        "GET /crm/v3/objects/deals/{dealId}": 1,
        "GET (no such call)": 1,
    }
    assert any(agent.startswith("hubspot-api-client-python") for agent in hubspot.log.user_agents()["hubspot"])
