"""Which handler answers a call: the make-believe Salesforce's table of routes."""

from connector.sandbox.salesforce import rest_collections, rest_limits, rest_query, rest_records, tooling
from connector.sandbox.salesforce.call import Answer, Call, Route
from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.rest_composite import route_for


def dispatch(call: Call) -> Answer:
    """Answer a call; raises Refused for what Salesforce would refuse."""
    route, call.names = find(call.method, call.path)
    route.check(call)
    return route.handler(call)


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route of a call and the named parts of its path; raises Refused (404 or 405)."""
    allowed = []
    for route in ROUTES:
        names = route.match(path or "/")
        if names is None:
            continue
        if route.method == method:
            return route, names
        allowed.append(route.method)
    if allowed:
        raise Refused(
            "METHOD_NOT_ALLOWED",
            f"HTTP Method '{method}' not allowed. Allowed are {','.join(dict.fromkeys(allowed))}",
            status=405,
        )
    raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)


ROUTES = [
    *rest_query.ROUTES,
    *rest_collections.ROUTES,
    route_for(dispatch),
    *tooling.ROUTES,
    *rest_limits.ROUTES,
    *rest_records.ROUTES,
]
