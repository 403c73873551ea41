"""What the receiver promises a sender: nothing forged gets in, nothing genuine is lost or taken twice."""

from __future__ import annotations

import itertools
import random
from typing import Any, NoReturn

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from connector.domain.inbox import EventKind, InboundRequest, InboxEvent
from connector.errors import ConnectorError, RateLimited, RetryLater, Unreachable
from connector.store import PostgresStore
from connector.targets import Target, TargetKind
from tests.webhooks.doubles import PUBLIC_URL, SECRET, EchoWebhook, delivery, services
from webhooks.app import create_app

A = {"id": "evt_a", "customer": "1"}
B = {"id": "evt_b", "customer": "2"}
C = {"id": "evt_c", "customer": "1"}


class StoreAway:
    """A store that cannot be asked or told anything."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def begin(self) -> NoReturn:
        raise self._error

    def receive(self, events: list[InboxEvent], received_at: object) -> NoReturn:
        raise self._error

    def ping(self) -> NoReturn:
        raise self._error


@pytest.fixture
def webhook() -> EchoWebhook:
    return EchoWebhook()


@pytest.fixture
def client(store: PostgresStore, webhook: EchoWebhook) -> FlaskClient:
    return create_app(services(store, webhook), max_body_bytes=10_000).test_client()


def post(client: FlaskClient, body: bytes, path: str = "/webhooks/echo", secret: str = SECRET) -> TestResponse:
    return client.post(path, data=body, headers={"X-Secret": secret})


def stored(store: PostgresStore) -> list[InboxEvent]:
    with store.begin() as work:
        return work.inbox.recent(1000)


def dirty(store: PostgresStore) -> int:
    with store.begin() as work:
        return work.targets.counts().dirty


def client_for(store: Any) -> FlaskClient:
    return create_app(services(store)).test_client()


def test_a_genuine_delivery_is_stored_with_its_work_and_acknowledged_in_its_senders_words(
    client: FlaskClient, store: PostgresStore
) -> None:
    answer = post(client, delivery(A, B))

    assert (answer.status_code, answer.data, answer.headers["X-Ack"]) == (202, b"<Ack/>", "yes")
    assert answer.content_type == "text/xml"
    assert {event.event_id for event in stored(store)} == {"evt_a", "evt_b"}
    with store.begin() as work:
        assert work.targets.start(Target(TargetKind.ACCOUNT, "echo:customer:1")) == 1
        assert work.targets.start(Target(TargetKind.ACCOUNT, "echo:customer:2")) == 1


def test_a_forged_delivery_is_refused_and_leaves_no_trace(client: FlaskClient, store: PostgresStore) -> None:
    answer = post(client, delivery(A), secret="guessed")

    assert answer.status_code == 401
    assert answer.json == {"error": "not_genuine"}
    assert stored(store) == []
    assert dirty(store) == 0


def test_a_delivery_repeated_changes_nothing_and_is_acknowledged_again(
    client: FlaskClient, store: PostgresStore
) -> None:
    first, second = post(client, delivery(A)), post(client, delivery(A))

    assert (first.status_code, second.status_code) == (202, 202)
    assert len(stored(store)) == 1
    with store.begin() as work:
        assert work.targets.start(Target(TargetKind.ACCOUNT, "echo:customer:1")) == 1


@pytest.mark.parametrize("order", list(itertools.permutations((A, B, C))))
def test_the_order_of_deliveries_and_their_repetition_change_no_outcome(
    client: FlaskClient, store: PostgresStore, order: tuple[dict[str, str], ...]
) -> None:
    repeated = [*order, *random.Random(7).sample(order, 3)]

    for entry in repeated:
        post(client, delivery(entry))

    assert {event.event_id for event in stored(store)} == {"evt_a", "evt_b", "evt_c"}
    with store.begin() as work:
        assert work.targets.start(Target(TargetKind.ACCOUNT, "echo:customer:1")) == 2
        assert work.targets.start(Target(TargetKind.ACCOUNT, "echo:customer:2")) == 1


def test_a_known_event_within_a_new_delivery_does_not_hold_up_the_new_ones(
    client: FlaskClient, store: PostgresStore
) -> None:
    post(client, delivery(A))
    post(client, delivery(A, B, A))

    assert {event.event_id for event in stored(store)} == {"evt_a", "evt_b"}


@pytest.mark.parametrize("kind", [EventKind.IGNORED, EventKind.UNKNOWN])
def test_an_event_without_work_is_stored_all_the_same(
    client: FlaskClient, store: PostgresStore, kind: EventKind
) -> None:
    answer = post(client, delivery({"id": "evt_x", "customer": "1", "kind": kind.value}))

    assert answer.status_code == 202
    assert [event.kind for event in stored(store)] == [kind]
    assert dirty(store) == 0


def test_a_delivery_without_events_is_acknowledged(client: FlaskClient, store: PostgresStore) -> None:
    assert post(client, b"[]").status_code == 202
    assert stored(store) == []


@pytest.mark.parametrize("body", [b"\xff\x00 not json", b"", b"{"])
def test_an_unreadable_body_of_a_genuine_sender_is_stored_once_and_acknowledged(
    client: FlaskClient, store: PostgresStore, body: bytes
) -> None:
    answers = [post(client, body).status_code for _ in range(2)]

    assert answers == [202, 202]
    with store.begin() as work:
        (event,) = work.inbox.recent(problems_only=True)
    assert (event.kind, event.problem) == (EventKind.POISON, "The body is not JSON.")
    assert dirty(store) == 0


def test_a_body_that_breaks_our_parser_is_kept_for_a_replay_and_its_content_stays_out_of_the_log(
    client: FlaskClient, store: PostgresStore
) -> None:
    with capture_logs() as logged:
        answer = post(client, b'[{"id": "evt_a", "kind": "ann@example.com"}]')

    assert answer.status_code == 202
    (event,) = stored(store)
    assert (event.kind, event.problem) == (EventKind.POISON, "ValueError while reading it")
    assert event.body == '[{"id": "evt_a", "kind": "ann@example.com"}]'
    assert "webhook parser failed" in str(logged)
    assert "ann@example.com" not in str(logged)


@pytest.mark.parametrize(
    ("error", "retry_after"),
    [
        (Unreachable("gone"), "10"),
        (RetryLater("busy", retry_after=0.2), "1"),
        (RateLimited("x", retry_after=9e9), "300"),
    ],
)
def test_nothing_is_acknowledged_while_the_store_cannot_keep_it(error: ConnectorError, retry_after: str) -> None:
    answer = post(client_for(StoreAway(error)), delivery(A))

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == retry_after
    assert answer.json == {"error": "try_again_later"}


def test_a_bug_while_storing_is_a_500_so_that_the_sender_tries_again() -> None:
    with capture_logs() as logged:
        answer = post(client_for(StoreAway(ZeroDivisionError("ann@example.com"))), delivery(A))

    assert (answer.status_code, answer.json) == (500, {"error": "internal_error"})
    (line,) = logged
    assert (line["event"], line["error"]) == ("receiver failed", "ZeroDivisionError")
    assert "ann@example.com" not in str(line)


def test_an_error_of_ours_that_fits_no_other_line_of_the_table_is_a_500() -> None:
    assert post(client_for(StoreAway(ConnectorError("odd"))), delivery(A)).status_code == 500


@pytest.mark.parametrize("path", ["/webhooks/nobody", "/webhooks/nobody/token", "/webhooks", "/elsewhere"])
def test_a_sender_we_do_not_know_is_not_found(client: FlaskClient, path: str) -> None:
    answer = post(client, b"[]", path=path)

    assert (answer.status_code, answer.json) == (404, {"error": "not_found"})


def test_a_webhook_address_takes_posts_only(client: FlaskClient) -> None:
    answer = client.get("/webhooks/echo")

    assert (answer.status_code, answer.json) == (405, {"error": "method_not_allowed"})
    assert "POST" in answer.headers["Allow"]


def test_a_body_beyond_the_limit_is_refused_before_anyone_looks_at_it(
    client: FlaskClient, webhook: EchoWebhook
) -> None:
    answer = post(client, b"x" * 10_001)

    assert (answer.status_code, answer.json) == (413, {"error": "request_entity_too_large"})
    assert webhook.seen == []


def test_the_sender_sees_its_request_as_it_made_it(client: FlaskClient, webhook: EchoWebhook) -> None:
    """The public address counts, whatever a proxy made of it; bytes, query and token arrive untouched."""
    client.post(
        "/webhooks/echo/s3cr%20t?next=https%3A%2F%2Fa.b&x=%20",
        data=b"[]",
        headers={"X-Secret": SECRET, "Host": "inner:8000", "X-Forwarded-Host": "evil.example"},
        base_url="http://inner:8000",
    )

    (seen,) = webhook.seen
    assert seen == InboundRequest(
        method="POST",
        url=f"{PUBLIC_URL}/webhooks/echo/s3cr%20t?next=https%3A%2F%2Fa.b&x=%20",
        headers=seen.headers,
        body=b"[]",
        path_token="s3cr t",
    )
    assert seen.headers["x-secret"] == SECRET


def test_what_a_forger_sent_is_not_logged(client: FlaskClient) -> None:
    with capture_logs() as logged:
        post(client, delivery({"id": "ann@example.com"}), secret="my-guess", path="/webhooks/echo/path-secret")

    (line,) = logged
    assert (line["event"], line["source"], line["reason"]) == ("webhook refused", "echo", "The signature is wrong.")
    for private in ("ann@example.com", "my-guess", "path-secret"):
        assert private not in str(line)
