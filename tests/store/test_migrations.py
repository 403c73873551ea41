"""The migrations make exactly the tables that the code speaks of."""

from __future__ import annotations

import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from connector.errors import Unreachable
from connector.store import migrate
from connector.store.health_tables import crm_account

metadata = crm_account.metadata
"""Of every table: that module stands on the others."""


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


def test_two_processes_may_migrate_at_once(empty_database_url: str) -> None:
    """All end well, and each version is applied once."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, [empty_database_url] * 4))
    with psycopg.connect(empty_database_url) as migrated:
        assert migrated.execute("select version_num from schema_version").fetchall() == [("0005",)]


def test_the_migrations_ship_with_the_package() -> None:
    """An installed connector can migrate without its source tree."""
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    shipped = declared["tool"]["setuptools"]["package-data"]["connector"]
    assert {"store/migrations/*.py", "store/migrations/*.mako", "store/migrations/versions/*.py"} <= set(shipped)


def test_a_database_that_is_away_cannot_be_migrated() -> None:
    """And it is told apart from a migration that is wrong."""
    with pytest.raises(Unreachable):
        migrate("postgresql://nobody@127.0.0.1:1/nowhere")
