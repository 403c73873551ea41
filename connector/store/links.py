"""Links: which billing record fills which role of a CRM record, and how often each step was tried."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from connector.domain.billing_plan import StepKey
from connector.domain.refs import RecordRef
from connector.ports import AccountDeal, Attempt, DealBilling, Link
from connector.store.columns import storable
from connector.store.tables import billed_deal, payer_tried, step_attempt
from connector.store.tables import link as links


class PostgresLinks:
    """The tables ``link``, ``step_attempt``, ``payer_tried`` and ``billed_deal``.

    Nothing is forgotten but what is gone in billing for good.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, key: StepKey) -> RecordRef | None:
        """What fills the role, if anything does."""
        query = select(links.c.target).where(links.c.owner == key.owner, links.c.role == key.role)
        return self._connection.execute(query).scalar_one_or_none()

    def of(self, owner: RecordRef) -> dict[str, RecordRef]:
        """Every filled role of one CRM record."""
        query = select(links.c.role, links.c.target).where(links.c.owner == owner).order_by(links.c.role)
        return {row.role: row.target for row in self._connection.execute(query)}

    def attempt(self, key: StepKey) -> Attempt:
        """Note, before the call is made, that a step is about to be tried."""
        new = insert(step_attempt).values(owner=key.owner, role=key.role, number=1)
        statement = new.on_conflict_do_update(
            index_elements=["owner", "role"],
            set_={"number": step_attempt.c.number + 1, "last_at": func.now()},
        ).returning(step_attempt.c.number, step_attempt.c.epoch)
        number, epoch = self._connection.execute(statement).one()
        return Attempt(key, number, epoch)

    def new_epoch(self, key: StepKey) -> None:
        """The step's key is spent: the next attempt uses a new one."""
        new = insert(step_attempt).values(owner=key.owner, role=key.role, number=0, epoch=2)
        self._connection.execute(
            new.on_conflict_do_update(index_elements=["owner", "role"], set_={"epoch": step_attempt.c.epoch + 1})
        )

    def begun(self, keys: Iterable[StepKey]) -> bool:
        """Whether one of these steps is done, or was tried and its outcome is not known."""
        for key in keys:
            query = select(step_attempt.c.number, step_attempt.c.epoch).where(
                step_attempt.c.owner == key.owner, step_attempt.c.role == key.role
            )
            tried = self._connection.execute(query).first()
            if self.get(key) is not None or (tried is not None and tried.number >= tried.epoch):
                return True
        return False

    def try_payer(self, deal: RecordRef, customer: RecordRef) -> list[RecordRef]:
        """Note that the deal is about to be billed to a customer; gives those of earlier attempts, sorted."""
        query = select(payer_tried.c.customer).where(payer_tried.c.deal == deal).order_by(payer_tried.c.customer)
        earlier = list(self._connection.execute(query).scalars())
        self._connection.execute(insert(payer_tried).values(deal=deal, customer=customer).on_conflict_do_nothing())
        return earlier

    def remember(self, link: Link) -> None:
        """Fill the role; saying the same again is fine. Raises ValueError if another record fills it already."""
        values = {
            "owner": link.key.owner,
            "role": link.key.role,
            "target": link.target,
            "mapping_version": link.mapping_version,
        }
        if link.created_at is not None:
            values["created_at"] = link.created_at
        added = self._connection.execute(
            insert(links).values(values).on_conflict_do_nothing().returning(links.c.target)
        ).first()
        if added is not None:
            return
        there = self.get(link.key)
        if there != link.target:
            raise ValueError(f"{link.key} is filled by {there} already, so it cannot be {link.target}")

    def give_up(self, link: Link) -> None:
        """Empty the role, if it is still filled so, and spend its key."""
        gone = delete(links).where(links.c.owner == link.key.owner, links.c.role == link.key.role)
        self._connection.execute(gone.where(links.c.target == link.target))
        self.new_epoch(link.key)

    def follow(self, old: RecordRef, new: RecordRef) -> None:
        """What the old record filled is the new one's, in every role that is free there."""
        taken = select(links.c.role).where(links.c.owner == new)
        moved = update(links).where(links.c.owner == old, links.c.role.not_in(taken))
        self._connection.execute(moved.values(owner=new))
        self._connection.execute(update(billed_deal).where(billed_deal.c.account == old).values(account=new))

    def owners(self, target: RecordRef) -> list[StepKey]:
        """Which CRM records this billing record stands for."""
        query = (
            select(links.c.owner, links.c.role).where(links.c.target == target).order_by(links.c.owner, links.c.role)
        )
        return [StepKey(owner, role) for owner, role in self._connection.execute(query)]

    def deals_of(self, customer: RecordRef) -> list[AccountDeal]:
        """Deals billed to this customer, each with every record that bills it, oldest first."""
        query = (
            select(billed_deal.c.deal, links.c.role, links.c.target)
            .join(links, links.c.owner == billed_deal.c.deal)
            .where(billed_deal.c.customer == customer)
            .order_by(billed_deal.c.since, billed_deal.c.deal, links.c.role)
        )
        return [AccountDeal(deal, role, target) for deal, role, target in self._connection.execute(query)]

    def billing_of(self, deal: RecordRef) -> DealBilling | None:
        """How a deal was billed, once ``bill_to`` remembered it."""
        query = select(billed_deal.c.customer, billed_deal.c.account, billed_deal.c.expected, billed_deal.c.notes)
        row = self._connection.execute(query.where(billed_deal.c.deal == deal)).first()
        return None if row is None else DealBilling(row.customer, row.account, row.expected, tuple(row.notes))

    def bill_to(self, deal: RecordRef, billing: DealBilling) -> None:
        """Remember how a deal was billed; the last word wins."""
        said = {
            "customer": billing.customer,
            "account": billing.account,
            "expected": billing.expected,
            "notes": [storable(note) for note in billing.notes],
        }
        new = insert(billed_deal).values(deal=deal, **said)
        self._connection.execute(new.on_conflict_do_update(index_elements=["deal"], set_=said))
