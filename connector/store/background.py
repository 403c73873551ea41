"""What is remembered of billing customers beside their ledger, read of many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    ARRAY,
    Connection,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    exists,
    func,
    literal,
    select,
    tuple_,
    type_coerce,
)

from connector.domain.account_facts import Background
from connector.domain.account_profile import AccountProfile
from connector.domain.health_override import Override
from connector.domain.health_word import Health
from connector.domain.planning import CUSTOMER
from connector.domain.promise import Promise
from connector.domain.refs import RecordRef
from connector.domain.renewal_flag import Flag
from connector.domain.roll_up import Relative
from connector.store.flag_rows import flag_of
from connector.store.health_tables import account_flag, crm_account, flagged_deal, health_override, promise
from connector.store.tables import billed_deal, customer, link

DEEPEST = 10
"""Levels of a group that are followed; more are a circle, or a mistake."""


def among(column: Any) -> Any:
    """One of those given as ``of``: one array, however many they are."""
    return type_coerce(column, Text) == any_(bindparam("of", type_=ARRAY(Text)))


def _below() -> Select[Any]:
    """Every account below each of those given, with its own word and the name it is billed by."""
    root = select(crm_account.c.parent.label("root"), crm_account.c.ref.label("ref"), literal(1).label("level")).where(
        among(crm_account.c.parent)
    )
    tree = root.cte("tree", recursive=True)
    tree = tree.union(
        select(tree.c.root, crm_account.c.ref, tree.c.level + 1)
        .join(crm_account, crm_account.c.parent == tree.c.ref)
        .where(tree.c.level < DEEPEST)
    )
    billed = (
        select(func.min(customer.c.name))
        .join(link, link.c.target == customer.c.ref)
        .where(link.c.owner == tree.c.ref, link.c.role == CUSTOMER)
        .scalar_subquery()
    )
    return (
        select(tree.c.root, tree.c.ref, account_flag.c.own_word, account_flag.c.own_reason, billed.label("name"))
        .join(account_flag, account_flag.c.account == tree.c.ref)
        .where(tree.c.ref != tree.c.root)
        .distinct()
        .order_by(tree.c.root, tree.c.ref)
    )


_own = link.alias()
_HAS_ITS_OWN = exists().where(_own.c.owner == billed_deal.c.sold_to, _own.c.role == CUSTOMER)
_later = billed_deal.alias()
# Of several payers the last one tells, or the account would show whoever was looked at last.
_SOMEBODY_PAYS_SINCE = exists().where(
    _later.c.sold_to == billed_deal.c.sold_to,
    _later.c.customer != billed_deal.c.customer,
    tuple_(_later.c.since, _later.c.deal) > tuple_(billed_deal.c.since, billed_deal.c.deal),
)

# Built once and only filled in.
_OWNERS = select(link.c.target, link.c.owner).where(among(link.c.target), link.c.role == CUSTOMER)
_DEALS = select(
    billed_deal.c.customer,
    billed_deal.c.deal,
    billed_deal.c.account,
    billed_deal.c.sold_to,
    billed_deal.c.renewal_date,
    and_(billed_deal.c.sold_to.is_not(None), ~_HAS_ITS_OWN, ~_SOMEBODY_PAYS_SINCE).label("paid_for"),
).where(among(billed_deal.c.customer))
_PROMISES = select(promise).where(among(promise.c.customer), promise.c.withdrawn_at.is_(None)).order_by(promise.c.id)
_PROFILES = select(crm_account).where(among(crm_account.c.ref))
_OVERRIDES = (
    select(health_override)
    .where(among(health_override.c.account), health_override.c.ended_at.is_(None))
    .order_by(health_override.c.id)
)
_FLAGS = select(account_flag).where(among(account_flag.c.account))
_FLAGGED = (
    select(flagged_deal.c.account, flagged_deal.c.deal)
    .where(among(flagged_deal.c.account), flagged_deal.c.cleared_at.is_(None))
    .order_by(flagged_deal.c.deal)
)
_BELOW = _below()


def read_background(connection: Connection, customers: Sequence[RecordRef]) -> dict[RecordRef, Background]:
    """Each customer's Background, in a handful of statements for all of them."""

    def rows(query: Select[Any], refs: Iterable[RecordRef]) -> Any:
        return connection.execute(query, {"of": [str(ref) for ref in refs]})

    accounts: dict[RecordRef, set[RecordRef]] = {each: set() for each in customers}
    for of, owner in rows(_OWNERS, customers):
        accounts[of].add(owner)
    sold_to: dict[RecordRef, dict[RecordRef, RecordRef]] = defaultdict(dict)
    renewals: dict[RecordRef, dict[RecordRef, date]] = defaultdict(dict)
    paid_for: dict[RecordRef, set[RecordRef]] = defaultdict(set)
    for row in rows(_DEALS, customers):
        sold_to[row.customer][row.deal] = row.sold_to or row.account
        if row.renewal_date is not None:
            renewals[row.customer][row.deal] = row.renewal_date
        if row.paid_for:
            paid_for[row.customer].add(row.sold_to)
            accounts[row.customer].add(row.sold_to)
    promises: dict[RecordRef, list[Promise]] = defaultdict(list)
    for row in rows(_PROMISES, customers):
        promises[row.customer].append(promise_of(row))
    every = sorted(set().union(*accounts.values()))
    profiles = {row.ref: profile_of(row) for row in rows(_PROFILES, every)}
    overrides: dict[RecordRef, list[Override]] = defaultdict(list)
    for row in rows(_OVERRIDES, every):
        overrides[row.account].append(override_of(row))
    flags: dict[RecordRef, Flag] = {row.account: flag_of(row) for row in rows(_FLAGS, every)}
    flagged: dict[RecordRef, list[RecordRef]] = defaultdict(list)
    for account, deal in rows(_FLAGGED, every):
        flagged[account].append(deal)
    below = read_below(connection, every)
    return {
        each: Background(
            sold_to=sold_to.get(each, {}),
            crm_renewals=renewals.get(each, {}),
            paid_for=sorted(paid_for.get(each, ())),
            profiles={ref: profiles[ref] for ref in of if ref in profiles},
            overrides=[said for ref in sorted(of) for said in overrides.get(ref, ())],
            promises=promises.get(each, ()),
            below={ref: below[ref] for ref in of if ref in below},
            before={ref: flags[ref] for ref in of if ref in flags},
            flagged_deals={ref: flagged[ref] for ref in of if ref in flagged},
        )
        for each, of in accounts.items()
    }


