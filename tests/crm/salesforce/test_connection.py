"""Every call: its turn, its token, its retries, and what a refusal becomes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from connector.crm.salesforce.connection import Connection
from connector.crm.salesforce.settings import SalesforceSettings
from connector.domain.refs import RecordRef
from connector.errors import (
    AccessLost,
    ConnectorError,
    NeedsHuman,
    NotFound,
    RateLimited,
    Rejected,
    RetryLater,
    Unreachable,
)
from tests.crm.salesforce.conftest import BASE, URL, StubOrg, Turnstile, Wall

EXPIRED = [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]


@pytest.fixture
def connection(
    settings: SalesforceSettings, org: StubOrg, throttle: Turnstile, clock: Wall, naps: list[float]
) -> Connection:
    return Connection(settings, throttle, clock, sleep=naps.append)


def refusal(code: str, message: str = "Secret Corp owes 5", **more: Any) -> list[dict[str, Any]]:
    return [{"errorCode": code, "message": message} | more]


def test_numbers_with_a_point_are_exact(connection: Connection, org: StubOrg) -> None:
    """No float on the way: 0.1 is a tenth."""
    org.wire.get(f"{BASE}/limits", body='{"a": 0.1, "b": 12345678901234567.89}')
    assert connection.get("limits") == {"a": Decimal("0.1"), "b": Decimal("12345678901234567.89")}


def test_each_call_waits_its_turn_and_reports_the_allowance(
    connection: Connection, org: StubOrg, throttle: Turnstile
) -> None:
    """One turn for the sign-in and one for the call."""
    org.on("GET", "limits", {"a": 1}, headers={"Sforce-Limit-Info": "api-usage=9041/15000; per-app-api-usage=1/2(x)"})
    connection.get("limits")
    assert throttle.turns == 2
    assert throttle.budgets == [("salesforce", 9041, 15000)]
    assert connection.transport.usage == (9041, 15000)


def test_every_request_has_a_timeout(connection: Connection, org: StubOrg) -> None:
    """simple-salesforce would wait for ever; sign-in and call get five seconds to connect and thirty to answer."""
    org.on("GET", "limits", {"a": 1})
    connection.get("limits")
    timeouts = [vars(call.request)["req_kwargs"]["timeout"] for call in org.wire.calls]
    assert timeouts == [(5, 30), (5, 30)]


def test_a_dropped_session_is_renewed_once(connection: Connection, org: StubOrg) -> None:
    """The repeated call carries the new token."""
    org.on("GET", "limits", EXPIRED, status=401)
    org.on("GET", "limits", {"a": 1})
    assert connection.get("limits") == {"a": 1}
    authorizations = [
        str(call.request.headers["Authorization"]) for call in org.wire.calls if "limits" in str(call.request.url)
    ]
    assert [each.rsplit("!", 1)[-1] for each in authorizations] == ["token1", "token2"]


def test_a_session_refused_twice_is_access_lost(connection: Connection, org: StubOrg) -> None:
    """No third try: simple-salesforce alone would go on for ever."""
    org.on("GET", "limits", EXPIRED, status=401)
    with pytest.raises(AccessLost):
        connection.get("limits")
    assert org.tokens == 2


def test_an_old_token_is_replaced_before_the_call(connection: Connection, org: StubOrg, clock: Wall) -> None:
    """Its end is known, so nothing is refused first."""
    org.on("GET", "limits", {"a": 1})
    connection.get("limits")
    clock.pass_time(timedelta(minutes=20))
    connection.get("limits")
    assert org.tokens == 2


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, refusal("REQUEST_LIMIT_EXCEEDED"), RateLimited),
        (403, refusal("API_DISABLED_FOR_ORG"), AccessLost),
        (403, refusal("INSUFFICIENT_ACCESS"), AccessLost),
        (403, refusal("SOMETHING_NEW"), AccessLost),
        (404, refusal("NOT_FOUND"), NotFound),
        (404, "<html>", NotFound),
        (400, refusal("INVALID_FIELD"), Rejected),
        (400, refusal("MALFORMED_QUERY"), Rejected),
        (400, refusal("INVALID_TYPE"), AccessLost),
        (400, refusal("UNABLE_TO_LOCK_ROW"), RetryLater),
        (300, ["/services/data/v66.0/sobjects/Account/1", "/services/data/v66.0/sobjects/Account/2"], Rejected),
        (400, [], Rejected),
        (400, [7], Rejected),
    ],
)
def test_a_refusal_becomes_the_error_that_says_what_happens_next(
    connection: Connection, org: StubOrg, naps: list[float], status: int, body: Any, kind: type[ConnectorError]
) -> None:
    """By code first, by status where there is none; none of these is tried again within seconds."""
    org.on("GET", "limits", body, status=status)
    with pytest.raises(kind) as caught:
        connection.get("limits")
    assert type(caught.value) is kind
    assert caught.value.provider == "salesforce"
    assert caught.value.status == status
    assert naps == []
    assert "Secret Corp" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (503, refusal("SERVER_UNAVAILABLE"), Unreachable),
        (500, refusal("UNKNOWN_EXCEPTION"), Unreachable),
        (502, "<html>bad gateway</html>", Unreachable),
        (429, "", RateLimited),
    ],
)
def test_trouble_that_may_pass_is_tried_three_times(
    connection: Connection, org: StubOrg, naps: list[float], status: int, body: Any, kind: type[ConnectorError]
) -> None:
    """Within seconds, then it is the job engine's."""
    org.on("GET", "limits", body, status=status)
    with pytest.raises(kind):
        connection.get("limits")
    assert len(naps) == 2
    assert all(0 <= nap <= 5 for nap in naps)


