"""The environment, read once, as one frozen Settings; secrets stay masked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from connector.billing import BILLINGS
from connector.crm import CRMS
from connector.domain.approval import ApprovalPolicy, ApprovalRule
from connector.domain.health_word import Health
from connector.domain.money import Money
from connector.domain.policy import BillingPolicy, PastStart, Proration
from connector.domain.terms_advice import TermsMode, TermsPolicy
from connector.errors import Misconfigured
from connector.ports import BillingProvider, CrmProvider
from connector.sentences import settings as say

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
    billing_auto_renew: bool = Field(
        default=True, description="Whether a contract runs on after its term when its deal does not say."
    )
    billing_past_start: PastStart = Field(
        default=PastStart.BILL,
        description="Periods between a start in the past and today: bill, from_today (not billed) or refuse.",
    )
    billing_proration: Proration = Field(
        default=Proration.DAY, description="How a part of a period is counted when a contract changes: day or month."
    )
    billing_amendments: Literal["now", "next_invoice"] = Field(
        default="now", description="When an upsell's share of the running period is invoiced: now or next_invoice."
    )
    billing_downsell_credit: bool = Field(
        default=False, description="Whether what is paid and no longer served is credited when a deal does not say."
    )
    billing_automatic_tax: bool = Field(
        default=False, description="Whether Stripe Tax works out tax; every customer then needs an address."
    )
    approval: str = Field(
        default="automatic",
        description="Which deals wait for a person: automatic (none), above, mismatch, always; several with commas.",
    )
    approval_above: str = Field(
        default="", description="For APPROVAL=above: what is billed without asking, as `EUR 10000, USD 12000`."
    )
    approval_tolerance: int = Field(
        default=0, ge=0, le=1_000_000, description="For APPROVAL=mismatch: minor units the deal's amount may be off."
    )
    terms_policy: TermsMode = Field(
        default=TermsMode.REQUIRE,
        description="Deals whose terms go against the payment record: require an exception, advise only, or off.",
    )
    terms_days: str = Field(
        default="good 90, watch 30, late 14, severe 0",
        description="The longest days to pay by payment health; 0 is in advance, and what is left out has no limit.",
    )
    readiness_stages: str = Field(
        default="",
        description="Open stages in which a deal is told what it lacks: `hubspot:contractsent, salesforce:Proposal`.",
    )
    hold_tolerance: int = Field(
        default=1, ge=0, le=1_000_000, description="Minor units a draft invoice may differ from its contract unheld."
    )
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
            raise Misconfigured.because(say.ADDRESS, name="PUBLIC_URL", example="https://billing.example.com")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise Misconfigured.because(say.NOT_HTTPS, name="PUBLIC_URL")
        return value.rstrip("/")

    @field_validator("default_currency")
    @classmethod
    def _currency(cls, value: str) -> str:
        if value and not (len(value) == 3 and value.isascii() and value.isalpha()):
            raise Misconfigured.because(say.CURRENCY, name="DEFAULT_CURRENCY")
        return value.lower()

    @field_validator("log_level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise Misconfigured.because(say.CHOICE, name="LOG_LEVEL", choices="DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @field_validator("log_format")
    @classmethod
    def _format(cls, value: str) -> str:
        if value not in ("json", "text"):
            raise Misconfigured.because(say.CHOICE, name="LOG_FORMAT", choices="json or text")
        return value

    @field_validator("approval")
    @classmethod
    def _approval(cls, value: str) -> str:
        rules = [word.strip().lower() for word in value.split(",") if word.strip()]
        known = [rule.value for rule in ApprovalRule]
        if not rules or any(rule not in known for rule in rules) or ("automatic" in rules and len(rules) > 1):
            raise Misconfigured.because(
                say.CHOICE, name="APPROVAL", choices="automatic, or one or more of above, mismatch and always"
            )
        return ",".join(rules)

    @field_validator("approval_above")
    @classmethod
    def _approval_above(cls, value: str) -> str:
        _limits(value)
        return value

    @field_validator("terms_days")
    @classmethod
    def _terms_days(cls, value: str) -> str:
        _days_by_health(value)
        return value

    @field_validator("readiness_stages")
    @classmethod
    def _readiness_stages(cls, value: str) -> str:
        _stages(value)
        return value

    @property
    def approval_policy(self) -> ApprovalPolicy:
        """Which plans a person must see first."""
        rules = frozenset(ApprovalRule(rule) for rule in self.approval.split(","))
        return ApprovalPolicy(rules - {ApprovalRule.AUTOMATIC}, _limits(self.approval_above), self.approval_tolerance)

    @property
    def terms_advice(self) -> TermsPolicy:
        """Which terms which payment record supports, and what is done about it."""
        return TermsPolicy(self.terms_policy, _days_by_health(self.terms_days))

    @property
    def stages_to_check(self) -> Mapping[str, frozenset[str]]:
        """The stages, by CRM, in which an open deal is checked as if it were won."""
        return _stages(self.readiness_stages)

    @property
    def billing_policy(self) -> BillingPolicy:
        """What holds for every deal that says nothing itself."""
        return BillingPolicy(
            default_currency=self.default_currency,
            default_net_days=self.default_net_days,
            auto_renew=self.billing_auto_renew,
            past_start=self.billing_past_start,
            automatic_tax=self.billing_automatic_tax,
            proration=self.billing_proration,
            amendments_now=self.billing_amendments == "now",
            downsell_credit=self.billing_downsell_credit,
        )

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
                raise Misconfigured.because(say.CLOCK, name=name)


def _limits(text: str) -> dict[str, Money]:
    """``EUR 10000, USD 12000`` as Money by currency.

    Raises:
        Misconfigured: it does not read so.
    """
    limits: dict[str, Money] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        currency, _, amount = part.partition(" ")
        try:
            limits[currency.lower()] = Money.exactly(Decimal(amount.strip()), currency.lower())
        except (ArithmeticError, ValueError) as error:
            raise Misconfigured.because(say.LIMIT_UNREADABLE, part=repr(part)) from error
    return limits


def _days_by_health(text: str) -> dict[Health, int]:
    """``good 90, watch 30, late 14, severe 0`` as days by health.

    Raises:
        Misconfigured: it does not read so, or gives a worse health longer terms.
    """
    try:
        pairs = [part.split() for part in text.split(",") if part.strip()]
        days = {Health(word.lower()): int(number) for word, number in pairs}
        TermsPolicy(days=days)
    except ValueError as error:
        raise Misconfigured.because(say.TERMS_UNREADABLE, given=repr(text)) from error
    if len(days) != len(pairs):  # one health twice
        raise Misconfigured.because(say.TERMS_UNREADABLE, given=repr(text))
    return days


def _stages(text: str) -> dict[str, frozenset[str]]:
    """``hubspot:contractsent, salesforce:Proposal`` as stages by CRM.

    Raises:
        Misconfigured: a stage without its CRM, or of a CRM that we do not know.
    """
    stages: dict[str, set[str]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        crm, _, stage = part.partition(":")
        if crm not in CRMS or not stage.strip():
            raise Misconfigured.because(say.STAGE_UNREADABLE, part=repr(part), crms=", ".join(sorted(CRMS)))
        stages.setdefault(crm, set()).add(stage.strip())
    return {crm: frozenset(names) for crm, names in stages.items()}


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
        raise Misconfigured.because(say.NOT_VALID, name=name, problem=first["msg"]) from error
