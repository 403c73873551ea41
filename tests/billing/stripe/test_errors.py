"""Stripe's errors in our words: the table, the evidence, and that nothing personal passes."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import requests
import stripe
from hypothesis import given
from hypothesis import strategies as st
from stripe.params import CustomerListParams

from connector.billing.stripe.calls import Calls, stripe_client
from connector.billing.stripe.errors import safe_words
from connector.billing.stripe.settings import StripeSettings
from connector.errors import (
    AccessLost,
    ConnectorError,
    KeyUsed,
    NeedsHuman,
    NotFound,
    RateLimited,
    Rejected,
    Unreachable,
)
from tests.billing.stripe.conftest import CUSTOMER, Refusal, Turns, Wire, a_list


def ask(calls: Calls, settings: StripeSettings) -> Any:
    client = stripe_client(settings)
    return calls.one("customers.create", lambda: client.v1.customers.create({"name": "A"}), CUSTOMER)


@pytest.mark.parametrize(
    ("refusal", "expected", "tries"),
    [
        (Refusal(429, "rate_limit"), RateLimited, 4),
        (Refusal(429, "lock_timeout"), RateLimited, 4),
        (Refusal(400, "rate_limit"), RateLimited, 4),
        (Refusal(401, type="invalid_request_error"), AccessLost, 1),
        (Refusal(403, type="invalid_request_error"), AccessLost, 1),
        (Refusal(400, type="idempotency_error"), KeyUsed, 1),
        (Refusal(402, "card_declined", type="card_error"), Rejected, 1),
        (Refusal(400, "parameter_unknown"), Rejected, 1),
        (Refusal(400, "resource_missing"), Rejected, 1),
        (Refusal(404, "resource_missing"), NotFound, 1),
        (Refusal(409, "idempotency_key_in_use", type="idempotency_error"), Unreachable, 3),
        (Refusal(500, type="api_error"), Unreachable, 3),
        (Refusal(503, type="api_error"), Unreachable, 3),
        (Refusal(500, type="api_error", headers={"Idempotent-Replayed": "true"}), KeyUsed, 3),
        (Refusal(402, "card_declined", type="card_error", headers={"Idempotent-Replayed": "true"}), KeyUsed, 1),
        (Refusal(418, type="api_error"), Rejected, 1),
        (requests.exceptions.ConnectTimeout("slow"), Unreachable, 3),
        (requests.exceptions.SSLError("not Stripe"), Unreachable, 1),
    ],
    ids=lambda value: f"{value.status}-{value.code or value.type}" if isinstance(value, Refusal) else None,
)
def test_each_failure_has_one_meaning(
    wire: Wire, calls: Calls, settings: StripeSettings, refusal: Any, expected: type[ConnectorError], tries: int
) -> None:
    """What is retried within seconds is retried a bounded number of times, and then becomes one error of ours."""
    wire.on("POST", "/v1/customers", refusal)

    with pytest.raises(expected) as caught:
        ask(calls, settings)

    assert type(caught.value) is expected
    assert len(wire.asked) == tries
    assert caught.value.provider == "stripe"
    assert caught.value.ref == CUSTOMER
    assert "customers.create" in caught.value.message
    if isinstance(refusal, Refusal):
        assert caught.value.status == refusal.status
        assert caught.value.code == refusal.code
        assert caught.value.request_id == "req_1"


def test_a_wait_that_stripe_asks_for_is_honoured(
    wire: Wire, calls: Calls, settings: StripeSettings, pauses: list[float]
) -> None:
    """A short one is sat out here, and the work goes on."""
    wire.on("POST", "/v1/customers", Refusal(429, "rate_limit", headers={"Retry-After": "3"}), {"id": "cus_1"})

    assert ask(calls, settings)["id"] == "cus_1"
    assert pauses == [3.0]


def test_a_long_wait_goes_back_to_the_queue(
    wire: Wire, calls: Calls, settings: StripeSettings, pauses: list[float]
) -> None:
    """A worker does not sleep for a minute; the error carries the time."""
    wire.on("POST", "/v1/customers", Refusal(429, "rate_limit", headers={"Retry-After": "60"}))

    with pytest.raises(RateLimited) as caught:
        ask(calls, settings)

    assert caught.value.retry_after == 60.0
    assert pauses == []


def test_own_pauses_grow_and_stay_short(
    wire: Wire, calls: Calls, settings: StripeSettings, pauses: list[float]
) -> None:
    """Half a second, one, two, each a little less by chance."""
    wire.on("POST", "/v1/customers", Refusal(429, "lock_timeout"))

    with pytest.raises(RateLimited) as caught:
        ask(calls, settings)

    assert caught.value.retry_after is None
    assert [0.25 <= pauses[0] <= 0.5, 0.5 <= pauses[1] <= 1, 1 <= pauses[2] <= 2] == [True] * 3
    assert len(pauses) == 3


@pytest.mark.parametrize("header", ["soon", "-1", "nan", "1e9", ""])
def test_a_senseless_retry_after_is_passed_over(
    wire: Wire, calls: Calls, settings: StripeSettings, header: str
) -> None:
    """It must neither crash nor park the work for years."""
    wire.on("POST", "/v1/customers", Refusal(429, headers={"Retry-After": header}))

    with pytest.raises(RateLimited) as caught:
        ask(calls, settings)

    assert caught.value.retry_after is None


def test_every_try_takes_its_turn(wire: Wire, calls: Calls, settings: StripeSettings, turns: Turns) -> None:
    """The limit is shared by all processes, so a retry waits in line like everyone else."""
    wire.on("POST", "/v1/customers", Refusal(429), {"id": "cus_1"})

    ask(calls, settings)

    assert turns.taken == ["stripe", "stripe"]


def test_a_full_queue_at_our_own_throttle_is_not_retried_here(wire: Wire, settings: StripeSettings) -> None:
    """The throttle's RateLimited goes straight to the queue."""

    class Full(Turns):
        def wait(self, name: str) -> None:
            raise RateLimited("The queue is long.", retry_after=9)

    with pytest.raises(RateLimited, match="queue is long"):
        ask(Calls(Full()), settings)

    assert wire.asked == []


