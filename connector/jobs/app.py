"""The two ends of the job engine: an App for workers, and wake-ups queued in anybody's statement.

The second does not go through an App. In a process whose async App is open, a synchronous defer through it fails on a
connection of ours, and a second App costs four round trips and a savepoint for each wake-up. ``wake_target`` in
``schema.py`` needs none of its own.
"""

from __future__ import annotations

from procrastinate import App, PsycopgConnector

RUN_TARGET = "run_target"
WORK = "sync"
CLOCKWORK = "ops"
"""Every worker takes from both queues: a lock whose oldest job waits where nobody looks would block all later ones."""

WAKE = f"wake_target('{WORK}', '{RUN_TARGET}', lane, kind, ref)"
"""SQL that queues a wake-up for the Target with that lane, kind and ref; nothing happens if one waits already.

A wake-up carries no data: losing or doubling one is harmless.
"""

_CONNECTION = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "application_name": "connector worker",
}


def libpq_url(url: str) -> str:
    """The address without the driver's name that SQLAlchemy allows in it and libpq does not."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def make_app(url: str) -> App:
    """An App for one worker, not yet open and without tasks."""
    connector = PsycopgConnector(conninfo=libpq_url(url), min_size=1, max_size=4, kwargs=dict(_CONNECTION))
    return App(connector=connector)
