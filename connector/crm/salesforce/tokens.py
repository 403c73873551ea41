"""Access tokens: fetched by client credentials or JWT bearer, kept until shortly before they expire.

We fetch them ourselves because simple-salesforce refreshes without a lock and loses request headers when it does.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import jwt
import requests

from connector.crm.salesforce.errors import from_sign_in, no_answer
from connector.crm.salesforce.ids import is_record_id, long_id
from connector.crm.salesforce.settings import LOOPBACK, SalesforceSettings
from connector.crm.salesforce.transport import retry_after
from connector.errors import AccessLost, Misconfigured, Unreachable
from connector.ports import Clock, Throttle
from connector.sentences.salesforce import ADDRESS_NOT_SAFE, KEY_UNUSABLE, ODD_ANSWER

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

# Salesforce tells no lifetime; fifteen minutes is the shortest session an org can set.
_LIFETIME = timedelta(minutes=15)
_MARGIN = timedelta(minutes=1)
_ASSERTION_LIFETIME = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Token:
    """A session with one org. The secret never shows in a repr."""

    access_token: str = field(repr=False)
    instance_url: str
    user_id: str  #: the integration user, 18 characters; empty when the answer did not name it
    organization_id: str
    good_until: datetime


class TokenProvider:
    """Gives the current token and fetches a new one when it is old or was refused. Safe among threads."""

    def __init__(
        self, settings: SalesforceSettings, session: requests.Session, throttle: Throttle, clock: Clock
    ) -> None:
        self._settings = settings
        self._session = session
        self._throttle = throttle
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Token | None = None

    def get(self) -> Token:
        """A token that is good for at least a minute.

        Raises: AccessLost, Misconfigured (a key that is none), RateLimited, Unreachable.
        """
        with self._lock:
            if self._token is None or self._clock() >= self._token.good_until:
                self._token = self._fetch()
            return self._token

    def refused(self, token: Token) -> None:
        """Salesforce did not accept this token: the next ``get`` fetches another, unless a thread was quicker."""
        with self._lock:
            if self._token is token:
                self._token = None

    def _fetch(self) -> Token:
        now = self._clock()
        self._throttle.wait("salesforce")
        try:
            answer = self._session.post(
                f"{self._settings.instance_url}/services/oauth2/token",
                data=self._grant(now),
                headers={"Accept": "application/json"},
                allow_redirects=False,  # a redirected login would carry the secret to another host
            )
            content = answer.json()
        except requests.JSONDecodeError:
            content = None
        except requests.RequestException as error:
            raise no_answer(error) from error
        if answer.status_code != 200:
            raise from_sign_in(answer.status_code, content, retry_after=retry_after(answer))
        return self._read(content, now)

    def _grant(self, now: datetime) -> dict[str, str]:
        settings = self._settings
        if not settings.uses_key:
            return {
                "grant_type": "client_credentials",
                "client_id": settings.client_id,
                "client_secret": settings.client_secret.get_secret_value(),
            }
        claims = {
            "iss": settings.client_id,
            "sub": settings.username,
            "aud": settings.audience,
            "exp": int((now + _ASSERTION_LIFETIME).timestamp()),
        }
        try:
            assertion = jwt.encode(claims, settings.signing_key(), algorithm="RS256")
        except (jwt.InvalidKeyError, ValueError, TypeError) as error:
            raise Misconfigured.because(KEY_UNUSABLE, provider="salesforce") from error
        return {"grant_type": JWT_GRANT, "assertion": assertion}

    def _read(self, content: object, now: datetime) -> Token:
        if not isinstance(content, dict) or not content.get("access_token"):
            raise Unreachable.because(
                ODD_ANSWER, provider="salesforce", what="a sign-in with something else", evidence={"status": 200}
            )
        told = str(content.get("expires_in", ""))
        lifetime = timedelta(seconds=int(told)) if re.fullmatch(r"\d{1,8}", told, re.ASCII) else _LIFETIME
        # "id" is an address that ends in /<organization id>/<user id>
        parts = [part for part in urlsplit(str(content.get("id", ""))).path.split("/") if is_record_id(part)]
        return Token(
            access_token=str(content["access_token"]),
            instance_url=_instance(str(content.get("instance_url") or self._settings.instance_url)),
            user_id=long_id(parts[-1]) if len(parts) >= 2 else "",
            organization_id=long_id(parts[-2]) if len(parts) >= 2 else "",
            good_until=now + max(lifetime - _MARGIN, timedelta(0)),
        )


def _instance(address: str) -> str:
    """Where the org says its API is: never plain http, but for a sandbox on this machine."""
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise AccessLost.because(ADDRESS_NOT_SAFE, provider="salesforce")
    return f"{parts.scheme}://{parts.netloc}"
