"""A request's body, whole or not at all.

Werkzeug hands over what it has when a chunked body passes the limit or a sender hangs up in the middle. To us half a
body is none: a sender without signatures would be told that its events are safe.
"""

from __future__ import annotations

from flask import Request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

_STEP = 64 * 1024


def whole_body(arrived: Request, limit: int) -> bytes:
    """Every byte of the body, at most ``limit``.

    Raises:
        RequestEntityTooLarge: it is longer, as announced or as found.
        ClientDisconnected: it ended before the end that was announced.
    """
    announced = arrived.content_length
    if announced is None and not arrived.environ.get("wsgi.input_terminated"):
        return b""  # without a length only a server that finds the end by itself can be read from
    if announced is not None and announced > limit:
        raise RequestEntityTooLarge
    body = _read(arrived, limit + 1 if announced is None else announced)
    if len(body) > limit:
        raise RequestEntityTooLarge
    if announced is not None and len(body) < announced:
        raise ClientDisconnected
    return body


def _read(arrived: Request, most: int) -> bytes:
    stream = arrived.environ["wsgi.input"]
    body = bytearray()
    try:
        while len(body) < most:
            piece = stream.read(min(_STEP, most - len(body)))
            if not piece:
                break
            body += piece
    except (OSError, ValueError) as error:  # gunicorn's for a chunk that does not end, or a connection that broke
        raise ClientDisconnected from error
    return bytes(body)
