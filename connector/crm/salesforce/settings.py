"""Where the Salesforce org is, how we sign in to it, and how its deliveries prove themselves."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from connector.crm.salesforce.ids import is_record_id, long_id
from connector.errors import Misconfigured
from connector.sentences import settings as say

OLDEST_VERSION = 58
NEWEST_VERSION = 68
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_LIVE = "https://login.salesforce.com"
_TEST = "https://test.salesforce.com"


class SalesforceSettings(BaseSettings):
    """Read from variables that begin with ``SALESFORCE_``.

    Two ways to sign in: client credentials (``client_id`` and ``client_secret``; the app names its "Run As" user), or
    JWT bearer (``client_id``, ``username`` and a private key). Several secrets or organizations are comma-separated.

    Raises:
        Misconfigured: a value cannot work, or only some of what one way needs is set.
    """

    model_config = SettingsConfigDict(
        env_prefix="SALESFORCE_", frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    instance_url: str = ""  #: My Domain: https://acme.my.salesforce.com
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    username: str = ""
    private_key: SecretStr = SecretStr("")  #: PEM text; "\n" may be written as two characters
    private_key_file: Path | None = None
    login_url: str = ""  #: JWT audience; empty picks login. or test.salesforce.com by the instance
    api_version: str = "66.0"
    organization_ids: Annotated[tuple[str, ...], NoDecode] = ()  #: whose deliveries we accept; empty accepts any
    webhook_token: SecretStr = SecretStr("")  #: last part of the outbound message's address
    webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = ()  #: for signed callouts; several during rotation
    currency: str = ""  #: the org's one currency, where it does not use several
    billing_contact_role: str = "Billing"
    webhook_tolerance: timedelta = timedelta(seconds=300)

    @field_validator("webhook_tolerance", mode="before")
    @classmethod
    def _seconds(cls, value: object) -> object:
        """A bare number is seconds."""
        return timedelta(seconds=int(value)) if isinstance(value, str) and value.isdecimal() else value

    @field_validator("organization_ids", "webhook_secrets", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("instance_url", "login_url")
    @classmethod
    def _address(cls, value: str) -> str:
        return _checked_address(value.rstrip("/")) if value else ""

    @field_validator("api_version", mode="before")
    @classmethod
    def _version(cls, value: object) -> str:
        found = re.fullmatch(r"v?(\d{2})(?:\.0)?", str(value))
        if found is None or not OLDEST_VERSION <= int(found[1]) <= NEWEST_VERSION:
            raise Misconfigured.because(
                say.RANGE,
                provider="salesforce",
                name="SALESFORCE_API_VERSION",
                least=f"{OLDEST_VERSION}.0",
                most=f"{NEWEST_VERSION}.0",
                default="66.0",
            )
        return f"{found[1]}.0"

    @field_validator("organization_ids")
    @classmethod
    def _organizations(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(is_record_id(each) for each in value):
            raise Misconfigured.because(say.ORGANIZATIONS, provider="salesforce")
        return tuple(long_id(each) for each in value)

    @field_validator("currency")
    @classmethod
    def _currency(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z]{3}", value):
            raise Misconfigured.because(say.CURRENCY, provider="salesforce", name="SALESFORCE_CURRENCY")
        return value.upper()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.private_key_file is not None and self.private_key.get_secret_value():
            raise Misconfigured.because(say.TWO_KEYS, provider="salesforce")
        missing = self._missing()
        if missing and self._begun():
            raise Misconfigured.because(
                say.HALF_SET_UP, provider="salesforce", vendor="Salesforce", missing=missing, prefix="SALESFORCE_"
            )
        return self

    @property
    def configured(self) -> bool:
        """Whether there is a Salesforce to talk to. False when nothing is set; half a setting never gets this far."""
        return not self._missing()

    @property
    def address(self) -> str:
        """Where this provider is: what tells a sandbox on this machine from a real org."""
        return self.instance_url

    @property
    def on_this_machine(self) -> bool:
        """Whether this is a sandbox on loopback, and no vendor."""
        return urlsplit(self.instance_url).hostname in LOOPBACK

    @property
    def mode(self) -> str:
        """``test`` for a Salesforce sandbox, else ``live``; empty on this machine."""
        host = urlsplit(self.instance_url).hostname or ""
        if host in LOOPBACK:
            return ""
        return "test" if ".sandbox." in host or "--" in host else "live"

    @property
    def uses_key(self) -> bool:
        """Whether we sign in by JWT bearer; otherwise by client credentials."""
        return bool(self._has_key and not self.client_secret.get_secret_value())

    @property
    def audience(self) -> str:
        """Who the JWT is for: the login host that belongs to the instance, unless named outright."""
        if self.login_url:
            return self.login_url
        host = urlsplit(self.instance_url).hostname or ""
        return _TEST if ".sandbox." in host or "--" in host else _LIVE

    def signing_key(self) -> str:
        """The private key in PEM.

        Raises:
            Misconfigured: the file cannot be read.
        """
        if self.private_key_file is None:
            return self.private_key.get_secret_value().replace("\\n", "\n")
        try:
            return self.private_key_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Misconfigured.because(say.KEY_FILE, provider="salesforce") from error

    @property
    def _has_key(self) -> bool:
        return bool(self.private_key.get_secret_value() or self.private_key_file)

    def _begun(self) -> bool:
        return bool(
            self.instance_url
            or self.client_id
            or self.client_secret.get_secret_value()
            or self.username
            or self._has_key
            or self.webhook_token.get_secret_value()
            or self.webhook_secrets
        )

    def _missing(self) -> str:
        missing = [
            name
            for name, value in (
                ("SALESFORCE_INSTANCE_URL", self.instance_url),
                ("SALESFORCE_CLIENT_ID", self.client_id),
            )
            if not value
        ]
        if not self.client_secret.get_secret_value():
            if self._has_key or self.username:
                missing += [] if self.username else ["SALESFORCE_USERNAME"]
                missing += [] if self._has_key else ["SALESFORCE_PRIVATE_KEY or SALESFORCE_PRIVATE_KEY_FILE"]
            else:
                missing.append("SALESFORCE_CLIENT_SECRET (or SALESFORCE_USERNAME with SALESFORCE_PRIVATE_KEY)")
        if not missing:
            return ""
        return f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"


def _checked_address(value: str) -> str:
    """A bare https address; plain http only on this machine, where the sandbox lives."""
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.path or parts.query or parts.username:
        raise Misconfigured.because(
            say.ADDRESS,
            provider="salesforce",
            name="A Salesforce address (SALESFORCE_INSTANCE_URL or SALESFORCE_LOGIN_URL)",
            example="https://acme.my.salesforce.com",
        )
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise Misconfigured.because(
            say.NOT_HTTPS,
            provider="salesforce",
            name="A Salesforce address (SALESFORCE_INSTANCE_URL or SALESFORCE_LOGIN_URL)",
        )
    return value
