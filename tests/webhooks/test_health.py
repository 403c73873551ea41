"""What supervisors and Prometheus are told."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from connector.errors import Unreachable
from connector.jobs.engine_state import EngineState
from connector.store import PostgresStore
from tests.webhooks.doubles import delivery, services
from tests.webhooks.test_receive import A, StoreAway, client_for, post
from webhooks.app import create_app


@pytest.fixture
def client(store: PostgresStore) -> FlaskClient:
    return create_app(services(store)).test_client()


def figures(client: FlaskClient, **headers: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample /metrics shows: (name, labels) -> value."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_a_process_is_alive_even_while_its_store_is_away() -> None:
    assert client_for(StoreAway(Unreachable("gone"))).get("/healthz").status_code == 200


def test_a_process_is_ready_only_while_its_store_answers(client: FlaskClient) -> None:
    away = client_for(StoreAway(Unreachable("gone"))).get("/readyz")

    assert client.get("/readyz").json == {"status": "ready"}
    assert (away.status_code, away.json) == (503, {"error": "try_again_later"})


@pytest.mark.parametrize(
    ("body", "secret", "outcome"),
    [
        (b"[]", "open sesame", "accepted"),
        (b"[]", "guessed", "not_genuine"),
        (b"x" * 3_000_000, "open sesame", "too_large"),
    ],
)
def test_every_delivery_is_counted_by_how_it_ended(client: FlaskClient, body: bytes, secret: str, outcome: str) -> None:
    counted = ("webhook_deliveries_total", (("outcome", outcome), ("source", "echo")))
    before = figures(client).get(counted, 0)

    post(client, body, secret=secret)

    assert figures(client)[counted] == before + 1


def test_a_delivery_put_off_and_a_bug_are_counted_too(client: FlaskClient) -> None:
    def count(outcome: str) -> float:
        return figures(client).get(("webhook_deliveries_total", (("outcome", outcome), ("source", "echo"))), 0)

    unavailable, failed = count("unavailable"), count("failed")

    post(client_for(StoreAway(Unreachable("gone"))), delivery(A))
    post(client_for(StoreAway(ZeroDivisionError())), delivery(A))

    assert (count("unavailable"), count("failed")) == (unavailable + 1, failed + 1)


def test_a_duplicate_counts_as_delivered_but_not_as_a_new_event(client: FlaskClient) -> None:
    def count() -> tuple[float, float]:
        shown = figures(client)
        return (
            shown.get(("webhook_deliveries_total", (("outcome", "duplicate"), ("source", "echo"))), 0),
            shown.get(("webhook_events_new_total", (("source", "echo"),)), 0),
        )

    duplicates, new = count()

    post(client, delivery(A))
    post(client, delivery(A))

    assert count() == (duplicates + 1, new + 1)


def test_the_metrics_show_what_waits_in_the_store(client: FlaskClient) -> None:
    post(client, delivery(A, {"id": "evt_b", "customer": "2"}))

    shown = figures(client)

    assert shown["store_up", ()] == 1
    assert shown["targets_dirty", ()] == 2
    assert shown["targets_parked", ()] == 0
    assert shown["targets_oldest_dirty_seconds", ()] >= 0


def test_the_metrics_show_how_the_engine_is(store: PostgresStore) -> None:
    state = EngineState(jobs={}, doing_long=1, workers=2, seconds_since_heartbeat=4.5)

    shown = figures(create_app(services(store), engine=lambda: state).test_client())

    assert (shown["workers", ()], shown["workers_heartbeat_seconds", ()], shown["jobs_doing_long", ()]) == (2, 4.5, 1)


def test_metrics_without_a_store_say_so_and_show_no_figure_of_it() -> None:
    shown = figures(client_for(StoreAway(Unreachable("gone"))))

    assert shown["store_up", ()] == 0
    assert ("targets_dirty", ()) not in shown


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic tøken", "tøken"])
def test_metrics_with_a_token_are_shown_to_its_bearer_only(store: PostgresStore, authorization: str) -> None:
    guarded = create_app(services(store), metrics_token="tøken").test_client()

    assert guarded.get("/metrics", headers={"Authorization": authorization}).status_code == 401
    assert figures(guarded, Authorization="Bearer tøken")["store_up", ()] == 1
