"""Custom fields, made from metadata as an admin or the Tooling API gives it, and refused where Salesforce refuses."""

import re
from collections.abc import Callable
from dataclasses import replace

from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.schema import Field
from connector.sandbox.salesforce.values import Record

_FULL_NAME = re.compile(r"(?P<object>\w+)\.(?P<name>[A-Za-z](?:_?[A-Za-z0-9])*)__c\Z")
_LONGEST_NAME = 40
_CUSTOMIZABLE = frozenset(
    {"Account", "Activity", "Contact", "Opportunity", "OpportunityLineItem", "Product2", "Pricebook2", "User"}
    | {"PricebookEntry", "OpportunityContactRole"}
)
_COMMON = frozenset({"type", "label", "description", "inlineHelpText", "required", "trackHistory", "trackTrending"})
_KEYS: dict[str, frozenset[str]] = {
    "Text": frozenset({"length", "externalId", "unique", "caseSensitive", "defaultValue"}),
    "TextArea": frozenset({"defaultValue"}),
    "LongTextArea": frozenset({"length", "visibleLines", "defaultValue"}),
    "Number": frozenset({"precision", "scale", "externalId", "unique", "defaultValue"}),
    "Currency": frozenset({"precision", "scale", "defaultValue"}),
    "Percent": frozenset({"precision", "scale", "defaultValue"}),
    "Checkbox": frozenset({"defaultValue"}),
    "Date": frozenset({"defaultValue"}),
    "DateTime": frozenset({"defaultValue"}),
    "Url": frozenset({"defaultValue"}),
    "Phone": frozenset({"defaultValue"}),
    "Email": frozenset({"externalId", "unique", "defaultValue"}),
    "Picklist": frozenset({"valueSet"}),
    "Lookup": frozenset({"referenceTo", "relationshipName", "relationshipLabel", "deleteConstraint"}),
}

Metadata = dict[str, object]


def add_field(org: Org, full_name: str, metadata: Metadata) -> str:
    """Give an object a new custom field and return the definition's id; raises Refused.

    Fields of tasks are made on Activity and appear on Task. Source: Metadata API guide, CustomField.
    """
    found = _FULL_NAME.match(full_name)
    if found is None or len(found["name"]) > _LONGEST_NAME:
        raise _integrity(
            f"The Custom Field API Name can only contain letters, digits and underscores and ends in __c: {full_name}",
            "FullName",
        )
    if found["object"] not in _CUSTOMIZABLE:
        raise Refused(
            "INVALID_CROSS_REFERENCE_KEY",
            f"Entity Enumeration Or ID: bad value for restricted picklist field: {found['object']}",
            [],
        )
    home, name = home_of(found["object"]), f"{found['name']}__c"
    object_type = org.schema.get(home)
    if object_type.field(name) is not None:
        raise Refused(
            "DUPLICATE_DEVELOPER_NAME",
            f"There is already a field named {found['name']} on {object_type.label}.",
            ["DeveloperName"],
        )
    field = _field(org, name, metadata)
    record: Record = dict.fromkeys(f.name for f in org.schema.get("CustomField").fields.values())
    record |= {"DeveloperName": found["name"], "TableEnumOrId": found["object"], "EntityDefinitionId": found["object"]}
    record |= {"Length": field.length, "Precision": field.precision, "Scale": field.scale}
    record |= {"Id": org.fresh_id("00N"), "SystemModstamp": org.now(), "CreatedDate": org.now()}
    org.schema.add_custom_field(home, field)
    org.custom_metadata[full_name] = dict(metadata)
    with org.unit():
        org.put("CustomField", record)
        for row in list(org.rows(home, deleted=True)):
            org.put(home, {**row, name: field.default_value if field.type == "boolean" else None})
    return str(record["Id"])


def change_field(org: Org, record: Record, metadata: Metadata) -> None:
    """Give a custom field another definition, all of it at once; its type stays. Raises Refused."""
    home, name = home_of(str(record["TableEnumOrId"])), f"{record['DeveloperName']}__c"
    old, changed = org.schema.get(home).field(name), _field(org, name, metadata)
    if old is None or old.type != changed.type:
        raise Refused("FIELD_INTEGRITY_EXCEPTION", "Cannot change the type of a custom field here", ["type"])
    org.schema.add_custom_field(home, changed)
    org.custom_metadata[f"{record['TableEnumOrId']}.{name}"] = dict(metadata)


