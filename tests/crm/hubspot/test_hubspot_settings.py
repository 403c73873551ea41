"""What HubSpot's settings accept, and what they refuse before anything is started."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connector.crm.hubspot import provider
from connector.crm.hubspot.settings import HubSpotSettings
from connector.errors import Misconfigured
from connector.ports import Feature


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCESS_TOKEN", "CLIENT_SECRETS", "BASE_URL", "PORTAL_IDS", "TIME_ZONE"):
        monkeypatch.delenv(f"HUBSPOT_{name}", raising=False)


def test_nothing_set_means_there_is_no_hubspot() -> None:
    """Not an error: another CRM may be there."""
    assert not HubSpotSettings().configured


def test_a_token_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service key has no webhooks; polling does without."""
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", " pat-na1-1 ")
    settings = HubSpotSettings()

    assert settings.configured
    assert settings.access_token.get_secret_value() == "pat-na1-1"
    assert settings.base_url == "https://api.hubapi.com"
    assert not settings.allow_legacy_signatures


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several secrets stand side by side while one replaces the other."""
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", "t")
    monkeypatch.setenv("HUBSPOT_CLIENT_SECRETS", "old, new,")
    monkeypatch.setenv("HUBSPOT_PORTAL_IDS", "123, 456")
    settings = HubSpotSettings()

    assert [each.get_secret_value() for each in settings.client_secrets] == ["old", "new"]
    assert settings.portal_ids == ("123", "456")


@pytest.mark.parametrize(
    "half", [{"client_secrets": "one"}, {"portal_ids": "123"}, {"client_secrets": ["one"], "portal_ids": ["1"]}]
)
def test_half_a_set_up_is_refused_with_the_missing_name(half: dict[str, Any]) -> None:
    """Webhooks without a token could never fetch the deal they are about."""
    with pytest.raises(Misconfigured, match="HUBSPOT_ACCESS_TOKEN is missing"):
        HubSpotSettings(**half)


@pytest.mark.parametrize(
    "wrong",
    [
        {"access_token": "two words"},
        {"access_token": "line\nbreak"},
        {"access_token": "tokén"},
        {"access_token": "t", "client_secrets": "a,b\x00c"},
        {"access_token": "t", "base_url": "http://api.hubapi.com"},
        {"access_token": "t", "base_url": "https://api.hubapi.com/crm"},
        {"access_token": "t", "base_url": "ftp://api.hubapi.com"},
        {"access_token": "t", "base_url": "https://me:secret@api.hubapi.com"},
        {"access_token": "t", "portal_ids": "acme"},
        {"access_token": "t", "time_zone": "Middle/Earth"},
        {"access_token": "t", "time_zone": "../etc/passwd"},
    ],
)
def test_what_cannot_work_is_refused_without_repeating_it(wrong: dict[str, Any]) -> None:
    """The error names the variable; a token in a log is a token lost."""
    with pytest.raises(Misconfigured) as caught:
        HubSpotSettings(**wrong)
    assert str(caught.value).startswith("HUBSPOT_")
    assert "two words" not in str(caught.value)
    assert "secret@" not in str(caught.value)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8082", "http://localhost:1/", "http://[::1]:80"])
def test_plain_http_is_for_this_machine_only(address: str) -> None:
    """Where the sandbox lives."""
    assert HubSpotSettings(access_token="t", base_url=address).base_url == address.rstrip("/")


def test_settings_never_change() -> None:
    """They are read once, when the process starts."""
    with pytest.raises(ValidationError):
        HubSpotSettings(access_token="t").base_url = "https://example.com"  # type: ignore[misc] # that is the point


@pytest.mark.parametrize("odd", [{"client_secrets": 5}, {"portal_ids": 5}, {"access_token": 5}])
def test_a_value_of_another_type_is_refused(odd: dict[str, Any]) -> None:
    """The type checker of the settings says so, without the value."""
    with pytest.raises(ValidationError):
        HubSpotSettings(**odd)


def test_the_card_says_who_we_are() -> None:
    """One card per provider; the registry, the README and the contract tests read it."""
    assert (provider.name, provider.label, provider.settings) == ("hubspot", "HubSpot", HubSpotSettings)
    assert Feature.SIGNED_WEBHOOKS in provider.supports
    settings = HubSpotSettings(access_token="t", client_secrets="s")
    assert provider.webhook(settings).source == "hubspot"
