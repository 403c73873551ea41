"""Wake-ups: in the caller's transaction, at most one waiting, and never in the way."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from connector.jobs import WAKE
from connector.store import PostgresStore
from connector.targets import Target, TargetKind
from tests.jobs.conftest import jobs

ACME = Target(TargetKind.ACCOUNT, "stripe:customer:cus_acme")
BETA = Target(TargetKind.ACCOUNT, "stripe:customer:cus_beta")


def wake(connection: psycopg.Connection[Any], target: Target) -> None:
    """As the store does, in a statement of its own."""
    statement = b"select " + WAKE.encode() + b" from (values (%s::text, %s::text, %s::text)) as one (lane, kind, ref)"
    connection.execute(statement, [target.lane, target.kind.value, target.ref])


def test_a_mark_and_its_wake_up_are_one_transaction(
    waking_store: PostgresStore, database: psycopg.Connection[Any]
) -> None:
    """A worker never hears of work that was rolled back."""

    def mark_and_stumble() -> None:
        with waking_store.begin() as work:
            work.targets.mark_dirty(ACME)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        mark_and_stumble()
    assert jobs(database) == []
    with waking_store.begin() as work:
        work.targets.mark_dirty(ACME)
    assert jobs(database) == [(str(ACME), "todo")]


def test_the_job_carries_its_lane_and_nothing_but_the_reference(
    waking_store: PostgresStore, database: psycopg.Connection[Any]
) -> None:
    """No data that could be lost, doubled or leaked."""
    with waking_store.begin() as work:
        work.targets.mark_dirty(ACME)
    row = database.execute("select task_name, queue_name, lock, priority, args from procrastinate_jobs").fetchone()
    assert row == ("run_target", "sync", ACME.lane, 0, {"kind": "account", "ref": ACME.ref})


def test_one_wake_up_waits_and_a_second_spoils_nothing(database_url: str, database: psycopg.Connection[Any]) -> None:
    """The refused one leaves the transaction as it was."""
    with psycopg.connect(database_url) as connection:
        wake(connection, ACME)
        wake(connection, ACME)
        wake(connection, BETA)
    assert jobs(database) == [(str(ACME), "todo"), (str(BETA), "todo")]


def test_a_waiting_wake_up_does_not_hide_behind_a_running_one(
    database_url: str, database: psycopg.Connection[Any]
) -> None:
    """What happens while the work runs must be able to queue its successor."""
    with psycopg.connect(database_url) as connection:
        wake(connection, ACME)
    database.execute("update procrastinate_jobs set status = 'doing'")
    with psycopg.connect(database_url) as connection:
        wake(connection, ACME)
    assert jobs(database) == [(str(ACME), "doing"), (str(ACME), "todo")]


def test_wake_ups_at_the_same_moment_are_one_and_refuse_nobody(
    database_url: str, database: psycopg.Connection[Any]
) -> None:
    """Even without the row lock that usually keeps them apart."""
    start_line = threading.Barrier(4)

    def contend(_: int) -> None:
        with psycopg.connect(database_url) as connection:
            start_line.wait(10)
            wake(connection, ACME)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(contend, range(4)))
    assert jobs(database) == [(str(ACME), "todo")]


def test_a_wake_up_looks_at_no_other_however_many_wait(database_url: str) -> None:
    """Also when the first ones came while the table was empty, and plans were made for that."""
    read = "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'procrastinate_jobs'"
    with psycopg.connect(database_url) as connection:
        for number in range(30):
            wake(connection, Target(TargetKind.ACCOUNT, f"stripe:customer:cus_{number}"))
        looked_at = connection.execute(read).fetchone()
    assert looked_at is not None
    assert looked_at[0] <= 30, "the engine's own foreign key looks at each job once"


def test_another_refusal_is_an_error(database_url: str, database: psycopg.Connection[Any]) -> None:
    """Only the queueing lock's own refusal is expected."""
    database.execute("create unique index one_lane_only on procrastinate_jobs (lock)")
    database.execute("insert into procrastinate_jobs (queue_name, task_name, lock) values ('q', 't', %s)", [ACME.lane])
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        wake(connection, ACME)