def _field(org: Org, name: str, metadata: Metadata) -> Field:
    kind = metadata.get("type")
    if not isinstance(kind, str) or kind not in _KEYS:
        raise Refused(
            "JSON_PARSER_ERROR",
            f"Cannot deserialize instance of complexvalue from VALUE_STRING value {kind} or request may be missing a "
            "required field at [line:1, column:1]",
        )
    for key in metadata:
        if key not in _COMMON | _KEYS[kind]:
            raise _integrity(f"Can not specify '{key}' for a CustomField of type {kind}", key)
    label = metadata.get("label")
    if not isinstance(label, str) or not 0 < len(label) <= _LONGEST_NAME:
        raise Refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [MasterLabel]", ["MasterLabel"])
    help_text = metadata.get("inlineHelpText")
    base = Field(
        name,
        "string",
        label,
        custom=True,
        nillable=metadata.get("required") is not True,
        permissionable=metadata.get("required") is not True,
        external_id=metadata.get("externalId") is True,
        unique=metadata.get("unique") is True,
        case_sensitive=metadata.get("caseSensitive") is True,
        inline_help_text=help_text if isinstance(help_text, str) else None,
    )
    if base.case_sensitive and not base.unique:
        raise _integrity("Can not specify 'caseSensitive' unless the field is unique", "caseSensitive")
    return _SHAPES[kind](org, base, metadata)


def _text(_org: Org, base: Field, metadata: Metadata) -> Field:
    return replace(base, type="string", length=_whole(metadata, "length", 1, 255))


def _long_text(_org: Org, base: Field, metadata: Metadata) -> Field:
    _whole(metadata, "visibleLines", 2, 50)
    length = _whole(metadata, "length", 256, 131_072)
    return replace(base, type="textarea", length=length, filterable=False, sortable=False, groupable=False)


def _number(kind: str) -> Callable[[Org, Field, Metadata], Field]:
    def shape(_org: Org, base: Field, metadata: Metadata) -> Field:
        precision = _whole(metadata, "precision", 1, 18)
        return replace(base, type=kind, precision=precision, scale=_whole(metadata, "scale", 0, precision))

    return shape


def _checkbox(_org: Org, base: Field, metadata: Metadata) -> Field:
    default = metadata.get("defaultValue")
    if default not in (True, False, "true", "false"):
        raise _integrity("Must specify 'defaultValue' for a CustomField of type Checkbox", "defaultValue")
    return replace(
        base, type="boolean", nillable=False, defaulted_on_create=True, default_value=default in (True, "true")
    )


def _plain(kind: str, length: int = 0) -> Callable[[Org, Field, Metadata], Field]:
    return lambda _org, base, _metadata: replace(base, type=kind, length=length)


def _picklist(_org: Org, base: Field, metadata: Metadata) -> Field:
    value_set = metadata.get("valueSet")
    definition = value_set.get("valueSetDefinition") if isinstance(value_set, dict) else None
    values = definition.get("value") if isinstance(definition, dict) else None
    if not isinstance(value_set, dict) or not isinstance(values, list) or not values:
        raise _integrity("Must specify a valueSet with values for a CustomField of type Picklist", "valueSet")
    names, default = [], None
    for value in values:
        if not isinstance(value, dict) or not isinstance(value.get("label"), str):
            raise Refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [label]", ["label"])
        # The Metadata API calls a value's name fullName, the Tooling API's JSON valueName; both are in use.
        name = value.get("fullName", value.get("valueName"))
        if not isinstance(name, str) or name in names:
            raise _integrity(f"Duplicate or missing picklist value: {name}", "valueSet")
        names.append(name)
        default = name if value.get("default") is True else default
    restricted = value_set.get("restricted") is True
    return replace(
        base, type="picklist", length=255, picklist=tuple(names), restricted_picklist=restricted, default_value=default
    )


def _lookup(org: Org, base: Field, metadata: Metadata) -> Field:
    target = metadata.get("referenceTo")
    found = org.schema.find(target) if isinstance(target, str) else None
    if found is None:
        raise _integrity("Must specify 'referenceTo' for a CustomField of type Lookup", "referenceTo")
    relationship = base.name.removesuffix("__c") + "__r"
    return replace(base, type="reference", length=18, reference_to=(found.name,), relationship_name=relationship)


_SHAPES: dict[str, Callable[[Org, Field, Metadata], Field]] = {
    "Text": _text,
    "TextArea": _plain("textarea", 255),
    "LongTextArea": _long_text,
    "Number": _number("double"),
    "Currency": _number("currency"),
    "Percent": _number("percent"),
    "Checkbox": _checkbox,
    "Date": _plain("date"),
    "DateTime": _plain("datetime"),
    "Url": _plain("url", 255),
    "Phone": _plain("phone", 40),
    "Email": _plain("email", 80),
    "Picklist": _picklist,
    "Lookup": _lookup,
}


def _whole(metadata: Metadata, key: str, least: int, most: int) -> int:
    value = metadata.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _integrity(f"Must specify '{key}' as a whole number", key)
    if not least <= value <= most:
        raise Refused("NUMBER_OUTSIDE_VALID_RANGE", f"{key}: must be between {least} and {most}", [key])
    return value


def home_of(object_name: str) -> str:
    """The object on which a custom field appears."""
    return "Task" if object_name == "Activity" else object_name


def _integrity(message: str, field: str) -> Refused:
    return Refused("FIELD_INTEGRITY_EXCEPTION", message, [field])
