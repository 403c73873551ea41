"""One call to Stripe at a time: our turn under the limit, bounded back-off, plain dicts out, our own errors."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias, TypeVar, cast

import stripe
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from connector.billing.stripe.errors import retry_after, translate
from connector.billing.stripe.settings import StripeSettings
from connector.domain.refs import RecordRef
from connector.errors import NeedsHuman
from connector.ports import Throttle
from connector.sentences.stripe import TOO_MANY_RECORDS

Json: TypeAlias = Mapping[str, Any]
"""One of Stripe's objects as plain dicts and lists; a ``*_decimal`` field is a Decimal, or the text of one."""


PAGE = 100
"""The most Stripe gives in one page."""

_Params = TypeVar("_Params")

_TIMEOUT = (5, 30)
"""Seconds to connect and to wait for an answer. The SDK's own 80 s would hold a worker for minutes."""

_NETWORK_RETRIES = 2
"""Lost connections, 409 and 5xx are retried by the SDK under the same idempotency key; without this it never does."""

_TRIES = 4
_LONGEST_PAUSE = 5.0
"""Seconds a worker waits here. A longer wait asked for by Stripe goes back to the queue instead."""


def stripe_client(settings: StripeSettings) -> stripe.StripeClient:
    """The SDK's client, at its own API version: it is never overridden, since the SDK's types are made for it."""
    # The SDK writes parameters and error sentences, which hold names and addresses, to its log below WARNING; its
    # telemetry writes a file to the home directory, which a container may not have.
    logging.getLogger("stripe").setLevel(logging.WARNING)
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        settings.api_key.get_secret_value(),
        http_client=stripe.RequestsClient(timeout=_TIMEOUT),
        max_network_retries=_NETWORK_RETRIES,
        base_addresses={"api": settings.api_base},
    )


class _Plain:
    """An answer that is plain already, with the one method of the SDK's objects that we use."""

    def __init__(self, body: Json) -> None:
        self._body = body

    def to_dict(self) -> Json:
        return self._body


def reading(client: stripe.StripeClient, path: str) -> Callable[[Any], Any]:
    """The SDK's own ``GET``, without its objects, for what is read by the hundred: they take longer than the call.

    The SDK makes an object of every dict in an answer, however deep, only for us to turn each back into a dict.
    """
    return lambda params: _Plain(cast("Json", client.raw_request("get", path, **params).data))


class Calls:
    """Makes calls and gives their answers as plain dicts."""

    def __init__(self, throttle: Throttle, pause: Callable[[float], None] = time.sleep) -> None:
        self._throttle = throttle
        self._pause = pause

    def one(self, what: str, ask: Callable[[], Any], ref: RecordRef | None = None) -> Json:
        """The answer of one call. ``what`` names it for people: ``invoices.retrieve``.

        A 429 is never retried by the SDK, so it is here: a few times within seconds, then it is the queue's.

        Raises:
            RateLimited, Unreachable, KeyUsed, Rejected, AccessLost, NotFound.
        """
        retrying = Retrying(
            retry=retry_if_exception(_worth_waiting),
            stop=stop_after_attempt(_TRIES),
            wait=_wait,
            sleep=self._pause,
            reraise=True,
        )
        try:
            answer = retrying(self._ask, ask)
        except stripe.StripeError as error:
            # Not chained: see connector.billing.stripe.errors.
            raise translate(error, what, ref) from None
        body: Json = answer.to_dict()
        return body

    def _ask(self, ask: Callable[[], Any]) -> Any:
        self._throttle.wait("stripe")
        return ask()

    def pages(self, what: str, ask: Callable[[_Params], Any], params: _Params, most: int) -> Iterator[list[Json]]:
        """Every page of a list, newest first; ``ask`` is the SDK's ``list``, ``params`` all but the page.

        Raises:
            NeedsHuman: there are more than ``most`` pages, so that nothing is left out in silence.
        """
        asked: dict[str, Any] = {"limit": PAGE, **cast("dict[str, Any]", params)}
        for _ in range(most):
            answer = self.one(what, partial(ask, cast("_Params", asked)))
            page: list[Json] = answer["data"]
            yield page
            if not answer.get("has_more") or not page:
                return
            asked = {**asked, "starting_after": page[-1]["id"]}
        raise NeedsHuman.because(TOO_MANY_RECORDS, provider="stripe", most=most * PAGE, what=what)

    def every(self, what: str, ask: Callable[[_Params], Any], params: _Params, most: int) -> list[Json]:
        """All records of a list, newest first."""
        return [record for page in self.pages(what, ask, params, most) for record in page]


def _worth_waiting(error: BaseException) -> bool:
    """Whether it is a 429 (too many calls, or a locked record) whose wait a worker may sit out."""
    return isinstance(error, stripe.RateLimitError) and (retry_after(error) or 0.0) <= _LONGEST_PAUSE


def _wait(state: RetryCallState) -> float:
    """What Stripe asks for, but at least about half a second, doubling from try to try."""
    error = state.outcome.exception() if state.outcome is not None else None
    asked = (retry_after(error) or 0.0) if isinstance(error, stripe.StripeError) else 0.0
    own = min(0.5 * 2.0 ** (state.attempt_number - 1), _LONGEST_PAUSE)
    return max(asked, own * random.uniform(0.5, 1.0))
