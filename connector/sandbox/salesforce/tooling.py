"""The Tooling API's custom fields: new ones are visible to nobody until a permission set grants them."""

from connector.sandbox.salesforce.call import Answer, Call, Route
from connector.sandbox.salesforce.custom_fields import add_field, change_field, home_of
from connector.sandbox.salesforce.errors import Refused


def create_field(call: Call) -> Answer:
    """POST tooling/sobjects/CustomField {FullName, Metadata}."""
    body = call.body if isinstance(call.body, dict) else {}
    full_name, metadata = body.get("FullName"), body.get("Metadata")
    if not isinstance(full_name, str) or not isinstance(metadata, dict):
        raise Refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [FullName, Metadata]", [])
    record_id = add_field(call.org, full_name, metadata)
    return Answer(201, {"id": record_id, "success": True, "errors": [], "warnings": [], "infos": []})


def get_field(call: Call) -> Answer:
    """GET tooling/sobjects/CustomField/00N..."""
    record = call.org.row("CustomField", call.names["id"])
    if record is None:
        raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
    shown = {name: record[name] for name in ("Id", "DeveloperName", "TableEnumOrId")}
    full_name = f"{record['TableEnumOrId']}.{record['DeveloperName']}__c"
    return Answer(200, {**shown, "FullName": full_name, "Metadata": call.org.custom_metadata[full_name]})


def change(call: Call) -> Answer:
    """PATCH tooling/sobjects/CustomField/00N... {Metadata}: the whole definition, as GET gives it."""
    record = call.org.row("CustomField", call.names["id"])
    if record is None:
        raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
    metadata = call.body.get("Metadata") if isinstance(call.body, dict) else None
    if not isinstance(metadata, dict):
        raise Refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [Metadata]", [])
    change_field(call.org, record, metadata)
    return Answer(204)


def delete_field(call: Call) -> Answer:
    """DELETE tooling/sobjects/CustomField/00N..."""
    record = call.org.row("CustomField", call.names["id"])
    if record is None:
        raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
    home, name = home_of(str(record["TableEnumOrId"])), f"{record['DeveloperName']}__c"
    with call.org.unit():
        for grant in list(call.org.rows("FieldPermissions")):
            if grant["Field"] == f"{home}.{name}":
                call.org.remove("FieldPermissions", str(grant["Id"]))
        call.org.remove("CustomField", str(record["Id"]))
    call.org.schema.drop_custom_field(home, name)
    return Answer(204)


ROUTES = [
    Route("POST", "/tooling/sobjects/CustomField", create_field, body="FullName Metadata"),
    Route("GET", "/tooling/sobjects/CustomField/{id}", get_field),
    Route("PATCH", "/tooling/sobjects/CustomField/{id}", change, body="FullName Metadata"),
    Route("DELETE", "/tooling/sobjects/CustomField/{id}", delete_field),
]
