"""Which HubSpot account we work with, how we may enter it, and how its deliveries prove themselves."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from connector.errors import Misconfigured
from connector.sentences import settings as say

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class HubSpotSettings(BaseSettings):
    """Read from variables that begin with ``HUBSPOT_``. Several secrets or portal ids are comma-separated.

    With a token alone, won deals are found by polling. Client secrets belong to an app that pushes (a project app, an
    older private app, or the app named in a workflow webhook); during a rotation the old and the new one are listed.

    Raises:
        Misconfigured: a value cannot work, or secrets are set without a token.
    """

    model_config = SettingsConfigDict(
        env_prefix="HUBSPOT_", frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    access_token: SecretStr = SecretStr("")  #: of a private app, or a service key
    client_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = ()  #: what webhooks are signed with
    base_url: str = "https://api.hubapi.com"
    portal_ids: Annotated[tuple[str, ...], NoDecode] = ()  #: accounts whose deliveries we accept; empty accepts any
    allow_legacy_signatures: bool = False  #: also accept v1 and v2, which carry no time, from senders without v3
    time_zone: str = ""  #: the account's, such as Europe/Berlin: its daily API allowance starts anew at midnight there

    @field_validator("access_token", mode="before")
    @classmethod
    def _bare_token(cls, value: object) -> object:
        return _secret(value, "HUBSPOT_ACCESS_TOKEN")

    @field_validator("client_secrets", mode="before")
    @classmethod
    def _bare_secrets(cls, value: object) -> object:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            return value
        secrets = (_secret(part, "HUBSPOT_CLIENT_SECRETS") for part in parts)
        return tuple(secret for secret in secrets if secret)

    @field_validator("portal_ids", mode="before")
    @classmethod
    def _bare_ids(cls, value: object) -> object:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            return value
        ids = tuple(part for part in (str(part).strip() for part in parts) if part)
        if not all(each.isascii() and each.isdigit() for each in ids):
            raise Misconfigured.because(say.HUBSPOT_ACCOUNTS, provider="hubspot")
        return ids

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str) -> str:
        address = value.rstrip("/")
        parts = urlsplit(address)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.path or parts.query or parts.username:
            raise Misconfigured.because(
                say.ADDRESS, provider="hubspot", name="HUBSPOT_BASE_URL", example="https://api.hubapi.com"
            )
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise Misconfigured.because(say.NOT_HTTPS, provider="hubspot", name="HUBSPOT_BASE_URL")
        return address

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key if value else ""
        except (KeyError, ValueError, OSError) as error:
            raise Misconfigured.because(say.TIME_ZONE, provider="hubspot", name="HUBSPOT_TIME_ZONE") from error

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.client_secrets or self.portal_ids) and not self.configured:
            raise Misconfigured.because(
                say.HALF_SET_UP,
                provider="hubspot",
                vendor="HubSpot",
                missing="HUBSPOT_ACCESS_TOKEN is missing",
                prefix="HUBSPOT_",
            )
        return self

    @property
    def on_this_machine(self) -> bool:
        """Whether this is a sandbox on loopback, and no vendor."""
        return urlsplit(self.base_url).hostname in LOOPBACK

    @property
    def mode(self) -> str:
        """Empty: a HubSpot token does not say whether its account is one for tests."""
        return ""

    @property
    def configured(self) -> bool:
        """Whether there is a HubSpot to talk to. False when nothing is set; half a setting never gets this far."""
        return bool(self.access_token.get_secret_value())


def _secret(value: object, name: str) -> object:
    """The bare secret. One with a line break or a foreign letter would only fail later, in the middle of a request."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str):
        return value
    bare = text.strip()
    if not bare.isascii() or any(not letter.isprintable() or letter.isspace() for letter in bare):
        raise Misconfigured.because(say.SECRET_CHARACTERS, provider="hubspot", name=name, vendor="HubSpot")
    return bare
