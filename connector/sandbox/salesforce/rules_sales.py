"""How Salesforce keeps an opportunity and its products in step: stage, amount, prices, totals."""

from decimal import ROUND_HALF_UP, Decimal

from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.values import Record

_FORECASTS = {
    "Omitted": "Omitted",
    "Pipeline": "Pipeline",
    "Best Case": "BestCase",
    "Commit": "Forecast",
    "Closed": "Closed",
}
_LINES = ("OpportunityLineItem", "OpportunityId")


def check_opportunity(org: Org, before: Record | None, record: Record, given: Record) -> None:
    """Take stage, amount and fiscal period from where they really come from, before the record is saved.

    The amount of an opportunity with products is the sum of its lines; writing it is ignored without a word.
    Source: sObject reference, Opportunity.
    """
    stage = _stage(org, str(record["StageName"]))
    changed = before is None or before["StageName"] != record["StageName"]
    if changed:
        record["IsClosed"], record["IsWon"] = stage.get("IsClosed", False), stage.get("IsWon", False)
        record["LastStageChangeDate"] = org.now() if before else None
        record["ForecastCategory"] = stage.get("ForecastCategory", "Pipeline")
        if given.get("ForecastCategoryName") is None:
            record["ForecastCategoryName"] = stage.get("ForecastCategoryName", "Pipeline")
        if given.get("Probability") is None:
            record["Probability"] = stage.get("DefaultProbability", Decimal(0))
    if "ForecastCategoryName" in given and given["ForecastCategoryName"] is not None:
        record["ForecastCategory"] = _FORECASTS[str(given["ForecastCategoryName"])]
    lines = _live_lines(org, str(record["Id"]))
    if lines and before is not None:
        for kept in ("Amount", "TotalOpportunityQuantity"):
            record[kept] = before[kept]
        for fixed in ("Pricebook2Id", "CurrencyIsoCode"):
            if record.get(fixed) != before.get(fixed):
                raise Refused(
                    "FIELD_INTEGRITY_EXCEPTION",
                    f"field integrity exception: {fixed} (cannot change while the opportunity has products)",
                    [fixed],
                )
    _derive(record)


def save_opportunity(org: Org, before: Record | None, record: Record, user_id: str) -> None:
    """A contact given at creation becomes the primary contact role."""
    if before is not None or record.get("ContactId") is None:
        return
    role_type = org.schema.get("OpportunityContactRole")
    now = org.now()
    role: Record = dict.fromkeys(f.name for f in role_type.fields.values())
    role |= {"Id": org.next_id(role_type), "OpportunityId": record["Id"], "ContactId": record["ContactId"]}
    role |= {"IsPrimary": True, "IsDeleted": False, "CreatedDate": now, "CreatedById": user_id}
    role |= {"LastModifiedDate": now, "LastModifiedById": user_id, "SystemModstamp": now}
    if "CurrencyIsoCode" in role:
        role["CurrencyIsoCode"] = record.get("CurrencyIsoCode")
    org.put("OpportunityContactRole", role)


def price_line(org: Org, before: Record | None, record: Record, given: Record) -> None:
    """Give a line its product, list price and total before it is saved.

    `TotalPrice` and `UnitPrice` exclude each other on write; the total is quantity x price less the discount.
    """
    opportunity = org.row("Opportunity", str(record["OpportunityId"])) or {}
    if before is None:
        _book_line(org, opportunity, record)
    if not record["Quantity"]:
        raise Refused("FIELD_INTEGRITY_EXCEPTION", "Quantity may not be zero", ["Quantity"])
    if given.get("UnitPrice") is not None and given.get("TotalPrice") is not None:
        raise Refused(
            "FIELD_INTEGRITY_EXCEPTION",
            "field integrity exception: unknown (only one of unit price or total price may be specified)",
            [],
        )
    quantity, discount = _number(record, "Quantity"), _number(record, "Discount")
    left = 1 - discount / 100
    line = org.schema.get("OpportunityLineItem").fields
    if given.get("TotalPrice") is not None:
        share = _number(record, "TotalPrice") / (quantity * left) if left else Decimal(0)
        record["UnitPrice"] = _rounded(share, line["unitprice"].scale)
    elif record.get("UnitPrice") is None:
        raise Refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [UnitPrice]", ["UnitPrice"])
    gross = quantity * _number(record, "UnitPrice")
    record["Subtotal"] = _rounded(gross, line["subtotal"].scale)
    if given.get("TotalPrice") is None:
        record["TotalPrice"] = _rounded(gross * left, line["totalprice"].scale)


