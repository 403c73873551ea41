"""What every CRM promises about the people around an account: its open deals, owners and tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from connector.domain.refs import RecordRef
from connector.errors import NeedsHuman, NotFound, RetryLater
from connector.ports import CrmTask, task_subject
from tests.contracts.houses import HOUSES, House

DUE = date(2026, 12, 1)
SUBJECT = 'Late payer: Smith & Sons\' "renewal" \\ 90 days'
BODY = "2 invoices, EUR 12,400.00, 41 days late.\nAsk <Smith & Sons> about them."


@pytest.fixture(params=list(HOUSES), scope="module")
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with HOUSES[request.param]() as house:
        yield house


@pytest.fixture(params=list(HOUSES))
def own_house(request: pytest.FixtureRequest) -> Iterator[House]:
    """For tests that change the CRM for everybody in it."""
    with HOUSES[request.param]() as house:
        yield house


def a_task(record: RecordRef, owner: RecordRef | None = None, subject: str = SUBJECT) -> CrmTask:
    return CrmTask(record, owner, subject, BODY, DUE)


def test_open_deals_are_those_of_the_account_alone_newest_first(house: House) -> None:
    first, account = house.deal(won=False)
    house.deal(won=False)
    house.another_deal(account, won=True)
    second = house.another_deal(account)
    assert list(house.crm.open_deals(account)) == [second, first]


def test_a_deal_that_is_won_is_open_no_more(house: House) -> None:
    deal, account = house.deal(won=False)
    house.win(deal)
    assert list(house.crm.open_deals(account)) == []


def test_an_account_that_is_not_there_has_no_open_deals(house: House) -> None:
    _, account = house.deal(won=False)
    assert list(house.crm.open_deals(replace(account, id=house.unused_id(account)))) == []


def test_the_owner_is_who_has_the_record_now(house: House) -> None:
    deal, account = house.deal(won=False)
    someone, other = house.give(account), house.give(deal, person=1)
    assert house.crm.owner_of(account) == someone
    assert house.crm.owner_of(deal) == other
    now = house.give(account, person=1)
    assert house.crm.owner_of(account) == now == other


def test_somebody_who_left_owns_nothing(own_house: House) -> None:
    _, account = own_house.deal(won=False)
    own_house.leaves(own_house.give(account))
    assert own_house.crm.owner_of(account) is None


def test_the_owner_of_a_record_that_is_not_there_is_not_found(house: House) -> None:
    _, account = house.deal(won=False)
    with pytest.raises(NotFound):
        house.crm.owner_of(replace(account, id=house.unused_id(account)))


@pytest.mark.parametrize("high_priority", [True, False])
def test_a_task_shows_its_owner_day_and_text_on_the_record(house: House, high_priority: bool) -> None:
    for record in house.deal(won=False):
        owner = house.give(record)
        made = house.crm.create_task(replace(a_task(record, owner), high_priority=high_priority))
        assert (made.provider, made.kind) == (house.crm.name, "task")
        [task] = house.tasks(record)
        assert (task.id, task.subject, task.body) == (made.id, SUBJECT, BODY)
        assert (task.due, task.owner) == ("2026-12-01", owner.id)
        assert (task.done, task.high_priority) == (False, high_priority)


def test_a_task_is_found_at_once_by_its_record_and_exact_subject(house: House) -> None:
    deal, account = house.deal(won=False)
    house.crm.create_task(a_task(account, subject="Another matter"))
    made = house.crm.create_task(a_task(account))
    assert house.crm.find_task(account, SUBJECT) == made
    assert house.crm.find_task(account, SUBJECT.upper()) is None
    assert house.crm.find_task(account, SUBJECT[:-1]) is None
    assert house.crm.find_task(deal, SUBJECT) is None


def test_a_task_that_is_done_is_found_as_well(house: House) -> None:
    """One task for each window, never two: whoever closed it need not be asked again."""
    _, account = house.deal(won=False)
    made = house.crm.create_task(a_task(account))
    house.crm.close_task(made, "Paid.")
    assert house.crm.find_task(account, SUBJECT) == made


def test_of_several_tasks_the_newest_is_found(house: House) -> None:
    _, account = house.deal(won=False)
    house.crm.create_task(a_task(account))
    house.another_deal(account)  # a minute passes
    newest = house.crm.create_task(a_task(account))
    assert house.crm.find_task(account, SUBJECT) == newest


def test_a_task_whose_answer_was_lost_is_found_and_was_made_once(house: House) -> None:
    _, account = house.deal(won=False)
    house.loses_the_answer()
    with pytest.raises(RetryLater):
        house.crm.create_task(a_task(account))
    found = house.crm.find_task(account, SUBJECT)
    assert found is not None
    assert [task.id for task in house.tasks(account)] == [found.id]


def test_no_task_is_found_on_a_record_that_is_not_there(house: House) -> None:
    _, account = house.deal(won=False)
    assert house.crm.find_task(replace(account, id=house.unused_id(account)), SUBJECT) is None


def test_a_task_needs_a_record_that_is_there(house: House) -> None:
    _, account = house.deal(won=False)
    with pytest.raises(NotFound):
        house.crm.create_task(a_task(replace(account, id=house.unused_id(account))))


def test_a_task_cannot_be_given_to_somebody_who_left(own_house: House) -> None:
    _, account = own_house.deal(won=False)
    owner = own_house.give(account)
    own_house.leaves(owner)
    with pytest.raises(NeedsHuman):
        own_house.crm.create_task(a_task(account, owner))
    assert own_house.tasks(account) == []


def test_closing_a_task_marks_it_done_and_adds_the_note(house: House) -> None:
    _, account = house.deal(won=False)
    made = house.crm.create_task(a_task(account))
    assert house.crm.close_task(made, "Paid on 3 December.\n<All> is well.") is True
    [task] = house.tasks(account)
    assert task.done
    assert task.body == f"{BODY}\n\nPaid on 3 December.\n<All> is well."


def test_closing_a_task_twice_changes_nothing_the_second_time(house: House) -> None:
    _, account = house.deal(won=False)
    made = house.crm.create_task(a_task(account))
    house.crm.close_task(made, "Paid.")
    assert house.crm.close_task(made, "Paid again.") is False
    assert "again" not in house.tasks(account)[0].body


def test_closing_a_task_that_somebody_deleted_is_no_error(house: House) -> None:
    _, account = house.deal(won=False)
    made = house.crm.create_task(a_task(account))
    house.delete_task(made)
    assert house.crm.close_task(made, "Paid.") is False


def test_an_outage_is_told_as_one(own_house: House) -> None:
    _, account = own_house.deal(won=False)
    own_house.goes_away()
    with pytest.raises(RetryLater):
        own_house.crm.find_task(account, SUBJECT)
    with pytest.raises(RetryLater):
        own_house.crm.create_task(a_task(account))


def test_a_subject_is_one_line_that_every_crm_keeps(house: House) -> None:
    _, account = house.deal(won=False)
    subject = task_subject(f"  Late payer:\n {'very ' * 80}late ")
    assert len(subject) <= 255
    made = house.crm.create_task(a_task(account, subject=subject))
    assert house.crm.find_task(account, subject) == made
