"""Stripe's front door: keys, versions, faults, the derived document, idempotency, and one lock for all."""

import hashlib
import json
import re
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from flask import Blueprint, Flask, Response, request

from connector.sandbox.clock import Clock
from connector.sandbox.deliveries import Deliveries
from connector.sandbox.documents.form import MalformedForm, decode
from connector.sandbox.documents.stripe import Operation, stripe_document
from connector.sandbox.faults import Fault, Faults, hang_up
from connector.sandbox.request_log import RequestLog
from connector.sandbox.stripe.agenda import settle
from connector.sandbox.stripe.calls import HANDLERS, Call, refuse_unsimulated
from connector.sandbox.stripe.control import control
from connector.sandbox.stripe.errors import StripeRefusal
from connector.sandbox.stripe.events import Events
from connector.sandbox.stripe.idempotency import IdempotencyKeys, Remembered
from connector.sandbox.stripe.world import World

_FORM = "application/x-www-form-urlencoded"
_NOT_OUR_FAULT = {401, 404, 409, 429, 500}  # answers that are no refusal of what was asked


@dataclass
class _Answer:
    status: int
    body: bytes
    headers: dict[str, str]
    refused: str | None = None


class StripeVendor:
    """A Stripe account in test mode behind loopback HTTP."""

    name = "stripe"

    def __init__(self, clock: Clock, faults: Faults, deliveries: Deliveries, log: RequestLog) -> None:
        self.lock = threading.RLock()
        self.document = stripe_document()
        self.world = World(clock, self.document)
        self.events = Events(self.world, deliveries)
        self.refused_keys: set[str] = set()
        self._clock = clock
        self._faults = faults
        self._log = log
        self._keys = IdempotencyKeys()
        clock.on_advance(self._advanced)

    def app(self) -> Flask:
        """Stripe's public API: every path under /v1 and /v2."""
        app = Flask("connector.sandbox.stripe")
        methods = ["GET", "POST", "DELETE"]
        app.add_url_rule("/<path:path>", "stripe", self._serve, methods=methods)
        return app

    def control(self) -> Blueprint:
        """What the merchant, the customer or a bank could do."""
        return control(self)

    def settle(self) -> None:
        """Bring the account up to the clock's present. The caller holds the lock."""
        settle(self.world, self.events, int(self._clock.now().timestamp()))

    def begin(self) -> None:
        """Start something that no API request caused. The caller holds the lock."""
        self.settle()
        self.events.request = {"id": None, "idempotency_key": None}

    def finish(self) -> None:
        """It is done: keep it and tell the endpoints. The caller holds the lock."""
        self.world.commit()
        self.events.publish()

    def _advanced(self, _before: datetime, after: datetime) -> None:
        with self.lock:
            settle(self.world, self.events, int(after.timestamp()))

    def _serve(self, path: str) -> Response:
        body = request.get_data()  # read whole in any case, or a kept-alive connection would lose its place
        request_id = "req_" + secrets.token_hex(7)
        matched = self.document.match(request.method, "/" + path)
        operation = str(matched[0]) if matched else f"{request.method} (unknown)"
        fault = self._faults.for_request(self.name, operation)
        if fault and not (fault.kind == "timeout" and fault.after_work):
            answer = self._struck(fault)
        else:
            answer = self._answer(path, matched, body, request_id)
            if fault:
                hang_up(request.environ, fault.hold)
        agent = request.headers.get("User-Agent", "")
        self._log.record(self.name, operation, answer.status, agent, answer.refused)
        headers = {"Request-Id": request_id, "Stripe-Version": self.document.api_version, **answer.headers}
        return Response(answer.body, answer.status, headers, mimetype="application/json")

    def _answer(
        self, path: str, matched: tuple[Operation, dict[str, str]] | None, body: bytes, request_id: str
    ) -> _Answer:
        try:
            self._check_key()
            operation, ids = matched or _nowhere(path)
            self._check_version()
            call = Call(str(operation), ids, self._params(operation, body))
            return self._once(operation, call, body, request_id)
        except StripeRefusal as refusal:
            reason = None if refusal.status in _NOT_OUR_FAULT else refusal.message
            return _Answer(refusal.status, _json(refusal.body()), refusal.headers, reason)

    def _once(self, operation: Operation, call: Call, body: bytes, request_id: str) -> _Answer:
        """Do the work, or, under an idempotency key seen before, give the answer again."""
        key = request.headers.get("Idempotency-Key", "")
        if not key or operation.method != "POST":
            return self._work(call, request_id, None)
        fingerprint = hashlib.sha256(request.full_path.encode() + b"\0" + body).hexdigest()
        with self._keys.holding(key):
            known = self._keys.recall(key, fingerprint, int(self._clock.now().timestamp()))
            if known:
                headers = {"Idempotent-Replayed": "true", "Original-Request": known.request_id}
                return _Answer(known.status, known.body, {**headers, "Idempotency-Key": key})
            answer = self._work(call, request_id, key)
            if answer.status == 200 or answer.status == 402:
                now = int(self._clock.now().timestamp())
                self._keys.keep(key, Remembered(fingerprint, answer.status, answer.body, request_id, now))
            return _Answer(answer.status, answer.body, {"Idempotency-Key": key}, answer.refused)

    def _work(self, call: Call, request_id: str, key: str | None) -> _Answer:
        handler = HANDLERS.get(call.operation)
        if handler is None:
            raise StripeRefusal(f"The sandbox does not simulate {call.operation}.")
        refuse_unsimulated(handler, call)
        with self.lock:
            self.settle()
            self.events.request = {"id": request_id, "idempotency_key": key}
            try:
                made = handler.answer(self.world, call)
            except StripeRefusal as refusal:
                if refusal.status != 402:  # a declined card leaves its traces: a failed charge, an open invoice
                    self._undo()
                    raise
                self.finish()
                return _Answer(402, _json(refusal.body()), {})
            except BaseException:
                self._undo()
                raise
            self.finish()
            return _Answer(200, _json({**made, **call.secret_fields}), {})

    def _undo(self) -> None:
        self.world.roll_back()
        self.events.forget()

    def _params(self, operation: Operation, body: bytes) -> dict[str, Any]:
        form = request.query_string
        if request.method == "POST":
            kind = request.headers.get("Content-Type", _FORM).partition(";")[0]
            if body and kind != _FORM:
                raise StripeRefusal(f"Invalid request: Stripe's v1 API takes {_FORM}, not {kind}.")
            form = body
        try:
            params = self.document.typed(operation, decode(form.decode("utf-8")))
        except (MalformedForm, UnicodeDecodeError) as error:
            raise StripeRefusal(str(error)) from error
        problems = self.document.check_request(operation, params)
        if problems:
            first = problems[0]
            raise StripeRefusal(first.message, param=first.param, code=first.code)
        return params

    def _check_key(self) -> None:
        given = request.authorization
        key = given.token or given.username if given else None
        if not key:
            raise StripeRefusal(
                "You did not provide an API key. You need to provide your API key in the Authorization header, "
                "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
                status=401,
            )
        if not re.fullmatch(r"(sk|rk)_test_\w+", key) or key in self.refused_keys:
            raise StripeRefusal(f"Invalid API Key provided: {key[:8]}****{key[-4:]}", status=401)

    def _check_version(self) -> None:
        version = request.headers.get("Stripe-Version")
        if version != self.document.api_version:
            raise StripeRefusal(
                f"Invalid Stripe API version: {version}. This sandbox speaks {self.document.api_version}, the "
                "version the installed SDK pins.",
                code="invalid_api_version",
            )

    def _struck(self, fault: Fault) -> _Answer:
        if fault.kind == "timeout":
            hang_up(request.environ, fault.hold)
            return _Answer(504, b"", {})
        if fault.kind == "server_error":
            refusal = StripeRefusal(fault.detail or "An unknown error occurred", status=500, kind="api_error")
            return _Answer(500, _json(refusal.body()), {})
        locked = fault.detail == "lock_timeout"
        message = (
            "This object cannot be accessed right now because another API request or Stripe process is "
            "currently accessing it."
            if locked
            else "Request rate limit exceeded. Learn more about rate limits: https://stripe.com/docs/rate-limits"
        )
        refusal = StripeRefusal(message, status=429, code="lock_timeout" if locked else "rate_limit")
        headers = {"Stripe-Should-Retry": "true"} if locked else {}
        if fault.kind == "rate_limited":
            headers["Retry-After"] = f"{fault.retry_after:g}"
        return _Answer(429, _json(refusal.body()), headers)


def _nowhere(path: str) -> NoReturn:
    raise StripeRefusal(f"Unrecognized request URL ({request.method}: /{path}).", status=404)


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()  # indented as Stripe does it, this would be ten times slower
