"""Stripe's deliveries: told from forgeries by their signature, read for ids only, answered at once."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from connector.billing.stripe.events import to_inbox
from connector.billing.stripe.settings import Mode, StripeSettings
from connector.domain.inbox import Acknowledgement, InboundRequest, InboxEvent
from connector.errors import NotGenuine, Unreadable

_LONGEST_HEADER = 4096
_MOST_SIGNATURES = 16
"""Stripe sends one signature per secret in force, at most a few while one is rotated."""


class StripeWebhook:
    """The ``Stripe-Signature`` scheme: ``t=<seconds>,v1=<HMAC-SHA256 of "t.body">[,v1=…]``.

    Not the SDK's ``construct_event``: it builds objects we do not need, reads the clock itself, and takes any time in
    the future. Source: docs.stripe.com/webhooks, "Verify webhook signatures manually".
    """

    source = "stripe"

    def __init__(self, settings: StripeSettings) -> None:
        self._secrets = tuple(secret.get_secret_value().encode() for secret in settings.webhook_secrets)
        self._tolerance = settings.webhook_tolerance
        self._live = settings.mode is Mode.LIVE

    def verify(self, request: InboundRequest, now: datetime) -> None:
        """Refuse what Stripe did not sign with one of our secrets within the last minutes, in our mode.

        Raises:
            NotGenuine: no, wrong or stale signature, or a live event beside a test key (or the other way round).
        """
        if not self._secrets:
            raise NotGenuine(
                "No Stripe webhook secret is set, so no delivery can be trusted.",
                hint="Run `connector setup stripe`, or copy the endpoint's signing secret to STRIPE_WEBHOOK_SECRETS.",
                provider="stripe",
            )
        timestamp, signatures = _read_header(request.headers.get("stripe-signature", ""))
        if not self._signed(b"%d.%b" % (timestamp, request.body), signatures):
            raise NotGenuine("The Stripe signature does not fit the body.", provider="stripe")
        try:
            signed_at = datetime.fromtimestamp(timestamp, UTC)
        except (OverflowError, OSError, ValueError):
            raise NotGenuine("The Stripe signature's time makes no sense.", provider="stripe") from None
        if abs(now - signed_at) > self._tolerance:
            raise NotGenuine(
                "The Stripe signature's time is too far from ours.",
                hint="If this goes on, set this machine's clock.",
                provider="stripe",
            )
        self._refuse_the_other_mode(request.body)

    def parse(self, request: InboundRequest) -> list[InboxEvent]:
        """The one event in the delivery.

        Raises:
            Unreadable: the body is not a Stripe event.
        """
        event = _read(request.body)
        return [to_inbox(event, request.body.decode())]

    def acknowledge(self, request: InboundRequest) -> Acknowledgement:
        """Any 2xx will do. Source: docs.stripe.com/webhooks."""
        return Acknowledgement()

    def _signed(self, payload: bytes, signatures: list[bytes]) -> bool:
        """Whether any signature fits any secret; every pair is compared, in constant time."""
        fits = False
        for secret in self._secrets:
            expected = hmac.new(secret, payload, sha256).hexdigest().encode()
            for signature in signatures:
                fits |= hmac.compare_digest(expected, signature)
        return fits

    def _refuse_the_other_mode(self, body: bytes) -> None:
        try:
            live = _read(body).get("livemode")
        except Unreadable:
            return  # signed, so it is Stripe's: `parse` says what is wrong with it, and it is kept
        if isinstance(live, bool) and live is not self._live:
            theirs, ours = ("live", "test") if live else ("test", "live")
            raise NotGenuine(
                f"This is a {theirs} event, but our Stripe key is a {ours} key.",
                hint=f"Remove this address from the {theirs} endpoints, or use a {theirs} key.",
                provider="stripe",
            )


def _read_header(header: str) -> tuple[int, list[bytes]]:
    """The time and every ``v1`` signature. Other schemes, which Stripe adds for its own tests, are passed over."""
    if not header:
        raise NotGenuine("The request carries no Stripe-Signature.", provider="stripe")
    if len(header) > _LONGEST_HEADER or not header.isascii():
        raise NotGenuine("The Stripe-Signature header is not one of Stripe's.", provider="stripe")
    time = ""
    signatures: list[bytes] = []
    for item in header.split(","):
        scheme, _, value = item.strip().partition("=")
        if scheme == "t" and not time:
            time = value
        elif scheme == "v1" and len(signatures) < _MOST_SIGNATURES:
            signatures.append(value.encode())
    if not time.isdigit() or len(time) > 15 or not signatures:
        raise NotGenuine("The Stripe-Signature header is not one of Stripe's.", provider="stripe")
    return int(time), signatures


@lru_cache(maxsize=16)
def _read(body: bytes) -> Mapping[str, Any]:
    """The body as JSON; remembered for a moment, since ``verify`` and ``parse`` both need it.

    Raises:
        Unreadable: it is no JSON object.
    """
    try:
        event = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise Unreadable("The body is signed by Stripe, but is no JSON.", provider="stripe") from error
    if not isinstance(event, dict):
        raise Unreadable("The body is signed by Stripe, but is no event.", provider="stripe")
    return event
