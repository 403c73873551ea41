"""The sandbox's own server: connections that stay open, requests read whole, and an end that is one."""

import http.client
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from flask import Flask, Response, request

from connector.sandbox.serving import Server, listen


@pytest.fixture
def server() -> Iterator[Server]:
    app = Flask("test")

    @app.post("/echo")
    def echo() -> Response:
        return Response(request.get_data(), mimetype="text/plain")

    @app.post("/deaf")
    def deaf() -> tuple[str, int]:
        return "no", 401

    @app.get("/nothing")
    def nothing() -> tuple[str, int]:
        return "", 204

    @app.get("/chunks")
    def chunks() -> Response:
        return Response(iter([b"one ", b"two"]))

    served = listen(app)
    thread = threading.Thread(target=served.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield served
    served.shutdown()
    served.server_close()


def _connect(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)


def _said(raw: bytes, server: Server) -> bytes:
    """Everything that is answered to raw bytes until the server hangs up."""
    with socket.create_connection(("127.0.0.1", server.server_port), 5) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answers:
            return answers.read()


def test_one_connection_carries_many_requests(server: Server) -> None:
    with closing(_connect(server)) as connection:
        connection.connect()
        ours = connection.sock
        for body in (b"first", b"", b"x" * 300_000):
            connection.request("POST", "/echo", body=body)
            assert connection.getresponse().read() == body
        assert connection.sock is ours


def test_a_body_that_the_application_never_read_is_not_taken_for_the_next_request(server: Server) -> None:
    with closing(_connect(server)) as connection:
        connection.request("POST", "/deaf", body=b"GET /chunks HTTP/1.1\r\n\r\n")
        refused = connection.getresponse()
        assert (refused.status, refused.read()) == (401, b"no")
        connection.request("POST", "/echo", body=b"still here")
        assert connection.getresponse().read() == b"still here"


def test_an_answer_without_a_body_leaves_the_connection_usable(server: Server) -> None:
    with closing(_connect(server)) as connection:
        connection.request("GET", "/nothing")
        empty = connection.getresponse()
        assert (empty.status, empty.read(), empty.getheader("Content-Length")) == (204, b"", None)
        connection.request("HEAD", "/chunks")
        head = connection.getresponse()
        assert (head.read(), head.getheader("Content-Length")) == (b"", "0")
        connection.request("GET", "/chunks")
        assert connection.getresponse().read() == b"one two"


def test_a_chunked_request_arrives_whole(server: Server) -> None:
    with closing(_connect(server)) as connection:
        connection.request("POST", "/echo", body=iter([b"in ", b"parts"]), encode_chunked=True)
        assert connection.getresponse().read() == b"in parts"


def test_a_caller_that_wants_to_part_is_let_go(server: Server) -> None:
    with closing(_connect(server)) as connection:
        connection.request("POST", "/echo", body=b"bye", headers={"Connection": "close"})
        answer = connection.getresponse()
        assert (answer.read(), answer.getheader("Connection")) == (b"bye", "close")


@pytest.mark.parametrize("length", ["many", "-1", "9"])
def test_a_request_whose_end_cannot_be_found_is_refused(server: Server, length: str) -> None:
    raw = f"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\nshort".encode()

    assert _said(raw, server).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_bug_in_an_application_is_a_500(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    server.app = lambda _environ, _start: 1 / 0  # type: ignore[assignment,return-value]  # no application at all
    with caplog.at_level(logging.ERROR), closing(_connect(server)) as connection:
        connection.request("GET", "/chunks")
        assert connection.getresponse().status == 500
    assert "ZeroDivisionError" in caplog.text


def test_a_closed_server_ends_the_connections_that_wait_for_their_next_request(server: Server) -> None:
    with closing(_connect(server)) as connection:
        connection.request("POST", "/echo", body=b"once")
        assert connection.getresponse().read() == b"once"
        server.shutdown()
        server.server_close()
        assert connection.sock is not None
        assert connection.sock.recv(1) == b""
