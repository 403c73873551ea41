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
from connector.sentences import hubspot as say
from mappings.sentence import Sentence

ErrorType = type[RetryLater] | type[NeedsHuman]

DAILY = "DAILY"
"""The policy whose 429 lasts until midnight; the ten-second one is over in seconds."""

_MOST_NAMES = 10
_PROPERTY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_SCOPE = re.compile(r"[a-z][a-z0-9._-]{2,79}")
_ID = re.compile(r"\d{1,20}")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,79}")
_IN_MESSAGE = re.compile(r'[Pp]roperty "([A-Za-z][A-Za-z0-9_]{0,99})"')


@dataclass(frozen=True, slots=True)
class Meaning:
    """Which error of ours a refusal becomes, and in which sentence; ``{names}`` in it stands for the properties."""

    error: ErrorType
    sentence: Sentence


BY_STATUS: Mapping[int, Meaning] = {
    401: Meaning(AccessLost, say.TOKEN_REFUSED),
    403: Meaning(AccessLost, say.NOT_ALLOWED),
    404: Meaning(NotFound, say.NO_RECORD),
    408: Meaning(Unreachable, say.TOO_SLOW),
    409: Meaning(Rejected, say.CLASH),
    423: Meaning(Unreachable, say.LOCKED),
    429: Meaning(RateLimited, say.SLOW_DOWN),
    477: Meaning(Unreachable, say.MOVING),
}

BY_CODE: Mapping[str, Meaning] = {
    "PROPERTY_DOESNT_EXIST": Meaning(Rejected, say.NO_PROPERTY),
    "INVALID_OPTION": Meaning(Rejected, say.NO_OPTION),
    "READ_ONLY_VALUE": Meaning(Rejected, say.COMPUTED),
    "REQUIRED_PROPERTY": Meaning(Rejected, say.REQUIRED),
    "OBJECT_NOT_FOUND": Meaning(NotFound, say.RECORD_GONE),
    "RATE_LIMITS": Meaning(RateLimited, say.SLOW_DOWN),
    "MISSING_SCOPES": Meaning(AccessLost, say.NOT_ALLOWED),
}

_INVALID = Meaning(Rejected, say.VALUE_REFUSED)
_REFUSED = Meaning(Rejected, say.REFUSED)
_UNWELL = Meaning(Unreachable, say.UNWELL)
_ODD = Meaning(Unreachable, say.ODD_ANSWER)
_SPENT = Meaning(RateLimited, say.CALLS_USED_UP)


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
        sentence = say.LACKS_SCOPES if meaning.error is AccessLost and self.scopes else meaning.sentence
        evidence: dict[str, Any] = {
            "status": self.status or None,
            "code": self.codes[0] if self.codes else "",
            "request_id": self.request_id,
        }
        if issubclass(meaning.error, RetryLater):
            evidence["retry_after"] = retry_after
        return meaning.error.because(
            sentence,
            ref=ref,
            provider="hubspot",
            evidence=evidence,
            names=", ".join(self.properties) or "a property it does not name",
            scopes=", ".join(self.scopes),
        )

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
