"""What many records should show, set at once: the same end as one after the other, and nothing else touched."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import psycopg
import pytest

from connector.domain.refs import RecordRef
from connector.domain.write_back import STAMP, Values, decode, loud
from connector.store import PostgresStore
from tests.factories import NOW

COLUMNS = "ref, desired, written, crm, differs, waiting_since is not null, parked, error, attempts"

_LOCK = "select from crm_record where ref = %s for update"
_INSERT = "insert into crm_record (ref, crm, desired, written) values (%s, 'fake', '{}', '{}')"


def ref(name: str) -> RecordRef:
    return RecordRef("fake", "account", name)


def chance_values(chance: Random) -> Values:
    values: Values = {
        "mrr": chance.choice([None, Decimal("1.0"), Decimal("1.00"), Decimal(2)]),
        "overdue_count": chance.choice([0, 1, 2]),
        "late_payer": chance.choice([True, False]),
        "health_as_of": date(2026, 11, chance.randrange(1, 20)),
        "sync_message": chance.choice(["", "NUL \x00 and a lone \ud800", "größer"]),
        STAMP: NOW,
    }
    return {name: values[name] for name in values if chance.random() < 0.8}


def rows(database_url: str, prefix: str) -> dict[str, tuple[Any, ...]]:
    """What matters of each row, by the end of its name."""
    with psycopg.connect(database_url) as connection:
        query = f"select {COLUMNS} from crm_record where ref like %s"  # noqa: S608 - a constant
        found = connection.execute(query.encode(), [f"fake:account:{prefix}-%"]).fetchall()
    return {name[-3:]: (loud(decode(desired)), decode(written), *rest) for name, desired, written, *rest in found}


def versions(database_url: str) -> dict[str, str]:
    with psycopg.connect(database_url) as connection:
        return dict(connection.execute("select ref, xmin::text || ctid::text from crm_record").fetchall())


def some_past(store: PostgresStore, name: RecordRef, chance: Random) -> None:
    """New, waiting, written, written and changed since, or parked after a failure."""
    fate = chance.randrange(5)
    with store.begin() as work:
        if fate:
            work.records.desire(name, chance_values(chance))
        if fate in (2, 3) and (state := work.records.get(name)) is not None:
            work.records.written(name, state.desired, NOW)
        if fate == 3:
            work.records.desire(name, chance_values(chance))
        if fate == 4:
            work.records.failed(name, "read-only", retry_in=chance.choice([None, timedelta(hours=1)]))


def test_many_end_as_one_after_the_other(store: PostgresStore, database_url: str) -> None:
    """Whatever their past, but for the day of a quiet change, which alone is no reason to touch a row."""
    names = [f"{number:03}" for number in range(150)]
    values = {}
    for prefix in ("one", "all"):
        chance = Random(7)
        for name in names:
            some_past(store, ref(f"{prefix}-{name}"), chance)
        values[prefix] = {ref(f"{prefix}-{name}"): chance_values(chance) for name in names}
    before = rows(database_url, "all")
    assert before == rows(database_url, "one")
    with store.begin() as work:
        differ = {name: work.records.desire(name, wanted) for name, wanted in values["one"].items()}
    with store.begin() as work:
        changed = work.records.desire_all(values["all"])
    after = rows(database_url, "all")
    assert after == rows(database_url, "one")
    assert all(differ[ref(f"one-{name.id[4:]}")] is differs for name, differs in changed.items())
    assert {name.id[4:] for name in changed} == {name for name in names if after.get(name) != before.get(name)}


def test_what_says_the_same_is_not_touched(store: PostgresStore, database_url: str) -> None:
    """Nor what says only that it was looked at today."""
    shown: Values = {"health": "good", "mrr": Decimal("1.0"), "health_as_of": date(2026, 11, 20)}
    values = {ref(name): shown for name in "abc"}
    with store.begin() as work:
        work.records.desire_all(values)
    before = versions(database_url)
    later: dict[RecordRef, Values] = {
        ref("a"): {**shown, "health_as_of": date(2026, 11, 21)},
        ref("b"): {**shown, "mrr": Decimal("1.00")},
        ref("c"): {**shown, "health": "late"},
    }
    with store.begin() as work:
        assert work.records.desire_all(later) == {ref("c"): True}
    after = versions(database_url)
    assert [name for name in before if before[name] != after[name]] == [str(ref("c"))]


def test_a_value_that_goes_back_to_what_was_written_waits_no_more(store: PostgresStore) -> None:
    with store.begin() as work:
        work.records.desire(ref("a"), {"health": "good"})
        work.records.written(ref("a"), {"health": "good"}, NOW)
        work.records.desire(ref("a"), {"health": "late"})
    with store.begin() as work:
        assert work.records.desire_all({ref("a"): {"health": "good"}}) == {ref("a"): False}
        assert work.records.waiting("fake", 10) == []


@pytest.mark.parametrize(("there", "reach"), [("b", _INSERT), ("abc", _LOCK)], ids=["some are new", "all are there"])
def test_rows_are_locked_in_the_order_of_their_refs(
    store: PostgresStore, database_url: str, there: str, reach: str
) -> None:
    """New ones and old ones alike, so that two transactions never wait for each other crosswise."""
    late: Values = {"health": "late"}
    for name in there:
        with store.begin() as work:
            work.records.desire(ref(name), {"health": "good"})

    def desire_them() -> None:
        with store.begin() as work:
            work.records.desire_all({ref(name): late for name in "cba"})

    with ThreadPoolExecutor(1) as beside, psycopg.connect(database_url, autocommit=True) as other:
        with store.begin() as holder:
            holder.records.desire(ref("b"), {"health": "watch"})
            done = beside.submit(desire_them)
            while not other.execute("select 1 from pg_locks where not granted").fetchone():
                assert not done.done()
            other.execute("set lock_timeout = '100ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):  # made or locked already
                other.execute(reach.encode(), [str(ref("a"))])
            other.execute(reach.encode(), [str(ref("c"))])
        done.result(timeout=10)
    with store.begin() as work:
        assert all((state := work.records.get(ref(name))) and state.desired == late for name in "abc")
