"""What a doctor asks of the database: is it there, is it up to date, does it keep what it is told."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, text

from connector.errors import ConnectorError
from connector.ports import Check, CheckStatus
from connector.store.database import make_engine, our_errors
from connector.store.migrate import versions

_OLDEST = 15
"""The oldest Postgres that is still maintained at the end of 2026; the tests run on 18."""

_CLOCK_SLACK = 5.0  # seconds

# Each of these off means that a commit may be forgotten after a power cut, although the sender was told it is safe.
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


def check_storage(url: str) -> list[Check]:
    """Findings about the database at ``url``; never raises for one that is away, but says so."""
    try:
        engine = make_engine(url, pool_size=0, pooled=False)
        with our_errors(), engine.connect() as connection:
            return [
                _ok("storage.reachable", "The database answers."),
                _version(connection),
                _tables(connection),
                _writable(connection),
                _durable(connection),
                _encoding(connection),
                _clock(connection),
            ]
    except ConnectorError as error:
        return [Check("storage.reachable", CheckStatus.FAIL, error.message, error.hint)]


def _version(connection: Connection) -> Check:
    number = int(_show(connection, "server_version_num")) // 10_000
    if number < _OLDEST:
        sentence = f"The database is Postgres {number}; {_OLDEST} or newer is needed."
        return Check("storage.version", CheckStatus.FAIL, sentence, "Upgrade the server.")
    return _ok("storage.version", f"The database is Postgres {number}.")


def _tables(connection: Connection) -> Check:
    there, needed = versions(connection)
    if there == needed:
        return _ok("storage.tables", "The tables are those this version needs.")
    sentence = "The database has no tables yet." if there is None else f"The tables are at {there}, not at {needed}."
    return Check("storage.tables", CheckStatus.FAIL, sentence, "Run `connector migrate`.")


def _writable(connection: Connection) -> Check:
    if _show(connection, "transaction_read_only") == "on":
        hint = "DATABASE_URL must name the primary, not a standby."
        return Check("storage.writable", CheckStatus.FAIL, "The database takes no writes.", hint)
    return _ok("storage.writable", "The database takes writes.")


def _durable(connection: Connection) -> Check:
    off = [name for name in _DURABLE if _show(connection, name) == "off"]
    if off:
        sentence = f"The database may forget what it confirmed: {', '.join(off)} is off."
        return Check("storage.durable", CheckStatus.WARN, sentence, "Turn it on, unless this is a test.")
    return _ok("storage.durable", "What the database confirms survives a power cut.")


def _encoding(connection: Connection) -> Check:
    encoding = _show(connection, "server_encoding")
    if encoding != "UTF8":
        sentence = f"The database holds {encoding}, which lacks many of the letters customers are spelt with."
        return Check("storage.encoding", CheckStatus.FAIL, sentence, "Create it with encoding UTF8.")
    return _ok("storage.encoding", "The database holds every letter.")


def _clock(connection: Connection) -> Check:
    there = connection.execute(text("select clock_timestamp()")).scalar_one()
    apart = abs((there - datetime.now(UTC)).total_seconds())
    if apart > _CLOCK_SLACK:
        sentence = f"The database's clock and this machine's are {apart:.0f} s apart."
        return Check("storage.clock", CheckStatus.WARN, sentence, "Let both follow a time server.")
    return _ok("storage.clock", "The database's clock agrees with this machine's.")


def _show(connection: Connection, name: str) -> str:
    return str(connection.execute(text("select current_setting(:name)"), {"name": name}).scalar_one())


def _ok(check: str, sentence: str) -> Check:
    return Check(check, CheckStatus.OK, sentence)
