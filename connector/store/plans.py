"""Plans: what was proposed for each deal, who decided, and what was billed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from connector.domain.refs import RecordRef
from connector.ports import DealPlan, PlanState
from connector.store import agreed_changes, plan_terms
from connector.store.columns import storable
from connector.store.tables import deal_plan as plans
from connector.store.tables import link as links

_FIXED = (PlanState.BILLED.value, PlanState.DONE.value)
"""States of what was billed, and is never rewritten."""


class PostgresPlans:
    """The table ``deal_plan``: one row per deal and round; a billed one is never rewritten."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def latest(self, deal: RecordRef) -> DealPlan | None:
        """The plan of the deal's last round."""
        query = select(plans).where(plans.c.deal == deal).order_by(plans.c.round.desc()).limit(1)
        row = self._connection.execute(query).first()
        return None if row is None else _plan(row)

    def history(self, deal: RecordRef) -> list[DealPlan]:
        """One plan per round, oldest first."""
        query = select(plans).where(plans.c.deal == deal).order_by(plans.c.round)
        return [_plan(row) for row in self._connection.execute(query)]

    def keep(self, plan: DealPlan) -> None:
        """Remember it in its round. Raises ValueError when that round was billed already."""
        values = {
            "hash": plan.hash,
            "state": plan.state.value,
            "document": dict(plan.document),
            "forecast": [dict(invoice) for invoice in plan.forecast],
            "as_of": plan.as_of,
            "made_at": plan.made_at,
            "reason": storable(plan.reason),
            "mapping_version": plan.mapping_version,
            "fingerprint": plan.fingerprint,
            "decided_by": storable(plan.decided_by),
            "decided_why": storable(plan.decided_why),
            "decided_at": plan.decided_at,
            "change": agreed_changes.to_json(plan.change),
            "terms": plan_terms.to_json(plan.terms) if plan.terms is not None else None,
        }
        new = insert(plans).values(deal=plan.deal, round=plan.round, **values)
        kept = self._connection.execute(
            new.on_conflict_do_update(
                index_elements=["deal", "round"], set_=values, where=plans.c.state.not_in(_FIXED)
            ).returning(plans.c.round)
        ).first()
        if kept is None:
            raise ValueError(f"round {plan.round} of {plan.deal} was billed already")

    def done(self, deal: RecordRef, round_: int) -> None:
        """The first invoice of a billed round is out."""
        billed = plans.c.state == PlanState.BILLED.value
        row = update(plans).where(plans.c.deal == deal, plans.c.round == round_, billed)
        self._connection.execute(row.values(state=PlanState.DONE.value))

    def withdraw(self, deal: RecordRef, round_: int) -> None:
        """Forget what was proposed in a round; what was billed stays."""
        row = delete(plans).where(plans.c.deal == deal, plans.c.round == round_, plans.c.state.not_in(_FIXED))
        self._connection.execute(row)

    def seen(self, deal: RecordRef, round_: int, fingerprint: str) -> None:
        """Note the records' new fingerprint."""
        row = update(plans).where(plans.c.deal == deal, plans.c.round == round_)
        self._connection.execute(row.values(fingerprint=fingerprint))

    def waiting(self, limit: int = 100) -> list[DealPlan]:
        """What waits for a decision, longest first."""
        query = select(plans).where(plans.c.state == PlanState.WAITING.value)
        return [_plan(row) for row in self._connection.execute(query.order_by(plans.c.made_at).limit(limit))]

    def of_subscription(self, subscription: RecordRef) -> list[DealPlan]:
        """Billed plans of every deal that bills by this subscription, oldest first."""
        owners = select(links.c.owner).where(links.c.target == subscription)
        query = select(plans).where(plans.c.deal.in_(owners), plans.c.state.in_(_FIXED))
        return [_plan(row) for row in self._connection.execute(query.order_by(plans.c.made_at, plans.c.round))]


def _plan(row: Row[Any]) -> DealPlan:
    values = dict(zip(plans.c.keys(), row, strict=True))
    change = agreed_changes.from_json(values["change"], values["deal"])
    terms = plan_terms.from_json(values["terms"]) if values["terms"] is not None else None
    return DealPlan(**{**values, "state": PlanState(values["state"]), "change": change, "terms": terms})
