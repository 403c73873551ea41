"""The store as a whole: transactions, a database that goes away, and locks shared by all processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import exc

from connector.domain.inbox import EventKind, InboxEvent
from connector.domain.refs import RecordRef
from connector.errors import Misconfigured, NotMigrated, RetryLater, Unreachable
from connector.store import PostgresStore, database, migrate
from connector.targets import Target, TargetKind
from tests.conftest import OwnServer

ACME = Target(TargetKind.ACCOUNT, "stripe:customer:cus_acme")
CUSTOMER = RecordRef.parse(ACME.ref)
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
NOWHERE = "postgresql://nobody@127.0.0.1:1/nowhere"


def dirty(store: PostgresStore) -> int:
    with store.begin() as work:
        return work.targets.counts().dirty


def test_a_block_that_raises_leaves_nothing(store: PostgresStore) -> None:
    """And its exception comes out as it is."""

    @contextmanager
    def stumbling() -> Iterator[None]:
        with store.begin() as work:
            work.targets.mark_dirty(ACME)
            yield

    with pytest.raises(ZeroDivisionError), stumbling():
        raise ZeroDivisionError
    assert dirty(store) == 0


def test_a_database_that_is_not_there_is_unreachable() -> None:
    """Whatever is asked of it, so that a receiver can answer 503 and a worker can wait."""
    with PostgresStore(NOWHERE) as store:
        with pytest.raises(Unreachable):
            store.ping()
        with pytest.raises(Unreachable), store.begin():
            pass
        with pytest.raises(Unreachable), store.alone("x"):
            pass


def test_an_address_of_something_else_is_told_so() -> None:
    """Before anything is tried."""
    with pytest.raises(Misconfigured, match="not that of a Postgres"):
        PostgresStore("sqlite:///x.db")


@pytest.mark.parametrize("scheme", ["postgres://", "postgresql://", "postgresql+psycopg://"])
def test_every_usual_spelling_of_the_address_works(database_url: str, scheme: str) -> None:
    """Platforms hand out all three."""
    with PostgresStore(database_url.replace("postgresql://", scheme)) as store, store.begin() as work:
        assert work.targets.counts().dirty == 0


def test_a_connection_lost_in_the_middle_is_unreachable_and_the_next_works(
    store: PostgresStore, database_url: str
) -> None:
    """Nothing of the broken transaction remains, and nobody has to restart anything."""
    with psycopg.connect(database_url, autocommit=True) as connection:

        def be_cut_off() -> None:
            with store.begin() as work:
                work.targets.mark_dirty(ACME)
                _cut_off_others(connection)
                work.targets.mark_dirty(ACME)

        with pytest.raises(Unreachable):
            be_cut_off()
    assert dirty(store) == 0


def test_a_connection_lost_while_a_delivery_is_stored_is_unreachable_and_the_next_works(
    store: PostgresStore, database_url: str
) -> None:
    """It waits for a row when it is cut off: nothing of it remains, and the sender may come again."""
    event = InboxEvent("stripe", "evt_1", EventKind.BILLING_CHANGED, "invoice.paid", CUSTOMER, NOW, "{}")
    outcomes: list[type[RetryLater] | int] = []

    def deliver() -> None:
        try:
            outcomes.append(store.receive([event], NOW))
        except RetryLater as error:
            outcomes.append(type(error))

    waiting = b"select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'"
    with psycopg.connect(database_url, autocommit=True) as connection, store.begin() as work:
        work.targets.mark_dirty(ACME)
        thread = threading.Thread(target=deliver)
        thread.start()
        deadline = time.monotonic() + 10
        while connection.execute(waiting + b" and datname = current_database()").fetchone() is None:
            assert time.monotonic() < deadline
        thread.join(10)
    assert outcomes == [Unreachable]
    with store.begin() as work:
        assert work.inbox.recent() == []
    assert store.receive([event], NOW) == 1


def test_a_connection_lost_while_idle_is_not_noticed_by_anyone(store: PostgresStore, database_url: str) -> None:
    """The pool sees that the server hung up before it hands the connection out."""
    store.ping()
    with psycopg.connect(database_url, autocommit=True) as connection:
        _cut_off_others(connection)
    assert dirty(store) == 0


def test_the_store_carries_on_after_a_database_restart(own_server: OwnServer) -> None:
    """While the server is down it is unreachable; once it is back, so is the store."""
    migrate(own_server.url)
    with PostgresStore(own_server.url) as store:
        assert dirty(store) == 0
        own_server.stop()
        with pytest.raises(Unreachable):
            store.ping()
        own_server.start()
        assert dirty(store) == 0


def test_a_knot_of_locks_asks_to_be_tried_again(store: PostgresStore) -> None:
    """Two transactions that wait for each other crosswise: one goes on, the other is told to retry."""
    beta = Target(TargetKind.ACCOUNT, "stripe:customer:cus_beta")
    both_hold_one = threading.Barrier(2)
    outcomes: list[str] = []

    def cross(first: Target, second: Target) -> None:
        try:
            with store.begin() as work:
                work.targets.mark_dirty(first)
                both_hold_one.wait(10)
                work.targets.mark_dirty(second)
            outcomes.append("done")
        except Unreachable:
            outcomes.append("away")
        except RetryLater:
            outcomes.append("again")

    threads = [threading.Thread(target=cross, args=pair) for pair in ((ACME, beta), (beta, ACME))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["again", "done"]


def test_a_full_pool_is_unreachable_and_not_a_hang(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says which knob to turn."""
    with PostgresStore(database_url, pool_size=1) as store:
        monkeypatch.setattr(store._engine.pool, "_timeout", 0.05)
        with store.begin(), pytest.raises(Unreachable, match="WORKER_CONCURRENCY"), store.begin():
            pass


