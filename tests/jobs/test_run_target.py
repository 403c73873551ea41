"""Running a Target: until nothing is left, and what happens when it fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from connector.domain.refs import RecordRef
from connector.errors import NotFound, RateLimited, RetryLater, Unreachable
from connector.jobs import run_target
from connector.jobs.run_target import backoff
from connector.ports import Services
from connector.store import PostgresStore
from connector.targets import Target, TargetKind
from tests.jobs.conftest import jobs

ACME = Target(TargetKind.ACCOUNT, "stripe:customer:cus_acme")
Work = Callable[[str, Services], None]


def mark(services: Services) -> None:
    with services.store.begin() as work:
        work.targets.mark_dirty(ACME)


def run(services: Services, work: Work) -> list[dict[str, Any]]:
    """Run it once, and give what was logged."""
    with capture_logs() as lines:
        run_target(ACME, services, {TargetKind.ACCOUNT: work})
    return [dict(line) for line in lines]


def raising(error: Exception) -> Work:
    def work(_ref: str, _services: Services) -> None:
        raise error

    return work


def row(database: psycopg.Connection[Any], columns: str) -> Any:
    found = database.execute(b"select " + columns.encode() + b" from target").fetchone()
    assert found is not None
    return found


def wait_is_over(database: psycopg.Connection[Any]) -> None:
    database.execute("update target set not_before = now() - interval '1 second'")


def test_the_work_is_done_once_and_the_target_clean(services: Services, database: psycopg.Connection[Any]) -> None:
    """With one line in the log, without personal data."""
    done: list[str] = []
    mark(services)
    (line,) = run(services, lambda ref, _: done.append(ref))
    assert done == [ACME.ref]
    assert row(database, "seq, done_seq") == (1, 1)
    assert line.pop("seconds") >= 0
    assert line == {
        "event": "target done",
        "log_level": "info",
        "kind": "account",
        "ref": ACME.ref,
        "rounds": 1,
        "more": False,
    }


def test_a_clean_target_is_left_alone(services: Services) -> None:
    """A doubled wake-up costs one look."""
    assert run(services, raising(AssertionError("must not run"))) == []


def test_what_happens_during_the_work_is_seen_by_another_round(services: Services) -> None:
    """And by no more rounds than that."""
    done: list[str] = []

    def work(ref: str, _: Services) -> None:
        done.append(ref)
        if len(done) == 1:
            mark(services)

    mark(services)
    (line,) = run(services, work)
    assert len(done) == 2
    assert (line["rounds"], line["more"]) == (2, False)


def test_a_target_that_never_rests_gives_others_their_turn(
    services: Services, database: psycopg.Connection[Any]
) -> None:
    """After five rounds the job ends and leaves a successor behind."""
    done: list[str] = []

    def work(ref: str, _: Services) -> None:
        done.append(ref)
        mark(services)

    mark(services)
    database.execute("delete from procrastinate_jobs")
    (line,) = run(services, work)
    assert len(done) == 5
    assert line["more"] is True
    assert jobs(database) == [(str(ACME), "todo")]


def test_no_transaction_is_open_while_the_work_runs(services: Services, database: psycopg.Connection[Any]) -> None:
    """A vendor that takes a minute must not hold a row for a minute."""
    seen: list[int] = []
    query = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in tr%'"

    def work(_ref: str, _services: Services) -> None:
        seen.append((database.execute(query).fetchone() or (-1,))[0])

    mark(services)
    run(services, work)
    assert seen == [0]


def test_what_may_get_better_waits_longer_each_time(services: Services, database: psycopg.Connection[Any]) -> None:
    """The Target stays dirty and is not parked, however often it fails within three days."""
    mark(services)
    waits = []
    for _ in range(15):
        wait_is_over(database)
        (line,) = run(services, raising(Unreachable("no answer", provider="stripe", status=503)))
        waits.append(row(database, "extract(epoch from not_before - now())::float")[0])
    assert 1 < waits[0] < 5
    assert waits[0] < waits[2] < waits[5] < 3601
    assert 2000 < waits[-1] <= 3600
    assert row(database, "parked_at, attempts") == (None, 15)
    assert (line["event"], line["log_level"], line["provider"], line["status"]) == (
        "target waits",
        "warning",
        "stripe",
        503,
    )


def test_a_vendors_advice_is_followed(services: Services, database: psycopg.Connection[Any]) -> None:
    """Never earlier than it said."""
    mark(services)
    run(services, raising(RateLimited("slow down", retry_after=120)))
    (wait,) = row(database, "extract(epoch from not_before - now())::float")
    assert 119 < wait <= 132


def test_after_three_days_a_person_is_asked(services: Services, database: psycopg.Connection[Any]) -> None:
    """An outage that long is not an outage any more."""
    mark(services)
    run(services, raising(RetryLater("no answer")))
    database.execute("update target set failing_since = now() - interval '71 hours'")
    wait_is_over(database)
    run(services, raising(RetryLater("no answer")))
    assert row(database, "parked_at") == (None,)
    database.execute("update target set failing_since = now() - interval '73 hours'")
    wait_is_over(database)
    (line,) = run(services, raising(RetryLater("no answer")))
    parked_at, error = row(database, "parked_at, last_error")
    assert parked_at is not None
    assert error.startswith("no answer Tried for three days")
    assert line["event"] == "target parked"


def test_what_needs_a_person_is_parked_at_once(services: Services, database: psycopg.Connection[Any]) -> None:
    """With the sentence and the hint; the log has the evidence and not the sentence."""
    error = NotFound(
        "The deal of Zoë Smith is gone.",
        hint="Restore it.",
        provider="hubspot",
        ref=RecordRef("hubspot", "deal", "1"),
        status=404,
        code="OBJECT_NOT_FOUND",
        request_id="req_1",
        sentence_id="deal-gone",
    )
    mark(services)
    (line,) = run(services, raising(error))
    parked_at, said, attempts = row(database, "parked_at, last_error, attempts")
    assert parked_at is not None
    assert (said, attempts) == ("The deal of Zoë Smith is gone. Restore it. [deal-gone]", 1)
    assert line["event"] == "target parked"
    evidence = [line[name] for name in ("sentence", "provider", "status", "code", "request")]
    assert evidence == ["deal-gone", "hubspot", 404, "OBJECT_NOT_FOUND", "req_1"]
    assert "Zoë" not in str(line)


def test_a_bug_is_tried_three_times_and_parked(services: Services, database: psycopg.Connection[Any]) -> None:
    """Its place is told; its message, which may hold anything, is neither logged nor stored."""
    mark(services)
    for attempt in (1, 2, 3):
        assert row(database, "parked_at") == (None,)
        wait_is_over(database)
        (line,) = run(services, raising(KeyError("zoe@acme.example")))
        assert (line["event"], line["error"], line["attempt"]) == ("target failed: a bug", "KeyError", attempt)
    parked_at, said = row(database, "parked_at, last_error")
    assert parked_at is not None
    assert "KeyError" in said
    assert "run_target.py" in said
    assert "zoe@acme.example" not in said + str(line)


def test_a_kind_nobody_serves_is_a_bug(services: Services, database: psycopg.Connection[Any]) -> None:
    """It is noted on the Target like any other."""
    mark(services)
    run_target(ACME, services, {})
    assert "KeyError" in row(database, "last_error")[0]


def test_success_forgets_earlier_failures(services: Services, database: psycopg.Connection[Any]) -> None:
    """Count, reason and the row of failures begin anew."""
    mark(services)
    run(services, raising(RetryLater("no answer")))
    wait_is_over(database)
    run(services, lambda _ref, _services: None)
    assert row(database, "attempts, last_error, failing_since") == (0, "", None)


def test_a_store_that_is_away_is_the_engines_to_know(services: Services) -> None:
    """Nothing can be noted then; the Target is still dirty, and the sweep brings it back."""
    with PostgresStore("postgresql://nobody@127.0.0.1:1/nowhere") as nowhere, pytest.raises(Unreachable):
        run_target(ACME, replace(services, store=nowhere), {})


def test_backoff_doubles_up_to_an_hour_and_spreads() -> None:
    """However many failures there are, and however little the vendor asks for."""
    assert all(timedelta(minutes=45) <= backoff(40, None) <= timedelta(hours=1) for _ in range(50))
    assert all(timedelta(seconds=2.25) <= backoff(1, None) <= timedelta(seconds=3.75) for _ in range(50))
    assert all(timedelta(seconds=4.5) <= backoff(2, None) <= timedelta(seconds=7.5) for _ in range(50))
    assert len({backoff(3, None) for _ in range(20)}) > 10
    assert backoff(1, 86_400) == timedelta(hours=1)
    assert backoff(1, -5) == timedelta(0)
