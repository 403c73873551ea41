"""What billing says now -> ledger -> payment health -> the values the CRM should show."""

from __future__ import annotations

from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.errors import NotFound, RetryLater
from connector.ports import Services
from connector.sentences.running import NEWER_ANSWER
from connector.sync.check_drafts import check_drafts
from connector.sync.look_at_held import look_at_improved
from connector.sync.rules_in_force import rules_in_force
from connector.sync.show_account import show_account


def refresh_account(ref: str, services: Services) -> None:
    """Bring one billing customer up to date, whatever and however many events asked for it.

    A customer that no CRM record was billed as is none of our business: no call is spent on it.

    Raises:
        RetryLater, NeedsHuman: from billing; RetryLater also when what billing said may be out of date already.
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
    rules = rules_in_force(services)
    with services.store.begin() as work:
        if not work.ledger.save(account, seen_at):
            # Of two answers at once, or of two machines whose clocks differ, nobody can say which is the older.
            raise RetryLater.because(NEWER_ANSWER, evidence={"retry_after": 5})
        kept = work.ledger.account(customer) if account.customer.deleted else None
        show_account(kept or account, work, rules, services, and_say={"sync_status": "billed", "sync_message": ""})
    look_at_improved(customer, services)
    check_drafts(account, services)
