"""Exceptions to the terms that payment records support, and the plans that wait for one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, select, update

from connector.domain.refs import RecordRef
from connector.domain.terms_advice import PlanTerms, TermsException
from connector.ports import PlanState
from connector.store import plan_terms
from connector.store.columns import storable
from connector.store.health_tables import terms_exception
from connector.store.tables import deal_plan

_OPEN = terms_exception.c.ended_at.is_(None)


class PostgresTerms:
    """The table ``terms_exception``; who ended one, and why, is in the audit."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def allow(self, exception: TermsException) -> TermsException:
        """Record it. Gives it back with its id."""
        values = {
            "account": exception.account,
            "net_days": exception.net_days,
            "owner": storable(exception.owner),
            "why": storable(exception.why),
            "until": exception.until,
            "recorded_by": storable(exception.recorded_by),
            "recorded_at": exception.recorded_at,
        }
        statement = insert(terms_exception).values(values).returning(terms_exception.c.id)
        return replace(exception, id=self._connection.execute(statement).scalar_one())

    def in_force(self, accounts: Collection[RecordRef], day: date) -> Sequence[TermsException]:
        """Those of any of these accounts that are in force on that day, oldest first."""
        query = select(terms_exception).where(terms_exception.c.account.in_(accounts), _in_force(day))
        return [_exception(row) for row in self._connection.execute(query.order_by(terms_exception.c.id))]

    def end(self, id_: int, at: datetime) -> TermsException | None:
        """End it before its time; None when there is none, or it was ended already."""
        ended = update(terms_exception).where(terms_exception.c.id == id_, _OPEN).values(ended_at=at)
        row = self._connection.execute(ended.returning(*terms_exception.c)).first()
        return None if row is None else _exception(row)

    def list(self, day: date | None = None, limit: int = 1000) -> Sequence[TermsException]:
        """With ``day`` those in force on it, else all that were ever recorded; the newest first."""
        query = select(terms_exception).order_by(terms_exception.c.id.desc()).limit(limit)
        query = query if day is None else query.where(_in_force(day))
        return [_exception(row) for row in self._connection.execute(query)]

    def held(self, accounts: Collection[RecordRef]) -> Mapping[RecordRef, PlanTerms]:
        """Deals paid by these accounts whose plan waits for nothing but its terms, each with what that plan knew."""
        query = select(deal_plan.c.deal, deal_plan.c.terms).where(
            deal_plan.c.state == PlanState.WAITING.value,
            deal_plan.c.terms["held"].as_boolean(),
            deal_plan.c.terms["account"].as_string().in_([str(account) for account in accounts]),
        )
        return {row.deal: plan_terms.from_json(row.terms) for row in self._connection.execute(query)}


def _in_force(day: date) -> Any:
    return and_(_OPEN, terms_exception.c.until >= day)


def _exception(row: Row[Any]) -> TermsException:
    return TermsException(**dict(zip(terms_exception.c.keys(), row, strict=True)))
