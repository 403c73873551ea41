"""Who gets in and how often: token flows, sessions, versions, limits, faults, and requests that make no sense."""

import time
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.sandbox.faults import Fault
from connector.sandbox.salesforce import CLIENT_KEY, CLIENT_SECRET, INTEGRATION_USERNAME
from connector.sandbox.salesforce.json_text import double
from connector.sandbox.salesforce.oauth import Client
from tests.sandbox.salesforce_org import ServedOrg, code_of, refusal

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def sign_in_by_key(org: ServedOrg, key: Any = KEY, algorithm: str = "RS256", **claims: Any) -> requests.Response:
    org.vendor.logins.clients[CLIENT_KEY].public_key = PUBLIC.decode()
    given = {
        "iss": CLIENT_KEY,
        "sub": INTEGRATION_USERNAME,
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 180,
        **claims,
    }
    kept = {name: value for name, value in given.items() if value is not None}
    return org.token(grant_type=GRANT, assertion=jwt.encode(kept, key, algorithm=algorithm))


def test_client_credentials_open_a_session_for_the_run_as_user(org: ServedOrg) -> None:
    answer = org.token().json()

    assert answer["instance_url"] == org.url
    assert answer["token_type"] == "Bearer"
    assert answer["id"].endswith(f"/id/{org.org.id}/{org.people.seeded.integration_user}")
    account = org.rest("POST", "sobjects/Account", {"Name": "a"})
    assert org.people.read("Account", account["id"])["CreatedById"] == org.people.seeded.integration_user


def test_the_secret_may_come_by_basic_authentication(org: ServedOrg) -> None:
    answer = org.session.post(
        f"{org.url}/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(CLIENT_KEY, CLIENT_SECRET),
        timeout=5,
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        ({"client_secret": "wrong"}, "invalid_client", "invalid client credentials"),
        ({"client_id": "nobody"}, "invalid_client_id", "client identifier invalid"),
        ({"grant_type": "password", "username": "u", "password": "p"}, "invalid_grant", "authentication failure"),
        ({"grant_type": "device"}, "unsupported_grant_type", "grant type not supported"),
        ({"audience": "x"}, "invalid_request", "unknown parameter: audience"),
        ({"client_secret": None}, "invalid_request", "missing required parameter: client_secret"),
    ],
)
def test_a_token_request_that_cannot_be_granted_says_why(
    org: ServedOrg, form: dict[str, str | None], error: str, description: str
) -> None:
    base = {"grant_type": "client_credentials", "client_id": CLIENT_KEY, "client_secret": CLIENT_SECRET}
    given = {name: value for name, value in {**base, **form}.items() if value is not None}

    answer = org.token(**given)

    assert answer.status_code == 400
    assert answer.json() == {"error": error, "error_description": description}


def test_a_client_without_a_run_as_user_has_no_client_credentials_flow(org: ServedOrg) -> None:
    org.vendor.logins.clients[CLIENT_KEY].run_as = ""
    assert org.token().json()["error_description"] == "no client credentials user enabled"


def test_a_signed_assertion_opens_a_session(org: ServedOrg) -> None:
    for audience in ("https://login.salesforce.com", "https://test.salesforce.com", org.url):
        answer = sign_in_by_key(org, aud=audience)
        assert answer.status_code == 200, answer.text
        assert answer.json()["access_token"].startswith(org.org.id[:15])


@pytest.mark.parametrize(
    ("claims", "description"),
    [
        ({"aud": "https://elsewhere.example"}, "audience is invalid"),
        ({"sub": "nobody@northwind.example"}, "user hasn't approved this consumer"),
        ({"sub": "nadia.osei@northwind.example"}, "user hasn't approved this consumer"),
        ({"exp": 1}, "expired assertion"),
        ({"exp": int(time.time()) + 86_400}, "expired assertion"),
        ({"exp": None}, "invalid assertion"),
        ({"sub": None}, "invalid assertion"),
    ],
)
def test_an_assertion_that_claims_too_much_is_refused(org: ServedOrg, claims: dict[str, Any], description: str) -> None:
    answer = sign_in_by_key(org, **claims)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant", "error_description": description})


def test_an_assertion_must_be_signed_by_the_clients_own_key(org: ServedOrg) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert sign_in_by_key(org, key=other).json()["error_description"] == "invalid assertion"
    assert sign_in_by_key(org, key="shared" * 10, algorithm="HS256").json()["error_description"] == "invalid assertion"
    assert org.token(grant_type=GRANT, assertion="x.y.z").json()["error_description"] == "invalid assertion"
    assert sign_in_by_key(org, iss="nobody").json()["error"] == "invalid_client_id"
    org.vendor.logins.clients["keyless"] = Client("keyless", approved_users={INTEGRATION_USERNAME})
    assert sign_in_by_key(org, iss="keyless").json()["error_description"] == "invalid assertion"


