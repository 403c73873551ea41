"""No row and no Target stays parked once its cause is gone, none is tried without end, and none holds up the others."""

from __future__ import annotations

import psycopg
import pytest

from connector.domain.refs import RecordRef
from connector.errors import AccessLost, Rejected, RetryLater
from connector.jobs.run_target import run_target
from connector.jobs.schedule import knock_again, mark_due_rows
from connector.sync import USE_CASES
from connector.targets import Target, TargetKind, for_crm, for_record
from tests.sync.conftest import World

LANE = for_crm("fake")


def a_row(world: World, number: str, refusal: RetryLater | Rejected | None = None) -> RecordRef:
    """A value that waits to be written to an account, as the use-cases leave it."""
    ref = RecordRef("fake", "account", number)
    world.crm.shown[ref] = {}
    if refusal is not None:
        world.crm.refusals[ref] = refusal
    with world.services.store.begin() as work:
        work.records.desire(ref, {"health": "good"})
        work.targets.mark_dirty(LANE)
    return ref


def run(world: World) -> None:
    run_target(LANE, world.services, USE_CASES)


def pass_time(url: str, hours: float) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("update crm_record set not_before = not_before - %s * interval '1 hour'", [hours])


def is_parked(world: World, ref: RecordRef) -> bool:
    with world.services.store.begin() as work:
        return ref in [parked for parked, _ in work.records.parked()]


def test_a_row_refused_for_want_of_a_field_is_written_once_set_up_has_run(world: World, database_url: str) -> None:
    ref = a_row(world, "1", Rejected("The CRM has no such field.", hint="Run set-up."))
    run(world)
    assert is_parked(world, ref)
    del world.crm.refusals[ref]

    mark_due_rows(world.services)
    run(world)
    assert world.crm.shown[ref] == {}  # not at once, and not every few seconds
    pass_time(database_url, 1.1)
    mark_due_rows(world.services)
    run(world)
    assert world.crm.shown[ref]["billing_health"] == "good"
    assert not is_parked(world, ref)


def test_a_row_that_is_refused_again_and_again_is_asked_about_ever_less_often(world: World, database_url: str) -> None:
    a_row(world, "1", Rejected("The CRM has no such field."))
    run(world)
    for _ in range(40 * 4):
        pass_time(database_url, 6)
        mark_due_rows(world.services)
        run(world)
    assert 30 < world.crm.calls.count("write") < 60  # about once a day


def test_a_row_that_is_always_busy_ends_before_a_person(world: World, database_url: str) -> None:
    ref = a_row(world, "1", RetryLater("Locked."))
    for _ in range(30):
        run(world)
        pass_time(database_url, 2)
        mark_due_rows(world.services)
    assert is_parked(world, ref)
    assert world.crm.calls.count("write") < 20


def test_a_busy_row_does_not_hold_up_the_next_one(world: World) -> None:
    a_row(world, "1", RetryLater("Locked.", retry_after=3600))
    run(world)
    other = a_row(world, "2")
    run(world)
    assert world.crm.shown[other]["billing_health"] == "good"


def test_a_busy_row_is_tried_again_by_itself(world: World, database_url: str) -> None:
    ref = a_row(world, "1", RetryLater("Locked."))
    run(world)
    del world.crm.refusals[ref]
    assert mark_due_rows(world.services) == 0
    pass_time(database_url, 0.02)
    assert mark_due_rows(world.services) == 1
    run(world)
    assert world.crm.shown[ref]["billing_health"] == "good"


@pytest.mark.parametrize("kind", [TargetKind.ACCOUNT, TargetKind.TRACE, TargetKind.HEALTH, TargetKind.CRM])
def test_work_parked_while_an_access_was_lost_is_taken_up_when_it_is_back(world: World, kind: TargetKind) -> None:
    """An invoice was paid while the key was being changed: no later event would ever say so again."""
    target = LANE if kind is TargetKind.CRM else for_record(kind, RecordRef("stripe", "customer", "cus_1"))
    with world.services.store.begin() as work:
        work.targets.mark_dirty(target)
        work.targets.start(target)
        work.targets.fail(target, str(AccessLost("The key was changed.")), retry_in=None)
    assert knock_again(world.services) == 1
    with world.services.store.begin() as work:
        assert work.targets.start(target) is not None


def test_a_lane_that_is_parked_is_left_alone_by_the_clock_of_its_rows(world: World) -> None:
    a_row(world, "1")
    with world.services.store.begin() as work:
        work.targets.start(LANE)
        work.targets.fail(LANE, "The key was changed.", retry_in=None)
    assert mark_due_rows(world.services) == 0
    with world.services.store.begin() as work:
        assert [one.target for one in work.targets.parked()] == [Target(TargetKind.CRM, "fake")]
