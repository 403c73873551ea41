"""Services on a real store that queues real wake-ups, and a look at the engine's table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from connector.domain.payment_health import HealthPolicy
from connector.domain.policy import BillingPolicy
from connector.ports import Services
from connector.store import PostgresStore
from tests.fakes import FakeBilling, FakeCrm


@pytest.fixture
def services(waking_store: PostgresStore) -> Services:
    """One CRM, one billing, the real time."""
    return make_services(waking_store)


@pytest.fixture
def database(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A look from outside, each statement by itself."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def make_services(store: PostgresStore) -> Services:
    def now() -> datetime:
        return datetime.now(UTC)

    return Services(
        store=store,
        crms={"fake": FakeCrm()},
        billing=FakeBilling(now),
        webhooks={},
        mappings={},
        clock=now,
        billing_policy=BillingPolicy(),
        health_policy=HealthPolicy(),
    )


def jobs(connection: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    """Every job as (queueing lock, status), oldest first."""
    return connection.execute("select queueing_lock, status::text from procrastinate_jobs order by id").fetchall()
