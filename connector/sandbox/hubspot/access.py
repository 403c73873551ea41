"""Who may call: bearer tokens, and the scopes each call needs."""

from collections.abc import Collection

from connector.sandbox.hubspot.calls import Call, Caller
from connector.sandbox.hubspot.kinds import KINDS, kind_named, scopes_of
from connector.sandbox.hubspot.refusals import Refusal

#: The service key of the sandbox's portal; it may do everything.
SERVICE_KEY = "pat-sandbox-6f1d2c7e-hubspot"

#: Every scope a call of ours may need.
ALL_SCOPES: frozenset[str] = frozenset({"crm.objects.owners.read"}).union(
    *(
        scopes_of(kind, write=write, schema=schema)
        for kind in KINDS.values()
        for write in (True, False)
        for schema in (True, False)
    )
)

_SEARCH_AND_READ = ("/search", "/batch/read")


class Tokens:
    """The tokens in force and what each may do."""

    def __init__(self) -> None:
        self._scopes: dict[str, frozenset[str] | None] = {SERVICE_KEY: None}

    def grant(self, token: str, scopes: Collection[str] | None) -> None:
        """Let a token in; without scopes it may do everything."""
        self._scopes[token] = None if scopes is None else frozenset(scopes)

    def revoke(self, token: str) -> None:
        """The token opens nothing any more."""
        self._scopes.pop(token, None)

    def caller(self, authorization: str | None) -> Caller:
        """Whose header this is. Raises Refusal (401)."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme != "Bearer" or not token:
            raise _not_authenticated(
                "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can "
                "find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
            )
        if token not in self._scopes:
            raise _not_authenticated("Authentication credentials not valid. The token is unknown, expired or revoked.")
        return Caller(token, self._scopes[token])

    def named(self, token: str) -> Caller:
        """A token that stands in a path. Raises Refusal (404) when it opens nothing."""
        if token not in self._scopes:
            raise Refusal(404, "NOT_FOUND", "The token is not known")
        return Caller(token, self._scopes[token])


def needed_scopes(call: Call, route: str) -> list[frozenset[str]]:
    """Sets of scopes; a caller needs one out of each. `route` is the normalised `METHOD /template`."""
    method, _, path = route.partition(" ")
    write = method != "GET" and not path.endswith(_SEARCH_AND_READ)
    if path.startswith("/crm/v3/owners"):
        return [frozenset({"crm.objects.owners.read"})]
    if path.startswith(("/crm/v3/properties", "/crm/v3/pipelines")):
        return [scopes_of(call.kind, write=write, schema=True)]
    ends = [call.path[name] for name in _ENDS if name in call.path]
    return [scopes_of(kind_named(one), write=write, schema=False) for one in ends]


_ENDS = ("objectType", "fromObjectType", "toObjectType")


def _not_authenticated(message: str) -> Refusal:
    return Refusal(401, "INVALID_AUTHENTICATION", message)
