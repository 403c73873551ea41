"""A WSGI application on loopback HTTP/1.1 whose connections stay open, as the real vendors' do.

Werkzeug's own handler ends every connection after one answer, because it cannot know whether the application has
read the whole request. Here the request is read first, and the answer leaves in one piece.
"""

import http
import io
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeAlias

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

log = logging.getLogger(__name__)

HOST = "127.0.0.1"

_Headers: TypeAlias = list[tuple[str, str]]


def listen(app: Flask, port: int = 0) -> "Server":
    """A server for this application on a loopback port, 0 for a free one; `serve_forever` answers."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # what it says of a lost connection is not ours to print
    return Server(app, port)


class Server(ThreadedWSGIServer):
    """One application on one port, a thread for each connection; closing it ends the connections, too."""

    def __init__(self, app: Flask, port: int) -> None:
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(HOST, port, app, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, then answer it in a thread of its own."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Take no more connections and end those that wait for their next request: nobody answers any longer."""
        super().server_close()
        with self._lock:
            waiting = list(self._open)
        for connection in waiting:
            with suppress(OSError):  # its caller was faster
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(WSGIRequestHandler):
    """One connection, one request after the other, without Nagle's pause, and quiet."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Answer one request. Called by the base class, which then reads the next one."""
        self.environ = environ = self.make_environ()
        body = self._whole_body(environ)
        if body is None:
            self.close_connection = True  # where the next request begins, nobody can say
            self._send("400 Bad Request", [], b"")
            return
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        told: list[tuple[str, _Headers]] = []

        def start_response(status: str, headers: _Headers, _failure: object = None, /) -> Callable[[bytes], object]:
            told.append((status, headers))
            return _refuse_to_write

        try:
            chunks: Iterable[bytes] = self.server.app(environ, start_response)
            try:
                answer = b"".join(chunks)
            finally:
                if hasattr(chunks, "close"):
                    chunks.close()
            self._send(*told[-1], answer)
        except OSError:
            raise  # the caller is gone; the base class knows what to do
        except Exception:
            log.exception("a bug in the sandbox")
            self.close_connection = True
            self._send("500 Internal Server Error", [], b"")

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """RequestLog keeps the record; a line per request would drown the demo."""

    def _whole_body(self, environ: dict[str, Any]) -> bytes | None:
        """The request's body; None when it cannot be told where it ends, or when it never came."""
        if environ.get("wsgi.input_terminated"):  # chunked
            return bytes(environ["wsgi.input"].read())
        length = environ.get("CONTENT_LENGTH", "").strip() or "0"
        if not length.isdecimal():
            return None
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else None

    def _send(self, status: str, headers: _Headers, body: bytes) -> None:
        code = int(status.partition(" ")[0])
        bodiless = code in (http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED)
        names = {name.lower() for name, _ in headers}
        lines = [f"{self.protocol_version} {status}", f"Date: {self.date_time_string()}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if "content-length" not in names and not bodiless:
            lines.append(f"Content-Length: {len(body)}")
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join([*lines, "\r\n"]).encode("latin-1")
        self.wfile.write(head if bodiless or self.command == "HEAD" else head + body)


def _refuse_to_write(_data: bytes) -> None:
    raise NotImplementedError("Flask returns its answers; nobody writes them by hand")
