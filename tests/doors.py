"""Whether something lets us through, as a yes or a no that a test can assert."""

from __future__ import annotations

from datetime import datetime

from connector.domain.inbox import InboundRequest
from connector.errors import NotGenuine, RateLimited
from connector.ports import Throttle, Webhook


def is_accepted(webhook: Webhook, request: InboundRequest, now: datetime) -> bool:
    """Whether the webhook takes the request for its sender's."""
    try:
        webhook.verify(request, now)
    except NotGenuine:
        return False
    return True


def has_a_turn(throttle: Throttle, name: str) -> bool:
    """Whether the throttle lets this work go on now."""
    try:
        throttle.wait(name)
    except RateLimited:
        return False
    return True
