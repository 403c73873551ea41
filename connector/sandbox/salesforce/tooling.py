"""The Tooling API's custom fields: new ones are visible to nobody until a permission set grants them."""

from connector.sandbox.salesforce.call import Answer, Call, Route
from connector.sandbox.salesforce.custom_fields import add_field, home_of
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
    return Answer(
        200, {"Id": record["Id"], "DeveloperName": record["DeveloperName"], "TableEnumOrId": record["TableEnumOrId"]}
    )


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
    Route("DELETE", "/tooling/sobjects/CustomField/{id}", delete_field),
]
