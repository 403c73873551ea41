"""Telling HubSpot's requests from forgeries."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot import signature
from connector.crm.hubspot.settings import HubSpotSettings
from connector.crm.hubspot.webhook import HubSpotWebhook
from connector.domain.inbox import InboundRequest
from connector.errors import NotGenuine
from tests.doors import is_accepted

FIXTURES = Path(__file__).parents[2] / "fixtures" / "hubspot"
VECTORS = json.loads((FIXTURES / "signature-vectors.json").read_text("utf-8"))

SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
URL = "https://www.example.com/webhook_uri"
EVENTS = VECTORS[3]["body"].encode()
SENT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
SENT_MS = "1700000000000"


def a_webhook(*secrets: str, **more: Any) -> HubSpotWebhook:
    return HubSpotWebhook(HubSpotSettings(access_token="t", client_secrets=secrets or (SECRET,), **more))


def a_request(body: bytes = EVENTS, url: str = URL, method: str = "POST", **headers: str) -> InboundRequest:
    return InboundRequest(method, url, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def signed(request: InboundRequest, secret: str = SECRET, timestamp: str = SENT_MS) -> InboundRequest:
    """The request as HubSpot sends it: v3, its time, and v1 beside it."""
    headers = {
        "x-hubspot-signature-v3": signature.v3(secret.encode(), request, timestamp).decode(),
        "x-hubspot-request-timestamp": timestamp,
        "x-hubspot-signature": signature.v1(secret.encode(), request).decode(),
        "x-hubspot-signature-version": "v1",
    }
    return replace(request, headers=headers)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda each: f"{each['version']} {each['body'][:12]}")
def test_the_vendors_own_vectors_are_accepted(vector: dict[str, str]) -> None:
    """Published with HubSpot's Python and JavaScript clients."""
    if vector["version"] == "v3":
        headers = {"x-hubspot-signature-v3": vector["signature"], "x-hubspot-request-timestamp": vector["timestamp"]}
        now = datetime.fromtimestamp(int(vector["timestamp"]) / 1000, UTC)
    else:
        headers = {"x-hubspot-signature": vector["signature"], "x-hubspot-signature-version": vector["version"]}
        now = SENT
    request = InboundRequest(vector.get("method", "POST"), vector.get("uri", URL), headers, vector["body"].encode())
    webhook = a_webhook(vector["secret"], allow_legacy_signatures=True)

    webhook.verify(request, now)
    with pytest.raises(NotGenuine):
        webhook.verify(replace(request, body=request.body + b" "), now)


@pytest.mark.parametrize(
    ("version", "given"),
    [
        ("v1", "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"),
        ("v2", "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900"),
    ],
)
def test_further_vectors_of_the_old_versions_are_accepted(version: str, given: str) -> None:
    """Computed with HubSpot's own helper."""
    body = EVENTS if version == "v1" else b'{"example_field":"example_value"}'
    request = a_request(body, x_hubspot_signature=given, x_hubspot_signature_version=version)

    assert is_accepted(a_webhook(allow_legacy_signatures=True), request, SENT)


@pytest.mark.parametrize(
    ("url", "given"),
    [
        (URL, "/pXDSgWeGksQpwCsgqd43P0eY6gBIse9UX0tfkudUrE="),
        (
            "https://www.example.com/hook?next=https%3A%2F%2Fa.b%2Fc%20d",
            "vfunuLEmWOvOmZ5cEStP0hkZu+SI+dcF2D/R/vhlFx8=",
        ),
        (
            "https://www.example.com/hook?next=https%3a%2f%2fa.b%2fc%20d#fragment",
            "vfunuLEmWOvOmZ5cEStP0hkZu+SI+dcF2D/R/vhlFx8=",
        ),
    ],
)
def test_further_vectors_of_v3_are_accepted(url: str, given: str) -> None:
    """With and without escapes in the query: some are signed decoded, the others as they are."""
    request = a_request(url=url, x_hubspot_signature_v3=given, x_hubspot_request_timestamp=SENT_MS)

    assert is_accepted(a_webhook(), request, SENT)


def test_only_the_query_is_decoded_and_only_twelve_escapes_of_it() -> None:
    """HubSpot's list; a blank and the percent sign itself stay as they are."""
    address = "https://a.b/p%2Fq?x=%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B&y=%20%25%26%3D"

    assert signature.signed_address(address) == "https://a.b/p%2Fq?x=:/?@!$'()*,;&y=%20%25%26%3D"


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
def test_five_minutes_either_way_are_fresh(seconds: int) -> None:
    """Clocks differ, queues take time."""
    assert is_accepted(a_webhook(), signed(a_request()), SENT + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-86_400, -300.001, 300.001, 86_400])
def test_more_than_five_minutes_off_is_refused_on_either_side(seconds: float) -> None:
    """HubSpot's own helper lets the future through: a signature made for later could be used again until then."""
    with pytest.raises(NotGenuine, match="five minutes"):
        a_webhook().verify(signed(a_request()), SENT + timedelta(seconds=seconds))


