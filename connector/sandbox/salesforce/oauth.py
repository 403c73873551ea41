"""Who may call: OAuth clients, the token endpoint's two flows, and the sessions they open."""

import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import jwt

from connector.sandbox.salesforce.org import Org

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LONGEST_ASSERTION = 300  # seconds an assertion may still be valid for
_KEYS: dict[str, tuple[frozenset[str], frozenset[str]]] = {  # grant -> required, also allowed
    "client_credentials": (frozenset({"client_id", "client_secret"}), frozenset({"grant_type", "scope", "format"})),
    _JWT_GRANT: (frozenset({"assertion"}), frozenset({"grant_type", "format", "scope"})),
}
_MOST_SESSIONS = 10_000
_TOKEN = re.compile(r"Bearer (\S+)\Z", re.IGNORECASE)


@dataclass
class Client:
    """An external client app: its key and secret, its certificate's public key, and whom it may act for."""

    key: str
    secret: str = ""
    public_key: str = ""  #: PEM
    run_as: str = ""  #: user id of the client-credentials flow; empty: the flow is not enabled
    approved_users: set[str] = field(default_factory=set)  #: usernames pre-authorised for the JWT flow


class TokenRefused(Exception):
    """The token endpoint said no, in OAuth's shape."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


class Logins:
    """The org's clients and open sessions."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self.clients: dict[str, Client] = {}
        self._sessions: OrderedDict[str, tuple[str, datetime]] = OrderedDict()

    def token(self, form: Mapping[str, str], host: str, basic: tuple[str, str] | None = None) -> dict[str, object]:
        """Open a session for a token request; raises TokenRefused. `host` is this org's own address."""
        grant = form.get("grant_type", "")
        if grant == "password":
            raise TokenRefused("invalid_grant", "authentication failure")
        if grant not in _KEYS:
            raise TokenRefused("unsupported_grant_type", "grant type not supported")
        given = dict(form)
        if basic is not None:
            given["client_id"], given["client_secret"] = basic
        required, optional = _KEYS[grant]
        for key in given.keys() - required - optional:
            raise TokenRefused("invalid_request", f"unknown parameter: {key}")
        for key in sorted(required - given.keys()):
            raise TokenRefused("invalid_request", f"missing required parameter: {key}")
        user_id = self._by_secret(given) if grant == "client_credentials" else self._by_jwt(given, host)
        return self._open(user_id, host)

    def user_of(self, authorization: str) -> str | None:
        """The user of a live session, from the Authorization header."""
        found = _TOKEN.match(authorization)
        session = self._sessions.get(found[1]) if found else None
        if session is None or self._org.clock.now() >= session[1]:
            return None
        user = self._org.row("User", session[0])
        return session[0] if user is not None and user["IsActive"] else None

    def end_all(self) -> None:
        """Every session is over, as when an admin revokes them."""
        self._sessions.clear()

    def _open(self, user_id: str, host: str) -> dict[str, object]:
        token = f"{self._org.id[:15]}!{secrets.token_urlsafe(72)}"
        expires = self._org.clock.now() + self._org.settings.session_lifetime
        self._sessions[token] = (user_id, expires)
        while len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return {
            "access_token": token,
            "signature": secrets.token_urlsafe(32),
            "scope": "api",
            "instance_url": host,
            "id": f"https://login.salesforce.com/id/{self._org.id}/{user_id}",
            "token_type": "Bearer",
            "issued_at": str(int(self._org.clock.now().timestamp() * 1000)),
        }

    def _by_secret(self, form: Mapping[str, str]) -> str:
        client = self._client(form["client_id"])
        if not client.secret or not secrets.compare_digest(client.secret.encode(), form["client_secret"].encode()):
            raise TokenRefused("invalid_client", "invalid client credentials")
        if not client.run_as:
            raise TokenRefused("invalid_grant", "no client credentials user enabled")
        return client.run_as

    def _by_jwt(self, form: Mapping[str, str], host: str) -> str:
        try:
            issuer = jwt.decode(form["assertion"], options={"verify_signature": False}).get("iss", "")
        except jwt.InvalidTokenError:
            raise TokenRefused("invalid_grant", "invalid assertion") from None
        client = self._client(issuer)
        claims = self._claims(form["assertion"], client, host)
        username = str(claims["sub"])
        users = (one for one in self._org.rows("User") if one["Username"] == username and one["IsActive"])
        user = next(users, None)
        if user is None or username not in client.approved_users:
            raise TokenRefused("invalid_grant", "user hasn't approved this consumer")
        return str(user["Id"])

    def _claims(self, assertion: str, client: Client, host: str) -> dict[str, object]:
        try:
            claims: dict[str, object] = jwt.decode(
                assertion,
                client.public_key,
                algorithms=["RS256"],
                audience=[*self._org.settings.audiences, host],
                options={"require": ["iss", "sub", "aud", "exp"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidAudienceError:
            raise TokenRefused("invalid_grant", "audience is invalid") from None
        except (jwt.PyJWTError, ValueError, TypeError):
            raise TokenRefused("invalid_grant", "invalid assertion") from None
        self._check_expiry(claims["exp"])
        return claims

    def _check_expiry(self, exp: object) -> None:
        """An assertion lives for minutes. The caller may keep real time or the sandbox's: either is honoured."""
        if not isinstance(exp, int | float):
            raise TokenRefused("invalid_grant", "invalid assertion")
        for now in (time.time(), self._org.clock.now().timestamp()):
            if now < exp <= now + _LONGEST_ASSERTION:
                return
        raise TokenRefused("invalid_grant", "expired assertion")

    def _client(self, key: str) -> Client:
        client = self.clients.get(key)
        if client is None:
            raise TokenRefused("invalid_client_id", "client identifier invalid")
        return client
