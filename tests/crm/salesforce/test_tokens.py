"""Tokens: fetched once, renewed in time, and what a refused sign-in says."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import requests
import responses
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.crm.salesforce.tokens import TokenProvider
from connector.crm.salesforce.transport import Transport
from connector.errors import AccessLost, ConnectorError, Misconfigured, RateLimited, Unreachable
from tests.crm.salesforce.conftest import ORG_ID, URL, USER_ID, StubOrg, Turnstile, Wall, some_settings

TOKEN_URL = f"{URL}/services/oauth2/token"


def provider(clock: Wall, throttle: Turnstile | None = None, **changes: Any) -> TokenProvider:
    throttle = throttle or Turnstile()
    return TokenProvider(some_settings(**changes), Transport(throttle).session, throttle, clock)


def sent(org_wire: responses.RequestsMock) -> dict[str, str]:
    """The form of the last request."""
    return {name: values[0] for name, values in parse_qs(str(org_wire.calls[-1].request.body)).items()}


def test_client_credentials_give_a_token(org: StubOrg, clock: Wall, throttle: Turnstile) -> None:
    """And with it who we are; the call takes its turn like any other."""
    token = provider(clock, throttle).get()
    assert sent(org.wire) == {"grant_type": "client_credentials", "client_id": "key", "client_secret": "s3cret"}
    assert (token.organization_id, token.user_id, token.instance_url) == (ORG_ID, USER_ID, URL)
    assert throttle.turns == 1
    assert token.access_token not in repr(token)


def test_a_jwt_is_signed_for_the_login_host(org: StubOrg, clock: Wall) -> None:
    """RS256 with our key, for a few minutes."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()

    provider(clock, client_secret="", username="bot@acme.com", private_key=pem).get()

    form = sent(org.wire)
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(
        form["assertion"],
        key.public_key(),
        algorithms=["RS256"],
        audience="https://login.salesforce.com",
        options={"verify_exp": False},
    )
    assert (claims["iss"], claims["sub"]) == ("key", "bot@acme.com")
    assert claims["exp"] == int((clock.now + timedelta(minutes=3)).timestamp())


def test_a_key_that_is_none_is_told_without_showing_it(org: StubOrg, clock: Wall) -> None:
    """The text of the setting never reaches the message."""
    with pytest.raises(Misconfigured, match="not an RSA key") as caught:
        provider(clock, client_secret="", username="bot@acme.com", private_key="oops").get()
    assert "oops" not in str(caught.value)
    assert org.tokens == 0


def test_a_token_is_kept_until_a_minute_before_its_end(org: StubOrg, clock: Wall) -> None:
    """Salesforce names no lifetime; the shortest session there is lasts fifteen minutes."""
    tokens = provider(clock)
    first = tokens.get()
    clock.pass_time(timedelta(minutes=13, seconds=59))
    assert tokens.get() is first
    clock.pass_time(timedelta(seconds=1))
    assert tokens.get() is not first
    assert org.tokens == 2


def test_a_lifetime_that_is_told_is_believed(wire: responses.RequestsMock, clock: Wall) -> None:
    """Some flows say how long."""
    wire.post(TOKEN_URL, json={"access_token": "t", "expires_in": 120})
    tokens = provider(clock)
    first = tokens.get()
    clock.pass_time(timedelta(seconds=59))
    assert tokens.get() is first
    clock.pass_time(timedelta(seconds=1))
    assert tokens.get() is not first
    assert first.user_id == ""


def test_many_threads_fetch_one_token(org: StubOrg, clock: Wall) -> None:
    """And of many that see it refused, one renews it."""
    tokens = provider(clock)
    gate = threading.Barrier(8)
    seen: list[object] = []

    def work() -> None:
        gate.wait()
        token = tokens.get()
        gate.wait()
        tokens.refused(token)
        seen.append(tokens.get())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert org.tokens == 2
    assert len({id(token) for token in seen}) == 1


@pytest.mark.parametrize(
    ("status", "error", "kind", "hint"),
    [
        (400, "invalid_client_id", AccessLost, "SALESFORCE_CLIENT_ID"),
        (401, "invalid_client", AccessLost, "SALESFORCE_CLIENT_ID"),
        (400, "invalid_grant", AccessLost, "Run As"),
        (400, "invalid_app_access", AccessLost, "Pre-authorise"),
        (400, "unsupported_grant_type", AccessLost, "External Client App"),
        (400, "something_new", AccessLost, "External Client App"),
        (302, "", AccessLost, "External Client App"),
        (429, "", RateLimited, "slow down"),
        (503, "temporarily_unavailable", Unreachable, "unavailable"),
    ],
)
def test_a_refused_sign_in_says_what_to_do(
    wire: responses.RequestsMock, clock: Wall, status: int, error: str, kind: type[ConnectorError], hint: str
) -> None:
    """By the code; Salesforce's own description stays out, for it may name people."""
    answer = {"error": error, "error_description": "user bot@acme.com is inactive"}
    wire.post(TOKEN_URL, json=answer, status=status, headers={"Location": "https://elsewhere.example.com/"})
    with pytest.raises(kind, match=hint) as caught:
        provider(clock).get()
    assert "bot@acme.com" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.status == status


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", json.dumps({"access_token": ""})])
def test_an_answer_that_is_no_token_is_no_answer(wire: responses.RequestsMock, clock: Wall, body: str) -> None:
    """A proxy's page must not become a session."""
    wire.post(TOKEN_URL, body=body, status=200)
    with pytest.raises(Unreachable):
        provider(clock).get()


@pytest.mark.parametrize("failure", [requests.ConnectTimeout("to acme"), requests.ConnectionError("refused")])
def test_silence_is_unreachable(wire: responses.RequestsMock, clock: Wall, failure: Exception) -> None:
    """Network trouble passes."""
    wire.post(TOKEN_URL, body=failure)
    with pytest.raises(Unreachable) as caught:
        provider(clock).get()
    assert caught.value.__cause__ is failure


def test_an_api_address_in_the_clear_is_refused(wire: responses.RequestsMock, clock: Wall) -> None:
    """Whoever answers the sign-in cannot send our token over plain http."""
    wire.post(TOKEN_URL, json={"access_token": "t", "instance_url": "http://acme.example.com"})
    with pytest.raises(AccessLost, match="not https"):
        provider(clock).get()
