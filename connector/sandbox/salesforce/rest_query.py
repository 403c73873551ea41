"""The query endpoints: query, queryAll, queryMore, and the Tooling API's query."""

import re
from collections.abc import Sequence

from connector.sandbox.salesforce.call import Answer, Call, Route
from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.schema import Api
from connector.sandbox.salesforce.soql.plan import Plan, make_plan

_SMALLEST_BATCH, _LARGEST_BATCH = 200, 2000
_BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)


def query(call: Call) -> Answer:
    """Answer a query with its first batch."""
    return _first(call, "query")


def query_all(call: Call) -> Answer:
    """Answer a query over deleted records too."""
    return _first(call, "queryAll", deleted=True)


def tooling_query(call: Call) -> Answer:
    """Answer a query over the org's own definitions."""
    return _first(call, "tooling/query", api="tooling")


def query_more(call: Call) -> Answer:
    """Answer with the next batch of a long answer."""
    plan, ids, name, offset = call.cursors.take(call.names["locator"])
    return Answer(200, _page(call, plan, ids, name, offset))


def _first(call: Call, folder: str, *, deleted: bool = False, api: Api = "data") -> Answer:
    soql = call.params.get("q", "")
    if not soql.strip():
        raise Refused("MALFORMED_QUERY", "A query string has to be specified")
    plan = make_plan(soql, call.org, call.actor, api=api, deleted=deleted)
    ids = plan.match()
    if not plan.query.select:
        return Answer(200, {"totalSize": len(ids), "done": True, "records": []})
    name = call.cursors.open(plan, ids) if len(ids) > _batch(call) else ""
    return Answer(200, _page(call, plan, ids, name, 0, folder))


def _page(
    call: Call, plan: Plan, ids: Sequence[str], name: str, offset: int, folder: str = "query"
) -> dict[str, object]:
    batch = _batch(call)
    end = min(offset + batch, len(ids))
    page: dict[str, object] = {"totalSize": len(ids), "done": end == len(ids)}
    if end < len(ids):
        page["nextRecordsUrl"] = call.address(f"/{folder}/{name}-{end}")

    def more(child: Plan, rest: Sequence[str]) -> str:
        return call.address(f"/query/{call.cursors.open(child, rest)}-0")

    page["records"] = plan.render(ids[offset:end], call.version, batch, more)
    return page


def _batch(call: Call) -> int:
    asked = _BATCH.search(call.headers.get("sforce-query-options", ""))
    if asked is None:
        return call.org.settings.query_batch
    return max(_SMALLEST_BATCH, min(int(asked.group(1)), _LARGEST_BATCH))


ROUTES = [
    Route("GET", "/query", query, params="q"),
    Route("GET", "/queryAll", query_all, params="q"),
    Route("GET", "/query/{locator}", query_more),
    Route("GET", "/queryAll/{locator}", query_more),
    Route("GET", "/tooling/query", tooling_query, params="q"),
    Route("GET", "/tooling/query/{locator}", query_more),
]
