"""The endpoints of single records: describe, get, create, change, delete, by id or by external id."""

from datetime import datetime, timedelta

from connector.sandbox.salesforce.call import Answer, Call, Route
from connector.sandbox.salesforce.describe_answers import describe, describe_briefly, describe_global
from connector.sandbox.salesforce.errors import Refused, Several
from connector.sandbox.salesforce.records_shown import attributes, shown
from connector.sandbox.salesforce.schema import Field, ObjectType
from connector.sandbox.salesforce.values import Record, read_datetime, show_datetime

_OLDEST_REPLICATED = timedelta(days=30)


def list_objects(call: Call) -> Answer:
    """GET sobjects."""
    return Answer(200, describe_global(call.org.schema, call.version))


def object_info(call: Call) -> Answer:
    """GET sobjects/Account."""
    brief = describe_briefly(call.target(), call.version)
    return Answer(200, {"objectDescribe": brief, "recentItems": []})


def describe_object(call: Call) -> Answer:
    """GET sobjects/Account/describe."""
    return Answer(200, describe(call.target(), call.org.schema, call.actor, call.version))


def create(call: Call) -> Answer:
    """POST sobjects/Account."""
    call.strike_row()
    record_id = call.writer().create(call.target(), call.fields())
    location = call.address(f"/sobjects/{call.target().name}/{record_id}")
    return Answer(201, {"id": record_id, "success": True, "errors": []}, {"Location": location})


def get(call: Call) -> Answer:
    """GET sobjects/Account/001..., with ?fields= to see less."""
    record = call.writer().existing(call.target(), call.names["id"])
    return Answer(200, show(call, call.target(), record, call.params.get("fields")))


def change(call: Call) -> Answer:
    """PATCH sobjects/Account/001..."""
    call.strike_row()
    call.writer().update(call.target(), call.names["id"], call.fields())
    return Answer(204)


def delete(call: Call) -> Answer:
    """DELETE sobjects/Account/001..."""
    call.strike_row()
    call.writer().delete(call.target(), call.names["id"])
    return Answer(204)


def get_by_key(call: Call) -> Answer:
    """GET sobjects/Account/Key__c/value; 300 when several records carry the value."""
    object_type, field = call.target(), key_field(call, call.target(), call.names["field"])
    found = call.writer().matching(object_type, field, call.names["value"])
    if len(found) > 1:
        raise Several(object_type.name, [str(one["Id"]) for one in found])
    if not found:
        raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
    return Answer(200, show(call, object_type, found[0], call.params.get("fields")))


def upsert(call: Call) -> Answer:
    """PATCH sobjects/Account/Key__c/value: 201 with a new record, 200 with a changed one."""
    call.strike_row()
    object_type, field = call.target(), key_field(call, call.target(), call.names["field"])
    values = call.fields()
    for name in values:
        if name.lower() in ("id", field.name.lower()):
            raise Refused("INVALID_FIELD", f"The {field.name} field should not be specified in the sobject data.")
    record_id, created = call.writer().upsert(object_type, field, call.names["value"], values)
    body = {"id": record_id, "success": True, "errors": [], "created": created}
    return Answer(201 if created else 200, body)


def updated(call: Call) -> Answer:
    """GET sobjects/Account/updated/?start=&end=: ids changed in a span, by SystemModstamp, seconds ignored.

    Source: REST guide, "Get a List of Updated Records Within a Given Timeframe".
    """
    object_type, (start, end) = call.target(), _span(call)
    rows = call.org.rows(object_type.name)
    ids = [str(one["Id"]) for one in rows if _within(one, start, end)]
    return Answer(200, {"ids": sorted(ids), "latestDateCovered": show_datetime(end)})


def key_field(call: Call, object_type: ObjectType, name: str) -> Field:
    """A field that may stand in an address instead of the id; raises Refused (NOT_FOUND)."""
    field = object_type.field(name)
    if field is None or not field.usable_as_key or not call.actor.can_read(object_type, field):
        raise Refused(
            "NOT_FOUND",
            f"Provided external ID field does not exist or is not accessible: {name}",
            status=404,
        )
    return field


def show(call: Call, object_type: ObjectType, record: Record, names: str | None = None) -> dict[str, object]:
    """A record with the fields asked for, or with all that the caller may see."""
    readable = {f.name.lower(): f for f in object_type.fields.values() if call.actor.can_read(object_type, f)}
    wanted = list(readable) if names is None else [name.strip().lower() for name in names.split(",")]
    out: dict[str, object] = {"attributes": attributes(object_type, record, call.version)}
    for name in wanted:
        if name not in readable:
            raise Refused("INVALID_FIELD", f"No such column '{name}' on sobject of type {object_type.name}")
        out[readable[name].name] = shown(readable[name], record)
    return out


def _span(call: Call) -> tuple[datetime, datetime]:
    moments = []
    for name in ("start", "end"):
        try:
            moments.append(read_datetime(call.params.get(name, "")).replace(second=0, microsecond=0))
        except ValueError:
            raise Refused("MALFORMED_QUERY", f"The {name} parameter must be a date and time with a zone") from None
    start, end = moments
    if start >= end:
        raise Refused("INVALID_REPLICATION_DATE", "startDate must be at least one minute before endDate")
    if start < call.org.now() - _OLDEST_REPLICATED:
        raise Refused("INVALID_REPLICATION_DATE", "startDate cannot be more than 30 days ago")
    return start, end


def _within(record: Record, start: datetime, end: datetime) -> bool:
    stamp = record.get("SystemModstamp")
    return isinstance(stamp, datetime) and start <= stamp < end


ROUTES = [
    Route("GET", "/sobjects", list_objects),
    Route("GET", "/sobjects/{object}", object_info),
    Route("POST", "/sobjects/{object}", create),
    Route("GET", "/sobjects/{object}/describe", describe_object),
    Route("GET", "/sobjects/{object}/updated", updated, params="start end"),
    Route("GET", "/sobjects/{object}/{id}", get, params="fields"),
    Route("PATCH", "/sobjects/{object}/{id}", change),
    Route("DELETE", "/sobjects/{object}/{id}", delete),
    Route("GET", "/sobjects/{object}/{field}/{value}", get_by_key, params="fields"),
    Route("PATCH", "/sobjects/{object}/{field}/{value}", upsert),
]
