"""``connector serve`` on a machine without Postgres: its own server outlives what dies, and ends with what ends."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # psutil ships no types
import psycopg
import pytest

from tests.conftest import _stop
from tests.e2e.book import one_each
from tests.e2e.processes import Running, until
from tests.e2e.world import World, open_world

pytestmark = pytest.mark.slow


class OwnPostgres:
    """The server that a process of the connector keeps in its data directory, looked at from outside."""

    def __init__(self, data_dir: Path) -> None:
        self._directory = data_dir / "postgres"

    @property
    def pid(self) -> int | None:
        """Its first process; None when no server runs."""
        with suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
            pid = int((self._directory / "postmaster.pid").read_text().split("\n", 1)[0])
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                return pid
        return None

    def billed(self) -> int:
        """How many deals have what bills them."""
        with psycopg.connect(host=str(self._directory), user="postgres", dbname="postgres") as connection:
            row = connection.execute("select count(*) from link where role in ('subscription', 'invoice')").fetchone()
            return int(row[0]) if row else 0


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A short path, as a socket needs; whatever server is left in it is stopped at the end."""
    directory = Path(tempfile.mkdtemp(prefix="own-"))
    yield directory
    if (directory / "postgres" / "PG_VERSION").exists():
        _stop(directory / "postgres")
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def homeless(data_dir: Path, database_url: str) -> Iterator[World]:
    """A world whose connector gets no DATABASE_URL; the vendors were set up before."""
    with open_world(database_url, data_dir) as world:
        del world.environment["DATABASE_URL"]
        yield world


def test_the_server_outlives_a_killed_or_restarted_process_and_ends_with_serve(homeless: World, data_dir: Path) -> None:
    """Killed child, reload, SIGTERM, a second start, kill -9 of all, a third start, Ctrl-C."""
    postgres = OwnPostgres(data_dir)
    placed = homeless.place(one_each("Home"))
    serve = homeless.start("serve")
    serve.until_ready(homeless.url)
    server = postgres.pid
    assert server is not None
    homeless.win(placed[:1])
    until(lambda: postgres.billed() == 1, "the first deal to be billed")

    before = serve.children()
    os.kill(before[0], signal.SIGKILL)
    _until_another_child(serve, homeless, before)
    assert postgres.pid == server
    before = serve.children()
    serve.ask_to_end(signal.SIGHUP)  # to gunicorn that is: replace your processes, gently
    _until_another_child(serve, homeless, before)
    assert postgres.pid == server
    homeless.win(placed[1:])
    until(lambda: postgres.billed() == 2, "the second deal to be billed by the process that came after")

    assert serve.stop() == 0
    until(lambda: postgres.pid is None, "the server to end with the last who needs it", 15)

    serve = homeless.start("serve")
    serve.until_ready(homeless.url)
    assert postgres.pid not in (None, server)
    assert postgres.billed() == 2
    server = postgres.pid
    serve.kill()
    assert postgres.pid == server

    serve = homeless.start("serve")
    serve.until_ready(homeless.url)
    assert postgres.pid == server
    serve.press_ctrl_c()
    assert serve.finish() == 0
    until(lambda: postgres.pid is None, "the server to end after Ctrl-C, though one of its users never signed off", 15)


def test_two_migrations_at_once_on_a_machine_without_anything_both_succeed(data_dir: Path) -> None:
    """The server does not exist yet either: both find or start the same one."""
    postgres = OwnPostgres(data_dir)
    command = [sys.executable, "-m", "connector", "migrate"]
    both = [
        Running(f"migrate {n}", command, {"CONNECTOR_DATA_DIR": str(data_dir)}, data_dir / f"migrate{n}.log")
        for n in range(2)
    ]

    statuses = [one.finish() for one in both]

    assert statuses == [0, 0], "\n".join(one.last_words() for one in both)
    assert all("up to date" in one.last_words() for one in both)
    until(lambda: postgres.pid is None, "the server to end with the last who needs it", 15)


def _until_another_child(serve: Running, world: World, before: list[int]) -> None:
    """Wait until the process that does the work is another one, and ready."""
    until(lambda: (now := serve.children()) and not set(now) & set(before), "another process to take over")
    serve.until_ready(world.url)
