"""``gunicorn webhooks.wsgi:app``: the receiver, built from the environment when a worker process loads it."""

from __future__ import annotations

from connector.bootstrap import build
from webhooks.app import create_app

_connector = build()
_settings = _connector.environment.settings

app = create_app(
    _connector.services,
    max_body_bytes=_settings.max_body_bytes,
    metrics_token=_settings.metrics_token.get_secret_value(),
)
