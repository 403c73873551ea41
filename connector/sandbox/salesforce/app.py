"""The make-believe Salesforce's HTTP: faults, sessions, limits and the log around every call."""

import json
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urlsplit

from flask import Flask, Response, request

from connector.sandbox.faults import Fault, Faults, hang_up
from connector.sandbox.request_log import RequestLog
from connector.sandbox.salesforce.access import actor_for
from connector.sandbox.salesforce.call import Answer, Call
from connector.sandbox.salesforce.cursors import Cursors
from connector.sandbox.salesforce.errors import Refused, Several
from connector.sandbox.salesforce.json_text import dump
from connector.sandbox.salesforce.oauth import Logins, TokenRefused
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.router import dispatch, find
from connector.sandbox.salesforce.usage import Usage

_NAME = "salesforce"
_TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - an address, not a secret
_VERSIONS_PATH = "/services/data"
_PATH = re.compile(r"/services/data/v(?P<version>\d+\.\d)(?P<path>/.*|)\Z")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_UNSTRUCK = frozenset({401, 404, 429})  # answers that say nothing against the request


@dataclass
class Doors:
    """What stands between HTTP and the org."""

    org: Org
    logins: Logins
    cursors: Cursors
    usage: Usage
    faults: Faults
    log: RequestLog


def make_app(doors: Doors) -> Flask:
    """The Flask app of one org: every path leads to the same door."""
    app = Flask("connector.sandbox.salesforce")

    @app.route("/", defaults={"path": ""}, methods=_METHODS)
    @app.route("/<path:path>", methods=_METHODS)
    def enter(path: str) -> Response:
        return _enter(doors, urlsplit(str(request.environ.get("REQUEST_URI", f"/{path}"))).path)

    return app


def _enter(doors: Doors, path: str) -> Response:
    operation = _operation(path)
    fault = doors.faults.for_request(_NAME, operation)
    if fault is not None and fault.kind == "row_error" and not _writes(path):
        doors.faults.add(replace(fault, times=1))  # only a write has rows to refuse
        fault = None
    refusals: list[str] = []
    if fault is None or fault.kind == "row_error" or fault.after_work:
        answer = _answer(doors, path, fault, refusals)
    if fault is not None and fault.kind != "row_error":
        answer, refusals = _trouble(fault, path), []
        with doors.org.lock:
            answer.headers.update(_limit_header(doors))
    elif fault is None and 400 <= answer.status < 500 and answer.status not in _UNSTRUCK and answer.status != 403:
        refusals.append(_reason(answer))
    agent = request.headers.get("User-Agent", "")
    doors.log.record(_NAME, operation, answer.status, agent, "; ".join(refusals) or None)
    return _response(answer)


def _answer(doors: Doors, path: str, fault: Fault | None, refusals: list[str]) -> Answer:
    with doors.org.lock:
        try:
            if path.rstrip("/") == _TOKEN_PATH:
                return _token(doors)
            if path.rstrip("/") == _VERSIONS_PATH and request.method == "GET":
                return _versions(doors)
            return _rest(doors, path, fault, refusals)
        except Several as several:
            base = f"{path[: path.index('/sobjects/')]}/sobjects/{several.object_name}"
            return Answer(300, [f"{base}/{one}" for one in several.ids], _limit_header(doors))
        except Refused as refused:
            return Answer(refused.status, [refused.as_error()], _limit_header(doors))


def _rest(doors: Doors, path: str, fault: Fault | None, refusals: list[str]) -> Answer:
    found, org = _PATH.match(path), doors.org
    if found is None or found["version"] not in org.settings.versions:
        raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
    user_id = doors.logins.user_of(request.headers.get("Authorization", ""))
    if user_id is None:
        raise Refused("INVALID_SESSION_ID", "Session expired or invalid", status=401)
    doors.usage.count(org.now(), org.settings.daily_requests)
    call = Call(
        org=org,
        cursors=doors.cursors,
        usage=doors.usage,
        actor=actor_for(org, user_id),
        version=found["version"],
        method=request.method,
        path=found["path"],
        params=_params(),
        body=_body(),
        headers={name.lower(): value for name, value in request.headers.items()},
        row_errors=[fault.detail] if fault is not None and fault.kind == "row_error" else [],
        refusals=refusals,
    )
    answer = dispatch(call)
    answer.headers.update(_limit_header(doors))
    return answer


