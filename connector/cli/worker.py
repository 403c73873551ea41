"""``connector worker``: one process that works on what the receiver stored."""

from __future__ import annotations

import click

from connector.bootstrap import build
from connector.jobs.worker import Pace, run_worker
from connector.sync import USE_CASES


@click.command(short_help="One worker; run as many as you like.")
def worker() -> None:
    """Work until told to stop. Run as many as you like against one database."""
    connector = build()
    try:
        pace = Pace(concurrency=connector.environment.settings.worker_concurrency)
        run_worker(connector.database_url, connector.services, USE_CASES, pace)
    finally:
        connector.close()
