"""Rate limits: shared by all processes, never exceeded, and never a queue without end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from connector.errors import NotMigrated, RateLimited, Unreachable
from connector.jobs import LIMITS, Limit, PostgresThrottle
from tests.doors import has_a_turn


@pytest.fixture
def naps() -> list[float]:
    """Every wait, instead of waiting."""
    return []


@pytest.fixture
def throttle(database_url: str, naps: list[float]) -> Iterator[PostgresThrottle]:
    """Ten calls a second, three at once."""
    limits = {"stripe": Limit(10, 3), "slow": Limit(0.2, 1)}
    with PostgresThrottle(database_url, limits, sleep=naps.append) as throttle:
        yield throttle


def test_a_burst_passes_and_then_calls_are_spaced(throttle: PostgresThrottle, naps: list[float]) -> None:
    """The fourth call waits about one gap, the fifth about two."""
    for _ in range(5):
        throttle.wait("stripe")
    assert len(naps) == 2
    assert 0 < naps[0] <= 0.1
    assert naps[0] < naps[1] <= 0.2


def test_after_a_pause_the_burst_is_back(
    throttle: PostgresThrottle, naps: list[float], database: psycopg.Connection[Any]
) -> None:
    """But no more than one burst, however long the pause."""
    for _ in range(5):
        throttle.wait("stripe")
    database.execute("update rate_limit set tat = tat - interval '1 day'")
    naps.clear()
    for _ in range(4):
        throttle.wait("stripe")
    assert len(naps) == 1


def test_a_queue_is_waited_for_up_to_two_seconds(throttle: PostgresThrottle, naps: list[float]) -> None:
    """A longer one sends the work away, with the time to come back."""
    refusal: RateLimited | None = None
    for _ in range(200):
        try:
            throttle.wait("stripe")
        except RateLimited as error:
            refusal = error
            break
    assert refusal is not None
    assert refusal.provider == "stripe"
    assert refusal.retry_after is not None
    assert 1 <= refusal.retry_after <= 2.1
    assert len(naps) >= 18
    assert max(naps) <= 2.0


def test_a_refused_turn_is_not_counted(throttle: PostgresThrottle, database: psycopg.Connection[Any]) -> None:
    """Otherwise every refusal would push the queue further out, and nobody's turn would ever come."""
    throttle.wait("slow")
    before = database.execute("select tat from rate_limit").fetchone()
    for _ in range(5):
        with pytest.raises(RateLimited):
            throttle.wait("slow")
    assert database.execute("select tat from rate_limit").fetchone() == before


def test_a_name_without_a_limit_waits_for_nothing(throttle: PostgresThrottle, naps: list[float]) -> None:
    """A sandbox, for example."""
    for _ in range(100):
        throttle.wait("unlimited")
    assert naps == []


def test_several_processes_together_keep_to_the_limit(database_url: str) -> None:
    """Four throttles, as four processes have them: in real time no more than the rate and one burst."""
    limits = {"stripe": Limit(50, 5)}
    turns = 40

    def take(_: int) -> None:
        with PostgresThrottle(database_url, limits) as throttle:
            for _ in range(turns // 4):
                throttle.wait("stripe")

    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(take, range(4)))
    assert time.monotonic() - began >= (turns - 5) / 50 - 0.02


def test_optional_work_stands_back_once_the_day_is_nearly_used(throttle: PostgresThrottle, naps: list[float]) -> None:
    """At four fifths; billing itself goes on, and so does optional work elsewhere."""
    throttle.budget("salesforce", 80_000, 100_000)
    throttle.wait("salesforce:optional")
    throttle.budget("salesforce", 81_001, 100_000)
    with pytest.raises(RateLimited, match="81001 of the day's 100000") as caught:
        throttle.wait("salesforce:optional")
    assert caught.value.retry_after == 3600
    throttle.wait("salesforce")
    throttle.wait("hubspot:optional")


def test_a_part_of_a_provider_shares_its_allowance(throttle: PostgresThrottle) -> None:
    """HubSpot's search counts against the account's day."""
    throttle.budget("hubspot", 99, 100)
    with pytest.raises(RateLimited):
        throttle.wait("hubspot:search:optional")


def test_what_was_said_yesterday_says_nothing_about_today(
    throttle: PostgresThrottle, database: psycopg.Connection[Any]
) -> None:
    """A new day has a new allowance."""
    throttle.budget("salesforce", 100, 100)
    database.execute("update call_budget set told_at = now() - interval '25 hours'")
    assert has_a_turn(throttle, "salesforce:optional")


def test_an_allowance_of_nothing_is_no_allowance(throttle: PostgresThrottle) -> None:
    """Some answers carry zeroes where the edition has no such limit."""
    throttle.budget("salesforce", 5, 0)
    assert has_a_turn(throttle, "salesforce:optional")


def test_only_news_is_written_down(throttle: PostgresThrottle, database: psycopg.Connection[Any]) -> None:
    """Every answer of a vendor says how much is used; one percent more is news, one call more is not."""

    def noted() -> int:
        row = database.execute("select used from call_budget").fetchone()
        assert row is not None
        return int(row[0])

    throttle.budget("salesforce", 1000, 100_000)
    throttle.budget("salesforce", 1001, 100_000)
    assert noted() == 1000
    throttle.budget("salesforce", 2000, 100_000)
    assert noted() == 2000
    throttle.budget("salesforce", 0, 100_000)
    assert noted() == 0


def test_a_database_that_is_away_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work comes back later, as after any outage."""
    with PostgresThrottle("postgresql://nobody@127.0.0.1:1/nowhere", pool_size=1) as throttle:
        monkeypatch.setattr(throttle._pool, "timeout", 0.1)
        with pytest.raises(Unreachable):
            throttle.wait("stripe")


def test_the_shipped_limits_stay_below_the_vendors() -> None:
    """About 80 % of what the vendors' documentation allows."""
    assert LIMITS["stripe"].per_second <= 0.8 * 25
    assert LIMITS["hubspot"].per_second <= 0.8 * 10
    assert LIMITS["hubspot:search"].per_second <= 0.8 * 5


def test_a_database_that_nobody_migrated_says_so(empty_database_url: str) -> None:
    """The work is tried again by itself, and goes on once somebody has."""
    with (
        PostgresThrottle(empty_database_url, {"stripe": Limit(10, 3)}) as throttle,
        pytest.raises(NotMigrated, match="connector migrate"),
    ):
        throttle.wait("stripe")
