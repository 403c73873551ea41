"""One deal with all that hangs on it, in the fewest calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connector.crm.hubspot.api import HubSpotApi, mapping
from connector.crm.hubspot.catalog import Catalog
from connector.crm.hubspot.translate import (
    PATH_OF_OBJECT,
    Labelled,
    associated_ids,
    names_read,
    pick_company,
    pick_contact,
    record,
    with_label,
)
from connector.crm.labels import as_one, labels_of, parts
from connector.crm.payer import PAYER, payer_of
from connector.domain.refs import RecordRef
from connector.errors import CannotBill, Gone, NotFound, Unreachable
from connector.ports import DealRecords, LineRecords
from connector.sentences.crm import DEAL_DELETED, DEAL_MERGED, SEVERAL_PAYERS, TOO_MANY_LINES
from connector.sentences.hubspot import HALF_ANSWER
from mappings.model import FieldMapping

MERGED = "hs_merged_object_ids"
WON_AT = "hs_closed_won_date"
ALWAYS_READ = ("hs_is_closed_won", "hs_is_closed", "dealstage", "pipeline", "hubspot_owner_id", MERGED, WON_AT)
PRODUCT_ID = "hs_product_id"

MOST_LINES = 500
"""Line items we read of one deal; billing takes far fewer."""


@dataclass(frozen=True, slots=True)
class _Associated:
    """Whom and what a deal is associated with, as far as we could tell.

    ``labelled`` says for every label that the mapping asks for which records carry it: "company[Bill To]" -> ids.
    """

    company: str = ""
    contact: str = ""
    lines: tuple[str, ...] = ()
    labelled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refusal: CannotBill | None = None


class DealReader:
    """Reads deals of one HubSpot account."""

    def __init__(self, api: HubSpotApi, catalog: Catalog) -> None:
        self._api = api
        self._catalog = catalog

    def fetch(self, ref: RecordRef, fields: FieldMapping) -> DealRecords:
        """The deal, its company, contact, line items and their products: a call for each that the mapping reads.

        Association labels cost a call more, where there are any and somebody asks for them.

        Raises:
            Gone: the deal was deleted, or was merged: HubSpot answers an old id with the record that took it in, and
                that one is billed under its own.
        """
        paths = fields.paths("deal")
        deal = self._deal(ref, paths)
        properties = mapping(deal.get("properties"))
        associated = self._associated(deal, ref, fields)
        outcome = self._catalog.outcome(properties)
        records = {
            "deal": record(properties, self._catalog.of("deal")),
            **self._around("company", associated.company, associated.labelled, paths),
            **self._around("contact", associated.contact, associated.labelled, paths),
        }
        account = _ref("account", associated.company)
        return DealRecords(
            ref=ref,
            won=outcome.won,
            closed=outcome.closed,
            stage=str(properties.get("dealstage") or ""),
            account=account,
            payer=payer_of(records, fields, account),
            contact=_ref("contact", associated.contact),
            owner=_ref("owner", properties.get("hubspot_owner_id")),
            records=records,
            lines=self._lines(associated.lines, fields.paths("line_item"), ref),
            problem=associated.refusal.message if associated.refusal else "",
            refusal=associated.refusal,
            won_at=_won_at(properties),
            absorbed=_merged("deal", properties),
            formerly=_merged("account", records.get("company", {})),
        )

    def _deal(self, ref: RecordRef, paths: Sequence[str]) -> Mapping[str, Any]:
        wanted = self._existing("deal", (*ALWAYS_READ, *names_read(paths, "deal")))
        try:
            deal = self._api.record("deals", ref.id, wanted, ("companies", "contacts", "line_items"), ref)
        except NotFound as error:  # a token that may read deals may read all of them
            gone = Gone.because(DEAL_DELETED, provider="hubspot", ref=ref, crm="HubSpot")
            gone.status, gone.code, gone.request_id = error.status, error.code, error.request_id
            raise gone from None
        if not mapping(deal.get("properties")) or "id" not in deal:
            raise Unreachable.because(HALF_ANSWER, provider="hubspot", ref=ref, what="the deal's properties")
        if str(deal["id"]) != ref.id:
            raise Gone.because(DEAL_MERGED, provider="hubspot", ref=ref, other=deal["id"])
        return deal

    def _associated(self, deal: Mapping[str, Any], ref: RecordRef, fields: FieldMapping) -> _Associated:
        paths = fields.paths("deal")
        companies, company_labels = self._linked(deal, ref, "company", paths)
        contacts, contact_labels = self._linked(deal, ref, "contact", paths)
        company, refusal = (companies[0][0], None) if len(companies) == 1 else ("", None)
        if len(companies) > 1:
            company, refusal = pick_company(companies, ref)
        lines = associated_ids(deal, "line_items")
        line_ids = lines.ids
        if lines.more:
            line_ids = tuple(dict.fromkeys(each for each, _ in self._api.labelled("deals", ref.id, "line_items", ref)))
        if len(line_ids) > MOST_LINES:
            line_ids = ()
            refusal = refusal or CannotBill.because(TOO_MANY_LINES, ref=ref, provider="hubspot", most=MOST_LINES)
        labelled = {**company_labels, **contact_labels}
        refusal = refusal or _several_payers(labelled, fields, ref)
        return _Associated(company, pick_contact(contacts), line_ids, labelled, refusal)

    def _linked(
        self, deal: Mapping[str, Any], ref: RecordRef, name: str, paths: Sequence[str]
    ) -> tuple[Labelled, dict[str, tuple[str, ...]]]:
        """The associated records of one object, and those among them that carry a label which the mapping asks for.

        The deal's own answer says which there are; their labels are asked for only where they make a difference.
        """
        labels = labels_of(paths, name)
        told = associated_ids(deal, PATH_OF_OBJECT[name])
        linked: Labelled = [(each, ()) for each in told.ids]
        if len(told.ids) > 1 or told.more or (labels and told.labelled):
            linked = list(self._api.labelled("deals", ref.id, PATH_OF_OBJECT[name], ref))
        return linked, {f"{name}[{label}]": with_label(linked, label) for label in labels}

    def _around(
        self, name: str, record_id: str, labelled: Mapping[str, tuple[str, ...]], paths: Sequence[str]
    ) -> dict[str, Mapping[str, Any]]:
        """The records of one associated object, plain and by label, unless the mapping reads nothing of it."""
        read = names_read(paths, name)
        wanted = self._existing(name, (*read, MERGED) if name == "company" else read)
        by_name: dict[str, tuple[str, ...]] = {name: (record_id,) if record_id else ()}
        by_name |= {each: ids for each, ids in labelled.items() if parts(each).object == name}
        ids = list(dict.fromkeys(each for found in by_name.values() for each in found))
        if not ids or not read or not wanted:
            return {}
        catalog = self._catalog.of(name)
        found = {
            each: record(properties, catalog)
            for each, properties in self._api.records(PATH_OF_OBJECT[name], ids, wanted).items()
        }
        shown = {each: [found[one] for one in ids if one in found] for each, ids in by_name.items()}
        return {each: as_one(records) for each, records in shown.items() if records}

    def _lines(self, ids: Sequence[str], paths: Sequence[str], ref: RecordRef) -> tuple[LineRecords, ...]:
        if not ids:
            return ()
        found = self._api.records(
            "line_items", ids, self._existing("line_item", (PRODUCT_ID, *names_read(paths, "line_item")))
        )
        if any(each not in found for each in ids):
            # Half a deal must never be billed. The line was deleted a moment ago, or the answer is incomplete.
            raise Unreachable.because(HALF_ANSWER, provider="hubspot", ref=ref, what="one of the deal's line items")
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


def _merged(kind: str, properties: Mapping[str, Any]) -> tuple[RecordRef, ...]:
    """HubSpot keeps the ids of records that were merged into this one, parted by semicolons."""
    ids = str(properties.get(MERGED) or "").split(";")
    return tuple(RecordRef("hubspot", kind, each.strip()) for each in ids if each.strip().isdigit())


def _several_payers(labelled: Mapping[str, tuple[str, ...]], fields: FieldMapping, ref: RecordRef) -> CannotBill | None:
    """A label that says who pays may stand on one company only."""
    named = [path for rule in fields.deal if rule.canonical == PAYER for path in rule.paths()]
    for path in named:
        ids = labelled.get(parts(path).name, ())
        if len(ids) > 1:
            label = parts(path).label
            return CannotBill.because(SEVERAL_PAYERS, ref=ref, provider="hubspot", count=len(ids), label=label)
    return None


def _ref(kind: str, record_id: object) -> RecordRef | None:
    return RecordRef("hubspot", kind, str(record_id)) if record_id else None


def _by_number(record_id: str) -> tuple[int, str]:
    return (int(record_id), record_id) if record_id.isdigit() else (0, record_id)
