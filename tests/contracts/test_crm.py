"""What every CRM promises, run over each adapter on its make-believe vendor, and over the fake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, timedelta
from decimal import Decimal

import pytest

from connector.crm import CRMS
from connector.domain.deal import Interval
from connector.domain.refs import RecordRef
from connector.errors import NeedsHuman, NotFound, RetryLater
from connector.ports import CheckStatus, CrmWrite
from connector.sync.read_deal import read_deal
from tests.contracts.houses import HOUSES, House


@pytest.fixture(params=list(HOUSES))
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with HOUSES[request.param]() as house:
        yield house


def a_field(house: House, kind: str, canonical: str) -> str:
    """The CRM's own name for a canonical value."""
    return house.mapping.write_back[kind][canonical]


def test_every_registered_crm_has_a_house() -> None:
    """A third CRM cannot slip past the promises."""
    assert set(CRMS) <= set(HOUSES)


def test_a_deal_reads_the_same_whichever_crm_it_came_from(house: House) -> None:
    ref, account = house.deal(won=True)
    deal = read_deal(house.crm.fetch_deal(ref, house.mapping), house.mapping)
    assert (deal.ref, deal.won, deal.name, deal.currency) == (ref, True, "Deal 1", "eur")
    assert deal.account is not None
    assert (deal.account.ref, deal.account.name) == (account, "Company 1")
    assert deal.billing_contact is not None
    assert deal.billing_contact.email.endswith("@acme.example")
    [line] = deal.line_items
    assert (line.product.name, line.quantity, line.unit_price, line.interval) == (
        "Seats",
        Decimal(5),
        Decimal(20),
        Interval("month", 1),
    )


def test_won_is_the_crms_own_flag_and_never_a_label(house: House) -> None:
    ref, _ = house.deal(won=False)
    assert house.crm.fetch_deal(ref, house.mapping).won is False
    house.win(ref)
    assert house.crm.fetch_deal(ref, house.mapping).won is True


def test_the_crm_says_when_a_deal_came_to_be_won(house: House) -> None:
    ref, _ = house.deal(won=False)
    assert house.crm.fetch_deal(ref, house.mapping).won_at is None
    house.win(ref)
    won_at = house.crm.fetch_deal(ref, house.mapping).won_at
    assert won_at is not None
    assert abs(won_at - house.now()) < timedelta(minutes=1)


def test_a_deal_that_is_not_there_is_not_found(house: House) -> None:
    ref, _ = house.deal(won=True)
    missing = replace(ref, id=house.unused_id(ref))
    with pytest.raises(NotFound):
        house.crm.fetch_deal(missing, house.mapping)


def test_polling_lists_what_was_won_since_and_nothing_else(house: House) -> None:
    before = house.now() - timedelta(minutes=1)
    won, _ = house.deal(won=True)
    house.deal(won=False)
    assert list(house.crm.won_since(before)) == [won]
    assert list(house.crm.won_since(house.now() + timedelta(hours=1))) == []


def test_polling_lists_open_deals_from_a_stage_on(house: House) -> None:
    before = house.now() - timedelta(minutes=1)
    still_open, _ = house.deal(won=False)
    house.deal(won=True)
    stage = house.crm.fetch_deal(still_open, house.mapping).stage
    assert house.crm.stages_from([stage])[0] == stage
    assert list(house.crm.open_since(before, [stage])) == [still_open]
    assert list(house.crm.open_since(house.now() + timedelta(hours=1), [stage])) == []


def test_an_open_deal_is_not_listed_for_a_later_stage(house: House) -> None:
    before = house.now() - timedelta(minutes=1)
    ref, _ = house.deal(won=False)
    later = house.crm.stages_from([house.crm.fetch_deal(ref, house.mapping).stage])[1:2]
    assert list(house.crm.open_since(before, later)) == []


def test_a_stage_that_no_pipeline_has_lists_nothing(house: House) -> None:
    house.deal(won=False)
    assert house.crm.stages_from(["no such stage"]) == ()
    assert list(house.crm.open_since(house.now() - timedelta(hours=1), ["no such stage"])) == []


def marked(house: House, *deals: RecordRef) -> str:
    """Write our status to these deals; gives the CRM's name of its field."""
    marker = a_field(house, "deal", "sync_status")
    assert not [one for one in house.crm.write([CrmWrite(ref, {marker: "billed"}) for ref in deals]) if one.error]
    return marker


def test_polling_lists_every_deal_that_we_marked_and_when_it_changed(house: House) -> None:
    """Won, open or lost: what is billed may be reopened."""
    won, still_open, unmarked = (house.deal(won=won)[0] for won in (True, False, True))
    before = house.now() - timedelta(minutes=1)
    marker = marked(house, won, still_open)
    touched = list(house.crm.touched_since(before, marker))
    assert {each.ref for each in touched} == {won, still_open}
    assert unmarked in list(house.crm.won_since(before))
    assert all(abs(each.at - house.now()) < timedelta(minutes=1) for each in touched)
    assert [each.at for each in touched] == sorted(each.at for each in touched)
    assert list(house.crm.touched_since(house.now() + timedelta(hours=1), marker)) == []


def test_a_write_of_ours_is_told_with_its_moment(house: House) -> None:
    """So that it is known for what it is: our own."""
    ref, _ = house.deal(won=True)
    wrote_at = house.now()
    marker = marked(house, ref)
    [touched] = house.crm.touched_since(wrote_at - timedelta(hours=1), marker)
    assert abs(touched.at - wrote_at) < timedelta(seconds=30)


