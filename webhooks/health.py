"""/healthz: this process answers. /readyz: it can store what it receives. /metrics: how much, how fast, what waits."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from flask import Blueprint, Response, abort, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST

from connector.jobs.engine_state import EngineState
from connector.ports import Services
from webhooks.metrics import exposition


def blueprint(services: Services, metrics_token: str, engine: Callable[[], EngineState] | None) -> Blueprint:
    """The routes a supervisor, a load balancer and Prometheus ask. An empty token leaves /metrics open."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def alive() -> Response:
        return jsonify({"status": "alive"})

    @routes.get("/readyz")
    def ready() -> Response:
        services.store.ping()
        return jsonify({"status": "ready"})

    @routes.get("/metrics")
    def measured() -> Response:
        if metrics_token and not _bears(metrics_token):
            abort(401)
        return Response(exposition(services.store, engine), content_type=CONTENT_TYPE_LATEST)

    return routes


def _bears(token: str) -> bool:
    """Whether the request carries this bearer token, compared in constant time."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.casefold() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
