"""One deal with all that hangs on it, in the fewest calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector.crm.hubspot.api import HubSpotApi, mapping
from connector.crm.hubspot.catalog import Catalog
from connector.crm.hubspot.translate import (
    PATH_OF_OBJECT,
    associated_ids,
    names_read,
    pick_company,
    pick_contact,
    record,
)
from connector.domain.refs import RecordRef
from connector.errors import Gone, NotFound, Unreachable
from connector.ports import DealRecords, LineRecords
from mappings.model import FieldMapping

MERGED = "hs_merged_object_ids"
WON_AT = "hs_closed_won_date"
ALWAYS_READ = ("hs_is_closed_won", "hs_is_closed", "dealstage", "pipeline", "hubspot_owner_id", MERGED, WON_AT)
PRODUCT_ID = "hs_product_id"

MOST_LINES = 500
"""Line items we read of one deal; billing takes far fewer."""


@dataclass(frozen=True, slots=True)
class _Associated:
    """Whom and what a deal is associated with, as far as we could tell."""

    company: str = ""
    contact: str = ""
    lines: tuple[str, ...] = ()
    problem: str = ""


class DealReader:
    """Reads deals of one HubSpot account."""

    def __init__(self, api: HubSpotApi, catalog: Catalog) -> None:
        self._api = api
        self._catalog = catalog

    def fetch(self, ref: RecordRef, fields: FieldMapping) -> DealRecords:
        """The deal, its company, contact, line items and their products: a call for each that the mapping reads.

        Raises:
            Gone: the deal was deleted, or was merged: HubSpot answers an old id with the record that took it in, and
                that one is billed under its own.
        """
        paths = fields.paths("deal")
        wanted = self._existing("deal", (*ALWAYS_READ, *names_read(paths, "deal")))
        try:
            deal = self._api.record("deals", ref.id, wanted, ("companies", "contacts", "line_items"), ref)
        except NotFound as error:  # a token that may read deals may read all of them
            raise Gone(
                "The deal was deleted in HubSpot.",
                provider="hubspot",
                ref=ref,
                status=error.status,
                code=error.code,
                request_id=error.request_id,
            ) from None
        properties = mapping(deal.get("properties"))
        if not properties or "id" not in deal:
            raise Unreachable("HubSpot gave a deal without properties.", provider="hubspot", ref=ref)
        if str(deal["id"]) != ref.id:
            raise Gone(f"The deal was merged into deal {deal['id']}.", provider="hubspot", ref=ref)
        associated = self._associated(deal, ref)
        outcome = self._catalog.outcome(properties)
        owner = properties.get("hubspot_owner_id")
        records = {
            "deal": record(properties, self._catalog.of("deal")),
            **self._one("company", associated.company, paths),
            **self._one("contact", associated.contact, paths),
        }
        return DealRecords(
            ref=ref,
            won=outcome.won,
            closed=outcome.closed,
            account=_ref("account", associated.company),
            contact=_ref("contact", associated.contact),
            owner=_ref("owner", owner),
            records=records,
            lines=self._lines(associated.lines, fields.paths("line_item"), ref),
            problem=associated.problem,
            won_at=_won_at(properties),
            absorbed=_merged(properties),
        )

    def _associated(self, deal: Mapping[str, Any], ref: RecordRef) -> _Associated:
        problem = ""
        companies, more_companies = associated_ids(deal, "companies")
        company = companies[0] if companies else ""
        if len(companies) > 1 or more_companies:
            company, problem = pick_company(list(self._api.labelled("deals", ref.id, "companies", ref)))
        contacts, more_contacts = associated_ids(deal, "contacts")
        contact = contacts[0] if contacts else ""
        if len(contacts) > 1 or more_contacts:
            contact = pick_contact(list(self._api.labelled("deals", ref.id, "contacts", ref)))
        lines, more_lines = associated_ids(deal, "line_items")
        if more_lines:
            lines = tuple(dict.fromkeys(each for each, _ in self._api.labelled("deals", ref.id, "line_items", ref)))
        if len(lines) > MOST_LINES:
            return _Associated(company, contact, (), f"The deal has more than {MOST_LINES} line items.")
        return _Associated(company, contact, lines, problem)

    def _one(self, name: str, record_id: str, paths: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """The record of one associated object, unless the mapping reads nothing of it."""
        wanted = self._existing(name, names_read(paths, name))
        if not record_id or not wanted:
            return {}
        found = self._api.records(PATH_OF_OBJECT[name], [record_id], wanted).get(record_id)
        return {} if found is None else {name: record(found, self._catalog.of(name))}

    def _lines(self, ids: Sequence[str], paths: Sequence[str], ref: RecordRef) -> tuple[LineRecords, ...]:
        if not ids:
            return ()
        found = self._api.records(
            "line_items", ids, self._existing("line_item", (PRODUCT_ID, *names_read(paths, "line_item")))
        )
        if any(each not in found for each in ids):
            # Half a deal must never be billed. The line was deleted a moment ago, or the answer is incomplete.
            raise Unreachable(
                "HubSpot names a line item of the deal and does not show it.",
                hint="It is tried again by itself.",
                provider="hubspot",
                ref=ref,
            )
        products = self._products(found, paths)
        return tuple(self._line(each, found[each], products) for each in sorted(ids, key=_by_number))

    def _products(self, lines: Mapping[str, Mapping[str, Any]], paths: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        wanted = self._existing("product", names_read(paths, "product"))
        ids = dict.fromkeys(str(line[PRODUCT_ID]) for line in lines.values() if line.get(PRODUCT_ID))
        return self._api.records("products", list(ids), wanted) if ids and wanted else {}

    def _line(
        self, line_id: str, properties: Mapping[str, Any], products: Mapping[str, Mapping[str, Any]]
    ) -> LineRecords:
        product_id = str(properties.get(PRODUCT_ID) or "")
        records = {"line_item": record(properties, self._catalog.of("line_item"))}
        if product_id in products:
            records["product"] = record(products[product_id], self._catalog.of("product"))
        return LineRecords(RecordRef("hubspot", "line_item", line_id), _ref("product", product_id), records)

    def _existing(self, name: str, wanted: Sequence[str]) -> tuple[str, ...]:
        """Those properties that the account has: a mapping may name optional ones."""
        known = self._catalog.of(name).fields
        return tuple(each for each in dict.fromkeys(wanted) if each in known)


def _won_at(properties: Mapping[str, Any]) -> datetime | None:
    """When the deal entered its won stage, as HubSpot works it out; None where it does not say."""
    try:
        return datetime.fromisoformat(str(properties.get(WON_AT) or "")).astimezone(UTC)
    except ValueError:
        return None


def _merged(properties: Mapping[str, Any]) -> tuple[RecordRef, ...]:
    """HubSpot keeps the ids of deals that were merged into this one, parted by semicolons."""
    ids = str(properties.get(MERGED) or "").split(";")
    return tuple(RecordRef("hubspot", "deal", each.strip()) for each in ids if each.strip().isdigit())


def _ref(kind: str, record_id: object) -> RecordRef | None:
    return RecordRef("hubspot", kind, str(record_id)) if record_id else None


def _by_number(record_id: str) -> tuple[int, str]:
    return (int(record_id), record_id) if record_id.isdigit() else (0, record_id)