def test_an_error_of_ours_in_the_database_is_a_bug_and_stays_one(store: PostgresStore) -> None:
    """Nobody retries what will never work, and the parameters are kept out of the message."""
    secret = Target(TargetKind.ACCOUNT, "personal\x00data")
    with pytest.raises((exc.DBAPIError, psycopg.DataError)) as caught, store.begin() as work:
        work.targets.mark_dirty(secret)
    assert "personal" not in str(caught.value)


def test_tables_that_are_missing_are_told_with_what_to_run(empty_database_url: str) -> None:
    """Work that met them is tried again by itself, and goes on once somebody has migrated."""
    with (
        PostgresStore(empty_database_url) as store,
        pytest.raises(NotMigrated, match="Run `connector migrate`"),
        store.begin() as work,
    ):
        work.mappings.active_version("hubspot")


def test_alone_lets_one_in_at_a_time(database_url: str, store: PostgresStore) -> None:
    """A second holder of the same name is told to come back; another name is free, and so is the name afterwards."""
    with PostgresStore(database_url, busy_after=timedelta(milliseconds=50)) as other:
        with store.alone("plan"):
            with pytest.raises(RetryLater, match="busy with plan"), other.alone("plan"):
                pass
            with other.alone("another"):
                pass
        with other.alone("plan"):
            pass


def test_alone_waits_for_its_turn(store: PostgresStore) -> None:
    """Within its patience a second holder simply comes later."""
    order: list[str] = []
    entered = threading.Event()
    leave = threading.Event()

    def first() -> None:
        with store.alone("plan"):
            entered.set()
            leave.wait(10)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    assert entered.wait(10)
    threading.Timer(0.1, leave.set).start()
    with store.alone("plan"):
        order.append("second")
    thread.join(10)
    assert order == ["first", "second"]


def test_a_connection_lost_while_waiting_for_a_name_is_unreachable(store: PostgresStore, database_url: str) -> None:
    """The database went away; that the name was busy is not the news."""
    outcomes: list[type[RetryLater]] = []

    def wait() -> None:
        try:
            with store.alone("plan"):
                pass
        except RetryLater as error:
            outcomes.append(type(error))

    waiting = "from pg_stat_activity where wait_event = 'advisory' and datname = current_database()"
    with psycopg.connect(database_url, autocommit=True) as connection, store.alone("plan"):
        thread = threading.Thread(target=wait)
        thread.start()
        deadline = time.monotonic() + 10
        while connection.execute(b"select pg_terminate_backend(pid) " + waiting.encode()).fetchone() is None:
            assert time.monotonic() < deadline
        thread.join(10)
    assert outcomes == [Unreachable]


def test_a_closed_connection_is_not_handed_out(database_url: str) -> None:
    """Whoever closed it: the pool opens another."""
    with psycopg.connect(database_url) as connection:
        database._refuse_dead_connection(connection, None, None)
    with pytest.raises(exc.DisconnectionError):
        database._refuse_dead_connection(connection, None, None)


def test_a_cancelled_statement_asks_to_be_tried_again(store: PostgresStore, database_url: str) -> None:
    """An operator or a time-out stopped it; the connection is sound."""
    with psycopg.connect(database_url, autocommit=True) as connection:

        def be_cancelled() -> None:
            with store.begin() as work:
                work.targets.mark_dirty(ACME)
                with store.begin() as other:
                    connection.execute("select 1")
                    canceller = threading.Timer(0.2, lambda: _cancel_others(connection))
                    canceller.start()
                    other.targets.mark_dirty(ACME)

        with pytest.raises(RetryLater, match="held a row"):
            be_cancelled()
    assert dirty(store) == 0


def test_alone_falls_with_its_process(database_url: str, store: PostgresStore) -> None:
    """After kill -9 the next holder need not wait for any timeout."""
    code = """
import sys
from connector.store import PostgresStore
with PostgresStore(sys.argv[1]).alone("plan"):
    print("held", flush=True)
    sys.stdin.read()
"""
    command = [sys.executable, "-c", code, database_url]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
        with store.alone("plan"):
            pass
    finally:
        holder.kill()
        holder.communicate()


def test_an_exception_inside_alone_comes_out_and_frees_the_name(store: PostgresStore) -> None:
    """The lock does not outlive the block."""

    def stumble() -> None:
        with store.alone("plan"):
            raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            stumble()


def test_a_lock_lost_with_its_connection_ends_quietly(store: PostgresStore, database_url: str) -> None:
    """The block's own work has been done or refused by then; there is nothing left to release."""
    with store.alone("plan"), psycopg.connect(database_url, autocommit=True) as connection:
        _cut_off_others(connection)
    entered_again = False
    with store.alone("plan"):
        entered_again = True
    assert entered_again


def _cancel_others(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    connection.execute(
        "select pg_cancel_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )


def _cut_off_others(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    connection.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
