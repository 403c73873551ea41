"""The audit: append-only, and whoever changes it all the same is found out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest

from connector.domain.refs import RecordRef
from connector.store import PostgresStore

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def record(store: PostgresStore, *subjects: str) -> None:
    with store.begin() as work:
        for subject in subjects:
            work.audit.record("billed", subject, {"note": "Zoë 😀", "cents": 10**18}, NOW)


def seal(store: PostgresStore, limit: int = 100) -> int:
    with store.begin() as work:
        return work.audit.seal(limit)


def tamper(database_url: str, statement: str) -> None:
    """As a superuser could, who first silences the triggers."""
    with psycopg.connect(database_url) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(statement.encode())


def test_lines_come_newest_first(store: PostgresStore) -> None:
    """With what happened, to what, the evidence, and when."""
    record(store, "deal:1", "deal:2")
    with store.begin() as work:
        newest, oldest = work.audit.recent()
        assert work.audit.recent(1) == [newest]
    assert newest == {"what": "billed", "subject": "deal:2", "detail": {"note": "Zoë 😀", "cents": 10**18}, "at": NOW}
    assert oldest["subject"] == "deal:1"


@pytest.mark.parametrize(
    "statement",
    [
        "update audit set subject = 'x'",
        "delete from audit",
        "truncate audit",
        "update audit set seal = 'x', at = now()",
    ],
)
@pytest.mark.parametrize("sealed", [True, False])
def test_no_line_is_changed_or_removed(store: PostgresStore, database_url: str, statement: str, sealed: bool) -> None:
    """The database refuses, before and after the seal."""
    record(store, "deal:1")
    if sealed:
        seal(store)
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        connection.execute(statement.encode())


def test_sealing_chains_every_line_once(store: PostgresStore) -> None:
    """In batches; what is sealed stays sealed, and the proof counts all of it."""
    with store.begin() as work:
        empty = work.audit.verify()
    record(store, "deal:1", "deal:2", "deal:3")
    assert [seal(store, 2), seal(store, 2), seal(store, 2)] == [2, 1, 0]
    record(store, "deal:4")
    assert seal(store) == 1
    with store.begin() as work:
        proof = work.audit.verify()
    assert (proof.sealed, proof.broken_at) == (4, None)
    assert proof.last_seal != empty.last_seal
    assert (empty.sealed, empty.broken_at) == (0, None)


def test_evidence_is_stored_exactly_or_refused(store: PostgresStore) -> None:
    """Decimals, dates and references become text; what Postgres cannot hold is escaped; a stray object is refused."""
    detail = {"a": Decimal("1.10"), "b": [date(2026, 1, 2), NOW], "c": RecordRef("stripe", "invoice", "in_1")}
    with store.begin() as work:
        work.audit.record("billed", "deal:1", {**detail, "d": {"k\x00": ("a\x00b", "\ud800", 1, None, "\\u0000")}}, NOW)
        (line,) = work.audit.recent()
    assert line["detail"] == {
        "a": "1.10",
        "b": ["2026-01-02", NOW.isoformat()],
        "c": "stripe:invoice:in_1",
        "d": {"k\\u0000": ["a\\u0000b", "\\ud800", 1, None, "\\u0000"]},
    }
    with pytest.raises(Exception, match="object is not stored"), store.begin() as work:
        work.audit.record("billed", "deal:1", {"x": object()}, NOW)


def test_only_one_process_seals_at_a_time(store: PostgresStore) -> None:
    """A second one leaves the work to the first instead of waiting."""
    record(store, "deal:1")
    with store.begin() as work:
        assert work.audit.seal() == 1
        assert seal(store) == 0


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("update audit set subject = 'deal:9' where seal_number = 2", 2),
        ("update audit set detail = '{}' where seal_number = 3", 3),
        ("update audit set at = at + interval '1 second' where seal_number = 1", 1),
        ("delete from audit where seal_number = 2", 2),
        ("update audit set seal = 'forged' where seal_number = 3", 3),
    ],
)
def test_a_change_behind_our_back_breaks_the_chain(
    store: PostgresStore, database_url: str, statement: str, broken_at: int
) -> None:
    """The proof names the first line that is not as it was."""
    record(store, "deal:1", "deal:2", "deal:3")
    seal(store)
    tamper(database_url, statement)
    with store.begin() as work:
        assert work.audit.verify().broken_at == broken_at


def test_cutting_off_the_end_shows_in_the_last_seal(store: PostgresStore, database_url: str) -> None:
    """The chain that is left holds, but its last seal is not the one that was noted elsewhere."""
    record(store, "deal:1", "deal:2")
    seal(store)
    with store.begin() as work:
        noted = work.audit.verify().last_seal
    tamper(database_url, "delete from audit where seal_number = 2")
    with store.begin() as work:
        proof = work.audit.verify()
    assert proof.broken_at is None
    assert proof.last_seal != noted
