"""The engine's own tables: made once, kept current, whoever asks and how often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from connector.errors import Unreachable
from connector.jobs import apply_schema
from connector.jobs.schema import is_current


def test_it_is_made_once_by_several_processes_at_once(empty_database_url: str) -> None:
    """All end well, and the engine can queue a job."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(apply_schema, [empty_database_url] * 4))
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("select wake_target('sync', 'run_target', 'lane', 'deal', 'ref')")
        assert connection.execute("select count(*) from procrastinate_jobs").fetchone() == (1,)


def test_it_tells_whether_it_is_current(empty_database_url: str) -> None:
    """Nothing there, everything there, a step missing."""
    assert is_current(empty_database_url) is False
    apply_schema(empty_database_url)
    assert is_current(empty_database_url) is True
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("delete from job_engine_migration where name = (select max(name) from job_engine_migration)")
    assert is_current(empty_database_url) is False


def test_a_step_the_engine_gained_is_applied(empty_database_url: str) -> None:
    """Its last two steps replace a function: take both away, as if an older engine had made the tables."""
    apply_schema(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("delete from job_engine_migration where name like '03.04.00%'")
        connection.execute("drop function procrastinate_retry_job_v2")
        connection.execute("alter type procrastinate_job_event_type rename value 'retried' to 'retried_before'")
    apply_schema(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("select to_regproc('procrastinate_retry_job_v2') is not null").fetchone() == (True,)
    assert is_current(empty_database_url) is True


def test_the_address_may_name_the_driver(empty_database_url: str) -> None:
    """As SQLAlchemy's users write it."""
    url = empty_database_url.replace("postgresql://", "postgresql+psycopg://")
    apply_schema(url)
    assert is_current(url) is True


def test_tables_that_the_engine_itself_made_are_taken_over(empty_database_url: str) -> None:
    """Somebody ran the engine's own command before: nothing is made twice."""
    apply_schema(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("drop table job_engine_migration")
    apply_schema(empty_database_url)
    assert is_current(empty_database_url) is True


def test_a_database_that_is_away_is_unreachable() -> None:
    """And told apart from a schema that is wrong."""
    with pytest.raises(Unreachable):
        apply_schema("postgresql://nobody@127.0.0.1:1/nowhere")
