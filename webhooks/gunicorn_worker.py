"""A gunicorn thread worker that lets no request take for ever to arrive.

gunicorn's own takes a thread from its small pool as soon as a first byte is there, and then waits for the rest without
limit: a handful of connections that drip would stop us for everybody.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

SECONDS_TO_ARRIVE = float(os.environ.get("WEB_REQUEST_SECONDS", "10"))
"""Vendors send kilobytes at once; their own limits for an answer are 5 s (HubSpot) to 60 s (Salesforce)."""


class ImpatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Hangs up on requests that are not complete in time; those complete keep the time they need."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: dict[Any, float] = {}

    def enqueue_req(self, conn: Any) -> None:
        """A connection has something to say: from now on its time runs, though no thread may be free yet."""
        self._arriving[conn] = time.monotonic() + SECONDS_TO_ARRIVE
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """One request on a connection, in a thread of the pool."""
        try:
            return super().handle(conn)
        finally:
            self._arriving.pop(conn, None)

    def murder_pending(self) -> None:
        """Called by the main loop at least every second."""
        super().murder_pending()
        now = time.monotonic()
        for conn, deadline in list(self._arriving.items()):
            if deadline < now:
                self._arriving.pop(conn, None)
                # Only reading ends, and what has arrived can still be read: a complete request gets its answer.
                with suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)
