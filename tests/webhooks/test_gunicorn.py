"""The receiver under the gunicorn we ship: real sockets, several processes, senders that misbehave."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from connector.bootstrap import migrate_database
from connector.store import PostgresStore
from connector.targets import Target, TargetKind
from tests.bench.event import SECRET as SECRET_OF_STRIPE
from tests.bench.event import Requests
from tests.webhooks.doubles import SECRET, delivery
from tests.webhooks.gunicorn_server import HOST, Served, gunicorn

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gunicorn")]
APP = "tests.webhooks.gunicorn_app:app"
SIGNED = {"X-Secret": SECRET}


@pytest.fixture(scope="module")
def shared_database(server_url: str, template_database: str) -> Iterator[str]:
    """One database for the server that most tests here share; starting one for each would take most of the time."""
    name = f"{template_database}_gunicorn"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template_database}"')
        yield str(make_url(server_url).set(database=name).render_as_string(hide_password=False))
        connection.execute(f'drop database "{name}" with (force)')


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gunicorn") / "log"


@pytest.fixture(scope="module")
def served(shared_database: str, log: Path) -> Iterator[Served]:
    environment = {"DATABASE_URL": shared_database, "WEB_REQUEST_SECONDS": "2"}
    with gunicorn(APP, environment=environment, log=log) as served:
        yield served


@pytest.fixture
def port(served: Served, shared_database: str) -> int:
    """The shared server's port, with an empty inbox behind it."""
    with psycopg.connect(shared_database, autocommit=True) as connection:
        connection.execute("truncate inbox, target")
    return served.port


@pytest.fixture
def inbox(shared_database: str) -> Iterator[PostgresStore]:
    """The shared server's store."""
    with PostgresStore(shared_database) as store:
        yield store


def post(port: int, body: Any, headers: dict[str, str] = SIGNED, path: str = "/webhooks/echo") -> int:
    connection = http.client.HTTPConnection(HOST, port, timeout=20)
    try:
        connection.request("POST", path, body, headers, encode_chunked=not isinstance(body, bytes))
        return connection.getresponse().status
    finally:
        connection.close()


def get(port: int, path: str, headers: dict[str, str] | None = None) -> str:
    connection = http.client.HTTPConnection(HOST, port, timeout=20)
    try:
        connection.request("GET", path, headers=headers or {})
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def ids(store: PostgresStore) -> set[str]:
    with store.begin() as work:
        return {event.event_id for event in work.inbox.recent(1000)}


def test_many_senders_at_once_lose_nothing_and_double_nothing(port: int, inbox: PostgresStore) -> None:
    """Every event is sent twice, from eight connections, about the same three records."""
    wanted = [{"id": f"evt_{n}", "customer": str(n % 3)} for n in range(60)]

    with ThreadPoolExecutor(8) as senders:
        statuses = list(senders.map(lambda entry: post(port, delivery(entry)), wanted * 2))

    assert set(statuses) == {202}
    assert ids(inbox) == {entry["id"] for entry in wanted}


def test_the_counts_of_all_processes_are_one(port: int) -> None:
    counted = re.compile(r'webhook_deliveries_total{outcome="accepted",source="echo"} (\d+)')
    post(port, delivery({"id": "evt_first"}))
    (before,) = counted.findall(get(port, "/metrics"))

    for number in range(20):
        post(port, delivery({"id": f"evt_{number}"}))

    assert counted.findall(get(port, "/metrics")) == [str(int(before) + 20)]


def test_a_chunked_body_is_received_whole(port: int, inbox: PostgresStore) -> None:
    body = delivery({"id": "evt_chunked"})

    assert post(port, iter([body[:5], body[5:]]), {**SIGNED, "Transfer-Encoding": "chunked"}) == 202
    assert ids(inbox) == {"evt_chunked"}


@pytest.mark.parametrize(
    "torn",
    [
        b"Content-Length: 40\r\n\r\n[]",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n28\r\n[]",
    ],
)
def test_a_body_that_does_not_arrive_whole_is_never_acknowledged(port: int, inbox: PostgresStore, torn: bytes) -> None:
    """Its sender would believe that all its events are safe."""
    with socket.create_connection((HOST, port), timeout=20) as connection:
        connection.sendall(b"POST /webhooks/echo HTTP/1.1\r\nHost: x\r\nX-Secret: open sesame\r\n" + torn)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1000)

    assert not answer.startswith(b"HTTP/1.1 2")
    with inbox.begin() as work:
        assert work.inbox.recent() == []


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_limit_is_refused_however_it_is_sent(port: int, inbox: PostgresStore, chunked: bool) -> None:
    body = json.dumps([{"id": "evt_large", "padding": "x" * 120_000}]).encode()
    pieces = (body[at : at + 4096] for at in range(0, len(body), 4096))

    status = post(port, pieces if chunked else body, SIGNED | ({"Transfer-Encoding": "chunked"} if chunked else {}))

    assert status == 413
    assert ids(inbox) == set()


def test_a_refusal_costs_no_more_than_an_acceptance(port: int) -> None:
    """Otherwise forgeries would be a cheap way to keep us busy."""

    def seconds(headers: dict[str, str], tag: str) -> float:
        began = time.perf_counter()
        post(port, delivery({"id": f"evt_{tag}"}), headers)
        return time.perf_counter() - began

    seconds(SIGNED, "warm")
    pairs = [(seconds(SIGNED, f"good{n}"), seconds({"X-Secret": "guessed"}, f"bad{n}")) for n in range(20)]

    assert median(refused for _, refused in pairs) < 1.5 * median(accepted for accepted, _ in pairs)


