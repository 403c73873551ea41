"""Ledger records as rows: each field of a record in ``domain/billing.py`` is the column of the same name.

Statements are built once and only filled in: SQLAlchemy takes longer to build one than Postgres to run it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Delete,
    Integer,
    Select,
    Table,
    Text,
    all_,
    bindparam,
    delete,
    func,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from connector.domain.billing import (
    BillingAccount,
    CreditNote,
    Customer,
    Dispute,
    Invoice,
    InvoiceLine,
    Payment,
    Refund,
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
    Kind("refunds", tables.refund, Refund, tables.refund.c.created_at.asc()),
)


def save(connection: Connection, kind: Kind, customer: RecordRef, records: Sequence[Any], *, complete: bool) -> None:
    """Bring one kind of a customer's records up to date; with ``complete`` those not named go."""
    if complete:
        connection.execute(_gone(kind.table), {"of": customer, "kept": [str(record.ref) for record in records]})
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
    return {name: _cell(getattr(record, name)) for name in _FIELD_NAMES[type(record)]}


def columns_of(table: Table, record: type[Any]) -> list[Any]:
    """The columns that make up a record, in the order of its fields."""
    return [table.c[name] for name in _FIELD_NAMES[record]]


def _own_fields(record: type[Any], parts: Parts | None = None) -> tuple[str, ...]:
    return tuple(one.name for one in fields(record) if parts is None or one.name != parts.name)


_FIELD_NAMES: dict[type[Any], tuple[str, ...]] = {
    Customer: _own_fields(Customer),
    **{kind.record: _own_fields(kind.record, kind.parts) for kind in KINDS},
    **{kind.parts.record: _own_fields(kind.parts.record) for kind in KINDS if kind.parts is not None},
}


def _cell(value: Any) -> Any:
    return storable(value) if type(value) is str else value


@cache
def _gone(table: Table) -> Delete:
    """A customer's records other than those that are ``kept``."""
    ref = type_coerce(table.c.ref, Text)
    return delete(table).where(table.c.customer == bindparam("of"), ref != all_(bindparam("kept", type_=ARRAY(Text))))


@cache
def _upserted(table: Table) -> Insert:
    """Insert or update, touching no row that says the same already: most of a ledger never changes again."""
    new = insert(table)
    keys = [column.name for column in table.primary_key]
    rest = {column.name: new.excluded[column.name] for column in table.c if column.name not in keys}
    changed = or_(*[table.c[name].is_distinct_from(cell) for name, cell in rest.items()])
    return new.on_conflict_do_update(index_elements=keys, set_=rest, where=changed)


def _upsert(connection: Connection, table: Table, values: list[dict[str, Any]]) -> None:
    connection.execute(_upserted(table), values)


@cache
def _superfluous(table: Table, owner: str) -> Delete:
    """Parts beyond as many as their ``owners`` now hold."""
    held = func.unnest(bindparam("owners", type_=ARRAY(Text)), bindparam("counts", type_=ARRAY(Integer)))
    now = held.table_valued("owner", "count", name="held").render_derived()
    return delete(table).where(type_coerce(table.c[owner], Text) == now.c.owner, table.c.position >= now.c.count)


def _save_parts(connection: Connection, parts: Parts, records: Iterable[Any]) -> None:
    held = {record.ref: getattr(record, parts.name) for record in records}
    counts = {"owners": [str(ref) for ref in held], "counts": [len(mine) for mine in held.values()]}
    connection.execute(_superfluous(parts.table, parts.owner), counts)
    rows = [
        values_of(part) | {parts.owner: ref, "position": position}
        for ref, mine in held.items()
        for position, part in enumerate(mine)
    ]
    if rows:
        _upsert(connection, parts.table, rows)


@cache
def _of_customer(kind: Kind) -> Select[Any]:
    return (
        select(*columns_of(kind.table, kind.record))
        .where(kind.table.c.customer == bindparam("of"))
        .order_by(kind.oldest_first, kind.table.c.ref)
    )


def _read_kind(connection: Connection, kind: Kind, customer: RecordRef) -> list[Any]:
    names = _FIELD_NAMES[kind.record]
    found = connection.execute(_of_customer(kind), {"of": customer})
    records = [kind.record(**dict(zip(names, row, strict=True))) for row in found]
    if kind.parts is None:
        return records
    held = _read_parts(connection, kind, kind.parts, customer)
    return [replace(record, **{kind.parts.name: tuple(held.get(record.ref, ()))}) for record in records]


@cache
def _parts_of_customer(kind: Kind, parts: Parts) -> Select[Any]:
    owner = parts.table.c[parts.owner]
    return (
        select(owner, *columns_of(parts.table, parts.record))
        .join(kind.table, kind.table.c.ref == owner)
        .where(kind.table.c.customer == bindparam("of"))
        .order_by(owner, parts.table.c.position)
    )


def _read_parts(connection: Connection, kind: Kind, parts: Parts, customer: RecordRef) -> dict[RecordRef, list[Any]]:
    held: dict[RecordRef, list[Any]] = {}
    for row in connection.execute(_parts_of_customer(kind, parts), {"of": customer}):
        held.setdefault(row[0], []).append(parts.record(*row[1:]))
    return held
