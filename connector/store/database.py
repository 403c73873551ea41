"""How we reach Postgres: the address, the pool, and what its failures mean to us."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine, event, exc
from sqlalchemy.pool import NullPool

from connector.errors import Misconfigured, NotMigrated, RetryLater, Unreachable
from connector.sentences.running import NO_DATABASE, NO_POSTGRES_ADDRESS, POOL_EMPTY, ROW_HELD, TRANSACTIONS_MET
from connector.store.columns import to_json

_SCHEMES = ("postgresql+psycopg://", "postgresql://", "postgres://")

# A dead peer is noticed within about 30 s, so that its locks fall; a statement that waits longer than that for a
# row is a knot, and is better told so than left to hold up a worker.
_CONNECT = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "application_name": "connector",
}
_LOCK_TIMEOUT_MS = 30_000


def plain_url(url: str) -> str:
    """The address as libpq takes it: ``postgresql://...``.

    Raises:
        Misconfigured: it is not the address of a Postgres.
    """
    for scheme in _SCHEMES:
        if url.startswith(scheme):
            return "postgresql://" + url.removeprefix(scheme)
    raise Misconfigured.because(NO_POSTGRES_ADDRESS)


def make_engine(url: str, *, pool_size: int, pooled: bool = True, autocommit: bool = False) -> Engine:
    """An Engine that waits for nothing for ever. ``pooled=False`` opens a connection of its own each time.

    With ``autocommit`` each statement is its own transaction.
    """
    address = "postgresql+psycopg://" + plain_url(url).removeprefix("postgresql://")
    options: dict[str, Any] = {
        "connect_args": _CONNECT | {"options": f"-c lock_timeout={_LOCK_TIMEOUT_MS} -c timezone=UTC"},
        "json_serializer": to_json,
        "hide_parameters": True,  # parameters are personal data, and errors end up in logs
    }
    if autocommit:
        options |= {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None}  # nothing is left to roll back
    if not pooled:
        return create_engine(address, poolclass=NullPool, **options)
    engine = create_engine(
        address,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_recycle=1800,
        pool_use_lifo=True,
        **options,
    )
    event.listen(engine, "checkout", _refuse_dead_connection)
    return engine


@contextmanager
def our_errors() -> Iterator[None]:
    """Let a lost connection out as Unreachable, a knot of locks as RetryLater, and missing tables as NotMigrated."""
    try:
        yield
    except exc.TimeoutError as error:
        raise Unreachable.because(POOL_EMPTY) from error
    except exc.DBAPIError as error:
        raise_ours(error.orig, invalidated=error.connection_invalidated)
        raise
    except psycopg.Error as error:
        raise_ours(error, invalidated=False)
        raise


def raise_ours(error: BaseException | None, *, invalidated: bool) -> None:
    """Raise our error for a database failure that passes by itself; return for every other, which is a bug."""
    if isinstance(error, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
        raise RetryLater.because(TRANSACTIONS_MET, evidence={"retry_after": 1}) from error
    if isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.QueryCanceled):
        raise RetryLater.because(ROW_HELD, evidence={"retry_after": 5}) from error
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
        raise NotMigrated from error
    if invalidated or isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        raise Unreachable.because(NO_DATABASE) from error


def _refuse_dead_connection(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
    """Before a pooled connection is handed out, see whether the server hung up on it meanwhile.

    An idle connection has nothing to read; if it has, that is the end of the stream or a farewell. Looking at the
    socket costs microseconds where a ping costs a round trip.
    """
    try:
        readable, _, _ = select.select([connection.fileno()], [], [], 0)
    except (psycopg.OperationalError, OSError, ValueError) as error:
        raise exc.DisconnectionError from error
    if readable:
        raise exc.DisconnectionError
