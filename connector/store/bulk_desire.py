"""What thousands of CRM records should show, merged into what is stored: only rows that change are locked and touched.

It ends as ``PostgresRecords.desire`` would for one record after the other, and takes the locks in the same order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import psycopg

from connector.domain.refs import RecordRef
from connector.domain.write_back import STAMP, Stored, Values, encode, says_else
from connector.store.columns import to_json

_STORED = b"select ref, desired from crm_record where ref = any(%(refs)b)"

# One statement makes what is missing and locks what is there, row by row in the order given.
_MAKE_OR_LOCK = b"""
insert into crm_record (ref, crm, desired, written, differs, waiting_since)
select ref, crm, desired, '{}', differs, case when differs then now() end
  from jsonb_to_recordset(%(rows)s::jsonb) as one (place int, ref text, crm text, desired jsonb, differs boolean)
 order by place
on conflict (ref) do update set crm = excluded.crm where false
returning ref
"""

# Locked row by row in the order given, too.
_HOLD = b"""
select ref, desired, written, differs
  from crm_record join unnest(%(refs)b::text[]) with ordinality as one (name, place) on ref = name
 order by place
   for update of crm_record
"""

# As ``records._state`` has it for news: earlier failures and their wait are forgotten.
_CHANGE = b"""
update crm_record
   set desired = one.desired,
       differs = one.differs,
       waiting_since = case when one.differs then coalesce(crm_record.waiting_since, now()) end,
       parked = false, error = '', attempts = 0,
       not_before = case when crm_record.parked then now() else crm_record.not_before end
  from jsonb_to_recordset(%(rows)s::jsonb) as one (ref text, desired jsonb, differs boolean)
 where crm_record.ref = one.ref
"""


class _Row(NamedTuple):
    """What a record's row should hold now."""

    ref: RecordRef
    desired: Stored
    differs: bool


def desire_all(driver: psycopg.Connection[Any], values: Mapping[RecordRef, Values]) -> dict[RecordRef, bool]:
    """Merge values into what each record should show, in the transaction of ``driver``.

    A record is touched only when it is new, or when a value changes whose change is a reason to write. Gives those that
    changed, and whether they now differ from what was written.
    """
    stored = dict(_read(driver, _STORED, list(values)))
    wanted: dict[RecordRef, Stored] = {}
    for ref in sorted(values):
        shown = encode({name: value for name, value in values[ref].items() if name != STAMP})
        known = stored.get(str(ref))
        if known is None or says_else(known, shown):
            wanted[ref] = shown
    if not wanted:
        return {}
    made = _make_or_lock(driver, wanted, stored.keys()) if any(str(ref) not in stored for ref in wanted) else {}
    changed = _merged(driver, {ref: shown for ref, shown in wanted.items() if ref not in made})
    if changed:
        driver.execute(_CHANGE, _document(changed))
    return made | {row.ref: row.differs for row in changed}


def _make_or_lock(
    driver: psycopg.Connection[Any], wanted: Mapping[RecordRef, Stored], stored: Collection[str]
) -> dict[RecordRef, bool]:
    """A row for each record that has none; the others' are locked. Gives those that were made, and if they differ."""
    rows = [
        _Row(ref, {}, differs=False) if str(ref) in stored else _Row(ref, shown, says_else({}, shown))
        for ref, shown in wanted.items()
    ]
    made = {ref for (ref,) in driver.execute(_MAKE_OR_LOCK, _document(rows))}
    return {row.ref: row.differs for row in rows if str(row.ref) in made}


def _merged(driver: psycopg.Connection[Any], wanted: Mapping[RecordRef, Stored]) -> list[_Row]:
    """What these records' rows, now locked, should hold with these values; without those for whom it is no news."""
    rows = []
    for ref, desired, written, differs in _read(driver, _HOLD, list(wanted)):
        mine = RecordRef.parse(ref)
        now = {**desired, **wanted[mine]}
        row = _Row(mine, now, says_else(written, now))
        if row.differs != differs or says_else(desired, now):
            rows.append(row)
    return rows


def _read(driver: psycopg.Connection[Any], sql: bytes, refs: Sequence[RecordRef]) -> list[tuple[Any, ...]]:
    return driver.execute(sql, {"refs": [str(ref) for ref in refs]}, binary=True).fetchall()


def _document(rows: Sequence[_Row]) -> dict[str, str]:
    """All rows as one JSON text: an array of texts would cost the driver a look at each character of each."""
    return {
        "rows": to_json(
            [
                {
                    "place": place,
                    "ref": str(row.ref),
                    "crm": row.ref.provider,
                    "desired": row.desired,
                    "differs": row.differs,
                }
                for place, row in enumerate(rows)
            ]
        )
    }
