"""Worlds for the end-to-end tests: one that all tests with well-behaved processes share, and one of a test's own."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import _named
from tests.e2e.world import World, open_world

_numbers = itertools.count(1)


@pytest.fixture(scope="package")
def town(server_url: str, template_database: str) -> Iterator[World]:
    """The shared world: the Procfile's web and worker run, and stay up from test to test."""
    with fresh_world(server_url, template_database) as world:
        world.start("worker")
        world.start_web()
        yield world


@pytest.fixture
def deaf_world(server_url: str, template_database: str) -> Iterator[World]:
    """A world without a single webhook, where each side is asked every second whether there is news."""
    with fresh_world(server_url, template_database, webhooks=False, poll_every="1") as world:
        yield world


@pytest.fixture(scope="module")
def untouched_world(server_url: str, template_database: str) -> Iterator[World]:
    """A world in which nobody has set up anything, and no process runs."""
    with fresh_world(server_url, template_database, set_up=False) as world:
        yield world


@pytest.fixture(scope="module")
def world_set_up(server_url: str, template_database: str) -> Iterator[World]:
    """A world in which everything is set up and no process runs."""
    with fresh_world(server_url, template_database) as world:
        yield world


@contextmanager
def fresh_world(server_url: str, template: str, **how: Any) -> Iterator[World]:
    """A world with a database and a directory of its own, all of it gone afterwards."""
    name = f"e2e_{os.getpid()}_{next(_numbers)}"
    directory = Path(tempfile.mkdtemp(prefix="e2e-"))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template}"')
    try:
        with open_world(_named(server_url, name), directory, **how) as world:
            yield world
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)')
        shutil.rmtree(directory, ignore_errors=True)
