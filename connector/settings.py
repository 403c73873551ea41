"""The environment, read once, as one frozen Settings; secrets stay masked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from connector.billing import BILLINGS
from connector.crm import CRMS
from connector.errors import Misconfigured
from connector.ports import BillingProvider, CrmProvider

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Settings(BaseSettings):
    """What an operator sets for the connector itself; each provider's own settings stand beside, by provider name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    database_url: SecretStr = Field(
        default=SecretStr(""), description="Postgres to use, as postgresql://…; empty starts one of our own."
    )
    connector_data_dir: Path = Field(
        default=Path(platformdirs.user_data_dir("connector")), description="Where our own Postgres keeps its data."
    )
    public_url: str = Field(
        default="http://127.0.0.1:8000", description="The address vendors reach us at, exactly as configured there."
    )
    default_currency: str = Field(default="", description="For deals that name none; empty parks such a deal.")
    default_net_days: int = Field(default=30, ge=0, le=365, description="Days to pay, for deals that name none.")
    poll_every_seconds: int = Field(
        default=120, ge=1, le=86_400, description="How often each side is asked what its webhooks missed."
    )
    worker_concurrency: int = Field(default=8, ge=1, le=64, description="How many Targets one worker works on at once.")
    max_body_bytes: int = Field(default=2_097_152, ge=65_536, description="Webhook bodies beyond this are refused.")
    metrics_token: SecretStr = Field(
        default=SecretStr(""), description="Bearer token for /metrics; empty leaves it open to whoever reaches it."
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: str = Field(default="json", description="json, or text for people.")
    connector_clock_file: Path | None = Field(
        default=None, description="The sandbox's clock, for demos and tests; refused beside a real vendor."
    )

    @field_validator("public_url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise Misconfigured("PUBLIC_URL must look like https://billing.example.com.")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise Misconfigured(
                "PUBLIC_URL must begin with https://.", hint="Plain http is for this machine only: no vendor calls it."
            )
        return value.rstrip("/")

    @field_validator("default_currency")
    @classmethod
    def _currency(cls, value: str) -> str:
        if value and not (len(value) == 3 and value.isascii() and value.isalpha()):
            raise Misconfigured("DEFAULT_CURRENCY must be a three-letter code such as USD.")
        return value.lower()

    @field_validator("log_level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise Misconfigured("LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")
        return value.upper()

    @field_validator("log_format")
    @classmethod
    def _format(cls, value: str) -> str:
        if value not in ("json", "text"):
            raise Misconfigured("LOG_FORMAT must be json or text.")
        return value

    @property
    def poll_every(self) -> timedelta:
        """How often each side is asked what its webhooks missed."""
        return timedelta(seconds=self.poll_every_seconds)


class Environment:
    """Settings and each provider's own, read together so that a mistake is told before anything starts."""

    def __init__(self, settings: Settings, providers: Mapping[str, Any]) -> None:
        self.settings = settings
        self.providers = providers  #: provider name -> its settings, configured or not

    @classmethod
    def read(cls) -> Self:
        """Read the environment.

        Raises:
            Misconfigured: a value cannot work; the sentence names the variable and never shows a secret.
        """
        settings = _read(Settings)
        cards: dict[str, CrmProvider | BillingProvider] = {**CRMS, **BILLINGS}
        environment = cls(settings, MappingProxyType({name: _read(card.settings) for name, card in cards.items()}))
        if settings.connector_clock_file is not None:
            environment.refuse_a_clock_beside_real_vendors()
        return environment

    def configured(self, names: Mapping[str, Any]) -> list[str]:
        """Those of the named providers that have settings."""
        return [name for name in names if self.providers[name].configured]

    def refuse_a_clock_beside_real_vendors(self) -> None:
        """A borrowed clock would make real signatures look stale and real invoices look late.

        Raises:
            Misconfigured: a configured provider is not on this machine.
        """
        for name, provider in self.providers.items():
            if provider.configured and not provider.on_this_machine:
                raise Misconfigured(
                    f"CONNECTOR_CLOCK_FILE is set, but {name} is a real one.", hint="Unset CONNECTOR_CLOCK_FILE."
                )


def _read(model: type[Any]) -> Any:
    try:
        return model()
    except ValidationError as error:
        prefix = str(model.model_config.get("env_prefix", ""))
        first = error.errors()[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, Misconfigured):
            raise cause from error
        name = f"{prefix}{'_'.join(str(part) for part in first['loc'])}".upper()
        raise Misconfigured(f"{name}: {first['msg']}.", hint="Correct the variable, or unset it.") from error
