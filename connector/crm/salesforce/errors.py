"""What Salesforce's error codes mean for us: one table, read for whole answers, for rows and for sign-in.

Salesforce's own messages are never passed on: they quote record data. Its codes and field names are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.domain.refs import RecordRef
from connector.errors import AccessLost, NeedsHuman, NotFound, RateLimited, Rejected, RetryLater, Unreachable
from connector.sentences import salesforce as say
from mappings.sentence import Sentence

ErrorType = type[RetryLater] | type[NeedsHuman]


@dataclass(frozen=True, slots=True)
class Meaning:
    """Which error of ours a code becomes, and in which sentence; ``{details}`` in it are the code and the fields."""

    error: ErrorType
    sentence: Sentence


MEANINGS: Mapping[str, Meaning] = {
    # the world may be better soon
    "UNABLE_TO_LOCK_ROW": Meaning(RetryLater, say.BUSY),
    "SERVER_UNAVAILABLE": Meaning(Unreachable, say.UNAVAILABLE),
    "REQUEST_LIMIT_EXCEEDED": Meaning(RateLimited, say.CALLS_USED_UP),
    "TOO_MANY_REQUESTS": Meaning(RateLimited, say.SLOW_DOWN),
    "QUERY_TIMEOUT": Meaning(RetryLater, say.SLOW_QUERY),
    "UNKNOWN_EXCEPTION": Meaning(Unreachable, say.FAILED),
    # access
    "INVALID_SESSION_ID": Meaning(AccessLost, say.FRESH_SESSION_REFUSED),
    "INVALID_AUTH_HEADER": Meaning(AccessLost, say.SESSION_UNREADABLE),
    "API_DISABLED_FOR_ORG": Meaning(AccessLost, say.NO_API),
    "API_CURRENTLY_DISABLED": Meaning(AccessLost, say.API_OFF),
    "INSUFFICIENT_ACCESS": Meaning(AccessLost, say.NOT_ALLOWED),
    "INSUFFICIENT_ACCESS_OR_READONLY": Meaning(AccessLost, say.MAY_NOT_CHANGE),
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": Meaning(AccessLost, say.MAY_NOT_CHANGE_PARENT),
    "INVALID_FIELD_FOR_INSERT_UPDATE": Meaning(AccessLost, say.MAY_NOT_SET_FIELD),
    "INVALID_TYPE": Meaning(AccessLost, say.OBJECT_HIDDEN),
    "INVALID_TYPE_FOR_OPERATION": Meaning(AccessLost, say.OBJECT_NOT_FOR_THIS),
    # gone
    "NOT_FOUND": Meaning(NotFound, say.NO_RECORD),
    "INVALID_CROSS_REFERENCE_KEY": Meaning(NotFound, say.NO_RECORD),
    "ENTITY_IS_DELETED": Meaning(NotFound, say.RECORD_DELETED),
    # refused
    "INVALID_FIELD": Meaning(Rejected, say.NO_FIELD),
    "MALFORMED_ID": Meaning(Rejected, say.NOT_AN_ID),
    "MALFORMED_QUERY": Meaning(Rejected, say.QUERY_UNREADABLE),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": Meaning(Rejected, say.VALIDATION_RULE),
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": Meaning(Rejected, say.TRIGGER),
    "CANNOT_EXECUTE_FLOW_TRIGGER": Meaning(Rejected, say.FLOW_FAILED),
    "REQUIRED_FIELD_MISSING": Meaning(Rejected, say.REQUIRED),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": Meaning(Rejected, say.NOT_IN_PICKLIST),
    "STRING_TOO_LONG": Meaning(Rejected, say.TEXT_TOO_LONG),
    "NUMBER_OUTSIDE_VALID_RANGE": Meaning(Rejected, say.NUMBER_TOO_LARGE),
    "DUPLICATES_DETECTED": Meaning(Rejected, say.DUPLICATE_RULE),
    "DUPLICATE_VALUE": Meaning(Rejected, say.VALUE_TAKEN),
    "INACTIVE_OWNER_OR_USER": Meaning(Rejected, say.OWNER_LEFT),
    "JSON_PARSER_ERROR": Meaning(Rejected, say.VALUE_UNREADABLE),
}

SIGN_IN: Mapping[str, Meaning] = {
    "invalid_client_id": Meaning(AccessLost, say.CLIENT_UNKNOWN),
    "invalid_client": Meaning(AccessLost, say.CLIENT_REFUSED),
    "invalid_grant": Meaning(AccessLost, say.NOT_LET_IN),
    "invalid_app_access": Meaning(AccessLost, say.APP_NOT_ALLOWED),
    "inactive_user": Meaning(AccessLost, say.USER_INACTIVE),
    "inactive_org": Meaning(AccessLost, say.ORG_LOCKED),
    "unsupported_grant_type": Meaning(AccessLost, say.FLOW_OFF),
}

_SIGN_IN_REFUSED = Meaning(AccessLost, say.SIGN_IN_REFUSED)
_REFUSED = Meaning(Rejected, say.REFUSED)

_BY_STATUS: Mapping[int, str] = {404: "NOT_FOUND", 401: "INVALID_SESSION_ID", 403: "INSUFFICIENT_ACCESS"}
_COLUMN = re.compile(r"No such column '(\w{1,80})' on (?:entity|sobject of type) '?(\w{1,80})")


def from_answer(
    status: int, content: object, *, ref: RecordRef | None = None, retry_after: float | None = None
) -> RetryLater | NeedsHuman:
    """The error behind a refused request; ``content`` is its decoded body, a list of errors when all is well."""
    first = _first(content)
    code = str(first.get("errorCode", ""))
    known = MEANINGS.get(code)
    # A gateway in front of Salesforce answers without a code, and a 5xx is Salesforce's own trouble whatever it says.
    if status == 429:
        known = MEANINGS["TOO_MANY_REQUESTS"]
    elif known is None and status >= 500:
        known = MEANINGS["SERVER_UNAVAILABLE"]
    elif known is None and status in _BY_STATUS:
        known = MEANINGS[_BY_STATUS[status]]
    return _error(known, code, ref, fields=_fields(first), status=status, retry_after=retry_after)


def from_row(errors: object, ref: RecordRef | None = None) -> RetryLater | NeedsHuman:
    """The error of one row in a batch. A row that may be tried again hides behind none that may not."""
    found = [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    ordered = sorted(found, key=lambda each: _may_retry(str(each.get("statusCode", ""))))
    first = ordered[0] if ordered else {}
    code = str(first.get("statusCode", ""))
    return _error(MEANINGS.get(code), code, ref, fields=_fields(first))


def from_sign_in(status: int, content: object, *, retry_after: float | None = None) -> RetryLater | NeedsHuman:
    """The error behind a refused token request."""
    code = str(content.get("error", "")) if isinstance(content, dict) else ""
    if status == 429:
        return _error(MEANINGS["TOO_MANY_REQUESTS"], code, None, status=status, retry_after=retry_after)
    if status >= 500:
        return _error(MEANINGS["SERVER_UNAVAILABLE"], code, None, status=status, retry_after=retry_after)
    return _error(SIGN_IN.get(code, _SIGN_IN_REFUSED), code, None, status=status)


def no_answer(error: Exception) -> Unreachable:
    """Nothing came back, or nothing that can be read. The original's text may hold addresses and is not repeated."""
    return Unreachable.because(say.NO_ANSWER, provider="salesforce", evidence={"code": type(error).__name__})


