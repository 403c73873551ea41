"""create_app: the Flask app that vendors' webhooks, supervisors and Prometheus talk to."""

from __future__ import annotations

from flask import Flask

from connector.ports import Services
from webhooks import errors, health, receive

DEFAULT_BODY_LIMIT = 2 * 1024 * 1024


def create_app(services: Services, *, max_body_bytes: int = DEFAULT_BODY_LIMIT, metrics_token: str = "") -> Flask:
    """The receiver, ready for any WSGI server.

    ``max_body_bytes`` limits every request body, announced or chunked; beyond it the answer is 413. ``metrics_token``
    guards /metrics; empty leaves it open to whoever reaches it.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    errors.install(app)
    app.register_blueprint(receive.blueprint(services, max_body_bytes))
    app.register_blueprint(health.blueprint(services, metrics_token))
    return app
