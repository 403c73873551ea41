"""CRM records: what they should show, what was written, and what waits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from connector.domain.refs import RecordRef
from connector.domain.write_back import STAMP, Values
from connector.ports import DealBilling
from connector.store import PostgresStore

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ACME = RecordRef("hubspot", "account", "1")
BETA = RecordRef("hubspot", "account", "2")
VALUES: Values = {
    "mrr": Decimal("99.50"),
    "late_payer": True,
    "overdue_count": 2,
    "renewal_date": date(2027, 1, 31),
    "health": "late",
    "sync_message": None,
    "health_as_of": date(2026, 11, 21),
}


def desire(store: PostgresStore, values: Values, ref: RecordRef = ACME) -> bool:
    with store.begin() as work:
        return work.records.desire(ref, values)


def written(store: PostgresStore, values: Values, ref: RecordRef = ACME) -> None:
    with store.begin() as work:
        work.records.written(ref, values, NOW)


def failed(store: PostgresStore, *, retry_in: timedelta | None, ref: RecordRef = ACME) -> None:
    with store.begin() as work:
        work.records.failed(ref, "the field is read-only", retry_in=retry_in)


def waiting(store: PostgresStore, limit: int = 10) -> list[RecordRef]:
    with store.begin() as work:
        return [state.ref for state in work.records.waiting("hubspot", limit)]


def test_values_come_back_with_their_types(store: PostgresStore) -> None:
    """A Decimal stays one, a date stays one, and None is a value."""
    assert desire(store, VALUES) is True
    with store.begin() as work:
        (state,) = work.records.waiting("hubspot", 10)
        assert work.records.get(BETA) is None
    assert state.desired == VALUES
    assert state.difference() == VALUES
    assert isinstance(state.desired["mrr"], Decimal)


def test_desired_values_are_merged(store: PostgresStore) -> None:
    """The deal's use-case and the account's each set their own."""
    desire(store, {"health": "good"})
    desire(store, {"mrr": Decimal(1)})
    with store.begin() as work:
        state = work.records.get(ACME)
    assert state is not None
    assert state.desired == {"health": "good", "mrr": Decimal(1)}


def test_what_was_written_no_longer_waits(store: PostgresStore) -> None:
    """An unchanged value costs no API call, whatever its spelling: 99.50 is 99.5."""
    desire(store, VALUES)
    written(store, VALUES)
    assert waiting(store) == []
    assert desire(store, {"mrr": Decimal("99.5")}) is False
    assert desire(store, {"mrr": Decimal("99.51")}) is True
    assert waiting(store) == [ACME]


def test_a_value_that_changed_while_it_was_written_still_waits(store: PostgresStore) -> None:
    """Only what was really sent counts as written."""
    desire(store, {"health": "good"})
    desire(store, {"health": "late"})
    written(store, {"health": "good"})
    assert waiting(store) == [ACME]


def test_a_value_that_goes_back_while_nobody_knows_whether_it_was_sent_is_sent_again(store: PostgresStore) -> None:
    """Nothing owed, then an invoice, then nothing again; the write in between may have arrived, its sender died."""
    desire(store, {"open_balance": Decimal(0), "health": "good"})
    written(store, {"open_balance": Decimal(0), "health": "good"})
    desire(store, {"open_balance": Decimal(145)})
    with store.begin() as work:
        work.records.sending(work.records.waiting("hubspot", 10))
    assert desire(store, {"open_balance": Decimal(0)}) is True
    with store.begin() as work:
        (state,) = work.records.waiting("hubspot", 10)
    assert state.difference() == {"open_balance": Decimal(0)}
    written(store, {"open_balance": Decimal(0)})
    assert waiting(store) == []


@pytest.mark.parametrize("quiet", ["health_as_of", STAMP])
def test_a_date_or_a_stamp_alone_is_no_reason_to_write(store: PostgresStore, quiet: str) -> None:
    """It goes along with the next change."""
    desire(store, {"health": "good"})
    written(store, {"health": "good"})
    value = NOW if quiet == STAMP else date(2026, 11, 22)
    assert desire(store, {quiet: value}) is False
    assert waiting(store) == []


def test_a_value_taken_back_before_it_was_written_waits_no_more(store: PostgresStore) -> None:
    """The record already shows the truth again."""
    desire(store, {"health": "good"})
    written(store, {"health": "good"})
    desire(store, {"health": "late"})
    assert desire(store, {"health": "good"}) is False
    assert waiting(store) == []


def test_the_longest_waiting_come_first_and_only_those_of_the_crm(store: PostgresStore, database_url: str) -> None:
    """A row that keeps changing does not lose its place."""
    desire(store, VALUES, BETA)
    desire(store, VALUES, ACME)
    desire(store, {"health": "severe"}, BETA)
    desire(store, VALUES, RecordRef("salesforce", "account", "1"))
    assert waiting(store) == [BETA, ACME]
    assert waiting(store, 1) == [BETA]


def test_a_failed_row_waits_for_its_time_alone(store: PostgresStore) -> None:
    """Other rows go ahead."""
    desire(store, VALUES, ACME)
    desire(store, VALUES, BETA)
    failed(store, retry_in=timedelta(minutes=5))
    assert waiting(store) == [BETA]
    written(store, VALUES, BETA)
    with store.begin() as work:
        assert work.records.revive() == []


def test_a_row_whose_time_has_come_waits_again(store: PostgresStore, database_url: str) -> None:
    """And its CRM is named as one with something to write."""
    desire(store, VALUES)
    failed(store, retry_in=timedelta(minutes=5))
    with psycopg.connect(database_url) as connection:
        connection.execute("update crm_record set not_before = now() - interval '1 second'")
    assert waiting(store) == [ACME]
    with store.begin() as work:
        assert work.records.revive() == ["hubspot"]


def test_a_parked_row_waits_until_a_value_changes(store: PostgresStore) -> None:
    """The same values again, or a new date, change nothing; another value is a new chance."""
    desire(store, VALUES)
    failed(store, retry_in=None)
    assert waiting(store) == []
    with store.begin() as work:
        assert work.records.parked() == [(ACME, "the field is read-only")]
    desire(store, VALUES)
    desire(store, {"health_as_of": date(2026, 11, 22)})
    assert waiting(store) == []
    desire(store, {"health": "good"})
    assert waiting(store) == [ACME]
    with store.begin() as work:
        assert work.records.parked() == []


def test_a_row_written_at_last_is_forgiven(store: PostgresStore) -> None:
    """Its error is gone, and the next change goes out at once."""
    desire(store, VALUES)
    failed(store, retry_in=None)
    written(store, VALUES)
    with store.begin() as work:
        assert work.records.parked() == []
    desire(store, {"health": "good"})
    assert waiting(store) == [ACME]


def test_values_written_before_any_were_desired_are_kept(store: PostgresStore) -> None:
    """They are what the next desire is compared with."""
    written(store, {"health": "good"})
    assert desire(store, {"health": "good"}) is False
    assert desire(store, {"health": "late"}) is True


DEALS = [RecordRef("hubspot", "deal", str(number)) for number in range(4)]


def billed_at(store: PostgresStore, ref: RecordRef, at: datetime | None) -> None:
    with store.begin() as work:
        work.links.bill_to(ref, DealBilling(RecordRef("stripe", "customer", "cus_1"), ACME))
        if at is not None:
            work.records.written(ref, {"sync_status": "billed"}, at)


def test_it_is_known_when_we_last_wrote_to_a_record(store: PostgresStore) -> None:
    """Of those that were ever written; what only waits to be is left out."""
    written(store, {"health": "good"}, ACME)
    desire(store, VALUES, BETA)
    with store.begin() as work:
        assert work.records.written_at([ACME, BETA, *DEALS]) == {ACME: NOW}
        assert work.records.written_at([]) == {}


def test_billed_deals_come_by_the_time_we_wrote_them_page_after_page(store: PostgresStore) -> None:
    """Of one CRM, billed ones alone; those of one moment by their name, so that a page can follow another."""
    moments = [NOW + timedelta(hours=1), NOW, NOW, NOW - timedelta(seconds=1)]
    for ref, at in zip(DEALS, moments, strict=True):
        billed_at(store, ref, at)
    billed_at(store, RecordRef("hubspot", "deal", "unwritten"), None)
    billed_at(store, RecordRef("salesforce", "deal", "1"), NOW)
    written(store, {"sync_status": "waiting"}, RecordRef("hubspot", "deal", "unbilled"))
    with store.begin() as work:
        first = work.records.billed_and_written("hubspot", NOW, None, 1)
        second = work.records.billed_and_written("hubspot", NOW, DEALS[1], 5)
    assert first == [(DEALS[1], NOW)]
    assert second == [(DEALS[2], NOW), (DEALS[0], NOW + timedelta(hours=1))]
