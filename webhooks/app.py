"""create_app: the Flask app that vendors' webhooks, supervisors and Prometheus talk to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from flask import Flask

from connector.jobs.engine_state import EngineState, engine_state
from connector.ports import Services
from webhooks import errors, health, receive

if TYPE_CHECKING:
    from connector.bootstrap import Connector

DEFAULT_BODY_LIMIT = 2 * 1024 * 1024


def create_app(
    services: Services,
    *,
    max_body_bytes: int = DEFAULT_BODY_LIMIT,
    metrics_token: str = "",
    engine: Callable[[], EngineState] | None = None,
) -> Flask:
    """The receiver, ready for any WSGI server.

    ``max_body_bytes`` limits every request body, announced or chunked; beyond it the answer is 413. ``metrics_token``
    guards /metrics; empty leaves it open to whoever reaches it. ``engine`` tells how the job engine is, for /metrics.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    errors.install(app)
    app.register_blueprint(receive.blueprint(services, max_body_bytes))
    app.register_blueprint(health.blueprint(services, metrics_token, engine))
    return app


def app_for(connector: Connector) -> Flask:
    """The receiver of a connector that ``bootstrap`` built, with the limits its operator chose."""
    settings = connector.environment.settings
    return create_app(
        connector.services,
        max_body_bytes=settings.max_body_bytes,
        metrics_token=settings.metrics_token.get_secret_value(),
        engine=partial(engine_state, connector.database_url),
    )