def _token(doors: Doors) -> Answer:
    if request.method != "POST":
        return Answer(405, {"error": "invalid_request", "error_description": "must use HTTP POST"})
    basic = request.authorization
    pair = (basic.username or "", basic.password or "") if basic is not None and basic.type == "basic" else None
    try:
        return Answer(200, doors.logins.token(request.form.to_dict(), request.host_url.rstrip("/"), pair))
    except TokenRefused as refused:
        return Answer(refused.status, {"error": refused.error, "error_description": refused.description})


def _versions(doors: Doors) -> Answer:
    versions = doors.org.settings.versions
    return Answer(
        200, [{"label": f"Release {one}", "url": f"{_VERSIONS_PATH}/v{one}", "version": one} for one in versions]
    )


def _params() -> dict[str, str]:
    for name in request.args:
        if len(request.args.getlist(name)) > 1:
            raise Refused("ILLEGAL_QUERY_PARAMETER_VALUE", f"Query parameter given twice: {name}")
    return request.args.to_dict()


def _body() -> object:
    raw = request.get_data()
    if not raw:
        return None
    if request.mimetype != "application/json":
        raise Refused("UNSUPPORTED_MEDIA_TYPE", f"Content type '{request.mimetype}' not supported", status=415)
    try:
        return json.loads(raw, parse_float=Decimal, parse_constant=_no_constant)
    except ValueError as error:
        raise Refused("JSON_PARSER_ERROR", f"The request body is not JSON: {error}") from None


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _limit_header(doors: Doors) -> dict[str, str]:
    most = doors.org.settings.daily_requests
    return {"Sforce-Limit-Info": f"api-usage={doors.usage.used(doors.org.now())}/{most}"}


def _operation(path: str) -> str:
    found = _PATH.match(path)
    if found is None:
        known = path.rstrip("/") in (_TOKEN_PATH, _VERSIONS_PATH)
        return f"{request.method} {path.rstrip('/') if known else '(unknown)'}"
    try:
        return find(request.method, found["path"])[0].operation
    except Refused:
        return f"{request.method} (unknown)"


def _writes(path: str) -> bool:
    return request.method != "GET" and _PATH.match(path) is not None


def _trouble(fault: Fault, path: str) -> Answer:
    if fault.kind == "timeout":
        hang_up(request.environ, fault.hold)
        return Answer(504)
    if path.rstrip("/") == _TOKEN_PATH:
        return Answer(503, {"error": "temporarily_unavailable", "error_description": fault.detail or "try again later"})
    if fault.kind == "server_error":
        code = fault.detail or "UNKNOWN_EXCEPTION"
        message = "An unexpected error occurred. Please include this ErrorId if you contact support: 1-1 (1)"
        return Answer(503 if code == "SERVER_UNAVAILABLE" else 500, [{"message": message, "errorCode": code}])
    # Salesforce answers 403 and never says when to come back. Source: app limits cheat sheet, API requests.
    return Answer(403, [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}])


def _reason(answer: Answer) -> str:
    if isinstance(answer.body, list) and answer.body:
        return f"{answer.body[0]['errorCode']}: {answer.body[0]['message']}"
    return str(answer.body)


def _response(answer: Answer) -> Response:
    text = "" if answer.body is None else dump(answer.body)
    response = Response(text, status=answer.status, content_type="application/json;charset=UTF-8")
    response.headers.update(answer.headers)
    return response
