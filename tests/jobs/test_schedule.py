"""The clockwork: it looks at the state of things and marks what is due."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from connector import targets
from connector.domain.billing import BillingAccount, Customer
from connector.domain.refs import RecordRef
from connector.jobs import schedule
from connector.jobs.app import make_app
from connector.jobs.schedule import (
    knock_again,
    mark_due_polls,
    mark_portfolio,
    mark_unassessed,
    register_schedule,
    seal_audit,
)
from connector.ports import Services
from connector.sync.refit_portfolio import PORTFOLIO_FITTED
from connector.targets import Target, TargetKind

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def services(services: Services) -> Services:
    """The same, at a fixed hour."""
    return replace(services, clock=lambda: NOW, poll_every=timedelta(minutes=2))


def asked(services: Services, name: str, ago: timedelta) -> None:
    with services.store.begin() as work:
        work.settings.set_watermark(name, NOW - ago)


def dirty(services: Services, target: Target) -> bool:
    with services.store.begin() as work:
        return work.targets.start(target) is not None


def park(services: Services, target: Target) -> None:
    with services.store.begin() as work:
        work.targets.mark_dirty(target)
        work.targets.start(target)
        work.targets.fail(target, "no access", retry_in=None)


def customer(services: Services, name: str, assessed: timedelta | None) -> Target:
    ref = RecordRef("stripe", "customer", name)
    with services.store.begin() as work:
        work.ledger.save(BillingAccount(Customer(ref)), NOW)
        if assessed is not None:
            work.ledger.assessed(ref, NOW - assessed)
    return targets.for_record(TargetKind.HEALTH, ref)


def test_providers_are_polled_when_their_watermark_is_old(services: Services) -> None:
    """Every CRM and billing; one asked a minute ago waits, one never asked does not."""
    asked(services, "fake", timedelta(minutes=1))
    assert mark_due_polls(services) == 1
    assert dirty(services, targets.for_poll("stripe"))
    assert not dirty(services, targets.for_poll("fake"))
    asked(services, "fake", timedelta(minutes=2))
    asked(services, "stripe", timedelta(minutes=1))
    assert mark_due_polls(services) == 1
    assert dirty(services, targets.for_poll("fake"))


def test_the_clock_leaves_a_parked_poll_to_a_person_and_knocks_once_an_hour(services: Services) -> None:
    """Lost access is not asked for every few seconds, but its return is noticed by itself."""
    poll = targets.for_poll("stripe")
    park(services, poll)
    account = Target(TargetKind.HEALTH, "stripe:customer:cus_1")
    park(services, account)
    mark_due_polls(services)
    assert not dirty(services, poll)
    assert knock_again(services) == 2
    assert dirty(services, poll)
    assert dirty(services, account)


@pytest.mark.parametrize(
    ("assessed", "marked"),
    [
        (None, True),
        (datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 21, 0, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 21, 8, 0, tzinfo=UTC), False),
    ],
    ids=["never", "yesterday", "at midnight", "this morning"],
)
def test_the_run_over_all_accounts_is_due_while_one_was_not_assessed_today(
    services: Services, assessed: datetime | None, *, marked: bool
) -> None:
    """Days pass without any webhook, and days past due grow with them."""
    customer(services, "a", NOW - assessed if assessed else None)
    assert mark_unassessed(services) is marked
    assert {dirty(services, each) for each in targets.for_everybody()} == {marked}


def test_the_run_over_all_accounts_is_marked_once(services: Services) -> None:
    """While it waits or runs the clock does not ask again, and a parked one stays with a person."""
    customer(services, "a", None)
    assert mark_unassessed(services)
    assert not mark_unassessed(services)
    for each in targets.for_everybody():
        park(services, each)
    assert not mark_unassessed(services)
    assert not any(dirty(services, each) for each in targets.for_everybody())


def test_an_account_that_is_parked_asks_for_no_run_over_all(services: Services) -> None:
    """It is looked at by itself, and a run over all would leave it out."""
    park(services, customer(services, "a", None))
    assert not mark_unassessed(services)


def test_the_audit_is_sealed_to_its_end(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many lines it gained, up to a bound."""
    with services.store.begin() as work:
        for number in range(3):
            work.audit.record("billed", f"deal:{number}", {}, NOW)
    assert seal_audit(services) == 3
    assert seal_audit(services) == 0
    with services.store.begin() as work:
        work.audit.record("billed", "deal:9", {}, NOW)
        assert work.audit.verify().sealed == 3
    monkeypatch.setattr(schedule, "_MOST_SEALS", 0)
    assert seal_audit(services) == 0


def test_old_ended_jobs_are_thrown_away(database_url: str, services: Services) -> None:
    """Failed ones too: what failed is told by the Target, not by a job."""
    with psycopg.connect(database_url) as connection:
        for status in ("failed", "succeeded", "todo"):
            connection.execute(
                "insert into procrastinate_jobs (queue_name, task_name, status) values ('sync', %s, %s)",
                [status, status],
            )
        connection.execute(
            "insert into procrastinate_events (job_id, type, at)"
            " select id, 'deferred', now() - interval '25 hours' from procrastinate_jobs"
        )
        connection.execute("delete from procrastinate_events where at > now() - interval '1 hour'")

    async def tidy() -> None:
        app = make_app(database_url)
        register_schedule(app, services)
        async with app.open_async():
            await app.tasks["tidy"](timestamp=0)

    asyncio.run(tidy())
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select task_name from procrastinate_jobs").fetchall() == [("todo",)]


def test_each_clock_task_does_its_part(database_url: str, services: Services) -> None:
    """Called by the engine with a tick that it does not look at."""
    app = make_app(database_url)
    register_schedule(app, services)
    customer(services, "a", None)
    park(services, targets.for_poll("fake"))
    app.tasks["poll"](timestamp=0)
    assert dirty(services, targets.for_poll("stripe"))
    app.tasks["assess"](timestamp=0)
    assert all(dirty(services, each) for each in targets.for_everybody())
    assert dirty(services, targets.for_poll("fake"))


def test_the_portfolio_is_fitted_again_a_week_after_it_was_looked_at_last(services: Services) -> None:
    """By the state of things: whoever was down for a month does it at once, and a week is counted from there."""
    assert mark_portfolio(services) == 1
    with services.store.begin() as work:
        seq = work.targets.start(targets.PORTFOLIO)
        assert seq is not None
        work.targets.finish(targets.PORTFOLIO, seq)
    asked(services, PORTFOLIO_FITTED, timedelta(days=6, hours=23))
    assert mark_portfolio(services) == 0
    asked(services, PORTFOLIO_FITTED, timedelta(days=7))
    assert mark_portfolio(services) == 1
    park(services, targets.PORTFOLIO)
    assert mark_portfolio(services) == 0
    assert not dirty(services, targets.PORTFOLIO)
