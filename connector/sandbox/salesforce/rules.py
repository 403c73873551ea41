"""What Salesforce works out by itself: names, stages, totals, primary contacts, closed tasks."""

from collections.abc import Callable

from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.rules_addresses import match_country
from connector.sandbox.salesforce.rules_permissions import check_assignment, check_field_permission, save_permission_set
from connector.sandbox.salesforce.rules_sales import (
    check_opportunity,
    price_line,
    save_opportunity,
    sum_lines,
)
from connector.sandbox.salesforce.rules_tasks import save_task
from connector.sandbox.salesforce.schema import ObjectType
from connector.sandbox.salesforce.values import Record

_Before = Callable[[Org, Record | None, Record, Record], None]
_After = Callable[[Org, Record | None, Record, str], None]


def before_save(org: Org, object_type: ObjectType, before: Record | None, record: Record, given: Record) -> None:
    """Complete a record that is about to be saved; raises Refused where the object's own rules say no."""
    rule = _BEFORE.get(object_type.name)
    if rule is not None:
        rule(org, before, record, given)


def after_save(org: Org, object_type: ObjectType, before: Record | None, record: Record, user_id: str) -> None:
    """Carry a saved record's consequences over to other records."""
    rule = _AFTER.get(object_type.name)
    if rule is not None:
        rule(org, before, record, user_id)


def before_delete(org: Org, object_type: ObjectType, record: Record) -> None:
    """Refuse to delete what others stand on."""
    used_by = _KEPT_BY.get(object_type.name)
    if used_by is None:
        return
    rows = org.children(*used_by, str(record["Id"]))
    if any(not row.get("IsDeleted") for row in rows):
        raise Refused(
            "DELETE_FAILED",
            f"Your attempt to delete {record.get('Name')} could not be completed because it is associated with "
            f"other records.",
            [],
        )


def after_delete(org: Org, object_type: ObjectType, record: Record, user_id: str) -> None:
    """Carry a deletion's consequences over to other records."""
    if object_type.name == "OpportunityLineItem":
        sum_lines(org, None, record, user_id)


def _save_contact(org: Org, before: Record | None, record: Record, given: Record) -> None:
    _person_name(org, before, record, given)
    match_country(org, "Mailing", record, given)


def _person_name(_org: Org, _before: Record | None, record: Record, _given: Record) -> None:
    record["Name"] = " ".join(str(record[part]) for part in ("FirstName", "LastName") if record.get(part))


def _save_account(org: Org, before: Record | None, record: Record, given: Record) -> None:
    if record.get("LastName") and "person_accounts" in org.schema.features:
        _person_name(org, before, record, given)
        record["IsPersonAccount"] = True
    match_country(org, "Billing", record, given)
    match_country(org, "Shipping", record, given)
    if record.get("ParentId") is not None and record["ParentId"] == record["Id"]:
        raise Refused("CIRCULAR_DEPENDENCY", "attempt to create a cycle in the account hierarchy", ["ParentId"])


def _save_price(org: Org, before: Record | None, record: Record, _given: Record) -> None:
    product = org.row("Product2", str(record["Product2Id"])) or {}
    record["Name"], record["ProductCode"] = product.get("Name"), product.get("ProductCode")
    if before is not None:
        return
    for other in org.children("PricebookEntry", "Product2Id", str(record["Product2Id"])):
        same_currency = other.get("CurrencyIsoCode") == record.get("CurrencyIsoCode")
        if other["Pricebook2Id"] == record["Pricebook2Id"] and same_currency and not other["IsDeleted"]:
            raise Refused("DUPLICATE_VALUE", "This price definition already exists in this price book", [])
    book = org.row("Pricebook2", str(record["Pricebook2Id"])) or {}
    if not book.get("IsStandard") and not _has_standard_price(org, record):
        raise Refused(
            "STANDARD_PRICE_NOT_DEFINED",
            "Before creating a custom price, create a standard price.",
            ["Pricebook2Id"],
        )


def _has_standard_price(org: Org, record: Record) -> bool:
    return any(
        (org.row("Pricebook2", str(other["Pricebook2Id"])) or {}).get("IsStandard")
        and not other["IsDeleted"]
        and other.get("CurrencyIsoCode") == record.get("CurrencyIsoCode")
        for other in org.children("PricebookEntry", "Product2Id", str(record["Product2Id"]))
    )


def _only_primary(org: Org, _before: Record | None, record: Record, user_id: str) -> None:
    if not record["IsPrimary"]:
        return
    for other in org.children("OpportunityContactRole", "OpportunityId", str(record["OpportunityId"])):
        if other["Id"] != record["Id"] and other["IsPrimary"] and not other["IsDeleted"]:
            org.put("OpportunityContactRole", {**other, "IsPrimary": False, "SystemModstamp": org.now()})
    opportunity = org.row("Opportunity", str(record["OpportunityId"]))
    if opportunity is not None and opportunity.get("ContactId") != record["ContactId"]:
        org.put("Opportunity", {**opportunity, "ContactId": record["ContactId"], "SystemModstamp": org.now()})


def _save_role(org: Org, _before: Record | None, record: Record, _given: Record) -> None:
    opportunity = org.row("Opportunity", str(record["OpportunityId"])) or {}
    if "CurrencyIsoCode" in record:
        record["CurrencyIsoCode"] = opportunity.get("CurrencyIsoCode")


_BEFORE: dict[str, _Before] = {
    "Account": _save_account,
    "Contact": _save_contact,
    "FieldPermissions": check_field_permission,
    "Opportunity": check_opportunity,
    "OpportunityContactRole": _save_role,
    "OpportunityLineItem": price_line,
    "PermissionSet": save_permission_set,
    "PermissionSetAssignment": check_assignment,
    "PricebookEntry": _save_price,
    "Task": save_task,
    "User": _person_name,
}
_AFTER: dict[str, _After] = {
    "Opportunity": save_opportunity,
    "OpportunityContactRole": _only_primary,
    "OpportunityLineItem": sum_lines,
}
_KEPT_BY = {
    "Product2": ("OpportunityLineItem", "Product2Id"),
    "PricebookEntry": ("OpportunityLineItem", "PricebookEntryId"),
    "Pricebook2": ("Opportunity", "Pricebook2Id"),
}
