"""Rows of ``mrr_change``: kept whenever an account is saved, so that revenue can be told for any past day."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from connector.domain.billing import BillingAccount
from connector.domain.mrr_history import MrrChange, mrr_changes
from connector.store.health_tables import mrr_change

_COLUMNS = [mrr_change.c[name] for name in ("subscription", "at", "customer", "currency", "mrr")]
_LAST = (
    select(*_COLUMNS)
    .ext(distinct_on(mrr_change.c.subscription))
    .where(mrr_change.c.customer == bindparam("of"))
    .order_by(mrr_change.c.subscription, mrr_change.c.at.desc())
)
_NEW = insert(mrr_change)
_NOTE = _NEW.on_conflict_do_update(index_elements=["subscription", "at"], set_={"mrr": _NEW.excluded.mrr})


def note(connection: Connection, account: BillingAccount, seen_at: datetime) -> None:
    """Note what changed since the account was seen last. Its customer's row is locked, so nobody else notes it now."""
    rows = connection.execute(_LAST, {"of": account.customer.ref})
    last = {row.subscription: MrrChange(*row) for row in rows}
    changes = mrr_changes(account, last, seen_at)
    if changes:
        connection.execute(
            _NOTE,
            [
                {
                    "subscription": each.subscription,
                    "at": each.at,
                    "customer": each.customer,
                    "currency": each.currency,
                    "mrr": each.mrr,
                }
                for each in changes
            ],
        )