@pytest.mark.parametrize(
    "failure", [requests.ReadTimeout(), requests.ConnectionError(), requests.exceptions.ChunkedEncodingError()]
)
def test_a_broken_connection_is_tried_again(
    connection: Connection, org: StubOrg, naps: list[float], failure: Exception
) -> None:
    """And if the next try works, nobody hears of it."""
    org.wire.get(f"{BASE}/limits", body=failure)
    org.on("GET", "limits", {"a": 1})
    assert connection.get("limits") == {"a": 1}
    assert len(naps) == 1


def test_an_answer_that_is_not_json_is_no_answer(connection: Connection, org: StubOrg) -> None:
    """A maintenance page with status 200."""
    org.wire.get(f"{BASE}/limits", body="<html>We will be right back</html>")
    with pytest.raises(Unreachable):
        connection.get("limits")


def test_advice_to_wait_is_followed(connection: Connection, org: StubOrg, naps: list[float]) -> None:
    """Two seconds are waited out here."""
    org.on("GET", "limits", refusal("SERVER_UNAVAILABLE"), status=503, headers={"Retry-After": "2"})
    org.on("GET", "limits", {"a": 1})
    assert connection.get("limits") == {"a": 1}
    assert naps == [2.0]


def test_advice_to_wait_long_is_passed_on(connection: Connection, org: StubOrg, naps: list[float]) -> None:
    """Two minutes are not: a worker has other things to do."""
    org.on("GET", "limits", refusal("X"), status=429, headers={"Retry-After": "120"})
    with pytest.raises(RateLimited) as caught:
        connection.get("limits")
    assert caught.value.retry_after == 120
    assert naps == []


def test_our_own_throttle_is_not_argued_with(
    settings: SalesforceSettings, org: StubOrg, clock: Wall, naps: list[float]
) -> None:
    """When the queue is long the work comes back later."""

    class Closed(Turnstile):
        def wait(self, name: str) -> None:
            raise RateLimited("The queue is long.", retry_after=3)

    with pytest.raises(RateLimited, match="queue"):
        Connection(settings, Closed(), clock, sleep=naps.append).get("limits")
    assert naps == []
    assert org.tokens == 0


