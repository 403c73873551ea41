"""A HubSpot of the sandbox on ports of its own, with the official client pointed at it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import hubspot
import requests
from urllib3.util.retry import Retry

from connector.sandbox.clock import Clock
from connector.sandbox.control import control_app
from connector.sandbox.deliveries import Deliveries
from connector.sandbox.faults import Faults
from connector.sandbox.hubspot import SERVICE_KEY, HubSpot, create
from connector.sandbox.request_log import RequestLog
from connector.sandbox.serving import listen


@dataclass
class Served:
    """A running HubSpot with its clock, faults and log, and a client that talks to it."""

    vendor: HubSpot
    clock: Clock
    faults: Faults
    deliveries: Deliveries
    log: RequestLog
    url: str
    control_url: str

    def client(self, token: str = SERVICE_KEY) -> Any:
        """The official client, its own retries off."""
        retry = Retry(0, raise_on_status=False)
        return hubspot.HubSpot(access_token=token, host=self.url, base_url=self.url, retry=retry)

    def raw(self, method: str, path: str, body: object = None, **more: Any) -> requests.Response:
        """A request no client would let through."""
        headers = {"Authorization": f"Bearer {SERVICE_KEY}", **more.pop("headers", {})}
        return requests.request(method, self.url + path, json=body, headers=headers, timeout=10, **more)

    def control(self, method: str, path: str, body: object = None) -> Any:
        """A person's or a test's doing on the control page."""
        answer = requests.request(method, f"{self.control_url}/control/hubspot{path}", json=body, timeout=10)
        return answer.json()


@contextmanager
def served() -> Iterator[Served]:
    """Serve a fresh HubSpot; afterwards every answer it gave must have fitted the document."""
    clock, faults, log = Clock(), Faults(), RequestLog()
    deliveries = Deliveries(clock, faults)
    vendor = create(clock, faults, deliveries, log)
    vendor.limits.allowances.search_second = 10_000
    servers = [listen(vendor.app()), listen(control_app(clock, faults, deliveries, log, [vendor]))]
    threads = [threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True) for one in servers]
    for thread in threads:
        thread.start()
    addresses = [f"http://127.0.0.1:{one.server_port}" for one in servers]
    try:
        yield Served(vendor, clock, faults, deliveries, log, *addresses)
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
        deliveries.close()
    assert list(vendor.api.misfits) == []


@dataclass
class Received:
    """One delivery as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """A webhook receiver that answers what it is told and remembers what it got."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(Received(self.path, dict(self.headers.items()), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/hubspot"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
