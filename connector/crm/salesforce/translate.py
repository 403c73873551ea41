"""Salesforce's records and field descriptions in our words, and our values in Salesforce's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from connector.crm.labels import as_one, labels_of, same_label
from connector.crm.payer import payer_of
from connector.crm.salesforce.ids import long_id
from connector.crm.salesforce.schema import ObjectShape
from connector.domain.refs import RecordRef
from connector.domain.write_back import Value
from connector.errors import CannotBill, Rejected
from connector.ports import DealRecords, FieldCatalog, FieldInfo, LineRecords
from connector.sentences.crm import SEVERAL_BILLING_CONTACTS, VALUE_UNFIT
from mappings.model import FieldMapping

OBJECTS: Mapping[str, str] = {
    "deal": "Opportunity",
    "account": "Account",
    "line_item": "OpportunityLineItem",
    "product": "Product2",
    "contact": "Contact",
    "owner": "User",
}

TYPES: Mapping[str, str] = {
    "string": "text",
    "email": "text",
    "phone": "text",
    "url": "text",
    "textarea": "long_text",
    "double": "number",
    "int": "number",
    "long": "number",
    "currency": "money",
    "percent": "percent",
    "date": "date",
    "datetime": "datetime",
    "boolean": "checkbox",
    "picklist": "choice",
    "multipicklist": "choice",
    "combobox": "choice",
    "reference": "reference",
    "id": "reference",
}
_NUMBERS = frozenset({"double", "int", "long", "currency", "percent"})


def ref(kind: str, record_id: object) -> RecordRef | None:
    """Our name for a record, from an id that may be empty."""
    return RecordRef("salesforce", kind, long_id(str(record_id))) if record_id else None


# --- reading --------------------------------------------------------------------------------------------------------


def deal_records(
    deal: RecordRef,
    opportunity: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    roles: Sequence[Mapping[str, Any]],
    mapping: FieldMapping,
    *,
    billing_role: str,
    currency: str = "",
    formerly: Sequence[RecordRef] = (),
) -> DealRecords:
    """A deal as our port wants it. ``currency`` stands in for CurrencyIsoCode where the org has only one."""
    record = _plain(opportunity)
    if currency:
        record.setdefault("CurrencyIsoCode", currency)
    role, refusal = _billing_contact(roles, billing_role, deal)
    account = ref("account", opportunity.get("AccountId"))
    records = {
        "Opportunity": record,
        "Account": record.get("Account") or {},
        "Contact": _plain(role.get("Contact") or {}),
        **_contacts_by_role(roles, mapping.paths("deal")),
    }
    return DealRecords(
        ref=deal,
        won=bool(opportunity["IsWon"]),
        closed=bool(opportunity["IsClosed"]),
        stage=str(opportunity.get("StageName") or ""),
        account=account,
        payer=payer_of(records, mapping, account),
        contact=ref("contact", role.get("ContactId")),
        owner=ref("owner", opportunity.get("OwnerId")),
        records=records,
        lines=tuple(_line(each) for each in lines),
        problem=refusal.message if refusal else "",
        refusal=refusal,
        won_at=_won_at(opportunity),
        formerly=tuple(formerly),
    )


def _contacts_by_role(roles: Sequence[Mapping[str, Any]], paths: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """``Contact[Accounts Payable]`` -> what is said of the contacts in that role, for every role that a path names."""
    return {
        f"Contact[{label}]": as_one(
            [_plain(role.get("Contact") or {}) for role in roles if same_label(role.get("Role"), label)]
        )
        for label in labels_of(paths, "Contact")
    }


def _won_at(opportunity: Mapping[str, Any]) -> datetime | None:
    """When a won opportunity came to its stage. Its close date only says what somebody once hoped for."""
    text = opportunity.get("LastStageChangeDate") or opportunity.get("CreatedDate")
    return datetime.fromisoformat(str(text)).astimezone(UTC) if opportunity["IsWon"] and text else None


def _line(line: Mapping[str, Any]) -> LineRecords:
    return LineRecords(
        ref=RecordRef("salesforce", "line_item", long_id(str(line["Id"]))),
        product=ref("product", line.get("Product2Id")),
        records={"OpportunityLineItem": _plain(line)},
    )


def _billing_contact(
    roles: Sequence[Mapping[str, Any]], billing_role: str, deal: RecordRef
) -> tuple[Mapping[str, Any], CannotBill | None]:
    """The one contact role that gets the invoice: the billing role, else the primary one; and why it cannot be told."""
    billing = [role for role in roles if same_label(role.get("Role"), billing_role)]
    candidates = billing or [role for role in roles if role.get("IsPrimary")]
    if _people(candidates) > 1:
        primary = [role for role in candidates if role.get("IsPrimary")]
        if _people(primary) != 1:
            return {}, CannotBill.because(SEVERAL_BILLING_CONTACTS, ref=deal, provider="salesforce", role=billing_role)
        candidates = primary
    return (candidates[0] if candidates else {}), None


def _people(roles: Sequence[Mapping[str, Any]]) -> int:
    """How many different contacts stand behind these roles; one may have several."""
    return len({role.get("ContactId") for role in roles})


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without Salesforce's envelope: no ``attributes``, no sub-selects, every number a Decimal."""
    return {
        name: _plain_value(value)
        for name, value in record.items()
        if name != "attributes" and not (isinstance(value, Mapping) and "records" in value)
    }


