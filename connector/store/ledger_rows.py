"""Ledger records as rows: each field of a record in ``domain/billing.py`` is the column of the same name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, or_, select
from sqlalchemy.dialects.postgresql import insert

from connector.domain.billing import (
    BillingAccount,
    CreditNote,
    Customer,
    Dispute,
    Invoice,
    InvoiceLine,
    Payment,
    Subscription,
    SubscriptionItem,
)
from connector.domain.refs import RecordRef
from connector.store import tables
from connector.store.columns import storable


@dataclass(frozen=True, slots=True)
class Parts:
    """The tuple of parts that a record holds, each a row of its own, found by its place."""

    name: str  #: the record's field
    table: Table
    record: type[Any]
    owner: str  #: the column that names the record


@dataclass(frozen=True, slots=True)
class Kind:
    """One tuple of a BillingAccount."""

    name: str  #: the BillingAccount's field
    table: Table
    record: type[Any]
    oldest_first: ColumnElement[Any]
    parts: Parts | None = None


KINDS = (
    Kind(
        "subscriptions",
        tables.subscription,
        Subscription,
        tables.subscription.c.started_at.asc().nulls_last(),
        Parts("items", tables.subscription_item, SubscriptionItem, "subscription"),
    ),
    Kind(
        "invoices",
        tables.invoice,
        Invoice,
        tables.invoice.c.created_at.asc(),
        Parts("lines", tables.invoice_line, InvoiceLine, "invoice"),
    ),
    Kind("payments", tables.payment, Payment, tables.payment.c.paid_at.asc().nulls_last()),
    Kind("credit_notes", tables.credit_note, CreditNote, tables.credit_note.c.created_at.asc()),
    Kind("disputes", tables.dispute, Dispute, tables.dispute.c.created_at.asc()),
)


def save(connection: Connection, kind: Kind, customer: RecordRef, records: Sequence[Any], *, complete: bool) -> None:
    """Bring one kind of a customer's records up to date; with ``complete`` those not named go."""
    if complete:
        gone = delete(kind.table).where(kind.table.c.customer == customer)
        if records:
            gone = gone.where(kind.table.c.ref.not_in([record.ref for record in records]))
        connection.execute(gone)
    if not records:
        return
    _upsert(connection, kind.table, [values_of(record) | {"customer": customer} for record in records])
    if kind.parts is not None:
        _save_parts(connection, kind.parts, records)


def read(connection: Connection, customer: Customer) -> BillingAccount:
    """A customer's whole account, each kind oldest first."""
    found = {kind.name: tuple(_read_kind(connection, kind, customer.ref)) for kind in KINDS}
    return BillingAccount(customer, **found)


def values_of(record: Any) -> dict[str, Any]:
    """A record's own columns."""
    return {name: _cell(getattr(record, name)) for name in _field_names(type(record))}


def columns_of(table: Table, record: type[Any]) -> list[Any]:
    """The columns that make up a record, in the order of its fields."""
    return [table.c[name] for name in _field_names(record)]


def _field_names(record: type[Any]) -> list[str]:
    parts = {kind.parts.name for kind in KINDS if kind.parts is not None and kind.record is record}
    return [one.name for one in fields(record) if one.name not in parts]


def _cell(value: Any) -> Any:
    return storable(value) if type(value) is str else value


def _upsert(connection: Connection, table: Table, values: list[dict[str, Any]]) -> None:
    """Insert or update, touching no row that says the same already: most of a ledger never changes again."""
    new = insert(table)
    keys = [column.name for column in table.primary_key]
    rest = {name: new.excluded[name] for name in values[0] if name not in keys}
    changed = or_(*[table.c[name].is_distinct_from(cell) for name, cell in rest.items()])
    connection.execute(new.on_conflict_do_update(index_elements=keys, set_=rest, where=changed), values)


def _save_parts(connection: Connection, parts: Parts, records: Iterable[Any]) -> None:
    rows: list[dict[str, Any]] = []
    for record in records:
        held = getattr(record, parts.name)
        connection.execute(
            delete(parts.table).where(parts.table.c[parts.owner] == record.ref, parts.table.c.position >= len(held))
        )
        rows += [
            values_of(part) | {parts.owner: record.ref, "position": position} for position, part in enumerate(held)
        ]
    if rows:
        _upsert(connection, parts.table, rows)


def _read_kind(connection: Connection, kind: Kind, customer: RecordRef) -> list[Any]:
    query = (
        select(*columns_of(kind.table, kind.record))
        .where(kind.table.c.customer == customer)
        .order_by(kind.oldest_first, kind.table.c.ref)
    )
    names = _field_names(kind.record)
    records = [kind.record(**dict(zip(names, row, strict=True))) for row in connection.execute(query)]
    if kind.parts is None:
        return records
    held = _read_parts(connection, kind, kind.parts, customer)
    return [replace(record, **{kind.parts.name: tuple(held.get(record.ref, ()))}) for record in records]


def _read_parts(connection: Connection, kind: Kind, parts: Parts, customer: RecordRef) -> dict[RecordRef, list[Any]]:
    owner = parts.table.c[parts.owner]
    query = (
        select(owner, *columns_of(parts.table, parts.record))
        .join(kind.table, kind.table.c.ref == owner)
        .where(kind.table.c.customer == customer)
        .order_by(owner, parts.table.c.position)
    )
    held: dict[RecordRef, list[Any]] = {}
    for row in connection.execute(query):
        held.setdefault(row[0], []).append(parts.record(*row[1:]))
    return held
