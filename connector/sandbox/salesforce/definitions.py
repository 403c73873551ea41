"""The Tooling API's read-only view of the org's own objects and fields."""

from connector.sandbox.salesforce.ids import checksum
from connector.sandbox.salesforce.schema import ObjectType, Schema
from connector.sandbox.salesforce.values import Record

_DATA_TYPES = {
    "string": "Text({length})",
    "textarea": "Long Text Area({length})",
    "currency": "Currency({digits}, {scale})",
    "double": "Number({digits}, {scale})",
    "percent": "Percent({digits}, {scale})",
    "boolean": "Checkbox",
    "datetime": "Date/Time",
    "id": "Lookup()",
}


def definitions(schema: Schema, name: str) -> list[Record]:
    """The rows of EntityDefinition or FieldDefinition, made from the schema as it is now."""
    if name == "EntityDefinition":
        return [_entity(one, number) for number, one in enumerate(schema.objects(), start=1)]
    return [row for number, one in enumerate(schema.objects(), start=1) for row in _fields(one, number * 1000)]


def _entity(one: ObjectType, number: int) -> Record:
    return {
        "Id": _id("4ie", number),
        "DurableId": one.name,
        "QualifiedApiName": one.name,
        "DeveloperName": one.name,
        "Label": one.label,
        "PluralLabel": one.label_plural,
        "KeyPrefix": one.key_prefix,
        "IsCustomizable": one.createable,
        "IsQueryable": True,
    }


def _fields(one: ObjectType, first: int) -> list[Record]:
    rows: list[Record] = []
    for number, field in enumerate(one.fields.values(), start=first):
        shape = _DATA_TYPES.get(field.type, field.type.capitalize())
        rows.append(
            {
                "Id": _id("4fe", number),
                "DurableId": f"{one.name}.{field.name}",
                "QualifiedApiName": field.name,
                "DeveloperName": field.name.removesuffix("__c"),
                "EntityDefinitionId": one.name,
                "Label": field.label,
                "DataType": shape.format(length=field.length, digits=field.precision - field.scale, scale=field.scale),
                "Length": field.length,
                "Precision": field.precision,
                "Scale": field.scale,
                "IsNillable": field.nillable,
            }
        )
    return rows


def _id(prefix: str, number: int) -> str:
    fifteen = f"{prefix}000{number:09d}"
    return fifteen + checksum(fifteen)
