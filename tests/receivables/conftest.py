"""The random ledger in a database of its own, loaded once."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest

from connector.store import PostgresStore
from tests.conftest import _named
from tests.receivables.book import a_book, write


@pytest.fixture(scope="session")
def book_url(server_url: str, template_database: str) -> Iterator[str]:
    """The address of the loaded database; tests only read it."""
    name = f"book_{os.getpid()}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template_database}"')
        url = _named(server_url, name)
        write(a_book(), url)
        with psycopg.connect(url, autocommit=True) as loaded:
            loaded.execute("analyze")
        yield url
        connection.execute(f'drop database "{name}" with (force)')


@pytest.fixture(scope="session")
def book_store(book_url: str) -> Iterator[PostgresStore]:
    """A store on it."""
    with PostgresStore(book_url) as store:
        yield store
