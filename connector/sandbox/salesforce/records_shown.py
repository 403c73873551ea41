"""A record as an answer shows it: its attributes, its plain fields and its compound addresses."""

from connector.sandbox.salesforce.schema import Field, ObjectType
from connector.sandbox.salesforce.values import Record, to_json

_ADDRESS = {
    "city": "City",
    "country": "Country",
    "geocodeAccuracy": "GeocodeAccuracy",
    "latitude": "Latitude",
    "longitude": "Longitude",
    "postalCode": "PostalCode",
    "state": "State",
    "street": "Street",
}


def attributes(object_type: ObjectType, record: Record, version: str) -> dict[str, object]:
    """The type and address that every record carries."""
    folder = "tooling/sobjects" if object_type.api == "tooling" else "sobjects"
    return {
        "type": object_type.name,
        "url": f"/services/data/v{version}/{folder}/{object_type.name}/{record['Id']}",
    }


def shown(field: Field, record: Record) -> object:
    """One field's value in JSON; an address is an object of its parts, or null when all are empty."""
    if field.type != "address":
        return to_json(record.get(field.name))
    prefix = field.name.removesuffix("Address")
    parts = {key: to_json(record.get(prefix + suffix)) for key, suffix in _ADDRESS.items()}
    for key, suffix in (("countryCode", "CountryCode"), ("stateCode", "StateCode")):
        if prefix + suffix in record:  # an org with state and country picklists
            parts[key] = to_json(record.get(prefix + suffix))
    return parts if any(part is not None for part in parts.values()) else None
