"""What the doctor says about the database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from connector.ports import Check, CheckStatus
from connector.store import check, check_storage, migrate


def findings(url: str) -> dict[str, Check]:
    return {one.id: one for one in check_storage(url)}


def test_a_sound_database_passes_every_check(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing to do, so no hint either. Only the test server's forgetfulness is hidden here."""
    monkeypatch.setattr(check, "_DURABLE", ("track_counts",))
    found = findings(database_url)
    assert {one.status for one in found.values()} == {CheckStatus.OK}
    assert {one.hint for one in found.values()} == {""}
    assert "Postgres 18" in found["storage.version"].sentence


def test_a_database_that_is_away_is_one_finding() -> None:
    """With what to look at; the doctor goes on with his other checks."""
    (finding,) = check_storage("postgresql://nobody@127.0.0.1:1/nowhere")
    assert (finding.id, finding.status) == ("storage.reachable", CheckStatus.FAIL)
    assert "DATABASE_URL" in finding.hint


def test_an_address_of_something_else_is_one_finding() -> None:
    """Told in the same way."""
    (finding,) = check_storage("mysql://x")
    assert finding.status is CheckStatus.FAIL


def test_missing_and_old_tables_are_told(empty_database_url: str) -> None:
    """Both with the command that mends them."""
    empty = findings(empty_database_url)["storage.tables"]
    assert (empty.status, empty.sentence) == (CheckStatus.FAIL, "The database has no tables yet.")
    migrate(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("update schema_version set version_num = '0000'")
    old = findings(empty_database_url)["storage.tables"]
    assert "at 0000" in old.sentence
    assert old.hint == "Run `connector migrate`."


def test_a_database_that_forgets_or_refuses_writes_is_told(database_url: str) -> None:
    """The test server itself forgets; a standby is like a database that only reads."""
    assert findings(database_url)["storage.durable"].status is CheckStatus.WARN
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'alter database "{name}" set default_transaction_read_only = on'.encode())
    assert findings(database_url)["storage.writable"].status is CheckStatus.FAIL


@pytest.mark.parametrize(
    ("setting", "value", "finding", "status"),
    [
        ("server_version_num", "130012", "storage.version", CheckStatus.FAIL),
        ("server_encoding", "SQL_ASCII", "storage.encoding", CheckStatus.FAIL),
    ],
)
def test_an_old_server_or_a_poor_alphabet_is_told(
    database_url: str, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, finding: str, status: CheckStatus
) -> None:
    """As such a server would say it; we have none here to ask."""
    real = check._show

    def show(connection: Connection, name: str) -> str:
        return value if name == setting else real(connection, name)

    monkeypatch.setattr(check, "_show", show)
    assert findings(database_url)[finding].status is status


def test_a_clock_that_is_off_is_told(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are measured by the database's clock, signatures by ours."""

    class Late(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Late:
            return cls.fromtimestamp((datetime.now(tz) - timedelta(minutes=1)).timestamp(), tz)

    monkeypatch.setattr(check, "datetime", Late)
    found = findings(database_url)["storage.clock"]
    assert found.status is CheckStatus.WARN
    assert "60 s" in found.sentence
