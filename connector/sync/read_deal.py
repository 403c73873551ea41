"""A CRM's records, read through the admin's mapping, as a Deal, and where each of its values came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from connector.domain.account_profile import AccountProfile, size_of
from connector.domain.deal import (
    Account,
    Address,
    BillingTerms,
    CollectionMethod,
    Contact,
    Deal,
    DealKind,
    Interval,
    LineItem,
    Product,
    TaxStatus,
)
from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.ports import DealRecords, LineRecords
from mappings import apply
from mappings.apply import Origin, Reading, Records
from mappings.canonical import LONGEST_METADATA, METADATA
from mappings.model import FieldMapping, FieldRule
from mappings.sentences import DEAL_UNCLEAR, LINE_INCOMPLETE
from mappings.words import ONE_TIME


@dataclass(frozen=True, slots=True)
class DealReading:
    """A deal, and for every canonical name the CRM paths and the rule that gave its value.

    ``lines`` holds the same for each line item, by its ref.
    """

    deal: Deal
    origins: Mapping[str, Origin]
    lines: Mapping[RecordRef, Mapping[str, Origin]]


def read_deal(records: DealRecords, mapping: FieldMapping) -> Deal:
    """The deal as the mapping reads it.

    Raises:
        CannotBill: a value is missing or cannot be read, or the CRM's records do not form one deal.
    """
    return read_deal_with_origins(records, mapping).deal


def read_deal_with_origins(records: DealRecords, mapping: FieldMapping) -> DealReading:
    """The deal as the mapping reads it, and where each value came from.

    Raises:
        CannotBill: a value is missing or cannot be read, or the CRM's records do not form one deal.
    """
    if records.refusal is not None:
        raise records.refusal
    if records.problem:
        raise CannotBill.because(DEAL_UNCLEAR, ref=records.ref, problem=records.problem)
    reading = _read(mapping.deal, records.records, records.ref)
    lines = [(line, _read(mapping.line_item, line.records, line.ref)) for line in records.lines]
    deal = _deal(records, reading.values, tuple(_line(line, read.values) for line, read in lines))
    return DealReading(deal, reading.origins, {line.ref: read.origins for line, read in lines})


def _read(rules: tuple[FieldRule, ...], records: Records, ref: RecordRef) -> Reading:
    reading = apply.read_all(rules, records)
    for problem in reading.problems[:1]:
        raise CannotBill(
            problem.message,
            field=problem.canonical or problem.field,
            hint=problem.hint,
            ref=ref,
            sentence_id=problem.sentence_id,
        ) from problem
    return reading


def _deal(records: DealRecords, values: Mapping[str, Any], lines: tuple[LineItem, ...]) -> Deal:
    return Deal(
        ref=records.ref,
        name=values.get("deal.name", ""),
        won=records.won,
        closed=records.closed,
        account=_account(records, values),
        currency=values.get("deal.currency", ""),
        amount=values.get("deal.amount"),
        close_date=values.get("deal.close_date"),
        payer=_payer(records, values),
        billing_contact=_contact(records.contact, values) if records.contact else None,
        recipients=values.get("terms.recipients", ()),
        owner=records.owner,
        terms=_terms(values),
        line_items=lines,
        metadata={name[len(METADATA) :]: _shown(value) for name, value in values.items() if name.startswith(METADATA)},
    )


def _shown(value: Any) -> str:
    """A free value as it travels to billing: short enough to be taken, and seen to be cut where it is."""
    match value:
        case bool():
            text = "true" if value else "false"
        case Decimal():
            text = format(value, "f")
        case tuple():
            text = "; ".join(str(each) for each in value)
        case _:
            text = str(value)
    return text if len(text) <= LONGEST_METADATA else f"{text[: LONGEST_METADATA - 1]}…"


def _account(records: DealRecords, values: Mapping[str, Any]) -> Account | None:
    if records.account is None:
        return None
    account = _company(records.account, "account", values, formerly=records.formerly)
    return replace(account, profile=_profile(account, values))


def _profile(account: Account, values: Mapping[str, Any]) -> AccountProfile:
    def named(kind: str, name: str) -> RecordRef | None:
        found = str(values.get(f"account.{name}") or "").strip()
        return RecordRef(account.ref.provider, kind, found) if found else None

    parent = named("account", "parent")
    return AccountProfile(
        ref=account.ref,
        parent=None if parent == account.ref else parent,
        owner=named("owner", "owner"),
        size=size_of(values.get("account.size", "")),
        country=account.address.country,
        plan=values.get("account.plan", ""),
    )


def _payer(records: DealRecords, values: Mapping[str, Any]) -> Account | None:
    """Who pays, where somebody else than the account does."""
    named = values.get("payer.id")
    ref = records.payer or (RecordRef(records.ref.provider, "account", named) if named else None)
    return None if ref is None or ref == records.account else _company(ref, "payer", values)


def _company(ref: RecordRef, role: str, values: Mapping[str, Any], *, formerly: tuple[RecordRef, ...] = ()) -> Account:
    """What the values say of a company in its role: ``account`` or ``payer``."""
    where = f"{role}.address."
    return Account(
        ref=ref,
        name=values.get(f"{role}.name", ""),
        phone=values.get(f"{role}.phone", ""),
        domain=values.get(f"{role}.domain", ""),
        address=Address(**{name[len(where) :]: value for name, value in values.items() if name.startswith(where)}),
        billing_email=values.get(f"{role}.billing_email", ""),
        customer_id=values.get(f"{role}.customer_id", ""),
        tax_id=values.get(f"{role}.tax_id", ""),
        tax_status=TaxStatus(values.get(f"{role}.tax_status", TaxStatus.TAXABLE)),
        formerly=formerly,
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
        end=values.get("terms.end"),
        term_months=values.get("terms.months"),
        auto_renew=values.get("terms.auto_renew"),
        net_days=values.get("terms.net_days"),
        collection=CollectionMethod(values.get("terms.collection", CollectionMethod.SEND_INVOICE)),
        po_number=values.get("terms.po_number", ""),
        contract_number=values.get("terms.contract_number", ""),
        discount_percent=values.get("terms.discount_percent", Decimal(0)),
        discount_amount=values.get("terms.discount_amount", Decimal(0)),
        discount_months=values.get("terms.discount_months"),
        free_months=values.get("terms.free_months", 0),
        kind=DealKind(values.get("terms.kind", DealKind.NEW)),
        amends=values.get("terms.amends", ""),
        ends_on=values.get("terms.ends_on"),
        with_credit=values.get("terms.with_credit"),
        renewal_date=values.get("terms.renewal_date"),
    )


def _line(line: LineRecords, values: Mapping[str, Any]) -> LineItem:
    interval = values.get("line.interval")
    one_off = interval == ONE_TIME
    quantity, unit_price = _quantity_and_price(line, values)
    return LineItem(
        ref=line.ref,
        product=_product(line, values),
        quantity=quantity,
        unit_price=unit_price,
        total=values.get("line.total"),
        discount_percent=values.get("line.discount_percent", Decimal(0)),
        discount_per_unit=values.get("line.discount_per_unit", Decimal(0)),
        discount_months=values.get("line.discount_months"),
        one_off=one_off,
        interval=None if one_off or interval is None else Interval(*interval),
        price_interval=None if one_off else _price_interval(values),
        term_months=values.get("line.months"),
        start=values.get("line.start"),
        end=values.get("line.end"),
        free_months=values.get("line.free_months", 0),
        bill_on=values.get("line.bill_on"),
        credit_amount=values.get("line.credit_amount"),
        credit_months=values.get("line.credit_months"),
        description=values.get("line.description", ""),
    )


def _product(line: LineRecords, values: Mapping[str, Any]) -> Product:
    return Product(
        ref=line.product,
        name=values.get("product.name", ""),
        description=values.get("product.description", ""),
        code=values.get("product.code", ""),
        price_id=values.get("product.price_id", ""),
        tax_code=values.get("product.tax_code", ""),
    )


def _price_interval(values: Mapping[str, Any]) -> Interval | None:
    """What period the price is for; a recurring line's price "once" says nothing about periods."""
    interval = values.get("line.price_interval")
    return None if interval is None or interval == ONE_TIME else Interval(*interval)


def _quantity_and_price(line: LineRecords, values: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
    """The line's quantity and unit price; the price may follow from the total.

    Raises:
        CannotBill: one of them is missing.
    """
    quantity, unit_price, total = (values.get(f"line.{name}") for name in ("quantity", "unit_price", "total"))
    if quantity is None or (unit_price is None and total is None):
        raise CannotBill.because(
            LINE_INCOMPLETE,
            ref=line.ref,
            field="line.quantity" if quantity is None else "line.unit_price",
            line=values.get("product.name") or line.ref.id,
            missing="quantity" if quantity is None else "price",
        )
    if unit_price is None:
        # Only to check the total against itself: a line's amount is its total wherever there is one.
        unit_price = total / quantity if quantity else Decimal(0)
    return quantity, unit_price
