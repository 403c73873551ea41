"""A provider's card, and the Services that everything is built into."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from connector.domain.approval import ApprovalPolicy
from connector.domain.payment_health import HealthPolicy
from connector.domain.policy import BillingPolicy
from connector.domain.terms_advice import TermsPolicy
from connector.ports.billing import Billing
from connector.ports.crm import Crm
from connector.ports.store import Store
from connector.ports.throttle import Clock, Throttle, Unlimited
from connector.ports.webhook import Webhook
from mappings.model import FieldMapping


class Feature(StrEnum):
    """What a provider can do; feeds the README's table."""

    LINE_ITEMS = "line_items"
    SIGNED_WEBHOOKS = "signed_webhooks"
    POLLING = "polling"
    BATCH_WRITES = "batch_writes"
    SETUP = "setup"


@dataclass(frozen=True, slots=True)
class CrmProvider:
    """A CRM's card. ``settings`` is a frozen pydantic-settings class; ``connect`` and ``webhook`` take one of it."""

    name: str
    label: str
    settings: type[Any]
    connect: Callable[[Any, Throttle, Clock], Crm]
    webhook: Callable[[Any], Webhook]
    supports: frozenset[Feature]


@dataclass(frozen=True, slots=True)
class BillingProvider:
    """A billing system's card."""

    name: str
    label: str
    settings: type[Any]
    connect: Callable[[Any, Throttle, Clock], Billing]
    webhook: Callable[[Any], Webhook]
    supports: frozenset[Feature]


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a use-case may call, built once by ``connector.bootstrap``."""

    store: Store
    crms: Mapping[str, Crm]
    billing: Billing
    webhooks: Mapping[str, Webhook]
    mappings: Mapping[str, FieldMapping]  #: CRM name -> its active mapping
    clock: Clock
    billing_policy: BillingPolicy
    health_policy: HealthPolicy
    approval_policy: ApprovalPolicy = field(default_factory=ApprovalPolicy)
    terms_policy: TermsPolicy = field(default_factory=TermsPolicy)
    readiness_stages: Mapping[str, frozenset[str]] = field(default_factory=dict)  #: CRM name -> stages checked early
    hold_tolerance: int = 1  #: minor units a draft invoice may differ from its contract
    throttle: Throttle = field(default_factory=Unlimited)
    public_url: str = ""
    poll_every: timedelta = timedelta(minutes=2)

    def today(self) -> date:
        """The day it is, UTC."""
        return self.clock().date()
