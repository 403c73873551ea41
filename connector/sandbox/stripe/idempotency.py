"""Stripe's idempotency keys: the same request answers the same, a different one under the same key is refused.

Source: docs.stripe.com/api/idempotent_requests. An answer is kept once the work has begun; a request that
fails validation leaves nothing behind. Keys are forgotten after 24 hours.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from connector.sandbox.stripe.errors import StripeRefusal

_KEPT_SECONDS = 86_400
_MOST_KEYS = 100_000
_LONGEST_KEY = 255


@dataclass(frozen=True)
class Remembered:
    """An answer as it was given, to be given again."""

    fingerprint: str
    status: int
    body: bytes
    request_id: str
    at: int


class IdempotencyKeys:
    """Answers by key, and the keys whose first request is still being worked on."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Remembered] = OrderedDict()
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def holding(self, key: str) -> Iterator[None]:
        """Work under a key; a second request with it meanwhile gets Stripe's 409."""
        if len(key) > _LONGEST_KEY:
            raise StripeRefusal(
                f"Keys for idempotent requests may have up to {_LONGEST_KEY} characters.",
                kind="idempotency_error",
            )
        with self._lock:
            if key in self._busy:
                raise StripeRefusal(
                    "There is currently another in-progress request using this Idempotent Key (that probably "
                    "means you submitted twice, and the other request is still going through): "
                    f"{key}. Please try again later.",
                    status=409,
                    kind="idempotency_error",
                    code="idempotency_key_in_use",
                )
            self._busy.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(key)

    def recall(self, key: str, fingerprint: str, now: int) -> Remembered | None:
        """The answer given before under this key, or None; refuses another request under the same key."""
        with self._lock:
            found = self._kept.get(key)
            if found is None or now - found.at >= _KEPT_SECONDS:
                return None
        if found.fingerprint != fingerprint:
            raise StripeRefusal(
                "Keys for idempotent requests can only be used with the same parameters they were first used "
                f"with. Try using a key other than '{key}' if you meant to execute a different request.",
                kind="idempotency_error",
            )
        return found

    def keep(self, key: str, answer: Remembered) -> None:
        """Answer the same from now on."""
        with self._lock:
            self._kept[key] = answer
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST_KEYS:
                self._kept.popitem(last=False)
