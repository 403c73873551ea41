"""POST /webhooks/<source>: verify, parse, store, and only then acknowledge. No vendor is called in between."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from urllib.parse import quote

import structlog
from flask import Blueprint, Request, Response, abort, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from connector.domain.inbox import EventKind, InboundRequest, InboxEvent
from connector.errors import NotGenuine, RetryLater, Unreadable
from connector.ports import Services, Webhook
from connector.sync.receive_event import receive
from webhooks import metrics
from webhooks.body import whole_body
from webhooks.errors import log_bug

log = structlog.get_logger(__name__)

_PATH_CHARACTERS = "/:@!$&'()*+,;=~-._"  #: what a path may hold unescaped, RFC 3986 section 3.3
_LONGEST_PROBLEM = 500


def blueprint(services: Services, limit: int) -> Blueprint:
    """The routes that vendors post to, one per registered source; ``token`` is for senders that cannot sign.

    ``limit`` is the most bytes a body may have.
    """
    routes = Blueprint("receive", __name__)

    @routes.post("/webhooks/<source>")
    @routes.post("/webhooks/<source>/<token>")
    def receive_webhook(source: str, token: str = "") -> Response:
        webhook = services.webhooks.get(source)
        if webhook is None:
            abort(404)
        began = time.perf_counter()
        outcome = "failed"
        try:
            response, outcome = _receive(webhook, inbound(request, services.public_url, token, limit), services)
        except (NotGenuine, RetryLater, HTTPException) as error:
            outcome = _refusal(error, source)
            raise
        finally:
            metrics.DELIVERIES.labels(source, outcome).inc()
            metrics.SECONDS.labels(source).observe(time.perf_counter() - began)
        return response

    return routes


def inbound(arrived: Request, public_url: str, token: str, limit: int) -> InboundRequest:
    """The request as its sender made it: signatures cover the public address, which a proxy may hide from us.

    Raises:
        RequestEntityTooLarge: the body goes beyond ``limit`` bytes, announced or not.
        ClientDisconnected: the body did not arrive whole.
    """
    query = arrived.query_string.decode("latin-1")
    path = quote(arrived.path, safe=_PATH_CHARACTERS)
    return InboundRequest(
        method=arrived.method,
        url=f"{public_url}{path}?{query}" if query else f"{public_url}{path}",
        headers={name.lower(): value for name, value in arrived.headers.items()},
        body=whole_body(arrived, limit),
        path_token=token,
    )


def _receive(webhook: Webhook, delivery: InboundRequest, services: Services) -> tuple[Response, str]:
    """The answer, and the word for how it went."""
    webhook.verify(delivery, services.clock())
    events = _events(webhook, delivery, services)
    acknowledgement = webhook.acknowledge(delivery)
    new = receive(events, services)
    for kind, count in Counter(event.kind for event in events).items():
        metrics.EVENTS.labels(webhook.source, kind.value).inc(count)
    metrics.NEW_EVENTS.labels(webhook.source).inc(new)
    response = Response(acknowledgement.body, acknowledgement.status, content_type=acknowledgement.content_type)
    response.headers.update(acknowledgement.headers)
    return response, "accepted" if new or not events else "duplicate"


def _events(webhook: Webhook, delivery: InboundRequest, services: Services) -> list[InboxEvent]:
    """What the delivery says; a body that makes no sense becomes one poison event, so that nothing is lost."""
    try:
        return webhook.parse(delivery)
    except Unreadable as error:
        problem = error.message
    except Exception as error:
        problem = f"{type(error).__name__} while reading it"
        log_bug("webhook parser failed", error)
    log.warning("unreadable webhook stored", source=webhook.source, problem=problem[:_LONGEST_PROBLEM])
    return [
        InboxEvent(
            source=webhook.source,
            event_id=hashlib.sha256(delivery.body).hexdigest(),
            kind=EventKind.POISON,
            type="unreadable",
            subject=None,
            occurred_at=services.clock(),
            body=delivery.body.decode("utf-8", "backslashreplace"),
            problem=problem[:_LONGEST_PROBLEM],
        )
    ]


def _refusal(error: Exception, source: str) -> str:
    """The word for a delivery we did not take. What was sent is not logged: it may be anybody's, and personal."""
    if isinstance(error, NotGenuine):
        log.warning("webhook refused", source=source, reason=error.message)
        return "not_genuine"
    if isinstance(error, RetryLater):
        log.warning("webhook put off", source=source, reason=error.message)
        return "unavailable"
    return "too_large" if isinstance(error, RequestEntityTooLarge) else "bad_request"
