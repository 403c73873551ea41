"""What the engine tells of itself."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from connector.errors import NotMigrated, Unreachable
from connector.jobs import EngineState, engine_state


def test_an_idle_engine(database_url: str) -> None:
    """No job, no worker, no heartbeat."""
    assert engine_state(database_url) == EngineState({}, 0, 0, 0.0)


def test_jobs_are_counted_and_long_ones_told(database_url: str, database: psycopg.Connection[Any]) -> None:
    """A job that has been doing for more than a quarter of an hour is somebody's business."""
    database.execute("insert into procrastinate_workers (last_heartbeat) values (now() - interval '7 seconds')")
    database.execute("insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 hour')")
    for status, minutes in (("doing", 16), ("doing", 14), ("todo", 60), ("failed", 60)):
        database.execute(
            "with job as (insert into procrastinate_jobs (queue_name, task_name, status)"
            " values ('sync', 't', %s) returning id)"
            " insert into procrastinate_events (job_id, type, at)"
            " select id, 'started', now() - %s * interval '1 minute' from job",
            [status, minutes],
        )
    state = engine_state(database_url)
    assert state.jobs == {("sync", "doing"): 2, ("sync", "todo"): 1, ("sync", "failed"): 1}
    assert (state.doing_long, state.workers) == (1, 2)
    assert 7 <= state.seconds_since_heartbeat < 20


def test_a_database_that_is_away_is_unreachable() -> None:
    """Metrics say so instead of failing."""
    with pytest.raises(Unreachable):
        engine_state("postgresql://nobody@127.0.0.1:1/nowhere")


def test_a_database_that_nobody_migrated_says_so(empty_database_url: str) -> None:
    with pytest.raises(NotMigrated, match="connector migrate"):
        engine_state(empty_database_url)
