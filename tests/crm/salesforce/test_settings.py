"""Settings work as a whole, or say what is missing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from connector.crm.salesforce.settings import SalesforceSettings
from connector.errors import Misconfigured
from tests.crm.salesforce.conftest import URL, some_settings


def test_nothing_set_means_not_configured() -> None:
    """A connector without Salesforce is fine."""
    assert not SalesforceSettings().configured


def test_everything_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are comma-separated, ids become long, secrets stay masked."""
    for name, value in {
        "INSTANCE_URL": f"{URL}/",
        "CLIENT_ID": "key",
        "CLIENT_SECRET": "s3cret",
        "ORGANIZATION_IDS": "00D7F00000000Xs, 00D000000000001EAA",
        "WEBHOOK_SECRETS": "new,old",
        "WEBHOOK_TOKEN": "hush",
        "CURRENCY": "eur",
    }.items():
        monkeypatch.setenv(f"SALESFORCE_{name}", value)

    settings = SalesforceSettings()

    assert settings.configured
    assert not settings.uses_key
    assert settings.address == settings.instance_url == URL
    assert settings.organization_ids == ("00D7F00000000XsUAI", "00D000000000001EAA")
    assert [secret.get_secret_value() for secret in settings.webhook_secrets] == ["new", "old"]
    assert settings.currency == "EUR"
    assert settings.api_version == "66.0"
    assert "s3cret" not in repr(settings)
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"instance_url": URL}, "SALESFORCE_CLIENT_ID, SALESFORCE_CLIENT_SECRET"),
        ({"instance_url": URL, "client_id": "k"}, "SALESFORCE_CLIENT_SECRET"),
        ({"client_id": "k", "client_secret": "s"}, "SALESFORCE_INSTANCE_URL"),
        ({"instance_url": URL, "client_id": "k", "username": "u"}, "SALESFORCE_PRIVATE_KEY"),
        ({"instance_url": URL, "client_id": "k", "private_key": "p"}, "SALESFORCE_USERNAME"),
        ({"webhook_token": "t"}, "SALESFORCE_INSTANCE_URL"),
        ({"webhook_secrets": "a,b"}, "SALESFORCE_CLIENT_ID"),
    ],
)
def test_half_a_setting_names_what_is_missing(given: dict[str, str], missing: str) -> None:
    """The sentence names the variables, so that nobody has to guess."""
    with pytest.raises(Misconfigured, match="half set up") as caught:
        SalesforceSettings(**given)  # type: ignore[arg-type]  # as the environment gives them: text
    assert missing in caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.my.salesforce.com",
        "acme.my.salesforce.com",
        "ftp://acme.com",
        f"{URL}/lightning",
        "https://u@acme.com",
    ],
)
def test_an_address_that_is_not_https_is_refused(url: str) -> None:
    """Secrets never travel in the clear, and never to an odd address."""
    with pytest.raises(Misconfigured, match="Salesforce address"):
        some_settings(instance_url=url)


def test_plain_http_is_for_this_machine() -> None:
    """The sandbox lives on loopback."""
    assert some_settings(instance_url="http://127.0.0.1:8002").configured


@pytest.mark.parametrize(("given", "version"), [("66", "66.0"), ("v68.0", "68.0"), ("58.0", "58.0")])
def test_a_version_may_be_written_in_several_ways(given: str, version: str) -> None:
    """All of them mean the same path."""
    assert some_settings(api_version=given).api_version == version


@pytest.mark.parametrize("given", ["57.0", "69.0", "latest", "66.1", ""])
def test_a_version_outside_the_supported_range_is_refused(given: str) -> None:
    """Versions that we never tried are no surprise at run time."""
    with pytest.raises(Misconfigured, match="SALESFORCE_API_VERSION"):
        some_settings(api_version=given)


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"organization_ids": "nonsense"}, "SALESFORCE_ORGANIZATION_IDS"),
        ({"currency": "EURO"}, "SALESFORCE_CURRENCY"),
        ({"private_key": "p", "private_key_file": "key.pem"}, "SALESFORCE_PRIVATE_KEY"),
    ],
)
def test_a_value_that_cannot_work_is_refused(change: dict[str, str], about: str) -> None:
    """At start, with the variable's name."""
    with pytest.raises(Misconfigured, match=about):
        some_settings(**change)


@pytest.mark.parametrize(
    ("url", "login_url", "audience"),
    [
        (URL, "", "https://login.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", "", "https://test.salesforce.com"),
        (URL, "https://site.example.com/", "https://site.example.com"),
    ],
)
def test_the_login_host_follows_the_instance(url: str, login_url: str, audience: str) -> None:
    """Sandboxes sign in elsewhere; a setting overrules it."""
    assert some_settings(instance_url=url, login_url=login_url).audience == audience


@pytest.mark.parametrize(
    ("url", "here", "mode"),
    [
        (URL, False, "live"),
        ("https://acme--uat.sandbox.my.salesforce.com", False, "test"),
        ("http://127.0.0.1:8002", True, ""),
    ],
)
def test_the_address_tells_test_from_live(url: str, here: bool, mode: str) -> None:
    """So that a test org is never billed for real, nor a real one in test."""
    settings = some_settings(instance_url=url)
    assert (settings.on_this_machine, settings.mode) == (here, mode)


def test_a_key_comes_from_text_or_file(tmp_path: Path) -> None:
    """Text may come from an environment that cannot hold line breaks."""
    file = tmp_path / "key.pem"
    file.write_text("-----KEY-----\n")
    common = {"client_secret": "", "username": "bot@acme.com"}

    from_text = some_settings(**common, private_key="-----KEY-----\\n")
    from_file = some_settings(**common, private_key_file=file)

    assert from_text.uses_key
    assert from_file.uses_key
    assert from_text.signing_key() == from_file.signing_key() == "-----KEY-----\n"


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """The path itself stays out of the message."""
    settings = some_settings(client_secret="", username="bot@acme.com", private_key_file=tmp_path / "none.pem")
    with pytest.raises(Misconfigured, match="SALESFORCE_PRIVATE_KEY_FILE") as caught:
        settings.signing_key()
    assert str(tmp_path) not in str(caught.value)


def test_settings_never_change(settings: SalesforceSettings) -> None:
    """Read once, handed around."""
    with pytest.raises(ValidationError, match="frozen"):
        settings.__setattr__("client_id", "other")


def test_a_bare_number_is_a_tolerance_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESFORCE_WEBHOOK_TOLERANCE", "120")
    assert SalesforceSettings().webhook_tolerance == timedelta(minutes=2)
