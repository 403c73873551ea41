"""The way of a request through HubSpot: token, faults, limits, scopes, the document, the rules, the answer."""

import json
import threading
import uuid
from collections import deque
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, request

from connector.sandbox.documents.check import Problem
from connector.sandbox.documents.hubspot import HubSpotDocument, Operation
from connector.sandbox.faults import Fault, Faults, hang_up
from connector.sandbox.hubspot import associations_api, batch_api, objects_api, search, settings_api
from connector.sandbox.hubspot.access import Tokens, needed_scopes
from connector.sandbox.hubspot.calls import Answer, Call, Caller, Handler, not_simulated, route_of
from connector.sandbox.hubspot.kinds import missing_scopes
from connector.sandbox.hubspot.limits import Limits, Policy
from connector.sandbox.hubspot.portal import Portal
from connector.sandbox.hubspot.refusals import Detail, Refusal, invalid
from connector.sandbox.request_log import RequestLog

_UNKNOWN = "(no such call)"
_MOST_MISFITS = 100
_MOST_TOLD = 20
_MOST_BYTES = 10 * 1024 * 1024

#: Refusals that say nothing about the request itself, so they are no entry in the list of refused ones.
_NOT_THE_REQUEST = {401, 404, 429}


class Api:
    """HubSpot's public API over one portal."""

    def __init__(
        self, portal: Portal, document: HubSpotDocument, limits: Limits, tokens: Tokens, index: search.Index
    ) -> None:
        self.portal = portal
        self.document = document
        self.limits = limits
        self.tokens = tokens
        #: Answers of ours that do not fit the document: each is a bug of the sandbox.
        self.misfits: deque[str] = deque(maxlen=_MOST_MISFITS)
        #: (operation id, status) of every kind of answer given so far.
        self.answered: set[tuple[str, int]] = set()
        self._lock = threading.Lock()
        self._handlers: dict[str, Handler] = {
            **objects_api.HANDLERS,
            **batch_api.HANDLERS,
            **search.handlers(index),
            **associations_api.HANDLERS,
            **settings_api.HANDLERS,
        }

    def app(self, faults: Faults, log: RequestLog) -> Flask:
        """The Flask application that serves it."""
        app = Flask("connector.sandbox.hubspot")
        app.config["MAX_CONTENT_LENGTH"] = _MOST_BYTES

        @app.route("/", defaults={"path": ""}, methods=_METHODS)
        @app.route("/<path:path>", methods=_METHODS)
        def serve(path: str) -> Response:
            matched = self.document.match(request.method, f"/{path}")
            name = matched[0].name if matched else f"{request.method} {_UNKNOWN}"
            fault = faults.for_request("hubspot", name)
            answer, refused = self._answer(matched, fault)
            log.record("hubspot", name, answer.status, request.headers.get("User-Agent", ""), refused)
            if fault is not None and fault.kind == "timeout":
                hang_up(request.environ, fault.hold)
            return self._response(answer, name, fault)

        return app

    def _answer(
        self, matched: tuple[Operation, dict[str, str]] | None, fault: Fault | None
    ) -> tuple[Answer, str | None]:
        """The answer, and the reason if HubSpot turned the request down for what it says."""
        try:
            return self._admit(matched, fault), None
        except Refusal as refusal:
            told = None if refusal.status in _NOT_THE_REQUEST else refusal.message
            answer = Answer(refusal.status, refusal.body())
            if matched is not None:
                self._hold_against_document(matched[0], answer)
            return answer, told

    def _admit(self, matched: tuple[Operation, dict[str, str]] | None, fault: Fault | None) -> Answer:
        caller = self._caller(matched)
        if matched is None:
            raise Refusal(404, "NOT_FOUND", f"No such call: {request.method} {request.path}")
        lost = _struck(fault)
        if lost is not None and fault is not None and not fault.after_work:
            return lost
        limited = self.limits.take(search=_is_search(matched[0]))
        if limited is not None:
            return rate_limited(limited)
        answer = self._carry_out(matched, caller, fault)
        return answer if lost is None else lost

    def _caller(self, matched: tuple[Operation, dict[str, str]] | None) -> Caller:
        """Whose token came along; calls about tokens name one in their path instead."""
        if matched is not None and not matched[0].authenticated:
            token = matched[1].get("token")
            return Caller("", frozenset()) if token is None else self.tokens.named(token)
        return self.tokens.caller(request.headers.get("Authorization"))

    def _carry_out(self, matched: tuple[Operation, dict[str, str]], caller: Caller, fault: Fault | None) -> Answer:
        operation, params = matched
        route, path = route_of(operation, params)
        query = request.args.to_dict(flat=False)
        body = _body(operation)
        row_error = (fault.detail or "VALIDATION_ERROR") if fault and fault.kind == "row_error" else None
        call = Call(self.portal, caller, operation, path, query, body, row_error)
        for needed in needed_scopes(call, route):
            if caller.scopes is not None and not caller.scopes & needed:
                raise missing_scopes(needed)
        problems = self.document.check_request(operation, query, body)
        if problems:
            raise _does_not_fit(problems)
        handler = self._handlers.get(route)
        if handler is None:
            raise not_simulated(call)
        with self.portal.lock:
            answer = handler(call)
        self._hold_against_document(operation, answer)
        return answer

    def _hold_against_document(self, operation: Operation, answer: Answer) -> None:
        problems = self.document.check_answer(operation, answer.status, answer.body)
        with self._lock:
            self.answered.add((operation.id, answer.status))
            self.misfits.extend(f"{operation.id} {answer.status}: {problem}" for problem in problems)

    def _response(self, answer: Answer, name: str, fault: Fault | None) -> Response:
        text = "" if answer.body is None else json.dumps(answer.body)
        response = Response(text, answer.status, content_type="application/json;charset=utf-8")
        response.headers["X-HubSpot-Correlation-Id"] = str(uuid.uuid4())
        if not name.endswith("/search"):
            response.headers.update(self.limits.headers())
        if fault is not None and fault.kind == "rate_limited":
            response.headers["Retry-After"] = f"{fault.retry_after:g}"
        return response


