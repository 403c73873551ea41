"""HubSpot's three request signatures, over bytes and in constant time.

v3 covers method, address, body and time; v2 all but the time; v1 the body alone. Source: HubSpot, validating requests.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from connector.domain.inbox import InboundRequest

TOLERANCE = timedelta(seconds=300)

_DECODED = {f"%{ord(letter):02X}": letter for letter in ":/?@!$'()*,;"}
_ESCAPE = re.compile("|".join(_DECODED), re.IGNORECASE)


def v1(secret: bytes, request: InboundRequest) -> bytes:
    """Hex SHA-256 over secret and body."""
    return hashlib.sha256(secret + request.body).hexdigest().encode()


def v2(secret: bytes, request: InboundRequest) -> bytes:
    """Hex SHA-256 over secret, method, address as it was called, and body."""
    head = request.method.upper().encode() + request.url.partition("#")[0].encode()
    return hashlib.sha256(secret + head + request.body).hexdigest().encode()


def v3(secret: bytes, request: InboundRequest, timestamp: str) -> bytes:
    """Base64 HMAC-SHA256, keyed with the secret, over method, address, body and timestamp."""
    head = request.method.upper().encode() + signed_address(request.url).encode()
    signed = head + request.body + timestamp.encode()
    return base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest())


def signed_address(url: str) -> str:
    """The address as v3 signs it: no fragment, and in the query twelve escapes decoded, the others left."""
    address = url.partition("#")[0]
    path, mark, query = address.partition("?")
    return path + mark + _ESCAPE.sub(lambda found: _DECODED[found[0].upper()], query)


def matches(candidates: Sequence[bytes], given: str) -> bool:
    """Whether the header equals any candidate; every one is compared, in constant time, whatever the header holds."""
    received = given.encode("utf-8", "replace")
    return True in [hmac.compare_digest(candidate, received) for candidate in candidates]


def is_fresh(timestamp: str, now: datetime) -> bool:
    """Whether a timestamp in milliseconds lies within five minutes of now, on either side."""
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 14:
        return False
    sent = datetime.fromtimestamp(0, tz=now.tzinfo) + timedelta(milliseconds=int(timestamp))
    return abs(now - sent) <= TOLERANCE
