"""From the ledger to the values that an account's CRM records should show."""

from __future__ import annotations

from connector import targets
from connector.domain.billing import BillingAccount
from connector.domain.planning import CUSTOMER
from connector.domain.record_values import account_values, deal_values
from connector.ports import Services, UnitOfWork


def show_account(account: BillingAccount, work: UnitOfWork, services: Services) -> None:
    """Set what every record billed as this customer should show, and mark the CRMs for which something differs."""
    customer, today, policy = account.customer.ref, services.today(), services.health_policy
    owners = sorted(key.owner for key in work.links.owners(customer) if key.role == CUSTOMER)
    values = {**account_values(account, today, policy), "sync_status": "billed", "sync_message": ""}
    changed = {owner.provider for owner in owners if work.records.desire(owner, values)}
    for billed in sorted(work.links.deals_of(customer), key=lambda billed: billed.deal):
        if work.records.desire(billed.deal, deal_values(account, billed.target, today, policy)):
            changed.add(billed.deal.provider)
    work.ledger.assessed(customer, services.clock())
    for crm in sorted(changed & services.crms.keys()):
        work.targets.mark_dirty(targets.for_crm(crm))
