"""Associations v4 over the API: one record's, many records', labels."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.sandbox.hubspot.associations import AssociationType, Place
from connector.sandbox.hubspot.batch_api import envelope, rows_of
from connector.sandbox.hubspot.calls import Answer, Call, Handler, offset, page
from connector.sandbox.hubspot.kinds import Kind, kind_named
from connector.sandbox.hubspot.refusals import OBJECT_NOT_FOUND, Refusal, invalid

_MOST_READ, _MOST_WRITTEN, _MOST_A_PAGE = 1_000, 2_000, 500


def read(call: Call) -> Answer:
    """GET .../{objectType}/{objectId}/associations/{toObjectType}."""
    kind, to_kind = call.kind, kind_named(call.path["toObjectType"])
    record = call.portal.find(kind, call.path["objectId"])
    limit = call.limit(_MOST_A_PAGE, _MOST_A_PAGE)
    shown, paging = page(_rows(call, (kind.name, record.id), to_kind), offset(call.text("after")), limit)
    return Answer(200, {"results": shown, **({"paging": paging} if paging else {})})


def read_many(call: Call) -> Answer:
    """POST .../batch/read: a record without any such association is an error entry, not an empty row."""
    kind, to_kind = _ends(call)
    results, errors = [], []
    for row in rows_of(call, _MOST_READ):
        rows = _rows(call, (kind.name, row["id"]), to_kind)
        shown, paging = page(rows, offset(row.get("after")), _MOST_A_PAGE)
        if not rows:
            errors.append(_none_found(kind, to_kind, row["id"]))
            continue
        results.append({"from": {"id": row["id"]}, "to": shown, **({"paging": paging} if paging else {})})
    return envelope(call, 200, results, errors)


def create(call: Call) -> Answer:
    """PUT .../associations/{toObjectType}/{toObjectId} with the types in the body."""
    kind, to_kind = call.kind, kind_named(call.path["toObjectType"])
    one, other = (kind.name, call.path["objectId"]), (to_kind.name, call.path["toObjectId"])
    return Answer(201, _link(call, one, other, call.body))


def create_default(call: Call) -> Answer:
    """PUT .../associations/default/{toObjectType}/{toObjectId}: the unlabelled type."""
    one = (kind_named(call.path["fromObjectType"]).name, call.path["fromObjectId"])
    other = (kind_named(call.path["toObjectType"]).name, call.path["toObjectId"])
    return envelope(call, 200, _link_default(call, one, other), [])


def create_many(call: Call) -> Answer:
    """POST .../batch/create."""
    kind, to_kind = _ends(call)
    results, errors = [], []
    for row in rows_of(call, _MOST_WRITTEN):
        one, other = (kind.name, row["from"]["id"]), (to_kind.name, row["to"]["id"])
        try:
            results.append(_link(call, one, other, row["types"]))
        except Refusal as refusal:
            errors.append(refusal.row())
    return envelope(call, 201, results, errors)


def create_default_many(call: Call) -> Answer:
    """POST .../batch/associate/default."""
    kind, to_kind = _ends(call)
    results, errors = [], []
    for row in rows_of(call, _MOST_WRITTEN):
        one, other = (kind.name, row["from"]["id"]), (to_kind.name, row["to"]["id"])
        try:
            results += _link_default(call, one, other)
        except Refusal as refusal:
            errors.append(refusal.row())
    answer = envelope(call, 200, results, errors)
    return Answer(200, answer.body)  # the SDK knows no 207 here: the errors travel in a 200


def archive(call: Call) -> Answer:
    """DELETE .../associations/{toObjectType}/{toObjectId}: every type between the two."""
    to_kind = kind_named(call.path["toObjectType"])
    one, other = (call.kind.name, call.path["objectId"]), (to_kind.name, call.path["toObjectId"])
    call.portal.unlink(one, other, call.source)
    return Answer(204)


def archive_many(call: Call) -> Answer:
    """POST .../batch/archive."""
    kind, to_kind = _ends(call)
    for row in rows_of(call, _MOST_WRITTEN):
        for to in row["to"]:
            call.portal.unlink((kind.name, row["from"]["id"]), (to_kind.name, to["id"]), call.source)
    return Answer(204)


def archive_labels(call: Call) -> Answer:
    """POST .../batch/labels/archive: only these types."""
    kind, to_kind = _ends(call)
    for row in rows_of(call, _MOST_WRITTEN):
        types = _types(call, kind.name, to_kind.name, row["types"])
        one, other = (kind.name, row["from"]["id"]), (to_kind.name, row["to"]["id"])
        call.portal.unlink(one, other, call.source, types)
    return Answer(204)


def list_labels(call: Call) -> Answer:
    """GET /crm/v4/associations/{from}/{to}/labels."""
    kind, to_kind = _ends(call)
    types = call.portal.associations.types_between(kind.name, to_kind.name)
    return Answer(200, {"results": [_label(one) for one in types]})


def add_label(call: Call) -> Answer:
    """POST /crm/v4/associations/{from}/{to}/labels: answers both directions."""
    kind, to_kind = _ends(call)
    made = call.portal.associations.add_label(
        kind.name, to_kind.name, call.body["label"], call.body.get("inverseLabel")
    )
    return Answer(200, {"results": [_label(one) for one in made]})


def _ends(call: Call) -> tuple[Kind, Kind]:
    return kind_named(call.path["fromObjectType"]), kind_named(call.path["toObjectType"])


def _rows(call: Call, place: Place, to_kind: Kind) -> list[dict[str, Any]]:
    records = call.portal.records[to_kind.name]
    return [
        {"toObjectId": to_id, "associationTypes": [_label(one) for one in types]}
        for to_id, types in call.portal.associations.linked(place, to_kind.name).items()
        if not records[to_id].archived
    ]


def _label(one: AssociationType) -> dict[str, Any]:
    shown: dict[str, Any] = {"category": one.category, "typeId": one.id}
    return {**shown, "label": one.label} if one.label else shown


def _types(call: Call, from_kind: str, to_kind: str, specs: Sequence[Mapping[str, Any]]) -> list[AssociationType]:
    if not specs:
        raise invalid("An association needs at least one type")
    return [
        call.portal.associations.type_of(spec["associationTypeId"], from_kind, to_kind, spec["associationCategory"])
        for spec in specs
    ]


def _check_ends(call: Call, one: Place, other: Place) -> None:
    for kind, record_id in (one, other):
        call.portal.find(kind_named(kind), record_id)


def _link(call: Call, one: Place, other: Place, specs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    types = _types(call, one[0], other[0], specs)
    _check_ends(call, one, other)
    call.portal.link(one, other, types, call.source)
    return {
        "fromObjectTypeId": kind_named(one[0]).type_id,
        "fromObjectId": one[1],
        "toObjectTypeId": kind_named(other[0]).type_id,
        "toObjectId": other[1],
        "labels": [kind.label for kind in types if kind.label],
    }


def _link_default(call: Call, one: Place, other: Place) -> list[dict[str, Any]]:
    kind = call.portal.associations.default_type(one[0], other[0])
    _check_ends(call, one, other)
    call.portal.link(one, other, [kind], call.source)
    return [
        {
            "from": {"id": here[1]},
            "to": {"id": there[1]},
            "associationSpec": {"associationCategory": kind.category, "associationTypeId": type_id},
        }
        for here, there, type_id in ((one, other, kind.id), (other, one, kind.inverse))
    ]


def _none_found(kind: Kind, to_kind: Kind, record_id: str) -> dict[str, Any]:
    refusal = Refusal(
        404,
        OBJECT_NOT_FOUND,
        f"No {to_kind.singular} is associated with {kind.singular} {record_id}.",
        context={
            "fromObjectId": [record_id],
            "fromObjectType": [kind.singular],
            "toObjectType": [to_kind.singular],
        },
    )
    return {**refusal.row(), "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}


_ONE = "/crm/v4/objects/{objectType}/{objectId}/associations/{toObjectType}"
_MANY = "/crm/v4/associations/{fromObjectType}/{toObjectType}"

HANDLERS: dict[str, Handler] = {
    f"GET {_ONE}": read,
    f"PUT {_ONE}/{{toObjectId}}": create,
    f"DELETE {_ONE}/{{toObjectId}}": archive,
    "PUT /crm/v4/objects/{fromObjectType}/{fromObjectId}/associations/default/{toObjectType}/{toObjectId}": (
        create_default
    ),
    f"POST {_MANY}/batch/read": read_many,
    f"POST {_MANY}/batch/create": create_many,
    f"POST {_MANY}/batch/associate/default": create_default_many,
    f"POST {_MANY}/batch/archive": archive_many,
    f"POST {_MANY}/batch/labels/archive": archive_labels,
    f"GET {_MANY}/labels": list_labels,
    f"POST {_MANY}/labels": add_label,
}
