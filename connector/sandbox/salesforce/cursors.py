"""The rest of long query answers, kept until they are fetched: queryMore."""

from collections import OrderedDict
from collections.abc import Sequence

from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.soql.plan import Plan

_MOST = 200  # the oldest is forgotten then, as Salesforce forgets a user's oldest cursor


class Cursors:
    """Query locators of one org and the ids each still has to give."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._kept: OrderedDict[str, tuple[Plan, list[str]]] = OrderedDict()

    def open(self, plan: Plan, ids: Sequence[str]) -> str:
        """Keep the ids of an answer that is longer than a batch, and name them."""
        locator = self._org.fresh_id("01g")
        self._kept[locator] = (plan, list(ids))
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return locator

    def take(self, locator: str) -> tuple[Plan, list[str], str, int]:
        """The plan, all ids, bare name and offset of `01g...-2000`; raises Refused (INVALID_QUERY_LOCATOR)."""
        name, _, offset = locator.partition("-")
        if name not in self._kept or not offset.isdigit() or int(offset) > len(self._kept[name][1]):
            raise Refused("INVALID_QUERY_LOCATOR", "invalid query locator")
        plan, ids = self._kept[name]
        return plan, ids, name, int(offset)
