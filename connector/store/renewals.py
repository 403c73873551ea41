"""Renewals: the deals that carry an account's flag, and the tasks made for their owners."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Text, and_, exists, func, or_, select, true, type_coerce, update
from sqlalchemy.dialects.postgresql import insert

from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.domain.write_back import decode
from connector.ports.renewals import RenewalRow, RenewalTask
from connector.store.columns import storable
from connector.store.health_tables import account_flag, flagged_deal, renewal_task
from connector.store.tables import billed_deal, crm_record, customer, link

_is_billed = exists().where(link.c.owner == account_flag.c.account, link.c.role == CUSTOMER)
_has_open_tasks = exists().where(renewal_task.c.account == account_flag.c.account, renewal_task.c.closed_at.is_(None))
_crm = func.split_part(type_coerce(account_flag.c.account, Text), ":", 1)
_is_paid_for = exists().where(billed_deal.c.sold_to == account_flag.c.account)


class PostgresRenewals:
    """The tables ``flagged_deal`` and ``renewal_task``, and what ``account_flag`` says of renewals."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def flagged(self, account: RecordRef) -> list[RecordRef]:
        """The open deals that carry the account's flag."""
        query = select(flagged_deal.c.deal).where(
            flagged_deal.c.account == account, flagged_deal.c.cleared_at.is_(None)
        )
        return list(self._connection.execute(query.order_by(flagged_deal.c.deal)).scalars())

    def carry(self, account: RecordRef, deals: Sequence[RecordRef], at: datetime) -> list[RecordRef]:
        """These deals, and no others, carry the account's flag from now on. Gives those that do no longer."""
        gone = sorted(set(self.flagged(account)) - set(deals))
        for deal in gone:
            cleared = update(flagged_deal).where(flagged_deal.c.deal == deal).values(cleared_at=at)
            self._connection.execute(cleared)
        for deal in sorted(set(deals)):
            new = insert(flagged_deal).values(deal=deal, account=account, since=at)
            again = new.on_conflict_do_update(
                index_elements=["deal"],
                set_={"account": account, "since": at, "cleared_at": None},
                where=or_(flagged_deal.c.cleared_at.is_not(None), flagged_deal.c.account != account),
            )
            self._connection.execute(again)
        return gone

    def put_down(self, deal: RecordRef, of: RecordRef | None, at: datetime) -> RecordRef | None:
        """A deal is ``of`` that account now, or gone: it carries no other's flag any more. Gives whose it carried."""
        cleared = update(flagged_deal).where(
            flagged_deal.c.deal == deal,
            flagged_deal.c.account.is_distinct_from(of),
            flagged_deal.c.cleared_at.is_(None),
        )
        row = self._connection.execute(cleared.values(cleared_at=at).returning(flagged_deal.c.account)).first()
        return None if row is None else row.account

    def task(self, account: RecordRef, renewal: date, window: int) -> RenewalTask | None:
        """What was kept of one window's task."""
        this = _this(RenewalTask(account, renewal, window, "", account))
        row = self._connection.execute(select(renewal_task).where(this)).first()
        return None if row is None else _task(row)

    def begin(self, task: RenewalTask, at: datetime) -> None:
        """Keep a task before it is made; trying it once more keeps what it hangs on and is called now."""
        new = insert(renewal_task).values(
            account=task.account,
            renewal_date=task.renewal,
            window_days=task.window,
            subject=storable(task.subject),
            record=task.record,
            begun_at=at,
        )
        again = new.on_conflict_do_update(
            index_elements=["account", "renewal_date", "window_days"],
            set_={"subject": new.excluded.subject, "record": new.excluded.record, "closed_at": None},
            where=renewal_task.c.task.is_(None),
        )
        self._connection.execute(again)

    def made(self, task: RenewalTask, ref: RecordRef, at: datetime) -> None:
        """The CRM has it, by that name."""
        self._connection.execute(update(renewal_task).where(_this(task)).values(task=ref, made_at=at))

    def closed(self, task: RenewalTask, at: datetime) -> None:
        """It is done with, whoever closed it; without a name it was never made, and may be begun again."""
        known = {"task": task.task} if task.task is not None else {}
        self._connection.execute(update(renewal_task).where(_this(task)).values(closed_at=at, **known))

    def open_tasks(self, account: RecordRef) -> list[RenewalTask]:
        """Those not closed yet, whether they are known to be made or not, oldest first."""
        query = select(renewal_task).where(renewal_task.c.account == account, renewal_task.c.closed_at.is_(None))
        rows = self._connection.execute(query.order_by(renewal_task.c.begun_at, renewal_task.c.window_days.desc()))
        return [_task(row) for row in rows]

    def seen(self, account: RecordRef, day: date) -> None:
        """The account's renewal deals and tasks were looked at."""
        seen = update(account_flag).where(account_flag.c.account == account).values(deals_seen_on=day)
        self._connection.execute(seen)

    def due(self, day: date, crms: Collection[str], limit: int) -> list[RecordRef]:
        """Accounts of these CRMs whose renewal deals were not looked at since a day, the nearest renewal first:
        those that are flagged, and those whose tasks wait to be closed.
        """
        seen = account_flag.c.deals_seen_on
        query = select(account_flag.c.account).where(
            or_(account_flag.c.late_payer, _has_open_tasks), or_(seen.is_(None), seen < day), _crm.in_(crms)
        )
        query = query.order_by(account_flag.c.renewal_date, account_flag.c.account).limit(limit)
        return list(self._connection.execute(query).scalars())

    def upcoming(self, until: date, limit: int, *, late_only: bool = False) -> list[RenewalRow]:
        """Accounts inside a renewal window that renew by a day, the nearest first, each with the last task for it."""
        flag, task = account_flag.c, renewal_task.alias()
        named = (
            select(func.min(customer.c.name))
            .join(link, link.c.target == customer.c.ref)
            .where(link.c.owner == flag.account, link.c.role == CUSTOMER)
            .scalar_subquery()
        )
        last_task = (
            select(task.c.task)
            .where(
                task.c.account == flag.account,
                task.c.task.is_not(None),
                or_(
                    task.c.renewal_date == flag.renewal_date, task.c.closed_at.is_(None)
                ),  # it may stand since the last
            )
            .order_by((task.c.renewal_date == flag.renewal_date).desc(), task.c.renewal_date.desc(), task.c.window_days)
            .limit(1)
            .scalar_subquery()
        )
        query = (
            select(account_flag, crm_record.c.desired, named.label("name"), last_task.label("task"))
            .outerjoin(crm_record, crm_record.c.ref == flag.account)
            .where(flag.window_days.is_not(None), flag.renewal_date <= until, or_(_is_billed, _is_paid_for))
            .where(flag.late_payer if late_only else true())
            .order_by(flag.renewal_date, flag.account)
            .limit(limit)
        )
        return [_row(row) for row in self._connection.execute(query)]


def _this(task: RenewalTask) -> Any:
    return and_(
        renewal_task.c.account == task.account,
        renewal_task.c.renewal_date == task.renewal,
        renewal_task.c.window_days == task.window,
    )


def _task(row: Any) -> RenewalTask:
    return RenewalTask(
        account=row.account,
        renewal=row.renewal_date,
        window=row.window_days,
        subject=row.subject,
        record=row.record,
        task=row.task,
        closed_at=row.closed_at,
    )


def _row(row: Any) -> RenewalRow:
    return RenewalRow(
        account=row.account,
        name=row.name or row.account.id,
        late_payer=row.late_payer,
        window=row.window_days,
        renewal=row.renewal_date,
        source=row.renewal_source,
        shown=decode(row.desired or {}),
        task=row.task,
    )
