"""Bringing the tables to the shape this version needs, and telling whether they have it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from connector.store.database import make_engine, our_errors

_MIGRATE_LOCK = 7_302_945_000
VERSION_TABLE = "schema_version"


def migrate(url: str) -> None:
    """Bring the tables up to date. Does nothing when they are; two processes at once go one after the other.

    Raises:
        Unreachable: the database cannot be reached.
        RetryLater: another process has been migrating for longer than the lock is waited for.
    """
    with our_errors(), _connected(url) as connection, connection.begin():
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATE_LOCK})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def versions(connection: Connection) -> tuple[str | None, str | None]:
    """The version the tables have (None: none at all), and the version this program needs."""
    there = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
    return there, ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = make_engine(url, pool_size=0, pooled=False)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
