"""Describe answers: what an org tells about its objects, as far as the asking user may see them."""

from connector.sandbox.salesforce.access import Actor
from connector.sandbox.salesforce.schema import IDS, NUMBERS, Field, ObjectType, Schema

_SOAP = {
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
    **dict.fromkeys(IDS, "tns:ID"),
    **dict.fromkeys(NUMBERS, "xsd:double"),
}


def describe_global(schema: Schema, version: str) -> dict[str, object]:
    """The list of objects."""
    return {
        "encoding": "UTF-8",
        "maxBatchSize": 200,
        "sobjects": [describe_briefly(one, version) for one in schema.objects()],
    }


def describe_briefly(one: ObjectType, version: str) -> dict[str, object]:
    """What the global list tells about one object."""
    base = f"/services/data/v{version}/sobjects/{one.name}"
    return {
        "activateable": False,
        "createable": one.createable,
        "custom": one.name.endswith("__c"),
        "customSetting": False,
        "deletable": one.deletable,
        "deprecatedAndHidden": False,
        "keyPrefix": one.key_prefix,
        "label": one.label,
        "labelPlural": one.label_plural,
        "layoutable": one.createable,
        "mergeable": one.name in ("Account", "Contact"),
        "name": one.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": one.createable,
        "triggerable": one.createable,
        "undeletable": one.field("IsDeleted") is not None,
        "updateable": one.updateable,
        "urls": {"sobject": base, "describe": f"{base}/describe", "rowTemplate": f"{base}/{{ID}}"},
    }


def describe(one: ObjectType, schema: Schema, actor: Actor, version: str) -> dict[str, object]:
    """Everything about one object that this user may see."""
    children = [
        {
            "cascadeDelete": child.cascade,
            "childSObject": child.object,
            "deprecatedAndHidden": False,
            "field": child.field,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": child.relationship_name,
            "restrictedDelete": False,
        }
        for child in one.children.values()
        if schema.find(child.object) is not None
    ]
    fields = [_field(one, field, actor) for field in one.fields.values() if actor.can_read(one, field)]
    may_change = actor.may_change(one)
    return {
        **describe_briefly(one, version),
        "createable": one.createable and may_change,
        "updateable": one.updateable and may_change,
        "actionOverrides": [],
        "childRelationships": children,
        "fields": fields,
        "recordTypeInfos": [],
        "supportedScopes": [],
    }


def _field(one: ObjectType, field: Field, actor: Actor) -> dict[str, object]:
    editable = actor.can_edit(one, field)
    is_text = field.type not in _SOAP
    return {
        "aggregatable": field.type not in ("address", "boolean") and (field.filterable or field.type != "textarea"),
        "aiPredictionField": False,
        "autoNumber": False,
        "byteLength": field.byte_length or (field.length * 3 if is_text else field.length),
        "calculated": field.calculated,
        "calculatedFormula": None,
        "cascadeDelete": False,
        "caseSensitive": field.case_sensitive,
        "compoundFieldName": field.compound_field_name,
        "controllerName": None,
        "createable": field.createable and editable,
        "custom": field.custom,
        "defaultValue": field.default_value,
        "defaultValueFormula": None,
        "defaultedOnCreate": field.defaulted_on_create,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": field.digits,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": field.external_id,
        "extraTypeInfo": "plaintextarea" if field.type == "textarea" else field.extra_type_info,
        "filterable": field.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": field.groupable and field.type not in NUMBERS,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": field.usable_as_key,
        "inlineHelpText": field.inline_help_text,
        "label": field.label,
        "length": field.length,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": field.name_field,
        "namePointing": field.name_pointing,
        "nillable": field.nillable,
        "permissionable": field.permissionable,
        "picklistValues": [
            {
                "active": True,
                "defaultValue": value == field.default_value,
                "label": value,
                "validFor": None,
                "value": value,
            }
            for value in field.picklist
        ],
        "polymorphicForeignKey": field.polymorphic,
        "precision": field.precision,
        "queryByDistance": field.type == "address",
        "referenceTargetField": None,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship_name,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": field.restricted_picklist,
        "scale": field.scale,
        "searchPrefilterable": field.search_prefilterable,
        "soapType": _SOAP.get(field.type, "xsd:string"),
        "sortable": field.sortable,
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable and editable,
        "writeRequiresMasterRead": False,
    }
