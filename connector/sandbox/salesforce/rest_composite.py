"""Several calls in one: composite, with references from one subrequest's answer to the next."""

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from connector.sandbox.salesforce.call import Answer, Call, Route
from connector.sandbox.salesforce.errors import Refused

_MOST = 25
_KEYS = frozenset({"method", "url", "referenceId", "body", "httpHeaders"})
_REFERENCE = re.compile(r"@\{(\w+)\.([\w.\[\]]+)\}")
_NAME = re.compile(r"\w+\Z")
_URL = re.compile(r"/services/data/v(?P<version>\d+\.\d)(?P<path>/.*)\Z")

Dispatch = Callable[[Call], Answer]


def route_for(dispatch: Dispatch) -> Route:
    """The composite route, which carries out its subrequests with `dispatch`."""
    return Route(
        "POST",
        "/composite",
        lambda call: _composite(call, dispatch),
        body="allOrNone collateSubrequests compositeRequest",
    )


def _composite(call: Call, dispatch: Dispatch) -> Answer:
    body = call.body if isinstance(call.body, dict) else {}
    parts = body.get("compositeRequest")
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        raise Refused("INVALID_INPUT", "compositeRequest must be a list of at least one subrequest")
    if len(parts) > _MOST:
        raise Refused("INVALID_INPUT", f"No more than {_MOST} subrequests are allowed in a composite request")
    _check_names(parts)
    all_or_none = body.get("allOrNone", False) is True
    answers: dict[str, Answer] = {}
    try:
        with call.org.unit():
            for part in parts:
                answers[part["referenceId"]] = _subrequest(call, part, answers, dispatch)
            _insist(not all_or_none or all(answer.status < 300 for answer in answers.values()))
    except _RollBack:
        answers = {name: _undone(answer) for name, answer in answers.items()}
    return Answer(200, {"compositeResponse": [_shown(name, answer) for name, answer in answers.items()]})


class _RollBack(Exception):
    """One subrequest of an all-or-none composite failed."""


def _insist(every_part_succeeded: bool) -> None:
    if not every_part_succeeded:
        raise _RollBack


def _undone(answer: Answer) -> Answer:
    if answer.status >= 300:
        return answer
    error = Refused(
        "PROCESSING_HALTED", "The transaction was rolled back since another operation in the same transaction failed."
    )
    return Answer(400, [error.as_error()])


def _check_names(parts: list[dict[str, object]]) -> None:
    seen: set[object] = set()
    for part in parts:
        for key in part:
            if key not in _KEYS:
                raise Refused("JSON_PARSER_ERROR", f'Unrecognized field "{key}" at [line:1, column:1]')
        name = part.get("referenceId")
        if not isinstance(name, str) or not _NAME.match(name) or name in seen:
            raise Refused("INVALID_INPUT", f"referenceId must be unique letters, digits and underscores: {name!r}")
        seen.add(name)


def _subrequest(call: Call, part: dict[str, object], answers: dict[str, Answer], dispatch: Dispatch) -> Answer:
    try:
        with call.org.unit():
            url = urlsplit(str(_filled(part.get("url", ""), answers)))
            inner = replace(call, method=str(part.get("method", "")), path=_path(url.path, call.version))
            return dispatch(replace(inner, params=dict(parse_qsl(url.query)), body=_filled(part.get("body"), answers)))
    except Refused as error:
        call.refusals.append(str(error))
        return Answer(error.status, [error.as_error()])


def _path(path: str, version: str) -> str:
    found = _URL.match(path)
    if found is None or found["version"] != version:
        raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
    return found["path"]


def _filled(value: object, answers: dict[str, Answer]) -> object:
    """A value with its references to earlier answers replaced; raises Refused where one leads nowhere."""
    if isinstance(value, dict):
        return {key: _filled(item, answers) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, answers) for item in value]
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: str(_lookup(match[1], match[2], answers)), value)
    return value


def _lookup(name: str, path: str, answers: dict[str, Answer]) -> object:
    answer = answers.get(name)
    found: object = answer.body if answer is not None and answer.status < 300 else None
    for step in re.findall(r"\w+", path):
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            found = None
    if found is None:
        raise Refused("PROCESSING_HALTED", f"Invalid reference specified. No value for {name}.{path} found")
    return found


def _shown(name: str, answer: Answer) -> dict[str, object]:
    return {"body": answer.body, "httpHeaders": answer.headers, "httpStatusCode": answer.status, "referenceId": name}
