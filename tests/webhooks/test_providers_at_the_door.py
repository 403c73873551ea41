"""Every sender we know, at the receiver: whatever a stranger sends in its name is refused, and nothing is stored."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.billing import BILLINGS
from connector.crm import CRMS
from connector.ports import BillingProvider, CrmProvider
from connector.store import PostgresStore
from tests.webhooks.doubles import services
from tests.webhooks.test_receive import stored
from webhooks.app import create_app

ENVIRONMENT = {
    "PUBLIC_URL": "https://billing.example.com",
    "STRIPE_API_KEY": "sk_test_x",
    "STRIPE_WEBHOOK_SECRETS": "whsec_x",
    "HUBSPOT_ACCESS_TOKEN": "pat-x",
    "HUBSPOT_CLIENT_SECRETS": "hubspot-secret",
    "SALESFORCE_INSTANCE_URL": "https://acme.my.salesforce.com",
    "SALESFORCE_CLIENT_ID": "id",
    "SALESFORCE_CLIENT_SECRET": "secret",
    "SALESFORCE_ORGANIZATION_IDS": "00D000000000001EAA",
    "SALESFORCE_WEBHOOK_TOKEN": "a-long-secret-path-token",
}
PROVIDERS: dict[str, CrmProvider | BillingProvider] = {**CRMS, **BILLINGS}
HEADERS = (
    "Stripe-Signature",
    "X-HubSpot-Signature",
    "X-HubSpot-Signature-v3",
    "X-HubSpot-Request-Timestamp",
    "X-HubSpot-Signature-Version",
    "X-Signature",
    "Content-Type",
    "Authorization",
)


@pytest.fixture
def client(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    webhooks = {name: card.webhook(card.settings()) for name, card in PROVIDERS.items()}
    return create_app(replace(services(store), webhooks=webhooks)).test_client()


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    headers=st.dictionaries(
        st.sampled_from(HEADERS), st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=60)
    ),
    body=st.one_of(st.binary(max_size=200), st.sampled_from([b"[]", b"{}", b"<x/>", b"<!DOCTYPE x []><x/>"])),
    token=st.sampled_from(["", "/", "/guess", "/a-long-secret-path-toke", "/%00", "/\u00e9"]),
)
def test_whatever_a_stranger_sends_is_refused_without_a_trace(
    client: FlaskClient, store: PostgresStore, provider: str, headers: dict[str, str], body: bytes, token: str
) -> None:
    answer = client.post(f"/webhooks/{provider}{token}", data=body, headers=headers)

    assert answer.status_code in {401, 404}
    assert stored(store) == []
