"""What a person does in HubSpot's pages: make and edit records, tie them together, close a deal."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from connector.sandbox.hubspot.associations import AssociationType
from connector.sandbox.hubspot.kinds import KINDS, Kind, kind_named
from connector.sandbox.hubspot.portal import Link, Portal
from connector.sandbox.hubspot.records import Record, Source

Values = Mapping[str, Any]


class People:
    """A user of the portal; every change they make says CRM_UI."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._source = Source("CRM_UI", "userId:5000001")

    def create(self, kind_name: str, values: Values, links: Sequence[Mapping[str, Any]] = ()) -> Record:
        """A new record; `links` are {"type": kind, "id": ..., "type_id": optional}. Raises Refusal."""
        kind = kind_named(kind_name)
        with self._portal.lock:
            found = [self._link(kind, one) for one in links]
            return self._portal.create(kind, _texts(values), self._source, found)

    def edit(self, kind_name: str, record_id: str, values: Values) -> Record:
        """Change properties of a record. Raises Refusal."""
        with self._portal.lock:
            record = self._portal.find(kind_named(kind_name), record_id)
            return self._portal.update(record, _texts(values), self._source)

    def delete(self, kind_name: str, record_id: str) -> None:
        """Move a record to the recycling bin. Raises Refusal."""
        with self._portal.lock:
            self._portal.archive(self._portal.find(kind_named(kind_name), record_id), self._source)

    def merge(self, kind_name: str, primary_id: str, other_id: str) -> Record:
        """Fold one record into another. Raises Refusal."""
        kind = kind_named(kind_name)
        with self._portal.lock:
            primary, other = self._portal.find(kind, primary_id), self._portal.find(kind, other_id)
            return self._portal.merge(primary, other, self._source)

    def associate(
        self,
        one: tuple[str, str],
        other: tuple[str, str],
        type_id: int | None = None,
        *,
        label: str = "",
        remove: bool = False,
    ) -> None:
        """Tie two records (kind, id) together or apart; the primary company of a deal has type 5.

        ``label`` is a label by its name; one that nobody has used yet is made. Raises Refusal.
        """
        here, there = kind_named(one[0]), kind_named(other[0])
        with self._portal.lock:
            self._portal.find(here, one[1])
            self._portal.find(there, other[1])
            types = self._labelled(here, there, label) if label else self._types(here, there, type_id)
            place, other_place = (here.name, one[1]), (there.name, other[1])
            if remove:
                self._portal.unlink(place, other_place, self._source, types if type_id or label else None)
            else:
                self._portal.link(place, other_place, types, self._source)

    def change_owner(self, owner_id: str, *, archived: bool, type_: str = "PERSON") -> None:
        """Take somebody out of the account, or back in. Raises LookupError for nobody."""
        with self._portal.lock:
            if owner_id not in self._portal.owners:
                raise LookupError(f"No owner {owner_id}")
            changed = replace(self._portal.owners[owner_id], archived=archived, type=type_)
            self._portal.owners[owner_id] = changed

    def deal(
        self,
        deal: Values,
        *,
        company: Values | str | None = None,
        contact: Values | str | None = None,
        line_items: Sequence[Values] = (),
    ) -> dict[str, Any]:
        """A deal with its primary company, contact and line items in one go; a text is the id of a record that exists.

        A contact whose e-mail is known is that contact, as HubSpot's page offers it.

        A stage in `deal` is set last, so that a won deal is complete when the world hears of it.
        Returns the ids: deal, company, contact, line_items.
        """
        with self._portal.lock:
            company_id = self._existing_or_new("companies", company)
            contact_id = self._existing_or_new("contacts", contact)
            if company_id and contact_id and isinstance(contact, Mapping):
                self.associate(("contacts", contact_id), ("companies", company_id), 1)
            links: list[Mapping[str, Any]] = []
            if company_id:
                links.append({"type": "companies", "id": company_id, "type_id": 5})
            if contact_id:
                links.append({"type": "contacts", "id": contact_id})
            stage = deal.get("dealstage")
            first = {name: value for name, value in deal.items() if name not in {"dealstage", "amount"}}
            record = self.create("deals", first, links)
            lines = [self.create("line_items", line, [{"type": "deals", "id": record.id}]).id for line in line_items]
            last = {name: deal[name] for name in ("amount",) if name in deal}
            last |= {"dealstage": stage} if stage else {}
            if last:
                self.edit("deals", record.id, last)
            return {"deal": record.id, "company": company_id, "contact": contact_id, "line_items": lines}

    def _existing_or_new(self, kind_name: str, wanted: Values | str | None) -> str | None:
        if wanted is None or isinstance(wanted, str):
            return wanted
        email = str(wanted.get("email", ""))
        known = self._portal.find_by(KINDS["contacts"], "email", email) if email else None
        if kind_name == "contacts" and known is not None:
            return known.id
        return self.create(kind_name, wanted).id

    def _link(self, kind: Kind, wanted: Mapping[str, Any]) -> Link:
        to_kind = kind_named(wanted["type"])
        return (to_kind.name, str(wanted["id"])), self._types(kind, to_kind, wanted.get("type_id"))

    def _labelled(self, kind: Kind, to_kind: Kind, label: str) -> list[AssociationType]:
        """The type of this label, beside the unlabelled one that HubSpot always keeps."""
        associations = self._portal.associations
        known = [one for one in associations.types_between(kind.name, to_kind.name) if one.label == label]
        made = known or associations.add_label(kind.name, to_kind.name, label, None)[:1]
        return [associations.default_type(kind.name, to_kind.name), *made]

    def _types(self, kind: Kind, to_kind: Kind, type_id: int | None) -> list[AssociationType]:
        associations = self._portal.associations
        if type_id is None:
            return [associations.default_type(kind.name, to_kind.name)]
        return [associations.type_of(type_id, kind.name, to_kind.name)]


def _texts(values: Values) -> dict[str, str]:
    """A person types; a page turns what they type into text."""
    return {
        name: str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
        for name, value in values.items()
    }


def snapshot(portal: Portal, kind_name: str | None = None) -> dict[str, Any]:
    """Every live record with its values and associations, by kind and id; for assertions, changes nothing."""
    kinds = [kind_named(kind_name)] if kind_name else list(KINDS.values())
    with portal.lock:
        return {kind.name: {one.id: record_state(portal, one) for one in portal.live(kind)} for kind in kinds}


def record_state(portal: Portal, record: Record) -> dict[str, Any]:
    """One record's values and what it is associated with."""
    place = (record.kind.name, record.id)
    return {
        "properties": {name: value for name, value in record.values.items() if value},
        "associations": {
            kind: {to_id: [one.id for one in types] for to_id, types in portal.associations.linked(place, kind).items()}
            for kind in KINDS
            if portal.associations.linked(place, kind)
        },
    }


def tasks_on(portal: Portal, kind_name: str, record_id: str) -> list[dict[str, Any]]:
    """The live tasks about a record, oldest first, in the words that a test of either CRM understands."""
    with portal.lock:
        record = portal.find(kind_named(kind_name), record_id)
        return [_task(one) for one in portal.linked(record, "tasks")]


def _task(record: Record) -> dict[str, Any]:
    values = record.values
    return {
        "id": record.id,
        "subject": values.get("hs_task_subject"),
        "body": values.get("hs_task_body"),
        "due": values["hs_timestamp"][:10],
        "owner": values.get("hubspot_owner_id"),
        "done": values.get("hs_task_status") == "COMPLETED",
        "high_priority": values.get("hs_task_priority") == "HIGH",
    }
