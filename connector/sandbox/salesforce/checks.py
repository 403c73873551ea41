"""What Salesforce checks about a record as a whole: its references, unique values, duplicates and validation rules."""

from connector.sandbox.salesforce.access import Actor
from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.schema import ObjectType
from connector.sandbox.salesforce.soql.conditions import Test
from connector.sandbox.salesforce.soql.plan import make_plan
from connector.sandbox.salesforce.values import Record, Value


def check_references(org: Org, object_type: ObjectType, given: Record) -> None:
    """Every reference must lead to a live record of a fitting object."""
    for name, value in given.items():
        field = object_type.fields[name.lower()]
        if field.type != "reference" or not isinstance(value, str):
            continue
        target = next((one for one in field.reference_to if _prefix(org, one) == value[:3]), None)
        if target is None:
            if any(org.schema.find(one) is None for one in field.reference_to):
                raise Refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
            raise Refused("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", [field.name])
        found = org.row(target, value)
        if found is None:
            raise Refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
        if found.get("IsDeleted"):
            raise Refused("ENTITY_IS_DELETED", "entity is deleted", [])
        if name == "OwnerId" and not found.get("IsActive", True):
            raise Refused(
                "INACTIVE_OWNER_OR_USER",
                f"operation performed with inactive user [{value}] as owner of {object_type.label.lower()}",
                [],
            )


def check_unique(org: Org, object_type: ObjectType, record: Record, given: Record) -> None:
    """A unique field's value may stand on one live record only."""
    for name, value in given.items():
        field = object_type.fields[name.lower()]
        if not field.unique or value is None:
            continue
        wanted = _folded(value, field.case_sensitive)
        for other in org.rows(object_type.name):
            if other["Id"] != record["Id"] and _folded(other.get(name), field.case_sensitive) == wanted:
                raise Refused(
                    "DUPLICATE_VALUE",
                    f"duplicate value found: {name} duplicates value on record with id: {str(other['Id'])[:15]}",
                    [],
                )


def check_duplicates(org: Org, object_type: ObjectType, record: Record, given: Record, *, allowed: bool) -> None:
    """The org's duplicate rules; `allowed` overrules those that only alert."""
    for rule in org.settings.duplicate_rules:
        touched = any(name in given for name in rule.fields)
        if rule.object != object_type.name or not touched or (allowed and rule.action == "alert"):
            continue
        key = [_folded(record.get(name), case_sensitive=False) for name in rule.fields]
        if None in key:
            continue
        for other in org.rows(object_type.name):
            theirs = [_folded(other.get(name), case_sensitive=False) for name in rule.fields]
            if other["Id"] != record["Id"] and theirs == key:
                raise Refused("DUPLICATES_DETECTED", "Use one of these records?", [])


def check_validation(org: Org, object_type: ObjectType, record: Record) -> None:
    """The org's validation rules, each a SOQL condition that a good record does not meet."""
    for rule in org.settings.validation_rules:
        if rule.object == object_type.name and meets(org, object_type.name, rule.criterion)(record):
            raise Refused("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, [rule.field] if rule.field else [])


def meets(org: Org, object_name: str, criterion: str) -> Test:
    """A SOQL condition as a test on records of an object; an empty one always holds."""
    clauses = ["SELECT Id FROM", object_name, *(["WHERE", criterion] if criterion else [])]
    plan = make_plan(" ".join(clauses), org, Actor("", sees_all=True))
    return plan.test or (lambda _: True)


def _prefix(org: Org, object_name: str) -> str | None:
    found = org.schema.find(object_name)
    return found.key_prefix if found else None


def _folded(value: Value, case_sensitive: bool) -> Value:
    return value.casefold() if isinstance(value, str) and not case_sensitive else value