def test_a_mark_that_was_taken_off_counts_no_more(house: House) -> None:
    ref, _ = house.deal(won=True)
    marker = marked(house, ref)
    house.crm.write([CrmWrite(ref, {marker: None})])
    assert list(house.crm.touched_since(house.now() - timedelta(hours=1), marker)) == []


def test_a_field_that_the_crm_lacks_marks_nothing(house: House) -> None:
    """Set-up was not run yet, or a person took the field away: polling goes on without."""
    house.deal(won=True)
    assert list(house.crm.touched_since(house.now() - timedelta(hours=1), "No_Such_Field__c")) == []


def test_asking_what_was_touched_costs_one_call(house: House) -> None:
    """Beside what is asked for once and kept: a CRM is polled every few minutes of its life."""
    ref, _ = house.deal(won=True)
    marker = marked(house, ref)
    later = house.now() + timedelta(hours=1)
    list(house.crm.touched_since(later, marker))
    before = house.calls()
    list(house.crm.touched_since(later, marker))
    assert house.calls() - before == 1


def test_an_account_that_nothing_was_merged_into_was_never_another(house: House) -> None:
    ref, _ = house.deal(won=True)
    records = house.crm.fetch_deal(ref, house.mapping)
    assert (records.formerly, records.payer, records.refusal, records.lost) == ((), None, None, False)


def test_values_are_written_and_cleared(house: House) -> None:
    ref, account = house.deal(won=True)
    health, balance = a_field(house, "account", "health"), a_field(house, "account", "open_balance")
    message = a_field(house, "deal", "sync_message")
    results = house.crm.write(
        [
            CrmWrite(account, {health: "late", balance: Decimal("12.50")}),
            CrmWrite(ref, {message: "Add a PO number."}),
        ]
    )
    assert [(result.ref, result.error) for result in results] == [(account, None), (ref, None)]
    assert house.shown(account, health) == "late"
    assert Decimal(str(house.shown(account, balance))) == Decimal("12.5")
    assert house.shown(ref, message) == "Add a PO number."

    house.crm.write([CrmWrite(account, {balance: None}), CrmWrite(ref, {message: ""})])
    assert house.shown(account, balance) in (None, "")
    assert house.shown(ref, message) in (None, "")


def test_moments_and_flags_arrive_as_the_crm_keeps_them(house: House) -> None:
    _, account = house.deal(won=True)
    flag, stamp = a_field(house, "account", "late_payer"), a_field(house, "account", "synced_at")
    moment = house.now().astimezone(UTC).replace(microsecond=0)
    [result] = house.crm.write([CrmWrite(account, {flag: True, stamp: moment})])
    assert result.error is None
    assert str(house.shown(account, flag)).lower() == "true"
    assert str(house.shown(account, stamp))[:16].replace(" ", "T") == moment.isoformat()[:16]
    assert date.fromisoformat(str(house.shown(account, stamp))[:10]) == moment.date()


def test_one_bad_row_spoils_no_other_and_says_what_is_wrong(house: House) -> None:
    _, account = house.deal(won=True)
    health = a_field(house, "account", "health")
    missing = replace(account, id=house.unused_id(account))
    good, bad = house.crm.write([CrmWrite(account, {health: "good"}), CrmWrite(missing, {health: "good"})])
    assert (good.ref, good.error) == (account, None)
    assert bad.ref == missing
    assert isinstance(bad.error, NeedsHuman)
    assert house.shown(account, health) == "good"


def test_a_hundred_accounts_are_one_call(house: House) -> None:
    accounts = [house.deal(won=False)[1] for _ in range(100)]
    before = house.writes()
    results = house.crm.write(
        [CrmWrite(account, {a_field(house, "account", "health"): "good"}) for account in accounts]
    )
    assert [result.ref for result in results] == accounts
    assert not [result for result in results if result.error]
    assert house.writes() - before == 1


def test_writing_nothing_costs_no_call(house: House) -> None:
    before = house.writes()
    assert house.crm.write([]) == []
    assert house.writes() == before


def test_an_outage_is_told_as_one_and_nothing_is_swallowed(house: House) -> None:
    ref, account = house.deal(won=True)
    house.goes_away()
    with pytest.raises(RetryLater):
        house.crm.fetch_deal(ref, house.mapping)
    with pytest.raises(RetryLater):
        house.crm.write([CrmWrite(account, {a_field(house, "account", "health"): "good"})])


def test_describe_knows_every_field_that_is_written_back(house: House) -> None:
    for kind in ("account", "deal"):
        catalog = house.crm.describe(kind)
        wanted = set(house.mapping.write_back[kind].values())
        assert wanted <= catalog.fields.keys()
        assert all(catalog.fields[name].writable for name in wanted)


def test_setup_is_done_once(house: House) -> None:
    assert [action.id for action in house.crm.setup(house.mapping) if not action.done] == []


def test_the_doctor_finds_nothing_broken_after_setup(house: House) -> None:
    assert [c for c in house.crm.check(house.mapping) if c.status is CheckStatus.FAIL] == []


def test_refs_of_written_rows_come_back_in_order(house: House) -> None:
    refs: list[RecordRef] = []
    for _ in range(3):
        refs += house.deal(won=False)
    writes = [CrmWrite(ref, {a_field(house, ref.kind, "customer_id"): "cus_1"}) for ref in refs]
    assert [result.ref for result in house.crm.write(writes)] == refs
