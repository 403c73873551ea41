"""From the ledger to the values that an account's CRM records should show."""

from __future__ import annotations

from types import MappingProxyType

from connector import targets
from connector.domain.billing import BillingAccount
from connector.domain.planning import CUSTOMER
from connector.domain.record_values import account_values, deal_values
from connector.domain.refs import RecordRef
from connector.domain.write_back import Values
from connector.ports import Services, UnitOfWork


def show_account(
    account: BillingAccount, work: UnitOfWork, services: Services, *, and_say: Values = MappingProxyType({})
) -> None:
    """Set what every record billed as this customer should show, and mark the CRMs for which something differs.

    ``and_say`` goes to the accounts as well: only who has just asked billing can say that all is up to date.
    """
    customer, today, policy = account.customer.ref, services.today(), services.health_policy
    owners = [key.owner for key in work.links.owners(customer) if key.role == CUSTOMER]
    of_account = {**account_values(account, today, policy), **and_say}
    values: dict[RecordRef, Values] = dict.fromkeys(owners, of_account)
    billed: dict[RecordRef, list[RecordRef]] = {}
    for made in work.links.deals_of(customer):
        billed.setdefault(made.deal, []).append(made.target)
    for deal, billed_by in billed.items():
        values[deal] = deal_values(account, deal, billed_by, today, policy)
    # In the order in which everybody locks them, so that two transactions never wait for each other crosswise.
    changed = {ref.provider for ref in sorted(values) if work.records.desire(ref, values[ref])}
    work.ledger.assessed(customer, services.clock())
    work.targets.mark_all(targets.for_crm(crm) for crm in changed & services.crms.keys())
