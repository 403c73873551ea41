"""What billing says now -> ledger -> payment health -> the values the CRM should show."""

from __future__ import annotations

from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.errors import NotFound
from connector.ports import Services
from connector.sync.show_account import show_account


def refresh_account(ref: str, services: Services) -> None:
    """Bring one billing customer up to date, whatever and however many events asked for it.

    A customer that no CRM record was billed as is none of our business: no call is spent on it.

    Raises:
        RetryLater, NeedsHuman: from billing.
    """
    customer = RecordRef.parse(ref)
    with services.store.begin() as work:
        ours = any(key.role == CUSTOMER for key in work.links.owners(customer))
    if not ours:
        return
    seen_at = services.clock()
    try:
        account = services.billing.account(customer)
    except NotFound:
        return  # billing has forgotten the customer altogether; the ledger keeps what it knew
    with services.store.begin() as work:
        work.ledger.save(account, seen_at)
        show_account(account, work, services, and_say={"sync_status": "billed", "sync_message": ""})
