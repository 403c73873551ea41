"""Events on their way out: signatures, retries, doubles, thin events, secrets that roll, and the events list."""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe

from connector.sandbox.faults import Fault
from tests.sandbox.stripe_account import StripeAccount

ANY_AGE = 10**9  # the account's clock stands in January 2026


class Hook:
    """A receiver that keeps what it is sent and answers what it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, str]] = []
        self.answers: list[int] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.got.append((body, self.headers["Stripe-Signature"]))
                self.send_response(hook.answers.pop(0) if hook.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/stripe"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def types(self) -> list[str]:
        """The types of the events that came, in order."""
        return [json.loads(body)["type"] for body, _ in self.got]


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


def listen(account: StripeAccount, hook: Hook, *types: str) -> Any:
    return account.v1.webhook_endpoints.create({"url": hook.url, "enabled_events": list(types) or ["*"]})


def arrived(account: StripeAccount) -> None:
    assert account.deliveries.wait_until_idle(20)


def test_each_change_is_sent_signed_to_the_endpoints_that_want_it(account: StripeAccount, hook: Hook) -> None:
    endpoint = listen(account, hook, "customer.created", "customer.updated")
    customer = account.customer()
    account.v1.customers.update(customer.id, {"name": "Acme Inc", "metadata": {"a": "b"}})
    account.product()
    arrived(account)

    events = [
        stripe.Webhook.construct_event(body, signature, endpoint.secret, tolerance=ANY_AGE)
        for body, signature in hook.got
    ]

    by_type = {event.type: event for event in events}
    assert sorted(by_type) == ["customer.created", "customer.updated"]
    changed = by_type["customer.updated"]
    assert changed.data.previous_attributes.to_dict() == {"name": "Acme", "metadata": {}}
    assert (changed.data.object.name, changed.livemode) == ("Acme Inc", False)
    assert changed.api_version == account.vendor.document.api_version
    assert changed.request.id.startswith("req_")
    assert changed.request.idempotency_key
    assert hook.got[0][1].startswith(f"t={account.now},v1=")


def test_a_forged_body_or_secret_does_not_verify(account: StripeAccount, hook: Hook) -> None:
    endpoint = listen(account, hook)
    account.customer()
    arrived(account)
    body, signature = hook.got[0]

    for forged, secret in [(body + b" ", endpoint.secret), (body, "whsec_other")]:
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.WebhookSignature.verify_header(forged, signature, secret, ANY_AGE)


def test_nothing_is_sent_for_a_refused_request(account: StripeAccount, hook: Hook) -> None:
    listen(account, hook)
    with pytest.raises(stripe.InvalidRequestError):
        account.customer(tax_id_data=[{"type": "eu_vat", "value": "1"}])
    arrived(account)

    assert hook.got == []
    assert account.v1.customers.list({}).data == []


def test_a_receiver_that_fails_gets_the_event_again_and_the_list_knows(account: StripeAccount, hook: Hook) -> None:
    hook.answers = [500, 503]
    listen(account, hook, "customer.created")
    account.customer()
    arrived(account)

    assert hook.types() == ["customer.created"] * 3
    assert account.v1.events.list({"delivery_success": False}).data == []
    (event,) = account.v1.events.list({"type": "customer.created"}).data
    assert event.pending_webhooks == 0


def test_a_lost_delivery_is_found_in_the_events_list(account: StripeAccount, hook: Hook) -> None:
    listen(account, hook, "customer.created")
    account.faults.add(Fault("stripe", "drop"))
    lost = account.customer()
    account.customer()
    arrived(account)

    (event,) = account.v1.events.list({"delivery_success": False}).data
    assert event.data.object["id"] == lost.id
    assert event.pending_webhooks == 1
    delivered = account.v1.events.list({"delivery_success": True, "type": "customer.*"}).data
    assert len(delivered) == 1


def test_a_delivery_can_be_doubled(account: StripeAccount, hook: Hook) -> None:
    listen(account, hook, "customer.created")
    account.faults.add(Fault("stripe", "double"))
    account.customer()
    arrived(account)

    first, second = (json.loads(body)["id"] for body, _ in hook.got)
    assert first == second


def test_past_events_can_be_sent_again_doubled_and_shuffled(account: StripeAccount, hook: Hook) -> None:
    for n in range(6):
        account.customer(name=f"c{n}")
    listen(account, hook, "customer.created")
    ids = [event.id for event in account.v1.events.list({"type": "customer.created"}).data]

    account.control("POST", "/events/deliver", times=2, shuffle=True)
    arrived(account)

    got = [json.loads(body)["id"] for body, _ in hook.got]
    assert sorted(got) == sorted(ids * 2)
    account.control("POST", "/events/deliver", ids=ids[:1], livemode=True)
    arrived(account)
    assert json.loads(hook.got[-1][0])["livemode"] is True
    assert json.loads(hook.got[-1][0])["id"] == ids[0]


def test_during_a_roll_both_secrets_sign_and_afterwards_only_the_new(account: StripeAccount, hook: Hook) -> None:
    endpoint = listen(account, hook, "customer.created")
    new = account.control("POST", f"/webhook_endpoints/{endpoint.id}/roll", keep_seconds=3600)["secret"]
    assert account.control("GET", f"/webhook_endpoints/{endpoint.id}/secret")["secret"] == new
    account.customer()
    arrived(account)
    account.advance(hours=2)
    account.customer()
    arrived(account)

    def verifies(number: int, secret: str) -> bool:
        body, signature = hook.got[number]
        try:
            stripe.WebhookSignature.verify_header(body, signature, secret, ANY_AGE)
        except stripe.SignatureVerificationError:
            return False
        return True

    assert (verifies(0, endpoint.secret), verifies(0, new)) == (True, True)
    assert (verifies(1, endpoint.secret), verifies(1, new)) == (False, True)


def test_a_thin_endpoint_gets_references_and_the_rest_is_fetched(account: StripeAccount, hook: Hook) -> None:
    endpoint = listen(account, hook, "invoice.created")
    account.control("POST", f"/webhook_endpoints/{endpoint.id}/thin")
    invoice = account.subscription().latest_invoice
    arrived(account)
    body, signature = hook.got[0]

    thin: Any = account.client.parse_event_notification(body, signature, endpoint.secret, ANY_AGE)

    assert thin.type == "v1.invoice.created"
    assert b"amount_due" not in body
    assert thin.fetch_related_object().id == invoice.id
    event = thin.fetch_event()
    assert account.v1.events.retrieve(event.snapshot_event).data.object["id"] == invoice.id
    with pytest.raises(ValueError, match="thin event"):
        stripe.Webhook.construct_event(body, signature, endpoint.secret, tolerance=ANY_AGE)


def test_secrets_are_told_once(account: StripeAccount, hook: Hook) -> None:
    endpoint = listen(account, hook)

    assert endpoint.secret.startswith("whsec_")
    assert "secret" not in account.v1.webhook_endpoints.retrieve(endpoint.id)
    assert "secret" not in account.v1.webhook_endpoints.list({}).data[0]


def test_disabled_and_deleted_endpoints_hear_nothing(account: StripeAccount, hook: Hook) -> None:
    endpoint = listen(account, hook)
    account.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    account.customer()
    arrived(account)
    assert hook.got == []

    account.v1.webhook_endpoints.update(endpoint.id, {"disabled": False})
    hook.answers = [500] * 1000
    account.customer()
    deadline = time.monotonic() + 10
    while not hook.got and time.monotonic() < deadline:
        time.sleep(0.01)
    account.v1.webhook_endpoints.delete(endpoint.id)
    arrived(account)

    assert set(hook.types()) == {"customer.created"}
    with pytest.raises(stripe.InvalidRequestError, match="No such webhook_endpoint"):
        account.v1.webhook_endpoints.retrieve(endpoint.id)


def test_an_account_has_at_most_sixteen_endpoints(account: StripeAccount, hook: Hook) -> None:
    for _ in range(16):
        listen(account, hook, "invoice.paid")

    with pytest.raises(stripe.InvalidRequestError, match="maximum of 16"):
        listen(account, hook, "invoice.paid")


def test_events_are_listed_by_type_and_time_for_thirty_days(account: StripeAccount) -> None:
    account.customer()
    account.product()
    account.advance(days=10)
    account.customer()

    def types(**filters: Any) -> list[str]:
        return [event.type for event in account.v1.events.list(filters).data]

    assert types() == ["customer.created", "product.created", "customer.created"]
    assert types(types=["product.created", "price.created"]) == ["product.created"]
    assert types(type="product.*") == ["product.created"]
    assert types(created={"gte": account.now}) == ["customer.created"]
    for wrong in ({"type": "a", "types": ["b"]}, {"types": ["a"] * 21}):
        with pytest.raises(stripe.InvalidRequestError):
            account.v1.events.list(wrong)
    first = account.v1.events.list({"limit": 100}).data[-1]

    account.advance(days=21)

    assert types() == ["customer.created"]
    for gone in (first.id, "evt_none"):
        with pytest.raises(stripe.InvalidRequestError, match="No such event"):
            account.v1.events.retrieve(gone)
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        account.client.v2.core.events.retrieve("evt_none")


def test_an_endpoint_of_another_version_gets_events_that_say_so(account: StripeAccount, hook: Hook) -> None:
    account.v1.webhook_endpoints.create({"url": hook.url, "enabled_events": ["*"], "api_version": "2024-06-20"})
    account.customer()
    arrived(account)

    assert json.loads(hook.got[0][0])["api_version"] == "2024-06-20"


def test_a_draft_can_wait_for_somebody_to_take_its_event(account: StripeAccount, hook: Hook) -> None:
    account.control("POST", "/settings", drafts_wait_for_webhooks=True)
    listen(account, hook, "invoice.created")
    taken = account.subscription().latest_invoice
    arrived(account)
    account.faults.add(Fault("stripe", "drop"))
    untaken = account.subscription().latest_invoice

    account.advance(hours=71)
    assert account.v1.invoices.retrieve(taken.id).status_transitions.finalized_at == taken.created + 3600
    assert account.v1.invoices.retrieve(untaken.id).status == "draft"
    account.advance(hours=1)

    assert account.v1.invoices.retrieve(untaken.id).status == "open"


def test_the_memory_for_events_is_bounded(account: StripeAccount) -> None:
    account.vendor.events._kept = deque(maxlen=3)
    made = [account.customer().id for _ in range(5)]

    kept = [event.data.object["id"] for event in account.v1.events.list({}).data]

    assert kept == made[:1:-1]


def test_events_can_pretend_to_be_live(account: StripeAccount, hook: Hook) -> None:
    listen(account, hook)
    account.control("POST", "/settings", livemode=True)
    account.customer()
    arrived(account)

    assert json.loads(hook.got[0][0])["livemode"] is True


def test_the_state_and_what_is_owed_can_be_seen(account: StripeAccount) -> None:
    customer = account.customer(metadata={"behaviour": "hopeless"})
    account.subscription(customer, metadata={"deal": "006C"})
    account.advance(hours=1)

    (owed,) = account.control("GET", "/open_invoices")["invoices"]
    assert (owed["amount_remaining"], owed["customer_metadata"]) == (3100, {"behaviour": "hopeless"})
    assert owed["metadata"] == {"deal": "006C"}
    state = account.control("GET", "/state")
    assert [one["id"] for one in state["customers"]] == [customer.id]
    assert [one["status"] for one in state["subscriptions"]] == ["active"]
    assert [one["id"] for one in state["invoices"]] == [owed["id"]]
    assert state["now"] == account.now


def test_settings_nobody_has_are_refused(account: StripeAccount) -> None:
    assert "no setting called colour" in account.refused_control("/settings", colour="red")
