"""Who owns a company or a deal, and which of a company's deals are open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.crm.hubspot.api import HubSpotApi, mapping
from connector.crm.hubspot.catalog import Catalog
from connector.crm.hubspot.tasks import path_of
from connector.domain.refs import RecordRef
from connector.errors import NotFound

MOST_OPEN = 100
"""Open deals of one company that we look at."""

PRIMARY_DEAL = 6
"""Association type company -> deal whose primary company it is. Source: hubspot-api-client, ``AssociationType``."""

_OWNER = "hubspot_owner_id"
_READ = ("dealstage", "pipeline", "hs_is_closed", "hs_is_closed_won", "createdate")


class Ownership:
    """Owners and open deals of one HubSpot account."""

    def __init__(self, api: HubSpotApi, catalog: Catalog) -> None:
        self._api = api
        self._catalog = catalog

    def open_deals(self, account: RecordRef) -> list[RecordRef]:
        """The open deals whose account is this company, newest first: it is their primary one, or their only one."""
        try:
            linked = list(self._api.labelled("companies", account.id, "deals", account))
        except NotFound:
            return []
        found = self._api.records("deals", list(dict.fromkeys(each for each, _ in linked)), _READ)
        still_open = {each: deal for each, deal in found.items() if not self._catalog.outcome(deal).closed}
        ours = {each for each, types in linked if _primary(types)}
        ours |= self._alone([each for each in still_open if each not in ours])
        newest_first = sorted(
            (each for each in still_open if each in ours), key=lambda each: _age(each, still_open[each]), reverse=True
        )
        return [RecordRef("hubspot", "deal", each) for each in newest_first[:MOST_OPEN]]

    def owner_of(self, record: RecordRef) -> RecordRef | None:
        """The person who owns it, if they are still there.

        Raises:
            NotFound: there is no such record.
        """
        found = self._api.record(path_of(record), record.id, (_OWNER,), (), record)
        owner_id = str(mapping(found.get("properties")).get(_OWNER) or "")
        if not owner_id:
            return None
        try:
            owner = self._api.owner(owner_id)
        except NotFound:
            return None
        if owner.get("archived") or owner.get("type", "PERSON") != "PERSON":
            return None
        return RecordRef("hubspot", "owner", owner_id)

    def _alone(self, deals: Sequence[str]) -> set[str]:
        """Those deals that have one company only."""
        companies = self._api.linked("deals", deals, "companies") if deals else {}
        return {each for each, found in companies.items() if len(set(found)) == 1}


def _primary(types: Sequence[Mapping[str, Any]]) -> bool:
    return any(one.get("typeId") == PRIMARY_DEAL for one in types)


def _age(deal_id: str, properties: Mapping[str, Any]) -> tuple[str, int]:
    """HubSpot's times are ISO 8601 in UTC, to the millisecond: their texts are in their order."""
    return str(properties.get("createdate") or ""), int(deal_id) if deal_id.isdigit() else 0
