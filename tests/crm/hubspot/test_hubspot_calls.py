"""How requests reach HubSpot: limits, time limits, tries, and what its refusals become."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot.calls import LONGEST_WAIT, TIMEOUT, TRIES
from connector.crm.hubspot.client import HubSpotClient
from connector.crm.hubspot.errors import read_refusal, until_midnight
from connector.crm.hubspot.settings import HubSpotSettings
from connector.errors import AccessLost, ConnectorError, NotFound, RateLimited, Rejected, RetryLater, Unreachable
from tests.crm.hubspot.conftest import DEAL_PROPERTIES, NOW, RecordingThrottle, StandingClock
from tests.crm.hubspot.stub import Asked, Reply, StubHubSpot, refusal, results

ASK = r"GET /crm/v3/properties/deals"


def test_every_request_carries_the_token_and_the_clients_own_name(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """The official client makes them all."""
    client.describe("deal")

    headers = hubspot.asked[0].headers
    assert headers["Authorization"] == "Bearer pat-na1-secret"
    assert headers["User-Agent"].startswith("hubspot-api-client-python; 12.")


def test_one_connection_serves_request_after_request(
    client: HubSpotClient, hubspot: StubHubSpot, clock: StandingClock
) -> None:
    """The client opens a pool with each API object it hands out, so ours are kept."""
    for _ in range(3):
        client.describe("deal")
        clock.advance(timedelta(hours=2))

    assert len(hubspot.asked) == 3
    assert len({each.port for each in hubspot.asked}) == 1


def test_definitions_are_asked_for_once_an_hour(
    client: HubSpotClient, hubspot: StubHubSpot, clock: StandingClock
) -> None:
    """A thousand deals read in an hour cost one look at the properties."""
    client.describe("deal")
    clock.advance(timedelta(minutes=59))
    client.describe("deal")
    assert len(hubspot.asked) == 1

    clock.advance(timedelta(minutes=1))
    client.describe("deal")
    assert len(hubspot.asked) == 2


def test_each_try_waits_for_its_turn(client: HubSpotClient, hubspot: StubHubSpot, throttle: RecordingThrottle) -> None:
    """The limiter is shared by all processes, so a repeat counts as well."""
    hubspot.on(ASK, Reply({}, 500), results(*DEAL_PROPERTIES))
    client.describe("deal")

    assert throttle.waited == ["hubspot", "hubspot"]


def test_a_long_queue_in_front_of_hubspot_is_not_waited_for_again(
    client: HubSpotClient, hubspot: StubHubSpot, throttle: RecordingThrottle, naps: list[float]
) -> None:
    """Our own limiter says when; trying in a circle would only make the queue longer."""
    throttle.error = RateLimited("busy", retry_after=30)

    with pytest.raises(RateLimited, match="busy"):
        client.describe("deal")
    assert (hubspot.asked, naps) == ([], [])


def test_a_hiccup_is_over_after_a_second_try(client: HubSpotClient, hubspot: StubHubSpot, naps: list[float]) -> None:
    """A 502 from HubSpot's gateway, with a page instead of JSON."""
    hubspot.on(ASK, Reply(b"<html>Bad Gateway \xff</html>", 502), results(*DEAL_PROPERTIES))

    assert "dealname" in client.describe("deal").fields
    assert len(naps) == 1
    assert 0 < naps[0] <= 5


@pytest.mark.parametrize("status", [408, 423, 429, 500, 502, 503, 504, 521])
def test_what_may_pass_is_tried_a_few_times_and_then_left_for_later(
    client: HubSpotClient, hubspot: StubHubSpot, naps: list[float], status: int
) -> None:
    """Four tries in seconds; minutes and hours belong to the Target."""
    hubspot.on(ASK, refusal(status, "OTHER"))

    with pytest.raises(RetryLater):
        client.describe("deal")
    assert len(hubspot.asked) == TRIES
    assert sum(naps) < 20


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, Rejected), (401, AccessLost), (403, AccessLost), (404, NotFound), (405, Rejected), (409, Rejected)],
)
def test_a_clear_no_is_not_asked_twice(
    client: HubSpotClient, hubspot: StubHubSpot, status: int, expected: type[ConnectorError]
) -> None:
    """Trying again changes nothing until a person does something."""
    hubspot.on(ASK, refusal(status, "WHATEVER"))

    with pytest.raises(expected) as caught:
        client.describe("deal")
    assert len(hubspot.asked) == 1
    assert caught.value.provider == "hubspot"
    assert caught.value.status == status
    assert caught.value.hint or status == 404 or status == 409


def test_retry_after_is_honoured(client: HubSpotClient, hubspot: StubHubSpot, naps: list[float]) -> None:
    """HubSpot knows best when its ten seconds are over."""
    hubspot.on(ASK, refusal(429, "RATE_LIMITS", headers={"Retry-After": "3"}), results(*DEAL_PROPERTIES))
    client.describe("deal")

    assert naps == [3.0]