def test_an_assertion_by_the_sandbox_clock_is_good_too(org: ServedOrg) -> None:
    org.advance(days=90)
    ours = int(org.clock.now().timestamp()) + 180
    assert sign_in_by_key(org, exp=ours).status_code == 200


def test_a_session_ends_by_the_sandbox_clock(org: ServedOrg) -> None:
    org.org.settings.session_lifetime = org.org.settings.session_lifetime.resolution * 15 * 60 * 1_000_000
    client = org.client()
    org.advance(minutes=14)
    assert client.query("SELECT Id FROM Account")["totalSize"] == 0
    org.advance(minutes=2)
    assert refusal(lambda: client.query("SELECT Id FROM Account")) == (
        401,
        "INVALID_SESSION_ID",
        "Session expired or invalid",
    )


def test_no_session_no_answer(org: ServedOrg) -> None:
    for header in ("", "Bearer nonsense", "Basic abc"):
        answer = requests.get(f"{org.url}/services/data/v66.0/limits", headers={"Authorization": header}, timeout=5)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    org.vendor.logins.end_all()
    assert code_of(org.sf.limits) == "INVALID_SESSION_ID"


def test_an_inactive_user_is_signed_out(org: ServedOrg) -> None:
    org.people.update("User", org.people.seeded.integration_user, {"IsActive": False})
    assert code_of(org.sf.limits) == "INVALID_SESSION_ID"


def test_two_versions_are_served_and_no_other(org: ServedOrg) -> None:
    listed = requests.get(f"{org.url}/services/data/", timeout=5).json()
    assert [one["version"] for one in listed] == ["66.0", "68.0"]
    assert org.client("68.0").query("SELECT Id FROM Account")["done"] is True
    for version in ("59.0", "67.0"):
        client = org.client(version)
        assert refusal(lambda client=client: client.query("SELECT Id FROM Account"))[:2] == (404, "NOT_FOUND")  # type: ignore[misc]  # bound now
    assert "query" in org.rest("GET", "")


def test_usage_is_in_every_answer_and_ends_in_403(org: ServedOrg) -> None:
    org.org.settings.daily_requests = 3
    for used in (1, 2, 3):
        assert org.ask("GET", "sobjects").headers["Sforce-Limit-Info"] == f"api-usage={used}/3"

    answer = org.ask("GET", "sobjects")

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=3/3"
    assert "Retry-After" not in answer.headers
    assert org.log.refused() == []  # nothing was wrong with the request itself
    org.advance(hours=25)
    assert org.ask("GET", "sobjects").headers["Sforce-Limit-Info"] == "api-usage=1/3"


def test_the_sdk_reads_the_usage(org: ServedOrg) -> None:
    org.sf.query("SELECT Id FROM Account")
    usage: Any = org.sf.api_usage["api-usage"]
    assert (usage.used, usage.total) == (1, 15_000)


# -- faults


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault("salesforce", "rate_limited"), 403, "REQUEST_LIMIT_EXCEEDED"),
        (Fault("salesforce", "rate_limited_no_retry_after"), 403, "REQUEST_LIMIT_EXCEEDED"),
        (Fault("salesforce", "server_error"), 500, "UNKNOWN_EXCEPTION"),
        (Fault("salesforce", "server_error", detail="SERVER_UNAVAILABLE"), 503, "SERVER_UNAVAILABLE"),
    ],
)
def test_a_fault_strikes_once_and_leaves_no_mark(org: ServedOrg, fault: Fault, status: int, code: str) -> None:
    org.faults.add(fault)
    body = {"Name": "Acme"}

    assert refusal(lambda: org.rest("POST", "sobjects/Account", body))[:2] == (status, code)
    assert not org.people.read_all("Account")
    assert org.log.refused() == []
    assert org.rest("POST", "sobjects/Account", body)["success"]


def test_an_answer_may_be_lost_after_the_work_was_done(org: ServedOrg) -> None:
    org.faults.add(Fault("salesforce", "server_error", after_work=True, operation="POST *"))
    org.sf.query("SELECT Id FROM Account")  # another operation, not struck
    assert refusal(lambda: org.rest("POST", "sobjects/Account", {"Name": "Acme"}))[0] == 500
    assert len(org.people.read_all("Account")) == 1


def test_a_timeout_cuts_the_line(org: ServedOrg) -> None:
    org.faults.add(Fault("salesforce", "timeout", hold=0.05))
    with pytest.raises(requests.ConnectionError):
        org.ask("GET", "limits")


