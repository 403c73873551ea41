"""``gunicorn webhooks.wsgi:app``: the receiver, built from the environment when a worker process loads it."""

from __future__ import annotations

from connector.bootstrap import build
from webhooks.app import app_for

app = app_for(build())
