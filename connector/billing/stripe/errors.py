"""What Stripe's errors mean for us: one table for the SDK's exceptions, one for the codes a person can act on.

Stripe's own sentences may quote an e-mail address or a name, so only what is safe in them is passed on, and the
original exception, which carries the whole answer, is not chained: a traceback in a log would print it. The request id
leads to the full story in Stripe's own request log.
"""

from __future__ import annotations

import re
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

_LONGEST_QUOTE = 300

_STRIPE_ID = re.compile(r"[a-z]{2,12}(?:_[A-Za-z0-9]+)+(?:\[\w+\])*|[a-z]+(?:\[\w+\])+")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"|`([^`]*)`")
_UNQUOTED_SECRETS = re.compile(r"(?:sk|rk|pk|whsec)_\S+|\S+@\S+|\+?\d[\d ()./-]{6,}\d")

HINTS = {
    "amount_too_small": "Stripe charges no amount below its minimum for this currency.",
    "customer_max_subscriptions": "This customer has as many subscriptions as Stripe allows; end some first.",
    "customer_tax_location_invalid": "Give the account a complete address: tax cannot be worked out without one.",
    "email_invalid": "Correct the billing contact's e-mail address.",
    "idempotency_key_in_use": "The same request is still under way; it is tried again by itself.",
    "invoice_not_editable": "The invoice is finalised already and cannot be changed.",
    "lock_timeout": "Stripe is busy with this record; it is tried again by itself.",
    "parameter_invalid_integer": "Correct the number that Stripe names.",
    "resource_missing": "Look the id up in Stripe, in the same mode (test or live) as our key.",
    "testmode_charges_only": "Activate the Stripe account, or use a test key.",
    "url_invalid": "PUBLIC_URL must be an address that Stripe can reach.",
}
"""What a person can do about a code. Codes without a line here get the hint of their exception."""

_LOG_HINT = "The request id leads to the details: Stripe > Developers > Logs."
_KEY_HINT = "Check STRIPE_API_KEY, and that the key may read and write what `connector doctor` lists."


@dataclass(frozen=True, slots=True)
class Meaning:
    """Which error of ours an exception becomes, in a sentence and with a hint."""

    error: type[ConnectorError]
    sentence: str
    hint: str = _LOG_HINT


_MEANINGS: tuple[tuple[type[stripe.StripeError], Meaning], ...] = (
    (stripe.RateLimitError, Meaning(RateLimited, "Stripe asks us to slow down.", "")),
    (stripe.APIConnectionError, Meaning(Unreachable, "Stripe did not answer.", "")),
    (stripe.AuthenticationError, Meaning(AccessLost, "Stripe does not accept our key.", _KEY_HINT)),
    (stripe.PermissionError, Meaning(AccessLost, "Our Stripe key may not do this.", _KEY_HINT)),
    (stripe.IdempotencyError, Meaning(KeyUsed, "The idempotency key was used for another request.", "")),
    (stripe.CardError, Meaning(Rejected, "The payment was declined.", "Ask the customer for another payment method.")),
    (stripe.InvalidRequestError, Meaning(Rejected, "Stripe refused the request.")),
)
_UNWELL = Meaning(Unreachable, "Stripe failed in itself.", "")
_GONE = Meaning(NotFound, "Stripe does not know this record.", HINTS["resource_missing"])
_REPLAYED = Meaning(KeyUsed, "Stripe would only repeat an earlier failure under this idempotency key.", "")
_REFUSED = Meaning(Rejected, "Stripe refused the request.")


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
    hint = HINTS.get(code, meaning.hint)
    evidence: dict[str, object] = {
        "hint": hint,
        "provider": "stripe",
        "ref": ref,
        "status": error.http_status,
        "code": code,
        "request_id": error.request_id or "",
    }
    if meaning.error is RateLimited:
        evidence["retry_after"] = retry_after(error)
    details = [what, *([f"parameter {param}"] if param else []), *([code] if code else [])]
    said = safe_words(error.user_message or "") if issubclass(meaning.error, (Rejected, NotFound)) else ""
    sentence = f"{meaning.sentence} ({', '.join(details)})" + (f" Stripe says: {said}" if said else "")
    return meaning.error(sentence, **evidence)  # type: ignore[arg-type]  # the evidence that every error takes


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
