"""Our errors -> status codes, in one table; every error is answered as JSON and says nothing about its sender."""

from __future__ import annotations

import math
import traceback

import structlog
from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from connector.errors import ConnectorError, NotGenuine, RetryLater, Unreadable

log = structlog.get_logger(__name__)

STATUS: tuple[tuple[type[ConnectorError], int, str], ...] = (
    (NotGenuine, 401, "not_genuine"),
    (Unreadable, 400, "unreadable"),
    (RetryLater, 503, "try_again_later"),
    (ConnectorError, 500, "cannot_receive"),
)
"""The first class that fits decides. A 5xx makes every one of our vendors deliver again."""

DEFAULT_RETRY_AFTER = 10
LONGEST_RETRY_AFTER = 300


def log_bug(event: str, error: Exception) -> None:
    """Log the type and place of a failure nobody expected; not its text, which may quote what somebody sent us."""
    place = "".join(traceback.format_tb(error.__traceback__, limit=-5))
    log.error(event, error=type(error).__name__, place=place)


def install(app: Flask) -> None:
    """Answer every error in the app by the table."""
    app.register_error_handler(ConnectorError, _ours)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _bug)


def _ours(error: ConnectorError) -> Response:
    status, word = next((status, word) for kind, status, word in STATUS if isinstance(error, kind))
    response = _answer(status, word)
    if isinstance(error, RetryLater):
        wait = DEFAULT_RETRY_AFTER if error.retry_after is None else math.ceil(error.retry_after)
        response.headers["Retry-After"] = str(min(max(wait, 1), LONGEST_RETRY_AFTER))
    return response


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    response = _answer(status, error.name.casefold().replace(" ", "_"))
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _bug(error: Exception) -> Response:
    log_bug("receiver failed", error)
    return _answer(500, "internal_error")


def _answer(status: int, word: str) -> Response:
    response = jsonify({"error": word})
    response.status_code = status
    return response
