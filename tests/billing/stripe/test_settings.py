"""Stripe's settings: what works, what is refused and in which words, and that no secret shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.billing.stripe.countries import country_code
from connector.billing.stripe.settings import Mode, StripeSettings
from connector.errors import Misconfigured


@pytest.mark.parametrize(
    ("key", "mode"),
    [
        ("sk_test_a1", Mode.TEST),
        ("rk_test_a1", Mode.TEST),
        ("sk_live_a1", Mode.LIVE),
        ("rk_live_a1", Mode.LIVE),
        (" sk_live_a1\n", Mode.LIVE),
    ],
)
def test_the_key_says_which_mode_we_are_in(key: str, mode: Mode) -> None:
    """There is no other setting for it."""
    settings = StripeSettings(api_key=key)

    assert settings.configured
    assert settings.mode is mode


def test_nothing_set_is_fine_and_not_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe is simply not there then."""
    monkeypatch.delenv("STRIPE_API_KEY", raising=False)

    settings = StripeSettings()

    assert not settings.configured
    assert settings.address == "https://api.stripe.com"


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets are a comma-separated list, so that two may be valid while one is rotated."""
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_a1")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRETS", "whsec_new, whsec_old,")
    monkeypatch.setenv("STRIPE_API_BASE", "http://127.0.0.1:12111/")
    monkeypatch.setenv("STRIPE_WEBHOOK_TOLERANCE", "120")

    settings = StripeSettings()

    assert settings.webhook_tolerance == timedelta(minutes=2)
    assert [secret.get_secret_value() for secret in settings.webhook_secrets] == ["whsec_new", "whsec_old"]
    assert settings.api_base == settings.address == "http://127.0.0.1:12111"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"api_key": "pk_test_a1"}, "not a secret key"),
        ({"api_key": "sk_test_"}, "not a secret key"),
        ({"api_key": "sk_test_a1", "webhook_secrets": "sk_test_a1"}, "not a signing secret"),
        ({"webhook_secrets": "whsec_a"}, "half set up"),
        ({"api_key": "sk_test_a1", "api_base": "http://stripe.example"}, "https://"),
        ({"api_key": "sk_test_a1", "api_base": "ftp://127.0.0.1"}, "must look like"),
        ({"api_key": "sk_test_a1", "api_base": "https://api.stripe.com/v1"}, "must look like"),
        ({"api_key": "sk_test_a1", "api_base": "https://"}, "must look like"),
        ({"api_key": "sk_test_a1", "webhook_tolerance": "0"}, "between 1 and 3600"),
        ({"api_key": "sk_test_a1", "webhook_tolerance": "P1D"}, "between 1 and 3600"),
    ],
)
def test_what_cannot_work_is_refused_in_one_sentence(values: dict[str, Any], words: str) -> None:
    """The sentence names the variable and never shows a secret."""
    with pytest.raises(Misconfigured, match=words) as caught:
        StripeSettings(**values)

    assert "STRIPE_" in str(caught.value)
    assert "a1" not in str(caught.value)


def test_secrets_do_not_show_in_a_print() -> None:
    """Not even by accident in a log line."""
    shown = repr(StripeSettings(api_key="sk_test_abc", webhook_secrets="whsec_abc"))

    assert "abc" not in shown


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("de", "DE"),
        ("Germany", "DE"),
        (" united states of america ", "US"),
        ("UK", "GB"),
        ("Österreich", "AT"),
        ("XK", "XK"),
        ("", ""),
        ("Middle-earth", ""),
    ],
)
def test_countries_become_codes_or_nothing(text: str, code: str) -> None:
    """Stripe refuses the whole customer for a country it does not know."""
    assert country_code(text) == code
