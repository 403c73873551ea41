"""Idempotency keys, and faults on purpose."""

import threading
import time
from typing import Any

import pytest
import stripe

from connector.sandbox.faults import Fault
from connector.sandbox.stripe.idempotency import IdempotencyKeys, Remembered
from tests.sandbox.stripe_account import StripeAccount


def test_the_same_key_and_parameters_give_the_same_answer(account: StripeAccount) -> None:
    key = {"idempotency_key": "deal-1/customer"}

    first = account.v1.customers.create({"name": "Acme"}, key)
    again = account.v1.customers.create({"name": "Acme"}, key)

    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.headers["Original-Request"] == first.last_response.request_id
    assert len(account.v1.customers.list({}).data) == 1


def test_the_same_key_with_other_parameters_clashes(account: StripeAccount) -> None:
    key = {"idempotency_key": "deal-1/customer"}
    account.v1.customers.create({"name": "Acme"}, key)

    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        account.v1.customers.create({"name": "Acme Inc"}, key)
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        account.v1.products.create({"name": "Acme"}, key)


def test_a_refused_request_leaves_its_key_free(account: StripeAccount) -> None:
    key = {"idempotency_key": "deal-2/customer"}
    with pytest.raises(stripe.InvalidRequestError):
        account.v1.customers.create({"email": "nobody"}, key)

    assert account.v1.customers.create({"email": "ap@acme.example"}, key).id


def test_keys_are_forgotten_after_a_day(account: StripeAccount) -> None:
    key = {"idempotency_key": "deal-3/customer"}
    first = account.v1.customers.create({"name": "Acme"}, key)

    account.advance(hours=24)

    assert account.v1.customers.create({"name": "Acme"}, key).id != first.id


def test_a_key_in_use_is_refused_with_409(account: StripeAccount) -> None:
    key = {"idempotency_key": "deal-4/customer"}
    first: list[Any] = []
    account.vendor.lock.acquire()
    try:
        waiting = threading.Thread(target=lambda: first.append(account.v1.customers.create({"name": "A"}, key)))
        waiting.start()
        deadline = time.monotonic() + 10
        while not account.vendor._keys._busy and time.monotonic() < deadline:
            time.sleep(0.005)
        with pytest.raises(stripe.APIError) as clash:
            account.v1.customers.create({"name": "A"}, key)
    finally:
        account.vendor.lock.release()
    waiting.join(10)

    assert (clash.value.http_status, getattr(clash.value.error, "code", None)) == (409, "idempotency_key_in_use")
    assert len(first) == 1


def test_a_declined_card_is_remembered_under_its_key(account: StripeAccount) -> None:
    customer = account.card_customer("pm_card_chargeCustomerFail")
    invoice = account.subscription(customer, collection_method="charge_automatically").latest_invoice
    failures = account.event_types().count("invoice.payment_failed")

    for _ in range(2):
        with pytest.raises(stripe.CardError):
            account.v1.invoices.pay(invoice.id, {}, {"idempotency_key": "pay-1"})

    assert account.event_types().count("invoice.payment_failed") == failures + 1


def test_the_memory_for_keys_is_bounded_and_keys_are_short(
    account: StripeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.sandbox.stripe.idempotency._MOST_KEYS", 2)
    keys = IdempotencyKeys()
    for name in ("a", "b", "c"):
        keys.keep(name, Remembered("print", 200, b"{}", "req_1", 100))

    assert keys.recall("a", "print", 101) is None
    assert keys.recall("c", "print", 101) is not None
    with pytest.raises(stripe.IdempotencyError, match="255"):
        account.v1.customers.create({}, {"idempotency_key": "k" * 256})


@pytest.mark.parametrize(
    ("kind", "detail", "status", "code", "retry_after", "should_retry"),
    [
        ("rate_limited", "", 429, "rate_limit", "1.5", None),
        ("rate_limited_no_retry_after", "", 429, "rate_limit", None, None),
        ("rate_limited_no_retry_after", "lock_timeout", 429, "lock_timeout", None, "true"),
        ("server_error", "", 500, None, None, None),
    ],
)
def test_faults_answer_as_stripe_does_and_do_nothing(
    account: StripeAccount,
    kind: Any,
    detail: str,
    status: int,
    code: str | None,
    retry_after: str | None,
    should_retry: str | None,
) -> None:
    account.faults.add(Fault("stripe", kind, detail=detail, retry_after=1.5, operation="POST /v1/customers"))

    with pytest.raises(stripe.StripeError) as struck:
        account.customer()

    assert (struck.value.http_status, getattr(struck.value.error, "code", None)) == (status, code)
    headers = struck.value.headers or {}
    assert (headers.get("Retry-After"), headers.get("Stripe-Should-Retry")) == (retry_after, should_retry)
    assert account.v1.customers.list({}).data == []
    assert account.customer().id
    assert account.log.refused() == []


@pytest.mark.parametrize(("after_work", "made"), [(False, 0), (True, 1)])
def test_a_timeout_may_come_before_or_after_the_work(account: StripeAccount, after_work: bool, made: int) -> None:
    account.faults.add(Fault("stripe", "timeout", hold=0.05, after_work=after_work))

    with pytest.raises(stripe.APIConnectionError):
        account.v1.customers.create({"name": "Acme"}, {"idempotency_key": "lost-answer"})

    assert len(account.v1.customers.list({}).data) == made
    again = account.v1.customers.create({"name": "Acme"}, {"idempotency_key": "lost-answer"})
    assert len(account.v1.customers.list({}).data) == 1
    assert ("Idempotent-Replayed" in again.last_response.headers) == after_work