def _error(
    known: Meaning | None,
    code: str,
    ref: RecordRef | None,
    *,
    fields: tuple[str, ...] = (),
    status: int | None = None,
    retry_after: float | None = None,
) -> RetryLater | NeedsHuman:
    meaning = known or _REFUSED
    details = f" ({', '.join(filter(None, [_safe(code), *fields]))})" if code or fields else ""
    evidence: dict[str, Any] = {"status": status, "code": _safe(code)}
    if issubclass(meaning.error, RetryLater):
        evidence["retry_after"] = retry_after
    return meaning.error.because(meaning.sentence, ref=ref, provider="salesforce", evidence=evidence, details=details)


def _first(content: object) -> Mapping[str, Any]:
    if isinstance(content, list):
        content = content[0] if content else {}
    return content if isinstance(content, dict) else {}


def _fields(error: Mapping[str, Any]) -> tuple[str, ...]:
    """The API names of the fields an error is about: names only, so that no value slips through."""
    named = error.get("fields")
    names = [_safe(str(name)) for name in named] if isinstance(named, list) else []
    column = _COLUMN.search(str(error.get("message", "")))
    if column is not None:
        names.append(f"{column[2]}.{column[1]}")
    return tuple(dict.fromkeys(name for name in names if name))[:5]


def _safe(text: str) -> str:
    return text if re.fullmatch(r"[\w.:]{1,80}", text, re.ASCII) else ""


def _may_retry(code: str) -> bool:
    known = MEANINGS.get(code)
    return known is not None and issubclass(known.error, RetryLater)
