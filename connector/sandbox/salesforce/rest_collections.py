"""Many records in one call: composite/sobjects, each row with a result of its own."""

from collections.abc import Callable, Iterable
from itertools import groupby

from connector.sandbox.salesforce.call import Answer, Call, Route
from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.ids import normal_id
from connector.sandbox.salesforce.rest_records import key_field, show
from connector.sandbox.salesforce.schema import ObjectType

_MOST_ROWS = 200
_MOST_CHUNKS = 10
_ROLLED_BACK = (
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)
# What a row is refused for when the request itself was wrong, rather than the world unlucky.
_OUR_FAULT = frozenset(
    {"INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE", "INVALID_TYPE", "STRING_TOO_LONG", "MALFORMED_ID"}
    | {"NUMBER_OUTSIDE_VALID_RANGE", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "REQUIRED_FIELD_MISSING"}
    | {"INVALID_EMAIL_ADDRESS", "MISSING_ARGUMENT", "JSON_PARSER_ERROR", "DUPLICATE_VALUE"}
)

Row = dict[str, object]
Result = dict[str, object]


def create_many(call: Call) -> Answer:
    """POST composite/sobjects."""

    def one(row: Row) -> Result:
        return _done(call.writer().create(_type_of(call, row), _values(row)))

    return _run(call, one)


def change_many(call: Call) -> Answer:
    """PATCH composite/sobjects: each row names its id."""
    rows = _rows(call)
    ids = [normal_id(str(row.get("id", row.get("Id", "")))) for row in rows]

    def one(row: Row) -> Result:
        given = row.get("id", row.get("Id"))
        if not isinstance(given, str):
            raise Refused("MISSING_ARGUMENT", "Id not specified in an update call", [])
        normal = normal_id(given)
        if normal is not None and ids.count(normal) > 1:
            raise Refused("DUPLICATE_VALUE", f"Duplicate id in collection: {given}", ["Id"])
        values = {key: value for key, value in _values(row).items() if key.lower() != "id"}
        call.writer().update(_type_of(call, row), given, values)
        return _done(str(normal_id(given)))

    return _run(call, one)


def upsert_many(call: Call) -> Answer:
    """PATCH composite/sobjects/Account/Key__c: one object, no record ids. Source: REST guide, "Upsert Records"."""
    object_type = call.target()
    field = key_field(call, object_type, call.names["field"])
    keys = [_key(row, field.name) for row in _rows(call)]

    def one(row: Row) -> Result:
        if _type_of(call, row) is not object_type:
            raise Refused("INVALID_TYPE", f"Every record must be of type {object_type.name}", [])
        if field.type != "id" and any(key.lower() == "id" for key in row):
            raise Refused("INVALID_FIELD", "Id may not be specified in an upsert by external id", ["Id"])
        key = _key(row, field.name)
        if key is not None and keys.count(key) > 1:
            raise Refused("DUPLICATE_VALUE", f"Duplicate external id specified: {key}", [field.name])
        values = {name: value for name, value in _values(row).items() if name.lower() != field.name.lower()}
        record_id, created = call.writer().upsert(object_type, field, key, values)
        return {**_done(record_id), "created": created}

    return _run(call, one)


def delete_many(call: Call) -> Answer:
    """DELETE composite/sobjects?ids=..."""
    ids = _ids(call.params.get("ids", "").split(","))
    call.body = {
        "allOrNone": call.params.get("allOrNone", "false") == "true",
        "records": [{"id": one} for one in ids],
    }

    def one(row: Row) -> Result:
        object_type = call.org.object_of(str(row["id"]))
        if object_type is None:
            raise Refused("MALFORMED_ID", f"malformed id {row['id']}", [])
        call.writer().delete(object_type, str(row["id"]))
        return _done(str(normal_id(str(row["id"]))))

    return _run(call, one)


def get_many(call: Call) -> Answer:
    """GET or POST composite/sobjects/Account: records by id, null where there is none."""
    object_type = call.target()
    asked = call.body if isinstance(call.body, dict) else dict(call.params)
    ids, fields = asked.get("ids", ""), asked.get("fields", "")
    ids = ids.split(",") if isinstance(ids, str) else ids
    fields = fields if isinstance(fields, str) else ",".join(map(str, fields))
    if not fields:
        raise Refused("MISSING_ARGUMENT", "The fields parameter is required")
    found = (call.org.row(object_type.name, normal_id(one) or "") for one in _ids(map(str, ids)))
    records = [None if one is None or one.get("IsDeleted") else show(call, object_type, one, fields) for one in found]
    return Answer(200, records)