def test_the_token_endpoint_has_its_own_kind_of_trouble(org: ServedOrg) -> None:
    org.faults.add(Fault("salesforce", "server_error", operation="POST /services/oauth2/token"))
    answer = org.token()
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")


# -- requests that make no sense


FIND = {"q": "SELECT Id FROM Account"}
IS_JSON = {"Content-Type": "application/json"}
NEW_FIELD = "tooling/sobjects/CustomField"


@pytest.mark.parametrize(
    ("method", "path", "more", "status", "code"),
    [
        ("GET", "query", {}, 400, "MALFORMED_QUERY"),
        ("GET", "query", {"params": {**FIND, "limit": "5"}}, 400, "ILLEGAL_QUERY_PARAMETER_VALUE"),
        ("GET", "query?q=a&q=b", {}, 400, "ILLEGAL_QUERY_PARAMETER_VALUE"),
        ("GET", "sobjects/Account/describe?verbose=1", {}, 400, "ILLEGAL_QUERY_PARAMETER_VALUE"),
        ("POST", "query", {"json": FIND}, 405, "METHOD_NOT_ALLOWED"),
        ("PUT", "sobjects/Account", {"json": {}}, 405, "METHOD_NOT_ALLOWED"),
        ("GET", "sobjects/Nothing/describe", {}, 404, "NOT_FOUND"),
        ("GET", "chatter/feeds", {}, 404, "NOT_FOUND"),
        ("POST", "sobjects/Account", {"data": "{", "headers": IS_JSON}, 400, "JSON_PARSER_ERROR"),
        ("POST", "sobjects/Account", {"data": '{"Name": NaN}', "headers": IS_JSON}, 400, "JSON_PARSER_ERROR"),
        ("POST", "sobjects/Account", {"data": "Name=a"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", "sobjects/Account", {"json": ["a"]}, 400, "JSON_PARSER_ERROR"),
        ("POST", "sobjects/Account", {}, 400, "JSON_PARSER_ERROR"),
        ("PATCH", "sobjects/Account/001", {"json": {"Name": "a"}}, 400, "MALFORMED_ID"),
        ("GET", "sobjects/Account/0015500001QdZPKAA3?fields=Name", {}, 404, "NOT_FOUND"),
        ("POST", NEW_FIELD, {"json": {"FullName": "Account.A__c"}}, 400, "REQUIRED_FIELD_MISSING"),
        ("POST", NEW_FIELD, {"json": {"Name": "A"}}, 400, "JSON_PARSER_ERROR"),
        ("POST", "tooling/sobjects/ApexClass", {"json": {"Name": "A"}}, 404, "NOT_FOUND"),
        ("PATCH", "composite/sobjects", {"json": {"rows": []}}, 400, "JSON_PARSER_ERROR"),
        ("DELETE", "composite/sobjects", {"params": {"id": "x"}}, 400, "ILLEGAL_QUERY_PARAMETER_VALUE"),
        ("GET", "tooling/query", {"params": {"q": "SELECT Nope FROM CustomField"}}, 400, "INVALID_FIELD"),
    ],
)
def test_a_wrong_request_is_refused_and_noted(
    org: ServedOrg, method: str, path: str, more: dict[str, Any], status: int, code: str
) -> None:
    answer = org.ask(method, path, **more)

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)
    noted = [refused.reason for refused in org.log.refused()]
    assert all(reason.startswith(code) for reason in noted)
    assert len(noted) == (0 if status == 404 else 1)


def test_the_log_knows_operations_by_their_template(org: ServedOrg) -> None:
    record_id = org.account()
    org.rest("PATCH", f"sobjects/Account/{record_id}", {"Phone": "1"})
    org.ask("GET", "nowhere")
    org.session.get(f"{org.url}/elsewhere", timeout=5)

    counts = org.log.counts()["salesforce"]
    assert counts["PATCH /services/data/v{version}/sobjects/{object}/{id}"] == 1
    assert counts["POST /services/oauth2/token"] == 1
    assert counts["GET (unknown)"] == 2


def test_the_token_endpoint_takes_posts_only(org: ServedOrg) -> None:
    assert org.session.get(f"{org.url}/services/oauth2/token", timeout=5).status_code == 405


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"), (5.0, "5.0"), (0.001, "0.001"), (0.00012, "1.2E-4"), (9999999.99, "9999999.99"),
        (10_000_000.0, "1.0E7"), (12_345_678.5, "1.23456785E7"), (-2.5e10, "-2.5E10"),
    ],
)  # fmt: skip
def test_doubles_are_spelled_as_java_spells_them(value: float, text: str) -> None:
    """The examples follow the documentation of Java's Double.toString."""
    assert double(value) == text
