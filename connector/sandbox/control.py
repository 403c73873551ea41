"""The control API: move the clock, cause trouble, look at what happened."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from flask import Flask, Response, jsonify, request

from connector.sandbox.clock import Clock
from connector.sandbox.deliveries import Deliveries
from connector.sandbox.faults import Fault, Faults
from connector.sandbox.request_log import RequestLog
from connector.sandbox.vendor import Vendor

_HISTORY_SHOWN = 500


def control_app(
    clock: Clock, faults: Faults, deliveries: Deliveries, log: RequestLog, vendors: Sequence[Vendor]
) -> Flask:
    """The control API of a running sandbox; answers are JSON, a wrong request is a 400 with a sentence."""
    app = Flask("connector.sandbox.control")
    _mount_clock(app, clock)
    _mount_faults(app, faults)
    _mount_history(app, deliveries, log)
    for vendor in vendors:
        app.register_blueprint(vendor.control(), url_prefix=f"/control/{vendor.name}")

    @app.errorhandler(ValueError)
    @app.errorhandler(TypeError)
    def refuse(error: Exception) -> tuple[Response, int]:
        return jsonify(error=str(error)), 400

    @app.errorhandler(LookupError)
    def missing(error: Exception) -> tuple[Response, int]:
        return jsonify(error=str(error)), 404

    return app


def _mount_clock(app: Flask, clock: Clock) -> None:
    @app.get("/control/clock")
    def show_clock() -> Response:
        return jsonify(now=clock.now().isoformat())

    @app.post("/control/clock")
    def advance_clock() -> Response:
        clock.advance(timedelta(seconds=float(request.get_json()["advance_seconds"])))
        return jsonify(now=clock.now().isoformat())


def _mount_faults(app: Flask, faults: Faults) -> None:
    @app.get("/control/faults")
    def show_faults() -> Response:
        return jsonify(faults=[asdict(fault) for fault in faults.waiting()])

    @app.post("/control/faults")
    def add_fault() -> Response:
        faults.add(Fault(**request.get_json()))
        return show_faults()

    @app.delete("/control/faults")
    def clear_faults() -> Response:
        faults.clear()
        return show_faults()


def _mount_history(app: Flask, deliveries: Deliveries, log: RequestLog) -> None:
    @app.get("/control/log")
    def show_log() -> Response:
        return jsonify(
            counts=log.counts(),
            statuses=log.statuses(),
            refused=[asdict(refusal) for refusal in log.refused()],
            user_agents=log.user_agents(),
        )

    @app.delete("/control/log")
    def clear_log() -> Response:
        log.clear()
        return show_log()

    @app.get("/control/deliveries")
    def show_deliveries() -> Response:
        wanted = min(request.args.get("history", _HISTORY_SHOWN, type=int), _HISTORY_SHOWN)
        shown = [{**asdict(one), "at": one.at.isoformat()} for one in deliveries.latest(wanted)] if wanted > 0 else []
        return jsonify(pending=deliveries.pending(), history=shown)
