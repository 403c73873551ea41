"""The sandbox's shared parts: clock, faults, outgoing webhooks, request log, ports and control API."""

import json
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from connector.sandbox import Sandbox
from connector.sandbox.clock import Clock
from connector.sandbox.deliveries import Deliveries, RetryPolicy
from connector.sandbox.faults import Fault, Faults, hang_up
from connector.sandbox.request_log import RequestLog


class Receiver:
    """A webhook receiver that answers what it is told and remembers what it got."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def deliveries(faults: Faults) -> Iterator[Deliveries]:
    made = Deliveries(Clock(), faults, policy=RetryPolicy(first=0.01, longest=0.02, give_up_after=0.5))
    yield made
    made.close()


def signed(body: bytes) -> Callable[[], tuple[bytes, dict[str, str]]]:
    return lambda: (body, {"Content-Type": "application/json"})


def is_2xx(status: int, answer: bytes) -> bool:
    return 200 <= status < 300


def test_the_clock_is_real_time_until_it_is_advanced() -> None:
    clock = Clock()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)

    clock.advance(timedelta(days=90))

    assert abs(clock.now() - datetime.now(UTC) - timedelta(days=90)) < timedelta(seconds=5)


def test_listeners_hear_of_an_advance_in_order_with_both_times() -> None:
    clock = Clock()
    heard: list[tuple[str, timedelta]] = []
    clock.on_advance(lambda before, after: heard.append(("first", after - before)))
    clock.on_advance(lambda before, after: heard.append(("second", after - before)))

    clock.advance(timedelta(hours=3))

    assert heard == [("first", timedelta(hours=3)), ("second", timedelta(hours=3))]


def test_the_clock_refuses_to_run_backwards() -> None:
    with pytest.raises(ValueError, match="forward"):
        Clock().advance(timedelta(seconds=-1))


def test_clocks_share_their_offset_through_the_file(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    reader = Clock(path)
    assert abs(reader.now() - datetime.now(UTC)) < timedelta(seconds=5)

    Clock(path).advance(timedelta(days=2))
    Clock(path).advance(timedelta(days=1))

    assert float(path.read_text()) == timedelta(days=3).total_seconds()
    assert abs(reader.now() - datetime.now(UTC) - timedelta(days=3)) < timedelta(seconds=5)
    assert [child.name for child in tmp_path.iterdir()] == ["clock"]


def test_a_fault_strikes_as_often_as_it_may_and_only_where_it_matches(faults: Faults) -> None:
    faults.add(Fault("stripe", "server_error", times=2, operation="POST /v1/customers*"))

    assert faults.for_request("hubspot", "POST /v1/customers") is None
    assert faults.for_request("stripe", "GET /v1/invoices") is None
    struck = [faults.for_request("stripe", "POST /v1/customers") for _ in range(3)]

    assert [fault and fault.kind for fault in struck] == ["server_error", "server_error", None]


def test_requests_do_not_use_up_faults_of_deliveries(faults: Faults) -> None:
    faults.add(Fault("stripe", "drop"))

    assert faults.for_request("stripe", "GET /") is None
    struck = faults.for_delivery("stripe")

    assert struck is not None
    assert struck.kind == "drop"


def test_a_rate_strikes_some_requests_reproducibly() -> None:
    def strikes(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(Fault("stripe", "server_error", times=1000, rate=0.5))
        return [faults.for_request("stripe", "GET /") is not None for _ in range(50)]

    assert strikes(1) == strikes(1)
    assert 0 < sum(strikes(1)) < 50


def test_a_fault_of_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="choose from"):
        Fault("stripe", "earthquake")  # type: ignore[arg-type] # what the control API may be sent
    with pytest.raises(ValueError, match="between 0 and 1"):
        Fault("stripe", "drop", rate=2)


def test_a_delivery_is_retried_until_the_receiver_accepts_it(deliveries: Deliveries, receiver: Receiver) -> None:
    receiver.answers = [500, 503, 200]

    deliveries.send("stripe", receiver.url, signed(b"{}"), is_2xx)

    assert deliveries.wait_until_idle(10)
    assert [(one.status, one.attempt) for one in deliveries.history] == [(500, 1), (503, 2), (200, 3)]
    assert receiver.bodies == [b"{}"] * 3


def test_a_delivery_nobody_takes_is_given_up(deliveries: Deliveries) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        deliveries.send("stripe", url, signed(b"{}"), is_2xx)

        assert deliveries.wait_until_idle(10)

    assert {one.status for one in deliveries.history} == {0}
    assert len(deliveries.history) > 2


@pytest.mark.parametrize(("kind", "times"), [("drop", 0), ("double", 2), ("reorder", 1)])
def test_a_delivery_can_be_lost_doubled_or_late(
    deliveries: Deliveries, receiver: Receiver, faults: Faults, kind: str, times: int
) -> None:
    faults.add(Fault("stripe", kind))  # type: ignore[arg-type] # parametrised by its word

    deliveries.send("stripe", receiver.url, signed(b"struck"), is_2xx)
    deliveries.send("stripe", receiver.url, signed(b"later"), is_2xx)

    assert deliveries.wait_until_idle(10)
    assert receiver.bodies.count(b"struck") == times
    assert receiver.bodies.count(b"later") == 1
    if kind == "reorder":
        assert receiver.bodies == [b"later", b"struck"]


def test_a_full_queue_loses_deliveries_and_says_so(faults: Faults, receiver: Receiver) -> None:
    full = Deliveries(Clock(), faults, threads=0, most_waiting=1)

    full.send("stripe", receiver.url, signed(b"1"), is_2xx)
    full.send("stripe", receiver.url, signed(b"2"), is_2xx)

    assert full.pending() == 1
    assert [one.status for one in full.history] == [-2]
    full.close()
    assert full.pending() == 0
    full.send("stripe", receiver.url, signed(b"3"), is_2xx)
    assert full.pending() == 0


def test_a_webhook_that_cannot_be_made_does_not_stop_the_others(deliveries: Deliveries, receiver: Receiver) -> None:
    def broken() -> tuple[bytes, dict[str, str]]:
        raise RuntimeError("a bug in the sandbox")

    deliveries.send("stripe", receiver.url, broken, is_2xx)
    deliveries.send("stripe", receiver.url, signed(b"fine"), is_2xx)

    assert deliveries.wait_until_idle(10)
    assert receiver.bodies == [b"fine"]


def test_the_log_counts_by_operation_and_keeps_refusals() -> None:
    log = RequestLog()
    log.record("stripe", "POST /v1/customers", 200, "Stripe/v1", None)
    log.record("stripe", "POST /v1/customers", 400, "Stripe/v1", "unknown parameter: foo")

    assert log.counts() == {"stripe": {"POST /v1/customers": 2}}
    assert log.statuses() == {"stripe": {200: 1, 400: 1}}
    assert log.user_agents() == {"stripe": {"Stripe/v1": 2}}
    assert [(refusal.status, refusal.reason) for refusal in log.refused()] == [(400, "unknown parameter: foo")]
    log.clear()
    assert log.counts() == {}


def test_every_address_answers_after_start_and_the_control_api_moves_the_clock() -> None:
    with Sandbox() as sandbox:
        for url in sandbox.addresses().values():
            assert requests.get(url + "/nothing-here", timeout=5).status_code in {401, 404}

        before = sandbox.clock.now()
        moved = requests.post(
            sandbox.control_url + "/control/clock", json={"advance_seconds": 86400}, timeout=30
        ).json()

        assert datetime.fromisoformat(moved["now"]) >= before + timedelta(days=1)
        shown = requests.get(sandbox.control_url + "/control/clock", timeout=5).json()
        assert datetime.fromisoformat(shown["now"]) >= datetime.fromisoformat(moved["now"])


def test_faults_and_history_can_be_seen_and_changed_over_the_control_api() -> None:
    with Sandbox() as sandbox:
        url = sandbox.control_url + "/control"
        added = requests.post(url + "/faults", json={"vendor": "stripe", "kind": "drop", "times": 3}, timeout=5)
        assert [(fault["kind"], fault["times"]) for fault in added.json()["faults"]] == [("drop", 3)]
        assert len(requests.get(url + "/faults", timeout=5).json()["faults"]) == 1
        assert requests.delete(url + "/faults", timeout=5).json() == {"faults": []}

        wrong = requests.post(url + "/faults", json={"vendor": "stripe", "kind": "earthquake"}, timeout=5)
        assert (wrong.status_code, "earthquake" in wrong.json()["error"]) == (400, True)
        assert requests.post(url + "/faults", json={"colour": 1}, timeout=5).status_code == 400
        assert requests.post(url + "/clock", json={"advance_seconds": -5}, timeout=5).status_code == 400

        assert requests.get(url + "/deliveries", timeout=5).json() == {"pending": 0, "history": []}
        sandbox.log.record("stripe", "GET /x", 200, "test", None)
        assert requests.get(url + "/log", timeout=5).json()["counts"]["stripe"] == {"GET /x": 1}
        assert requests.delete(url + "/log", timeout=5).json()["counts"] == {}


def test_a_hung_up_connection_ends_without_an_answer() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        hang_up({"werkzeug.socket": theirs}, 0.01)

        readable, _, _ = select.select([ours], [], [], 5)
        assert readable
        assert ours.recv(1) == b""

    with pytest.raises(TypeError, match="werkzeug"):
        hang_up({}, 0.01)


@pytest.mark.slow
def test_the_command_prints_its_addresses_and_stops_when_told(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "connector.sandbox", "--clock-file", str(tmp_path / "clock")],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        assert set(addresses) == {"stripe", "hubspot", "salesforce", "control"}
        requests.post(addresses["control"] + "/control/clock", json={"advance_seconds": 60}, timeout=10)
        assert float((tmp_path / "clock").read_text()) == 60.0
    finally:
        process.terminate()
        started = time.monotonic()
        assert process.wait(timeout=20) == 0
        assert time.monotonic() - started < 15
        if process.stdout is not None:
            process.stdout.close()
