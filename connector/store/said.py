"""What people said about how accounts pay: a word over ours, and promises to pay."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from connector.domain.billing import InvoiceStatus
from connector.domain.health_override import Override
from connector.domain.promise import Promise
from connector.domain.refs import RecordRef
from connector.ports.said import NewOverride, NewPromise
from connector.store.background import override_of, promise_of
from connector.store.columns import storable
from connector.store.health_tables import health_override
from connector.store.health_tables import promise as promises
from connector.store.tables import invoice


class PostgresSaid:
    """The tables ``health_override`` and ``promise``: nothing in them is changed, only ended."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def override(self, new: NewOverride, at: datetime) -> Override:
        """Keep a person's word; it ends whatever was said before it of the same account."""
        self.end_override(new.account, new.set_by, at)
        said = insert(health_override).values(
            account=new.account,
            word=new.word.value,
            set_by=storable(new.set_by),
            why=storable(new.why),
            set_at=at,
            until=new.until,
        )
        return override_of(self._connection.execute(said.returning(*health_override.c)).one())

    def end_override(self, account: RecordRef, by: str, at: datetime) -> int:
        """End what is in force; gives how many there were."""
        ended = (
            update(health_override)
            .where(health_override.c.account == account, health_override.c.ended_at.is_(None))
            .values(ended_at=at, ended_by=storable(by))
        )
        return self._connection.execute(ended).rowcount

    def overrides(self, account: RecordRef | None = None, limit: int = 100) -> list[Override]:
        """Those that were not ended, newest first; of one account, or of all."""
        query = select(health_override).where(health_override.c.ended_at.is_(None))
        query = query if account is None else query.where(health_override.c.account == account)
        rows = self._connection.execute(query.order_by(health_override.c.id.desc()).limit(limit))
        return [override_of(row) for row in rows]

    def promise(self, new: NewPromise, at: datetime) -> Promise:
        """Keep a promise to pay."""
        said = insert(promises).values(
            customer=new.customer,
            invoice=new.invoice,
            amount=new.amount,
            currency=new.currency,
            promised_for=new.promised_for,
            noted_by=storable(new.noted_by),
            note=storable(new.note),
            noted_at=at,
        )
        return promise_of(self._connection.execute(said.returning(*promises.c)).one())

    def invoices_numbered(self, number: str) -> list[tuple[RecordRef, RecordRef, str]]:
        """The invoices that carry a number: each with its customer and its currency."""
        query = select(invoice.c.ref, invoice.c.customer, invoice.c.currency).where(
            invoice.c.number == number, invoice.c.status != InvoiceStatus.VOID
        )
        return [(row.ref, row.customer, row.currency) for row in self._connection.execute(query.limit(10))]

    def withdraw(self, promise: int, at: datetime) -> Promise | None:
        """Take a promise back; None where there is none of that number that stands."""
        taken = (
            update(promises)
            .where(promises.c.id == promise, promises.c.withdrawn_at.is_(None))
            .values(withdrawn_at=at)
            .returning(*promises.c)
        )
        row = self._connection.execute(taken).first()
        return None if row is None else promise_of(row)

    def promises(self, customer: RecordRef | None = None, limit: int = 100) -> list[Promise]:
        """Those that stand, newest first; of one customer, or of all."""
        query = select(promises).where(promises.c.withdrawn_at.is_(None))
        query = query if customer is None else query.where(promises.c.customer == customer)
        return [promise_of(row) for row in self._connection.execute(query.order_by(promises.c.id.desc()).limit(limit))]
