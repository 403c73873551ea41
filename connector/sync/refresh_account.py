"""What billing says now -> ledger -> payment health -> the values the CRM should show."""

from __future__ import annotations

from connector import targets
from connector.domain.planning import CUSTOMER
from connector.domain.record_values import account_values, deal_values
from connector.domain.refs import RecordRef
from connector.errors import NotFound
from connector.ports import Services


def refresh_account(ref: str, services: Services) -> None:
    """Bring one billing customer up to date, whatever and however many events asked for it.

    A customer that no CRM record was billed as is none of our business: no call is spent on it.

    Raises:
        RetryLater, NeedsHuman: from billing.
    """
    customer = RecordRef.parse(ref)
    with services.store.begin() as work:
        owners = [key.owner for key in work.links.owners(customer) if key.role == CUSTOMER]
        deals = work.links.deals_of(customer)
    if not owners:
        return
    seen_at = services.clock()
    try:
        account = services.billing.account(customer)
    except NotFound:
        return  # billing has forgotten the customer altogether; the ledger keeps what it knew
    today, policy = services.today(), services.health_policy
    values = account_values(account, today, policy)
    with services.store.begin() as work:
        work.ledger.save(account, seen_at)
        work.ledger.assessed(customer, seen_at)
        changed = {
            owner.provider
            for owner in sorted(owners)
            if work.records.desire(owner, {**values, "sync_status": "billed", "sync_message": ""})
        }
        changed |= {
            billed.deal.provider
            for billed in sorted(deals, key=lambda billed: billed.deal)
            if work.records.desire(billed.deal, deal_values(account, billed.target, today, policy))
        }
        for crm in sorted(changed & services.crms.keys()):
            work.targets.mark_dirty(targets.for_crm(crm))
