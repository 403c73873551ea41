"""What HubSpot's refusals mean for us: one table, read for whole answers and for the rows of a batch.

HubSpot's own messages are never passed on: they quote record data. Its codes, property names and scopes are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connector.domain.refs import RecordRef
from connector.errors import AccessLost, NeedsHuman, NotFound, RateLimited, Rejected, RetryLater, Unreachable

ErrorType = type[RetryLater] | type[NeedsHuman]

SETUP_HINT = "Run `connector setup hubspot`, or correct the field mapping."
DAILY = "DAILY"
"""The policy whose 429 lasts until midnight; the ten-second one is over in seconds."""

_AGAIN = "It is tried again by itself."
_SCOPE_HINT = "Add the scopes to the private app or service key in HubSpot, then use its new token if there is one."
_MOST_NAMES = 10
_PROPERTY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_SCOPE = re.compile(r"[a-z][a-z0-9._-]{2,79}")
_ID = re.compile(r"\d{1,20}")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,79}")
_IN_MESSAGE = re.compile(r'[Pp]roperty "([A-Za-z][A-Za-z0-9_]{0,99})"')


@dataclass(frozen=True, slots=True)
class Meaning:
    """Which error of ours a refusal becomes, in a sentence and with a hint. ``{names}`` stands for the properties."""

    error: ErrorType
    sentence: str
    hint: str = ""


BY_STATUS: Mapping[int, Meaning] = {
    401: Meaning(
        AccessLost,
        "HubSpot does not accept the access token: it expired, was rotated, or the app was deactivated.",
        "Put the current token in HUBSPOT_ACCESS_TOKEN.",
    ),
    403: Meaning(AccessLost, "The access token may not do this.", _SCOPE_HINT),
    404: Meaning(NotFound, "HubSpot has no such record, or the token may not see it."),
    408: Meaning(Unreachable, "HubSpot took too long to answer.", _AGAIN),
    409: Meaning(Rejected, "HubSpot says that this clashes with what is there already."),
    423: Meaning(Unreachable, "HubSpot has locked the record while it works on it.", _AGAIN),
    429: Meaning(RateLimited, "HubSpot asks us to slow down.", _AGAIN),
    477: Meaning(Unreachable, "HubSpot is moving this account to another data centre.", _AGAIN),
}

BY_CODE: Mapping[str, Meaning] = {
    "PROPERTY_DOESNT_EXIST": Meaning(Rejected, "HubSpot has no property {names} here.", SETUP_HINT),
    "INVALID_OPTION": Meaning(
        Rejected, "Our value is not among the options of HubSpot's property {names}.", "Add the option in HubSpot."
    ),
    "READ_ONLY_VALUE": Meaning(
        Rejected, "HubSpot computes the property {names} itself.", "Map the value to a property that can be written."
    ),
    "REQUIRED_PROPERTY": Meaning(
        Rejected,
        "HubSpot demands a value for {names} before it saves the record.",
        "Fill it in on the record, or relax the rule for required properties in HubSpot's object settings.",
    ),
    "OBJECT_NOT_FOUND": Meaning(NotFound, "HubSpot has no such record any more.", "Restore it, or leave it be."),
    "RATE_LIMITS": Meaning(RateLimited, "HubSpot asks us to slow down.", _AGAIN),
    "MISSING_SCOPES": Meaning(AccessLost, "The access token may not do this.", _SCOPE_HINT),
}

_INVALID = Meaning(Rejected, "HubSpot refused the value of {names}.", "Compare the property's type with the mapping.")
_REFUSED = Meaning(Rejected, "HubSpot refused the request.", "Save the record by hand in HubSpot to see why.")
_UNWELL = Meaning(Unreachable, "HubSpot is unwell.", _AGAIN)
_ODD = Meaning(Unreachable, "Something between HubSpot and us gave an answer that is not HubSpot's.", _AGAIN)
_SPENT = Meaning(
    RateLimited,
    "The HubSpot account has used up its API calls for today.",
    "It goes on after midnight; HubSpot sells more calls as a capacity pack.",
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What HubSpot said, without what it quoted."""

    status: int
    codes: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    ids: frozenset[str] = frozenset()  #: the records it names, by id or by our trace id, which is the same
    required: bool = False
    policy: str = ""
    request_id: str = ""

    def error(self, ref: RecordRef | None = None, retry_after: float | None = None) -> RetryLater | NeedsHuman:
        """Our error for it."""
        meaning = self._meaning()
        names = ", ".join(self.properties) or "a property it does not name"
        sentence = meaning.sentence.format(names=names)
        if meaning.error is AccessLost and self.scopes:
            sentence = f"{sentence.rstrip('.')}: it lacks {', '.join(self.scopes)}."
        evidence: dict[str, Any] = {
            "hint": meaning.hint,
            "provider": "hubspot",
            "ref": ref,
            "status": self.status or None,
            "code": self.codes[0] if self.codes else "",
            "request_id": self.request_id,
        }
        if issubclass(meaning.error, RetryLater):
            return meaning.error(sentence, retry_after=retry_after, **evidence)
        return meaning.error(sentence, **evidence)

    def about_property(self) -> bool:
        """Whether every row that carries the named properties would be refused the same way."""
        return bool(self.properties) and bool({"PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"} & set(self.codes))

    def _meaning(self) -> Meaning:
        if self.status == 429:
            return _SPENT if self.policy == DAILY else BY_STATUS[429]
        if self.status < 400:
            return _ODD
        if self.status >= 500:
            return _UNWELL
        known = next((BY_CODE[code] for code in self.codes if code in BY_CODE), None) or BY_STATUS.get(self.status)
        if known is not None:
            return known
        if self.required:
            return BY_CODE["REQUIRED_PROPERTY"]
        return _INVALID if self.properties else _REFUSED


