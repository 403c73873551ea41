"""``gunicorn webhooks.wsgi:app``: the receiver, built from the environment when a worker process loads it."""

from __future__ import annotations

from connector.bootstrap import build

from connector.settings import Settings
from webhooks.app import create_app

_settings = Settings()
app = create_app(
    build(_settings),
    max_body_bytes=_settings.max_body_bytes,
    metrics_token=_settings.metrics_token.get_secret_value(),
)
