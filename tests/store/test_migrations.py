"""The migrations make exactly the tables that the code speaks of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from connector.store import migrate
from connector.store.tables import metadata


def test_the_migrated_tables_are_those_the_code_knows(database_url: str) -> None:
    """Alembic finds no difference between the migrations and tables.py."""
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_server_default": True,
                "include_name": lambda name, kind, _: kind != "table" or name in metadata.tables,
            },
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_two_processes_may_migrate_at_once(server_url: str) -> None:
    """Both end well, and the first version is applied once."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create database empty_for_two")
        url = server_url.replace("/postgres?", "/empty_for_two?")
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(migrate, [url] * 4))
        with psycopg.connect(url) as migrated:
            assert migrated.execute("select version_num from schema_version").fetchall() == [("0001",)]
        connection.execute("drop database empty_for_two with (force)")
