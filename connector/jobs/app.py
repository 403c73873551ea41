"""The two faces of the job engine: an async App for workers, and a producer that queues wake-ups on other connections.

They are two on purpose. In a process whose async App is open, a synchronous defer through it fails on a connection of
ours; and an App given another connector keeps its tasks bound to the first.
"""

from __future__ import annotations

from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

from connector.targets import Target

RUN_TARGET = "run_target"
WORK = "sync"
CLOCKWORK = "ops"
"""Every worker takes from both queues: a lock whose oldest job waits where nobody looks would block all later ones."""

_CONNECTION = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "application_name": "connector worker",
}

_producer = App(connector=SyncPsycopgConnector())  # never opened: it borrows the caller's connection


def make_app(url: str) -> App:
    """An App for one worker, not yet open and without tasks."""
    connector = PsycopgConnector(conninfo=url, min_size=1, max_size=4, kwargs=dict(_CONNECTION))
    return App(connector=connector)


def wake(connection: psycopg.Connection[Any], target: Target) -> None:
    """Queue a wake-up for the Target, inside the connection's open transaction; nothing happens if one waits already.

    A refusal would spoil the transaction, so the attempt has a savepoint. The wake-up carries no data: losing or
    doubling one is harmless.

    Raises:
        psycopg.Error: the database refused for another reason, or is gone.
    """
    deferrer = _producer.configure_task(
        RUN_TARGET, queue=WORK, lock=target.lane, queueing_lock=str(target), connection=connection
    )
    try:
        with connection.transaction():
            deferrer.defer(kind=target.kind.value, ref=target.ref)
    except AlreadyEnqueued:
        return
    except ConnectorException as error:
        raise (error.__cause__ or error) from error
