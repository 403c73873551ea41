"""Which Stripe account we talk to, with which key, and how its deliveries prove themselves."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from connector.errors import Misconfigured
from connector.sentences import settings as say

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

API_BASE = "https://api.stripe.com"

_KEY = re.compile(r"(?:sk|rk)_(test|live)_[A-Za-z0-9]+")

_SECONDS = re.compile(r"[0-9]{1,6}")
_MOST_TOLERANCE = timedelta(hours=1)


class Mode(StrEnum):
    """The two worlds of one Stripe account. Nothing of one is ever seen in the other."""

    TEST = "test"
    LIVE = "live"


class StripeSettings(BaseSettings):
    """Read from variables that begin with ``STRIPE_``.

    The key alone is enough to bill; without a webhook secret, changes are only learnt by asking.

    Raises:
        Misconfigured: a value cannot work, or webhook secrets stand without a key.
    """

    model_config = SettingsConfigDict(
        env_prefix="STRIPE_", frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    api_key: SecretStr = Field(
        default=SecretStr(""), description="Secret or restricted key (sk_… or rk_…); its prefix says test or live."
    )
    webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(), description="Signing secrets of the webhook endpoint, comma-separated; several while rotating."
    )
    api_base: str = Field(default=API_BASE, description="Stripe's address; plain http only for this machine.")
    webhook_tolerance: timedelta = Field(
        default=timedelta(seconds=300),
        description="How far a delivery's time may lie from ours, either way, in seconds.",
    )

    @field_validator("webhook_secrets", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("webhook_tolerance", mode="before")
    @classmethod
    def _seconds(cls, value: object) -> object:
        return timedelta(seconds=int(value)) if isinstance(value, str) and _SECONDS.fullmatch(value) else value

    @field_validator("webhook_tolerance")
    @classmethod
    def _tolerance(cls, value: timedelta) -> timedelta:
        if not timedelta(seconds=1) <= value <= _MOST_TOLERANCE:
            raise Misconfigured.because(
                say.RANGE,
                provider="stripe",
                name="STRIPE_WEBHOOK_TOLERANCE",
                least=1,
                most="3600 seconds",
                default="300: what is older than that may be somebody's replay",
            )
        return value

    @field_validator("api_key")
    @classmethod
    def _key(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip()
        if text and not _KEY.fullmatch(text):
            raise Misconfigured.because(say.STRIPE_KEY, provider="stripe")
        return SecretStr(text)

    @field_validator("webhook_secrets")
    @classmethod
    def _secrets(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not all(each.get_secret_value().startswith("whsec_") for each in value):
            raise Misconfigured.because(say.STRIPE_SECRETS, provider="stripe")
        return value

    @field_validator("api_base")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise Misconfigured.because(say.ADDRESS, provider="stripe", name="STRIPE_API_BASE", example=API_BASE)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise Misconfigured.because(say.NOT_HTTPS, provider="stripe", name="STRIPE_API_BASE")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.webhook_secrets and not self.configured:
            raise Misconfigured.because(
                say.HALF_SET_UP,
                provider="stripe",
                vendor="Stripe",
                missing="STRIPE_WEBHOOK_SECRETS is set, STRIPE_API_KEY is not",
                prefix="STRIPE_",
            )
        return self

    @property
    def configured(self) -> bool:
        """Whether there is a Stripe account to talk to."""
        return bool(self.api_key.get_secret_value())

    @property
    def address(self) -> str:
        """Where Stripe is."""
        return self.api_base

    @property
    def on_this_machine(self) -> bool:
        """Whether this is a sandbox on loopback, and no vendor."""
        return urlsplit(self.api_base).hostname in LOOPBACK

    @property
    def mode(self) -> Mode:
        """Test or live, as the key says. There is no setting to overrule it."""
        found = _KEY.fullmatch(self.api_key.get_secret_value())
        return Mode(found[1]) if found else Mode.TEST