def test_connections_that_drip_are_hung_up_on_and_others_are_served_again(port: int, inbox: PostgresStore) -> None:
    """Eight threads in all, and more connections than that which begin a request and never end it."""
    head = b"POST /webhooks/echo HTTP/1.1\r\nHost: x\r\nX-Secret: open sesame\r\nContent-Length: 50\r\n\r\n["
    drips = [socket.create_connection((HOST, port), timeout=20) for _ in range(10)]
    try:
        for drip in drips:
            drip.sendall(head)

        assert post(port, delivery({"id": "evt_after"})) == 202
        ends = [drip.recv(1000) for drip in drips]
    finally:
        for drip in drips:
            drip.close()

    assert all(not end.startswith(b"HTTP/1.1 2") for end in ends)
    assert ids(inbox) == {"evt_after"}


def test_a_database_that_comes_back_is_used_again_by_the_same_processes(port: int, shared_database: str) -> None:
    """Every pooled connection is cut from the server's side; no sender sees more than a 503."""
    assert {post(port, delivery({"id": f"evt_{n}"})) for n in range(8)} == {202}
    with psycopg.connect(shared_database, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )

    statuses = [post(port, delivery({"id": f"evt_after_{n}"})) for n in range(16)]

    assert set(statuses) <= {202, 503}
    assert statuses[-1] == 202


def test_a_kill_at_any_moment_loses_no_acknowledged_event_and_doubles_none(
    database_url: str, store: PostgresStore
) -> None:
    """Master and workers die under load; senders deliver again what nobody acknowledged, as vendors do."""
    wanted = {f"evt_{number}" for number in range(400)}
    acknowledged: set[str] = set()

    def send(served: Served, event_id: str) -> None:
        with suppress(OSError, http.client.HTTPException):
            if post(served.port, delivery({"id": event_id, "customer": "1"})) == 202:
                acknowledged.add(event_id)

    with gunicorn(APP, environment={"DATABASE_URL": database_url}) as served, ThreadPoolExecutor(8) as senders:
        sending = [senders.submit(send, served, event_id) for event_id in sorted(wanted)]
        wait(sending[:100])
        served.kill()
        wait(sending)

    assert acknowledged != wanted
    assert acknowledged <= ids(store)

    with gunicorn(APP, environment={"DATABASE_URL": database_url}) as served, ThreadPoolExecutor(8) as senders:
        wait([senders.submit(send, served, event_id) for event_id in wanted - acknowledged])

    with store.begin() as work:
        assert sorted(event.event_id for event in work.inbox.recent(1000)) == sorted(wanted)
        assert work.targets.start(Target(TargetKind.ACCOUNT, "echo:customer:1")) == len(wanted)


def test_the_receiver_built_from_the_environment_takes_stripes_events_and_wakes_a_worker(database_url: str) -> None:
    migrate_database(database_url)
    requests = Requests("/webhooks/stripe", "a", accounts=2)
    environment = {
        "DATABASE_URL": database_url,
        "STRIPE_API_KEY": "sk_test_x",
        "STRIPE_WEBHOOK_SECRETS": SECRET_OF_STRIPE,
        "METRICS_TOKEN": "m3trics",
        "MAX_BODY_BYTES": "65536",
    }

    with gunicorn("webhooks.wsgi:app", workers=1, environment=environment) as served:
        assert [_send(served.port, next(requests)) for _ in range(4)] == [b"HTTP/1.1 200 OK"] * 4
        assert _send(served.port, next(requests).replace(b"v1=", b"v1=0")) == b"HTTP/1.1 401 UNAUTHORIZED"
        assert post(served.port, b"x" * 65_537, path="/webhooks/stripe") == 413
        assert get(served.port, "/metrics") == '{"error":"unauthorized"}\n'
        metrics = get(served.port, "/metrics", {"Authorization": "Bearer m3trics"})

    assert 'webhook_deliveries_total{outcome="accepted",source="stripe"} 4.0' in metrics
    assert "targets_dirty 2.0" in metrics
    assert "workers 0.0" in metrics

    with psycopg.connect(database_url) as connection:
        kinds = connection.execute("select kind, count(*) from inbox group by kind").fetchall()
        woken = connection.execute("select queueing_lock from procrastinate_jobs order by 1").fetchall()
    assert kinds == [("billing_changed", 4)]
    assert woken == [("account/stripe:customer:cus_00000000",), ("account/stripe:customer:cus_00000001",)]


def _send(port: int, request: bytes) -> bytes:
    """The status line that answers raw bytes."""
    with socket.create_connection((HOST, port), timeout=20) as connection:
        connection.sendall(request)
        return connection.recv(4096).split(b"\r\n", 1)[0]


def test_the_secret_path_token_is_not_in_the_servers_log(port: int, log: Path) -> None:
    post(port, delivery({"id": "evt_t"}), {"X-Secret": "guessed"}, path="/webhooks/echo/path-secret")
    post(port, b"{", path="/webhooks/echo/path-secret")

    written = log.read_text()
    assert "Booting worker" in written
    assert "path-secret" not in written


def test_the_processes_leave_no_count_files_behind(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked for in a temporary directory of its own, where no other server puts any."""
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)

    def counts() -> list[Path]:
        return list(tmp_path.glob("connector-metrics-*"))

    with gunicorn(APP, workers=1, environment={"DATABASE_URL": database_url, "TMPDIR": str(tmp_path)}) as served:
        assert post(served.port, delivery({"id": "evt"})) == 202
        assert counts()

    assert counts() == []
