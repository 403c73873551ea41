"""The ledger's rows for receivables and revenue: read in sets and streamed; all arithmetic is the domain's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select, text

from connector.domain.cash_forecast import RunningItem
from connector.domain.deal import Interval
from connector.domain.mrr_history import MrrChange
from connector.domain.promise import Promise
from connector.domain.receivable_rows import CustomerFacts, InvoiceFacts, InvoiceHistory, Kind, Movement, history
from connector.domain.recurring import EARNING
from connector.store.health_tables import mrr_change, promise

_AT_A_TIME = 2000

_CUSTOMERS = text("""
    select c.ref, c.name, lower(c.currency), c.credit_balance, (c.seen_at at time zone 'utc')::date,
           coalesce(c.crm_account, ''), coalesce(a.size, ''), coalesce(a.country, ''), coalesce(a.plan, '')
    from customer c left join crm_account a on a.ref = c.crm_account
""")

# Refunds that failed came back, and only a dispute that is lost keeps the money.
_INVOICES = text("""
    with moved as (
        select invoice, (paid_at at time zone 'utc')::date as day, amount, 'payment' as kind
        from payment where status = 'paid' and paid_at is not null and amount > 0
        union all
        select invoice, (created_at at time zone 'utc')::date, before_payment, 'credit'
        from credit_note where status = 'issued' and before_payment > 0
        union all
        select invoice, (created_at at time zone 'utc')::date, amount, 'returned'
        from refund where invoice is not null and status not in ('failed', 'canceled')
        union all
        select invoice, (created_at at time zone 'utc')::date, amount, 'returned'
        from dispute where invoice is not null and status = 'lost'
    ), by_invoice as (
        select invoice, array_agg(day) as days, array_agg(amount) as amounts, array_agg(kind) as kinds
        from moved group by invoice
    )
    select i.ref, i.number, i.customer, i.currency, i.status, (i.finalized_at at time zone 'utc')::date, i.due_date,
           i.amount_due, i.amount_paid, (i.paid_at at time zone 'utc')::date, (i.voided_at at time zone 'utc')::date,
           i.replaced_by is not null, (later.finalized_at at time zone 'utc')::date,
           (i.uncollectible_at at time zone 'utc')::date, m.days, m.amounts, m.kinds
    from invoice i
    left join invoice later on later.ref = i.replaced_by
    left join by_invoice m on m.invoice = i.ref
    where i.status <> 'draft' and i.finalized_at < (cast(:after as timestamp) at time zone 'utc')
    order by i.customer, i.ref
""")

_DRAFTS = text("""
    select ref, number, customer, currency, (created_at at time zone 'utc')::date, due_date, amount_due
    from invoice where status = 'draft' and replaced_by is null
      and customer not in (select ref from customer where deleted) order by ref
""")

# How many days an item's invoices are given is not on its subscription: its last invoice shows it.
_RUNNING = text("""
    with terms as (
        select distinct on (subscription) subscription,
               greatest(due_date - (finalized_at at time zone 'utc')::date, 0) as net_days
        from invoice where subscription is not null and finalized_at is not null and due_date is not null
        order by subscription, finalized_at desc
    )
    select s.ref, s.customer, s.currency, coalesce(i.recurring_amount, i.unit_amount * i.quantity), i."interval",
           (i.current_period_end at time zone 'utc')::date, coalesce(t.net_days, 0),
           (s.cancel_at at time zone 'utc')::date, s.contract_end
    from subscription s join subscription_item i on i.subscription = s.ref left join terms t on t.subscription = s.ref
    where s.customer not in (select ref from customer where deleted)
      and s.status = any(:running) and s.ended_at is null and not i.metered and i."interval" is not null
      and i.current_period_end is not null and coalesce(i.recurring_amount, i.unit_amount) is not null
    order by s.ref, i.position
""")

_PROMISE_COLUMNS = (
    *(
        "id",
        "customer",
        "invoice",
        "amount",
        "currency",
        "promised_for",
        "noted_at",
        "withdrawn_at",
        "noted_by",
        "note",
    ),
)
_PROMISES = select(*(promise.c[name] for name in _PROMISE_COLUMNS)).order_by(promise.c.id)
_MRR = (
    select(*(mrr_change.c[name] for name in ("subscription", "at", "customer", "currency", "mrr")))
    .where(mrr_change.c.at < text("(cast(:after as timestamp) at time zone 'utc')"))
    .order_by(mrr_change.c.at, mrr_change.c.subscription)
)

_BILLED = [*sorted(EARNING), "trialing"]
"""A trial's first invoice comes when it ends."""


class PostgresReceivables:
    """Implements ``ports.ReceivableRows``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def customers(self) -> list[CustomerFacts]:
        """Every customer, with the account behind it."""
        return [CustomerFacts(*row) for row in self._connection.execute(_CUSTOMERS)]

    def invoices(self, until: date) -> Iterator[InvoiceHistory]:
        """Every invoice that was finalised by the end of that UTC day, one at a time, in order of customers."""
        for *cells, days, amounts, kinds in self._stream(_INVOICES, until):
            yield history(InvoiceFacts._make((*cells, _movements(days, amounts, kinds))))

    def drafts(self) -> list[InvoiceHistory]:
        """What is made and not sent yet, each on the day of its making and with its due date."""
        return [InvoiceHistory(*row) for row in self._connection.execute(_DRAFTS)]

    def running(self) -> list[RunningItem]:
        """Every item that recurs, with an amount, of subscriptions that run."""
        return [_running(row) for row in self._connection.execute(_RUNNING, {"running": _BILLED})]

    def promises(self) -> list[Promise]:
        """Every promise to pay, also what was withdrawn since."""
        return [Promise(*row) for row in self._connection.execute(_PROMISES)]

    def mrr_changes(self, until: date) -> Iterator[MrrChange]:
        """Every change of monthly revenue by the end of that UTC day, oldest first."""
        for row in self._stream(_MRR, until):
            yield MrrChange(*row)

    def _stream(self, query: Any, until: date) -> Iterator[Any]:
        """Rows as they come, so that a ledger of any size passes through."""
        after = {"after": until + timedelta(days=1)}
        yield from self._connection.execution_options(yield_per=_AT_A_TIME).execute(query, after)


def _movements(days: Any, amounts: Any, kinds: Any) -> tuple[Movement, ...]:
    if days is None:
        return ()
    return tuple(
        Movement(day, amount, Kind(kind)) for day, amount, kind in sorted(zip(days, amounts, kinds, strict=True))
    )


def _running(row: Any) -> RunningItem:
    subscription, customer, currency, amount, interval, next_day, net_days, stops, contract_end = row
    count, unit = interval.split(" ", 1)
    ends = [day for day in (stops, contract_end and contract_end + timedelta(days=1)) if day is not None]
    return RunningItem(
        subscription,
        customer,
        currency,
        Decimal(amount),
        Interval(unit, int(count)),
        next_day,
        net_days,
        stops,
        min(ends, default=None),
    )