def _plain_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _plain(value)
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def field_catalog(shape: ObjectShape, extra: Sequence[FieldInfo] = ()) -> FieldCatalog:
    """A describe answer in our words; ``extra`` fields are added unless the org has them."""
    fields = {info.name: info for info in extra}
    fields |= {name: _field_info(name, told) for name, told in shape.fields.items()}
    return FieldCatalog(object=shape.name, fields=fields)


def _field_info(name: str, told: Mapping[str, Any]) -> FieldInfo:
    kind = TYPES.get(str(told["type"]), "other")
    return FieldInfo(
        name=name,
        label=str(told.get("label") or name),
        type=kind,
        writable=bool(told.get("updateable")),
        required=not told.get("nillable", True) and bool(told.get("createable")) and not told.get("defaultedOnCreate"),
        length=int(told["length"]) if told.get("length") else None,
        scale=int(told.get("scale") or 0) if told["type"] in _NUMBERS else None,
        choices=tuple(str(each["value"]) for each in told.get("picklistValues") or () if each.get("active", True)),
        references=tuple(str(each) for each in told.get("referenceTo") or ()),
        relation=str(told.get("relationshipName") or ""),
    )


# --- writing --------------------------------------------------------------------------------------------------------


def outgoing(name: str, value: Value, told: Mapping[str, Any], record: RecordRef) -> str | int | float | bool | None:
    """One value as JSON for the field that describe tells about.

    Raises:
        Rejected: the field cannot hold the value.
    """
    kind = str(told["type"])
    if value is None:
        return False if kind == "boolean" else None  # a checkbox cannot be empty
    if kind in _NUMBERS:
        return _number(name, value, kind, record)
    if kind == "boolean":
        if isinstance(value, bool):
            return value
        raise _unfit(name, "a checkbox holds only yes or no", record)
    if kind in ("date", "datetime"):
        return _moment(name, value, kind, record)
    return _text(name, value, told, record)


def _number(name: str, value: Value, kind: str, record: RecordRef) -> int | float:
    """Salesforce keeps numbers as doubles. One that a double cannot hold exactly is refused, not rounded."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _unfit(name, "it holds numbers", record)
    number = Decimal(value)
    if not number.is_finite():
        raise _unfit(name, "it holds numbers", record)
    if number == number.to_integral_value() and abs(number) < 2**53:
        return int(number)
    if kind in ("int", "long"):
        raise _unfit(name, "it holds whole numbers", record)
    sent = float(number)
    if Decimal(repr(sent)) != number:
        raise _unfit(name, "the number has too many digits for Salesforce", record)
    return sent


def _moment(name: str, value: Value, kind: str, record: RecordRef) -> str:
    if not isinstance(value, date):
        raise _unfit(name, "it holds dates", record)
    if kind == "date":
        return (value.astimezone(UTC).date() if isinstance(value, datetime) else value).isoformat()
    at = value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def _text(name: str, value: Value, told: Mapping[str, Any], record: RecordRef) -> str:
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, datetime):
        text = value.astimezone(UTC).isoformat()
    elif isinstance(value, date):
        text = value.isoformat()
    else:
        text = format(value, "f") if isinstance(value, Decimal) else str(value)
    if not text.isprintable() and any("\ud800" <= character <= "\udfff" for character in text):
        raise _unfit(name, "the text is not whole", record)  # half a character makes the whole batch unreadable
    length = int(told.get("length") or 0)
    if length and len(text) > length:
        if told["type"] == "textarea":  # a sentence for people loses its end; an id or a link would be wrong
            return f"{text[: length - 1]}…"
        raise _unfit(name, f"it holds {length} characters", record)
    return text


def _unfit(name: str, why: str, record: RecordRef) -> Rejected:
    full_name = f"{OBJECTS.get(record.kind, record.kind)}.{name}"
    refused = Rejected.because(VALUE_UNFIT, ref=record, provider="salesforce", name=full_name, why=why)
    refused.code = "UNFIT_VALUE"
    return refused