_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def rate_limited(policy: Policy) -> Answer:
    """429: the body names the policy, and nothing else tells a second's limit from a day's."""
    return Answer(
        429,
        {
            "status": "error",
            "message": f"You have reached your {policy.lower()} limit.",
            "errorType": "RATE_LIMIT",
            "correlationId": str(uuid.uuid4()),
            "policyName": policy,
        },
    )


def _struck(fault: Fault | None) -> Answer | None:
    """What a fault puts in place of the answer; a row error puts nothing there."""
    match fault.kind if fault else None:
        case "rate_limited" | "rate_limited_no_retry_after":
            return rate_limited("DAILY" if fault and fault.detail == "DAILY" else "TEN_SECONDLY_ROLLING")
        case "server_error" | "timeout":
            status = int(fault.detail) if fault and fault.detail.isdigit() else 500
            return Answer(status, Refusal(status, "INTERNAL_ERROR", "internal error").body())
    return None


def _is_search(operation: Operation) -> bool:
    return operation.path.endswith("/search")


def _body(operation: Operation) -> Any:
    """The body as data. Raises Refusal (400) for what is no JSON."""
    if operation.form is not None:
        return request.form.to_dict()
    raw = request.get_data()
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError as error:
        raise invalid(f"Invalid input JSON: {error}") from error


def _does_not_fit(problems: list[Problem]) -> Refusal:
    told = [str(problem) for problem in problems[:_MOST_TOLD]]
    codes: Mapping[str, str] = {
        "unknown": "UNKNOWN_FIELD",
        "missing": "REQUIRED_FIELD",
        "wrong_type": "INVALID_TYPE",
        "wrong_value": "INVALID_VALUE",
    }
    details = [
        Detail(text, codes[problem.kind], {"path": [".".join(map(str, problem.path))]})
        for text, problem in zip(told, problems, strict=False)
    ]
    return invalid(f"Invalid input JSON: {'; '.join(told)}", *details)
