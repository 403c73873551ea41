"""From the ledger to the values that an account's CRM records should show."""

from __future__ import annotations

from types import MappingProxyType

from connector.domain.account_facts import AccountFacts, Background
from connector.domain.account_picture import Rules, account_picture
from connector.domain.billing import BillingAccount
from connector.domain.planning import CUSTOMER
from connector.domain.refs import RecordRef
from connector.domain.write_back import Values
from connector.ports import Services, UnitOfWork
from connector.sync.keep_pictures import keep_pictures


def show_account(
    account: BillingAccount,
    work: UnitOfWork,
    rules: Rules,
    services: Services,
    *,
    and_say: Values = MappingProxyType({}),
) -> None:
    """Set what every record billed as this customer should show, and mark the CRMs for which something differs.

    ``and_say`` goes to the accounts as well: only who has just asked billing can say that all is up to date.
    """
    facts, now = facts_of(account, work), services.clock()
    picture = account_picture(facts, now.date(), rules)
    values = {**picture.values, **{owner: {**picture.values[owner], **and_say} for owner in facts.owners}}
    # In the order in which everybody locks them, so that two transactions never wait for each other crosswise.
    differing = [ref for ref in sorted(values) if work.records.desire(ref, values[ref])]
    work.ledger.assessed(account.customer.ref, now)
    keep_pictures([picture], differing, rules, work, services)


def facts_of(account: BillingAccount, work: UnitOfWork) -> AccountFacts:
    """What the store knows of one customer; ``assess_accounts`` reads the same of many at once."""
    customer = account.customer.ref
    billed_by: dict[RecordRef, list[RecordRef]] = {}
    for made in work.links.deals_of(customer):
        billed_by.setdefault(made.deal, []).append(made.target)
    owners = [key.owner for key in work.links.owners(customer) if key.role == CUSTOMER]
    return AccountFacts(account, owners, billed_by, work.accounts.background([customer]).get(customer, Background()))
