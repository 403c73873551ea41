"""The job engine's own tables: made when absent, brought up to date when the engine is newer than they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from procrastinate.schema import SchemaManager

from connector.errors import Unreachable
from connector.jobs.app import libpq_url
from connector.sentences.running import NO_DATABASE

_LOCK = 7_302_945_010

# Queues a wake-up unless one waits. The engine's own procrastinate_defer_jobs_v1 refuses a second one by an error
# that needs a subtransaction to catch. A look beforehand is no better: planned while the table is empty, it may read
# every job that waits, by an index that has nothing to do with it. Here the conflict names the index.
_WAKE_TARGET = b"""
create or replace function wake_target(queue text, task text, lane text, kind text, ref text) returns void
language plpgsql as $$
begin
    insert into procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)
    values (queue, task, lane, kind || '/' || ref, jsonb_build_object('kind', kind, 'ref', ref))
    on conflict (queueing_lock) where status = 'todo' do nothing;
end
$$
"""


def apply_schema(url: str) -> None:
    """Make or update the engine's tables. Does nothing when they are right; several processes may call it at once.

    The engine ships its history as SQL files. Which of them a database has is noted in ``job_engine_migration``;
    the first time all are noted, because the schema it ships contains them.

    Raises:
        Unreachable: the database cannot be reached.
    """
    try:
        with psycopg.connect(libpq_url(url), connect_timeout=5) as connection:
            connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
            _bring_up_to_date(connection)
            connection.execute(_WAKE_TARGET)
    except psycopg.OperationalError as error:
        raise Unreachable.because(NO_DATABASE) from error


def is_current(url: str) -> bool:
    """Whether the engine's tables are there and have every step that the installed engine knows."""
    with psycopg.connect(libpq_url(url), connect_timeout=5) as connection:
        wakes = connection.execute("select to_regproc('wake_target') is not null").fetchone()
        return bool(wakes and wakes[0]) and _exists(connection, "job_engine_migration") and not _missing(connection)


def _bring_up_to_date(connection: psycopg.Connection[Any]) -> None:
    fresh = not _exists(connection, "procrastinate_jobs")
    if not _exists(connection, "job_engine_migration"):
        connection.execute("create table job_engine_migration (name text primary key)")
        if fresh:
            connection.execute(SchemaManager.get_schema())
        _note(connection, [file.name for file in _files()])
        return
    for file in _missing(connection):
        connection.execute(file.read_bytes())
        _note(connection, [file.name])


def _missing(connection: psycopg.Connection[Any]) -> list[Path]:
    noted = {name for (name,) in connection.execute("select name from job_engine_migration")}
    return [file for file in _files() if file.name not in noted]


def _files() -> list[Path]:
    """The engine's migrations, oldest first: their names begin with the version."""
    return sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))


def _note(connection: psycopg.Connection[Any], names: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany("insert into job_engine_migration (name) values (%s)", [(name,) for name in names])


def _exists(connection: psycopg.Connection[Any], table: str) -> bool:
    row = connection.execute("select to_regclass(%s) is not null", [table]).fetchone()
    return bool(row and row[0])
