"""CRM accounts: what they are, whom they belong to, and how they stood at the last look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Select, and_, exists, literal, select, update
from sqlalchemy.dialects.postgresql import Insert, insert

from connector.domain.account_facts import Background
from connector.domain.account_profile import AccountProfile
from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.domain.renewal_flag import Flag
from connector.domain.roll_up import Relative
from connector.store.background import DEEPEST, among, profile_of, read_background, read_below
from connector.store.columns import storable
from connector.store.flag_rows import flag_of, row_of
from connector.store.health_tables import account_flag, crm_account
from connector.store.tables import billed_deal, customer, link


def _above() -> CTE:
    """Every account above those given as ``of``."""
    parent, known = crm_account.c.parent, crm_account.alias()
    first = select(parent.label("ref"), literal(1).label("level")).where(among(crm_account.c.ref), parent.is_not(None))
    tree = first.cte("tree", recursive=True)
    return tree.union(
        select(known.c.parent, tree.c.level + 1)
        .join(known, known.c.ref == tree.c.ref)
        .where(tree.c.level < DEEPEST, known.c.parent.is_not(None))
    )


def _billed(account: ColumnElement[Any]) -> ColumnElement[bool]:
    return exists().where(link.c.owner == account, link.c.role == CUSTOMER)


def _customers_above() -> Select[Any]:
    tree = _above()
    owned = select(link.c.target).join(tree, link.c.owner == tree.c.ref).where(link.c.role == CUSTOMER)
    return owned.distinct().order_by(link.c.target)


def _unbilled_above() -> Select[Any]:
    tree = _above()
    return select(tree.c.ref).where(~_billed(tree.c.ref)).distinct().order_by(tree.c.ref)


def _keep_flag() -> Insert:
    names = [column.name for column in account_flag.c if column.name != "deals_seen_on"]
    new = insert(account_flag)
    return new.on_conflict_do_update(index_elements=["account"], set_={name: new.excluded[name] for name in names[1:]})


_KEEP_FLAG = _keep_flag()
_CUSTOMERS_ABOVE, _UNBILLED_ABOVE = _customers_above(), _unbilled_above()
_parent = crm_account.c.parent
_UNBILLED_PARENTS = select(_parent).where(_parent.is_not(None), ~_billed(_parent)).distinct().order_by(_parent)


class PostgresAccounts:
    """The tables ``crm_account`` and ``account_flag``, and what ``billed_deal`` says of accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def describe(self, profile: AccountProfile, seen_at: datetime) -> bool:
        """Keep what an account is; True when that is news. An older look never overwrites a newer one."""
        if self.profile(profile.ref) == profile:
            return False
        said = {
            "parent": profile.parent,
            "owner": profile.owner,
            "size": storable(profile.size),
            "country": storable(profile.country),
            "plan": storable(profile.plan),
            "seen_at": seen_at,
        }
        new = insert(crm_account).values(ref=profile.ref, **said)
        kept = new.on_conflict_do_update(
            index_elements=["ref"], set_=said, where=crm_account.c.seen_at <= new.excluded.seen_at
        )
        return self._connection.execute(kept.returning(crm_account.c.ref)).first() is not None

    def sold(self, deal: RecordRef, to: RecordRef | None, renewal: date | None) -> bool:
        """Keep whom a billed deal was sold to, where another account pays, and its renewal by a CRM field."""
        same = and_(
            billed_deal.c.sold_to.is_not_distinct_from(to), billed_deal.c.renewal_date.is_not_distinct_from(renewal)
        )
        said = update(billed_deal).where(billed_deal.c.deal == deal, ~same).values(sold_to=to, renewal_date=renewal)
        return self._connection.execute(said.returning(billed_deal.c.deal)).first() is not None

    def profile(self, account: RecordRef) -> AccountProfile | None:
        """What an account is, where a deal has said so."""
        row = self._connection.execute(select(crm_account).where(crm_account.c.ref == account)).first()
        return None if row is None else profile_of(row)

    def name(self, account: RecordRef) -> str:
        """What the account is billed as, or what pays for it is; its id where nobody knows."""
        names = select(customer.c.name).where(customer.c.ref.in_(self.customers_of(account)), customer.c.name != "")
        return self._connection.execute(names.order_by(customer.c.name).limit(1)).scalar() or account.id

    def customers_of(self, account: RecordRef) -> list[RecordRef]:
        """The customers whose look decides what the account shows: its own, or those that pay for it."""
        own = select(link.c.target).where(link.c.owner == account, link.c.role == CUSTOMER)
        pays = select(billed_deal.c.customer).where(billed_deal.c.sold_to == account)
        found = list(self._connection.execute(own).scalars()) or list(
            self._connection.execute(pays.distinct()).scalars()
        )
        return sorted(found)

    def customers_above(self, accounts: Sequence[RecordRef]) -> list[RecordRef]:
        """The customers of all accounts above any of these, however many levels up; a circle is followed once."""
        named = {"of": [str(account) for account in accounts]}
        return list(self._connection.execute(_CUSTOMERS_ABOVE, named).scalars()) if accounts else []

    def unbilled_above(self, accounts: Sequence[RecordRef]) -> list[RecordRef]:
        """All accounts above any of these that are billed nothing themselves: the holding of a group."""
        named = {"of": [str(account) for account in accounts]}
        return list(self._connection.execute(_UNBILLED_ABOVE, named).scalars()) if accounts else []

    def unbilled_parents(self) -> list[RecordRef]:
        """Every account above another one that is billed nothing itself."""
        return list(self._connection.execute(_UNBILLED_PARENTS).scalars())

    def below(self, account: RecordRef) -> list[Relative]:
        """All accounts below it that were looked at, however many levels down."""
        return read_below(self._connection, [account]).get(account, [])

    def background(self, customers: Sequence[RecordRef]) -> Mapping[RecordRef, Background]:
        """What is remembered of each of these customers, in a handful of statements for all of them."""
        return read_background(self._connection, customers)

    def keep_flags(self, flags: Sequence[Flag]) -> None:
        """Keep how accounts stand after a look at them, in order of their refs."""
        if flags:
            rows = [row_of(flag) for flag in sorted(flags, key=lambda flag: flag.account)]
            self._connection.execute(_KEEP_FLAG, rows)

    def flag(self, account: RecordRef) -> Flag | None:
        """How an account stood at the last look."""
        row = self._connection.execute(select(account_flag).where(account_flag.c.account == account)).first()
        return None if row is None else flag_of(row)