def read_refusal(status: int, body: object) -> Refusal:
    """What a refused request, or one entry of a batch answer's ``errors``, says. Any body will do, even none."""
    told = body if isinstance(body, Mapping) else {}
    details = [detail for detail in _list(told.get("errors")) if isinstance(detail, Mapping)]
    message = _text(told.get("message"))
    embedded = _embedded(message)
    contexts = [told.get("context"), *(detail.get("context") for detail in details)]
    codes = [told.get("category"), told.get("subCategory"), *(detail.get("code") for detail in details)]
    codes += [each.get("error") for each in embedded]
    names: list[object] = [
        *_named(contexts, "propertyName", "propertyNames", "properties"),
        *(each.get("name") for each in embedded),
        *_IN_MESSAGE.findall(message),
    ]
    return Refusal(
        status=status,
        codes=_specific_first(_only(_CODE, codes)),
        properties=_only(_PROPERTY, names),
        scopes=_only(_SCOPE, _named(contexts, "requiredGranularScopes", "requiredScopes", "missingScopes")),
        ids=frozenset(_only(_ID, _named(contexts, "ids", "id", "objectWriteTraceId"), most=1_000)),
        required=_is_about_required(message, codes, details),
        policy=_text(told.get("policyName")).upper(),
        request_id=_text(told.get("correlationId"))[:64],
    )


def until_midnight(now: datetime, time_zone: str) -> float:
    """Seconds until the daily allowance starts anew: midnight in the account's zone.

    The zone is a setting of the account that the API client cannot read. Where ours is not set we ask again each hour:
    a wrong guess could idle for most of a day.
    """
    local = now.astimezone(ZoneInfo(time_zone or "UTC"))
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    seconds = (midnight.astimezone(now.tzinfo) - now).total_seconds()
    return seconds if time_zone else min(seconds, 3_600.0)


def _is_about_required(message: str, codes: Iterable[object], details: Iterable[Mapping[str, Any]]) -> bool:
    """From version 2026-09 writes must obey the account's required-property rules; the wording is all that tells."""
    texts = [message, *(_text(detail.get("message")) for detail in details), *(_text(code) for code in codes)]
    return any("REQUIRED" in text.upper() for text in texts)


def _specific_first(codes: tuple[str, ...]) -> tuple[str, ...]:
    """VALIDATION_ERROR says the least: what stands beside it says more."""
    return tuple(sorted(codes, key=lambda code: code == "VALIDATION_ERROR"))


def _embedded(message: str) -> list[Mapping[str, Any]]:
    """The list that ``Property values were not valid: [...]`` carries inside its text."""
    start = message.find("[{")
    if start < 0 or len(message) > 200_000:
        return []
    try:
        found = json.loads(message[start:])
    except (ValueError, RecursionError):
        return []
    return [each for each in _list(found) if isinstance(each, Mapping)]


def _named(contexts: Iterable[object], *keys: str) -> Iterator[object]:
    """The values under these keys; HubSpot writes a context as an object of lists, rarely as the text of one."""
    for context in contexts:
        if isinstance(context, str):
            for key in keys:
                match = re.search(rf"\b{key}=\[([^\]]{{0,2000}})\]", context)
                yield from match[1].replace(",", " ").split() if match else ()
        elif isinstance(context, Mapping):
            for key in keys:
                value = context.get(key)
                yield from value if isinstance(value, list) else [value]


def _only(shape: re.Pattern[str], values: Iterable[object], most: int = _MOST_NAMES) -> tuple[str, ...]:
    """Those that look like what they should be: whatever else stands there may be record data."""
    texts = (str(value) for value in values if isinstance(value, str | int) and not isinstance(value, bool))
    return tuple(dict.fromkeys(text for text in texts if shape.fullmatch(text)))[:most]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
