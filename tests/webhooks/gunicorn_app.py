"""The receiver with one make-believe sender, for gunicorn: ``gunicorn tests.webhooks.gunicorn_app:app``."""

from __future__ import annotations

import os

from connector.store import PostgresStore
from tests.webhooks.doubles import services
from webhooks.app import create_app

app = create_app(services(PostgresStore(os.environ["DATABASE_URL"])), max_body_bytes=100_000)
