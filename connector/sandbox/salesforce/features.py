"""Switches that change what exists in an org: several currencies, person accounts, raised decimals, stages."""

from decimal import Decimal

from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.rules_addresses import COUNTRIES
from connector.sandbox.salesforce.values import Record

_RATES = {"USD": "1", "EUR": "0.92", "GBP": "0.79", "JPY": "151.2", "CHF": "0.88", "CAD": "1.37", "KWD": "0.307"}
_PLACES = {"JPY": 0, "KWD": 3}


def use_currencies(org: Org, *, on: bool) -> None:
    """Several currencies, or one: CurrencyIsoCode exists only with several. Existing records get the first one."""
    _switch(org, "multi_currency", on=on)
    if not on:
        return
    corporate = org.schema.currencies[0]
    with org.unit():
        for one in list(org.schema.objects()):
            if one.field("CurrencyIsoCode") is not None:
                for row in list(org.rows(one.name, deleted=True)):
                    org.put(one.name, {**row, "CurrencyIsoCode": row.get("CurrencyIsoCode") or corporate})
        known = {row["IsoCode"] for row in org.rows("CurrencyType")}
        for code in org.schema.currencies:
            if code not in known:
                _add_currency(org, code, is_corporate=code == corporate)


def use_person_accounts(org: Org, *, on: bool) -> None:
    """Accounts that are people: FirstName, LastName and PersonEmail appear on Account."""
    _switch(org, "person_accounts", on=on)
    if on:
        with org.unit():
            for row in list(org.rows("Account", deleted=True)):
                org.put("Account", {**row, "IsPersonAccount": bool(row.get("IsPersonAccount"))})


def use_state_country_picklists(org: Org, *, on: bool) -> None:
    """Countries and states with codes: BillingCountryCode and its like exist only in such an org."""
    _switch(org, "state_country_picklists", on=on)
    countries = tuple(COUNTRIES)
    for path in ("Account.BillingCountryCode", "Account.ShippingCountryCode", "Contact.MailingCountryCode"):
        org.schema.override(path, picklist=countries)


def set_decimals(org: Org, path: str, scale: int) -> None:
    """Change how many decimals a number field keeps, such as OpportunityLineItem.UnitPrice; ValueError if none."""
    object_name, _, name = path.partition(".")
    object_type = org.schema.find(object_name)
    field = object_type.field(name) if object_type else None
    if field is None or not field.precision or not 0 <= scale <= 8:
        raise ValueError(f"{path} is no number field whose decimals could be {scale}")
    org.schema.override(path, scale=scale)


def set_stage(
    org: Org, name: str, *, closed: bool, won: bool, probability: int, forecast: str, active: bool = True
) -> None:
    """Add a stage or change the one of this name; opportunities already in it keep what they had."""
    found = next((row for row in org.rows("OpportunityStage") if row["ApiName"] == name), None)
    stages = list(org.rows("OpportunityStage"))
    category = {"Best Case": "BestCase", "Commit": "Forecast"}.get(forecast, forecast)
    record: Record = {
        "Id": found["Id"] if found else org.next_id(org.schema.get("OpportunityStage")),
        "MasterLabel": name,
        "ApiName": name,
        "IsActive": active,
        "SortOrder": found["SortOrder"] if found else len(stages) + 1,
        "IsClosed": closed,
        "IsWon": won,
        "ForecastCategory": category,
        "ForecastCategoryName": forecast,
        "DefaultProbability": Decimal(probability),
        "SystemModstamp": org.now(),
        "CreatedDate": org.now(),
    }
    with org.unit():
        org.put("OpportunityStage", record)
    names = [str(row["ApiName"]) for row in org.rows("OpportunityStage") if row["IsActive"]]
    org.schema.override("Opportunity.StageName", picklist=tuple(names))


def rename_stage(org: Org, old: str, new: str) -> None:
    """Give a stage another name, its opportunities with it; KeyError when there is no such stage."""
    stage = next((row for row in org.rows("OpportunityStage") if row["ApiName"] == old), None)
    if stage is None:
        raise KeyError(f"There is no stage {old}")
    with org.unit():
        org.put("OpportunityStage", {**stage, "ApiName": new, "MasterLabel": new, "SystemModstamp": org.now()})
        for row in list(org.rows("Opportunity", deleted=True)):
            if row["StageName"] == old:
                org.put("Opportunity", {**row, "StageName": new})
    names = [str(row["ApiName"]) for row in org.rows("OpportunityStage") if row["IsActive"]]
    org.schema.override("Opportunity.StageName", picklist=tuple(names))


def _switch(org: Org, feature: str, *, on: bool) -> None:
    if on:
        org.schema.features.add(feature)
    else:
        org.schema.features.discard(feature)
    org.schema.changed()


def _add_currency(org: Org, code: str, *, is_corporate: bool) -> None:
    org.put(
        "CurrencyType",
        {
            "Id": org.next_id(org.schema.get("CurrencyType")),
            "IsoCode": code,
            "ConversionRate": Decimal(_RATES.get(code, "1")),
            "DecimalPlaces": _PLACES.get(code, 2),
            "IsActive": True,
            "IsCorporate": is_corporate,
            "SystemModstamp": org.now(),
        },
    )
