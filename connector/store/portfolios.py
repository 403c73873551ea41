"""Portfolios: the table ``portfolio``, and the whole ledger's payment histories in one streamed statement."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Date, Select, Text, and_, case, cast, exists, func, insert, or_, select, type_coerce

from connector.domain.billing import InvoiceStatus
from connector.domain.invoice_standing import DISPUTE_OVER
from connector.domain.past_invoice import PastInvoice
from connector.domain.portfolio import Portfolio
from connector.store.health_tables import portfolio as portfolios
from connector.store.tables import dispute, invoice, payment

_AT_A_TIME = 5000
_FIGURES = ("mean_lateness", "late_rate", "serious_rate", "accounts", "invoices")


class PostgresPortfolios:
    """Each version is in use from the day after it was fitted; older ones stay for the record."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest(self) -> Portfolio:
        """The last version; the figures that we ship (version 0) before any was fitted."""
        return self._last(select(portfolios))

    def in_use(self, day: date) -> Portfolio:
        """The last version fitted before that day."""
        return self._last(select(portfolios).where(portfolios.c.as_of < day))

    def save(self, portfolio: Portfolio, fitted_at: datetime) -> int:
        """Keep a new version and give its number."""
        values = {
            "as_of": portfolio.as_of,
            "figures": {name: getattr(portfolio, name) for name in _FIGURES},
            "fitted_at": fitted_at,
        }
        made: int = self._connection.execute(
            insert(portfolios).values(values).returning(portfolios.c.version)
        ).scalar_one()
        return made

    def histories(self) -> Iterator[list[PastInvoice]]:
        """Each customer's invoices that tell how it pays, a few thousand rows in memory at a time."""
        rows = self._connection.execute(_HISTORIES.execution_options(yield_per=_AT_A_TIME))
        past = (PastInvoice(*row) for row in rows)
        for _, of_customer in groupby(past, key=attrgetter("customer")):
            yield list(of_customer)

    def _last(self, versions: Select[Any]) -> Portfolio:
        row = self._connection.execute(versions.order_by(portfolios.c.version.desc()).limit(1)).first()
        if row is None:
            return Portfolio()
        return Portfolio(**{name: row.figures[name] for name in _FIGURES}, as_of=row.as_of, version=row.version)


def _day(moment: Any) -> Any:
    """A moment's day in UTC."""
    return cast(func.timezone("UTC", moment), Date)


def _histories() -> Any:
    """What ``invoice_standing`` says of each invoice, of all at once: which count, and when their money had come."""
    arrived = (
        select(payment.c.invoice, func.max(payment.c.paid_at).label("last"), func.sum(payment.c.amount).label("sum"))
        .where(payment.c.status == "paid", payment.c.paid_at.is_not(None))
        .group_by(payment.c.invoice)
        .subquery()
    )
    covered = and_(arrived.c.sum >= invoice.c.amount_paid, invoice.c.amount_paid > 0)
    came = case((covered, arrived.c.last), else_=invoice.c.paid_at)
    contested = exists().where(dispute.c.invoice == invoice.c.ref, dispute.c.status.not_in(sorted(DISPUTE_OVER)))
    paid = invoice.c.status == InvoiceStatus.PAID
    by_nobody = and_(
        invoice.c.amount_paid <= 0,
        invoice.c.amount_remaining <= 0,
        or_(invoice.c.credited > 0, invoice.c.amount_due <= 0),
    )
    return (
        select(
            type_coerce(invoice.c.customer, Text),
            _day(func.coalesce(invoice.c.finalized_at, invoice.c.created_at)),
            invoice.c.due_date,
            case((paid, _day(came)), else_=None),
            invoice.c.total,
            invoice.c.currency,
            or_(invoice.c.disputed, invoice.c.processing, contested),
            type_coerce(invoice.c.ref, Text),
        )
        .join(arrived, arrived.c.invoice == invoice.c.ref, isouter=True)
        .where(
            invoice.c.status.in_([InvoiceStatus.PAID, InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE]),
            invoice.c.replaced_by.is_(None),
            invoice.c.total > 0,
            invoice.c.due_date.is_not(None),
            or_(~paid, came.is_not(None)),
            ~by_nobody,
        )
        .order_by(invoice.c.customer, invoice.c.due_date, invoice.c.ref)
    )


_HISTORIES = _histories()
