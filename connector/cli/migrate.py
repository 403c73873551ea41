"""``connector migrate``: bring the database up to date."""

from __future__ import annotations

import click

from connector.bootstrap import database_url, migrate_database
from connector.settings import Environment


@click.command(short_help="Bring the database up to date.")
def migrate() -> None:
    """Bring the database up to date. Safe to run from several processes at once, and again."""
    migrate_database(database_url(Environment.read().settings))
    click.echo("The database is up to date.")
