"""The ledger: our mirror of what billing said, from which every figure is computed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, FromClause, Table, Text, and_, bindparam, select, type_coerce, update
from sqlalchemy.dialects.postgresql import insert

from connector.domain.billing import BillingAccount, Customer
from connector.domain.refs import RecordRef
from connector.store import ledger_rows, mrr_history, tables

_TABLE_OF: dict[str, Table] = {
    "subscription": tables.subscription,
    "invoice": tables.invoice,
    "credit_note": tables.credit_note,
    "dispute": tables.dispute,
    "payment": tables.payment,
    "refund": tables.refund,
}

# Billing names a payment by its intent or its charge, too, and a dispute carries both.
_BY_BARE_ID: tuple[Any, ...] = (
    tables.payment.c.payment_intent,
    tables.payment.c.charge,
    tables.dispute.c.payment_intent,
    tables.dispute.c.charge,
)


def _take() -> Any:
    names = [*(column.name for column in ledger_rows.columns_of(tables.customer, Customer)), "seen_at"]
    new = insert(tables.customer).values({name: bindparam(name) for name in names})
    return new.on_conflict_do_update(
        index_elements=["ref"],
        set_={name: new.excluded[name] for name in names},
        where=tables.customer.c.seen_at <= new.excluded.seen_at,
    ).returning(tables.customer.c.ref)


_TAKE = _take()
_HOLD = select(tables.customer.c.ref).where(tables.customer.c.ref == bindparam("of")).with_for_update()


class PostgresLedger:
    """Customers, and their subscriptions, invoices, payments, credit notes and disputes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save(self, account: BillingAccount, seen_at: datetime) -> bool:
        """Bring the ledger up to what billing said at ``seen_at``; False when a newer answer is stored already.

        What the answer no longer holds (a deleted draft) goes. Only a deleted customer's records stay, because
        billing then answers with nothing although the money was real.
        """
        if not self._take_customer(account.customer, seen_at):
            return False
        for kind in ledger_rows.KINDS:
            ledger_rows.save(
                self._connection,
                kind,
                account.customer.ref,
                getattr(account, kind.name),
                complete=not account.customer.deleted,
            )
        mrr_history.note(self._connection, account, seen_at)
        return True

    def account(self, customer: RecordRef) -> BillingAccount | None:
        """Everything mirrored of one customer, each kind oldest first; None when it is not mirrored."""
        query = select(*ledger_rows.columns_of(tables.customer, Customer)).where(tables.customer.c.ref == customer)
        found = self._connection.execute(query).first()
        return None if found is None else ledger_rows.read(self._connection, Customer(*found))

    def customer_of(self, ref: RecordRef) -> RecordRef | None:
        """The customer behind a ledger record, by any of its ids; None when it is not mirrored."""
        if ref.kind == "customer":
            return self._one(tables.customer, tables.customer.c.ref == ref, tables.customer.c.ref)
        table = _TABLE_OF.get(ref.kind)
        if table is None:
            return None
        if found := self._one(table, table.c.ref == ref, table.c.customer):
            return found
        for column in _BY_BARE_ID if ref.kind in ("payment", "dispute") else ():
            of_provider = type_coerce(column.table.c.ref, Text).startswith(f"{ref.provider}:", autoescape=True)
            if found := self._one(column.table, and_(column == ref.id, of_provider), column.table.c.customer):
                return found
        return None

    def hold(self, customer: RecordRef) -> bool:
        """Lock the customer's row until the transaction ends; False when it is not mirrored."""
        return self._connection.execute(_HOLD, {"of": customer}).first() is not None

    def assessed(self, customer: RecordRef, at: datetime) -> None:
        """Note when a customer's health was worked out."""
        self._connection.execute(
            update(tables.customer).where(tables.customer.c.ref == customer).values(assessed_at=at)
        )

    def customers(self) -> list[RecordRef]:
        """Every mirrored customer, in order of its reference."""
        return list(self._connection.execute(select(tables.customer.c.ref).order_by(tables.customer.c.ref)).scalars())

    def _take_customer(self, customer: Customer, seen_at: datetime) -> bool:
        """Lock and update the customer's row; False when a newer answer is stored already."""
        values = ledger_rows.values_of(customer) | {"seen_at": seen_at}
        return self._connection.execute(_TAKE, values).first() is not None

    def _one(self, table: FromClause, condition: Any, column: Any) -> RecordRef | None:
        return self._connection.execute(
            select(column).select_from(table).where(condition).limit(1)
        ).scalar_one_or_none()
