"""How a request reaches HubSpot: our turn under its limits, a time limit, a few tries within seconds, our errors.

The official client makes every request. We read the answers from their JSON ourselves: the client's own models turn
the ids that HubSpot writes as numbers into other types, and fail on batch errors whose context is a text.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import tenacity
import urllib3

from connector.crm.hubspot.errors import DAILY, Refusal, read_refusal, until_midnight
from connector.domain.refs import RecordRef
from connector.errors import NeedsHuman, RateLimited, RetryLater, Unreachable
from connector.ports import Clock, Throttle
from connector.sentences.hubspot import NO_ANSWER

LIMIT = "hubspot"
SEARCH_LIMIT = "hubspot:search"
"""Search has its own, lower limit beside the general one."""

TIMEOUT = (5, 30)
"""Seconds to connect, and to wait for the answer. The client has none of its own."""

TRIES = 4
LONGEST_WAIT = 10.0
"""Seconds. HubSpot's short limit is counted over ten; a longer wait belongs to the Target's ``not_before``."""

PATIENCE = 45.0
"""Seconds after which a request is not tried again, however often it was."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded answer: 200, 201, or 207 where some rows of a batch were refused."""

    status: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DailyBudget:
    """How much of the day's API calls the account has used, by its own count."""

    used: int
    allowed: int


@dataclass(eq=False)
class Refused(Exception):
    """HubSpot said no to a whole request. ``error`` is ours; ``refusal`` is what a batch is taken apart by."""

    refusal: Refusal
    error: RetryLater | NeedsHuman


@dataclass(eq=False)
class _Again(Exception):
    """A failure that may be over in seconds."""

    refused: Refused
    wait: float | None


@dataclass
class Calls:
    """Makes requests through the official client, under one policy for all of them."""

    throttle: Throttle
    clock: Clock
    time_zone: str = ""
    sleep: Callable[[float], None] = time.sleep
    budget: DailyBudget | None = field(default=None, init=False)

    def make(
        self,
        operation: Callable[..., Any],
        *arguments: Any,
        limits: tuple[str, ...] = (LIMIT,),
        ref: RecordRef | None = None,
        once: bool = False,
        **parameters: Any,
    ) -> Answer:
        """The answer to one call of the official client.

        ``once`` is for what must not be done twice: it is sent again only where HubSpot said that it had no turn.

        Raises: AccessLost, NotFound, Rejected, RateLimited, Unreachable.
        """
        try:
            return self.attempt(operation, *arguments, limits=limits, ref=ref, once=once, **parameters)
        except Refused as refused:
            # The refusal's own text may quote record data, so it is not kept as the cause.
            raise refused.error from None

    def attempt(
        self,
        operation: Callable[..., Any],
        *arguments: Any,
        limits: tuple[str, ...] = (LIMIT,),
        ref: RecordRef | None = None,
        once: bool = False,
        **parameters: Any,
    ) -> Answer:
        """As ``make``, but raises Refused with all that HubSpot said, for a caller that can do something about it."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_had_no_turn if once else _may_pass),
            wait=_wait,
            stop=tenacity.stop_after_attempt(TRIES) | tenacity.stop_after_delay(PATIENCE),
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return retrying(self._once, operation, arguments, limits, ref, parameters)
        except _Again as failed:
            raise failed.refused from None

    def _once(
        self,
        operation: Callable[..., Any],
        arguments: tuple[Any, ...],
        limits: tuple[str, ...],
        ref: RecordRef | None,
        parameters: Mapping[str, Any],
    ) -> Answer:
        for name in limits:
            self.throttle.wait(name)
        try:
            response = operation(*arguments, _request_timeout=TIMEOUT, _preload_content=False, **parameters)
            content, status, headers = response.data, int(response.status), response.headers
        except urllib3.exceptions.HTTPError as error:
            raise _again(_no_answer(type(error).__name__, ref)) from None
        except UnicodeDecodeError:  # the client decodes the body of an error before it raises it
            raise _again(_no_answer("UnicodeDecodeError", ref)) from None
        except Exception as error:
            # Each package of the client has exception classes of its own without a public common base.
            answered = getattr(error, "status", None)
            if not isinstance(answered, int) or isinstance(answered, bool):
                raise
            headers = getattr(error, "headers", None) or {}
            self._note_budget(headers)
            raise self._refused(answered, getattr(error, "body", None), headers, ref) from None
        self._note_budget(headers)
        return Answer(status, _decoded(content, status, ref))

    def _refused(self, status: int, body: object, headers: Mapping[str, str], ref: RecordRef | None) -> Exception:
        refusal = read_refusal(status, _json(body))
        now = self.clock()
        wait = _retry_after(headers, now)
        if refusal.policy == DAILY and status == 429:
            return Refused(refusal, refusal.error(ref, until_midnight(now, self.time_zone)))
        refused = Refused(refusal, refusal.error(ref, wait))
        if not isinstance(refused.error, RetryLater) or (wait is not None and wait > LONGEST_WAIT):
            return refused
        return _Again(refused, wait)

    def _note_budget(self, headers: Mapping[str, str]) -> None:
        allowed = headers.get("X-HubSpot-RateLimit-Daily", "")
        left = headers.get("X-HubSpot-RateLimit-Daily-Remaining", "")
        if allowed.isascii() and allowed.isdigit() and left.isascii() and left.isdigit():
            self.budget = DailyBudget(max(int(allowed) - int(left), 0), int(allowed))
            self.throttle.budget(LIMIT, self.budget.used, self.budget.allowed)


def _may_pass(failure: BaseException) -> bool:
    return isinstance(failure, _Again)


def _had_no_turn(failure: BaseException) -> bool:
    """Any other failure may hide that the work was done."""
    return isinstance(failure, _Again) and isinstance(failure.refused.error, RateLimited)


def _wait(state: tenacity.RetryCallState) -> float:
    """What HubSpot asked for, or half a second, one, two, with some chance so that processes do not march in step."""
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, _Again) and failure.wait is not None:
        return failure.wait
    return tenacity.wait_exponential_jitter(multiplier=0.5, max=4, jitter=0.5)(state)


def _again(error: Unreachable) -> _Again:
    return _Again(Refused(Refusal(0), error), None)


def _no_answer(kind: str, ref: RecordRef | None) -> Unreachable:
    return Unreachable.because(NO_ANSWER, provider="hubspot", ref=ref, evidence={"code": kind})


def _decoded(content: object, status: int, ref: RecordRef | None) -> Mapping[str, Any]:
    body = _json(content) if content else {}
    if isinstance(body, Mapping):
        return body
    # A proxy's own page with status 200: nothing of it may be taken for HubSpot's word.
    raise _Again(Refused(Refusal(status), Refusal(status).error(ref)), None)


def _json(content: object) -> object:
    if not isinstance(content, str | bytes):
        return None
    try:
        return json.loads(content, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None


def _retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds, from either form of the header (RFC 9110, section 10.2.3)."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max((parsedate_to_datetime(text) - now).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None