def sum_lines(org: Org, _before: Record | None, record: Record, user_id: str) -> None:
    """Bring the opportunity up to date with its lines; when the last one goes, the amount stays as it was."""
    _sum(org, str(record["OpportunityId"]), user_id)


def _book_line(org: Org, opportunity: Record, record: Record) -> None:
    entry = org.row("PricebookEntry", str(record["PricebookEntryId"])) if record["PricebookEntryId"] else None
    if entry is None and record.get("Product2Id") and opportunity.get("Pricebook2Id"):
        entries = org.children("PricebookEntry", "Product2Id", str(record["Product2Id"]))
        entry = next((one for one in entries if one["Pricebook2Id"] == opportunity["Pricebook2Id"]), None)
    if entry is None:
        raise Refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [PricebookEntryId]", ["PricebookEntryId"])
    if not entry["IsActive"]:
        raise Refused("STANDARD_PRICE_NOT_DEFINED", "pricebook entry is inactive", ["PricebookEntryId"])
    mismatched = opportunity.get("Pricebook2Id") not in (None, entry["Pricebook2Id"])
    if mismatched or entry.get("CurrencyIsoCode") != opportunity.get("CurrencyIsoCode"):
        raise Refused(
            "FIELD_INTEGRITY_EXCEPTION",
            "field integrity exception: PricebookEntryId (pricebook entry is in a different pricebook or currency than "
            "the one assigned to the opportunity)",
            ["PricebookEntryId"],
        )
    product = org.row("Product2", str(entry["Product2Id"])) or {}
    record["PricebookEntryId"], record["Product2Id"] = entry["Id"], entry["Product2Id"]
    record["ProductCode"], record["ListPrice"] = product.get("ProductCode"), entry["UnitPrice"]
    record["Name"] = f"{opportunity['Name']} {product.get('Name')}"[:376]
    if "CurrencyIsoCode" in record:
        record["CurrencyIsoCode"] = opportunity["CurrencyIsoCode"]
    if opportunity.get("Pricebook2Id") is None:
        org.put("Opportunity", {**opportunity, "Pricebook2Id": entry["Pricebook2Id"]})


def _sum(org: Org, opportunity_id: str, user_id: str) -> None:
    before = org.row("Opportunity", opportunity_id)
    if before is None or before["IsDeleted"]:
        return
    record, lines, now = dict(before), _live_lines(org, opportunity_id), org.now()
    record["HasOpportunityLineItem"] = bool(lines)
    if lines:
        record["Amount"] = sum((_number(line, "TotalPrice") for line in lines), Decimal("0.00"))
        record["TotalOpportunityQuantity"] = sum((_number(line, "Quantity") for line in lines), Decimal("0.00"))
    _derive(record)
    record |= {"LastModifiedDate": now, "LastModifiedById": user_id, "SystemModstamp": now}
    org.put("Opportunity", record)


def _derive(record: Record) -> None:
    amount, close = record.get("Amount"), record["CloseDate"]
    if isinstance(amount, Decimal):
        record["ExpectedRevenue"] = _rounded(amount * _number(record, "Probability") / 100, 2)
    else:
        record["ExpectedRevenue"] = None
    quarter = (int(f"{close:%m}") + 2) // 3
    record["FiscalYear"], record["FiscalQuarter"] = int(f"{close:%Y}"), quarter
    record["Fiscal"] = f"{close:%Y} {quarter}"


def _stage(org: Org, name: str) -> Record:
    return next((one for one in org.rows("OpportunityStage") if one["ApiName"] == name), {})


def _live_lines(org: Org, opportunity_id: str) -> list[Record]:
    return [one for one in org.children(*_LINES, opportunity_id) if not one["IsDeleted"]]


def _number(record: Record, name: str) -> Decimal:
    value = record.get(name)
    return value if isinstance(value, Decimal) else Decimal(0)


def _rounded(value: Decimal, scale: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
