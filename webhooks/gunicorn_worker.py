"""A gunicorn thread worker that lets no request take for ever to arrive.

gunicorn's own takes a thread from its small pool as soon as a first byte is there, and then waits for the rest without
limit: a handful of connections that drip would stop us for everybody.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

SECONDS_TO_ARRIVE = 10.0
"""Vendors send a body of kilobytes at once; their own limits for an answer are 5 (HubSpot) to 60 s (Salesforce)."""


class ImpatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Hangs up on requests that are not complete in time; those complete keep the time they need."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: dict[Any, float] = {}

    def handle(self, conn: Any) -> Any:
        """One request on a connection, in a thread of the pool."""
        self._arriving[conn] = time.monotonic() + SECONDS_TO_ARRIVE
        try:
            return super().handle(conn)
        finally:
            self._arriving.pop(conn, None)

    def murder_pending(self) -> None:
        """Called by the main loop every second or more often."""
        super().murder_pending()
        now = time.monotonic()
        for conn, deadline in list(self._arriving.items()):
            if deadline < now:
                self._arriving.pop(conn, None)
                # Only reading ends: a request that is complete still gets its answer.
                with suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)
