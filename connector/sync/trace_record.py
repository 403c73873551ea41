"""An event about a payment, dispute or refund names no customer: find whose it is, and refresh that account."""

from __future__ import annotations

from connector import targets
from connector.domain.refs import RecordRef
from connector.errors import NotFound
from connector.ports import Services
from connector.targets import TargetKind


def trace_record(ref: str, services: Services) -> None:
    """Mark the account behind a billing record; a record that belongs to no customer asks for nothing.

    Raises:
        RetryLater, NeedsHuman: from billing.
    """
    record = RecordRef.parse(ref)
    with services.store.begin() as work:
        customer = work.ledger.customer_of(record)
    if customer is None:
        try:
            customer = services.billing.customer_of(record)
        except NotFound:
            return
    if customer is None:
        return
    with services.store.begin() as work:
        work.targets.mark_dirty(targets.for_record(TargetKind.ACCOUNT, customer))
