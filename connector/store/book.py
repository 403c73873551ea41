"""The whole book of accounts, in sets: what the nightly run over all of them costs is decided here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, Text, bindparam, exists, func, literal_column, or_, select, type_coerce, update

from connector.domain.account_facts import AccountFacts
from connector.domain.billing import BillingAccount
from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.store import tables
from connector.store.bulk_rows import BulkRows, among, statement
from connector.store.ledger_rows import KINDS
from connector.targets import TargetKind

_MOST_INVOICES = 20_000
"""Invoices in memory at a time; only one account alone may have more."""

_NOT_ASSESSED = or_(
    tables.customer.c.assessed_at.is_(None),
    tables.customer.c.assessed_at < bindparam("since", type_=tables.customer.c.assessed_at.type),
)
_AT_WORK = exists().where(
    tables.target.c.kind == TargetKind.HEALTH.value,
    tables.target.c.ref == type_coerce(tables.customer.c.ref, Text),
    or_(tables.target.c.seq > tables.target.c.done_seq, tables.target.c.parked_at.is_not(None)),
)
_HOLD = (
    select(tables.customer.c.ref)
    .where(among(tables.customer.c.ref), _NOT_ASSESSED)
    .order_by(tables.customer.c.ref)
    .with_for_update(skip_locked=True)
)
_ASSESSED = update(tables.customer).where(among(tables.customer.c.ref)).values(assessed_at=bindparam("at"))
_COUNTS = statement(
    select(tables.invoice.c.customer, func.count())
    .where(among(tables.invoice.c.customer))
    .group_by(tables.invoice.c.customer)
)
_OWNERS = statement(
    select(tables.link.c.target, tables.link.c.owner)
    .where(among(tables.link.c.target), tables.link.c.role == literal_column(f"'{CUSTOMER}'"))
    .order_by(tables.link.c.owner)
)
_DEALS = statement(
    select(tables.billed_deal.c.customer, tables.billed_deal.c.deal, tables.link.c.target)
    .join(tables.link, tables.link.c.owner == tables.billed_deal.c.deal)
    .where(among(tables.billed_deal.c.customer))
    .order_by(tables.billed_deal.c.since, tables.billed_deal.c.deal, tables.link.c.role)
)


class PostgresBook:
    """Customers by the thousand, each with everything that its CRM records are worked out from."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def unassessed(
        self, since: datetime, after: RecordRef | None, limit: int, *, downwards: bool = False
    ) -> list[RecordRef]:
        """Customers whose health was not worked out at or after ``since``, in order of their refs, behind ``after``.

        ``downwards`` begins at the other end. Left out are those whose own HEALTH Target is dirty or parked: it is
        their turn there.
        """
        ref = tables.customer.c.ref
        query = select(ref).where(_NOT_ASSESSED, ~_AT_WORK).order_by(ref.desc() if downwards else ref).limit(limit)
        if after is not None:
            query = query.where(ref < after if downwards else ref > after)
        return list(self._connection.execute(query, {"since": since}).scalars())

    def hold(self, customers: Sequence[RecordRef], since: datetime) -> list[RecordRef]:
        """Lock the customers' rows until the transaction ends, in order of their refs; gives those that it got.

        Passed over are rows that somebody holds, and those that were assessed at or after ``since`` meanwhile.
        """
        return list(self._connection.execute(_HOLD, {"of": _texts(customers), "since": since}).scalars())

    def facts(self, customers: Sequence[RecordRef]) -> Iterator[AccountFacts]:
        """What their CRM records are worked out from: as ``show_account`` reads it of one, but for the lines of the
        invoices. In the order of ``customers``; those that are not mirrored are left out.
        """
        for portion in self._portions(_texts(customers)):
            yield from _facts(BulkRows(self._driver, portion), portion)

    def forget_assessments(self) -> int:
        """Have every customer count as not assessed, since the rules have changed; gives how many there are.

        Rows are locked in order of their refs, as everywhere.
        """
        everybody = select(tables.customer.c.ref).order_by(tables.customer.c.ref).with_for_update()
        self._connection.execute(everybody)
        return self._connection.execute(update(tables.customer).values(assessed_at=None)).rowcount

    def assessed(self, customers: Sequence[RecordRef], at: datetime) -> None:
        """Note when their health was worked out."""
        self._connection.execute(_ASSESSED, {"of": _texts(customers), "at": at})

    def _portions(self, customers: Sequence[str]) -> Iterator[list[str]]:
        """The customers, so many at a time that memory holds their invoices."""
        counts = dict(BulkRows(self._driver, customers).cells(_COUNTS))
        portion: list[str] = []
        invoices = 0
        for customer in customers:
            more = counts.get(customer, 0)
            if portion and invoices + more > _MOST_INVOICES:
                yield portion
                portion, invoices = [], 0
            portion.append(customer)
            invoices += more
        if portion:
            yield portion

    @property
    def _driver(self) -> psycopg.Connection[Any]:
        """The driver's own connection, in the same transaction."""
        return cast("psycopg.Connection[Any]", self._connection.connection.driver_connection)


def _facts(rows: BulkRows, customers: Sequence[str]) -> Iterator[AccountFacts]:
    kinds = {kind.name: rows.held(kind, parts=kind.name != "invoices") for kind in KINDS}
    owners, deals = _owners(rows), _deals(rows)
    mirrored = rows.customers()
    for of in customers:
        if of in mirrored:
            held = {name: tuple(records.get(of, ())) for name, records in kinds.items()}
            yield AccountFacts(BillingAccount(mirrored[of], **held), owners.get(of, ()), deals.get(of, {}))


def _owners(rows: BulkRows) -> dict[str, list[RecordRef]]:
    owners: dict[str, list[RecordRef]] = defaultdict(list)
    for customer, owner in rows.cells(_OWNERS):
        owners[customer].append(rows.refs[owner])
    return owners


def _deals(rows: BulkRows) -> dict[str, dict[RecordRef, list[RecordRef]]]:
    deals: dict[str, dict[RecordRef, list[RecordRef]]] = defaultdict(dict)
    for customer, deal, made in rows.cells(_DEALS):
        deals[customer].setdefault(rows.refs[deal], []).append(rows.refs[made])
    return deals


def _texts(refs: Sequence[RecordRef]) -> list[str]:
    return [str(ref) for ref in refs]
