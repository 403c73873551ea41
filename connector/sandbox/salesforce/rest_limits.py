"""What is left of the org's allowances, and the list of a version's resources."""

from connector.sandbox.salesforce.call import Answer, Call, Route


def limits(call: Call) -> Answer:
    """GET limits."""
    most = call.org.settings.daily_requests
    left = max(0, most - call.usage.used(call.org.now()))
    return Answer(200, {"DailyApiRequests": {"Max": most, "Remaining": left}})


def resources(call: Call) -> Answer:
    """GET /services/data/vXX.X."""
    names = ("sobjects", "query", "queryAll", "composite", "limits", "tooling")
    return Answer(200, {name: call.address(f"/{name}") for name in names})


ROUTES = [Route("GET", "/limits", limits), Route("GET", "/", resources)]