def _run(call: Call, one: Callable[[Row], Result]) -> Answer:
    rows, results, failed = _rows(call), [], False
    all_or_none = call.body.get("allOrNone", False) if isinstance(call.body, dict) else False
    if not isinstance(all_or_none, bool):
        raise Refused("JSON_PARSER_ERROR", "allOrNone must be a boolean")
    try:
        with call.org.unit():
            for number, row in enumerate(rows):
                result = _result(call, number, row, one)
                failed = failed or not result["success"]
                results.append(result)
            _insist(not failed or not all_or_none)
    except _RollBack:
        code, message = _ROLLED_BACK
        undone: Result = {"success": False, "errors": [Refused(code, message).as_row_error()]}
        results = [undone if result["success"] else result for result in results]
    return Answer(200, results)


class _RollBack(Exception):
    """One row of an all-or-none collection failed."""


def _insist(every_row_succeeded: bool) -> None:
    if not every_row_succeeded:
        raise _RollBack


def _result(call: Call, number: int, row: Row, one: Callable[[Row], Result]) -> Result:
    struck = bool(call.row_errors)
    try:
        call.strike_row()
        return one(row)
    except Refused as error:
        if error.code == "JSON_PARSER_ERROR":
            raise  # the body cannot be read, so no row of it is
        if error.code == "INVALID_FIELD" and call.org.settings.unknown_field_stops_request:
            raise
        if error.code in _OUR_FAULT and not struck:
            call.refusals.append(f"row {number}: {error}")
        if error.code == "NOT_FOUND":  # an address may lead nowhere; a row names a record that is not there
            error = Refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
        return {"success": False, "errors": [error.as_row_error()]}


def _rows(call: Call) -> list[Row]:
    rows = call.body.get("records") if isinstance(call.body, dict) else None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise Refused("INVALID_INPUT", "records must be a list of at least one object")
    if len(rows) > _MOST_ROWS:
        raise Refused("LIMIT_EXCEEDED", f"The limit of {_MOST_ROWS} records in a request was exceeded: {len(rows)}")
    kinds = [_kind(row) for row in rows]
    if len(list(groupby(kinds))) > _MOST_CHUNKS:
        raise Refused(
            "LIMIT_EXCEEDED",
            "Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce chunking.",
        )
    return rows


def _kind(row: Row) -> str:
    attributes = row.get("attributes")
    return str(attributes.get("type", "")) if isinstance(attributes, dict) else ""


def _type_of(call: Call, row: Row) -> ObjectType:
    kind = _kind(row)
    if not kind:
        raise Refused("INVALID_INPUT", "Each record must have attributes with its type", [])
    found = call.org.schema.find(kind)
    if found is None or found.api != "data":
        raise Refused("INVALID_TYPE", f"sObject type '{kind}' is not supported.", [])
    return found


def _values(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "attributes"}


def _key(row: Row, name: str) -> object:
    return next((value for key, value in row.items() if key.lower() == name.lower()), None)


def _ids(ids: Iterable[str]) -> list[str]:
    found = [one.strip() for one in ids if one.strip()]
    if not found or len(found) > _MOST_ROWS:
        raise Refused("INVALID_INPUT", f"ids must name between 1 and {_MOST_ROWS} records")
    return found


def _done(record_id: str) -> Result:
    return {"id": record_id, "success": True, "errors": []}


ROUTES = [
    Route("POST", "/composite/sobjects", create_many, body="allOrNone records"),
    Route("PATCH", "/composite/sobjects", change_many, body="allOrNone records"),
    Route("DELETE", "/composite/sobjects", delete_many, params="ids allOrNone"),
    Route("PATCH", "/composite/sobjects/{object}/{field}", upsert_many, body="allOrNone records"),
    Route("GET", "/composite/sobjects/{object}", get_many, params="ids fields"),
    Route("POST", "/composite/sobjects/{object}", get_many, body="ids fields"),
]