def test_retry_after_may_be_a_date(client: HubSpotClient, hubspot: StubHubSpot, naps: list[float]) -> None:
    """The header has two forms."""
    when = (NOW + timedelta(seconds=7)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    hubspot.on(ASK, refusal(429, "RATE_LIMITS", headers={"Retry-After": when}), results(*DEAL_PROPERTIES))
    client.describe("deal")

    assert naps == [7.0]


def test_a_long_retry_after_is_handed_on_instead_of_slept(
    client: HubSpotClient, hubspot: StubHubSpot, naps: list[float]
) -> None:
    """A worker has better things to do than to sleep for a minute."""
    hubspot.on(ASK, refusal(429, "RATE_LIMITS", headers={"Retry-After": str(int(LONGEST_WAIT) + 50)}))

    with pytest.raises(RateLimited) as caught:
        client.describe("deal")
    assert caught.value.retry_after == 60
    assert (len(hubspot.asked), naps) == (1, [])


def test_a_spent_day_is_not_knocked_at(client: HubSpotClient, hubspot: StubHubSpot, naps: list[float]) -> None:
    """The DAILY policy lasts until midnight: one request, no sleep, and the time to come back."""
    hubspot.on(ASK, refusal(429, "RATE_LIMITS", errorType="RATE_LIMIT", policyName="DAILY"))

    with pytest.raises(RateLimited, match="for today") as caught:
        client.describe("deal")
    assert (len(hubspot.asked), naps) == (1, [])
    assert caught.value.retry_after == 3_600  # no zone is set, so within the hour


@pytest.mark.parametrize(
    ("zone", "hours"),
    [("Europe/Berlin", 13.5), ("UTC", 14.5), ("America/New_York", 19.5), ("", 1.0)],
)
def test_midnight_is_the_accounts_own(zone: str, hours: float) -> None:
    """At 09:30 UTC it is 10:30 in Berlin and 04:30 in New York; an unknown zone is asked again each hour."""
    assert until_midnight(NOW, zone) == hours * 3_600


def test_midnight_comes_when_it_comes_on_the_day_the_clocks_change() -> None:
    """The night of 25 October 2026 has an hour more in Berlin."""
    assert until_midnight(datetime(2026, 10, 24, 23, 0, tzinfo=UTC), "Europe/Berlin") == 24 * 3_600


def test_a_vendor_that_hangs_up_is_unreachable(client: HubSpotClient, hubspot: StubHubSpot, naps: list[float]) -> None:
    """No answer at all, four times."""
    hubspot.close()

    with pytest.raises(Unreachable) as caught:
        client.describe("deal")
    assert len(naps) == TRIES - 1
    assert "secret" not in repr(caught.value)
    hubspot.__init__()  # type: ignore[misc] # so that the fixture can close it


def test_a_vendor_that_never_answers_is_given_up_on(
    monkeypatch: pytest.MonkeyPatch, client: HubSpotClient, hubspot: StubHubSpot
) -> None:
    """Every request has a time limit; the client's own default is none."""
    assert TIMEOUT == (5, 30)
    monkeypatch.setattr("connector.crm.hubspot.calls.TIMEOUT", (1, 0.05))
    hold = []

    def slow(_: Asked) -> Reply:
        gate = threading.Event()
        hold.append(gate)
        gate.wait(5)
        return Reply({})

    hubspot.on(ASK, slow)

    with pytest.raises(Unreachable):
        client.describe("deal")
    for gate in hold:
        gate.set()
    assert len(hold) == TRIES


@pytest.mark.parametrize("body", [b"<html>Welcome to the hotel network</html>", b"[]", b"null", b'"text"'])
def test_a_page_that_is_not_hubspots_is_never_taken_for_an_answer(
    client: HubSpotClient, hubspot: StubHubSpot, body: bytes
) -> None:
    """Status 200 proves nothing: an empty catalogue would look like an account without properties."""
    hubspot.on(ASK, Reply(body))

    with pytest.raises(Unreachable):
        client.describe("deal")


def test_a_collection_without_results_is_no_empty_collection(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """What is missing is not nothing."""
    hubspot.on(ASK, Reply({"paging": None}))

    with pytest.raises(Unreachable):
        client.describe("deal")


def test_a_redirect_is_not_followed(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """HubSpot's API never redirects; whoever does would be handed the token."""
    hubspot.on(ASK, Reply({}, 302, {"Location": f"{hubspot.url}/elsewhere"}))

    with pytest.raises(Unreachable):
        client.describe("deal")
    assert "GET /elsewhere" not in hubspot.lines()


def test_the_daily_budget_is_read_from_the_headers(
    client: HubSpotClient, hubspot: StubHubSpot, throttle: RecordingThrottle
) -> None:
    """Whether the answer is a yes or a no."""
    headers = {"X-HubSpot-RateLimit-Daily": "650000", "X-HubSpot-RateLimit-Daily-Remaining": "649000"}
    hubspot.on(ASK, refusal(404, headers=headers))

    with pytest.raises(NotFound):
        client.describe("deal")
    assert throttle.budgets == [("hubspot", 1_000, 650_000)]


@pytest.mark.parametrize("daily", ["", "many", "-5", "²"])
def test_a_budget_that_makes_no_sense_is_left_alone(
    client: HubSpotClient, hubspot: StubHubSpot, throttle: RecordingThrottle, daily: str
) -> None:
    """Search has no such headers, and a proxy may mangle them."""
    hubspot.on(ASK, Reply({"results": []}, 200, {"X-HubSpot-RateLimit-Daily": daily.encode().decode("latin-1")}))
    client.describe("deal")

    assert throttle.budgets == []


def test_missing_scopes_are_named(client: HubSpotClient, hubspot: StubHubSpot) -> None:
    """The one thing a person needs to mend it."""
    detail = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": ["crm.schemas.deals.read", "crm.objects.deals.read"]},
    }
    hubspot.on(ASK, refusal(403, "MISSING_SCOPES", message="not granted all required scopes", errors=[detail]))

    with pytest.raises(AccessLost) as caught:
        client.describe("deal")
    assert "it lacks crm.schemas.deals.read, crm.objects.deals.read" in str(caught.value)


def test_nothing_that_hubspot_quotes_reaches_an_error_or_a_log(
    client: HubSpotClient, hubspot: StubHubSpot, caplog: pytest.LogCaptureFixture
) -> None:
    """Its messages hold record data, and its client would print them with the whole body."""
    caplog.set_level(logging.DEBUG)
    hubspot.on(ASK, refusal(400, message="ada@acme.test is not valid", context={"value": ["ada@acme.test"]}))

    with pytest.raises(Rejected) as caught:
        client.describe("deal")
    error: BaseException | None = caught.value
    assert "acme" not in f"{error} {error!r} {vars(caught.value)}"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "acme" not in caplog.text
    assert "pat-na1-secret" not in caplog.text


def test_a_bug_of_ours_is_not_dressed_up_as_hubspots(client: HubSpotClient, throttle: RecordingThrottle) -> None:
    """An exception that is no answer goes up as it is."""
    throttle.error = KeyError("a bug")

    with pytest.raises(KeyError):
        client.describe("deal")


def test_the_token_is_nowhere_in_the_settings_as_text() -> None:
    """Whatever prints them prints stars."""
    settings = HubSpotSettings(access_token="pat-na1-secret", client_secrets="one,two")

    assert "pat-na1-secret" not in f"{settings!r} {settings} {settings.model_dump()}"


# --- What a refusal says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "properties", "codes"),
    [
        (
            {
                "category": "VALIDATION_ERROR",
                "message": 'Property values were not valid: [{"isValid":false,"error":"INVALID_OPTION","name":"tier"}]',
            },
            ("tier",),
            ("INVALID_OPTION", "VALIDATION_ERROR"),
        ),
        ({"message": 'Property "color" does not exist'}, ("color",), ()),
        ({"context": {"properties": ["industry", "two words", 7]}}, ("industry",), ()),
        ({"errors": [{"context": "{propertyName=[a_b, c_d]}"}]}, ("a_b", "c_d"), ()),
        ({"message": "odd: [{not json"}, (), ()),
        ({"errors": "text", "context": 5, "category": None}, (), ()),
        ([], (), ()),
        (None, (), ()),
    ],
)
def test_names_are_found_wherever_hubspot_puts_them(
    body: object, properties: tuple[str, ...], codes: tuple[str, ...]
) -> None:
    """In a context, as its text, inside the message, or as JSON inside the message."""
    refusal = read_refusal(400, body)

    assert refusal.properties == properties
    assert refusal.codes == codes


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(
    status=st.integers(300, 599),
    body=json_values
    | st.fixed_dictionaries(
        {"errors": json_values, "context": json_values, "message": st.text(), "category": json_values}
    ),
)
def test_any_refusal_becomes_one_of_our_errors(status: int, body: object) -> None:
    """However odd the body, there is a sentence, and it holds only names that look like names."""
    error = read_refusal(status, body).error()

    assert isinstance(error, ConnectorError)
    assert error.message.endswith(".")
    assert error.message.isprintable()


def test_a_row_without_a_reason_is_refused_with_a_hint() -> None:
    """Even HubSpot's shortest no tells a person where to look."""
    error = read_refusal(400, {}).error()

    assert isinstance(error, Rejected)
    assert error.hint
