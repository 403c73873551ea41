"""A HubSpot that answers what a test tells it to, over real loopback HTTP, and remembers what it was asked."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Any
    port: int  #: the caller's: equal for requests on one connection

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Reply:
    """What to answer. ``body`` is JSON unless it is bytes."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Answering = Callable[[Asked], Reply]


class _Server(ThreadingHTTPServer):
    def handle_error(self, *args: Any) -> None:
        """A client that gave up and hung up is part of a test, not news."""


class StubHubSpot:
    """Answers by the newest rule that fits ``METHOD /path``; rules are regular expressions."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._rules: list[tuple[re.Pattern[str], list[Answering]]] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _serve(self) -> None:
                reply = stub._reply(self)
                content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                self.send_header("Content-Type", "application/json;charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - the names the library calls

            def log_message(self, *args: Any, **more: Any) -> None:
                """Tests look at what was asked, not at a log."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def on(self, line: str, *replies: Reply | Answering) -> None:
        """From now on answer requests that match with these, one after the other; the last one stays."""
        answers = [(lambda _, one=each: one) if isinstance(each, Reply) else each for each in replies]
        self._rules.insert(0, (re.compile(line), answers))

    def body_of(self, line: str) -> Any:
        """A copy of what a request would be answered with now, to change and to put back."""
        method, path = line.split(" ", 1)
        asked = Asked(method, path, {}, {}, None, 0)
        answers = next(answers for pattern, answers in self._rules if pattern.fullmatch(line))
        return json.loads(json.dumps(answers[0](asked).body))

    def lines(self) -> list[str]:
        """``METHOD /path`` of every request so far."""
        return [each.line for each in self.asked]

    def last(self, line: str) -> Asked:
        """The newest request that matches."""
        return next(each for each in reversed(self.asked) if re.fullmatch(line, each.line))

    def _reply(self, handler: BaseHTTPRequestHandler) -> Reply:
        address = urlsplit(handler.path)
        content = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        asked = Asked(
            handler.command,
            address.path,
            parse_qs(address.query),
            dict(handler.headers.items()),
            json.loads(content) if content else None,
            handler.client_address[1],
        )
        self.asked.append(asked)
        for pattern, answers in self._rules:
            if pattern.fullmatch(asked.line):
                return (answers.pop(0) if len(answers) > 1 else answers[0])(asked)
        return Reply({"status": "error", "message": "the test has no answer to this"}, 404)


def a_property(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    """A property definition as HubSpot gives it."""
    return {
        "name": name,
        "label": name.replace("_", " ").title(),
        "type": kind,
        "fieldType": {"string": "text", "number": "number", "enumeration": "select", "bool": "booleancheckbox"}.get(
            kind, "date"
        ),
        "groupName": "billing",
        "description": "",
        "options": [{"label": value, "value": value, "hidden": False} for value in more.pop("choices", ())],
        "modificationMetadata": {"readOnlyValue": more.pop("read_only", False), "archivable": True},
        **more,
    }


def results(*found: Any, **more: Any) -> Reply:
    """A collection without further pages."""
    return Reply({"results": list(found), **more})


def refusal(status: int, category: str = "VALIDATION_ERROR", **more: Any) -> Reply:
    """A refused request, in HubSpot's words."""
    headers = more.pop("headers", {})
    body = {"status": "error", "message": "No.", "correlationId": "c-1", "category": category, **more}
    return Reply(body, status, headers)
