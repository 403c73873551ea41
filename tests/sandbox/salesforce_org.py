"""A served make-believe Salesforce and the real simple-salesforce client pointed at it."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from simple_salesforce import exceptions
from simple_salesforce.api import Salesforce as Client

from connector.sandbox.clock import Clock
from connector.sandbox.deliveries import Deliveries, RetryPolicy
from connector.sandbox.faults import Faults
from connector.sandbox.request_log import RequestLog
from connector.sandbox.salesforce import CLIENT_KEY, CLIENT_SECRET, create
from connector.sandbox.serving import listen


class ServedOrg:
    """One org on loopback HTTP, and everything around it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.faults = Faults()
        policy = RetryPolicy(first=0.02, longest=0.04, give_up_after=10)
        self.deliveries = Deliveries(self.clock, self.faults, policy=policy, threads=2)
        self.log = RequestLog()
        self.vendor = create(self.clock, self.faults, self.deliveries, self.log)
        self.people = self.vendor.people
        self.org = self.vendor.org
        self.org.settings.session_lifetime = timedelta(days=365)  # the clock may be moved within a test
        self._server = listen(self.vendor.app())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.session = requests.Session()
        self.sf = self.client()

    def token(self, **form: str) -> requests.Response:
        """What the token endpoint answers; without a form, for the seeded client."""
        given = form or {
            "grant_type": "client_credentials",
            "client_id": CLIENT_KEY,
            "client_secret": CLIENT_SECRET,
        }
        return self.session.post(f"{self.url}/services/oauth2/token", data=given, timeout=10)

    def client(self, version: str = "66.0") -> Client:
        """simple-salesforce with a fresh session; only its addresses are changed, to plain http."""
        answer = self.token().json()
        client = Client(
            session_id=answer["access_token"],
            instance_url=answer["instance_url"],
            version=version,
            session=self.session,
            object_pairs_hook=dict,
            parse_float=Decimal,
        )
        client.base_url = f"{answer['instance_url']}/services/data/v{version}/"
        client.tooling_url = f"{client.base_url}tooling/"
        return client

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """A raw request with the client's session, for what the SDK would not send."""
        headers = {"Authorization": f"Bearer {self.sf.session_id}", **more.pop("headers", {})}
        url = f"{self.url}/services/data/v66.0/{path}"
        return self.session.request(method, url, headers=headers, timeout=10, **more)

    def rest(self, method: str, path: str, body: Any = None) -> Any:
        """A call through simple-salesforce."""
        return self.sf.restful(path, method=method, **({} if body is None else {"json": body}))

    def advance(self, **by: float) -> None:
        """Move the sandbox clock."""
        self.clock.advance(timedelta(**by))

    def account(self, name: str = "Acme", **fields: object) -> str:
        """An account that a person made."""
        return self.people.create("Account", {"Name": name, **fields})

    def deal(self, **more: Any) -> dict[str, Any]:
        """A deal that a person made: won unless said otherwise."""
        opportunity = {"Name": "Acme 2026", "StageName": "Closed Won", "CloseDate": "2026-11-20"}
        deal = {"account": {"Name": "Acme"}, **more, "opportunity": {**opportunity, **more.get("opportunity", {})}}
        return self.people.create_deal(deal)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self.session.close()
        self.deliveries.close()


def refusal(call: Callable[[], object]) -> tuple[int, str, str]:
    """Status, error code and message of a call that Salesforce refuses."""
    with pytest.raises(exceptions.SalesforceError) as caught:
        call()
    content: Any = caught.value.content  # annotated as bytes, but the SDK puts the decoded JSON there
    first: Mapping[str, str] = content[0]
    return caught.value.status, first["errorCode"], first["message"]


def code_of(call: Callable[[], object]) -> str:
    """The error code alone."""
    return refusal(call)[1]


class Listener:
    """A webhook receiver that keeps what it got and answers as told."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.answers = list(answers)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self._arrived = threading.Condition()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = listener.take(dict(self.headers.items()), body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/salesforce"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Keep a delivery; the last answer is repeated for ever."""
        with self._arrived:
            self.got.append((headers, body))
            self._arrived.notify_all()
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def wait_for(self, count: int) -> None:
        """Wait until that many deliveries arrived."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.got) >= count, timeout=10), f"got {len(self.got)}"

    def json(self, number: int) -> Any:
        """A delivery's body as JSON."""
        return json.loads(self.got[number][1])

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def listening(*answers: tuple[int, bytes]) -> Iterator[Listener]:
    """A listener for the time of a test."""
    listener = Listener(*answers)
    try:
        yield listener
    finally:
        listener.close()
