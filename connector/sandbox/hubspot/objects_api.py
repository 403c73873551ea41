"""Single records over the API: create, read, list, update, archive, merge."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.sandbox.hubspot.associations import AssociationType
from connector.sandbox.hubspot.calls import Answer, Call, Handler, offset
from connector.sandbox.hubspot.kinds import Kind, kind_named
from connector.sandbox.hubspot.portal import Link, Portal
from connector.sandbox.hubspot.records import Record
from connector.sandbox.hubspot.refusals import invalid, not_found

_MOST = 100
_MOST_WITH_HISTORY = 50


def create(call: Call) -> Answer:
    """POST /crm/v3/objects/{objectType}."""
    strike_single(call)
    links = wanted_links(call.portal, call.kind, call.body.get("associations", []))
    record = call.portal.create(call.kind, call.body["properties"], call.source, links)
    return Answer(201, whole(record))


def read(call: Call) -> Answer:
    """GET /crm/v3/objects/{objectType}/{objectId}."""
    kind, wanted = call.kind, call.path["objectId"]
    archived = call.flag("archived")
    if id_property := call.text("idProperty"):
        record = call.portal.find_by(kind, id_property, wanted)
        if record is None:
            raise not_found(kind.singular, wanted)
    else:
        record = call.portal.find(kind, wanted, archived=archived)
    return Answer(200, with_associations(call, record))


def list_page(call: Call) -> Answer:
    """GET /crm/v3/objects/{objectType}, by ascending id."""
    kind, archived = call.kind, call.flag("archived")
    limit = call.limit(10, _MOST_WITH_HISTORY if call.names("propertiesWithHistory") else _MOST)
    after = offset(call.text("after"))
    rows = [
        one
        for one in call.portal.records[kind.name].values()
        if one.archived == archived and one.merged_into is None and int(one.id) > after
    ]
    body: dict[str, Any] = {"results": [with_associations(call, one) for one in rows[:limit]]}
    if len(rows) > limit:
        last = rows[limit - 1].id
        body["paging"] = {"next": {"after": last, "link": f"{call.operation.path}?after={last}"}}
    return Answer(200, body)


def update(call: Call) -> Answer:
    """PATCH /crm/v3/objects/{objectType}/{objectId}."""
    strike_single(call)
    record = call.portal.find_by(call.kind, call.text("idProperty"), call.path["objectId"])
    if record is None:
        raise not_found(call.kind.singular, call.path["objectId"])
    values = call.body["properties"]
    call.portal.update(record, values, call.source)
    return Answer(200, record.body(values))


def archive(call: Call) -> Answer:
    """DELETE /crm/v3/objects/{objectType}/{objectId}: quiet about a record that is gone already."""
    record = call.portal.find_by(call.kind, None, call.path["objectId"])
    if record is not None:
        call.portal.archive(record, call.source)
    return Answer(204)


def merge(call: Call) -> Answer:
    """POST /crm/v3/objects/{objectType}/merge."""
    primary = call.portal.find(call.kind, call.body["primaryObjectId"])
    other = call.portal.find(call.kind, call.body["objectIdToMerge"])
    if primary is other:
        raise invalid("A record cannot be merged with itself")
    return Answer(200, whole(call.portal.merge(primary, other, call.source)))


def whole(record: Record) -> dict[str, Any]:
    """A record with every property that has a value, as creating answers."""
    return record.body([name for name, value in record.values.items() if value])


def wanted_links(portal: Portal, kind: Kind, wanted: Sequence[Mapping[str, Any]]) -> list[Link]:
    """The associations a create call asks for. Raises Refusal (400) for a type that does not fit."""
    links: list[Link] = []
    for one in wanted:
        types = [_type(portal, kind, spec) for spec in one["types"]]
        if not types or len({found.to_kind for found in types}) > 1:
            raise invalid("Each association needs types that lead to one object type")
        links.append(((types[0].to_kind, one["to"]["id"]), types))
    return links


def _type(portal: Portal, kind: Kind, spec: Mapping[str, Any]) -> AssociationType:
    found = portal.associations.by_id(spec["associationTypeId"], kind.name)
    return portal.associations.type_of(found.id, kind.name, found.to_kind, spec["associationCategory"])


def with_associations(call: Call, record: Record) -> dict[str, Any]:
    """A record with the properties, history and associations the query asks for."""
    shown = record.body(call.names("properties"), call.names("propertiesWithHistory"))
    found = {}
    for name in call.names("associations"):
        to_kind = kind_named(name)
        rows = [
            {"id": to_id, "type": one.word}
            for to_id, types in call.portal.associations.linked((record.kind.name, record.id), to_kind.name).items()
            if not call.portal.records[to_kind.name][to_id].archived
            for one in types
        ]
        if rows:
            found[to_kind.in_words] = {"results": rows}
    if found:
        shown["associations"] = found
    return shown


def strike_single(call: Call) -> None:
    """A row error on a call that has one row is that row's refusal."""
    if call.row_error:
        category = call.row_error.partition("@")[0]
        raise invalid(f"The sandbox was told to refuse this record: {category}")


HANDLERS: dict[str, Handler] = {
    "POST /crm/v3/objects/{objectType}": create,
    "GET /crm/v3/objects/{objectType}": list_page,
    "GET /crm/v3/objects/{objectType}/{objectId}": read,
    "PATCH /crm/v3/objects/{objectType}/{objectId}": update,
    "DELETE /crm/v3/objects/{objectType}/{objectId}": archive,
    "POST /crm/v3/objects/{objectType}/merge": merge,
}
