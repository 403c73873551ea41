"""Every request we make of HubSpot, one method each, all of them by the official client.

Its paths are ``/crm/v3`` and, for association labels, ``/crm/v4``: hubspot-api-client 12 knows no dated ones yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from hubspot import HubSpot
from hubspot.crm.associations.v4 import (
    BatchInputPublicFetchAssociationsBatchRequest,
    PublicFetchAssociationsBatchRequest,
)
from hubspot.crm.associations.v4.schema import PublicAssociationDefinitionCreateRequest
from hubspot.crm.objects import (
    AssociationSpec,
    BatchInputSimplePublicObjectBatchInput,
    BatchReadInputSimplePublicObjectId,
    Filter,
    FilterGroup,
    PublicAssociationsForObject,
    PublicObjectId,
    PublicObjectSearchRequest,
    SimplePublicObjectBatchInput,
    SimplePublicObjectId,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.properties import OptionInput, PropertyCreate, PropertyGroupCreate, PropertyUpdate
from urllib3.util.retry import Retry

from connector.crm.hubspot.calls import LIMIT, SEARCH_LIMIT, Answer, Calls
from connector.crm.hubspot.settings import HubSpotSettings
from connector.domain.refs import RecordRef
from connector.errors import Rejected, Unreachable
from connector.sentences.hubspot import HALF_ANSWER, TOO_MANY_LINKED

BATCH = 100
"""Inputs that a batch read or a batch update takes. Source: HubSpot, CRM objects API."""

MANY = 1_000
"""Records whose associations one call reads. Source: HubSpot, associations v4 API."""

SEARCH_PAGE = 200
LABEL_PAGE = 500
_MOST_LABEL_PAGES = 20

FilterGroups: TypeAlias = Sequence[Sequence[tuple[str, str, str | Sequence[str]]]]
"""Filters as (property, operator, value): all of a group, any of the groups. An operator may need no value: ""."""


class HubSpotApi:
    """The requests, their types and paging; answers are plain mappings in HubSpot's own names.

    The client opens a connection pool for each API object it hands out, so each is asked for once and kept.
    """

    def __init__(self, settings: HubSpotSettings, calls: Calls) -> None:
        client = HubSpot(
            access_token=settings.access_token.get_secret_value(),
            host=settings.base_url,  # for typed calls
            base_url=settings.base_url,  # for untyped ones, so that none can stray to the real HubSpot
            retry=Retry(0, raise_on_status=False),  # all retrying is ours
        )
        self.calls = calls
        self._records = client.crm.objects.basic_api
        self._batches = client.crm.objects.batch_api
        self._searches = client.crm.objects.search_api
        self._properties = client.crm.properties.core_api
        self._groups = client.crm.properties.groups_api
        self._pipelines = client.crm.pipelines.pipelines_api
        self._owners = client.crm.owners.owners_api
        self._associations = client.crm.associations.v4.basic_api
        self._many_associations = client.crm.associations.v4.batch_api
        self._labels = client.crm.associations.v4.schema.definitions_api

    def record(
        self, kind: str, record_id: str, properties: Sequence[str], associations: Sequence[str], ref: RecordRef
    ) -> Mapping[str, Any]:
        """One record with its properties and the ids of what is associated with it."""
        return self.calls.make(
            self._records.get_by_id,
            kind,
            record_id,
            properties=list(properties),
            associations=list(associations),
            ref=ref,
        ).body

    def records(self, kind: str, ids: Sequence[str], properties: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Id -> properties, for all of these records that exist."""
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(ids), BATCH):
            request = BatchReadInputSimplePublicObjectId(
                properties=list(properties),
                properties_with_history=[],
                inputs=[SimplePublicObjectId(id=each) for each in ids[start : start + BATCH]],
            )
            for each in results(self.calls.make(self._batches.read, kind, request).body):
                found[str(each.get("id"))] = mapping(each.get("properties"))
        return found

    def create(self, kind: str, properties: Mapping[str, str], links: Sequence[tuple[str, int]], ref: RecordRef) -> str:
        """Make a record with its associations, (id, type), in one call and at most once; gives its id."""
        associations = [
            PublicAssociationsForObject(
                to=PublicObjectId(id=to_id),
                types=[AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=type_id)],
            )
            for to_id, type_id in links
        ]
        made = SimplePublicObjectInputForCreate(properties=dict(properties), associations=associations)
        body = self.calls.make(self._records.create, kind, made, ref=ref, once=True).body
        if not body.get("id"):
            raise Unreachable.because(HALF_ANSWER, provider="hubspot", ref=ref, what="the id of a new record")
        return str(body["id"])

    def update(self, kind: str, rows: Mapping[str, Mapping[str, str]]) -> Answer:
        """Set properties of up to a hundred records, id -> property -> text. Raises Refused when the whole is refused.

        Each row's trace id is its record id: HubSpot then answers 207 and names the rows it refused.
        """
        inputs = [
            SimplePublicObjectBatchInput(id=each, object_write_trace_id=each, properties=dict(properties))
            for each, properties in rows.items()
        ]
        return self.calls.attempt(self._batches.update, kind, BatchInputSimplePublicObjectBatchInput(inputs=inputs))

    def change(self, kind: str, record_id: str, properties: Mapping[str, str], ref: RecordRef) -> None:
        """Set properties of one record. Raises NotFound where it is gone."""
        changed = SimplePublicObjectInput(properties=dict(properties))
        self.calls.make(self._records.update, kind, record_id, changed, ref=ref)

    def search(
        self,
        kind: str,
        groups: FilterGroups,
        *,
        sort: str,
        properties: Sequence[str],
        after: str = "",
    ) -> Mapping[str, Any]:
        """One page of the records that fit all filters of any group, ascending by ``sort``."""
        request = PublicObjectSearchRequest(
            filter_groups=[FilterGroup(filters=[_filter(*each) for each in group]) for group in groups],
            sorts=[sort],
            properties=list(properties),
            limit=SEARCH_PAGE,
            after=after or None,
        )
        return self.calls.make(self._searches.do_search, kind, request, limits=(LIMIT, SEARCH_LIMIT)).body

    def labelled(
        self, kind: str, record_id: str, to_kind: str, ref: RecordRef
    ) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
        """(id, association types with their labels) of each associated record.

        Raises:
            Rejected: more are associated than anybody could look through; a part would be taken for the whole.
        """
        after = ""
        for _ in range(_MOST_LABEL_PAGES):
            body = self.calls.make(
                self._associations.get_page, kind, record_id, to_kind, limit=LABEL_PAGE, after=after or None, ref=ref
            ).body
            for each in results(body):
                yield str(each.get("toObjectId")), [mapping(one) for one in each.get("associationTypes") or ()]
            after = next_page(body)
            if not after:
                return
        most = LABEL_PAGE * _MOST_LABEL_PAGES
        raise Rejected.because(TOO_MANY_LINKED, provider="hubspot", ref=ref, most=f"{most:,}", others=to_kind)

    def linked(self, kind: str, ids: Sequence[str], to_kind: str) -> dict[str, list[str]]:
        """Id -> the ids associated with it, for each of these records that has any; the first page of them alone."""
        found: dict[str, list[str]] = {}
        for start in range(0, len(ids), MANY):
            inputs = [PublicFetchAssociationsBatchRequest(id=each) for each in ids[start : start + MANY]]
            request = BatchInputPublicFetchAssociationsBatchRequest(inputs=inputs)
            for row in results(self.calls.make(self._many_associations.get_page, kind, to_kind, request).body):
                others = [str(mapping(each).get("toObjectId")) for each in row.get("to") or ()]
                found[str(mapping(row.get("from")).get("id"))] = others
        return found

    def owner(self, owner_id: str) -> Mapping[str, Any]:
        """One person whom records can belong to. Raises NotFound for one who was taken out of the account."""
        return self.calls.make(self._owners.get_by_id, owner_id, id_property="id", archived=False).body

    def properties(self, kind: str) -> list[Mapping[str, Any]]:
        """The definitions of all properties of one object."""
        return results(self.calls.make(self._properties.get_all, kind).body)

    def groups(self, kind: str) -> list[Mapping[str, Any]]:
        """The property groups of one object."""
        return results(self.calls.make(self._groups.get_all, kind).body)

    def create_property(self, kind: str, definition: Mapping[str, Any], options: Sequence[tuple[str, str]]) -> None:
        """Make a property; options are (value, label). Raises Refused: 409 when it exists."""
        choices = [
            OptionInput(label=label, value=value, display_order=place, hidden=False)
            for place, (value, label) in enumerate(options)
        ]
        made = PropertyCreate(**definition, options=choices or None)
        self.calls.attempt(self._properties.create, kind, made)

    def add_options(self, kind: str, definition: Mapping[str, Any], options: Sequence[tuple[str, str]]) -> None:
        """Add options, (value, label), behind those that a property has. Raises Refused."""
        there = [mapping(each) for each in definition.get("options") or ()]
        kept = [
            OptionInput(
                label=str(each.get("label")),
                value=str(each.get("value")),
                description=each.get("description"),
                display_order=each.get("displayOrder", place),
                hidden=bool(each.get("hidden")),
            )
            for place, each in enumerate(there)
        ]
        new = [
            OptionInput(label=label, value=value, display_order=len(kept) + place, hidden=False)
            for place, (value, label) in enumerate(options)
        ]
        changed = PropertyUpdate(options=[*kept, *new])
        self.calls.attempt(self._properties.update, kind, str(definition.get("name")), changed)

    def labels(self, kind: str, to_kind: str) -> list[str]:
        """The association labels that lead from records of one kind to those of another."""
        found = results(self.calls.make(self._labels.get_all, kind, to_kind).body)
        return [str(each.get("label")) for each in found if each.get("label")]

    def create_label(self, kind: str, to_kind: str, name: str, label: str) -> None:
        """Make an association label. Raises Refused: 400 or 409 when it exists."""
        made = PublicAssociationDefinitionCreateRequest(name=name, label=label)
        self.calls.attempt(self._labels.create, kind, to_kind, made)

    def create_group(self, kind: str, name: str, label: str) -> None:
        """Make a property group. Raises Refused: 409 when it exists."""
        self.calls.attempt(self._groups.create, kind, PropertyGroupCreate(name=name, label=label, display_order=-1))

    def pipelines(self) -> list[Mapping[str, Any]]:
        """Every deal pipeline with its stages."""
        return results(self.calls.make(self._pipelines.get_all, "deals").body)


def results(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The list that every collection of HubSpot's carries.

    Raises:
        Unreachable: it is missing, so this was not HubSpot's answer; an empty list would be taken for its word.
    """
    found = body.get("results")
    if not isinstance(found, list):
        raise Unreachable.because(HALF_ANSWER, provider="hubspot", what="its results")
    return [mapping(each) for each in found]


def next_page(body: Mapping[str, Any]) -> str:
    """Where the next page begins; empty on the last one."""
    return str(mapping(mapping(body.get("paging")).get("next")).get("after") or "")


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _filter(name: str, operator: str, value: str | Sequence[str]) -> Filter:
    if isinstance(value, str):
        return Filter(property_name=name, operator=operator, value=value or None)
    return Filter(property_name=name, operator=operator, values=list(value))
