"""A CRM's records, read through the admin's mapping, as a Deal."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connector.domain.deal import (
    Account,
    Address,
    BillingTerms,
    CollectionMethod,
    Contact,
    Deal,
    Interval,
    LineItem,
    Product,
)
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.ports import DealRecords, LineRecords
from mappings import apply
from mappings.model import FieldMapping, FieldRule, MappingProblem
from mappings.words import ONE_TIME

_METADATA = "metadata."


def read_deal(records: DealRecords, mapping: FieldMapping) -> Deal:
    """The deal as the mapping reads it.

    Raises:
        CannotBill: a value is missing or cannot be read, or the CRM's records do not form one deal.
    """
    if records.problem:
        raise CannotBill(records.problem, field="deal", hint="Correct it in the CRM.", ref=records.ref)
    values = _read(mapping.deal, records.records, records.ref)
    return Deal(
        ref=records.ref,
        name=values.get("deal.name", ""),
        won=records.won,
        closed=records.closed,
        account=_account(records.account, values) if records.account else None,
        currency=values.get("deal.currency", ""),
        amount=values.get("deal.amount"),
        close_date=values.get("deal.close_date"),
        billing_contact=_contact(records.contact, values) if records.contact else None,
        owner=records.owner,
        terms=_terms(values),
        line_items=tuple(_line(line, mapping) for line in records.lines),
        metadata={name[len(_METADATA) :]: str(value) for name, value in values.items() if name.startswith(_METADATA)},
    )


def _read(rules: tuple[FieldRule, ...], records: Mapping[str, Mapping[str, Any]], ref: RecordRef) -> dict[str, Any]:
    try:
        return apply.read(rules, records)
    except MappingProblem as problem:
        raise CannotBill(
            problem.message, field=problem.canonical or problem.field, hint=problem.hint, ref=ref
        ) from problem


def _account(ref: RecordRef, values: Mapping[str, Any]) -> Account:
    where = "account.address."
    return Account(
        ref=ref,
        name=values.get("account.name", ""),
        phone=values.get("account.phone", ""),
        domain=values.get("account.domain", ""),
        address=Address(**{name[len(where) :]: value for name, value in values.items() if name.startswith(where)}),
        billing_email=values.get("account.billing_email", ""),
        customer_id=values.get("account.customer_id", ""),
    )


def _contact(ref: RecordRef, values: Mapping[str, Any]) -> Contact:
    return Contact(
        ref=ref,
        name=values.get("contact.name", ""),
        email=values.get("contact.email", ""),
        phone=values.get("contact.phone", ""),
    )


def _terms(values: Mapping[str, Any]) -> BillingTerms:
    return BillingTerms(
        start=values.get("terms.start"),
        term_months=values.get("terms.months"),
        net_days=values.get("terms.net_days"),
        collection=CollectionMethod(values.get("terms.collection", CollectionMethod.SEND_INVOICE)),
        po_number=values.get("terms.po_number", ""),
    )


def _line(line: LineRecords, mapping: FieldMapping) -> LineItem:
    values = _read(mapping.line_item, line.records, line.ref)
    interval = values.get("line.interval")
    one_off = interval == ONE_TIME
    name = values.get("product.name", "")
    if "line.quantity" not in values or ("line.unit_price" not in values and "line.total" not in values):
        missing = "line.quantity" if "line.quantity" not in values else "line.unit_price"
        raise CannotBill(
            f"“{name or line.ref.id}” has no {'quantity' if missing == 'line.quantity' else 'price'}.",
            field=missing,
            hint="Fill it in on the line.",
            ref=line.ref,
        )
    quantity = values["line.quantity"]
    total = values.get("line.total")
    unit_price = values.get("line.unit_price")
    if unit_price is None:
        # Only to check the total against itself: a line's amount is its total wherever there is one.
        unit_price = total / quantity if quantity else Decimal(0)
    return LineItem(
        ref=line.ref,
        product=Product(
            ref=line.product,
            name=name,
            description=values.get("product.description", ""),
            code=values.get("product.code", ""),
            price_id=values.get("product.price_id", ""),
        ),
        quantity=quantity,
        unit_price=unit_price,
        total=total,
        discount_percent=values.get("line.discount_percent", Decimal(0)),
        discount_per_unit=values.get("line.discount_per_unit", Decimal(0)),
        one_off=one_off,
        interval=None if one_off or interval is None else Interval(*interval),
        term_months=values.get("line.months"),
        start=values.get("line.start"),
        description=values.get("line.description", ""),
    )
