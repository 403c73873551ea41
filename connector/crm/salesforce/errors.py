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

ErrorType = type[RetryLater] | type[NeedsHuman]


@dataclass(frozen=True, slots=True)
class Meaning:
    """Which error of ours a code becomes, in a sentence and with a hint."""

    error: ErrorType
    sentence: str
    hint: str = ""


_PERMISSION = (
    "Give the integration user access: run `connector setup salesforce`, or assign the permission set by hand."
)
_FIELD = "Run `connector setup salesforce`, or correct the field mapping."
_RULE = "Save the record by hand in Salesforce to read the message of the rule, then relax the rule or fix the record."
_AGAIN = "It is tried again by itself."

MEANINGS: Mapping[str, Meaning] = {
    # the world may be better soon
    "UNABLE_TO_LOCK_ROW": Meaning(RetryLater, "Salesforce is busy with this record.", _AGAIN),
    "SERVER_UNAVAILABLE": Meaning(Unreachable, "Salesforce is unavailable for the moment.", _AGAIN),
    "REQUEST_LIMIT_EXCEEDED": Meaning(
        RateLimited,
        "The org has used up its API calls of the last 24 hours.",
        "Wait, or buy more calls; Setup > Company Information shows the count.",
    ),
    "TOO_MANY_REQUESTS": Meaning(RateLimited, "Salesforce asks us to slow down.", _AGAIN),
    "QUERY_TIMEOUT": Meaning(RetryLater, "Salesforce took too long over a query.", _AGAIN),
    "UNKNOWN_EXCEPTION": Meaning(Unreachable, "Salesforce failed in itself.", _AGAIN),
    # access
    "INVALID_SESSION_ID": Meaning(
        AccessLost, "Salesforce refuses the session it has just given us.", "Look at the app's session and IP policies."
    ),
    "INVALID_AUTH_HEADER": Meaning(AccessLost, "Salesforce refuses our session.", "Look at the External Client App."),
    "API_DISABLED_FOR_ORG": Meaning(
        AccessLost, "This Salesforce edition has no API access.", "API access is part of Enterprise and above."
    ),
    "API_CURRENTLY_DISABLED": Meaning(AccessLost, "API access of the integration user is off.", _PERMISSION),
    "INSUFFICIENT_ACCESS": Meaning(AccessLost, "The integration user may not do this.", _PERMISSION),
    "INSUFFICIENT_ACCESS_OR_READONLY": Meaning(AccessLost, "The integration user may not change this.", _PERMISSION),
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": Meaning(
        AccessLost, "The integration user may not change a record that this one hangs on.", _PERMISSION
    ),
    "INVALID_FIELD_FOR_INSERT_UPDATE": Meaning(AccessLost, "The integration user may not set a field.", _PERMISSION),
    "INVALID_TYPE": Meaning(AccessLost, "The integration user cannot see an object.", _PERMISSION),
    "INVALID_TYPE_FOR_OPERATION": Meaning(AccessLost, "The integration user may not use an object so.", _PERMISSION),
    # gone
    "NOT_FOUND": Meaning(NotFound, "Salesforce has no such record, or we cannot see it."),
    "ENTITY_IS_DELETED": Meaning(NotFound, "The record was deleted in Salesforce.", "Restore it from the recycle bin."),
    "INVALID_CROSS_REFERENCE_KEY": Meaning(NotFound, "Salesforce has no such record, or we cannot see it."),
    # refused
    "INVALID_FIELD": Meaning(Rejected, "Salesforce does not know a field that we named.", _FIELD),
    "MALFORMED_ID": Meaning(Rejected, "An id is not one of Salesforce's."),
    "MALFORMED_QUERY": Meaning(Rejected, "Salesforce cannot read our query.", "Look for odd names in the mapping."),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": Meaning(Rejected, "A validation rule refuses the change.", _RULE),
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": Meaning(Rejected, "A flow or trigger refuses the change.", _RULE),
    "CANNOT_EXECUTE_FLOW_TRIGGER": Meaning(Rejected, "A flow failed on the change.", _RULE),
    "REQUIRED_FIELD_MISSING": Meaning(Rejected, "The record lacks a required field.", "Fill it in on the record."),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": Meaning(
        Rejected, "A picklist does not have our value.", "Add the value to the picklist."
    ),
    "STRING_TOO_LONG": Meaning(Rejected, "A text is longer than its field.", "Make the field longer."),
    "NUMBER_OUTSIDE_VALID_RANGE": Meaning(Rejected, "A number does not fit its field.", "Give the field more digits."),
    "DUPLICATES_DETECTED": Meaning(
        Rejected, "A duplicate rule refuses the change.", "Let the integration user pass it."
    ),
    "DUPLICATE_VALUE": Meaning(Rejected, "Another record has the value of a unique field already."),
    "JSON_PARSER_ERROR": Meaning(Rejected, "Salesforce cannot read a value that we sent.", _FIELD),
}

SIGN_IN: Mapping[str, Meaning] = {
    "invalid_client_id": Meaning(AccessLost, "Salesforce does not know the client id.", "Check SALESFORCE_CLIENT_ID."),
    "invalid_client": Meaning(
        AccessLost, "Salesforce refuses the client id and secret.", "Check SALESFORCE_CLIENT_ID and _CLIENT_SECRET."
    ),
    "invalid_grant": Meaning(
        AccessLost,
        "Salesforce does not let the integration user in.",
        "Check that the app's policies pre-authorise the user, that the user is active, that the app names a Run As"
        " user (client credentials) or holds our certificate (JWT), and that SALESFORCE_LOGIN_URL fits the org.",
    ),
    "invalid_app_access": Meaning(
        AccessLost, "The integration user may not use the app.", "Pre-authorise the user in the app's policies."
    ),
    "inactive_user": Meaning(AccessLost, "The integration user is inactive.", "Activate it, or name another one."),
    "inactive_org": Meaning(AccessLost, "The Salesforce org is locked or closed.", "Ask Salesforce."),
    "unsupported_grant_type": Meaning(
        AccessLost, "The app does not allow this way to sign in.", "Turn the flow on in the External Client App."
    ),
}

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
    known = SIGN_IN.get(
        code, Meaning(AccessLost, "Salesforce refuses to sign us in.", "Check the External Client App.")
    )
    return _error(known, code, None, status=status)


def no_answer(error: Exception) -> Unreachable:
    """Nothing came back, or nothing that can be read. The original's text may hold addresses and is not repeated."""
    return Unreachable("Salesforce cannot be reached.", hint=_AGAIN, provider="salesforce", code=type(error).__name__)


def _error(
    known: Meaning | None,
    code: str,
    ref: RecordRef | None,
    *,
    fields: tuple[str, ...] = (),
    status: int | None = None,
    retry_after: float | None = None,
) -> RetryLater | NeedsHuman:
    meaning = known or Meaning(Rejected, "Salesforce refuses the request.")
    shown = f" ({', '.join(filter(None, [_safe(code), *fields]))})" if code or fields else ""
    sentence = f"{meaning.sentence[:-1]}{shown}."
    evidence: dict[str, Any] = {
        "hint": meaning.hint,
        "provider": "salesforce",
        "ref": ref,
        "status": status,
        "code": _safe(code),
    }
    if issubclass(meaning.error, RetryLater):
        return meaning.error(sentence, retry_after=retry_after, **evidence)
    return meaning.error(sentence, **evidence)


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
