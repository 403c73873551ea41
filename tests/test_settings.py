"""The environment is read once; what cannot work is one sentence that names the variable and shows no secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connector.billing import BILLINGS
from connector.crm import CRMS
from connector.domain.approval import ApprovalRule
from connector.domain.health_word import Health
from connector.domain.money import Money
from connector.domain.policy import BillingPolicy, PastStart, Proration
from connector.domain.terms_advice import TermsMode, TermsPolicy
from connector.errors import Misconfigured
from connector.settings import Environment, Settings

STRIPE = {"STRIPE_API_KEY": "sk_test_4eC39HqLyjWDarjtT1zdp7dc"}
HUBSPOT = {"HUBSPOT_ACCESS_TOKEN": "pat-eu1-secret-token"}


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("STRIPE_", "HUBSPOT_", "SALESFORCE_", "CONNECTOR_")) or name in {
            field.upper() for field in Settings.model_fields
        }:
            monkeypatch.delenv(name)


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Environment:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Environment.read()


def test_nothing_needs_to_be_set_to_read_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = read(monkeypatch)
    assert environment.configured(CRMS) == environment.configured(BILLINGS) == []
    assert environment.settings.poll_every.total_seconds() == 120


def test_a_provider_is_chosen_by_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = read(monkeypatch, **STRIPE, **HUBSPOT)
    assert environment.configured(CRMS) == ["hubspot"]
    assert environment.configured(BILLINGS) == ["stripe"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "http://billing.example.com"),
        ("PUBLIC_URL", "billing.example.com"),
        ("PUBLIC_URL", "https://billing.example.com?x=1"),
        ("DEFAULT_CURRENCY", "dollars"),
        ("DEFAULT_NET_DAYS", "-1"),
        ("BILLING_PAST_START", "maybe"),
        ("BILLING_PRORATION", "second"),
        ("BILLING_AMENDMENTS", "later"),
        ("APPROVAL", "sometimes"),
        ("APPROVAL", "automatic,above"),
        ("TERMS_POLICY", "sometimes"),
        ("TERMS_DAYS", "good 14, late 30"),
        ("TERMS_DAYS", "good many"),
        ("TERMS_DAYS", "fine 30"),
        ("TERMS_DAYS", "good"),
        ("TERMS_DAYS", "late 14, late 7"),
        ("TERMS_DAYS", "unknown 30"),
        ("APPROVAL_ABOVE", "10000"),
        ("APPROVAL_ABOVE", "EUR many"),
        ("APPROVAL_ABOVE", "EUR 10.001"),
        ("READINESS_STAGES", "closedwon"),
        ("READINESS_STAGES", "pipedrive:won"),
        ("HOLD_TOLERANCE", "-1"),
        ("POLL_EVERY_SECONDS", "never"),
        ("WORKER_CONCURRENCY", "0"),
        ("MAX_BODY_BYTES", "10"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
        ("STRIPE_API_KEY", "pk_test_abc"),
        ("SALESFORCE_CLIENT_ID", "only-this"),
        ("HUBSPOT_CLIENT_SECRETS", "secret-without-token"),
    ],
)
def test_what_cannot_work_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(Misconfigured) as refusal:
        read(monkeypatch, **{name: value})
    text = str(refusal.value)
    assert name.partition("_")[0] in text.upper()
    assert "secret-without-token" not in text
    assert "pk_test_abc" not in text


def test_approval_reads_its_rules_and_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several rules at once, a limit per currency in its own minor units."""
    given = {"APPROVAL": "above, mismatch", "APPROVAL_ABOVE": "EUR 10000, jpy 500000", "APPROVAL_TOLERANCE": "2"}
    policy = read(monkeypatch, **given).settings.approval_policy
    assert policy.rules == {ApprovalRule.ABOVE, ApprovalRule.MISMATCH}
    assert policy.above == {"eur": Money(1_000_000, "eur"), "jpy": Money(500_000, "jpy")}
    assert policy.tolerance == 2


def test_terms_read_their_mode_and_the_days_of_each_health(monkeypatch: pytest.MonkeyPatch) -> None:
    """Left alone they are the domain's own defaults."""
    policy = read(monkeypatch, TERMS_POLICY="advise", TERMS_DAYS="Late 7, severe 0").settings.terms_advice
    assert (policy.mode, policy.days) == (TermsMode.ADVISE, {Health.LATE: 7, Health.SEVERE: 0})
    monkeypatch.undo()
    assert read(monkeypatch).settings.terms_advice == TermsPolicy()


def test_nothing_waits_for_approval_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch).settings.approval_policy.rules == frozenset()


def test_readiness_stages_are_known_by_crm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Salesforce stage may hold spaces and slashes."""
    given = {"READINESS_STAGES": "hubspot:contractsent, salesforce:Negotiation/Review,salesforce:Proposal Sent"}
    assert read(monkeypatch, **given).settings.stages_to_check == {
        "hubspot": {"contractsent"},
        "salesforce": {"Negotiation/Review", "Proposal Sent"},
    }


def test_the_billing_policy_is_what_the_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "BILLING_AUTO_RENEW": "false",
        "BILLING_PAST_START": "refuse",
        "BILLING_PRORATION": "month",
        "BILLING_AMENDMENTS": "next_invoice",
        "BILLING_DOWNSELL_CREDIT": "true",
        "BILLING_AUTOMATIC_TAX": "true",
        "DEFAULT_CURRENCY": "EUR",
        "DEFAULT_NET_DAYS": "14",
    }
    assert read(monkeypatch, **given).settings.billing_policy == BillingPolicy(
        default_currency="eur",
        default_net_days=14,
        auto_renew=False,
        past_start=PastStart.REFUSE,
        automatic_tax=True,
        proration=Proration.MONTH,
        amendments_now=False,
        downsell_credit=True,
    )


def test_a_borrowed_clock_is_refused_beside_a_real_vendor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clock = {"CONNECTOR_CLOCK_FILE": str(tmp_path / "clock")}
    local = {**STRIPE, "STRIPE_API_BASE": "http://127.0.0.1:1"}
    assert read(monkeypatch, **clock, **local).configured(BILLINGS) == ["stripe"]
    with pytest.raises(Misconfigured, match="CONNECTOR_CLOCK_FILE"):
        read(monkeypatch, **HUBSPOT)


def test_secrets_are_masked_wherever_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "DATABASE_URL": "postgresql://u:hunter2@db/x",
        "METRICS_TOKEN": "metrics-secret",
        **STRIPE,
        **HUBSPOT,
        "STRIPE_WEBHOOK_SECRETS": "whsec_one,whsec_two",
    }
    environment = read(monkeypatch, **secrets)
    shown = repr(environment.settings) + repr(dict(environment.providers))
    for secret in ("hunter2", "metrics-secret", "4eC39", "pat-eu1-secret", "whsec_one"):
        assert secret not in shown