def read_below(connection: Connection, accounts: Sequence[RecordRef]) -> dict[RecordRef, list[Relative]]:
    """All accounts below each of these that were looked at; those with nobody below them are left out."""
    below: dict[RecordRef, list[Relative]] = defaultdict(list)
    for root, ref, word, reason, name in connection.execute(_BELOW, {"of": [str(each) for each in accounts]}):
        below[root].append(Relative(ref, name or ref.id, Health(word), reason))
    return below


def profile_of(row: Any) -> AccountProfile:
    """What a row of ``crm_account`` says."""
    return AccountProfile(row.ref, row.parent, row.owner, row.size, row.country, row.plan)


def override_of(row: Any) -> Override:
    """What a row of ``health_override`` says."""
    word = Health(row.word)
    return Override(row.id, row.account, word, row.set_by, row.why, row.set_at, row.until, row.ended_at)


def promise_of(row: Any) -> Promise:
    """What a row of ``promise`` says."""
    return Promise(
        id=row.id,
        customer=row.customer,
        invoice=row.invoice,
        amount=row.amount,
        currency=row.currency,
        promised_for=row.promised_for,
        noted_at=row.noted_at,
        withdrawn_at=row.withdrawn_at,
        noted_by=row.noted_by,
        note=row.note,
    )