def test_making_something_is_tried_once(connection: Connection, org: StubOrg, naps: list[float]) -> None:
    """A lost answer may hide that it was made."""
    org.on("POST", "sobjects/PermissionSet", refusal("SERVER_UNAVAILABLE"), status=503)
    with pytest.raises(Unreachable):
        connection.post("sobjects/PermissionSet", {"Name": "x"})
    assert naps == []


def test_the_evidence_names_fields_but_no_values(connection: Connection, org: StubOrg) -> None:
    """Field names help a person; the values beside them are the customer's."""
    text = "\nSELECT Nope__c\n       ^\nNo such column 'Nope__c' on entity 'Opportunity'. Secret Corp"
    org.answers_query((400, refusal("INVALID_FIELD", text)))
    deal = RecordRef("salesforce", "deal", "0067F000003pmdWQAQ")
    with pytest.raises(Rejected, match=r"Opportunity\.Nope__c") as caught:
        connection.query("SELECT Nope__c FROM Opportunity", ref=deal)
    assert caught.value.ref == deal
    assert caught.value.code == "INVALID_FIELD"
    assert "Secret" not in str(caught.value)


def test_long_answers_are_read_to_the_end(connection: Connection, org: StubOrg) -> None:
    """Page by page, by the cursor Salesforce gives."""
    page = {
        "totalSize": 3,
        "done": False,
        "nextRecordsUrl": "/services/data/v66.0/query/01gCURSOR-2",
        "records": [{"Id": 1}, {"Id": 2}],
    }
    org.answers_query(page)
    org.on("GET", "query/01gCURSOR-2", {"totalSize": 3, "done": True, "records": [{"Id": 3}]})
    assert connection.query("SELECT Id FROM Opportunity") == [{"Id": 1}, {"Id": 2}, {"Id": 3}]


def test_endless_pages_end(connection: Connection, org: StubOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that never finishes is trouble, not a loop."""
    monkeypatch.setattr("connector.crm.salesforce.connection.MOST_PAGES", 3)
    page = {"done": False, "nextRecordsUrl": "/services/data/v66.0/query/c", "records": [1]}
    org.answers_query(page)
    org.on("GET", "query/c", page)
    with pytest.raises(RetryLater, match="more pages"):
        connection.query("SELECT Id FROM Opportunity")


def test_a_paged_tooling_answer_is_not_half_read(connection: Connection, org: StubOrg) -> None:
    """Half a list of fields would make us create the other half again."""
    org.on("GET", "tooling/query", {"done": False, "records": []})
    with pytest.raises(RetryLater, match="pages"):
        connection.tooling_query("SELECT Id FROM CustomField")


def test_the_address_follows_the_token(throttle: Turnstile, clock: Wall, naps: list[float], wire: Any) -> None:
    """Plain http to a sandbox on this machine, where simple-salesforce would insist on https."""
    here = "http://127.0.0.1:8002"
    wire.post(f"{here}/services/oauth2/token", json={"access_token": "t", "instance_url": here})
    wire.get(f"{here}/services/data/v66.0/limits", json={"a": 1})
    settings = SalesforceSettings(instance_url=here, client_id="k", client_secret="s")
    assert Connection(settings, throttle, clock, sleep=naps.append).get("limits") == {"a": 1}


def test_no_error_shows_a_secret(connection: Connection, org: StubOrg) -> None:
    """Neither in its sentence nor in the text of what caused it."""
    org.wire.get(f"{BASE}/limits", body=requests.ConnectionError("cannot reach"))
    with pytest.raises(Unreachable) as caught:
        connection.get("limits")
    shown = f"{caught.value} {caught.value.__cause__!r}"
    assert "s3cret" not in shown
    assert "token1" not in shown
    assert URL not in str(caught.value)
    assert isinstance(caught.value, RetryLater)
    assert not isinstance(caught.value, NeedsHuman)