def test_an_error_tells_what_a_person_can_do_and_nothing_personal(
    wire: Wire, calls: Calls, settings: StripeSettings
) -> None:
    """Parameter, code, hint and Stripe's words without addresses, names or keys; the original is not chained."""
    said = "Invalid 'jane@acme.example' of 'Jane Doe'; see 'customer_email', 'price_123', sk_test_abc, +49 30 1234567"
    wire.on("POST", "/v1/customers", Refusal(400, "email_invalid", message=said, param="email"))

    with pytest.raises(Rejected) as caught:
        ask(calls, settings)

    text = str(caught.value)
    assert "parameter email" in text
    assert "Correct the billing contact's e-mail address." in text
    assert "price_123" in text
    assert "customer_email" in text
    for secret in ("jane", "Jane", "sk_test", "1234567"):
        assert secret not in text
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@given(st.text(max_size=400), st.emails(), st.from_regex(r"sk_live_[a-zA-Z0-9]{10,24}", fullmatch=True))
def test_no_address_and_no_key_survives_whatever_surrounds_it(around: str, address: str, key: str) -> None:
    """Also at the edges and inside quotation marks."""
    words = safe_words(f"{around} {address} '{address}' {key} '{key}'")

    assert address not in words
    assert key not in words
    assert len(words) <= 300


def test_lists_are_paged_to_their_end(wire: Wire, calls: Calls, settings: StripeSettings) -> None:
    """A hundred at a time, from the last record seen."""
    client = stripe_client(settings)
    wire.on("GET", "/v1/customers", a_list({"id": "cus_3"}, {"id": "cus_2"}, has_more=True), a_list({"id": "cus_1"}))

    found = calls.every("customers.list", client.v1.customers.list, CustomerListParams(email="a@b.c"), most=5)

    assert [record["id"] for record in found] == ["cus_3", "cus_2", "cus_1"]
    assert [asked.params for asked in wire.asked] == [
        {"limit": "100", "email": "a@b.c"},
        {"limit": "100", "email": "a@b.c", "starting_after": "cus_2"},
    ]


def test_a_list_that_does_not_end_is_told_to_a_person(wire: Wire, calls: Calls, settings: StripeSettings) -> None:
    """It is neither followed for ever nor cut in silence."""
    client = stripe_client(settings)
    wire.on("GET", "/v1/customers", a_list({"id": "cus_1"}, has_more=True))

    with pytest.raises(NeedsHuman, match="more than 300"):
        calls.every("customers.list", client.v1.customers.list, CustomerListParams(), most=3)

    assert len(wire.asked) == 3


def test_an_empty_page_ends_a_list(wire: Wire, calls: Calls, settings: StripeSettings) -> None:
    """Also when it claims that there is more."""
    wire.on("GET", "/v1/customers", a_list(has_more=True))

    assert calls.every("customers.list", stripe_client(settings).v1.customers.list, CustomerListParams(), most=3) == []


def test_the_client_speaks_the_sdks_own_version_with_our_key_and_address(wire: Wire, calls: Calls) -> None:
    """Pinned by the package, never overridden; no telemetry leaves, no parameter is logged."""
    settings = StripeSettings(api_key="sk_test_abc")
    wire.on("POST", "/v1/customers", {"id": "cus_1"})

    ask(calls, settings)

    (asked,) = wire.asked
    assert asked.headers["Stripe-Version"] == stripe.api_version
    assert asked.headers["Authorization"] == "Bearer sk_test_abc"
    assert "telemetry_id" not in asked.headers["X-Stripe-Client-User-Agent"]
    assert logging.getLogger("stripe").level == logging.WARNING
