"""What Stripe's errors mean for us: one table for the SDK's exceptions, one for the codes a person can act on.

Stripe's own sentences may quote an e-mail address or a name, so only what is safe in them is passed on, and the
original exception, which carries the whole answer, is not chained: a traceback in a log would print it. The request id
leads to the full story in Stripe's own request log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import stripe

from connector.domain.refs import RecordRef
from connector.errors import (
    AccessLost,
    ConnectorError,
    KeyUsed,
    NotFound,
    RateLimited,
    Rejected,
    Unreachable,
)
from connector.sentences import stripe as say
from mappings.sentence import Sentence

_LONGEST_QUOTE = 300

_STRIPE_ID = re.compile(r"[a-z]{2,12}(?:_[A-Za-z0-9]+)+(?:\[\w+\])*|[a-z]+(?:\[\w+\])+")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"|`([^`]*)`")
_UNQUOTED_SECRETS = re.compile(r"(?:sk|rk|pk|whsec)_\S+|\S+@\S+|\+?\d[\d ()./-]{6,}\d")

BY_CODE: Mapping[str, Sentence] = {
    "amount_too_small": say.AMOUNT_TOO_SMALL,
    "customer_max_subscriptions": say.TOO_MANY_SUBSCRIPTIONS,
    "customer_tax_location_invalid": say.NO_TAX_LOCATION,
    "email_invalid": say.EMAIL_INVALID,
    "idempotency_key_in_use": say.KEY_IN_USE,
    "invoice_not_editable": say.INVOICE_FINALISED,
    "lock_timeout": say.BUSY,
    "parameter_invalid_integer": say.BAD_INTEGER,
    "resource_missing": say.NO_RECORD,
    "testmode_charges_only": say.NOT_ACTIVATED,
    "url_invalid": say.URL_INVALID,
}
"""The codes a person can act on. Others are told by what their exception means."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """Which error of ours an exception becomes, and in which sentence, if its code has none of its own."""

    error: type[ConnectorError]
    sentence: Sentence


_MEANINGS: tuple[tuple[type[stripe.StripeError], Meaning], ...] = (
    (stripe.RateLimitError, Meaning(RateLimited, say.SLOW_DOWN)),
    (stripe.APIConnectionError, Meaning(Unreachable, say.NO_ANSWER)),
    (stripe.AuthenticationError, Meaning(AccessLost, say.KEY_REFUSED)),
    (stripe.PermissionError, Meaning(AccessLost, say.NOT_ALLOWED)),
    (stripe.IdempotencyError, Meaning(KeyUsed, say.KEY_SPENT)),
    (stripe.CardError, Meaning(Rejected, say.DECLINED)),
    (stripe.InvalidRequestError, Meaning(Rejected, say.REFUSED)),
)
_UNWELL = Meaning(Unreachable, say.UNWELL)
_GONE = Meaning(NotFound, say.NO_RECORD)
_REPLAYED = Meaning(KeyUsed, say.REPLAYED)
_REFUSED = Meaning(Rejected, say.REFUSED)


def meaning_of(error: stripe.StripeError) -> Meaning:
    """What an exception of the SDK means; first the answer's status and headers, then its class."""
    status = error.http_status or 0
    if status >= 400 and _headers(error).get("idempotent-replayed") == "true" and status != 429:
        return _REPLAYED
    if status == 404:
        return _GONE
    if status == 409 or status >= 500 or 0 < status < 400:
        # A conflict means that a twin of the request is under way: the SDK has waited for it and given up. And a good
        # status with a body that is not Stripe's says nothing of whether the request got through.
        return _UNWELL
    for kind, meaning in _MEANINGS:
        if isinstance(error, kind):
            return meaning
    return _REFUSED


def translate(error: stripe.StripeError, what: str, ref: RecordRef | None = None) -> ConnectorError:
    """Our error for an exception of the SDK. ``what`` names the call: ``subscriptions.create``."""
    meaning = meaning_of(error)
    code = error.code or (error.error.code if error.error is not None else None) or ""
    param = getattr(error, "param", None) or ""
    evidence: dict[str, object] = {"status": error.http_status, "code": code, "request_id": error.request_id or ""}
    if meaning.error is RateLimited:
        evidence["retry_after"] = retry_after(error)
    details = [what, *([f"parameter {param}"] if param else []), *([code] if code else [])]
    said = safe_words(error.user_message or "") if issubclass(meaning.error, (Rejected, NotFound)) else ""
    return meaning.error.because(
        BY_CODE.get(code, meaning.sentence) if meaning is not _REPLAYED else meaning.sentence,
        ref=ref,
        provider="stripe",
        evidence=evidence,
        details=f" ({', '.join(details)})",
        said=f" Stripe says: {said}{'' if said[-1] in '.!?…' else '.'}" if said else "",
    )


def retry_after(error: stripe.StripeError) -> float | None:
    """The seconds that the answer asks us to wait, if it says so in a way that makes sense."""
    try:
        seconds = float(_headers(error).get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 86_400 else None


def safe_words(message: str) -> str:
    """Stripe's sentence without what may be a person's: quoted words other than ids, addresses, numbers, keys."""

    def keep_ids(found: re.Match[str]) -> str:
        inner = next(group for group in found.groups() if group is not None)
        return found[0] if _STRIPE_ID.fullmatch(inner) and not _UNQUOTED_SECRETS.search(inner) else "'…'"

    words = _UNQUOTED_SECRETS.sub("…", _QUOTED.sub(keep_ids, " ".join(message.split())))
    return words if len(words) <= _LONGEST_QUOTE else f"{words[: _LONGEST_QUOTE - 1]}…"


def _headers(error: stripe.StripeError) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in (error.headers or {}).items()}