@pytest.mark.parametrize("timestamp", ["", "now", "-1700000000000", "1.7e12", "١٧٠٠", "9" * 15, "9" * 400, " 1", "²"])
def test_a_timestamp_that_is_none_is_refused(timestamp: str) -> None:
    """Never a crash, whatever stands there."""
    with pytest.raises(NotGenuine):
        a_webhook().verify(signed(a_request(), timestamp=timestamp), SENT)


def test_the_signature_covers_all_of_the_request() -> None:
    """Method, address, body and time."""
    good = signed(a_request())
    later = {**good.headers, "x-hubspot-request-timestamp": str(int(SENT_MS) + 1)}
    for forged in (
        replace(good, method="PUT"),
        replace(good, url=URL + "/other"),
        replace(good, body=EVENTS.replace(b"123", b"124")),
        replace(good, headers=later),
    ):
        with pytest.raises(NotGenuine, match="signature is wrong"):
            a_webhook().verify(forged, SENT)


def test_each_of_several_secrets_is_good_during_a_rotation() -> None:
    """And a third one is not."""
    webhook = a_webhook("old-secret", "new-secret")

    webhook.verify(signed(a_request(), "old-secret"), SENT)
    webhook.verify(signed(a_request(), "new-secret"), SENT)
    with pytest.raises(NotGenuine):
        webhook.verify(signed(a_request(), "other-secret"), SENT)


def test_without_a_secret_nothing_is_genuine() -> None:
    """An empty key would make every forger's signature good."""
    webhook = HubSpotWebhook(HubSpotSettings(access_token="t"))

    with pytest.raises(NotGenuine, match="No HubSpot webhook"):
        webhook.verify(signed(a_request(), ""), SENT)


def test_a_delivery_cannot_be_stripped_down_to_its_old_signature() -> None:
    """HubSpot sends v1 beside v3. Where v3 is the rule, what is left without it is nothing."""
    whole = signed(a_request())
    stripped = replace(whole, headers={k: v for k, v in whole.headers.items() if "v3" not in k})

    with pytest.raises(NotGenuine, match="no v3 signature"):
        a_webhook().verify(stripped, SENT)


@pytest.mark.parametrize("broken", ["", "rubbish"])
def test_a_wrong_v3_signature_is_not_saved_by_a_right_old_one(broken: str) -> None:
    """Even where old ones are allowed: a request that carries v3 stands or falls with it."""
    whole = signed(a_request())
    request = replace(whole, headers={**whole.headers, "x-hubspot-signature-v3": broken})

    with pytest.raises(NotGenuine, match="signature is wrong"):
        a_webhook(allow_legacy_signatures=True).verify(request, SENT)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x_hubspot_signature": "", "x_hubspot_signature_version": "v1"},
        {"x_hubspot_signature": "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"},
        {"x_hubspot_signature": "0" * 64, "x_hubspot_signature_version": "v2"},
        {"x_hubspot_signature": "0" * 64, "x_hubspot_signature_version": "v3"},
        {"x_hubspot_signature": "0" * 64, "x_hubspot_signature_version": "v9"},
        {"x_hubspot_signature": "ü\udcff☃", "x_hubspot_signature_version": "v1"},
    ],
)
def test_old_signatures_that_are_none_are_refused(headers: dict[str, str]) -> None:
    """Missing, empty, of no version, of a wrong one, or not even ASCII."""
    with pytest.raises(NotGenuine):
        a_webhook(allow_legacy_signatures=True).verify(a_request(EVENTS, URL, "POST", **headers), SENT)


@given(given=st.text(), timestamp=st.text(), version=st.text())
def test_no_header_whatever_passes_or_crashes(given: str, timestamp: str, version: str) -> None:
    """HubSpot's helper answers some of these with a TypeError, which would be a 500 and endless retries."""
    request = a_request(
        x_hubspot_signature_v3=given,
        x_hubspot_request_timestamp=timestamp,
        x_hubspot_signature=given,
        x_hubspot_signature_version=version,
    )
    with pytest.raises(NotGenuine):
        a_webhook(allow_legacy_signatures=True).verify(request, SENT)


@given(st.binary(max_size=200))
def test_bodies_are_bytes_whatever_they_hold(body: bytes) -> None:
    """The signature is over what arrived, not over a guess at its text."""
    request = signed(a_request(body))

    a_webhook().verify(request, SENT)
    with pytest.raises(NotGenuine):
        a_webhook().verify(replace(request, body=body + b"\x00"), SENT)


def test_errors_hold_no_secret() -> None:
    """They are logged."""
    with pytest.raises(NotGenuine) as caught:
        a_webhook().verify(signed(a_request(), "other"), SENT)
    assert SECRET not in f"{caught.value} {vars(caught.value)}"
